//! What a host says.

use helio_bench::{GateWindow, SettingsSource, SlotClockMode, SlotTiming, TripCause};
use helio_units::Ticks;

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
///
/// [`ErrorCode::OutOfRange`]: crate::ErrorCode::OutOfRange
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
///
/// [`DeviceMessage::Ack`]: crate::DeviceMessage::Ack
/// [`DeviceMessage::Hello`]: crate::DeviceMessage::Hello
/// [`DeviceMessage::Value`]: crate::DeviceMessage::Value
/// [`DeviceMessage::Error`]: crate::DeviceMessage::Error
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
    ///
    /// [`DeviceMessage::Value`]: crate::DeviceMessage::Value
    /// [`ErrorCode::OutOfRange`]: crate::ErrorCode::OutOfRange
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
        ///
        /// [`ErrorCode::TooLate`]: crate::ErrorCode::TooLate
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
    /// Offset of the start in the payload of [`HostMessage::SetSlotClock`].
    pub const AT_SLOT_CLOCK_START: u32 = 8;
    /// Offset of the period in the payload of [`HostMessage::SetSlotClock`].
    pub const AT_SLOT_CLOCK_PERIOD: u32 = 20;
}
