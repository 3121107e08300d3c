//! The search on simulated pairs: right within what it states, or no lock.

use super::super::synthetic::{Dice, PairSource, any_clock};
use super::*;

fn source(pairs_hz: f64, noise_hz: f64, span_s: f64, seed: u64) -> PairSource {
    let clock = any_clock(seed ^ 0xC10C, [0.99e12, 49.9, 1.0]);
    PairSource {
        pairs_hz,
        noise_a_hz: noise_hz,
        noise_b_hz: noise_hz,
        span_s,
        jitter_ps: 350.0,
        clock,
    }
}

#[test]
fn errors_are_within_what_is_stated_over_a_grid() {
    let mut sum = [0.0; 3];
    let mut locks = 0;
    for (pairs, noise) in [(1_000.0, 0.0), (1_000.0, 1_000.0), (1_000.0, 9_000.0)] {
        for span in [4.0, 10.0] {
            for seed in 0..6 {
                let source = source(pairs, noise, span, seed);
                let (a, b) = source.clicks(seed);
                let lock = PairSearch::default().find(&a, &b);
                let lock = lock.unwrap_or_else(|why| panic!("{source:?}: {why}"));
                let squares = lock.errors(&source.clock).map(|error| error * error);
                assert!(squares.iter().all(|s| *s < 25.0), "{squares:?} {lock:?} {source:?}");
                (0..3).for_each(|i| sum[i] += squares[i]);
                locks += 1;
                assert!((lock.jitter_ps / (350.0 * 2.0f64.sqrt()) - 1.0).abs() < 0.3, "{lock:?}");
            }
        }
    }
    let mean = sum.map(|s| s / f64::from(locks));
    assert!(mean.iter().all(|m| (0.4..1.8).contains(m)), "{mean:?}");
}

#[test]
fn extremes_of_the_range_are_reached() {
    for sign in [[1.0, 1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 0.0]] {
        let mut source = source(2_000.0, 2_000.0, 6.0, 1);
        source.clock.offset_ps = sign[0] * 0.9999e12;
        source.clock.frequency_ppm = sign[1] * 50.0;
        source.clock.drift_ppb_per_s = sign[2];
        let (a, b) = source.clicks(3);
        let lock = PairSearch::default().find(&a, &b).unwrap();
        assert!(
            lock.errors(&source.clock).map(|error| error * error).iter().all(|s| *s < 25.0),
            "{lock:?} {source:?}"
        );
    }
}

/// One click in a hundred belongs to a pair.
#[test]
fn one_percent_of_signal_is_found() {
    let source = source(300.0, 29_700.0, 10.0, 4);
    let (a, b) = source.clicks(4);
    let lock = PairSearch::default().find(&a, &b).unwrap();
    assert!(
        lock.errors(&source.clock).map(|error| error * error).iter().all(|s| *s < 25.0),
        "{lock:?} {source:?}"
    );
}

/// 50 dB: of 10⁵ photons a second at Alice one arrives, and a dark count every ten seconds.
#[test]
fn fifty_decibels_of_loss_with_a_quiet_detector() {
    let mut source = source(1.0, 0.0, 100.0, 5);
    (source.noise_a_hz, source.noise_b_hz) = (100_000.0, 0.1);
    let (a, b) = source.clicks(5);
    let lock = PairSearch { max_work: 3e10, ..PairSearch::default() }.find(&a, &b).unwrap();
    assert!(
        lock.errors(&source.clock).map(|error| error * error).iter().all(|s| *s < 25.0),
        "{lock:?} {source:?}"
    );
}

#[test]
fn noise_gives_no_lock() {
    for seed in 0..100 {
        let mut source = source(0.0, 2_000.0, 2.0, seed);
        source.noise_b_hz = 200.0 * (1 + seed % 10) as f64;
        let (a, b) = source.clicks(seed);
        let search = PairSearch { max_work: 1e8, ..PairSearch::default() };
        let found = search.find(&a, &b);
        assert!(matches!(found, Err(NoLock::Noise { .. })), "{seed}: {found:?}");
    }
}

/// Rates that rise and fall together are no pairs.
#[test]
fn light_that_flickers_in_both_rooms_gives_no_lock() {
    let mut dice = Dice::new(9);
    let mut flicker = || {
        let mut clicks = Vec::new();
        let mut now = 0.0;
        while now < 4.0 {
            now += dice.exponential(1.0 / 40_000.0);
            let bright = 0.5 + 0.5 * (core::f64::consts::TAU * 100.0 * now).sin();
            if dice.uniform() < bright {
                clicks.push((now * 1e12) as i64);
            }
        }
        clicks
    };
    let (a, b) = (flicker(), flicker());
    let search = PairSearch { max_work: 1e8, ..PairSearch::default() };
    assert!(matches!(search.find(&a, &b), Err(NoLock::Noise { .. })));
}

#[test]
fn a_pulsed_source_with_equal_peaks_is_ambiguous() {
    let mut dice = Dice::new(2);
    let mut clicks = |jitter: f64| {
        let mut list: Vec<i64> = (0..40_000)
            .map(|_| {
                let pulse = (dice.uniform() * 4e8).floor();
                (pulse * 10_000.0 + jitter * dice.normal()).round() as i64
            })
            .collect();
        list.sort_unstable();
        list
    };
    let (a, b) = (clicks(300.0), clicks(300.0));
    let found = PairSearch::default().find(&a, &b);
    assert!(found.is_err(), "{found:?}");
}

#[test]
fn nonsense_is_refused() {
    let search = PairSearch::default();
    let line: Vec<i64> = (0..100).collect();
    assert_eq!(search.find(&[], &line), Err(NoLock::TooFew { clicks: 0 }));
    assert_eq!(search.find(&[3, 2], &line), Err(NoLock::OutOfOrder));
    assert_eq!(search.find(&[i64::MIN, i64::MAX], &line), Err(NoLock::OutOfOrder));
    let range = SearchRange { offset_ps: f64::NAN, ..SearchRange::default() };
    let search = PairSearch { range, ..search };
    assert_eq!(search.find(&line, &line), Err(NoLock::InvalidRange));
}

proptest::proptest! {
    /// Whatever the lists hold, an answer comes and no panic.
    #[test]
    fn any_lists_give_an_answer(
        mut a in proptest::collection::vec(proptest::prelude::any::<i64>(), 0..60),
        mut b in proptest::collection::vec(-2_000_000_000_000i64..2_000_000_000_000, 0..60),
    ) {
        a.iter_mut().for_each(|t| *t >>= 5);
        a.sort_unstable();
        b.sort_unstable();
        let search = PairSearch { max_work: 1e5, ..PairSearch::default() };
        _ = search.find(&a, &b);
        _ = search.find(&b, &b);
    }
}
