//! Speed of the hashes: `cargo bench -p helio-distill --bench hashing`.
//!
//! Throughput is of input: bits of the reconciled string (1 "element" is 1 bit), bytes of what is
//! tagged. Each size of the amplification, half of it out, runs at every level of instructions that
//! the processor has, and beside them the same hash by portable Karatsuba products (up to 10^6 bits,
//! where it takes a tenth of a second). The tags run beside the polyval crate.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helio_distill::amplify::{amplify_at, seed_bits};
use helio_distill::gf2::Level;
use helio_distill::hash::{TranscriptHash, verification_tag_at};
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};
use polyval::{Block, Polyval, universal_hash::UniversalHash};

#[path = "support/karatsuba.rs"]
mod karatsuba;

fn random(bits: usize, stream: &str) -> SecretBits {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    SeededEntropy::new(devices, 1, stream).bits(bits).expect("never fails")
}

fn amplification(c: &mut Criterion) {
    let mut group = c.benchmark_group("amplify to half");
    for bits in [10_000, 100_000, 1_000_000, 2_000_000, 100_000_000] {
        let output = bits / 2;
        let (input, seed) = (random(bits, "input"), random(seed_bits(bits, output), "seed"));
        group.throughput(Throughput::Elements(bits as u64));
        group.sample_size(if bits > 10_000_000 { 10 } else { 30 });
        group.measurement_time(Duration::from_secs(3));
        for level in Level::available() {
            // A second for each run of 10^8 bits without carry-less products.
            group.bench_function(BenchmarkId::new(level.name(), bits), |b| {
                b.iter(|| amplify_at(level, black_box(&input), &seed, output).expect("fits"));
            });
        }
        if bits <= 1_000_000 {
            group.sample_size(10);
            group.bench_function(BenchmarkId::new("Karatsuba", bits), |b| {
                b.iter(|| karatsuba::amplify(black_box(&input), &seed, output));
            });
        }
    }
    group.finish();
}

fn tags(c: &mut Criterion) {
    let input = random(8_000_000, "input");
    let bytes = input.to_bytes();
    let mut group = c.benchmark_group("tag of 10^6 bytes");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for level in Level::available() {
        group.bench_function(BenchmarkId::new("verification", level.name()), |b| {
            b.iter(|| verification_tag_at(level, black_box(&input), [3; 16], 64));
        });
        group.bench_function(BenchmarkId::new("transcript", level.name()), |b| {
            b.iter(|| {
                let mut transcript = TranscriptHash::at(level, &[3; 16]);
                transcript.update(black_box(&bytes));
                transcript.tag(&[5; 16])
            });
        });
    }
    group.bench_function("polyval crate", |b| {
        b.iter(|| {
            let mut hash = Polyval::new(&[3; 16].into());
            hash.update(Block::cast_slice_from_core(black_box(&bytes).as_chunks::<16>().0));
            hash.finalize()
        });
    });
    group.finish();
    // A short message: setting up must not cost more than it saves.
    let mut group = c.benchmark_group("tag of 64 bytes");
    for level in Level::available() {
        group.bench_function(level.name(), |b| {
            b.iter(|| {
                let mut transcript = TranscriptHash::at(level, &[3; 16]);
                transcript.update(black_box(&bytes[..64]));
                transcript.tag(&[5; 16])
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tags, amplification);
criterion_main!(benches);
