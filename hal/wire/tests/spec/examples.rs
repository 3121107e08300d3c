//! The worked examples of `SPEC.md` as values.

use helio_bench::{
    Access, ClockInput, Edge, Entry, GateWindow, InterlockState, PhaseRandomisation, RandomClass,
    SettingsSource, SlotClockMode, SlotTiming, TripCause, Unit,
};
use helio_units::{FineTicks, Hertz, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{
    Capabilities, ClockEdgeWriter, Concealed, Configure, DeviceMessage, ErrorCode, Header, Health,
    Hello, HostMessage, LogLevel, RebootMode, Role, SettingsBatch, Stream, TagWriter,
    TelemetryWriter,
};

/// A message in one of the two directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message<'a> {
    Host(HostMessage<'a>),
    Device(DeviceMessage<'a>),
}

const ALICE: u32 = 0x5eed_b007;
const BOB: u32 = 0x0bad_cafe;

fn header(stream: Stream, boot_nonce: u32, epoch: u16, sequence: u32) -> Header {
    Header { stream, boot_nonce, epoch, sequence }
}

/// Calls `check` with the name, the header and the message of every example.
pub fn each(mut check: impl FnMut(&str, Header, Message<'_>)) {
    from_host(|name, header, message| check(name, header, Message::Host(message)));
    from_device(|name, header, message| check(name, header, Message::Device(message)));
}

fn from_host(mut check: impl FnMut(&str, Header, HostMessage<'_>)) {
    let mut control = |name, nonce, epoch, sequence, message| {
        check(name, header(Stream::Control, nonce, epoch, sequence), message)
    };
    let configure = Configure {
        slot_ticks: 30,
        sync_spacing: 64,
        sync_seed: 0x2b99_2ddf,
        intensity_weights: [3072, 768, 256, 0],
        key_basis_weight: 3686,
        random_swap: true,
        burst_slots: 0,
        slot_clock: SlotClockMode::Sync,
        gate: Some(GateWindow { start: 12, width: 9 }),
    };
    control("hello", 0, 0, 0, HostMessage::Hello);
    control("configure", ALICE, 0, 1, HostMessage::Configure(configure));
    control("arm", ALICE, 0, 2, HostMessage::Arm { nonce: 0xa1b2_c3d4 });
    control("start", ALICE, 0, 3, HostMessage::Start { epoch: 7, slots: 1_000_000 });
    control("heartbeat", ALICE, 7, 4, HostMessage::Heartbeat);
    control("get", ALICE, 7, 5, HostMessage::Get { index: 12 });
    let from = Ticks(4_500_000_000);
    control("set", ALICE, 7, 6, HostMessage::Set { index: 12, value: -350, from });
    let seed: [u8; 32] = std::array::from_fn(|n| n as u8);
    control("seed", ALICE, 7, 7, HostMessage::Seed(Concealed(&seed)));
    let mut random = [17; 302];
    (random[0], random[1]) = (0, 255);
    control("feed", ALICE, 7, 8, HostMessage::Feed(Concealed(&random)));
    control("pattern", ALICE, 7, 9, HostMessage::Pattern(&[0, 1, 4, 11]));
    control("source", ALICE, 7, 10, HostMessage::Source(SettingsSource::HostSeed));
    control("reboot", ALICE, 7, 42, HostMessage::Reboot(RebootMode::BootLoader));
    control("set-slot-clock", BOB, 7, 43, HostMessage::SetSlotClock(timing()));
    control("stop", ALICE, 7, 39, HostMessage::Stop);
    control("disarm", ALICE, 7, 40, HostMessage::Disarm);
    control("clear", ALICE, 7, 41, HostMessage::Clear { cause: TripCause::HeartbeatLost });
}

fn from_device(mut check: impl FnMut(&str, Header, DeviceMessage<'_>)) {
    let control = |sequence| header(Stream::Control, ALICE, 7, sequence);
    let tags = |sequence| header(Stream::Tags, ALICE, 7, sequence);

    let hello = DeviceMessage::Hello { command: 0, hello: hello_alice() };
    check("hello-alice", header(Stream::Control, ALICE, 0, 0), hello);
    let hello = DeviceMessage::Hello { command: 0, hello: hello_bob() };
    check("hello-bob", header(Stream::Control, BOB, 0, 0), hello);
    check("ack", control(3), DeviceMessage::Ack { command: 3, tick: Ticks(1_500_000_123) });
    let error = DeviceMessage::Error { command: 1, code: ErrorCode::OutOfRange, detail: 4 };
    assert_eq!(Configure::AT_SYNC_SPACING, 4);
    check("error", header(Stream::Control, ALICE, 0, 2), error);
    check("health", header(Stream::Health, ALICE, 7, 12), DeviceMessage::Health(health()));
    let log = DeviceMessage::Log { level: LogLevel::Info, text: "slot clock locked to α" };
    check("log", control(9), log);
    let stopped = DeviceMessage::Stopped { end: SlotIndex(1_000_000), tick: Ticks(1_530_000_123) };
    check("stopped", control(30), stopped);

    let (access, unit) = (Access::Always, Unit::Picoseconds);
    let entry = Entry { name: "laser.delay.h", unit, access, min: -5000, max: 5000 };
    let value = DeviceMessage::Value { command: 5, index: 12, value: -350, entry };
    check("value", control(31), value);
    let mut values = TelemetryWriter::<20>::new(Ticks(4_500_000_000));
    assert!(values.push(20, 298_150) && values.push(21, -12) && !values.push(22, 0));
    let telemetry = DeviceMessage::Telemetry(values.telemetry());
    check("telemetry", header(Stream::Health, ALICE, 7, 13), telemetry);

    check("slot-mark", tags(1000), DeviceMessage::SlotMark(timing()));
    let mut batch = TagWriter::new([0; 64], 2, Ticks(1_500_750_000));
    let start = 1_500_750_000;
    for (after, channel) in [(0, 3), (31, 0), (1500, 2), (1500, 1), (749_999, 0)] {
        batch.push(Edge { tick: Ticks(start + after), channel }).unwrap();
    }
    batch.set_reached(Ticks(1_501_500_000));
    check("tags", tags(1001), DeviceMessage::Tags(batch.batch()));
    batch.restart(Ticks(1_501_500_000));
    batch.set_reached(Ticks(1_502_250_000));
    check("tags-empty", tags(1002), DeviceMessage::Tags(batch.batch()));
    let gap =
        DeviceMessage::Gap { from: Ticks(1_502_250_000), to: Ticks(1_503_000_000), lost: 517 };
    check("gap", tags(1003), gap);
    let mut batch = TagWriter::new([0; 64], 2, Ticks(0));
    batch.mark(true);
    batch.restart(Ticks(1_502_250_000));
    for (tick, channel, early) in
        [(1_502_250_000, 3, false), (1_502_250_002, 3, true), (1_502_250_500, 1, false)]
    {
        batch.push_marked(Edge { tick: Ticks(tick), channel }, early).unwrap();
    }
    batch.set_reached(Ticks(1_503_000_000));
    assert_eq!(batch.batch().early(), 1);
    check("tags-marked", tags(1004), DeviceMessage::Tags(batch.batch()));
    let mut edges = ClockEdgeWriter::<16>::new(ClockInput::SyncIn);
    edges.restart(3);
    for after in [0, 1_920, 5_761, 7_681] {
        edges.push(Ticks(1_502_250_017 + after)).unwrap();
    }
    check("clock-edges", tags(1005), DeviceMessage::ClockEdges(edges.batch(Ticks(0))));
    check("lock-lost", tags(2000), DeviceMessage::LockLost { tick: Ticks(1_600_000_000) });

    let mut settings = |name, header, first, bits_per_slot, count, packed: &[u8]| {
        let first = SlotIndex(first);
        let source =
            if bits_per_slot == 4 { SettingsSource::Own } else { SettingsSource::HostFeed };
        let batch = SettingsBatch { first, bits_per_slot, source, count, packed };
        check(name, header, DeviceMessage::Settings(batch));
    };
    let alice = |sequence| header(Stream::Settings, ALICE, 7, sequence);
    settings("settings-alice", alice(0), 0, 4, 5, &[0x10, 0xb4, 0x02]);
    settings("settings-long", alice(1), 5, 4, 600, &[0x11; 300]);
    let bob = header(Stream::Settings, BOB, 7, 500);
    settings("settings-bob", bob, 25_024, 2, 10, &[0x9c, 0xd2, 0x07]);
}

fn timing() -> SlotTiming {
    SlotTiming {
        slot: SlotIndex(25_024),
        start: FineTicks::from_parts(1_500_750_017, 1 << 31),
        period: FineTicks::from_parts(30, 0x0004_b7f6),
    }
}

fn hello_alice() -> Hello<'static> {
    Hello {
        role: Role::Alice,
        board: "heliograph simulation",
        firmware: "0.1.0",
        serial: "SIM-A",
        tick_length: TickLength::CYCLE_150_MHZ,
        channels: 0,
        capabilities: Capabilities::SIMULATED.with(Capabilities::REPORTS_SETTINGS),
        max_slot_rate: Hertz(10_000_000),
        settling_time: Picoseconds(50_000),
        random_class: RandomClass::Seeded,
        random_name: "chacha20, seeded",
        levels_nano: [500_000_000, 100_000_000, 1_000_000, 0],
        phase: PhaseRandomisation::AssumedIdeal,
        intensity_uncertainty_ppm: Some(20_000),
    }
}

fn hello_bob() -> Hello<'static> {
    Hello {
        role: Role::Bob,
        board: "tagger",
        firmware: "0.1.0",
        serial: "B-0001",
        tick_length: TickLength::new(125, 32).unwrap(),
        channels: 2,
        capabilities: Capabilities::ACTIVE_RECEIVER.with(Capabilities::REPORTS_SETTINGS),
        max_slot_rate: Hertz(5_000_000),
        settling_time: Picoseconds(100_000),
        random_class: RandomClass::TrueRandom,
        random_name: "RP2350 TRNG",
        levels_nano: [0; 4],
        phase: PhaseRandomisation::Unknown,
        intensity_uncertainty_ppm: None,
    }
}

fn health() -> Health {
    Health {
        now: Ticks(4_500_000_000),
        interlock: InterlockState::Tripped(TripCause::HeartbeatLost),
        slots: 5_000_000,
        starved_slots: 0,
        edges: 123_456,
        lost_edges: 40,
        lost_settings: 0,
        bad_frames: 2,
        missing_frames: 1,
        locked: true,
        lock_losses: 3,
    }
}
