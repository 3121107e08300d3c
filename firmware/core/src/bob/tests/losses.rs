//! What is lost is said.

use super::*;
use helio_bench::TripCause;

#[test]
fn what_the_hardware_loses_is_a_gap_in_its_place() {
    let mut desk = Desk::active();
    desk.start(0);
    desk.run(30);
    let loss = Loss { from: Ticks(desk.now - MS / 2), to: Ticks(desk.now - MS / 4), lost: 17 };
    desk.bob.parts_mut().edges.loss = Some(loss);
    desk.run(30);
    // One that is not over yet.
    let longer = Loss { from: Ticks(desk.now - MS / 2), to: Ticks(desk.now + 9 * MS), lost: 5 };
    desk.bob.parts_mut().edges.loss = Some(longer);
    desk.run(30);
    let (edges, gaps) = tag_stream(&desk.said);
    assert_eq!(gaps, [loss, longer]);
    let counters = desk.bob.counters();
    assert!(counters.lost_edges >= 22);
    assert_eq!(edges.len() as u64 + counters.lost_edges, counters.edges - unsent(&desk, &edges));
}

/// Edges that wait in the device for their frame.
fn unsent(desk: &Desk<Active>, edges: &[Edge]) -> u64 {
    let last = edges.last().unwrap().tick;
    let drained = Ticks(desk.now - MS);
    desk.clicks.iter().filter(|e| e.tick > last && e.tick < drained).count() as u64
}

#[test]
fn no_tag_is_lost_without_a_gap_when_the_cable_is_full() {
    let mut desk = Desk::active();
    desk.clicks_a_ms = 400;
    desk.cable.capacity = CONTROL_HEADROOM + 2 * MAX_FRAME;
    desk.start(0);
    for n in 0..400 {
        // The host reads for a while, then not for a while.
        desk.reads = n % 40 < 25;
        desk.step(&[]);
    }
    desk.read();
    desk.reads = true;
    desk.run(20);
    let (edges, gaps) = tag_stream(&desk.said);
    assert!(gaps.len() >= 5, "{} gaps", gaps.len());
    let until = edges.last().unwrap().tick;
    let in_gap = |e: &Edge| gaps.iter().any(|g| e.tick >= g.from && e.tick < g.to);
    let start = Ticks(2 * MS);
    let expected: Vec<Edge> = desk
        .clicks
        .iter()
        .copied()
        .filter(|e| e.tick >= start && e.tick <= until && !in_gap(e))
        .collect();
    let whole: Vec<Edge> =
        edges.iter().copied().filter(|e| e.tick >= start && !in_gap(e)).collect();
    assert_eq!(whole, expected);
    let lost: u64 = gaps.iter().map(|g| g.lost).sum();
    assert_eq!(lost, desk.bob.counters().lost_edges);
    // After each gap the slots have numbers again.
    for pair in gaps.windows(2) {
        let marks = desk.marks();
        assert!(marks.iter().any(|m| m.start.floor() > pair[0].from));
    }
}

#[test]
fn darkness_loses_lock_and_no_slot_gets_two_settings() {
    let mut desk = Desk::active();
    desk.start(0);
    desk.run(60);
    desk.light = false;
    desk.run(20);
    let lost = desk.said.iter().filter(|s| matches!(s, Said::LockLost(_))).count();
    assert_eq!((lost, desk.bob.counters().lock_losses), (1, 1));
    assert!(!desk.bob.parts_mut().player.running);
    assert!(!desk.bob.counters().locked);
    desk.light = true;
    desk.run(100);
    assert!(desk.bob.counters().locked);
    let mark = *desk.marks().last().unwrap();
    assert!((ticks(mark.start) - truth(mark.slot.0)).abs() < 0.5);
    let mut next = 0;
    for said in &desk.said {
        if let Said::Settings(first, codes) = said {
            assert!(first.0 >= next, "slot {} has two settings", first.0);
            next = first.0 + codes.len() as u64;
        }
    }
    tag_stream(&desk.said);
}

/// On a cable that takes nothing, the word of the loss waits; so does the next lock, whose settings and
/// marks would come before it or in its place.
#[test]
fn a_loss_of_lock_is_told_before_all_that_belongs_to_the_next_lock() {
    let mut desk = Desk::active();
    desk.start(0);
    desk.run(60);
    let before = desk.marks().len();
    (desk.light, desk.reads) = (false, false);
    desk.cable.capacity = CONTROL_HEADROOM;
    desk.run(60);
    assert_eq!(desk.bob.counters().lock_losses, 1);
    desk.light = true;
    desk.run(100);
    assert!(!desk.bob.counters().locked, "the host has not heard of the loss");
    let told = desk.said.len();
    desk.reads = true;
    desk.cable.capacity = 1 << 20;
    desk.run(100);
    assert!(desk.bob.counters().locked);
    let lost: Vec<usize> =
        (0..desk.said.len()).filter(|at| matches!(desk.said[*at], Said::LockLost(_))).collect();
    let [lost] = lost[..] else { panic!("told at {lost:?}") };
    assert!(lost >= told && before > 0);
    let Said::LockLost(tick) = desk.said[lost] else { unreachable!() };
    for (at, said) in desk.said.iter().enumerate() {
        match said {
            Said::Mark(timing) => assert_eq!(at > lost, timing.start.floor() > tick, "{timing:?}"),
            Said::Settings(first, _) if at < lost => {
                assert!(truth(first.0) < (tick.0 + 10 * MS) as f64, "settings of {first:?}");
            }
            _ => {}
        }
    }
    assert!(desk.marks().iter().any(|timing| timing.start.floor() > tick));
    tag_stream(&desk.said);
}

#[test]
fn starvation_and_random_faults_end_the_run() {
    for random in [true, false] {
        let mut desk = Desk::active();
        desk.start(0);
        desk.run(60);
        let parts = desk.bob.parts_mut();
        if random {
            parts.random.faulty = true;
        } else {
            parts.player.starved += 1;
        }
        desk.run(3);
        let cause = if random { TripCause::RandomFault } else { TripCause::PlayerFault };
        assert_eq!(desk.bob.interlock(), InterlockState::Tripped(cause));
        assert!(!desk.bob.parts_mut().player.running);
    }
}
