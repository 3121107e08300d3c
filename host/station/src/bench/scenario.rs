//! A simulated link as one set of numbers, and what each part of the program makes of it.
//!
//! Every part is told the same thing once: the optics, the devices' configuration, the parameters
//! the stations compare, the tag-to-slot stage and the channel model that says what to expect.

use helio_distill::bound::{BoundChoice, DetectorTolerance, Mismatch, Refusal};
use helio_distill::channel_model::{self, BlockPlan, Channel};
use helio_distill::parameters::{CodeChoice, DetectorMatch, Parameters, Receiver, SessionId};
use helio_sim::{BenchConfig, DetectorConfig, Eve, Path, ReceiverKind};
use helio_timetag::SlotterConfig;
use helio_units::{Decibel, FineTicks, MeanPhotons, Picoseconds, TickLength, Ticks};
use helio_wire::Configure;

use crate::slotting::Slotting;

/// The default intensities and choices, in the units that the samplers implement exactly.
///
/// They are the optimum that `helio optimise` finds for the default link; a test compares.
pub mod defaults {
    /// Mean photon numbers in 10⁻⁹ photons a pulse, brightest first. The weakest is what the
    /// modulator's extinction of 30 dB leaves of the signal, rounded.
    pub const MU_NANO: [u64; 3] = [627_800_000, 273_400_000, 500_000];
    /// Weight of each intensity out of 4096.
    pub const INTENSITY_WEIGHTS: [u16; 3] = [1035, 2057, 1004];
    /// Weight of the key basis out of 4096, at both stations.
    pub const KEY_WEIGHT: u16 = 3028;
    /// Emitted slots of a block: 4 s at 5 MHz.
    pub const SLOTS_PER_BLOCK: u32 = 20_000_000;
}

/// What a slot player holds at most, in picoseconds: 1 ms.
const PLAYER_PS: f64 = 1e9;

/// Everything that a simulated run is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The one seed: optics, devices, pre-shared secret, every random choice.
    pub seed: u64,
    /// Fibre and its loss, or a fixed loss.
    pub path: Path,
    /// Loss of Bob's optics.
    pub receiver_loss: Decibel,
    /// How Bob chooses his basis.
    pub receiver: ReceiverKind,
    /// Mean detection efficiency.
    pub efficiency: f64,
    /// Efficiencies lie within `efficiency · (1 ± this)`; the simulated ones lie at the ends.
    pub efficiency_mismatch: f64,
    /// Dark counts a second of each detector.
    pub dark_rate_hz: f64,
    /// Dark counts lie within `dark_rate_hz · (1 ± this)`.
    pub dark_mismatch: f64,
    /// Dead time of a detector.
    pub dead_time: Picoseconds,
    /// Detector jitter, standard deviation in ps.
    pub jitter_ps: f64,
    /// Probability of an afterpulse.
    pub afterpulse: f64,
    /// Rotation of the polarization in radians.
    pub rotation_rad: f64,
    /// Offset of Bob's clock in parts per million.
    pub clock_offset_ppm: f64,
    /// Drift of Bob's clock in 10⁻⁹ a second.
    pub clock_drift_ppb_per_s: f64,
    /// Share of pulses that Eve intercepts and resends.
    pub intercepted: f64,
    /// Which bound gives the length of a key.
    pub bound: BoundChoice,
    /// Mean photon numbers in 10⁻⁹ photons a pulse, brightest first; the third is 0 with one decoy.
    pub mu_nano: [u64; 3],
    /// Weight of each intensity out of 4096; the third is 0 with one decoy.
    pub intensity_weights: [u16; 3],
    /// Weight of the key basis out of 4096: Alice's, Bob's.
    pub key_weights: [u16; 2],
    /// Whether Bob swaps his detectors at random.
    pub random_swap: bool,
    /// Length of a slot in ticks.
    pub slot_ticks: u32,
    /// Length of a tick.
    pub tick_length: TickLength,
    /// Each slot with an index that is a multiple of this is public.
    pub sync_spacing: u16,
    /// Width of the coincidence window in ticks.
    pub window_ticks: u32,
    /// Hold-off after any click.
    pub hold_off: Picoseconds,
    /// Emitted slots of a block.
    pub slots_per_block: u32,
    /// Blocks of the run.
    pub blocks: u32,
    /// Failure probability of a block.
    pub epsilon_total: f64,
    /// How errors are corrected.
    pub code: CodeChoice,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            seed: 1,
            path: Path::Fibre {
                length_km: 25.0,
                attenuation_per_km: Decibel(0.2),
                group_index: 1.468,
            },
            receiver_loss: Decibel(2.0),
            receiver: ReceiverKind::Active,
            efficiency: 0.8,
            efficiency_mismatch: 0.01,
            dark_rate_hz: 100.0,
            dark_mismatch: 0.05,
            dead_time: Picoseconds(50_000),
            jitter_ps: 100.0,
            afterpulse: 0.0,
            rotation_rad: 0.095,
            clock_offset_ppm: 3.7,
            clock_drift_ppb_per_s: 2.0,
            intercepted: 0.0,
            bound: BoundChoice::Varlen2d,
            mu_nano: defaults::MU_NANO,
            intensity_weights: defaults::INTENSITY_WEIGHTS,
            key_weights: [defaults::KEY_WEIGHT; 2],
            random_swap: true,
            slot_ticks: 30,
            tick_length: TickLength::CYCLE_150_MHZ,
            sync_spacing: 64,
            window_ticks: 6,
            hold_off: Picoseconds(100_000),
            slots_per_block: defaults::SLOTS_PER_BLOCK,
            blocks: 5,
            epsilon_total: 1e-10,
            code: CodeChoice::ON_A_SHORT_LINE,
        }
    }
}

