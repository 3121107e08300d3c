//! Control plane of the light: the pulse source and the modulators.

use crate::slots::{Intensity, Polarization, SlotWord};
use helio_units::{Hertz, MeanPhotons, Picoseconds};

/// What is known about the phase between one pulse and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PhaseRandomisation {
    /// Nothing is known: decoy-state bounds do not apply.
    Unknown = 0,
    /// The laser is driven below threshold between pulses.
    GainSwitched = 1,
    /// A phase modulator randomises each pulse.
    Active = 2,
    /// Assumed by the operator, or simulated as ideal.
    AssumedIdeal = 3,
}

impl PhaseRandomisation {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The statement with this code, if there is one.
    pub fn from_code(code: u8) -> Option<PhaseRandomisation> {
        use PhaseRandomisation::*;
        [Unknown, GainSwitched, Active, AssumedIdeal].into_iter().find(|p| p.code() == code)
    }
}

/// What a source states about itself. The security of the key rests on it, so it travels to the
/// certificate with every block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceStatement {
    /// Phase between pulses.
    pub phase: PhaseRandomisation,
    /// The true mean photon number of each level lies within `level · (1 ± this)`; `None` if
    /// nobody measured it.
    pub intensity_uncertainty: Option<f64>,
}

/// A laser that gives one pulse a trigger, at preset levels.
///
/// The slot word selects level and trigger; the source's own electronics make the pulse, because
/// a pin of a microcontroller cannot make a sub-nanosecond one.
pub trait PulseSource {
    /// Highest trigger rate the driver follows.
    fn max_trigger_rate(&self) -> Hertz;

    /// Mean photon numbers of the preset levels at the station's output, brightest first; at most
    /// four.
    fn levels(&self) -> &[MeanPhotons];

    /// The pins that fire a pulse of this level and this state. A board with a laser a state has
    /// another wiring than the default's two select pins each.
    fn word(&self, intensity: Intensity, polarization: Polarization) -> SlotWord {
        SlotWord::pulse(intensity, polarization)
    }

    /// Shortest and longest delay of a pulse that [`PulseSource::set_delay`] takes; `None` where
    /// pulses cannot be delayed.
    fn delay_range(&self) -> Option<(Picoseconds, Picoseconds)> {
        None
    }

    /// Delays the pulses of this state from now on, by a value within the range; 0 after a boot.
    /// Lasers that fire at unequal times tell the bit, so each state has a delay of its own.
    fn set_delay(&mut self, _state: Polarization, _delay: Picoseconds) {}

    /// What is known about the source.
    fn statement(&self) -> SourceStatement;

    /// Opens or closes the enable line. Closed is dark within 1 ms, whatever the slot player does.
    fn set_enabled(&mut self, on: bool);

    /// The state of the enable line as read back from the hardware.
    fn is_enabled(&self) -> bool;
}

/// A polarization modulator with four settings, selected slot by slot by two pins.
pub trait Modulator {
    /// Longest time from a change of the pins to a settled state; at most this. The firmware refuses slots
    /// that are no longer.
    fn settling_time(&self) -> Picoseconds;
}
