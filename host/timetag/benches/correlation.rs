//! All pairs within ±100 ns in bins of 1 ns, two channels of 1 Mcps each, and beside it a scalar loop
//! with a queue for each channel. Processor time of all threads together, but where it says
//! otherwise.

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_timetag::analysis::{Correlation, CorrelationSettings};
use helio_units::Ticks;
use support::{CLICKS, Click, batches, light, processor_time};

mod support;

const BIN: u64 = 1_000;
const SIDE: u32 = 100;

fn correlate(clicks: &[Click], a: u8, b: u8, threads: usize) -> u64 {
    let settings = CorrelationSettings { a, b, bin: Ticks(BIN), bins_per_side: SIDE };
    let mut correlation = Correlation::new(settings).expect("sensible bins");
    correlation
        .on_threads(threads, |correlation| {
            batches(black_box(clicks)).try_for_each(|batch| correlation.push(batch))
        })
        .expect("in order");
    correlation.bins().iter().map(|bin| bin.pairs).sum()
}

fn naive(clicks: &[Click]) -> u64 {
    let reach = BIN * u64::from(SIDE) + BIN / 2;
    let mut bins = vec![0u64; 2 * SIDE as usize + 2];
    let mut recent = [VecDeque::new(), VecDeque::new()];
    for (tick, channel) in batches(black_box(clicks)).flatten() {
        let (now, channel) = (tick.0, usize::from(channel));
        let others = &mut recent[1 - channel];
        while others.front().is_some_and(|then| now - then > reach) {
            others.pop_front();
        }
        for then in others {
            let delay = now - *then;
            let above = if channel == 1 { reach + delay } else { reach - delay };
            bins[(above / BIN) as usize] += 1;
        }
        recent[channel].push_back(now);
    }
    bins[..2 * SIDE as usize + 1].iter().sum()
}

fn g2(c: &mut Criterion) {
    for (name, rate_hz) in [("1 Mcps each", 1e6), ("20 Mcps each", 20e6)] {
        let clicks = light(2, rate_hz, 0.0);
        assert_eq!(correlate(&clicks, 0, 1, 1), naive(&clicks));
        let mut group = c.benchmark_group(format!("g2 of 2 channels, {name}, ±100 ns"));
        group.throughput(Throughput::Elements(CLICKS)).sample_size(10);
        group.bench_function("naive", |b| {
            b.iter_custom(|times| processor_time(|| naive(&clicks), times));
        });
        group.bench_function("one thread", |b| {
            b.iter_custom(|times| processor_time(|| correlate(&clicks, 0, 1, 0), times));
        });
        group.bench_function("two threads", |b| {
            b.iter_custom(|times| processor_time(|| correlate(&clicks, 0, 1, 1), times));
        });
        group.bench_function("two threads, by the clock", |b| {
            b.iter(|| correlate(&clicks, 0, 1, 1));
        });
        group.bench_function("a channel with itself, one thread", |b| {
            b.iter_custom(|times| processor_time(|| correlate(&clicks, 0, 0, 0), times));
        });
    }
}

criterion_group!(correlation, g2);
criterion_main!(correlation);
