//! Coincidences of four channels of 1 Mcps each, and beside it a scalar loop that looks at the same
//! tags. Processor time of all threads together, but where it says otherwise.

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_timetag::analysis::{CoincidenceSettings, Coincidences};
use helio_units::Ticks;
use support::{CLICKS, Click, batches, light, processor_time};

mod support;

const CHANNELS: u8 = 4;

fn count(clicks: &[Click], window: u64, threads: usize) -> u64 {
    let channels = (0..CHANNELS).collect();
    let settings = CoincidenceSettings { channels, window: Ticks(window) };
    let mut coincidences = Coincidences::new(settings).expect("sensible channels");
    coincidences
        .on_threads(threads, |coincidences| {
            batches(black_box(clicks)).try_for_each(|batch| coincidences.push(batch))
        })
        .expect("in order");
    coincidences.combinations().iter().map(|combination| combination.count).sum()
}

/// Of every tag, with those before it in the window, each as the last one of its coincidences: the
/// products over each set of channels.
fn naive(clicks: &[Click], window: u64) -> u64 {
    let mut counts = [0u64; 1 << CHANNELS];
    let mut recent = VecDeque::new();
    for (tick, channel) in batches(black_box(clicks)).flatten() {
        while recent.front().is_some_and(|(then, _)| tick.0 - then > window) {
            recent.pop_front();
        }
        if !recent.is_empty() {
            let mut of_each = [0u64; CHANNELS as usize];
            recent.iter().for_each(|(_, channel)| of_each[usize::from(*channel)] += 1);
            let own = 1usize << channel;
            for set in (1..1 << CHANNELS).filter(|set| set & own == 0) {
                let members = (0..usize::from(CHANNELS)).filter(|channel| set >> channel & 1 == 1);
                counts[set | own] += members.map(|channel| of_each[channel]).product::<u64>();
            }
        }
        recent.push_back((tick.0, channel));
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
        let clicks = light(CHANNELS, 1e6, paired);
        assert_eq!(count(&clicks, window, 1), naive(&clicks, window));
        let mut group = c.benchmark_group(format!("coincidences of 4 channels, {name}"));
        group.throughput(Throughput::Elements(CLICKS)).sample_size(10);
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
