//! Slot clocks that do not follow sync pulses, and detectors' dead times.

use super::*;
use crate::PassiveReceiver;
use helio_bench::SlotClockMode;
use helio_wire::{Configure, ErrorCode};

fn timing(slot: u64, start: u64) -> SlotTiming {
    let period = FineTicks::from_ticks(Ticks(30));
    SlotTiming { slot: SlotIndex(slot), start: FineTicks::from_ticks(Ticks(start)), period }
}

fn marks<V>(desk: &Desk<V>) -> Vec<SlotTiming> {
    let marks = desk.said.iter().filter_map(|said| match said {
        Said::Mark(timing) => Some(*timing),
        _ => None,
    });
    marks.collect()
}

#[test]
fn a_host_steers_the_slot_clock_and_settings_begin_with_it() {
    let mut desk = Desk::active();
    let steered = Configure { slot_clock: SlotClockMode::Steered, ..configure() };
    desk.step(&[HostMessage::Configure(steered), HostMessage::Start { epoch: 1, slots: 0 }]);
    desk.run(20);
    assert_eq!(marks(&desk), [], "sync pulses say nothing");
    let (first, later) = (desk.now + 5 * MS, desk.now + 20 * MS);
    let (first, later) = (timing(640, first), timing(640 + 15 * MS / 30, later + 3));
    desk.step(&[HostMessage::SetSlotClock(first)]);
    desk.step(&[HostMessage::SetSlotClock(later)]);
    desk.run(30);
    assert_eq!(marks(&desk), [first, later]);
    assert_eq!(desk.bob.parts_mut().clock.steered, [first, later]);
    assert_eq!(desk.bob.parts_mut().player.first, SlotIndex(640));
    let late = desk.now - MS;
    desk.step(&[HostMessage::SetSlotClock(timing(1 << 40, late))]);
    desk.run(2);
    let refused = |said: &Said| matches!(said, Said::Error(_, ErrorCode::TooLate, 0));
    assert_eq!(desk.said.iter().filter(|said| refused(said)).count(), 1);
}

#[test]
fn a_clock_is_not_steered_without_its_mark() {
    let mut desk = Desk::active();
    let steered = Configure { slot_clock: SlotClockMode::Steered, ..configure() };
    desk.step(&[HostMessage::Configure(steered), HostMessage::Start { epoch: 1, slots: 0 }]);
    desk.run(20);
    let begin = desk.now;
    let asked: Vec<_> =
        (1..=5).map(|n| timing(640 + n * 10 * MS / 30, begin + 10 * n * MS)).collect();
    for timing in &asked {
        desk.step(&[HostMessage::SetSlotClock(*timing)]);
    }
    desk.run(60);
    let full = |said: &&Said| matches!(said, Said::Error(_, ErrorCode::Full, 0));
    assert_eq!(desk.said.iter().filter(full).count(), 1);
    assert_eq!(marks(&desk), asked[..4]);
    assert_eq!(desk.bob.parts_mut().clock.steered, asked[..4]);
}

/// More than a quarter of a slot is another numbering: the lock is lost before it, and what was played
/// by the old one is closed first.
#[test]
fn an_order_that_moves_the_slots_loses_the_lock_first() {
    let steered = Configure { slot_clock: SlotClockMode::Steered, ..configure() };
    let period = 30;
    // Slots ahead of the first order's, ticks that it is moved by; whether locked and lost then.
    for (slots, moved, locked, losses) in [
        (64_000, 7, true, 0),
        (64_000, -7, true, 0),
        (64_000, 8, true, 1),
        (64_000, -9, true, 1),
        (128_000, -64_000 * period, true, 1),
        // Slots that had a setting get no other: refused, and the lock is lost all the same.
        (640, 20 * MS as i64, false, 1),
        // This clock takes what is too far for others.
        (u64::MAX / 2, 0, true, 1),
    ] {
        let mut desk = Desk::active();
        desk.step(&[HostMessage::Configure(steered), HostMessage::Start { epoch: 1, slots: 0 }]);
        desk.run(5);
        let first = timing(640, desk.now + 2 * MS);
        desk.step(&[HostMessage::SetSlotClock(first)]);
        desk.run(7);
        let at = i128::from(slots) * i128::from(period) + i128::from(moved);
        let start = first.start.0 + (at << 32);
        let far = FineTicks::from_ticks(Ticks(u64::MAX));
        let start = FineTicks(start).min(far);
        let order = SlotTiming { slot: SlotIndex(640 + slots), start, ..first };
        desk.step(&[HostMessage::SetSlotClock(order)]);
        desk.run(1);
        let counters = desk.bob.counters();
        assert_eq!((counters.locked, counters.lock_losses), (locked, losses), "{slots} {moved}");
        desk.run(30);
        assert!(desk.bob.is_running());
        let said = |what: fn(&Said) -> bool| desk.said.iter().position(what);
        assert_eq!(said(|s| matches!(s, Said::LockLost(_))).is_some(), losses == 1);
        let mut next = 0;
        for said in &desk.said {
            if let Said::Settings(first, codes) = said {
                assert!(first.0 >= next, "slot {} has two settings", first.0);
                next = first.0 + codes.len() as u64;
            }
        }
        if losses == 1 && locked && slots < 1 << 32 {
            let last = |what: fn(&Said) -> bool| desk.said.iter().rposition(what);
            let mark = last(|s| matches!(s, Said::Mark(_)));
            assert!(mark > said(|s| matches!(s, Said::LockLost(_))), "lost, then numbered anew");
            assert_eq!(desk.bob.parts_mut().player.first, order.slot);
        }
        tag_stream(&desk.said);
    }
}

