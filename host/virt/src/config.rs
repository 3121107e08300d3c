//! What a virtual bench must be told.

use helio_sim::{BenchConfig, ConfigError};

/// A bench and the links to its two devices.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtConfig {
    /// The optics and the one seed of everything, also of the devices' settings and nonces.
    pub bench: BenchConfig,
    /// Chunks that wait on each link, each way. A chunk holds what a device says in a step, 0.4 ms
    /// of slots: 1 to 2 KiB.
    pub link_depth: usize,
}

impl Default for VirtConfig {
    /// The default bench, links of 256 chunks: 0.1 s of device time.
    fn default() -> VirtConfig {
        VirtConfig { bench: BenchConfig::default(), link_depth: 256 }
    }
}

/// A bench cannot be made with this configuration.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidBench {
    /// The simulator refuses.
    #[error("simulated bench: {0}")]
    Bench(ConfigError),
    /// Slots are so long that a millisecond, in which firmware must be polled, holds none.
    #[error("a slot of {0} ticks is longer than the firmware's polling interval of 0.5 ms")]
    SlotTooLong(u32),
}
