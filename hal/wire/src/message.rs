//! What the frames say. Byte layouts: `SPEC.md`.

mod device;
mod host;

pub use device::{
    DeviceMessage, ErrorCode, Health, Hello, LogLevel, SettingsBatch, TagBatch, Telemetry,
};
pub use host::{Concealed, Configure, HostMessage, RebootMode};

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
