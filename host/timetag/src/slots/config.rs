//! What the slotter must be told.

use helio_units::{FineTicks, Ticks};
use std::num::NonZeroU16;

/// Ticks that every span of a configuration must stay below, so that 2⁻³² ticks relative to a
/// nearby slot fit 64 bits: 3.5 s of the reference board's ticks, 0.25 ms of 0.5 ps ticks.
pub(crate) const MAX_SPAN: FineTicks = FineTicks::from_ticks(Ticks(1 << 29));

/// The coincidence window, one for all detectors: unequal windows would let the arrival time tell
/// the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its centre as a fraction of the slot, in 2⁻³² slots; `1 << 31` is mid-slot, where the
    /// device puts pulses.
    pub centre: u32,
    /// The window is `centre − half_width ≤ t < centre + half_width`. A window wider than the
    /// slot is cut to the slot's length.
    pub half_width: FineTicks,
}

/// How clicks become slots. Frozen for the life of a [`crate::Slotter`]; a change means a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotterConfig {
    /// Delay of each detector channel, one to eight of them: subtracted from its tags, so a
    /// channel whose pulses come late has a positive delay. Magnitude below 2²⁹ ticks.
    pub delays: Vec<FineTicks>,
    /// The coincidence window.
    pub window: Window,
    /// After a click on any channel, in or out of a window, slots whose window begins within this
    /// time are dropped. At least the longest dead time plus an afterpulse tail; below 2²⁹ ticks.
    pub hold_off: FineTicks,
    /// Slots whose index is a multiple of this are public sync slots and never detections.
    pub sync_spacing: Option<NonZeroU16>,
    /// How much later than its own time a mark, a gap or a loss of lock may arrive. Slots become
    /// final this much later.
    pub slack: Ticks,
}

/// A slotter cannot be made with this configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlotter {
    /// The mask of a detection has eight bits.
    #[error("{0} detector channels: a slotter takes one to eight")]
    Channels(usize),
    /// 2²⁹ ticks or more.
    #[error("the delay of channel {0} has a magnitude of 2^29 ticks or more")]
    Delay(usize),
    /// Not above zero, or 2²⁹ ticks or more.
    #[error("the half width of the window must lie between 0 and 2^29 ticks")]
    Window,
    /// Below zero, or 2²⁹ ticks or more.
    #[error("the hold-off must be at least 0 and below 2^29 ticks")]
    HoldOff,
}

impl SlotterConfig {
    pub(crate) fn check(&self) -> Result<(), InvalidSlotter> {
        if !(1..=8).contains(&self.delays.len()) {
            return Err(InvalidSlotter::Channels(self.delays.len()));
        }
        let too_long = |d: &FineTicks| d.0.unsigned_abs() >= MAX_SPAN.0 as u128;
        if let Some(channel) = self.delays.iter().position(too_long) {
            return Err(InvalidSlotter::Delay(channel));
        }
        if self.window.half_width.0 <= 0 || self.window.half_width >= MAX_SPAN {
            return Err(InvalidSlotter::Window);
        }
        if self.hold_off.0 < 0 || self.hold_off >= MAX_SPAN {
            return Err(InvalidSlotter::HoldOff);
        }
        Ok(())
    }
}