impl Scenario {
    /// Slots a second.
    pub fn slot_rate_hz(&self) -> f64 {
        1e12 / (f64::from(self.slot_ticks) * self.tick_length.as_ps_f64())
    }

    /// Length of the fibre, if there is one.
    pub fn km(&self) -> Option<f64> {
        match self.path {
            Path::Fibre { length_km, .. } => Some(length_km),
            Path::Fixed { .. } => None,
        }
    }

    /// All slots of the run.
    pub fn slots(&self) -> u64 {
        u64::from(self.slots_per_block) * u64::from(self.blocks)
    }

    /// Simulated time of the run in seconds.
    pub fn seconds(&self) -> f64 {
        self.slots() as f64 / self.slot_rate_hz()
    }

    /// How far Alice's count of slots may be ahead of the light that reaches Bob: the flight time,
    /// and what her device draws and reports before it is played.
    fn clock_bound_slots(&self) -> u32 {
        let slot_ps = f64::from(self.slot_ticks) * self.tick_length.as_ps_f64();
        ((self.path.delay_ps() + PLAYER_PS) / slot_ps).ceil() as u32
    }

    /// Slots that the devices play: those of the run, and what Alice waits for before she discloses
    /// anything about its last block.
    pub fn played_slots(&self) -> u64 {
        self.slots() + u64::from(self.clock_bound_slots())
    }

