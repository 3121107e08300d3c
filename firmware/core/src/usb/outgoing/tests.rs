use super::*;
use crate::cable::{Outlet, Transmit};
use helio_units::SlotIndex;
use helio_wire::{Decoder, DeviceMessage, LogLevel, decode_device};
use proptest::prelude::*;
extern crate std;
use std::vec;
use std::vec::Vec;

const FLUSH: Ticks = Ticks(5_000);

struct Rig {
    out: Outgoing<8192>,
    now: Ticks,
}

impl Transmit for Rig {
    fn space(&self) -> usize {
        self.out.space()
    }

    fn send(&mut self, frame: &[u8]) {
        self.out.send(frame, self.now);
    }
}

impl Rig {
    fn new() -> Rig {
        Rig { out: Outgoing::new(FLUSH), now: Ticks(0) }
    }

    /// All packets that go now.
    fn packets(&mut self) -> Vec<Vec<u8>> {
        let mut packets = vec![];
        while let Some(packet) = self.out.packet(self.now) {
            packets.push(packet.to_vec());
            self.out.sent();
        }
        packets
    }

    fn bytes(&mut self, count: usize, kind: u8) {
        let mut frame = vec![kind; count - 1];
        frame.push(0);
        assert!(frame.len() <= self.space());
        self.send(&frame);
    }
}

const CONTROL: u8 = 3;
const TAGS: u8 = 2;

fn lengths(packets: &[Vec<u8>]) -> Vec<usize> {
    packets.iter().map(Vec::len).collect()
}

#[test]
fn frames_go_into_the_lane_of_their_stream() {
    let log = DeviceMessage::Log { level: LogLevel::Info, text: "hello" };
    let gap = DeviceMessage::Gap { from: Ticks(1), to: Ticks(2), lost: 3 };
    let stopped = DeviceMessage::Stopped { end: SlotIndex(1), tick: Ticks(2) };
    let lost = DeviceMessage::LockLost { tick: Ticks(0x0101_0101_0101_0101) };
    for (message, expected) in
        [(log, Lane::Urgent), (gap, Lane::Bulk), (stopped, Lane::Urgent), (lost, Lane::Bulk)]
    {
        // With and without zeros in the header's other fields.
        for (nonce, epoch, sequence) in [(0x0101_0101, 0x0101, 0x0101_0101), (1, 0, 0)] {
            let mut seen = Vec::new();
            struct See<'a>(&'a mut Vec<u8>);
            impl Transmit for See<'_> {
                fn space(&self) -> usize {
                    4096
                }
                fn send(&mut self, frame: &[u8]) {
                    self.0.extend_from_slice(frame);
                }
            }
            let mut outlet = Outlet::counting_from(message.stream(), nonce, sequence);
            outlet.send(epoch, &message, &mut [0; 256], &mut See(&mut seen)).unwrap();
            assert_eq!(lane(&seen), expected, "{message:?}");
        }
    }
    assert_eq!(lane(&[]), Lane::Urgent);
}

#[test]
fn a_full_packet_goes_at_once_and_the_rest_after_the_flush_time() {
    let mut rig = Rig::new();
    rig.bytes(150, TAGS);
    assert_eq!(lengths(&rig.packets()), [64, 64]);
    rig.now = Ticks(4_999);
    assert_eq!(rig.packets(), [] as [Vec<u8>; 0]);
    rig.now = Ticks(5_000);
    assert_eq!(lengths(&rig.packets()), [22]);
    rig.now = Ticks(50_000);
    assert_eq!(rig.packets(), [] as [Vec<u8>; 0], "nothing is open");
}

#[test]
fn a_transfer_of_full_packets_ends_with_an_empty_one() {
    let mut rig = Rig::new();
    rig.bytes(128, TAGS);
    assert_eq!(lengths(&rig.packets()), [64, 64]);
    rig.now = Ticks(5_000);
    assert_eq!(lengths(&rig.packets()), [0]);
}

#[test]
fn without_a_pause_a_short_packet_still_comes_every_flush_time() {
    let mut rig = Rig::new();
    let mut since_short = 0;
    for step in 0..200 {
        rig.now = Ticks(step * 1_000);
        while rig.space() >= 64 {
            rig.bytes(64, TAGS);
        }
        for _ in 0..19 {
            let length = rig.out.packet(rig.now).unwrap().len();
            rig.out.sent();
            since_short = if length < 64 { 0 } else { since_short + 1 };
            assert!(length >= 63 && since_short <= 5 * 19, "at {step} ms");
        }
    }
}

#[test]
fn an_answer_overtakes_tags_at_the_end_of_a_frame_and_ends_the_transfer_at_once() {
    let mut rig = Rig::new();
    rig.bytes(100, TAGS);
    rig.bytes(100, TAGS);
    assert_eq!(rig.out.packet(rig.now).unwrap().len(), 64);
    rig.out.sent();
    rig.bytes(30, CONTROL);
    let packets = rig.packets();
    let mut expected = vec![TAGS; 35];
    expected.push(0);
    expected.extend([CONTROL; 28]);
    assert_eq!(packets[0], expected);
    assert_eq!(packets[1], [CONTROL, 0], "short: the answer does not wait");
    assert_eq!(lengths(&packets[2..]), [64]);
}

