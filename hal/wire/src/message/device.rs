//! What a device says.

use helio_bench::{
    Entry, InterlockState, PhaseRandomisation, RandomClass, SettingsSource, SlotTiming,
};
use helio_units::{Hertz, Picoseconds, SlotIndex, TickLength, Ticks};

use super::{Capabilities, Role};
use crate::ClockEdges;

/// A device's first answer: who it is and what its numbers mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hello<'a> {
    /// Which station it drives.
    pub role: Role,
    /// Board name, at most 31 bytes of UTF-8.
    pub board: &'a str,
    /// Firmware version, at most 31 bytes of UTF-8.
    pub firmware: &'a str,
    /// Serial number, at most 31 bytes of UTF-8.
    pub serial: &'a str,
    /// Exact length of a tick.
    pub tick_length: TickLength,
    /// Number of detector channels (0 at Alice).
    pub channels: u8,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Highest slot rate.
    pub max_slot_rate: Hertz,
    /// Settling time of the modulator.
    pub settling_time: Picoseconds,
    /// Where its settings come from: class of the random source.
    pub random_class: RandomClass,
    /// Where its settings come from: name of the source, at most 31 bytes of ASCII.
    pub random_name: &'a str,
    /// Alice: mean photon numbers of the preset levels, brightest first, in 10⁻⁹ photons a pulse;
    /// unused levels and Bob's are zero.
    pub levels_nano: [u64; 4],
    /// Alice: what is known about the phase of the pulses.
    pub phase: PhaseRandomisation,
    /// Alice: relative uncertainty of the levels in parts per million; `None` if never measured.
    pub intensity_uncertainty_ppm: Option<u32>,
}

/// Why a device did not do as told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorCode {
    /// The frame's version or opcode is unknown.
    UnknownCommand = 1,
    /// A value is out of range; the detail is the offset of the field in the payload.
    OutOfRange = 2,
    /// Not in this state of the interlock.
    WrongState = 3,
    /// Not configured yet.
    NotConfigured = 4,
    /// The slot is shorter than the modulator's settling time or the source's period; with a detail,
    /// than that many ticks, the shortest for which the device's own generator has bytes enough.
    SlotTooShort = 5,
    /// The arming nonce was used before.
    NonceReused = 6,
    /// The tick or the slot of the command has passed.
    TooLate = 7,
    /// Another pipe owns the device.
    Busy = 8,
    /// No room for this now; the same may be sent again later.
    Full = 9,
    /// A part of the device did not take it.
    Failed = 10,
}

/// Health of a device: state and counters since boot. Sent twice a second of device time and after
/// each change of the interlock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Device time.
    pub now: Ticks,
    /// Where the interlock stands.
    pub interlock: InterlockState,
    /// Slots played.
    pub slots: u64,
    /// Slots that stayed dark because no word was ready.
    pub starved_slots: u64,
    /// Edges tagged, detectors only.
    pub edges: u64,
    /// Edges lost, in the capture or because the cable was full.
    pub lost_edges: u64,
    /// Slots whose settings were lost because the cable was full.
    pub lost_settings: u64,
    /// Frames from the host that failed framing or checksum.
    pub bad_frames: u32,
    /// Frames from the host missing in their sequence.
    pub missing_frames: u32,
    /// Bob: whether the slot clock is locked.
    pub locked: bool,
    /// Bob: how often lock was lost.
    pub lock_losses: u32,
}

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LogLevel {
    /// Something is wrong.
    Error = 0,
    /// Something may go wrong.
    Warn = 1,
    /// An event.
    Info = 2,
}

/// From the device to the host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeviceMessage<'a> {
    /// Answer to [`HostMessage::Hello`](crate::HostMessage::Hello) with its sequence number.
    Hello {
        /// Sequence number of the command.
        command: u32,
        /// Who is there.
        hello: Hello<'a>,
    },
    /// The command with this sequence number took effect at this tick.
    Ack {
        /// Sequence number of the command.
        command: u32,
        /// Device time at which it took effect.
        tick: Ticks,
    },
    /// The command with this sequence number was refused.
    Error {
        /// Sequence number of the command.
        command: u32,
        /// Why.
        code: ErrorCode,
        /// More, by code.
        detail: u32,
    },
    /// State and counters.
    Health(Health),
    /// A line for people, at most 120 bytes of UTF-8.
    Log {
        /// How serious.
        level: LogLevel,
        /// What.
        text: &'a str,
    },
    /// Edges in order of time.
    Tags(TagBatch<'a>),
    /// `lost` edges are missing between two ticks, on any channel.
    Gap {
        /// First tick from which edges may be missing.
        from: Ticks,
        /// First tick from which the record is whole again.
        to: Ticks,
        /// At least this many are missing.
        lost: u64,
    },
    /// Bob's slot clock as it is from this slot on: locked to the public sync slots and numbered
    /// like Alice's slots.
    SlotMark(SlotTiming),
    /// Bob's slot clock lost its lock: slots from this tick on have no number until the next
    /// mark.
    LockLost {
        /// From when.
        tick: Ticks,
    },
    /// Edges of an input beside the detectors, in order of time.
    ClockEdges(ClockEdges<'a>),
    /// Settings of consecutive slots, in order.
    Settings(SettingsBatch<'a>),
    /// The run ended by itself or by command: the first slot that was not played.
    Stopped {
        /// First slot not played.
        end: SlotIndex,
        /// Device time.
        tick: Ticks,
    },
    /// An entry of the table of settings as it is now.
    Value {
        /// Sequence number of the command.
        command: u32,
        /// Which.
        index: u16,
        /// Its value.
        value: i64,
        /// What it is; its name is ASCII of at most 31 bytes.
        entry: Entry<'a>,
    },
    /// Values of entries, read at about the same time; sent once a second of device time.
    Telemetry(Telemetry<'a>),
}

/// Values of entries of the table as they stand in a frame; read with [`Telemetry::iter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telemetry<'a> {
    /// When the first was read.
    pub tick: Ticks,
    /// Ten bytes an entry: its index and its value.
    pub(crate) packed: &'a [u8],
}

/// A batch of tags as it stands in a frame, delta-coded; read with [`TagBatch::iter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagBatch<'a> {
    /// Time from which deltas count.
    pub base: Ticks,
    /// Every edge before this tick has been sent by now or lies in a gap.
    pub reached: Ticks,
    /// Bits of each code that name the channel, 0–4.
    pub channel_bits: u8,
    /// Whether each code has one bit more, behind the channel's: a mark, set for a tag within its
    /// detector's stated dead time.
    pub marked: bool,
    /// Number of tags.
    pub count: u16,
    /// The codes.
    pub(crate) codes: &'a [u8],
}

/// Settings of consecutive slots, packed from the low bits of each byte up.
///
/// Alice: 4 bits a slot, `intensity << 2 | polarization`. Bob: 2 bits a slot, the code of his
/// receiver's setting. Sync slots are present and zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsBatch<'a> {
    /// First slot.
    pub first: SlotIndex,
    /// 2 or 4.
    pub bits_per_slot: u8,
    /// Where they come from.
    pub source: SettingsSource,
    /// Number of slots.
    pub count: u16,
    /// `ceil(count · bits_per_slot / 8)` bytes.
    pub packed: &'a [u8],
}
