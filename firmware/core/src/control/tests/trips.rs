//! What trips, and the way back.

use super::*;
use helio_bench::TripCause;
use std::vec;

#[test]
fn every_cause_trips_from_every_state_and_needs_its_own_clearing() {
    for cause in TripCause::ALL {
        for state in [InterlockState::Safe, InterlockState::Armed, InterlockState::Emitting] {
            let mut desk = desk_of(Role::Alice);
            match state {
                InterlockState::Safe => desk.accept(HostMessage::Configure(configure())),
                InterlockState::Armed => {
                    desk.accept(HostMessage::Configure(configure()));
                    desk.accept(HostMessage::Arm { nonce: 77 });
                }
                _ => desk.emit(),
            }
            assert_eq!(desk.control.interlock(), state);
            let said = match cause {
                TripCause::HeartbeatLost => {
                    desk.now += 250 * MS;
                    desk.poll(&[], &[])
                }
                TripCause::BadFrames => desk.poll(&[], &[7, 7, 7, 0].repeat(17)),
                TripCause::UnknownCommand => {
                    let rx = frame_of_kind(&mut desk.host, 0x42);
                    let said = desk.poll(&[], &rx);
                    let command = desk.host.sequence - 1;
                    assert_eq!(said[0], Said::Error(command, ErrorCode::UnknownCommand, 0x42));
                    said
                }
                TripCause::RandomFault => desk.poll(&[Event::RandomFault], &[]),
                TripCause::LinkReset => desk.poll(&[Event::LinkReset], &[]),
                TripCause::PlayerFault => desk.poll(&[Event::PlayerFault], &[]),
                TripCause::External => desk.poll(&[Event::ContactOpen], &[]),
            };
            // Nobody is there to be lost while the device is safe.
            let lost = matches!(cause, TripCause::HeartbeatLost | TripCause::LinkReset);
            if lost && state == InterlockState::Safe {
                assert_eq!(desk.control.interlock(), InterlockState::Safe);
                continue;
            }
            let tripped = InterlockState::Tripped(cause);
            assert_eq!(desk.control.interlock(), tripped);
            assert!(desk.orders.halt && !desk.orders.enable && desk.orders.run.is_none());
            assert!(said.iter().any(|s| matches!(s, Said::Health(h) if h.interlock == tripped)));
            assert!(
                said.iter().any(|s| matches!(s, Said::Log(text) if text.contains("interlock")))
            );

            // Nothing but its own clearing helps, and then only a fresh arming.
            for message in [HostMessage::Arm { nonce: 9 }, start(9), HostMessage::Disarm] {
                desk.refuse(message, ErrorCode::WrongState, 0);
            }
            for other in TripCause::ALL.into_iter().filter(|other| *other != cause) {
                desk.refuse(HostMessage::Clear { cause: other }, ErrorCode::WrongState, 0);
            }
            assert_eq!(desk.control.interlock(), tripped);
            desk.accept(HostMessage::Clear { cause });
            assert_eq!(desk.control.interlock(), InterlockState::Safe);
            desk.refuse(start(9), ErrorCode::WrongState, 0);
            if state != InterlockState::Safe {
                desk.refuse(HostMessage::Arm { nonce: 77 }, ErrorCode::NonceReused, 0);
            }
            desk.accept(HostMessage::Arm { nonce: 78 });
            assert!(!desk.orders.enable);
        }
    }
}

/// A whole frame of a kind that a host never sends.
fn frame_of_kind(host: &mut Host, kind: u8) -> Vec<u8> {
    // A heartbeat with its kind exchanged and its checksum made anew.
    let frame = host.command(HostMessage::Heartbeat);
    let mut raw = vec![0; frame.len()];
    let length = unstuff(&frame[..frame.len() - 1], &mut raw);
    raw.truncate(length - 4);
    raw[1] = kind;
    seal(&raw)
}

fn unstuff(stuffed: &[u8], out: &mut [u8]) -> usize {
    let (mut read, mut written) = (0, 0);
    while read < stuffed.len() {
        let run = usize::from(stuffed[read]);
        out[written..written + run - 1].copy_from_slice(&stuffed[read + 1..read + run]);
        written += run - 1;
        read += run;
        if run < 255 && read < stuffed.len() {
            out[written] = 0;
            written += 1;
        }
    }
    written
}

