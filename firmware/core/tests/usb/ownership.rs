//! Whose the device is.

use super::rig::{FRAMES, Rig, SERIAL_IN, SERIAL_OUT, command};
use helio_firmware::Transmit;
use helio_firmware::usb::Pipe;
use helio_wire::{Arrival, Decoder, ErrorCode, HostMessage, SequenceTracker};
use proptest::prelude::*;

const HELLO: HostMessage = HostMessage::Hello;
const BEAT: HostMessage = HostMessage::Heartbeat;

#[test]
fn the_pipe_that_says_hello_owns_the_device_and_the_other_one_is_refused() {
    for (owner, other, to_owner, to_other, pipe) in [
        (FRAMES, SERIAL_OUT, FRAMES, SERIAL_IN, Pipe::Frames),
        (SERIAL_OUT, FRAMES, SERIAL_IN, FRAMES, Pipe::Serial),
    ] {
        let mut rig = Rig::new();
        assert_eq!((rig.cable.owner(), rig.cable.space()), (None, 0));
        rig.command(owner, &HELLO);
        assert_eq!((rig.cable.owner(), rig.cable.space()), (Some(pipe), 8192));
        assert_eq!(rig.received, command(0, &HELLO), "the device hears the Hello too");
        for message in [HELLO, BEAT, HELLO] {
            let sequence = rig.command(other, &message);
            let refused = Some((sequence, ErrorCode::Busy, 0));
            assert_eq!(rig.refusal(to_other), refused);
        }
        let before = rig.received.len();
        let sequence = rig.command(owner, &BEAT);
        assert_eq!(rig.received[before..], command(sequence, &BEAT));
        assert_eq!(rig.resets, 0);
        rig.say(0, 20);
        assert!(!rig.heard(to_owner).is_empty() && rig.heard(to_other).is_empty());
    }
}

#[test]
fn bytes_behind_hello_reach_the_device_and_those_before_it_do_not() {
    let mut rig = Rig::new();
    let mut bytes = vec![7, 7, 0];
    bytes.extend(command(0, &HELLO));
    bytes.extend(command(1, &BEAT));
    let beat = bytes.pop().unwrap();
    assert_eq!(beat, 0);
    rig.bytes(SERIAL_OUT, &bytes);
    rig.bytes(SERIAL_OUT, &[0]);
    assert_eq!(rig.received, [command(0, &HELLO), command(1, &BEAT)].concat());
}

#[test]
fn commands_before_hello_are_refused_and_a_stranger_learns_the_version() {
    let mut rig = Rig::new();
    let sequence = rig.command(FRAMES, &BEAT);
    assert_eq!(rig.refusal(FRAMES), Some((sequence, ErrorCode::WrongState, 0)));
    // A frame of version 99 with a right checksum.
    let mut raw = vec![99, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    raw.extend(crc32(&raw).to_le_bytes());
    let mut frame = vec![1 + raw.len() as u8];
    frame.extend(&raw);
    frame.push(0);
    assert!(!raw.contains(&0));
    rig.bytes(FRAMES, &frame);
    assert_eq!(rig.refusal(FRAMES), Some((0, ErrorCode::UnknownCommand, 99)));
    assert_eq!((rig.cable.owner(), rig.received.len()), (None, 0));
}

#[test]
fn a_host_that_was_refused_is_not_deaf_when_it_owns_the_device() {
    let mut rig = Rig::new();
    let mut tracker = SequenceTracker::new();
    for _ in 0..5 {
        rig.command(SERIAL_OUT, &BEAT);
        assert_eq!(hear(&rig.heard(SERIAL_IN), &mut tracker), 1);
        assert_eq!(tracker.nonce(), Some(0), "its next Hello begins afresh");
    }
    rig.command(SERIAL_OUT, &HELLO);
    rig.say(0, 10);
    assert!(hear(&rig.heard(SERIAL_IN), &mut tracker) > 0);
}

/// Frames, none of which is a repeat.
fn hear(bytes: &[u8], tracker: &mut SequenceTracker) -> usize {
    let mut frames = 0;
    Decoder::new().push(bytes, |frame| {
        let header = frame.unwrap().header().unwrap();
        assert_ne!(tracker.account(&header), Arrival::Repeat);
        frames += 1;
    });
    frames
}

#[test]
fn noise_on_the_pipe_that_is_not_the_owner_goes_nowhere() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HELLO);
    let before = rig.received.len();
    rig.bytes(SERIAL_OUT, b"AT+CGMI\r\nAT+CGMM\r\n");
    rig.bytes(SERIAL_OUT, &[0; 64]);
    rig.bytes(SERIAL_OUT, &[5; 300]);
    rig.bytes(SERIAL_OUT, &[0]);
    assert_eq!((rig.received.len(), rig.resets), (before, 0));
    assert_eq!(rig.refusal(SERIAL_IN), None);
    // And what comes after it is heard.
    let sequence = rig.command(SERIAL_OUT, &HELLO);
    assert_eq!(rig.refusal(SERIAL_IN), Some((sequence, ErrorCode::Busy, 0)));
}