    /// The optics and electronics.
    pub fn bench(&self) -> BenchConfig {
        let mut bench = BenchConfig {
            seed: self.seed,
            tick_length: self.tick_length,
            slot_ticks: self.slot_ticks,
            ..BenchConfig::default()
        };
        for (level, nano) in bench.source.levels.iter_mut().zip(self.mu_nano) {
            *level = MeanPhotons::new(nano as f64 / 1e9).unwrap_or(MeanPhotons::VACUUM);
        }
        bench.source.level_count = 3;
        bench.channel.path = self.path;
        bench.channel.rotation_rad = self.rotation_rad;
        bench.receiver.kind = self.receiver;
        bench.receiver.insertion_loss = self.receiver_loss;
        for (i, detector) in bench.receiver.detectors.iter_mut().enumerate() {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            *detector = DetectorConfig {
                efficiency: (self.efficiency * (1.0 + sign * self.efficiency_mismatch)).min(1.0),
                dark_rate_hz: self.dark_rate_hz * (1.0 + sign * self.dark_mismatch),
                jitter_ps: self.jitter_ps,
                dead_time: self.dead_time,
                afterpulse_probability: self.afterpulse,
                ..*detector
            };
        }
        bench.clock.offset_ppm = self.clock_offset_ppm;
        bench.clock.drift_ppb_per_s = self.clock_drift_ppb_per_s;
        bench.eve = match self.intercepted {
            0.0 => Eve::None,
            fraction => Eve::InterceptResend { fraction },
        };
        bench
    }

    /// The configuration of both devices; each reads what concerns it.
    pub fn configure(&self, key_weight: u16) -> Configure {
        let [a, b, c] = self.intensity_weights;
        Configure {
            slot_ticks: self.slot_ticks,
            sync_spacing: self.sync_spacing,
            sync_seed: self.sync_seed(),
            intensity_weights: [a, b, c, 0],
            key_basis_weight: key_weight,
            random_swap: self.random_swap,
            burst_slots: 0,
            slot_clock: helio_bench::SlotClockMode::Sync,
            gate: None,
        }
    }

