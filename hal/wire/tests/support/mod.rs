//! Random messages for the property tests, and frames into vectors.
#![allow(dead_code)]

use helio_bench::{Edge, InterlockState, PhaseRandomisation, RandomClass, SlotTiming, TripCause};
use helio_units::{FineTicks, Hertz, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{
    Capabilities, Configure, DeviceMessage, ErrorCode, Header, Health, Hello, HostMessage,
    LogLevel, MAX_FRAME, MAX_SETTINGS_BYTES, MAX_TAG_CODES, Role, SettingsBatch, Stream, TagWriter,
    encode_device, encode_host,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A device message that owns what it borrows.
#[derive(Clone, Debug)]
pub enum Sample {
    Hello { numbers: Hello<'static>, command: u32, names: [String; 4] },
    Plain(DeviceMessage<'static>),
    Log(LogLevel, String),
    Tags { channel_bits: u8, base: u64, deltas: Vec<(u64, u8)>, reached: u64 },
    Settings { first: u64, bits: u8, count: u16, packed: Vec<u8> },
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
                let mut tick = *base;
                for (delta, channel) in deltas {
                    tick += delta;
                    let channel = channel & ((1 << channel_bits) - 1);
                    w.push(Edge { tick: Ticks(tick), channel }).unwrap();
                }
                w.set_reached(Ticks(*reached));
                f(&DeviceMessage::Tags(w.batch()))
            }
            Sample::Settings { first, bits, count, packed } => {
                let mut packed = packed.clone();
                packed.resize(SettingsBatch::packed_length(*bits, *count), 0x5a);
                let used = usize::from(*count) * usize::from(*bits) % 8;
                if let Some(last) = packed.last_mut().filter(|_| used != 0) {
                    *last &= (1 << used) - 1;
                }
                f(&DeviceMessage::Settings(SettingsBatch {
                    first: SlotIndex(*first),
                    bits_per_slot: *bits,
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

pub fn host_frame(header: &Header, message: &HostMessage) -> Vec<u8> {
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

pub fn host_message() -> impl Strategy<Value = HostMessage> {
    let configure = any::<(u32, u16, u32, [u16; 4], u16, bool)>().prop_map(|c| {
        HostMessage::Configure(Configure {
            slot_ticks: c.0,
            sync_spacing: c.1,
            sync_seed: c.2,
            intensity_weights: c.3,
            key_basis_weight: c.4,
            random_swap: c.5,
        })
    });
    prop_oneof![
        Just(HostMessage::Hello),
        configure,
        any::<u32>().prop_map(|nonce| HostMessage::Arm { nonce }),
        Just(HostMessage::Disarm),
        any::<(u16, u64)>().prop_map(|(epoch, slots)| HostMessage::Start { epoch, slots }),
        Just(HostMessage::Stop),
        select(&TripCause::ALL[..]).prop_map(|cause| HostMessage::Clear { cause }),
        Just(HostMessage::Heartbeat),
    ]
}

pub fn device_message() -> impl Strategy<Value = Sample> {
    prop_oneof![
        1 => hello(),
        1 => plain().prop_map(Sample::Plain),
        1 => log(),
        2 => tags(),
        2 => settings(),
    ]
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
    let error = (1..8u8).prop_map(|c| ErrorCode::from_code(c).unwrap());
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
        (any::<(u64, u64, u32)>(), 1..u64::MAX).prop_map(|((slot, tick, fraction), period)| {
            DeviceMessage::SlotMark(SlotTiming {
                slot: SlotIndex(slot),
                start: FineTicks::from_parts(tick, fraction),
                period: FineTicks(period.into()),
            })
        }),
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

fn settings() -> impl Strategy<Value = Sample> {
    (select(vec![2u8, 4]), any::<u32>(), vec(any::<u8>(), 0..=MAX_SETTINGS_BYTES)).prop_flat_map(
        |(bits, first, packed)| {
            let most = (packed.len() * 8 / usize::from(bits)) as u16;
            (0..=most).prop_map(move |count| {
                let mut packed = packed.clone();
                packed.truncate(SettingsBatch::packed_length(bits, count));
                Sample::Settings { first: first.into(), bits, count, packed }
            })
        },
    )
}
