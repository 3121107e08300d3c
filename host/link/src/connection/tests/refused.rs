//! A host on the pipe that does not own the device.

use super::*;
use helio_wire::ErrorCode;

/// As a device refuses on a pipe that it does not listen to.
fn refuse(device: &mut Device, command: u32, code: ErrorCode) {
    let header = Header { stream: Stream::Control, boot_nonce: 0, epoch: 0, sequence: u32::MAX };
    let mut frame = [0; MAX_FRAME];
    let message = DeviceMessage::Error { command, code, detail: 0 };
    let length = encode_device(&header, &message, &mut frame).unwrap();
    device.end.send(&frame[..length]).unwrap();
}

/// Number and nonce of all commands that have come to the device.
fn commands(device: &mut Device) -> Vec<(u32, u32)> {
    let (mut commands, mut chunk) = (Vec::new(), Vec::new());
    while device.end.try_receive(&mut chunk).is_ok() {
        Decoder::new().push(&chunk, |frame| {
            let (header, _) = decode_host(frame.unwrap()).unwrap();
            commands.push((header.sequence, header.boot_nonce));
        });
    }
    commands
}

/// Refused, with all answers heard.
fn refusals<T: Transport>(connection: &mut Connection<T>) -> usize {
    let mut refusals = 0;
    while connection
        .receive(SOON, |event| {
            let refusal = matches!(event, Event::Message(_, DeviceMessage::Error { .. }));
            assert!(refusal, "{event:?}");
            refusals += 1;
        })
        .is_ok()
    {}
    refusals
}

#[test]
fn a_host_that_was_refused_and_is_greeted_later_has_lost_nothing() {
    for code in [ErrorCode::Busy, ErrorCode::WrongState] {
        let (near, far) = pipe(100);
        let (mut connection, mut device) = (Connection::new(near), Device::new(far, 7));
        connection.send(&HostMessage::Hello).unwrap();
        refuse(&mut device, 0, code);
        connection.send(&HostMessage::Stop).unwrap();
        refuse(&mut device, 1, code);
        assert_eq!(refusals(&mut connection), 2);
        assert_eq!((connection.nonce(), connection.epoch()), (None, 0));
        connection.send(&HostMessage::Hello).unwrap();
        // The device has talked to its owner for a while.
        device.sequences = [500, 40, 9_000, 8_000];
        device.hello(Role::Bob);
        device.tags(300, 400);
        device.settings(0, 64);
        device.send(&DeviceMessage::Health(Health::default()));
        assert_eq!(told(&mut connection), Vec::<String>::new());
        assert!(connection.losses().is_clean(), "{:?}", connection.losses());
        assert_eq!(connection.nonce(), Some(7));
        connection.send(&HostMessage::Disarm).unwrap();
        assert_eq!(commands(&mut device), [(0, 0), (1, 0), (2, 0), (3, 7)]);
    }
}

#[test]
fn a_host_that_loses_the_device_to_another_is_told_what_it_has_missed() {
    let (mut connection, mut device) = start(Role::Bob);
    device.tags(0, 100);
    assert_eq!(told(&mut connection), Vec::<String>::new());
    refuse(&mut device, 0, ErrorCode::Busy);
    assert_eq!(refusals(&mut connection), 1);
    assert_eq!((connection.nonce(), connection.epoch()), (Some(7), 1), "as it was heard last");
    connection.send(&HostMessage::Hello).unwrap();
    assert_eq!(commands(&mut device), [(0, 0)], "afresh");
    device.skip(Stream::Control, 3);
    device.skip(Stream::Tags, 2);
    device.hello(Role::Bob);
    device.tags(300, 400);
    assert_eq!(
        told(&mut connection),
        [
            "Lost { stream: Control, frames: 3 }",
            "Lost { stream: Tags, frames: 2 }",
            "MissingTicks { from: Ticks(100), to: Ticks(300) }"
        ]
    );
    // Reset meanwhile: told as ever.
    refuse(&mut device, 1, ErrorCode::Busy);
    assert_eq!(refusals(&mut connection), 1);
    (device.nonce, device.sequences) = (8, [0; 4]);
    device.hello(Role::Bob);
    assert_eq!(told(&mut connection), ["Rebooted { nonce: 8 }"]);
}
