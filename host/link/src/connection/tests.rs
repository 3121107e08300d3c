use super::*;
use crate::fault::{Corrupt, Fault, Faulty, Late, Lossy, Sound, Stall, Unplug};
use crate::pipe::{PipeEnd, pipe};
use helio_bench::{Edge, PhaseRandomisation, RandomClass, SettingsSource};
use helio_units::{Hertz, Picoseconds, TickLength};
use helio_wire::{
    Capabilities, Health, Hello, LogLevel, Role, SettingsBatch, TagWriter, decode_host,
    encode_device,
};

mod refused;

const SOON: Duration = Duration::from_millis(1);

/// The device's end: numbers frames and sends each as a chunk.
struct Device {
    end: PipeEnd,
    nonce: u32,
    epoch: u16,
    sequences: [u32; 4],
}

impl Device {
    fn new(end: PipeEnd, nonce: u32) -> Device {
        Device { end, nonce, epoch: 1, sequences: [0; 4] }
    }

    fn skip(&mut self, stream: Stream, frames: u32) {
        self.sequences[usize::from(stream.code())] += frames;
    }

    fn send(&mut self, message: &DeviceMessage<'_>) {
        let stream = message.stream();
        let sequence = &mut self.sequences[usize::from(stream.code())];
        let header =
            Header { stream, boot_nonce: self.nonce, epoch: self.epoch, sequence: *sequence };
        *sequence += 1;
        let mut frame = [0; MAX_FRAME];
        let length = encode_device(&header, message, &mut frame).unwrap();
        self.end.send(&frame[..length]).unwrap();
    }

    fn hello(&mut self, role: Role) {
        self.send(&DeviceMessage::Hello { command: 0, hello: hello(role) });
    }

    /// A batch with one tag at `base + 1`.
    fn tags(&mut self, base: u64, reached: u64) {
        let mut writer = TagWriter::new([0; 16], 1, Ticks(base));
        writer.push(Edge { tick: Ticks(base + 1), channel: 1 }).unwrap();
        writer.set_reached(Ticks(reached));
        self.send(&DeviceMessage::Tags(writer.batch()));
    }

    fn settings(&mut self, first: u64, count: u16) {
        let packed = vec![0x5a; usize::from(count).div_ceil(2)];
        let first = SlotIndex(first);
        let source = SettingsSource::Own;
        let batch = SettingsBatch { first, bits_per_slot: 4, source, count, packed: &packed };
        self.send(&DeviceMessage::Settings(batch));
    }
}

fn hello(role: Role) -> Hello<'static> {
    Hello {
        role,
        board: "test",
        firmware: "0",
        serial: "1",
        tick_length: TickLength::CYCLE_150_MHZ,
        channels: 2,
        capabilities: Capabilities::SIMULATED,
        max_slot_rate: Hertz(5_000_000),
        settling_time: Picoseconds(1),
        random_class: RandomClass::Seeded,
        random_name: "seed",
        levels_nano: [0; 4],
        phase: PhaseRandomisation::AssumedIdeal,
        intensity_uncertainty_ppm: None,
    }
}

fn start(role: Role) -> (Connection<PipeEnd>, Device) {
    let (near, far) = pipe(10_000);
    let mut device = Device::new(far, 7);
    device.hello(role);
    (Connection::new(near), device)
}

/// All that has come, as text, but for the messages that are meant to come.
fn told<T: Transport>(connection: &mut Connection<T>) -> Vec<String> {
    let mut told = Vec::new();
    while connection
        .receive(SOON, |event| match event {
            Event::Message(..) => {}
            other => told.push(format!("{other:?}")),
        })
        .is_ok()
    {}
    told
}

#[test]
fn a_sound_cable_loses_nothing() {
    let (mut connection, mut device) = start(Role::Alice);
    for i in 0..10 {
        device.tags(i * 100, i * 100 + 100);
        device.settings(i * 64, 64);
    }
    assert_eq!(told(&mut connection), Vec::<String>::new());
    assert!(connection.losses().is_clean());
    assert_eq!(connection.nonce(), Some(7));
}

#[test]
fn missing_tag_frames_become_missing_ticks() {
    let (mut connection, mut device) = start(Role::Bob);
    device.tags(0, 100);
    device.skip(Stream::Tags, 2);
    device.send(&DeviceMessage::LockLost { tick: Ticks(250) });
    device.tags(300, 400);
    assert_eq!(
        told(&mut connection),
        ["Lost { stream: Tags, frames: 2 }", "MissingTicks { from: Ticks(100), to: Ticks(300) }"]
    );
    let losses = connection.losses();
    assert_eq!((losses.frames_of(Stream::Tags), losses.ticks), (2, 200));
}

