//! A noisy cable: bytes flipped, dropped and doubled.

use std::collections::HashMap;

use helio_bench::{Edge, SettingsSource};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{
    Arrival, Decoder, DeviceMessage, Header, Health, MAX_FRAME, SequenceTracker, SettingsBatch,
    Stream, TagWriter, decode_device, encode_device,
};
use proptest::prelude::*;

/// xorshift64*.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % n
    }
}

/// A frame as sent.
struct Sent {
    stream: Stream,
    sequence: u32,
    bytes: Vec<u8>,
}

/// Frames of all streams, short enough that about half of them survive one wrong byte in 100.
fn frames(draw: &mut Draw, count: usize) -> Vec<Sent> {
    let mut next = [0u32; Stream::COUNT];
    let mut sent = Vec::with_capacity(count);
    for n in 0..count as u64 {
        let mut writer = TagWriter::new([0; 200], 2, Ticks(n << 20));
        for i in 0..draw.below(40) {
            let tick = Ticks((n << 20) + i * 1500 + draw.below(1500));
            writer.push(Edge { tick, channel: draw.below(4) as u8 }).unwrap();
        }
        let packed: Vec<u8> = (0..draw.below(80)).map(|_| draw.below(256) as u8).collect();
        let settings = SettingsBatch {
            first: SlotIndex(n),
            bits_per_slot: 4,
            source: SettingsSource::Own,
            count: 2 * packed.len() as u16,
            packed: &packed,
        };
        let message = match draw.below(4) {
            0 => DeviceMessage::Ack { command: n as u32, tick: Ticks(n << 32) },
            1 => {
                DeviceMessage::Health(Health { now: Ticks(n), slots: n << 8, ..Health::default() })
            }
            2 => DeviceMessage::Tags(writer.batch()),
            _ => DeviceMessage::Settings(settings),
        };
        let stream = message.stream();
        let sequence = next[usize::from(stream.code())];
        next[usize::from(stream.code())] += 1;
        let header = Header { stream, boot_nonce: 0x5eed_b007, epoch: 1, sequence };
        let mut out = [0; MAX_FRAME];
        let length = encode_device(&header, &message, &mut out).unwrap();
        sent.push(Sent { stream, sequence, bytes: out[..length].to_vec() });
    }
    sent
}

/// What a cable that damages bytes made of the frames.
struct Cable {
    bytes: Vec<u8>,
    /// For each frame whether any of its bytes was damaged.
    damaged: Vec<bool>,
    /// For each frame whether it is whole and comes after a zero: then it must arrive.
    must_arrive: Vec<bool>,
}

fn cable(draw: &mut Draw, sent: &[Sent], damage_per_mille: u64) -> Cable {
    let mut cable = Cable { bytes: Vec::new(), damaged: Vec::new(), must_arrive: Vec::new() };
    // The first and the last frame of each stream stay whole, so that every loss lies between
    // two frames that arrive.
    let mut last = [0; Stream::COUNT];
    for frame in sent {
        last[usize::from(frame.stream.code())] = frame.sequence;
    }
    for frame in sent {
        let spared =
            frame.sequence == 0 || frame.sequence == last[usize::from(frame.stream.code())];
        if spared {
            cable.bytes.push(0);
        }
        let in_step = cable.bytes.last().is_none_or(|b| *b == 0);
        let mut damaged = false;
        for byte in &frame.bytes {
            if spared || draw.below(1000) >= damage_per_mille {
                cable.bytes.push(*byte);
                continue;
            }
            damaged = true;
            match draw.below(3) {
                0 => cable.bytes.push(byte ^ (1 + draw.below(255)) as u8),
                1 => {}
                _ => cable.bytes.extend([*byte, *byte]),
            }
        }
        cable.damaged.push(damaged);
        cable.must_arrive.push(in_step && !damaged);
    }
    cable
}

/// What came of a noisy run.
#[derive(Debug, Default)]
struct Tally {
    sent: usize,
    damaged: usize,
    accepted: usize,
    /// Groups of bytes between zeros that were no frame.
    refused: u64,
    /// Frames accepted that nobody sent.
    wrong: usize,
}

fn run(seed: u64, count: usize, damage_per_mille: u64) -> Tally {
    let mut draw = Draw(seed | 1);
    let sent = frames(&mut draw, count);
    let cable = cable(&mut draw, &sent, damage_per_mille);
    let index: HashMap<(Stream, u32), usize> =
        sent.iter().enumerate().map(|(i, f)| ((f.stream, f.sequence), i)).collect();

    let mut arrived = vec![false; count];
    let mut tracker = SequenceTracker::new();
    let mut tally = Tally { sent: count, ..Tally::default() };
    let mut reported = 0u64;
    let mut decoder = Decoder::new();
    let mut rest = &cable.bytes[..];
    while !rest.is_empty() {
        // Cut anywhere, as a pipe does.
        let (piece, others) = rest.split_at(rest.len().min(1 + draw.below(600) as usize));
        rest = others;
        decoder.push(piece, |frame| {
            let Ok(frame) = frame else { return };
            tally.accepted += 1;
            let same = frame.header().ok().and_then(|header| {
                let i = *index.get(&(header.stream, header.sequence))?;
                let (_, message) = decode_device(frame).ok()?;
                let mut out = [0; MAX_FRAME];
                let length = encode_device(&header, &message, &mut out).ok()?;
                (out[..length] == sent[i].bytes).then_some((i, header))
            });
            let Some((i, header)) = same else {
                tally.wrong += 1;
                return;
            };
            assert!(!arrived[i], "frame {i} arrived twice");
            arrived[i] = true;
            match tracker.account(&header) {
                Arrival::First => assert_eq!(header.sequence, 0),
                Arrival::InOrder => {}
                Arrival::Gap { missing } => reported += u64::from(missing),
                other => panic!("frame {i}: {other:?}"),
            }
        });
    }
    for (i, arrived) in arrived.iter().enumerate() {
        assert!(*arrived || !cable.must_arrive[i], "frame {i} was whole and in step, and is lost");
    }
    let lost = arrived.iter().filter(|a| !**a).count() as u64;
    assert_eq!(reported, lost, "every lost frame is missing in its sequence");
    assert_eq!(tracker.missing(), lost);
    tally.damaged = cable.damaged.iter().filter(|d| **d).count();
    tally.refused = decoder.counters().bad_frames();
    assert_eq!(decoder.counters().frames, tally.accepted as u64);
    tally
}

#[test]
fn one_byte_in_a_hundred_damaged() {
    let tally = run(1, 400_000, 10);
    println!(
        "{} frames sent, {} damaged, {} accepted, {} pieces refused: {} wrong frames accepted \
         of {} tried",
        tally.sent, tally.damaged, tally.accepted, tally.refused, tally.wrong, tally.damaged,
    );
    assert!(tally.damaged > 100_000 && tally.accepted > 100_000, "{tally:?}");
    assert_eq!(tally.wrong, 0);
}

#[test]
fn a_clean_cable_loses_nothing() {
    let tally = run(2, 10_000, 0);
    assert_eq!((tally.accepted, tally.refused, tally.wrong), (10_000, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_noise(seed in any::<u64>(), damage_per_mille in 1..400u64) {
        prop_assert_eq!(run(seed, 500, damage_per_mille).wrong, 0);
    }
}
