//! What the frames say. Byte layouts: `SPEC.md`.

use helio_bench::{
    Entry, GateWindow, InterlockState, PhaseRandomisation, RandomClass, SettingsSource,
    SlotClockMode, SlotTiming, TripCause,
};
use helio_units::{Hertz, Picoseconds, SlotIndex, TickLength, Ticks};

/// The independent sequences of frames; each counts its frames by itself, so that the receiver
/// knows what it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Stream {
    /// Commands, answers, errors, log lines. Never dropped by the sender.
    Control = 0,
    /// Health reports. Never dropped by the sender.
    Health = 1,
    /// Tags, gaps and slot marks, in order of time.
    Tags = 2,
    /// Settings, in order of slots.
    Settings = 3,
}

/// Which station a device drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// The sender of pulses.
    Alice = 0,
    /// The receiver.
    Bob = 1,
}

/// What a device can do, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u32);

impl Capabilities {
    /// The light is simulated. Keys of such a device are marked SIMULATED.
    pub const SIMULATED: Capabilities = Capabilities(1);
    /// Bob chooses his basis with a modulator in front of two detectors.
    pub const ACTIVE_RECEIVER: Capabilities = Capabilities(1 << 1);
    /// Bob's basis is chosen by a beam splitter in front of four detectors.
    pub const PASSIVE_RECEIVER: Capabilities = Capabilities(1 << 2);
    /// The device draws the settings itself and reports them.
    pub const REPORTS_SETTINGS: Capabilities = Capabilities(1 << 3);
    /// Its detectors can be gated.
    pub const GATES: Capabilities = Capabilities(1 << 4);
    /// It has a trigger input that starts bursts.
    pub const BURSTS: Capabilities = Capabilities(1 << 5);
    /// It can reboot into a boot loader that takes another firmware.
    pub const BOOT_LOADER: Capabilities = Capabilities(1 << 6);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Capabilities) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    pub const fn with(self, other: Capabilities) -> Capabilities {
        Capabilities(self.0 | other.0)
    }
}

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

/// Everything a run needs to know before it starts.
///
/// Probabilities are integer thresholds out of 4096: they are exactly what the sampler implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configure {
    /// Nominal length of a slot in whole ticks of a device whose clock is exact.
    pub slot_ticks: u32,
    /// Every slot whose index is a multiple of this is a public sync slot; at least 2.
    pub sync_spacing: u16,
    /// Start of the public sync sequence (the 31-bit state of its generator, not zero).
    pub sync_seed: u32,
    /// Weight out of 4096 of each intensity level; the sum is 4096 at Alice, ignored at Bob.
    pub intensity_weights: [u16; 4],
    /// Weight out of 4096 of the key basis.
    pub key_basis_weight: u16,
    /// Bob: whether each slot draws the swap bit; without it the swap is always off.
    pub random_swap: bool,
    /// Slots that a trigger starts; 0: the slots are one train.
    pub burst_slots: u32,
    /// Bob: what his slot clock follows; ignored at Alice.
    pub slot_clock: SlotClockMode,
    /// Bob: when his detectors are open in each slot; `None`: always.
    pub gate: Option<GateWindow>,
}

/// Offsets of the fields in the payload: the detail of [`ErrorCode::OutOfRange`].
impl Configure {
    /// Offset of [`Configure::slot_ticks`].
    pub const AT_SLOT_TICKS: u32 = 0;
    /// Offset of [`Configure::sync_spacing`].
    pub const AT_SYNC_SPACING: u32 = 4;
    /// Offset of [`Configure::sync_seed`].
    pub const AT_SYNC_SEED: u32 = 6;
    /// Offset of [`Configure::intensity_weights`].
    pub const AT_INTENSITY_WEIGHTS: u32 = 10;
    /// Offset of [`Configure::key_basis_weight`].
    pub const AT_KEY_BASIS_WEIGHT: u32 = 18;
    /// Offset of [`Configure::burst_slots`].
    pub const AT_BURST_SLOTS: u32 = 21;
    /// Offset of [`Configure::slot_clock`].
    pub const AT_SLOT_CLOCK: u32 = 25;
    /// Offset of [`Configure::gate`].
    pub const AT_GATE: u32 = 26;
    /// Offset of the start of the gate.
    pub const AT_GATE_START: u32 = 27;
    /// Offset of the width of the gate.
    pub const AT_GATE_WIDTH: u32 = 31;
}

