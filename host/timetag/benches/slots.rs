//! Frame bytes to detections: how many tags a second one core takes.
//!
//! The tags are pulses of 5 MHz slots with dark counts between them at random, at 100 kHz and at
//! 1 MHz, on two channels; marks come every 10 ms.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use helio_bench::{Edge, SlotTiming};
use helio_timetag::{
    Buffer, PhaseHistogram, SlotBatch, Slotter, SlotterConfig, TagBatch, TagDecoder, Window,
};
use helio_units::{FineTicks, SlotIndex, Ticks};
use helio_wire::{
    Decoder, DeviceMessage, Header, MAX_FRAME, MAX_TAG_CODES, Stream, TagWriter, decode_device,
    encode_device,
};
use std::hint::black_box;
use std::num::NonZeroU16;

const TAGS: u64 = 1 << 20;
const SLOT: u64 = 30;

/// A generator of the multiply-with-carry kind, good enough to scatter tags.
struct Scatter(u64);

impl Scatter {
    fn next(&mut self) -> u64 {
        self.0 = (self.0 & 0xffff_ffff) * 0xfffd_7423 + (self.0 >> 32);
        self.0
    }
}

struct Frames {
    bytes: Vec<u8>,
    sequence: u32,
}

impl Frames {
    fn push(&mut self, message: &DeviceMessage<'_>) {
        let header =
            Header { stream: Stream::Tags, boot_nonce: 1, epoch: 1, sequence: self.sequence };
        let mut frame = [0; MAX_FRAME];
        let length = encode_device(&header, message, &mut frame).expect("the message fits");
        self.bytes.extend_from_slice(&frame[..length]);
        self.sequence += 1;
    }
}

/// The bytes of `TAGS` tags with `slots_per_tag` slots between two of them on average.
fn record(slots_per_tag: u64) -> Vec<u8> {
    let mut frames = Frames { bytes: Vec::new(), sequence: 0 };
    let mut scatter = Scatter(1);
    let mut writer = TagWriter::new([0; MAX_TAG_CODES], 1, Ticks(0));
    let (mut slot, mut next_mark) = (0, 0);
    for _ in 0..TAGS {
        slot += 1 + scatter.next() % (2 * slots_per_tag);
        let random = scatter.next();
        let phase = if random.is_multiple_of(8) { random / 8 % SLOT } else { 14 + random / 8 % 3 };
        let edge = Edge { tick: Ticks(slot * SLOT + phase), channel: (random >> 20 & 1) as u8 };
        if slot >= next_mark || writer.push(edge).is_err() {
            writer.set_reached(edge.tick);
            frames.push(&DeviceMessage::Tags(writer.batch()));
            writer.restart(edge.tick);
            writer.push(edge).expect("an empty batch takes a tag");
            if slot >= next_mark {
                frames.push(&DeviceMessage::SlotMark(SlotTiming {
                    slot: SlotIndex(slot + 1),
                    start: FineTicks::from_ticks(Ticks((slot + 1) * SLOT)),
                    period: FineTicks::from_ticks(Ticks(SLOT)),
                }));
                next_mark = slot + 50_000;
            }
        }
    }
    writer.set_reached(Ticks((slot + 1) * SLOT));
    frames.push(&DeviceMessage::Tags(writer.batch()));
    frames.bytes
}

fn slotter() -> Slotter {
    let config = SlotterConfig {
        delays: vec![FineTicks(0), FineTicks(1 << 31)],
        window: Window { centre: 1 << 31, half_width: FineTicks::from_ticks(Ticks(3)) },
        hold_off: FineTicks::from_ticks(Ticks(150)),
        sync_spacing: NonZeroU16::new(64),
        slack: Ticks(150_000),
    };
    Slotter::new(config).expect("the configuration is in range")
}

/// Feeds the decoder pieces of `PIECE` bytes and calls `full` for each batch of about 4096 tags.
fn decode(bytes: &[u8], mut full: impl FnMut(&mut TagBatch)) {
    const PIECE: usize = 16 * 1024;
    let (mut frames, mut tags, mut batch) =
        (Decoder::new(), TagDecoder::new(), TagBatch::default());
    for piece in bytes.chunks(PIECE) {
        frames.push(piece, |frame| {
            let (_, message) = decode_device(frame.expect("the bytes are whole")).expect("known");
            tags.push(&message, &mut batch);
            if batch.tags.len() >= 4096 {
                full(&mut batch);
                batch.clear();
            }
        });
    }
    full(&mut batch);
}

fn benches(c: &mut Criterion) {
    for (rate, slots_per_tag) in [("100 kHz", 50), ("1 MHz", 5)] {
        let bytes = record(slots_per_tag);
        let mut batches = Vec::new();
        decode(&bytes, |batch| batches.push(batch.clone()));
        let mut group = c.benchmark_group(format!("tags at {rate}"));
        group.throughput(Throughput::Elements(TAGS));
        group.sample_size(20);

        group.bench_function("frame bytes to tags", |b| {
            b.iter(|| decode(black_box(&bytes), |batch| _ = black_box(batch.tags.len())));
        });
        group.bench_function("tags to detections", |b| {
            b.iter_batched_ref(
                || (slotter(), SlotBatch::default()),
                |(slotter, out)| {
                    for batch in &batches {
                        out.clear();
                        slotter.push(batch, out);
                    }
                    black_box(out.counters)
                },
                BatchSize::LargeInput,
            );
        });
        group.bench_function("frame bytes to detections and phases", |b| {
            b.iter_batched_ref(
                || (slotter(), SlotBatch::default(), PhaseHistogram::new(120)),
                |(slotter, out, phases)| {
                    decode(black_box(&bytes), |batch| {
                        out.clear();
                        slotter.push_with(batch, out, phases);
                    });
                    assert!(out.counters.detections > TAGS / 10, "{:?}", out.counters);
                },
                BatchSize::LargeInput,
            );
        });
        group.bench_function("frame bytes to detections", |b| {
            b.iter_batched_ref(
                || (slotter(), SlotBatch::default()),
                |(slotter, out)| {
                    decode(black_box(&bytes), |batch| {
                        out.clear();
                        slotter.push(batch, out);
                    });
                    assert!(out.counters.detections > TAGS / 10, "{:?}", out.counters);
                },
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group!(slots, benches);
criterion_main!(slots);
