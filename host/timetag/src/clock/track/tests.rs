//! The loop on simulated clicks: through drift and gaps, and what it says of jumps.

use super::super::synthetic::PairSource;
use super::super::{PairSearch, SlotSearch, synthetic::SlotSource};
use super::*;

const STEP_PS: i64 = 100_000_000_000;

fn source(span_s: f64) -> PairSource {
    PairSource {
        pairs_hz: 1_000.0,
        noise_a_hz: 9_000.0,
        noise_b_hz: 9_000.0,
        span_s,
        jitter_ps: 300.0,
        clock: ClockModel {
            reference_ps: 0,
            offset_ps: 0.4e12,
            frequency_ppm: -31.0,
            drift_ppb_per_s: 1.0,
        },
    }
}

fn part(list: &[i64], from: i64, to: i64) -> &[i64] {
    &list[list.partition_point(|t| *t < from)..list.partition_point(|t| *t < to)]
}

/// Locks on the first 5 s and tracks the rest, with Bob's clock moved by `jump_ps` from 12 s on and
/// his clicks gone between the `dark` seconds.
fn run(jump_ps: i64, dark: core::ops::Range<i64>) -> (PairSource, Vec<Tracked>, Tracker) {
    let source = source(20.0);
    let (a, mut b) = source.clicks(11);
    let at = |s: i64| source.clock.to_b(s * 1_000_000_000_000);
    b.retain(|t| !(at(dark.start)..at(dark.end)).contains(t));
    b.iter_mut().filter(|t| **t >= at(12)).for_each(|t| *t += jump_ps);
    let lock = {
        let (a, b) = (part(&a, 0, 5_000_000_000_000), part(&b, 0, at(5)));
        PairSearch::default().find(a, b).unwrap()
    };
    let mut tracker = Tracker::new(&lock, TrackerSettings::default());
    let mut said = Vec::new();
    for i in 50..200 {
        let (from, to) = (i * STEP_PS, (i + 1) * STEP_PS);
        let model = tracker.model();
        let slack = 1_000_000;
        let b = part(&b, model.to_b(from) - slack, model.to_b(to) + slack);
        said.push(tracker.pairs(from, to, part(&a, from, to), b));
    }
    (source, said, tracker)
}

fn followed(said: &[Tracked]) -> usize {
    said.iter().filter(|t| matches!(t, Tracked::Followed { .. })).count()
}

fn assert_right(source: &PairSource, tracker: &Tracker) {
    let (model, error) = (tracker.model(), tracker.uncertainty());
    let truth = source.clock.at(model.reference_ps);
    assert!((model.offset_ps - truth.offset_ps).abs() < 5.0 * error.offset_ps, "{error:?}");
    assert!(error.offset_ps < 50.0, "{error:?}");
    let wrong = model.frequency_ppm - truth.frequency_ppm;
    assert!(wrong.abs() < 5.0 * error.frequency_ppm, "{wrong} {error:?}");
    let wrong = model.drift_ppb_per_s - truth.drift_ppb_per_s;
    assert!(wrong.abs() < 5.0 * error.drift_ppb_per_s, "{wrong} {error:?}");
}

#[test]
fn drift_is_followed() {
    let (source, said, tracker) = run(0, 0..0);
    assert_eq!(followed(&said), 150, "{said:?}");
    assert_right(&source, &tracker);
}

#[test]
fn a_gap_of_seconds_is_survived() {
    let (source, said, tracker) = run(0, 7..14);
    assert_eq!(followed(&said), 80, "{said:?}");
    assert!(said[20..90].iter().all(|t| *t == Tracked::Silent), "{said:?}");
    assert_right(&source, &tracker);
}

#[test]
fn a_jump_is_told_and_not_followed() {
    for jump in [-15_000, 2_000, 9_000] {
        for dark in [0..0, 10..12] {
            let (_, said, mut tracker) = run(jump, dark);
            let after = &said[71..];
            for told in after {
                let Tracked::Jumped { by_ps, error_ps } = told else { panic!("{jump} {told:?}") };
                assert!((by_ps - jump as f64).abs() < 5.0 * error_ps, "{jump} {told:?}");
            }
            let before = tracker.model().offset_ps;
            tracker.accept_jump(jump as f64, 10.0);
            assert_eq!(tracker.model().offset_ps, before + jump as f64);
        }
    }
    // Out of sight there is silence, and no guess.
    let (_, said, _) = run(5_000_000, 0..0);
    assert!(said[71..].iter().all(|t| *t == Tracked::Silent), "{said:?}");
}

#[test]
fn a_very_long_gap_loses_the_clock() {
    let (a, b) = source(5.0).clicks(1);
    let lock = PairSearch::default().find(&a, &b).unwrap();
    let mut tracker = Tracker::new(&lock, TrackerSettings::default());
    let day = 86_400_000_000_000_000;
    assert_eq!(tracker.pairs(day, day + STEP_PS, &[], &[]), Tracked::Lost);
}

#[test]
fn slots_are_followed_through_a_gap() {
    let bits = super::super::synthetic::sync_bits(4_000_000);
    let plan = SyncPlan { slot_ps: 200_000.0, spacing: 64, bits: &bits };
    let source = SlotSource {
        signal_hz: 2_000.0,
        sync_hz: 200.0,
        noise_hz: 500.0,
        span_s: 20.0,
        begin_s: 0.5,
        jitter_ps: 400.0,
        clock: source(0.0).clock,
    };
    let clicks = source.clicks(&plan, 4);
    let at = |s: f64| source.clock.to_b((s * 1e12) as i64);
    let lock = SlotSearch::default().find(part(&clicks, 0, at(6.0)), &plan).unwrap();
    let settings = TrackerSettings { reach_ps: 100_000.0, ..TrackerSettings::default() };
    let mut tracker = Tracker::new(&lock, settings);
    for i in 60..200 {
        let (from, to) = (i * STEP_PS, (i + 1) * STEP_PS);
        let model = tracker.model();
        let dark = (90..140).contains(&i);
        let seen = if dark { &[] } else { part(&clicks, model.to_b(from), model.to_b(to)) };
        let said = tracker.slots(from, to, seen, &plan);
        assert_eq!(said == Tracked::Silent, dark, "{i} {said:?}");
        assert!(!matches!(said, Tracked::Jumped { .. } | Tracked::Lost), "{i} {said:?}");
    }
    let truth = source.clock.at(tracker.model().reference_ps);
    let wrong = tracker.model().offset_ps - truth.offset_ps;
    assert!(wrong.abs() < 5.0 * tracker.uncertainty().offset_ps, "{wrong}");
}