/// There are no settings that would tell where its run ends.
#[test]
fn a_steered_receiver_without_settings_ends_where_its_clock_is() {
    let mut desk = Desk::new(Bob::passive(identity(), FakeEdges::new(4)));
    let steered = Configure { slot_clock: SlotClockMode::Steered, ..configure() };
    let limit = 640 + 64_000;
    // Stopped while it has its clock, and 40 ms after it has lost it; by the end that was asked for.
    for (slots, turns, ended_by) in [(0, 50, 52), (0, 300, 249), (limit, 50, 0)] {
        let start = HostMessage::Start { epoch: 1 + slots as u16 + turns, slots };
        desk.turn(&[HostMessage::Configure(steered), start], Bob::edges_mut);
        let first = timing(640, desk.now + 3 * MS);
        desk.turn(&[HostMessage::SetSlotClock(first)], Bob::edges_mut);
        let ordered = desk.now;
        for _ in 0..turns {
            desk.turn(&[], Bob::<FakeEdges, PassiveReceiver>::edges_mut);
        }
        if slots == 0 {
            desk.turn(&[HostMessage::Stop], Bob::edges_mut);
            desk.turn(&[], Bob::edges_mut);
        }
        let stopped = desk.said.iter().rev().find_map(|said| match said {
            Said::Stopped(end, _) => Some(end.0),
            _ => None,
        });
        let end = stopped.expect("it has ended");
        if slots > 0 {
            assert_eq!(end, slots);
            continue;
        }
        let begins = first.start_of(SlotIndex(end)).floor().0;
        let expected = ordered + ended_by * MS;
        assert!(begins.abs_diff(expected) <= 3 * MS, "slot {end} at {begins}, not {expected}");
    }
}

#[test]
fn a_free_running_receiver_tags_and_numbers_nothing() {
    let mut desk = Desk::new(Bob::passive(identity(), FakeEdges::new(4)));
    let free = Configure { slot_clock: SlotClockMode::Free, ..configure() };
    let start = [HostMessage::Configure(free), HostMessage::Start { epoch: 1, slots: 0 }];
    desk.turn(&start, Bob::edges_mut);
    for _ in 0..300 {
        desk.turn(&[], Bob::<FakeEdges, PassiveReceiver>::edges_mut);
    }
    assert_eq!(marks(&desk), []);
    assert!(!desk.bob.counters().locked && desk.bob.counters().edges > 1000);
    let steer = timing(0, desk.now + 5 * MS);
    desk.turn(&[HostMessage::SetSlotClock(steer)], Bob::edges_mut);
    desk.turn(&[], Bob::edges_mut);
    let refused = |said: &Said| matches!(said, Said::Error(_, ErrorCode::WrongState, 0));
    assert!(desk.said.iter().any(refused));
}

