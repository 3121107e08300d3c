//! Words of raw samples a second: a word at a time against a bit at a time.
//!
//! `cargo bench -p helio-pio`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_pio::{DETECTOR_WORDS, Lane};
use std::hint::black_box;
use std::sync::atomic::AtomicU32;

/// Every sample and pin by itself: what the tests hold the lanes to.
fn bit_by_bit(words: &[u32]) -> u64 {
    let (mut before, mut sum) = (0, 0u64);
    for (w, word) in words.iter().enumerate() {
        for n in 0..8 {
            let sample = word >> (4 * n) & 15;
            for channel in 0..4 {
                if sample >> channel & 1 == 1 && before >> channel & 1 == 0 {
                    sum += 8 * w as u64 + n + channel;
                }
            }
            before = sample;
        }
    }
    sum
}

fn word_by_word(words: &[AtomicU32]) -> u64 {
    let mut lane = Lane::<4>::new(0, 15);
    let edges = std::iter::from_fn(|| lane.next(words));
    edges.map(|e| u64::from(e.offset) + u64::from(e.channel)).sum()
}

/// A buffer with an edge each so many words, high for three ticks.
fn buffer(spacing: usize) -> Vec<u32> {
    let mut words = vec![0u32; DETECTOR_WORDS];
    for (i, n) in (0..DETECTOR_WORDS).step_by(spacing).enumerate() {
        words[n] = 0x111 << (i % 4 + i % 5 * 4);
    }
    words
}

fn reduction(c: &mut Criterion) {
    let mut group = c.benchmark_group("reduction");
    group.throughput(Throughput::Elements(DETECTOR_WORDS as u64));
    // 18.75 Mword/s: an edge each 187 words is 100 k edges a second, each 19 words a million.
    for (name, spacing) in [("dark", usize::MAX), ("100k", 187), ("1M", 19)] {
        let words = if spacing == usize::MAX { vec![0; DETECTOR_WORDS] } else { buffer(spacing) };
        let shared: Vec<AtomicU32> = words.iter().copied().map(AtomicU32::new).collect();
        assert_eq!(bit_by_bit(&words), word_by_word(&shared));
        group.bench_function(format!("words/{name}"), |b| {
            b.iter(|| word_by_word(black_box(&shared)))
        });
        group.bench_function(format!("bits/{name}"), |b| b.iter(|| bit_by_bit(black_box(&words))));
    }
    group.finish();
}

criterion_group!(benches, reduction);
criterion_main!(benches);
