//! What really happened on the bench: for tests and displays, never an input of a station.

use crate::config::FOUR;

/// Counters since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Slots of Alice's time that have passed.
    pub slots: u64,
    /// Signal pulses sent, by level.
    pub pulses: [u64; FOUR],
    /// Pulses of which Bob's detectors would count at least one photon, were there no dead time,
    /// by level.
    pub pulses_seen: [u64; FOUR],
    /// Photons of those pulses that the detectors would count, by level.
    pub photons_seen: [u64; FOUR],
    /// Pulses that met no settled modulator setting at Bob; they are measured as by setting 0.
    pub pulses_unset: u64,
    /// Pulses that Eve has measured and sent anew.
    pub pulses_touched: u64,
    /// Counts made by photons of Alice's or Eve's.
    pub signal_clicks: u64,
    /// Dark counts.
    pub dark_clicks: u64,
    /// Afterpulses.
    pub afterpulse_clicks: u64,
    /// Avalanches that did not happen because the detector was dead.
    pub lost_in_dead_time: u64,
    /// Avalanches that did not happen because the detector's gate was closed.
    pub lost_to_gate: u64,
    /// Sync markers sent.
    pub markers: u64,
    /// Sync markers that the photodiode missed.
    pub markers_missed: u64,
    /// Edges that the photodiode made without light.
    pub false_markers: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    Signal,
    Dark,
    Afterpulse,
}

impl Truth {
    /// Counts of all detectors, whatever their cause.
    pub fn clicks(&self) -> u64 {
        self.signal_clicks + self.dark_clicks + self.afterpulse_clicks
    }

    pub(crate) fn count(&mut self, cause: Cause) {
        match cause {
            Cause::Signal => self.signal_clicks += 1,
            Cause::Dark => self.dark_clicks += 1,
            Cause::Afterpulse => self.afterpulse_clicks += 1,
        }
    }
}
