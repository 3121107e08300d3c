//! Clock recovery on one core: from click lists to a lock, and beside it what is feasible of the
//! naive way.

use criterion::{Criterion, criterion_group, criterion_main};
use helio_timetag::clock::synthetic::PairSource;
use helio_timetag::clock::{ClockModel, PairSearch};
use std::hint::black_box;

fn pairs(c: &mut Criterion) {
    let clock = ClockModel {
        reference_ps: 0,
        offset_ps: 0.83e12,
        frequency_ppm: -41.7,
        drift_ppb_per_s: 1.0,
    };
    let mut group = c.benchmark_group("pair source, 10^6 + 10^6 clicks in 10 s, ±1 s, ±50 ppm");
    group.sample_size(10);
    for share in [0.5, 0.1, 0.03, 0.01] {
        let source = PairSource {
            pairs_hz: 1e5 * share,
            noise_a_hz: 1e5 * (1.0 - share),
            noise_b_hz: 1e5 * (1.0 - share),
            span_s: 10.0,
            jitter_ps: 350.0,
            clock,
        };
        let (a, b) = source.clicks(1);
        group.bench_function(format!("{} % signal", share * 100.0), |bench| {
            bench.iter(|| PairSearch::default().find(black_box(&a), black_box(&b)));
        });
        println!("{:?}", PairSearch::default().find(&a, &b));
    }
}

criterion_group!(clocks, pairs);
criterion_main!(clocks);
