//! The few numbers from which owners far apart make the same bench.

use helio_sim::{BenchConfig, Path};
use helio_units::{Decibel, Picoseconds, Ticks};

/// A bench with an active receiver, the default optics and a fixed loss. All integers, so that the
/// bench is the same wherever it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The one seed of everything.
    pub seed: u64,
    /// Length of a slot in ticks of 20000/3 ps.
    pub slot_ticks: u32,
    /// Reading of Bob's clock at the start.
    pub start: u64,
    /// Loss of the channel, thousandths of a decibel.
    pub loss_millibel: u32,
    /// Dark counts a second of each detector.
    pub dark_rate_hz: u32,
}

impl Default for Plan {
    /// A bright link at 50 k slots/s, whose time passes quickly.
    fn default() -> Plan {
        Plan {
            seed: 1,
            slot_ticks: 3_000,
            start: 1_000_003,
            loss_millibel: 1_000,
            dark_rate_hz: 100,
        }
    }
}

impl Plan {
    /// The bench.
    pub fn bench(&self) -> BenchConfig {
        let Plan { seed, slot_ticks, .. } = *self;
        let mut bench = BenchConfig { seed, slot_ticks, ..BenchConfig::default() };
        bench.clock.start = Ticks(self.start);
        let loss = Decibel(f64::from(self.loss_millibel) / 1_000.0);
        bench.channel.path = Path::Fixed { loss, delay: Picoseconds(5_000_000) };
        for detector in &mut bench.receiver.detectors {
            detector.dark_rate_hz = f64::from(self.dark_rate_hz);
        }
        bench
    }
}