/// Checksum (CRC-32/ISO-HDLC, bit by bit) and stuffing of a short frame.
fn seal(raw: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in raw {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut whole = raw.to_vec();
    whole.extend((!crc).to_le_bytes());
    let mut stuffed = Vec::new();
    for part in whole.split(|b| *b == 0) {
        stuffed.push(part.len() as u8 + 1);
        stuffed.extend(part);
    }
    stuffed.push(0);
    stuffed
}

#[test]
fn an_unknown_version_trips_and_noise_does_not() {
    let mut desk = desk_of(Role::Alice);
    desk.emit();
    let said = desk.poll(&[], &[1, 2, 3, 4, 5, 0, 9, 9, 0, 0, 0]);
    assert_eq!(said, []);
    assert_eq!(desk.control.health(Ticks(0)).bad_frames, 2);
    assert_eq!(desk.control.interlock(), InterlockState::Emitting);
    let mut raw = [0u8; 13];
    raw[0] = 99;
    let said = desk.poll(&[], &seal(&raw));
    assert_eq!(said[0], Said::Error(0, ErrorCode::UnknownCommand, 99));
    assert_eq!(desk.control.interlock(), InterlockState::Tripped(TripCause::UnknownCommand));
}

#[test]
fn a_data_plane_that_does_not_obey_trips() {
    for stop in [false, true] {
        let mut desk = desk_of(Role::Alice);
        desk.accept(HostMessage::Configure(configure()));
        desk.accept(HostMessage::Arm { nonce: 1 });
        let mut command = desk.host.sequence;
        desk.send(start(1));
        if stop {
            desk.poll(&[Event::Started { epoch: 1, tick: Ticks(0) }], &[]);
            command = desk.host.sequence;
            desk.send(HostMessage::Stop);
        }
        let said: Vec<Said> = (0..11).flat_map(|_| desk.poll(&[], &[])).collect();
        assert_eq!(desk.control.interlock(), InterlockState::Tripped(TripCause::PlayerFault));
        let answered = said.iter().any(|s| match s {
            Said::Error(c, ErrorCode::WrongState, 0) => *c == command && !stop,
            Said::Ack(c, _) => *c == command && stop,
            _ => false,
        });
        assert!(answered, "{said:?}");
    }
}

#[test]
fn a_receiver_runs_without_light_and_is_watched_all_the_same() {
    let mut desk = desk_of(Role::Bob);
    desk.accept(HostMessage::Configure(configure()));
    desk.send(start(1));
    assert_eq!(desk.orders.run, Some(RunOrder::Start { epoch: 1, slots: None }));
    desk.poll(&[Event::Started { epoch: 1, tick: Ticks(desk.now) }], &[]);
    assert_eq!(desk.control.interlock(), InterlockState::Safe);
    assert!(!desk.orders.enable);
    desk.refuse(start(2), ErrorCode::WrongState, 0);
    desk.accept(HostMessage::Heartbeat);
    for _ in 0..248 {
        desk.poll(&[], &[]);
        assert_eq!(desk.control.interlock(), InterlockState::Safe);
    }
    desk.poll(&[], &[]);
    assert_eq!(desk.control.interlock(), InterlockState::Tripped(TripCause::HeartbeatLost));
    assert!(desk.orders.halt);
}

#[test]
fn a_host_that_does_not_read_its_answers_has_broken_the_link() {
    let mut desk = desk_of(Role::Alice);
    desk.emit();
    desk.cable.capacity = 0;
    let mut rx = Vec::new();
    for _ in 0..28 {
        rx.extend(desk.host.command(HostMessage::Heartbeat));
    }
    desk.poll(&[], &rx);
    assert_eq!(desk.control.interlock(), InterlockState::Emitting);
    desk.send(HostMessage::Heartbeat);
    assert_eq!(desk.control.interlock(), InterlockState::Tripped(TripCause::LinkReset));
    // What waited comes when there is room, whole and in order.
    desk.cable.capacity = 1 << 20;
    let said = desk.poll(&[], &[]);
    let acks: Vec<u32> =
        said.iter().filter_map(|s| if let Said::Ack(c, _) = s { Some(*c) } else { None }).collect();
    assert_eq!(acks.len(), 28);
    assert!(acks.is_sorted());
}