/// Something that is not printed: seeds and random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Concealed<T>(pub T);

impl<T> core::fmt::Debug for Concealed<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("(concealed)")
    }
}

/// What a device becomes when it reboots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RebootMode {
    /// The same firmware, from its start.
    Firmware = 0,
    /// The boot loader, which takes another firmware.
    BootLoader = 1,
}

/// From the host to the device. Each is answered by [`DeviceMessage::Ack`], [`DeviceMessage::Hello`],
/// [`DeviceMessage::Value`] or [`DeviceMessage::Error`], with the sequence number of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMessage<'a> {
    /// Asks who is there; the pipe that asks owns the device.
    Hello,
    /// Prepares a run; refused while emitting.
    Configure(Configure),
    /// `Safe → Armed`. The nonce must differ from the last one.
    Arm {
        /// Fresh at each arming.
        nonce: u32,
    },
    /// To `Safe`, from any state but `Tripped`.
    Disarm,
    /// Starts the run: Alice `Armed → Emitting`; Bob starts to tag and to look for sync.
    Start {
        /// Number of the run; stands in the header of each frame from now on.
        epoch: u16,
        /// Stop by itself after this many slots; 0: until told.
        slots: u64,
    },
    /// Ends the run; Alice `Emitting → Armed`.
    Stop,
    /// `Tripped(cause) → Safe`; refused if another cause is latched.
    Clear {
        /// The cause the host has seen and dealt with.
        cause: TripCause,
    },
    /// The host is alive. At least four a second of device time.
    Heartbeat,
    /// Asks for an entry of the table of settings; answered by [`DeviceMessage::Value`], past the
    /// end of the table by [`ErrorCode::OutOfRange`].
    Get {
        /// From 0.
        index: u16,
    },
    /// Changes an entry of the table; answered when it has taken effect.
    Set {
        /// From 0.
        index: u16,
        /// Within the entry's limits.
        value: i64,
        /// When; 0 is at once, and a tick that has passed is [`ErrorCode::TooLate`].
        from: Ticks,
    },
    /// The seed of [`SettingsSource::HostSeed`]; settings begin anew with it.
    Seed(Concealed<&'a [u8; 32]>),
    /// Random bytes for [`SettingsSource::HostFeed`], at most [`crate::MAX_FEED`]; all or none are
    /// taken.
    Feed(Concealed<&'a [u8]>),
    /// Settings for [`SettingsSource::Pattern`], a slot's code a byte, 1 to
    /// [`crate::MAX_PATTERN`]: slot `s` takes the one at `s` modulo their number.
    Pattern(&'a [u8]),
    /// Where the settings of the next runs come from; refused while one is on.
    Source(SettingsSource),
    /// Starts the device anew, if it is dark. Its nonce changes.
    Reboot(RebootMode),
    /// Bob, slot clock steered by the host: slots from this one on.
    SetSlotClock(SlotTiming),
}

impl HostMessage<'_> {
    /// Offset of the value in the payload of [`HostMessage::Set`].
    pub const AT_SET_VALUE: u32 = 2;
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
    /// The slot is shorter than the modulator's settling time or the source's period.
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
    /// Answer to [`HostMessage::Hello`] with its sequence number.
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

/// The header each frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which sequence the frame belongs to.
    pub stream: Stream,
    /// Random at each boot of the device; a host echoes the device's, 0 before it knows it.
    pub boot_nonce: u32,
    /// Number of the run, 0 before the first.
    pub epoch: u16,
    /// Position in the stream, from 0 at each boot, wrapping.
    pub sequence: u32,
}
