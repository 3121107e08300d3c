//! Does this target make the same edges as every other? Hashes of short runs, with the values they
//! must have.
//!
//! Call [`check`] on the target: it takes some 40 KiB of stack and no heap. x86-64 and emulated
//! Cortex-M3 and Cortex-M33 agree.

use helio_bench::{
    Edge, EdgeSource, Intensity, Polarization, PulseSource, RandomSource, ReceiverSetting,
    SlotClock, SlotPlayer, SlotWord,
};
use helio_units::{SlotIndex, Ticks};

use crate::config::{BenchConfig, Eve, FOUR, ReceiverKind};
use crate::player::SimPlayer;
use crate::random::SimRandom;
use crate::validate::ConfigError;
use crate::world::World;

/// Length of each run of [`check`].
pub const SLOTS: u32 = 20_000;

/// What [`fingerprint`] gives for [`plain`] and [`everything`] of both kinds of receivers.
pub const EXPECTED: [u64; 3] =
    [0x8759_f423_39d4_2120, 0x0105_131e_cf06_66aa, 0x6d34_34c2_80e4_9aff];

/// A run gave other edges than it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs {
    /// Which of the runs.
    pub run: usize,
    /// Its hash here.
    pub found: u64,
}

impl core::fmt::Display for Differs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Differs { run, found } = self;
        write!(f, "simulated bench: run {run} gives {found:#018x} on this target")
    }
}

impl core::error::Error for Differs {}

/// Runs the three configurations and compares.
///
/// # Errors
/// The first run that [`Differs`].
pub fn check() -> Result<(), Differs> {
    let runs = [plain(), everything(ReceiverKind::Active), everything(ReceiverKind::Passive)];
    for (run, (config, expected)) in runs.iter().zip(EXPECTED).enumerate() {
        let found = fingerprint(config, SLOTS).unwrap_or_default();
        if found != expected {
            return Err(Differs { run, found });
        }
    }
    Ok(())
}

/// The default bench, whatever its default seed.
pub fn plain() -> BenchConfig {
    BenchConfig { seed: 0x4865_6c69_6f67_7261, ..BenchConfig::default() }
}

/// A bench on which every process is at work.
pub fn everything(kind: ReceiverKind) -> BenchConfig {
    let mut config = plain();
    config.source.intensity_error = [0.02, -0.03, 0.0, 0.0];
    config.source.intensity_fluctuation = 0.05;
    config.source.state_error_rad = [0.01, -0.02, 0.03, 0.0];
    config.channel.rotation_drift_rad_per_s = 20.0;
    config.receiver.kind = kind;
    for detector in &mut config.receiver.detectors {
        detector.dark_rate_hz = 20_000.0;
        detector.jitter_ps = 5_000.0;
        detector.afterpulse_probability = 0.05;
    }
    config.clock.drift_ppb_per_s = 500.0;
    config.sync.miss_probability = 0.1;
    config.sync.false_rate_hz = 10_000.0;
    config.eve = Eve::InterceptResend { fraction: 0.3 };
    config
}

/// Hash (FNV-1a, 64 bits) of all edges of a run of `slots` slots with random settings.
///
/// # Errors
/// [`ConfigError`] for the first field outside its range.
pub fn fingerprint(config: &BenchConfig, slots: u32) -> Result<u64, ConfigError> {
    const STEP: usize = 250;
    let mut world = World::new(config.clone())?;
    let mut source = world.source();
    let (mut alice, mut bob) = (SimPlayer::<STEP>::new(), SimPlayer::<{ 2 * STEP }>::new());
    let (mut clock, mut edges) = (world.slot_clock(), world.edges::<512>());
    let mut random = SimRandom::new(config.seed, 0);

    source.set_enabled(true);
    alice.begin(SlotIndex(0));
    bob.begin(SlotIndex(1));
    let mut hash = Fnv::new();
    // The clock has just been made at this instant: a start one slot ahead is never too late.
    if clock.steer(world.true_timing(1, SlotIndex(1))).is_err() {
        return Ok(hash.0);
    }
    let mut out = [Edge { tick: Ticks(0), channel: 0 }; FOUR];
    let mut done = 0;
    while done < slots {
        let step = STEP.min((slots - done) as usize);
        for slot in 0..step {
            let mut bytes = [0; 2];
            let _ = random.fill(&mut bytes);
            // A word that finds no space is not played: the run is reproducible all the same.
            let _ = alice.play(&[word(done + slot as u32, bytes[0])]);
            let _ = bob.play(&[SlotWord::receive(ReceiverSetting::from_code(bytes[1]))]);
        }
        world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, step);
        done += step as u32;
        loop {
            let drained = edges.drain(&mut out);
            out[..drained.edges].iter().for_each(|edge| hash.add(*edge));
            if drained.edges < out.len() {
                break;
            }
        }
    }
    Ok(hash.0)
}

fn word(slot: u32, random: u8) -> SlotWord {
    if slot.is_multiple_of(64) {
        return SlotWord::sync(random & 1 == 1);
    }
    SlotWord::pulse(Intensity(random >> 2 & 3), Polarization::from_code(random))
}

struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, edge: Edge) {
        for byte in edge.tick.0.to_le_bytes().into_iter().chain([edge.channel]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_target_makes_the_same_edges_as_every_other() {
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn the_seed_and_the_length_count() {
        let other_seed = BenchConfig { seed: 2, ..plain() };
        let hashes = [
            fingerprint(&plain(), 2_000),
            fingerprint(&other_seed, 2_000),
            fingerprint(&plain(), 2_250),
        ];
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2]);
        assert_eq!(hashes[0], fingerprint(&plain(), 2_000));
    }
}
