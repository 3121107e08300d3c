//! Devices that start anew behind the same link.

use helio_link::{Connection, Event, PipeEnd};
use helio_virt::{VirtBench, VirtConfig};
use helio_wire::{DeviceMessage, ErrorCode, HostMessage, RebootMode, Role};
use std::time::Duration;

/// What a host hears of a device, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Hello,
    Ack(u32),
    Refused(u32, ErrorCode),
    Rebooted(u32),
}

fn hear(bench: &mut VirtBench, connection: &mut Connection<PipeEnd>) -> Vec<Heard> {
    let mut heard = Vec::new();
    for _ in 0..6 {
        bench.step();
        let _ = connection.receive(Duration::ZERO, |event| {
            heard.extend(match event {
                Event::Message(_, DeviceMessage::Hello { .. }) => Some(Heard::Hello),
                Event::Message(_, DeviceMessage::Ack { command, .. }) => Some(Heard::Ack(command)),
                Event::Message(_, DeviceMessage::Error { command, code, .. }) => {
                    Some(Heard::Refused(command, code))
                }
                Event::Rebooted { nonce } => Some(Heard::Rebooted(nonce)),
                _ => None,
            });
        });
    }
    heard
}

#[test]
fn a_device_that_starts_anew_has_another_nonce_and_remembers_nothing() {
    for role in [Role::Alice, Role::Bob] {
        let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
        let (near, _other) = if role == Role::Alice { (alice, bob) } else { (bob, alice) };
        let mut connection = Connection::new(near);
        connection.send(&HostMessage::Hello).unwrap();
        assert_eq!(hear(&mut bench, &mut connection), [Heard::Hello]);
        let mut nonces = vec![connection.nonce().unwrap()];
        for by_command in [true, false, true] {
            if by_command {
                let reboot = HostMessage::Reboot(RebootMode::Firmware);
                let command = connection.send(&reboot).unwrap();
                let heard = hear(&mut bench, &mut connection);
                assert_eq!(heard[0], Heard::Ack(command), "{heard:?}");
            } else {
                bench.reboot(role);
            }
            connection.send(&HostMessage::Hello).unwrap();
            let _ = hear(&mut bench, &mut connection);
            let nonce = connection.nonce().unwrap();
            assert!(nonce != 0 && !nonces.contains(&nonce), "{nonces:x?}");
            nonces.push(nonce);
            let command = connection.send(&HostMessage::Arm { nonce: 1 }).unwrap();
            let refused = [Heard::Refused(command, ErrorCode::NotConfigured)];
            assert_eq!(hear(&mut bench, &mut connection), refused);
        }
        assert_eq!(connection.losses().reboots, 3);
    }
}