#[test]
fn missing_settings_become_missing_slots() {
    let (mut connection, mut device) = start(Role::Alice);
    device.settings(0, 64);
    device.skip(Stream::Settings, 1);
    device.settings(128, 64);
    // Dropped in the device: no frame is missing.
    device.settings(256, 64);
    // The last frame is lost and no other follows.
    device.skip(Stream::Settings, 1);
    device.send(&DeviceMessage::Stopped { end: SlotIndex(384), tick: Ticks(1) });
    assert_eq!(
        told(&mut connection),
        [
            "Lost { stream: Settings, frames: 1 }",
            "MissingSlots { from: SlotIndex(64), to: SlotIndex(128) }",
            "MissingSlots { from: SlotIndex(192), to: SlotIndex(256) }",
            "MissingSlots { from: SlotIndex(320), to: SlotIndex(384) }",
        ]
    );
    assert_eq!(connection.losses().slots, 192);
    device.epoch = 2;
    device.settings(0, 64);
    assert_eq!(told(&mut connection), ["Lost { stream: Settings, frames: 1 }"]);
}

#[test]
fn slots_without_settings_are_no_loss_at_bob() {
    let (mut connection, mut device) = start(Role::Bob);
    device.settings(1000, 64);
    device.settings(3000, 64);
    assert_eq!(told(&mut connection), Vec::<String>::new());
}

#[test]
fn the_first_frames_count_as_lost_where_the_boot_was_seen() {
    let (mut connection, mut device) = start(Role::Bob);
    device.skip(Stream::Tags, 3);
    device.tags(300, 400);
    assert_eq!(
        told(&mut connection),
        ["Lost { stream: Tags, frames: 3 }", "MissingTicks { from: Ticks(0), to: Ticks(300) }"]
    );

    let (near, far) = pipe(10);
    let mut device = Device::new(far, 7);
    device.skip(Stream::Control, 5);
    device.skip(Stream::Tags, 9);
    device.hello(Role::Bob);
    device.tags(300, 400);
    assert_eq!(told(&mut Connection::new(near)), Vec::<String>::new());
}

#[test]
fn a_device_that_starts_anew_is_told_once() {
    let (mut connection, mut device) = start(Role::Bob);
    device.tags(0, 100);
    assert_eq!(told(&mut connection), Vec::<String>::new());
    (device.nonce, device.sequences) = (8, [0; 4]);
    device.hello(Role::Bob);
    device.tags(0, 50);
    assert_eq!(told(&mut connection), ["Rebooted { nonce: 8 }"]);
    assert_eq!(connection.losses().reboots, 1);
}

#[test]
fn commands_carry_their_number_and_the_nonce() {
    let (mut connection, mut device) = start(Role::Bob);
    let mut received = Vec::new();
    let mut chunk = Vec::new();
    assert_eq!(connection.send(&HostMessage::Hello), Ok(0));
    told(&mut connection);
    assert_eq!(connection.send(&HostMessage::Disarm), Ok(1));
    let mut decoder = Decoder::new();
    while device.end.try_receive(&mut chunk).is_ok() {
        decoder.push(&chunk, |frame| {
            let (header, message) = decode_host(frame.unwrap()).unwrap();
            let Header { sequence, boot_nonce, epoch, .. } = header;
            received.push((sequence, boot_nonce, epoch, message.kind()));
        });
    }
    let [hello, disarm] = [HostMessage::Hello, HostMessage::Disarm].map(|m| m.kind());
    assert_eq!(received, [(0, 0, 0, hello), (1, 7, 1, disarm)]);
}

#[test]
fn data_keeps_the_device_alive() {
    let (mut connection, mut device) = start(Role::Bob);
    // A second of tags, a frame each 4 ms.
    for i in 0..250 {
        device.tags(i * 600_000, (i + 1) * 600_000);
    }
    told(&mut connection);
    let (mut beats, mut chunk) = (0, Vec::new());
    while device.end.try_receive(&mut chunk).is_ok() {
        Decoder::new().push(&chunk, |frame| {
            assert_eq!(decode_host(frame.unwrap()).unwrap().1, HostMessage::Heartbeat);
            beats += 1;
        });
    }
    assert_eq!(beats, 10);
}

