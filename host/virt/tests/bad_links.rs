//! What a bad cable between a device and its host costs: slots, told and counted, and no wrong
//! ones.

mod common;

use common::{Collected, run};
use helio_link::fault::{Corrupt, Fault, Faulty, Late, Lossy, Sound};
use helio_timetag::DropCause;
use helio_virt::VirtConfig;
use helio_wire::Stream;
use std::convert::identity;

/// 0.8 s of device time.
const SLOTS: u64 = 4_000_000;

/// What Bob's host makes of a run whose bytes pass a fault, against a sound run of the same seed.
fn compare(sound: &Collected, fault: impl Fault + Send) -> Collected {
    let wrap = |end| Faulty::new(end, fault, Sound);
    let (_, bob, _) = run(VirtConfig::default(), SLOTS, identity, wrap);

    // In slots that are not dropped, detections are those of the sound run: none is missing, none
    // is made up.
    let (slots, reached) = (&bob.slots, bob.slots.reached);
    let kept: Vec<_> = sound
        .slots
        .detections
        .iter()
        .filter(|d| d.slot < reached)
        .filter(|d| slots.dropped.iter().all(|r| !(r.from..r.to).contains(&d.slot)))
        .copied()
        .collect();
    assert!(kept == slots.detections, "{} of {}", slots.detections.len(), kept.len());
    assert!(kept.len() > sound.slots.detections.len() / 10, "{}", kept.len());

    // What was lost is told: as frames, as time, as dropped slots.
    let causes = |cause| slots.dropped.iter().filter(move |r| r.cause == cause).count();
    assert!(bob.losses.frames_of(Stream::Tags) > 0);
    assert_eq!(bob.missing.0, bob.losses.ticks);
    assert!(causes(DropCause::StreamLost) > 0);
    let counters = slots.counters;
    assert_eq!((counters.late_tags, counters.late_gaps, counters.bad_marks), (0, 0, 0));
    // Settings that came are those of the sound run; those that did not are told.
    let unset = |of: &Collected| of.settings.iter().filter(|s| s.is_none()).count() as u64;
    assert_eq!(bob.settings.len(), sound.settings.len());
    assert!(bob.settings.iter().zip(&sound.settings).all(|(a, b)| a.is_none() || a == b));
    assert!(unset(&bob) > unset(sound));
    assert_eq!(bob.missing.1, bob.losses.slots);
    assert!(bob.missing.1 >= unset(&bob) - unset(sound));
    bob
}

#[test]
fn losses_are_told_and_slots_they_touch_never_appear() {
    let (_, sound, _) = run(VirtConfig::default(), SLOTS, identity, identity);
    assert!(sound.slots.detections.len() > 100_000);

    let lossy = compare(&sound, Lossy::new(1, 30_000, 30_000));
    assert!(lossy.losses.repeats > 0 && lossy.losses.bad_frames == 0);

    let corrupt = compare(&sound, Corrupt::new(2, 30));
    assert!(corrupt.losses.bad_frames > 0);

    let late = compare(&sound, Late::new(3, 30_000, 2));
    assert!(late.losses.repeats > 0 && late.losses.bad_frames == 0);
}

#[test]
fn a_run_survives_lost_commands() {
    // Half of the heartbeats never arrive: the host beats again when it hears nothing.
    let wrap =
        |end| Faulty::new(end, Sound, AfterStart { sent: 0, fault: Lossy::new(12, 500_000, 0) });
    let (alice, bob, _) = run(VirtConfig::default(), SLOTS, wrap, wrap);
    assert_eq!(alice.settings.len() as u64, SLOTS);
    assert!(bob.losses.is_clean() && bob.slots.detections.len() > 100_000);
    assert!(alice.health.missing_frames + bob.health.missing_frames > 0);
}

/// Lets the four commands that start a run pass: losing those is the station's affair.
struct AfterStart {
    sent: u32,
    fault: Lossy,
}

impl Fault for AfterStart {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut std::collections::VecDeque<Vec<u8>>) {
        self.sent += 1;
        if self.sent <= 4 { out.push_back(chunk) } else { self.fault.pass(chunk, out) }
    }

    fn release(&mut self, out: &mut std::collections::VecDeque<Vec<u8>>) {
        self.fault.release(out);
    }
}
