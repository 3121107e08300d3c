//! Coincidences of four channels of 1 Mcps each, and beside it a scalar loop that looks at the same
//! tags. Processor time of all threads together, but where it says otherwise.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_timetag::analysis::{CoincidenceSettings, Coincidences};
use helio_units::Ticks;
use support::{BATCH, Click, light, processor_time, tags};

mod support;

const CLICKS: usize = 1 << 22;
const CHANNELS: u8 = 4;

fn count(clicks: &[Click], window: u64, threads: usize) -> u64 {
    let channels = (0..CHANNELS).collect();
    let settings = CoincidenceSettings { channels, window: Ticks(window) };
    let mut coincidences = Coincidences::new(settings).expect("sensible channels");
    coincidences
        .on_threads(threads, |coincidences| {
            clicks.chunks(BATCH).try_for_each(|clicks| coincidences.push(tags(black_box(clicks))))
        })
        .expect("in order");
    coincidences.combinations().iter().map(|combination| combination.count).sum()
}

/// Of every tag the products over each set of channels of what follows in the window.
fn naive(clicks: &[Click], window: u64) -> u64 {
    let mut counts = [0u64; 1 << CHANNELS];
    for (start, first) in black_box(clicks).iter().enumerate() {
        let mut of_each = [0u64; CHANNELS as usize];
        let near = clicks[start + 1..].iter();
        for second in near.take_while(|second| second.tick.0 - first.tick.0 <= window) {
            of_each[usize::from(second.channel)] += 1;
        }
        let own = 1usize << first.channel;
        for set in (1..1 << CHANNELS).filter(|set| set & own == 0) {
            let members = (0..usize::from(CHANNELS)).filter(|channel| set >> channel & 1 == 1);
            counts[set | own] += members.map(|channel| of_each[channel]).product::<u64>();
        }
    }
    counts.iter().sum()
}

fn coincidences(c: &mut Criterion) {
    let cases = [
        ("1 ns, unrelated", 0.0, 1_000),
        ("1 ns, 20 % in pairs", 0.25, 1_000),
        ("100 ns", 0.0, 100_000),
    ];
    for (name, paired, window) in cases {
        let clicks = light(CHANNELS, 1e6, paired, CLICKS);
        assert_eq!(count(&clicks, window, 1), naive(&clicks, window));
        let mut group = c.benchmark_group(format!("coincidences of 4 channels, {name}"));
        group.throughput(Throughput::Elements(clicks.len() as u64)).sample_size(10);
        group.bench_function("naive", |b| {
            b.iter_custom(|times| processor_time(|| naive(&clicks, window), times));
        });
        group.bench_function("one thread", |b| {
            b.iter_custom(|times| processor_time(|| count(&clicks, window, 0), times));
        });
        group.bench_function("two threads, by the clock", |b| {
            b.iter(|| count(&clicks, window, 1));
        });
    }
}

criterion_group!(benches, coincidences);
criterion_main!(benches);
