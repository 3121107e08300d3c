//! From a PicoQuant T2 file in the page cache to ordered times and channels, and beside it a loop
//! over single records that knows this one layout and keeps no counts. Processor time of one core.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_trace::{Chunk, ReadOptions, RecordType, open};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use support::processor_time;

mod support;

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/lpq_hydraharp_v30_t2.ptu");
/// Enough that a file does not fit in the caches.
const RECORDS: usize = 1 << 26;

/// The header of the recording, as if it were of another type, and its records.
fn parts(kind: RecordType) -> (Vec<u8>, Vec<u8>) {
    let reader = open(RECORDING, &ReadOptions::default()).expect("a recording");
    let header_bytes = reader.meta().header_bytes as usize;
    let mut header = std::fs::read(RECORDING).expect("a recording");
    let records = header.split_off(header_bytes);
    let name = b"TTResultFormat_TTTRRecType";
    let at = header.windows(name.len()).position(|w| w == name).expect("a tag") + 40;
    header[at..at + 4].copy_from_slice(&kind.code().to_le_bytes());
    (header, records)
}

/// Photons of four channels, one record in `every` an overflow and as many a sync edge.
fn bright(kind: RecordType, every: u64) -> Vec<u8> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let (channel_at, overflow, special) = match kind {
        RecordType::PicoHarp300T2 => (28, 0xF000_0000, 0xF000_0001),
        _ => (25, 0xFE00_0001, 0x8000_0000),
    };
    let mut word = || -> u32 {
        let (what, time) = (random.next_u64(), random.next_u32() & ((1 << channel_at) - 1));
        match what % every {
            0 => overflow,
            1 => special | time & !15,
            _ => ((what >> 60) as u32 & 3) << channel_at | time,
        }
    };
    (0..1 << 20).flat_map(|_| word().to_le_bytes()).collect()
}

fn write(path: &Path, header: &[u8], records: &[u8]) -> u64 {
    let mut file = File::create(path).expect("a file");
    file.write_all(header).expect("room");
    let times = (4 * RECORDS).div_ceil(records.len());
    (0..times).for_each(|_| file.write_all(records).expect("room"));
    (times * records.len() / 4) as u64
}

fn decode(path: &Path) -> u64 {
    let mut reader = open(path, &ReadOptions::default()).expect("a trace");
    let mut chunk = Chunk::default();
    let mut last = 0;
    while reader.read_chunk(&mut chunk).expect("whole records") {
        last ^= black_box(&chunk.photons).last().map_or(0, |tag| tag.tick.0);
    }
    last + reader.counts().photons
}

fn naive(path: &Path, header_bytes: usize) -> u64 {
    let mut file = File::open(path).expect("a file");
    file.read_exact(&mut vec![0; header_bytes]).expect("a header");
    let (mut block, mut photons) = (vec![0; 1 << 16], Vec::new());
    let (mut base, mut last) = (0, 0);
    loop {
        let read = file.read(&mut block).expect("a file");
        if read == 0 {
            return last;
        }
        photons.clear();
        for record in block[..read].as_chunks().0 {
            let word = u32::from_le_bytes(*record);
            let time = u64::from(word & 0x1FF_FFFF);
            match word >> 25 {
                channel @ 0..64 => photons.push((base + time, channel as u8)),
                127 => base += time.max(1) << 25,
                _ => {}
            }
        }
        last ^= black_box(&photons).last().map_or(0, |tag: &(u64, u8)| tag.0);
    }
}

fn t2(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trace.ptu");
    let recorded = parts(RecordType::HydraHarpV2T2).1;
    let cases = [
        ("recording, HydraHarp V2, 30 % overflows", RecordType::HydraHarpV2T2, recorded),
        (
            "bright, generic, 1 % overflows, 1 % sync edges",
            RecordType::GenericT2,
            bright(RecordType::GenericT2, 100),
        ),
        (
            "bright, HydraHarp V1, 10 % overflows, 10 % sync edges",
            RecordType::HydraHarpV1T2,
            bright(RecordType::HydraHarpV1T2, 10),
        ),
        (
            "bright, PicoHarp 300, 1 % overflows, 1 % markers",
            RecordType::PicoHarp300T2,
            bright(RecordType::PicoHarp300T2, 100),
        ),
    ];
    for (name, kind, records) in cases {
        let header = parts(kind).0;
        let count = write(&path, &header, &records);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(count)).sample_size(10);
        group.bench_function("decode", |b| {
            b.iter_custom(|times| processor_time(|| decode(&path), times));
        });
        if kind == RecordType::HydraHarpV2T2 {
            group.bench_function("naive", |b| {
                b.iter_custom(|times| processor_time(|| naive(&path, header.len()), times));
            });
        }
    }
}

criterion_group!(decoding, t2);
criterion_main!(decoding);
