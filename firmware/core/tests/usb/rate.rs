//! The bus of full speed: 19 bulk packets of 64 bytes a millisecond (USB 2.0, table 5-9).

use super::rig::{FRAMES, Rig};
use helio_bench::Edge;
use helio_firmware::Transmit;
use helio_units::Ticks;
use helio_wire::{
    Decoder, DeviceMessage, Header, HostMessage, MAX_FRAME, Stream, TagWriter, decode_device,
    encode_device,
};

const PACKETS_PER_MS: u64 = 19;

/// A frame of so many tags.
fn tags(sequence: u32, count: usize) -> Vec<u8> {
    let mut writer = TagWriter::new([0; helio_wire::MAX_TAG_CODES], 2, Ticks(0));
    for tick in 0..count as u64 {
        writer.push(Edge { tick: Ticks(tick * 1000), channel: 1 }).unwrap();
    }
    let batch = writer.batch();
    let header = Header { stream: Stream::Tags, boot_nonce: 1, epoch: 1, sequence };
    let mut frame = [0; MAX_FRAME];
    let length = encode_device(&header, &DeviceMessage::Tags(batch), &mut frame).unwrap();
    frame[..length].to_vec()
}

#[test]
fn the_cable_fills_every_packet_that_the_bus_carries() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HostMessage::Hello);
    let (mut sequence, mut bytes, mut decoder, mut frames) = (0, 0, Decoder::new(), 0);
    let milliseconds = 200;
    for _ in 0..milliseconds {
        for packet in 0..PACKETS_PER_MS {
            while rig.cable.space() > MAX_FRAME {
                rig.cable.send(&tags(sequence, 500));
                sequence += 1;
            }
            rig.pass(if packet == 0 { 1_000 - 18 * 52 } else { 52 });
            let packet = rig.bus.take(FRAMES).expect("a packet each time the bus has room");
            bytes += packet.len() as u64;
            decoder.push(&packet, |frame| {
                assert_eq!(decode_device(frame.unwrap()).unwrap().0.sequence, frames);
                frames += 1;
            });
        }
    }
    let most = PACKETS_PER_MS * 64 * milliseconds;
    println!("{bytes} of {most} bytes in {milliseconds} ms");
    // A short packet every 5 ms, one byte less than full, is all that the flush costs.
    assert!(bytes >= most - milliseconds / 5 - 1, "{bytes} of {most}");
    assert!(frames > 100);
}

#[test]
fn control_is_heard_within_a_frame_of_tags_on_a_full_bus() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HostMessage::Hello);
    let (mut sequence, mut decoder) = (0, Decoder::new());
    for line in 0..20 {
        let mut waited = 0;
        rig.say(line, 40);
        let mut heard = false;
        while !heard {
            while rig.cable.space() > MAX_FRAME {
                rig.cable.send(&tags(sequence, 500));
                sequence += 1;
            }
            rig.pass(52);
            let packet = rig.bus.take(FRAMES).expect("the bus is full");
            decoder.push(&packet, |frame| {
                heard |= frame.unwrap().header().unwrap().stream == Stream::Control;
            });
            waited += 1;
        }
        // The frame that has begun, the answer, and the packet that was armed before.
        assert!(waited <= MAX_FRAME / 64 + 3, "{waited} packets");
    }
}
