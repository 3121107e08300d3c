//! Clock recovery on one core: from click lists to a lock, and beside it a correlation that looks at
//! all pairs of clicks in reach, for one frequency of the hundreds that a search has to try.

use criterion::{Criterion, criterion_group, criterion_main};
use helio_timetag::clock::synthetic::{PairSource, SlotSource, sync_bits};
use helio_timetag::clock::{ClockModel, PairSearch, SlotSearch, SyncPlan};
use std::hint::black_box;

const CLOCK: ClockModel =
    ClockModel { reference_ps: 0, offset_ps: 0.83e12, frequency_ppm: -41.7, drift_ppb_per_s: 1.0 };

fn pairs(c: &mut Criterion) {
    let mut group = c.benchmark_group("pair source, 10^6 + 10^6 clicks in 10 s, ±1 s, ±50 ppm");
    group.sample_size(10);
    for share in [0.5, 0.1, 0.03, 0.01] {
        let source = PairSource {
            pairs_hz: 1e5 * share,
            noise_a_hz: 1e5 * (1.0 - share),
            noise_b_hz: 1e5 * (1.0 - share),
            span_s: 10.0,
            jitter_ps: 350.0,
            clock: CLOCK,
        };
        let (a, b) = source.clicks(1);
        group.bench_function(format!("{} % signal", share * 100.0), |bench| {
            bench
                .iter(|| PairSearch::default().find(black_box(&a), black_box(&b)).expect("a lock"));
        });
        if share == 0.5 {
            // All pairs of 10⁶ + 10⁶ would take minutes: of the first 1/100 of Alice's clicks.
            group.bench_function("naive: one of 128 frequencies, 1/100 of the clicks", |bench| {
                bench.iter(|| naive(black_box(&a[..a.len() / 100]), black_box(&b)));
            });
        }
    }
}

/// A histogram of all delays within ±1 s in bins of 4 µs.
fn naive(a: &[i64], b: &[i64]) -> u32 {
    const BIN: i64 = 4_000_000;
    const REACH: i64 = 1_000_000_000_000;
    let mut histogram = vec![0u32; (2 * REACH / BIN) as usize];
    for &a in a {
        let from = b.partition_point(|b| *b < a - REACH);
        for &b in b[from..].iter().take_while(|b| **b < a + REACH) {
            histogram[((b - a + REACH) / BIN) as usize] += 1;
        }
    }
    histogram.into_iter().max().unwrap_or(0)
}

fn slots(c: &mut Criterion) {
    let bits = sync_bits(35_000_000);
    let plan = SyncPlan { slot_ps: 200_000.0, spacing: 64, bits: &bits };
    let mut group = c.benchmark_group("BB84 sync slots, 10^6 clicks, ±1 s, ±50 ppm");
    group.sample_size(10);
    // 5 MHz of slots with μ = 0.5 through 40 dB: 250 clicks a second, two of them in sync slots.
    // Dark clicks fill up to 10⁶ in 400 s.
    for (name, signal_hz, sync_hz, noise_hz) in [
        ("40 dB: 250 clicks/s of signal in 2250/s of noise", 248.0, 2.0, 2_250.0),
        ("no noise", 2_480.0, 20.0, 0.0),
    ] {
        let source = SlotSource {
            signal_hz,
            sync_hz,
            noise_hz,
            span_s: 400.0,
            begin_s: 1.0,
            jitter_ps: 400.0,
            clock: ClockModel { offset_ps: 0.7e12, ..CLOCK },
        };
        let clicks = source.clicks(&plan, 1);
        group.bench_function(name, |bench| {
            bench.iter(|| SlotSearch::default().find(black_box(&clicks), &plan).expect("a lock"));
        });
    }
}

criterion_group!(clocks, pairs, slots);
criterion_main!(clocks);
