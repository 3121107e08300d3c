//! Bob's slot clock steered by his host, on the bench in the process: what it numbers is what a device
//! that follows sync pulses by itself numbers, and a break of the sync light is a gap.

#[path = "../../virt/tests/common/mod.rs"]
mod common;

use common::{Collected, Host, configure, run_hosts};
use helio_bench::{ClockInput, GateWindow, Polarization, SlotClockMode};
use helio_link::{Event, Rider};
use helio_station::bench::steered;
use helio_timetag::DropCause;
use helio_units::TickLength;
use helio_virt::{VirtBench, VirtConfig};
use helio_wire::{Configure, DeviceMessage, Role};
use std::ops::Range;

/// Slots a second.
const RATE: u64 = 5_000_000;

/// A run in this mode; edges of SYNC IN in this span of Bob's ticks do not reach his host.
fn run(
    slot_clock: SlotClockMode,
    gate: Option<GateWindow>,
    slots: u64,
    cut: Range<u64>,
) -> (Collected, Collected) {
    let (bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
    let alice = Host::new(alice, 1);
    let mut bob = Host::new(bob, 2);
    bob.configure = Configure { slot_clock, gate, ..configure() };
    let tick = TickLength::CYCLE_150_MHZ;
    if let Some(mut rider) = steered::rider(Role::Bob, tick, &bob.configure, 1) {
        let deaf: Rider = Box::new(move |event| match event {
            Event::Message(_, DeviceMessage::ClockEdges(edges))
                if edges.input == ClockInput::SyncIn && cut.contains(&edges.base().0) =>
            {
                None
            }
            event => rider(event),
        });
        bob.connection.ride(Some(deaf));
    }
    let (alice, bob, _) = run_hosts(bench, alice, bob, slots);
    (alice, bob)
}

/// Errors and detections of single clicks from `from` on where the bases agree.
fn sifted(alice: &Collected, bob: &Collected, from: u64) -> (u64, u64) {
    let (mut errors, mut all) = (0, 0);
    for detection in bob.slots.detections.iter().filter(|d| d.slot >= from) {
        let slot = detection.slot as usize;
        let sent = Polarization::from_code(alice.settings[slot].unwrap());
        let setting = bob.settings[slot].expect("a numbered slot has a setting");
        let bit = match detection.mask {
            0b01 => setting & 2 != 0,
            0b10 => setting & 2 == 0,
            _ => continue,
        };
        if sent.basis() as u8 == setting & 1 {
            errors += u64::from(bit != sent.bit());
            all += 1;
        }
    }
    (errors, all)
}

/// Two numbers of errors of as many bits are alike.
fn alike(a: (u64, u64), b: (u64, u64)) {
    let rate = |(errors, all): (u64, u64)| errors as f64 / all as f64;
    let mean = (a.0 + b.0) as f64 / (a.1 + b.1) as f64;
    let sigma = (mean * (1.0 - mean) * (1.0 / a.1 as f64 + 1.0 / b.1 as f64)).sqrt();
    assert!((rate(a) - rate(b)).abs() < 5.0 * sigma, "{a:?} {b:?}");
    let (more, fewer) = (a.1.max(b.1) as f64, a.1.min(b.1) as f64);
    assert!(fewer > 0.97 * more, "{a:?} {b:?}");
}

#[test]
fn a_steered_run_has_the_bits_of_a_run_that_follows_sync_pulses() {
    let (slots, from) = (3 * RATE, 3 * RATE / 2);
    let (alice, own) = run(SlotClockMode::Sync, None, slots, 0..0);
    let sync = sifted(&alice, &own, from);
    let (alice, bob) = run(SlotClockMode::Steered, None, slots, 0..0);
    assert_eq!(bob.health.lock_losses, 0, "{:?}", bob.health);
    let [unlocked] = bob.slots.dropped[..] else { panic!("{:?}", bob.slots.dropped) };
    assert_eq!((unlocked.from, unlocked.cause), (0, DropCause::NoLock));
    assert!(unlocked.to < from, "{unlocked:?}");
    let steered = sifted(&alice, &bob, from);
    alike(sync, steered);

    // The same seed gives the same run.
    let (_, again) = run(SlotClockMode::Steered, None, slots, 0..0);
    assert!(again.settings == bob.settings && again.slots.detections == bob.slots.detections);

    // A gate around the middle of the slot, where pulses come, takes no pulse and some dark counts.
    let gate = Some(GateWindow { start: 9, width: 12 });
    let (alice, gated) = run(SlotClockMode::Steered, gate, slots, 0..0);
    alike(steered, sifted(&alice, &gated, from));
    assert!(gated.tags < bob.tags, "closed until the clock was known");
}

#[test]
fn a_break_of_the_sync_light_is_a_gap_and_slots_are_numbered_again() {
    let slots = 6 * RATE;
    // Bob's clock begins at 1 000 003 ticks: dark from 2 s to 3 s.
    let cut = 301_000_000..451_000_000;
    let (alice, bob) = run(SlotClockMode::Steered, None, slots, cut.clone());
    assert_eq!(bob.health.lock_losses, 1, "{:?}", bob.health);
    let [first, gap] = bob.slots.dropped[..] else { panic!("{:?}", bob.slots.dropped) };
    assert!(first.to < 2 * RATE, "{first:?}");
    // The last order holds for 250 ms and more; then no slot has a number until some time after.
    let (from, to) = ((cut.start - 1_000_000) / 30, (cut.end - 1_000_000) / 30);
    assert!(gap.from > from && gap.from < from + RATE / 2, "{gap:?}");
    assert!(gap.to > to && gap.to < to + 2 * RATE, "{gap:?}");
    let inside = bob.slots.detections.iter().filter(|d| (gap.from..gap.to).contains(&d.slot));
    assert_eq!(inside.count(), 0);
    assert!(bob.settings[gap.from as usize + 10_000..gap.to as usize].iter().all(Option::is_none));
    let before = sifted(&alice, &bob, 0);
    let after = sifted(&alice, &bob, gap.to);
    assert!(after.1 > 5_000, "{after:?}");
    assert!(before.0 * 100 < before.1 * 2 && after.0 * 100 < after.1 * 2, "{before:?} {after:?}");
}
