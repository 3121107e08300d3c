//! The search on simulated slots: right within what it states, or no lock.

use super::super::synthetic::{SlotSource, any_clock, sync_bits};
use super::*;

pub(in super::super) const SPACING: u16 = 64;
const SLOT_PS: f64 = 200_000.0;

fn source(rates: [f64; 3], span_s: f64, seed: u64) -> SlotSource {
    let clock = ClockModel {
        reference_ps: 2_000_000_000_000,
        ..any_clock(seed ^ 0x5107, [0.99e12, 49.9, 1.0])
    };
    let [signal_hz, sync_hz, noise_hz] = rates;
    SlotSource { signal_hz, sync_hz, noise_hz, span_s, begin_s: 2.0, jitter_ps: 400.0, clock }
}

#[test]
fn errors_are_within_what_is_stated_over_a_grid() {
    let bits = sync_bits(8_000_000);
    let plan = SyncPlan { slot_ps: SLOT_PS, spacing: SPACING, bits: &bits };
    let mut sum = [0.0; 3];
    let mut locks = 0;
    // Sync pulses as bright as the others, brighter ones, and noise.
    for (rates, span) in [
        ([4_000.0, 32.0, 0.0], 10.0),
        ([240.0, 2.0, 10.0], 90.0),
        ([1_000.0, 400.0, 1_000.0], 5.0),
        ([300.0, 300.0, 5_000.0], 10.0),
    ] {
        for seed in 0..6 {
            let source = source(rates, span, seed);
            let clicks = source.clicks(&plan, seed);
            let lock = SlotSearch::default().find(&clicks, &plan);
            let lock = lock.unwrap_or_else(|why| panic!("{source:?}: {why}"));
            let squares = lock.errors(&source.clock).map(|error| error * error);
            assert!(squares.iter().all(|s| *s < 25.0), "{squares:?} {lock:?} {source:?}");
            (0..3).for_each(|i| sum[i] += squares[i]);
            locks += 1;
        }
    }
    let mean = sum.map(|s| s / f64::from(locks));
    assert!(mean.iter().all(|m| (0.4..1.8).contains(m)), "{mean:?}");
}

#[test]
fn one_percent_of_bright_sync_in_noise_is_found() {
    let bits = sync_bits(8_000_000);
    let plan = SyncPlan { slot_ps: SLOT_PS, spacing: SPACING, bits: &bits };
    let source = source([0.0, 500.0, 49_500.0], 10.0, 7);
    let clicks = source.clicks(&plan, 7);
    let lock = SlotSearch::default().find(&clicks, &plan).unwrap();
    assert!(
        lock.errors(&source.clock).map(|error| error * error).iter().all(|s| *s < 25.0),
        "{lock:?} {source:?}"
    );
}

#[test]
fn noise_and_pulses_without_a_sequence_give_no_lock() {
    let bits = sync_bits(1_000_000);
    let plan = SyncPlan { slot_ps: SLOT_PS, spacing: SPACING, bits: &bits };
    // The same sequence 9 s later.
    let other = sync_bits(1_700_000).split_off(11_000);
    let foreign = SyncPlan { bits: &other, ..plan };
    let search = SlotSearch { max_clicks: 1 << 13, ..SlotSearch::default() };
    for seed in 0..8 {
        for rates in [[0.0, 0.0, 2_000.0], [1_500.0, 0.0, 500.0], [1_000.0, 500.0, 100.0]] {
            let source = source(rates, 4.0, seed);
            let clicks = source.clicks(&foreign, seed);
            // A sequence that begins elsewhere, beyond the range.
            let found = search.find(&clicks, &plan);
            assert!(matches!(found, Err(NoLock::Noise { .. })), "{seed} {rates:?} {found:?}");
        }
    }
}

#[test]
fn nonsense_is_refused() {
    let plan = SyncPlan { slot_ps: SLOT_PS, spacing: SPACING, bits: &[] };
    let search = SlotSearch::default();
    assert_eq!(search.find(&[], &plan), Err(NoLock::TooFew { clicks: 0 }));
    assert_eq!(search.find(&[2, 1], &plan), Err(NoLock::OutOfOrder));
    let bad = SyncPlan { spacing: 1, ..plan };
    assert_eq!(search.find(&[1, 2], &bad), Err(NoLock::InvalidRange));
    assert!(search.find(&vec![5; 1_000], &plan).is_err());
}

proptest::proptest! {
    #[test]
    fn any_clicks_give_an_answer(
        mut clicks in proptest::collection::vec(0i64..30_000_000_000_000, 0..200),
        bits in proptest::collection::vec(proptest::prelude::any::<u64>(), 0..50),
        slot_ps in 100.0..1e6f64,
    ) {
        clicks.sort_unstable();
        let range = SearchRange { offset_ps: 1e9, ..SearchRange::default() };
        let search = SlotSearch { range, ..SlotSearch::default() };
        _ = search.find(&clicks, &SyncPlan { slot_ps, spacing: 64, bits: &bits });
    }
}