    /// Public start of the sync sequence: 31 bits of the seed, never zero.
    fn sync_seed(&self) -> u32 {
        (self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as u32 | 1
    }

    /// What the two detectors may differ by, and what that costs.
    ///
    /// # Errors
    /// A tolerance outside its range.
    pub fn mismatch(&self) -> Result<Mismatch, Refusal> {
        let tolerance = DetectorTolerance {
            efficiency: self.efficiency_mismatch,
            dark: self.dark_mismatch,
            dark_probability: self.dark_probability(),
        };
        tolerance.mismatch(self.random_swap)
    }

    /// Width of the coincidence window.
    pub fn window(&self) -> Picoseconds {
        let window = FineTicks::from_ticks(Ticks(u64::from(self.window_ticks)));
        self.tick_length.fine_to_ps(window).unwrap_or(Picoseconds(i64::MAX))
    }

    fn dark_probability(&self) -> f64 {
        channel_model::dark_probability(self.dark_rate_hz, self.window())
    }

    /// What the two stations must agree on.
    ///
    /// # Errors
    /// A tolerance of the detectors outside its range.
    pub fn parameters(&self) -> Result<Parameters, Refusal> {
        let mismatch = self.mismatch()?;
        let mut session = [0; 16];
        session[..8].copy_from_slice(&self.seed.to_le_bytes());
        Ok(Parameters {
            session: SessionId(session),
            bound: self.bound,
            mu_nano: self.mu_nano,
            intensity_weights: self.intensity_weights,
            intensity_uncertainty_ppm: Some(0),
            alice_key_weight: self.key_weights[0],
            bob_key_weight: self.key_weights[1],
            slots_per_block: self.slots_per_block,
            sync_spacing: self.sync_spacing,
            receiver: match self.receiver {
                ReceiverKind::Active => Receiver::Active { random_swap: self.random_swap },
                ReceiverKind::Passive => Receiver::Passive,
            },
            hold_off_ps: self.hold_off.0.unsigned_abs(),
            window_ps: self.window().0.unsigned_abs(),
            clock_bound_slots: self.clock_bound_slots(),
            detectors: match mismatch {
                Mismatch { delta1, delta2 } if !mismatch.is_matched() => {
                    DetectorMatch::Calibrated {
                        delta1,
                        delta2,
                        id: format!("the simulated bench's own numbers, seed {}", self.seed),
                        date: "2026-11-24".into(),
                        device: "virtual Bob".into(),
                        valid_days: 365,
                    }
                }
                _ => DetectorMatch::AssumedMatched,
            },
            epsilon_total: self.epsilon_total,
            code: self.code,
            qber_margin_ppm: 0,
        })
    }

    /// How Bob's tags become slots.
    pub fn slotter(&self) -> SlotterConfig {
        let bench = self.bench();
        let detectors = usize::from(self.receiver.detectors());
        Slotting {
            tick: self.tick_length,
            slot_ticks: self.slot_ticks,
            delays: bench.receiver.detectors[..detectors].iter().map(|d| d.delay).collect(),
            window: FineTicks::from_ticks(Ticks(u64::from(self.window_ticks))),
            hold_off: self.hold_off,
            sync_spacing: self.sync_spacing,
        }
        .config()
    }

    /// The channel as the model of FINITE_KEY section 9 sees it.
    pub fn channel(&self) -> Channel {
        let bench = self.bench();
        let rotated = self.rotation_rad.sin().powi(2);
        let leaking = 1.0 / (1.0 + 10f64.powf(bench.receiver.extinction_ratio.0 / 10.0));
        let misalignment = rotated * (1.0 - leaking) + (1.0 - rotated) * leaking;
        let slot_ps = f64::from(self.slot_ticks) * self.tick_length.as_ps_f64();
        let reach = self.hold_off.0 as f64 + self.window().0 as f64 / 2.0;
        Channel {
            loss: self.path.loss(),
            receiver_loss: self.receiver_loss,
            efficiency: self.efficiency,
            in_window: 1.0,
            dark_probability: self.dark_probability(),
            misalignment: [misalignment; 2],
            afterpulse: 0.0,
            // A click mid-slot drops each later slot whose window begins within the hold-off.
            dead_slots: ((reach / slot_ps).ceil() - 1.0).max(0.0),
            dead_detectors: 1.0,
            intercepted: self.intercepted,
        }
    }

    /// A block as the channel model takes it.
    pub fn block_plan(&self) -> Result<BlockPlan, Refusal> {
        let parameters = self.parameters()?;
        Ok(BlockPlan {
            slots: u64::from(self.slots_per_block),
            sync_fraction: 1.0 / f64::from(self.sync_spacing),
            decoy: parameters.decoy(),
            key_basis: self.key_weights.map(|w| f64::from(w) / 4096.0),
        })
    }

    /// What reconciliation of `n` sifted bits is expected to be charged, with a test bit for each
    /// eight key bits: about what the best choice of bases makes.
    pub fn expected_leak(&self, n: u64, qber: f64) -> f64 {
        self.code.expected_leak(n, n as f64 / 8.0, qber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_bound_covers_the_flight_and_the_player() {
        let near = Scenario {
            path: Path::Fixed { loss: Decibel(0.0), delay: Picoseconds(0) },
            ..Scenario::default()
        };
        // 1 ms of slots of 200 ns; 25 km of fibre are 122.4 µs.
        assert_eq!(near.parameters().unwrap().clock_bound_slots, 5_000);
        let far = Scenario::default();
        assert_eq!(far.parameters().unwrap().clock_bound_slots, 5_613);
        assert_eq!(far.played_slots(), 5 * 20_000_000 + 5_613);
    }

    #[test]
    fn detectors_that_do_not_differ_are_assumed_matched() {
        let alike = Scenario { efficiency_mismatch: 0.0, ..Scenario::default() };
        let parameters = alike.parameters().unwrap();
        assert_eq!(parameters.detectors, DetectorMatch::AssumedMatched);
        assert_eq!(parameters.check(), Ok(()));
        // Without the swap unequal dark counts have their price.
        let unswapped = Scenario { random_swap: false, ..alike }.parameters().unwrap();
        assert!(matches!(unswapped.detectors, DetectorMatch::Calibrated { .. }));
        assert_eq!(unswapped.check(), Ok(()));
    }
}
