//! The interlock's contract: when the laser may fire.
//!
//! `Safe → Armed → Emitting → Tripped(cause)`. Light is possible in `Emitting` only. `Tripped` is
//! latched: it takes a `Clear` that names the cause, then a fresh arming with a new nonce.
//! Firmware is the second barrier; the first is hardware (a pull-down, a monostable fed by the
//! heartbeat, an interlock loop) that firmware can read and not override.

/// Where the interlock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InterlockState {
    /// Dark; the state after every reset.
    #[default]
    Safe,
    /// Dark; a host has armed the device and may start a run.
    Armed,
    /// Pulses may leave the device.
    Emitting,
    /// Dark until the cause is cleared.
    Tripped(TripCause),
}

/// Why the interlock tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TripCause {
    /// No heartbeat from the host within the deadline.
    HeartbeatLost = 1,
    /// More bad frames within one second than a working cable makes.
    BadFrames = 2,
    /// A whole frame whose version or opcode this firmware does not know.
    UnknownCommand = 3,
    /// The random source failed its health test.
    RandomFault = 4,
    /// The link was reset, suspended or taken by another host.
    LinkReset = 5,
    /// The pulse hardware refused or lost slots.
    PlayerFault = 6,
    /// The external interlock contact is open.
    External = 7,
}

impl TripCause {
    /// All causes, in order of their code.
    pub const ALL: [TripCause; 7] = [
        TripCause::HeartbeatLost,
        TripCause::BadFrames,
        TripCause::UnknownCommand,
        TripCause::RandomFault,
        TripCause::LinkReset,
        TripCause::PlayerFault,
        TripCause::External,
    ];

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The cause with this code, if there is one.
    pub fn from_code(code: u8) -> Option<TripCause> {
        TripCause::ALL.into_iter().find(|c| c.code() == code)
    }
}
