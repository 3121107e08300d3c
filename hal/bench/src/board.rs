//! The board around the parts: what can be set and sensed, and what outlives a reset.

use crate::table::{Entry, codes};

codes! {
    /// Why a device started last.
    BootCause {
        /// Power came.
        Power = 0,
        /// The reset pin, or a debugger.
        Reset = 1,
        /// The watchdog.
        Watchdog = 2,
        /// A host's command.
        Command = 3,
        /// A fault or a panic of the firmware.
        Fault = 4,
        /// Nobody knows.
        Unknown = 5,
    }
}

/// Bytes of [`Board::kept`].
pub const KEPT_LENGTH: usize = 68;

/// A part did not do as told: it does not answer, or answers something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartFault;

impl core::fmt::Display for PartFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the part did not do as told")
    }
}

impl core::error::Error for PartFault {}

/// What the control plane asks of a board, at human rates.
///
/// For authors of a board: every method has a default, so a board without chips is
/// [`NoBoard`]. Entries are numbered from 0; the firmware puts its own before them and checks
/// limits and access before it writes.
pub trait Board {
    /// Number of the board's entries in the table of settings; the same until the next boot.
    fn entries(&self) -> u16 {
        0
    }

    /// What an entry is; `None` from [`Board::entries`] on.
    fn entry(&self, _index: u16) -> Option<Entry<'_>> {
        None
    }

    /// The value of an entry; of a sensor the last one read, without waiting for a conversion.
    fn read(&mut self, _index: u16) -> i64 {
        0
    }

    /// Writes a value within the limits of its entry; at most some 100 µs.
    ///
    /// # Errors
    /// [`PartFault`]: the old value may still stand.
    fn write(&mut self, _index: u16, _value: i64) -> Result<(), PartFault> {
        Err(PartFault)
    }

    /// Why the device started.
    fn boot_cause(&self) -> BootCause {
        BootCause::Unknown
    }

    /// Memory that a reset leaves as it is, where there is some; what the loss of power leaves in
    /// it is told by a checksum.
    fn kept(&mut self) -> Option<&mut [u8; KEPT_LENGTH]> {
        None
    }
}

/// A board with nothing to set and nothing to sense.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBoard;

impl Board for NoBoard {}
