//! Alice's pulse source and both stations' modulators, as the firmware sees them.

use helio_bench::{Modulator, PhaseRandomisation, Polarization, PulseSource, SourceStatement};
use helio_units::{Hertz, MeanPhotons, Picoseconds};

use crate::config::{FOUR, SourceConfig};

/// Alice's source: presets, statement, enable line. The light itself is made in the world.
#[derive(Clone, Debug)]
pub struct SimSource {
    levels: [MeanPhotons; FOUR],
    level_count: usize,
    statement: SourceStatement,
    max_trigger_rate: Hertz,
    enabled: bool,
    /// By state.
    delays: [Picoseconds; FOUR],
}

/// Shortest and longest delay of a pulse.
const DELAYS: (Picoseconds, Picoseconds) = (Picoseconds(-5_000), Picoseconds(5_000));

impl SimSource {
    pub(crate) fn new(config: &SourceConfig) -> SimSource {
        SimSource {
            levels: config.levels,
            level_count: config.level_count,
            statement: SourceStatement {
                phase: PhaseRandomisation::AssumedIdeal,
                intensity_uncertainty: config.stated_uncertainty,
            },
            max_trigger_rate: config.max_trigger_rate,
            enabled: false,
            delays: [Picoseconds(0); FOUR],
        }
    }

    /// How late the pulses of each state leave.
    pub(crate) fn delays(&self) -> [Picoseconds; FOUR] {
        self.delays
    }
}

impl PulseSource for SimSource {
    fn max_trigger_rate(&self) -> Hertz {
        self.max_trigger_rate
    }

    fn levels(&self) -> &[MeanPhotons] {
        &self.levels[..self.level_count]
    }

    fn delay_range(&self) -> Option<(Picoseconds, Picoseconds)> {
        Some(DELAYS)
    }

    /// Takes effect with the next step.
    fn set_delay(&mut self, state: Polarization, delay: Picoseconds) {
        self.delays[state as usize] = Picoseconds(delay.0.clamp(DELAYS.0.0, DELAYS.1.0));
    }

    fn statement(&self) -> SourceStatement {
        self.statement
    }

    /// Takes effect with the next step. The line cuts the sync laser too.
    fn set_enabled(&mut self, on: bool) {
        self.enabled = on;
    }

    fn is_enabled(&self) -> bool {
        self.enabled
    }
}

/// A polarization modulator.
#[derive(Clone, Copy, Debug)]
pub struct SimModulator {
    settling_time: Picoseconds,
}

impl SimModulator {
    pub(crate) fn new(settling_time: Picoseconds) -> SimModulator {
        SimModulator { settling_time }
    }
}

impl Modulator for SimModulator {
    fn settling_time(&self) -> Picoseconds {
        self.settling_time
    }
}
