//! Edges of the inputs beside the detectors.

use super::*;
use helio_bench::{ClockInput, SlotClockMode};
use helio_wire::Configure;

fn desk(slot_clock: SlotClockMode) -> Desk<Active> {
    let mut desk = Desk::active();
    let configure = Configure { slot_clock, ..configure() };
    desk.step(&[HostMessage::Configure(configure), HostMessage::Start { epoch: 1, slots: 0 }]);
    desk
}

/// Edges of an input and how many are said to be lost; each batch lies behind the one before, and
/// those of SYNC IN before the tags that reach as far.
fn edges_of(said: &[Said], input: ClockInput) -> (Vec<Ticks>, u64) {
    let (mut edges, mut lost, mut reached) = (Vec::new(), 0, Ticks(0));
    for said in said {
        match said {
            Said::Clock(of, before, batch) if *of == input => {
                lost += u64::from(*before);
                let late = batch.iter().filter(|tick| **tick < reached).count();
                assert!(input == ClockInput::RefIn || late == 0, "{late} behind {reached:?}");
                edges.extend(batch);
            }
            Said::Tags(_, _, until) => reached = *until,
            _ => {}
        }
    }
    assert!(edges.is_sorted());
    (edges, lost)
}

/// All edges come, and tags are tags.
fn check<V: crate::Receiver>(
    mut desk: Desk<V>,
    mode: SlotClockMode,
    source: fn(&mut Bob<FakeEdges, V>) -> &mut FakeEdges,
) {
    let configure = Configure { slot_clock: mode, ..configure() };
    let start = [HostMessage::Configure(configure), HostMessage::Start { epoch: 1, slots: 0 }];
    desk.turn(&start, source);
    for _ in 0..100 {
        desk.turn(&[], source);
    }
    desk.turn(&[HostMessage::Stop], source);
    desk.turn(&[], source);
    let (edges, lost) = edges_of(&desk.said, ClockInput::SyncIn);
    assert_eq!(lost, 0);
    assert!(edges.len() > 3_000, "{}", edges.len());
    assert_eq!(edges, desk.pulses[..edges.len()]);
    let (tags, gaps) = tag_stream(&desk.said);
    assert_eq!(gaps, []);
    assert!(tags.len() > 1_900);
    assert!(desk.clicks.starts_with(&tags));
    assert!(tags.iter().all(|tag| tag.channel < 2));
}

#[test]
fn sync_edges_come_where_the_slots_do_not_follow_them() {
    check(Desk::active(), SlotClockMode::Steered, super::edges_of);
    let passive = Desk::new(Bob::passive(identity(), FakeEdges::new(2)));
    check(passive, SlotClockMode::Free, Bob::edges_mut);
    let mut desk = desk(SlotClockMode::Sync);
    desk.run(100);
    assert_eq!(edges_of(&desk.said, ClockInput::SyncIn), (Vec::new(), 0));
}

#[test]
fn a_reference_comes_in_every_mode() {
    for mode in [SlotClockMode::Sync, SlotClockMode::Steered] {
        let mut desk = desk(mode);
        let mut given = Vec::new();
        for n in 0..50 {
            let edge = Ticks(desk.now + 7 * n);
            desk.bob.parts_mut().edges.references.push_back(edge);
            given.push(edge);
            desk.step(&[]);
        }
        desk.bob.parts_mut().edges.references_lost = 9;
        desk.run(6);
        let last = Ticks(desk.now);
        desk.bob.parts_mut().edges.references.push_back(last);
        given.push(last);
        desk.run(6);
        assert_eq!(edges_of(&desk.said, ClockInput::RefIn), (given, 9));
    }
}

#[test]
fn what_is_over_the_budget_is_counted() {
    let mut desk = desk(SlotClockMode::Sync);
    let mut given = 0;
    for _ in 0..100 {
        for n in 0..500 {
            desk.bob.parts_mut().edges.references.push_back(Ticks(desk.now + n));
            given += 1;
        }
        desk.step(&[]);
    }
    desk.run(10);
    let (edges, lost) = edges_of(&desk.said, ClockInput::RefIn);
    assert!((300..=400).contains(&edges.len()), "{} in 100 ms", edges.len());
    assert_eq!(edges.len() as u64 + lost, given);
}

#[test]
fn what_finds_no_room_is_counted_and_takes_no_room_from_tags() {
    let mut desk = desk(SlotClockMode::Steered);
    let first = desk.pulses.len();
    desk.clicks_a_ms = 400;
    desk.cable.capacity = CONTROL_HEADROOM + 2 * MAX_FRAME;
    let mut references = 0;
    for n in 0..400 {
        desk.reads = n % 40 < 25;
        desk.bob.parts_mut().edges.references.push_back(Ticks(desk.now));
        references += 1;
        desk.step(&[]);
    }
    desk.reads = true;
    desk.read();
    desk.run(20);
    let (edges, lost) = edges_of(&desk.said, ClockInput::SyncIn);
    assert!(lost > 1_000 && edges.len() > 5_000, "{lost} lost, {} not", edges.len());
    let last = edges.last().unwrap();
    let seen = desk.pulses[first..].iter().filter(|tick| *tick <= last).count();
    assert_eq!(edges.len() as u64 + lost, seen as u64);
    let (edges, lost) = edges_of(&desk.said, ClockInput::RefIn);
    assert_eq!(edges.len() as u64 + lost, references);
    assert!(lost > 0);
}
