//! Recordings in memory: how many photons a second one core writes and reads, beside a scalar loop
//! with a variable-length number for each gap and a byte for each channel.
//!
//! Times are the processor's for this thread, because others may use the machine too. The photons
//! are those of a recording and simulated unrelated light on four channels.

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_trace::{
    Chunk, ReadOptions, RecordingOptions, RecordingWriter, TimeTag, WriteSettings, from_read, open,
};
use helio_units::Ticks;
use rustix::time::{ClockId, clock_gettime};

/// As a reader of another format gives them.
const CHUNK: usize = 1 << 13;
/// Chunks that come again and again in running time: they stay in the second cache, as those of a
/// source that has just made them.
const CHUNKS: usize = 4;
const ROUNDS: usize = 64;
const PHOTONS: usize = CHUNK * CHUNKS * ROUNDS;

/// Nanoseconds that the processor spent on this thread, shown as wall time is.
struct CpuTime(WallTime);

impl Measurement for CpuTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    fn end(&self, start: u64) -> u64 {
        self.start() - start
    }

    fn add(&self, a: &u64, b: &u64) -> u64 {
        a + b
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}

/// A generator of the multiply-with-carry kind, good enough to scatter photons.
struct Scatter(u64);

impl Scatter {
    fn next(&mut self) -> u64 {
        self.0 = (self.0 & 0xffff_ffff) * 0xfffd_7423 + (self.0 >> 32);
        self.0
    }
}

/// The first photons of the recording, and what is known of it.
fn recorded() -> (WriteSettings, Vec<TimeTag>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lpq_hydraharp_v30_t2.ptu");
    let mut reader = open(path, &ReadOptions::default()).expect("a recording of this crate");
    let (mut all, mut chunk) = (Chunk::default(), Chunk::default());
    while reader.read_chunk(&mut chunk).expect("it is whole") {
        all.append(&chunk);
    }
    all.photons.truncate(CHUNK * CHUNKS);
    (WriteSettings::new(reader.tick_length()), all.photons)
}

/// Unrelated light of 1 Mcps on each of four channels, in ticks of 1 ps.
fn simulated() -> Vec<TimeTag> {
    let (mut scatter, mut tick) = (Scatter(1), 0.0);
    let mut photon = |_| {
        let uniform = (scatter.next() % (1 << 32)) as f64 + 0.5;
        tick -= 250_000.0 * (uniform / 2f64.powi(32)).ln();
        TimeTag { tick: Ticks(tick as u64), channel: (scatter.next() >> 7 & 3) as u8 }
    };
    (0..CHUNK * CHUNKS).map(&mut photon).collect()
}

/// Gives each chunk of all rounds to `take`.
fn each_chunk(photons: &[TimeTag], mut take: impl FnMut(&Chunk)) {
    let chunk = |part: &[TimeTag]| Chunk { photons: part.to_vec(), ..Chunk::default() };
    let mut chunks: Vec<Chunk> = photons.chunks(CHUNK).map(chunk).collect();
    let round = photons[photons.len() - 1].tick.0;
    for _ in 0..ROUNDS {
        for chunk in &mut chunks {
            take(chunk);
            chunk.photons.iter_mut().for_each(|tag| tag.tick.0 += round);
        }
    }
}

fn write(settings: &WriteSettings, photons: &[TimeTag], mut out: Vec<u8>) -> Vec<u8> {
    out.clear();
    let options = RecordingOptions::default();
    let mut writer = RecordingWriter::new(&mut out, settings, options).expect("memory");
    each_chunk(photons, |chunk| writer.write_chunk(chunk).expect("memory"));
    writer.finish().expect("memory");
    out
}

fn read(file: &[u8], chunk: &mut Chunk) -> u64 {
    let mut reader = from_read(Cursor::new(file), &ReadOptions::default()).expect("a recording");
    let mut last = 0;
    while reader.read_chunk(chunk).expect("a whole one") {
        last = chunk.photons.last().map_or(last, |tag| tag.tick.0);
    }
    last
}

fn naive_write(photons: &[TimeTag], mut out: Vec<u8>) -> Vec<u8> {
    out.clear();
    let mut last = 0;
    each_chunk(photons, |chunk| {
        for tag in &chunk.photons {
            let mut gap = tag.tick.0 - last;
            last = tag.tick.0;
            while gap >= 0x80 {
                out.push(gap as u8 | 0x80);
                gap >>= 7;
            }
            out.extend([gap as u8, tag.channel]);
        }
    });
    out
}

fn naive_read(file: &[u8], chunk: &mut Chunk) -> u64 {
    let (mut bytes, mut tick) = (file.iter(), 0);
    chunk.clear();
    loop {
        let (mut gap, mut shift) = (0, 0);
        let Some(last) = (loop {
            let Some(&byte) = bytes.next() else { break None };
            gap |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break bytes.next();
            }
        }) else {
            return tick;
        };
        tick += gap;
        if chunk.photons.len() == CHUNK {
            chunk.clear();
        }
        chunk.photons.push(TimeTag { tick: Ticks(tick), channel: *last });
    }
}

fn recording(c: &mut Criterion<CpuTime>) {
    let (settings, photons) = recorded();
    for (name, photons) in [("recorded light", photons), ("four channels", simulated())] {
        let (file, naive) =
            (write(&settings, &photons, Vec::new()), naive_write(&photons, Vec::new()));
        let a_photon = |bytes: &[u8]| bytes.len() as f64 / PHOTONS as f64;
        println!("{name}: {:.3} bytes a photon, naive {:.3}", a_photon(&file), a_photon(&naive));
        let mut chunk = Chunk::default();
        assert_eq!(read(&file, &mut chunk), naive_read(&naive, &mut chunk));

        let mut group = c.benchmark_group(name);
        group.sample_size(20).throughput(Throughput::Elements(PHOTONS as u64));
        let mut out = Vec::new();
        group.bench_function("write", |bench| {
            bench.iter(|| out = write(&settings, black_box(&photons), std::mem::take(&mut out)));
        });
        group.bench_function("write, naive", |bench| {
            bench.iter(|| out = naive_write(black_box(&photons), std::mem::take(&mut out)));
        });
        group.bench_function("read", |bench| {
            bench.iter(|| read(black_box(&file), &mut chunk));
        });
        group.bench_function("read, naive", |bench| {
            bench.iter(|| naive_read(black_box(&naive), &mut chunk));
        });
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime(WallTime));
    targets = recording
);
criterion_main!(benches);