/// Sends a run through a fault and compares with what was sent.
fn survive(fault: impl Fault, frames: u64) -> LossReport {
    let (near, far) = pipe(10_000);
    let mut device = Device::new(far, 7);
    let mut connection = Connection::new(Faulty::new(near, fault, Sound));
    device.hello(Role::Alice);
    for i in 0..frames {
        device.tags(i * 100, i * 100 + 100);
        device.settings(i * 16, 16);
        if i % 10 == 0 {
            device.send(&DeviceMessage::Health(Health { now: Ticks(i), ..Health::default() }));
            device.send(&DeviceMessage::Log { level: LogLevel::Info, text: "still here" });
        }
    }
    device.tags(frames * 100, frames * 100 + 100);
    device.send(&DeviceMessage::Stopped { end: SlotIndex(frames * 16), tick: Ticks(0) });
    drop(device);

    // Every tick and every slot is either in a message or told to be missing, in order.
    let (mut tick, mut slot) = (0, 0);
    let (mut ticks_missing, mut slots_missing, mut settings_lost) = (0, 0, false);
    let (mut lost, mut whole) = ([0u64; 4], true);
    while connection
        .receive(SOON, |event| match event {
            Event::Message(_, DeviceMessage::Tags(tags)) => {
                assert_eq!(tags.base.0, tick);
                let edge = Edge { tick: Ticks(tick + 1), channel: 1 };
                assert!(tags.iter().eq([edge]), "what survives is what was sent");
                tick = tags.reached.0;
            }
            Event::Message(_, DeviceMessage::Settings(settings)) => {
                assert_eq!(settings.first.0, slot);
                assert_eq!(settings.packed, [0x5a; 8]);
                slot += u64::from(settings.count);
            }
            Event::Message(..) | Event::BadFrame(_) => {}
            Event::Lost { stream, frames } => {
                settings_lost |= stream == Stream::Settings;
                lost[usize::from(stream.code())] += u64::from(frames);
            }
            Event::MissingTicks { from, to } => {
                assert_eq!(from.0, tick);
                ticks_missing += to.0 - from.0;
                tick = to.0;
            }
            Event::MissingSlots { from, to } => {
                assert_eq!(from.0, slot);
                slots_missing += to.0 - from.0;
                slot = to.0;
            }
            Event::Replugged | Event::Rebooted { .. } | Event::Unknown(_) => whole = false,
        })
        .is_ok()
    {}
    assert!(whole, "a checksum lets no damaged frame through");
    let losses = *connection.losses();
    assert_eq!(lost, losses.frames);
    assert_eq!((ticks_missing, slots_missing), (losses.ticks, losses.slots));
    // Only what is lost at the very end leaves no trace in the sequence.
    let end = frames * 100 + 100;
    assert!(tick <= end && tick + 2000 > end, "told up to {tick} of {end}");
    assert!(slot <= frames * 16 && slot + 320 > frames * 16, "told up to {slot}");
    assert!(settings_lost || slots_missing <= 320);
    losses
}

#[test]
fn one_damaged_byte_in_a_hundred_makes_losses_and_never_wrong_data() {
    let losses = survive(Corrupt::new(1, 10_000), 2000);
    // Frames have about 40 bytes: a third of them is hit.
    assert!(losses.frames_of(Stream::Tags) > 300 && losses.frames_of(Stream::Settings) > 300);
    assert!(losses.bad_frames > 600);
    assert_eq!(losses.unknown_frames, 0);
}

#[test]
fn lost_chunks_are_all_counted_and_doubled_ones_dropped() {
    let (near, far) = pipe(10_000);
    let mut device = Device::new(far, 7);
    let lossy = Lossy::new(5, 100_000, 50_000);
    let mut connection = Connection::new(Faulty::new(near, lossy, Sound));
    device.hello(Role::Alice);
    for i in 0..3000 {
        device.tags(i * 100, i * 100 + 100);
    }
    drop(device);
    told(&mut connection);
    let (losses, fault) = (*connection.losses(), connection.transport.incoming());
    assert!(fault.dropped > 200 && fault.doubled > 50);
    assert_eq!(losses.frames_of(Stream::Tags), fault.dropped);
    assert_eq!(losses.repeats, fault.doubled);
    survive(Lossy::new(6, 100_000, 50_000), 2000);
}