#[test]
fn a_silent_owner_loses_the_device_and_its_link_is_reset() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HELLO);
    rig.say(0, 100);
    rig.pass(999_999);
    rig.command(SERIAL_OUT, &HELLO);
    assert_eq!((rig.cable.owner(), rig.resets), (Some(Pipe::Frames), 0));
    rig.command(FRAMES, &BEAT);
    rig.pass(1_000_000);
    let sequence = rig.command(SERIAL_OUT, &HELLO);
    assert_eq!((rig.cable.owner(), rig.resets), (Some(Pipe::Serial), 1));
    assert_eq!(rig.received, command(sequence, &HELLO), "of the old owner nothing is left");
    rig.pass(1);
    assert_eq!(rig.cable.space(), 8192, "what waited for the old owner is gone");
    let next = rig.command(FRAMES, &BEAT);
    assert!(next > sequence);
    rig.heard(FRAMES);
}

#[test]
fn closing_the_serial_port_resets_the_link_of_its_owner_only() {
    let mut rig = Rig::new();
    rig.command(SERIAL_OUT, &HELLO);
    rig.open_port(false);
    assert_eq!((rig.cable.owner(), rig.resets), (None, 1));
    rig.open_port(true);
    rig.command(FRAMES, &HELLO);
    rig.open_port(false);
    assert_eq!((rig.cable.owner(), rig.resets), (Some(Pipe::Frames), 1));
}

#[test]
fn a_host_that_does_not_take_its_refusals_gets_no_more_and_the_owner_is_served() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HELLO);
    for _ in 0..100 {
        rig.command(SERIAL_OUT, &BEAT);
    }
    assert!(rig.heard(SERIAL_IN).len() <= 64 * 2);
    let before = rig.received.len();
    rig.command(FRAMES, &BEAT);
    assert!(rig.received.len() > before);
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

proptest! {
    /// Any bytes on both pipes: no panic, and the owner's bytes arrive as they were sent.
    #[test]
    fn nothing_on_either_pipe_harms(
        packets in prop::collection::vec(
            (any::<bool>(), prop_oneof![
                prop::collection::vec(any::<u8>(), 0..65),
                prop::collection::vec(0..4u8, 0..65),
                (0..9u32).prop_map(|n| command(n, &HELLO)),
                (0..9u32).prop_map(|n| command(n, &BEAT)),
            ]),
            0..60,
        ),
    ) {
        let mut rig = Rig::new();
        rig.command(FRAMES, &HELLO);
        let mut expected = command(0, &HELLO);
        for (serial, packet) in packets {
            rig.bytes(if serial { SERIAL_OUT } else { FRAMES }, &packet);
            if !serial {
                expected.extend(packet);
            }
            rig.bus.take(SERIAL_IN);
        }
        prop_assert_eq!(rig.received, expected);
        prop_assert_eq!(rig.cable.owner(), Some(Pipe::Frames));
    }
}