#[test]
fn an_answer_that_fills_a_packet_is_followed_by_an_empty_one() {
    let mut rig = Rig::new();
    rig.bytes(64, CONTROL);
    assert_eq!(lengths(&rig.packets()), [64, 0]);
}

#[test]
fn the_end_of_a_run_overtakes_nothing_of_it() {
    let mut rig = Rig::new();
    let end = {
        let mut frame = vec![9; 29];
        (frame[0], frame[1], frame[2], frame[28]) = (3, 1, 0x86, 0);
        frame
    };
    assert!(is_end(&end) && lane(&end) == Lane::Urgent);
    rig.bytes(200, TAGS);
    rig.bytes(200, TAGS);
    rig.bytes(40, CONTROL);
    rig.send(&end);
    rig.bytes(20, CONTROL);
    rig.bytes(300, TAGS);
    rig.now = Ticks(5_000);
    let mut bytes = rig.packets().concat();
    rig.now = Ticks(20_000);
    bytes.extend(rig.packets().concat());
    let end = bytes.windows(end.len()).position(|w| w == end).unwrap();
    assert_eq!(bytes[0], CONTROL, "the answer before it did overtake");
    let tags = bytes[..end].iter().filter(|byte| **byte == TAGS).count();
    assert_eq!(tags, 2 * 199, "all of the run's before it, nothing of what came later");
    let after = bytes[end + 29..].iter().position(|byte| *byte == CONTROL);
    assert_eq!(after, Some(0), "and the one behind it overtakes what came later");
    assert_eq!(bytes.len(), 200 + 200 + 40 + 29 + 20 + 300);
}

#[test]
fn neither_lane_starves() {
    let mut rig = Rig::new();
    let (mut answers, mut tags) = (0, 0);
    for _ in 0..100 {
        while rig.space() >= 300 {
            rig.bytes(60, CONTROL);
            rig.bytes(60, CONTROL);
            rig.bytes(60, TAGS);
        }
        let packet = rig.out.packet(rig.now).unwrap().to_vec();
        rig.out.sent();
        answers += packet.iter().filter(|b| **b == CONTROL).count();
        tags += packet.iter().filter(|b| **b == TAGS).count();
    }
    assert!(tags * 7 < answers && answers < tags * 9, "{answers} {tags}");
}

#[test]
fn after_a_loss_nothing_is_left() {
    let mut rig = Rig::new();
    rig.bytes(100, TAGS);
    rig.bytes(10, CONTROL);
    assert!(rig.out.packet(rig.now).is_some());
    rig.out.clear();
    rig.now = Ticks(5_000);
    assert_eq!(rig.packets(), [] as [Vec<u8>; 0]);
    assert_eq!(rig.space(), 8192);
}

proptest! {
    /// Every frame arrives whole, those of a stream in order; no transfer stays open for longer
    /// than the flush time.
    #[test]
    fn all_frames_come_out_whole_and_in_order(
        steps in prop::collection::vec((0..3u8, 1..120usize, 0..4_000u64), 1..100),
    ) {
        let mut rig = Rig::new();
        let (mut control, mut tags) =
            (Outlet::new(Stream::Control, 7), Outlet::new(Stream::Tags, 7));
        let (mut decoder, mut sent, mut seen) = (Decoder::new(), [0, 0], [0, 0]);
        let text = [b'x'; 120];
        let mut waiting = 0;
        for (what, length, pause) in steps {
            let mut buffer = [0; 256];
            let text = core::str::from_utf8(&text[..length]).unwrap();
            let sending = match what {
                0 => {
                    let log = DeviceMessage::Log { level: LogLevel::Info, text };
                    control.send(0, &log, &mut buffer, &mut rig)
                }
                _ => {
                    let gap = DeviceMessage::Gap { from: Ticks(0), to: Ticks(0), lost: 0 };
                    tags.send(0, &gap, &mut buffer, &mut rig)
                }
            };
            if sending.is_ok() {
                sent[usize::from(what > 0)] += 1;
            }
            rig.now = Ticks(rig.now.0 + pause);
            for packet in rig.packets() {
                waiting = if packet.len() < 64 { 0 } else { waiting + 1 };
                decoder.push(&packet, |frame| {
                    let (header, _) = decode_device(frame.unwrap()).unwrap();
                    let of = usize::from(header.stream == Stream::Tags);
                    assert_eq!(header.sequence, seen[of]);
                    seen[of] += 1;
                });
            }
        }
        rig.now = Ticks(rig.now.0 + 2 * FLUSH.0);
        for packet in rig.packets() {
            waiting = if packet.len() < 64 { 0 } else { waiting + 1 };
            decoder.push(&packet, |frame| {
                let (header, _) = decode_device(frame.unwrap()).unwrap();
                seen[usize::from(header.stream == Stream::Tags)] += 1;
            });
        }
        prop_assert_eq!(seen, sent);
        prop_assert_eq!(waiting, 0, "the last transfer was ended");
    }
}