#[test]
fn late_chunks_are_told_as_lost_and_not_used() {
    let losses = survive(Late::new(2, 20_000, 3), 2000);
    assert!(losses.repeats > 20);
    assert_eq!(losses.bad_frames, 0);
}

#[test]
fn a_stalled_line_loses_nothing() {
    assert!(survive(Stall::new(3, 20_000, 50), 2000).is_clean());
}

/// A cable that is pulled again and again, in a run in which the device goes on by itself.
#[test]
fn a_cable_pulled_in_mid_run_keeps_the_connection_and_counts_what_it_lost() {
    use std::sync::{Arc, Mutex};
    let far = Arc::new(Mutex::new(None::<PipeEnd>));
    let (plug, mut seed) = (Arc::clone(&far), 0);
    let open = move || {
        let (near, end) = pipe(100);
        *plug.lock().unwrap() = Some(end);
        seed += 1;
        Ok(Unplug::new(near, seed, 20_000))
    };
    let mut connection = Connection::new(crate::Reopening::open(open).unwrap());
    let mut device = Device::new(far.lock().unwrap().take().unwrap(), 7);
    device.hello(Role::Bob);
    let (mut replugged, mut rebooted, mut missing, mut tick) = (0, 0, 0, 0);
    for i in 0..300 {
        let frame = |device: &mut Device| {
            let mut writer = TagWriter::new([0; 16], 1, Ticks(i * 100));
            writer.set_reached(Ticks(i * 100 + 100));
            let sequence = &mut device.sequences[usize::from(Stream::Tags.code())];
            let header = Header {
                stream: Stream::Tags,
                boot_nonce: device.nonce,
                epoch: 1,
                sequence: *sequence,
            };
            *sequence += 1;
            let mut frame = [0; MAX_FRAME];
            let message = DeviceMessage::Tags(writer.batch());
            let length = encode_device(&header, &message, &mut frame).unwrap();
            // A board that nobody listens to loses what it says.
            let _ = device.end.send(&frame[..length]);
        };
        frame(&mut device);
        let back = loop {
            let received = connection.receive(SOON, |event| match event {
                Event::Replugged => replugged += 1,
                Event::Rebooted { .. } => rebooted += 1,
                Event::MissingTicks { from, to } => missing += to.0 - from.0,
                Event::Message(_, DeviceMessage::Tags(tags)) => tick = tags.reached.0,
                _ => {}
            });
            if let Some(end) = far.lock().unwrap().take() {
                break Some(end);
            }
            if received.is_ok() || connection.transport().is_there() {
                break None;
            }
        };
        if let Some(end) = back {
            device.end = end;
            // The second time the board has lost its power too.
            if replugged == 2 {
                (device.nonce, device.sequences) = (8, [0; 4]);
            }
            device.hello(Role::Bob);
        }
    }
    assert!(replugged > 2, "{replugged}");
    assert_eq!((rebooted, connection.losses().reboots), (1, 1));
    assert!(missing > 0 && missing == connection.losses().ticks && tick > 20_000, "{missing}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_events_and_no_panic(
        chunks in proptest::collection::vec(proptest::collection::vec(0u8..4, 1..200), 1..20),
    ) {
        let (near, mut far) = pipe(100);
        let mut connection = Connection::new(near);
        let mut bad = 0;
        for chunk in &chunks {
            far.send(chunk).unwrap();
            connection
                .receive(SOON, |event| bad += u64::from(matches!(event, Event::BadFrame(_))))
                .unwrap();
        }
        proptest::prop_assert_eq!(connection.losses().bad_frames, bad);
    }
}

#[test]
fn a_riders_command_goes_with_the_beat_in_one_piece() {
    let (end, host) = pipe(64);
    let mut device = Device::new(end, 7);
    let mut connection = Connection::new(host);
    connection.ride(Some(Box::new(|event| match event {
        Event::Message(_, DeviceMessage::Tags(_)) => Some(HostMessage::Get { index: 3 }),
        _ => None,
    })));
    device.hello(Role::Bob);
    device.tags(0, 15_000_001);
    while connection.receive(SOON, |_| {}).is_ok() {}
    let (mut kinds, mut chunk) = (Vec::new(), Vec::new());
    device.end.try_receive(&mut chunk).unwrap();
    Decoder::new().push(&chunk, |frame| kinds.push(decode_host(frame.unwrap()).unwrap().1.kind()));
    let get = HostMessage::Get { index: 3 };
    assert_eq!(kinds, [get.kind(), HostMessage::Heartbeat.kind()]);
}
