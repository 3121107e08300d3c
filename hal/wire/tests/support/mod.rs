//! Random messages for the property tests, and frames into vectors.
#![allow(dead_code)]

use helio_bench::{
    Access, ClockInput, Edge, Entry, GateWindow, InterlockState, PhaseRandomisation, RandomClass,
    SettingsSource, SlotClockMode, SlotTiming, TripCause, Unit,
};
use helio_units::{FineTicks, Hertz, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{
    Capabilities, ClockEdgeWriter, Concealed, Configure, DeviceMessage, ErrorCode, Header, Health,
    Hello, HostMessage, LogLevel, MAX_FEED, MAX_FRAME, MAX_PATTERN, MAX_SETTINGS_BYTES,
    MAX_TAG_CODES, MAX_TELEMETRY, RebootMode, Role, SettingsBatch, Stream, TagWriter,
    TelemetryWriter, encode_device, encode_host,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A device message that owns what it borrows.
#[derive(Clone, Debug)]
pub enum Sample {
    Hello {
        numbers: Hello<'static>,
        command: u32,
        names: [String; 4],
    },
    Plain(DeviceMessage<'static>),
    Log(LogLevel, String),
    /// Marked if there is an odd number of them: by bit 7 of the channel.
    Tags {
        channel_bits: u8,
        base: u64,
        deltas: Vec<(u64, u8)>,
        reached: u64,
    },
    /// Which input, how many were lost, and the edges from a base on.
    ClockEdges {
        input: ClockInput,
        lost: u32,
        base: u64,
        deltas: Vec<u64>,
    },
    Settings {
        first: u64,
        bits: u8,
        source: SettingsSource,
        count: u16,
        packed: Vec<u8>,
    },
    Value {
        command: u32,
        index: u16,
        value: i64,
        entry: Entry<'static>,
        name: String,
    },
    Telemetry(u64, Vec<(u16, i64)>),
}

impl Sample {
    /// Lends the message.
    pub fn with<R>(&self, f: impl FnOnce(&DeviceMessage<'_>) -> R) -> R {
        match self {
            Sample::Plain(message) => f(message),
            Sample::Hello { numbers, command, names: [board, firmware, serial, random_name] } => {
                let hello = Hello { board, firmware, serial, random_name, ..*numbers };
                f(&DeviceMessage::Hello { command: *command, hello })
            }
            Sample::Log(level, text) => f(&DeviceMessage::Log { level: *level, text }),
            Sample::Tags { channel_bits, base, deltas, reached } => {
                let mut w = TagWriter::new([0; MAX_TAG_CODES], *channel_bits, Ticks(*base));
                w.mark(deltas.len() % 2 == 1);
                let (mut tick, mut early) = (*base, 0);
                for (delta, channel) in deltas {
                    tick += delta;
                    let mark = channel >> 7 == 1;
                    let channel = channel & ((1 << channel_bits) - 1);
                    w.push_marked(Edge { tick: Ticks(tick), channel }, mark).unwrap();
                    early += u64::from(mark && deltas.len() % 2 == 1);
                }
                assert_eq!(w.batch().early(), early);
                w.set_reached(Ticks(*reached));
                f(&DeviceMessage::Tags(w.batch()))
            }
            Sample::ClockEdges { input, lost, base, deltas } => {
                let mut w = ClockEdgeWriter::<MAX_TAG_CODES>::new(*input);
                w.restart(*lost);
                let mut tick = *base;
                let mut pushed = Vec::new();
                for delta in deltas {
                    tick += delta;
                    pushed.push(Ticks(tick));
                    w.push(Ticks(tick)).unwrap();
                }
                let batch = w.batch(Ticks(*base));
                assert!(batch.iter().eq(pushed));
                assert_eq!((batch.input, batch.lost), (*input, *lost));
                f(&DeviceMessage::ClockEdges(batch))
            }
            Sample::Value { command, index, value, entry, name } => {
                let (command, index, value) = (*command, *index, *value);
                let entry = Entry { name, ..*entry };
                f(&DeviceMessage::Value { command, index, value, entry })
            }
            Sample::Telemetry(tick, values) => {
                let mut w = TelemetryWriter::<{ 10 * MAX_TELEMETRY }>::new(Ticks(*tick));
                assert!(values.iter().all(|(index, value)| w.push(*index, *value)));
                assert!(w.telemetry().iter().eq(values.iter().copied()));
                f(&DeviceMessage::Telemetry(w.telemetry()))
            }
            Sample::Settings { first, bits, source, count, packed } => {
                let mut packed = packed.clone();
                packed.resize(SettingsBatch::packed_length(*bits, *count), 0x5a);
                let used = usize::from(*count) * usize::from(*bits) % 8;
                if let Some(last) = packed.last_mut().filter(|_| used != 0) {
                    *last &= (1 << used) - 1;
                }
                f(&DeviceMessage::Settings(SettingsBatch {
                    first: SlotIndex(*first),
                    bits_per_slot: *bits,
                    source: *source,
                    count: *count,
                    packed: &packed,
                }))
            }
        }
    }

    pub fn frame(&self, header: &Header) -> Vec<u8> {
        let mut out = [0; MAX_FRAME];
        let length = self.with(|message| encode_device(header, message, &mut out)).unwrap();
        out[..length].to_vec()
    }
}

/// A command that owns what it borrows.
#[derive(Clone, Debug)]
pub enum Command {
    Plain(HostMessage<'static>),
    Seed([u8; 32]),
    Feed(Vec<u8>),
    Pattern(Vec<u8>),
}

impl Command {
    /// Lends the message.
    pub fn message(&self) -> HostMessage<'_> {
        match self {
            Command::Plain(message) => *message,
            Command::Seed(seed) => HostMessage::Seed(Concealed(seed)),
            Command::Feed(bytes) => HostMessage::Feed(Concealed(bytes)),
            Command::Pattern(codes) => HostMessage::Pattern(codes),
        }
    }
}

pub fn host_frame(header: &Header, message: &HostMessage<'_>) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let length = encode_host(header, message, &mut out).unwrap();
    out[..length].to_vec()
}

pub fn header() -> impl Strategy<Value = Header> {
    use Stream::*;
    (select(vec![Control, Health, Tags, Settings]), any::<u32>(), any::<u16>(), any::<u32>())
        .prop_map(|(stream, boot_nonce, epoch, sequence)| Header {
            stream,
            boot_nonce,
            epoch,
            sequence,
        })
}

pub fn host_message() -> impl Strategy<Value = Command> {
    let source = || select(SettingsSource::ALL);
    prop_oneof![
        3 => plain_command().prop_map(Command::Plain),
        1 => configure().prop_map(|c| Command::Plain(HostMessage::Configure(c))),
        1 => any::<(u16, i64, u64)>().prop_map(|(index, value, from)| {
            Command::Plain(HostMessage::Set { index, value, from: Ticks(from) })
        }),
        1 => source().prop_map(|source| Command::Plain(HostMessage::Source(source))),
        1 => timing().prop_map(|timing| Command::Plain(HostMessage::SetSlotClock(timing))),
        1 => any::<[u8; 32]>().prop_map(Command::Seed),
        1 => vec(any::<u8>(), 1..=MAX_FEED).prop_map(Command::Feed),
        1 => vec(0..16u8, 1..=MAX_PATTERN).prop_map(Command::Pattern),
    ]
}

fn plain_command() -> impl Strategy<Value = HostMessage<'static>> {
    prop_oneof![
        Just(HostMessage::Hello),
        any::<u32>().prop_map(|nonce| HostMessage::Arm { nonce }),
        Just(HostMessage::Disarm),
        any::<(u16, u64)>().prop_map(|(epoch, slots)| HostMessage::Start { epoch, slots }),
        Just(HostMessage::Stop),
        select(&TripCause::ALL[..]).prop_map(|cause| HostMessage::Clear { cause }),
        Just(HostMessage::Heartbeat),
        any::<u16>().prop_map(|index| HostMessage::Get { index }),
        select(vec![RebootMode::Firmware, RebootMode::BootLoader]).prop_map(HostMessage::Reboot),
    ]
}

fn configure() -> impl Strategy<Value = Configure> {
    let gate = proptest::option::of((any::<u32>(), 1..=u32::MAX));
    let numbers = any::<(u32, u16, u32, [u16; 4], u16, bool, u32)>();
    (numbers, select(SlotClockMode::ALL), gate).prop_map(|(c, slot_clock, gate)| Configure {
        slot_ticks: c.0,
        sync_spacing: c.1,
        sync_seed: c.2,
        intensity_weights: c.3,
        key_basis_weight: c.4,
        random_swap: c.5,
        burst_slots: c.6,
        slot_clock,
        gate: gate.map(|(start, width)| GateWindow { start, width }),
    })
}

fn timing() -> impl Strategy<Value = SlotTiming> {
    (any::<(u64, u64, u32)>(), 1..u64::MAX).prop_map(|((slot, tick, fraction), period)| {
        SlotTiming {
            slot: SlotIndex(slot),
            start: FineTicks::from_parts(tick, fraction),
            period: FineTicks(period.into()),
        }
    })
}

pub fn device_message() -> impl Strategy<Value = Sample> {
    prop_oneof![
        1 => hello(),
        1 => plain().prop_map(Sample::Plain),
        1 => log(),
        1 => value(),
        1 => (any::<u64>(), vec(any::<(u16, i64)>(), 0..=MAX_TELEMETRY))
            .prop_map(|(tick, values)| Sample::Telemetry(tick, values)),
        2 => tags(),
        2 => clock_edges(),
        2 => settings(),
    ]
}

fn value() -> impl Strategy<Value = Sample> {
    let codes = (select(Unit::ALL), select(Access::ALL));
    (any::<(u32, u16, i64, i64, i64)>(), codes, "[ -~]{0,31}").prop_map(
        |((command, index, value, a, b), (unit, access), name)| {
            let entry = Entry { name: "", unit, access, min: a.min(b), max: a.max(b) };
            Sample::Value { command, index, value, entry, name }
        },
    )
}

fn log() -> impl Strategy<Value = Sample> {
    let level = select(vec![LogLevel::Error, LogLevel::Warn, LogLevel::Info]);
    // Two bytes a character.
    (level, "[a-zµ]{0,60}").prop_map(|(level, text)| Sample::Log(level, text))
}

fn hello() -> impl Strategy<Value = Sample> {
    let tick =
        (1..=u64::from(u32::MAX), 1..=u32::MAX).prop_map(|(n, d)| TickLength::new(n, d).unwrap());
    let codes = (
        select(vec![Role::Alice, Role::Bob]),
        (0..3u8).prop_map(|c| RandomClass::from_code(c).unwrap()),
        (0..4u8).prop_map(|c| PhaseRandomisation::from_code(c).unwrap()),
    );
    let numbers = any::<(u8, u32, u32, i64, [u64; 4])>();
    let ppm = proptest::option::of(0..u32::MAX);
    let names = ("[a-zµ]{0,15}", ".{0,7}", "[ -~]{31}", "[ -~]{0,31}");
    (tick, codes, numbers, ppm, names, any::<u32>()).prop_map(
        |(tick_length, (role, random_class, phase), n, ppm, names, command)| {
            let numbers = Hello {
                role,
                board: "",
                firmware: "",
                serial: "",
                tick_length,
                channels: n.0,
                capabilities: Capabilities(n.1),
                max_slot_rate: Hertz(n.2),
                settling_time: Picoseconds(n.3),
                random_class,
                random_name: "",
                levels_nano: n.4,
                phase,
                intensity_uncertainty_ppm: ppm,
            };
            Sample::Hello { numbers, command, names: [names.0, names.1, names.2, names.3] }
        },
    )
}

fn plain() -> impl Strategy<Value = DeviceMessage<'static>> {
    let tick = || any::<u64>().prop_map(Ticks);
    let error = (1..11u8).prop_map(|c| ErrorCode::from_code(c).unwrap());
    prop_oneof![
        (any::<u32>(), tick()).prop_map(|(command, tick)| DeviceMessage::Ack { command, tick }),
        (any::<u32>(), error, any::<u32>())
            .prop_map(|(command, code, detail)| DeviceMessage::Error { command, code, detail }),
        health().prop_map(DeviceMessage::Health),
        (tick(), tick(), any::<u64>()).prop_map(|(a, b, lost)| DeviceMessage::Gap {
            from: a.min(b),
            to: a.max(b),
            lost
        }),
        timing().prop_map(DeviceMessage::SlotMark),
        tick().prop_map(|tick| DeviceMessage::LockLost { tick }),
        (any::<u64>(), tick())
            .prop_map(|(end, tick)| DeviceMessage::Stopped { end: SlotIndex(end), tick }),
    ]
}

fn health() -> impl Strategy<Value = Health> {
    let interlock = prop_oneof![
        select(vec![InterlockState::Safe, InterlockState::Armed, InterlockState::Emitting]),
        select(&TripCause::ALL[..]).prop_map(InterlockState::Tripped),
    ];
    (interlock, any::<[u64; 6]>(), any::<[u32; 3]>(), any::<bool>()).prop_map(
        |(interlock, long, short, locked)| Health {
            now: Ticks(long[0]),
            interlock,
            slots: long[1],
            starved_slots: long[2],
            edges: long[3],
            lost_edges: long[4],
            lost_settings: long[5],
            bad_frames: short[0],
            missing_frames: short[1],
            locked,
            lock_losses: short[2],
        },
    )
}

fn tags() -> impl Strategy<Value = Sample> {
    // Deltas of every length: 200 tags of at most 10 bytes fit into a frame.
    let delta = (any::<u64>(), 12..=64u32).prop_map(|(x, shift)| x.checked_shr(shift).unwrap_or(0));
    (0..=4u8, any::<u32>(), vec((delta, any::<u8>()), 0..200), any::<u64>()).prop_map(
        |(channel_bits, base, deltas, reached)| Sample::Tags {
            channel_bits,
            base: base.into(),
            deltas,
            reached,
        },
    )
}

fn clock_edges() -> impl Strategy<Value = Sample> {
    let delta = (any::<u64>(), 12..=64u32).prop_map(|(x, shift)| x.checked_shr(shift).unwrap_or(0));
    (select(ClockInput::ALL), any::<u32>(), any::<u32>(), vec(delta, 0..200)).prop_map(
        |(input, lost, base, deltas)| Sample::ClockEdges { input, lost, base: base.into(), deltas },
    )
}

fn settings() -> impl Strategy<Value = Sample> {
    (
        select(vec![2u8, 4]),
        select(SettingsSource::ALL),
        any::<u32>(),
        vec(any::<u8>(), 0..=MAX_SETTINGS_BYTES),
    )
        .prop_flat_map(|(bits, source, first, packed)| {
            let most = (packed.len() * 8 / usize::from(bits)) as u16;
            (0..=most).prop_map(move |count| {
                let mut packed = packed.clone();
                packed.truncate(SettingsBatch::packed_length(bits, count));
                Sample::Settings { first: first.into(), bits, source, count, packed }
            })
        })
}
