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
fn edges_within_the_dead_time_are_counted() {
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