#[test]
fn edges_within_the_dead_time_are_counted_and_marked() {
    let mut desk = Desk::active();
    // `detector.dead_time.1`, of 1000 ticks.
    let set = HostMessage::Set { index: 16, value: 1000, from: Ticks(0) };
    desk.clicks_a_ms = 0;
    desk.step(&[set]);
    desk.start(0);
    let base = desk.now + MS;
    for (after, channel) in [(0, 1), (500, 0), (999, 1), (999, 0), (1999, 1), (2998, 1)] {
        let edge = Edge { tick: Ticks(base + after), channel };
        desk.bob.parts_mut().edges.queue.push_back(edge);
    }
    desk.bob.parts_mut().edges.reached = Ticks(base + MS);
    desk.light = false;
    desk.run(10);
    assert_eq!(desk.bob.counters().early_edges, 2, "999 after the first, 999 after the third");
    assert_eq!((desk.host.early, desk.bob.counters().edges), (2, 6));
}

#[test]
fn a_gate_goes_to_the_player_and_closes_with_it() {
    let gate = Some(helio_bench::GateWindow { start: 12, width: 9 });
    let mut desk = Desk::active();
    desk.step(&[HostMessage::Hello, HostMessage::Configure(Configure { gate, ..configure() })]);
    let Some(Said::Hello(_, _, capabilities, _)) = desk.said.first() else {
        panic!("{:?}", desk.said.first());
    };
    assert!(capabilities.has(Capabilities::GATES));
    assert_eq!(desk.bob.parts_mut().player.gate, gate);
    desk.step(&[HostMessage::Start { epoch: 1, slots: 0 }]);
    desk.run(60);
    assert!(desk.bob.parts_mut().player.running && desk.bob.counters().locked);
    // The link is cut: a train that is halted is a gate that is closed.
    desk.bob.signal(crate::Event::LinkReset);
    desk.step(&[]);
    let player = desk.bob.parts_mut().player;
    assert!(!player.running && player.gate == gate);
    desk.step(&[
        HostMessage::Clear { cause: helio_bench::TripCause::LinkReset },
        HostMessage::Configure(configure()),
    ]);
    assert_eq!(desk.bob.parts_mut().player.gate, None);
}

#[test]
fn a_host_that_steers_no_more_has_lost_the_lock() {
    let gate = Some(helio_bench::GateWindow { start: 12, width: 9 });
    let steered = Configure { slot_clock: SlotClockMode::Steered, gate, ..configure() };
    let mut desk = Desk::active();
    desk.step(&[HostMessage::Configure(steered), HostMessage::Start { epoch: 1, slots: 0 }]);
    desk.run(300);
    assert_eq!(desk.bob.counters().lock_losses, 0, "what was never had is not lost");
    // Steered in time, and once more: the deadline counts from the last order.
    for ms in [5, 205] {
        let start = desk.now + 5 * MS;
        let slot = 640 + ms / 200 * 200 * MS / 30;
        desk.step(&[HostMessage::SetSlotClock(timing(slot, start))]);
        desk.run(199);
    }
    let ordered_at = desk.now - 200 * MS;
    while desk.bob.counters().locked {
        assert!(desk.bob.parts_mut().player.running);
        desk.run(1);
    }
    let lost = desk.said.iter().find_map(|said| match said {
        Said::LockLost(tick) => Some(tick.0),
        _ => None,
    });
    let late = lost.unwrap() - ordered_at;
    assert!((249 * MS..=251 * MS).contains(&late), "{late} ticks after the last order");
    assert!(!desk.bob.parts_mut().player.running, "the gate is closed");
    assert_eq!(desk.bob.counters().lock_losses, 1);
    assert!(desk.bob.is_running());

    // The next order begins slots that had no setting yet, and none that had one.
    let had = desk.said.iter().filter_map(|said| match said {
        Said::Settings(first, codes) => Some(first.0 + codes.len() as u64),
        _ => None,
    });
    let next = had.max().unwrap();
    let marks_before = marks(&desk).len();
    let start = desk.now + 5 * MS;
    desk.step(&[HostMessage::SetSlotClock(timing(64, start))]);
    desk.run(1);
    assert!(!desk.bob.counters().locked, "slots with a setting do not get another");
    let slot = (next / 64 + 100) * 64;
    let start = desk.now + 5 * MS;
    desk.step(&[HostMessage::SetSlotClock(timing(slot, start))]);
    desk.run(20);
    assert!(desk.bob.counters().locked && desk.bob.parts_mut().player.running);
    assert_eq!(desk.bob.parts_mut().player.first, SlotIndex(slot));
    assert_eq!(marks(&desk).len(), marks_before + 1);
}
