//! What the codec costs on a host: tags and settings, from values to bytes on the cable and back.
//!
//! Tags: one element is one tag. Settings: bytes are packed settings, without framing. Both
//! include stuffing, checksum and all checks.

#[path = "../tests/support/poisson.rs"]
mod poisson;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_bench::{Edge, SettingsSource};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{
    Decoder, DeviceMessage, Header, MAX_FRAME, MAX_SETTINGS_BYTES, MAX_TAG_CODES, SettingsBatch,
    Stream, TagRefused, TagWriter, decode_device, encode_device,
};
use poisson::Poisson;

const TAGS: usize = 1_000_000;
const SLOTS: usize = 10_000_000;
/// What a USB transfer brings at once.
const TRANSFER: usize = 16 * 1024;

fn header(stream: Stream, sequence: u32) -> Header {
    Header { stream, boot_nonce: 0x5eed_b007, epoch: 1, sequence }
}

fn encode_tags(edges: &[Edge], cable: &mut Vec<u8>) {
    let mut frame = [0; MAX_FRAME];
    let mut writer = TagWriter::new([0; MAX_TAG_CODES], 2, Ticks(0));
    let mut sequence = 0;
    let mut send = |writer: &TagWriter<[u8; MAX_TAG_CODES]>| {
        let message = DeviceMessage::Tags(writer.batch());
        let length = encode_device(&header(Stream::Tags, sequence), &message, &mut frame);
        cable.extend_from_slice(&frame[..length.expect("a batch fits")]);
        sequence += 1;
    };
    for edge in edges {
        match writer.push(*edge) {
            Ok(()) => {}
            Err(TagRefused::Full) => {
                send(&writer);
                writer.restart(edge.tick);
                writer.push(*edge).expect("an empty batch takes a tag");
            }
            Err(refused) => panic!("{refused}"),
        }
    }
    send(&writer);
}

fn decode_tags(cable: &[u8], out: &mut [Edge; MAX_TAG_CODES]) -> (usize, u64) {
    let (mut tags, mut sum) = (0, 0u64);
    let mut decoder = Decoder::new();
    for transfer in cable.chunks(TRANSFER) {
        decoder.push(transfer, |frame| {
            let Ok((_, DeviceMessage::Tags(batch))) = decode_device(frame.expect("whole")) else {
                panic!("only tags were sent");
            };
            let n = batch.decode_into(out);
            tags += n;
            sum = sum.wrapping_add(out[n - 1].tick.0);
        });
    }
    (tags, sum)
}

fn encode_settings(packed: &[u8], bits: u8, cable: &mut Vec<u8>) {
    let mut frame = [0; MAX_FRAME];
    let mut slot = 0;
    for (sequence, packed) in packed.chunks(MAX_SETTINGS_BYTES).enumerate() {
        let count = (packed.len() * 8 / usize::from(bits)) as u16;
        let (first, source) = (SlotIndex(slot), SettingsSource::Own);
        let batch = SettingsBatch { first, bits_per_slot: bits, source, count, packed };
        let header = header(Stream::Settings, sequence as u32);
        let length = encode_device(&header, &DeviceMessage::Settings(batch), &mut frame);
        cable.extend_from_slice(&frame[..length.expect("a batch fits")]);
        slot += u64::from(count);
    }
}

fn decode_settings(cable: &[u8]) -> (u64, u64) {
    let (mut slots, mut last) = (0, 0);
    let mut decoder = Decoder::new();
    for transfer in cable.chunks(TRANSFER) {
        decoder.push(transfer, |frame| {
            let Ok((_, DeviceMessage::Settings(batch))) = decode_device(frame.expect("whole"))
            else {
                panic!("only settings were sent");
            };
            slots += u64::from(batch.count);
            last = batch.first.0 + u64::from(black_box(batch.packed)[0]);
        });
    }
    (slots, last)
}

fn tags(c: &mut Criterion) {
    // 100 000 tags a second, in ticks of 20000/3 ps and of 10 ps.
    for (name, mean) in [("tick 6.67 ns", 1_500.0), ("tick 10 ps", 1_000_000.0)] {
        let edges: Vec<Edge> = Poisson::new(1, mean, 4).take(TAGS).collect();
        let mut cable = Vec::new();
        encode_tags(&edges, &mut cable);
        let mut out = [Edge { tick: Ticks(0), channel: 0 }; MAX_TAG_CODES];
        assert_eq!(decode_tags(&cable, &mut out).0, TAGS);

        let mut group = c.benchmark_group(format!("tags, {name}"));
        group.throughput(Throughput::Elements(TAGS as u64));
        group.bench_function("encode", |b| {
            b.iter(|| {
                cable.clear();
                encode_tags(black_box(&edges), &mut cable);
            })
        });
        group.bench_function("decode", |b| b.iter(|| decode_tags(black_box(&cable), &mut out)));
        group.finish();
    }
}

fn settings(c: &mut Criterion) {
    // Random settings have a zero byte in 256, which is what the stuffing's speed depends on.
    let mut draw = Poisson::new(2, 1e6, 4);
    for bits in [4u8, 2] {
        let packed: Vec<u8> =
            (0..SLOTS * usize::from(bits) / 8).map(|_| draw.next().unwrap().tick.0 as u8).collect();
        let mut cable = Vec::new();
        encode_settings(&packed, bits, &mut cable);
        assert_eq!(decode_settings(&cable).0, SLOTS as u64);

        let mut group = c.benchmark_group(format!("settings, {bits} bits a slot"));
        group.throughput(Throughput::Bytes(packed.len() as u64));
        group.bench_function("encode", |b| {
            b.iter(|| {
                cable.clear();
                encode_settings(black_box(&packed), bits, &mut cable);
            })
        });
        group.bench_function("decode", |b| b.iter(|| decode_settings(black_box(&cable))));
        group.finish();
    }
}

criterion_group!(benches, tags, settings);
criterion_main!(benches);
