//! From a slot's settings to photons at the detectors.
//!
//! A coherent pulse of mean μ whose phase is random is a Poisson mixture of photon numbers (Lo, Ma,
//! Chen, PRL 94, 230504 (2005)); loss thins it and splitters divide it, and what arrives at each
//! detector is again Poisson, independent between detectors (Kingman, Poisson Processes (1993),
//! 5.1). So the number of photons that detectors would count is Poisson with the sum of the
//! detectors' means, and each photon falls to a detector by its share of that sum. One compare
//! decides whether there is any; only then are they counted and dealt out. This is exact, not an
//! approximation for weak light.

use helio_units::Decibel;
use rand_core::Rng;

use crate::config::{BenchConfig, FOUR, ReceiverKind};
use crate::draw::{Generator, Purpose, generator, poisson_not_zero, uniform};
use crate::trim::{AliceTrim, BobTrim};

/// Means at the 16 equiprobable quantiles of a Gaussian, midpoints, scaled to a variance of 1: the
/// upper half.
const QUANTILES: [f64; 8] = [
    0.08158754520790505,
    0.2468070697447189,
    0.41853826767225977,
    0.6025828031870283,
    0.8078611960795813,
    1.0508874261229404,
    1.3713807536348692,
    1.9381589616524153,
];

const CELLS: usize = FOUR * 16 * FOUR * FOUR;
const TWO_POW_60: f64 = 1_152_921_504_606_846_976.0;

/// Angles of Alice's states H, V, D, A and of the four settings' detector 0, in eighths of a turn.
const STATE_EIGHTHS: [f64; FOUR] = [0.0, 2.0, 1.0, 3.0];
/// By the code of the setting, `swap << 1 | basis`.
const SETTING_EIGHTHS: [f64; FOUR] = [0.0, 1.0, 2.0, 3.0];
const EIGHTH: f64 = core::f64::consts::FRAC_PI_4;

/// Polarization angle of Alice's states, errors included, as her modulator is driven.
pub(crate) fn state_angles(config: &BenchConfig, trim: &AliceTrim) -> [f64; FOUR] {
    let turns = trim.turns();
    core::array::from_fn(|s| {
        STATE_EIGHTHS[s] * EIGHTH + config.source.state_error_rad[s] + turns[s]
    })
}

/// Alice's pulses, the channel and Bob's optics.
#[derive(Clone, Debug)]
pub(crate) struct Optics {
    pulses: Generator,
    photons: Generator,
    /// Probability of at least one photon, in 2⁻⁶⁰, by [`Cell`].
    thresholds: [u64; CELLS],
    /// Mean photons at Alice's output, by level and quantile.
    means: [[f64; 16]; FOUR],
    /// Probability that a photon from Alice is counted by each detector, by state and setting.
    shares: [[[f64; FOUR]; FOUR]; FOUR],
    fixed: Fixed,
    rotation_rad: f64,
}

/// What the shares are computed from, with the rotation of the channel.
#[derive(Clone, Debug)]
struct Fixed {
    kind: ReceiverKind,
    state_angles: [f64; FOUR],
    /// Transmittance from Alice's output to each detector and its efficiency.
    efficiency: [f64; FOUR],
    /// Share that leaves the polarizing splitter by the wrong port.
    leak: f64,
}

/// What decides how bright a pulse arrives where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) level: usize,
    pub(crate) state: usize,
    pub(crate) setting: usize,
}

/// Photons counted in one pulse, were there no dead time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Photons {
    pub(crate) number: u32,
    /// Bit d: detector d got at least one.
    pub(crate) detectors: u8,
}

impl Optics {
    pub(crate) fn new(config: &BenchConfig) -> Optics {
        let mut optics = Optics {
            pulses: generator(config.seed, Purpose::Pulses, 0),
            photons: generator(config.seed, Purpose::Photons, 0),
            thresholds: [0; CELLS],
            means: [[0.0; 16]; FOUR],
            shares: [[[0.0; FOUR]; FOUR]; FOUR],
            fixed: Fixed {
                kind: config.receiver.kind,
                state_angles: [0.0; FOUR],
                efficiency: [0.0; FOUR],
                leak: 1.0 / (1.0 + 1.0 / config.receiver.extinction_ratio.transmittance()),
            },
            rotation_rad: config.channel.rotation_rad,
        };
        optics.trim(config, &AliceTrim::default(), &BobTrim::default());
        optics
    }

    /// Sets the parts; the channel stays turned as it is.
    pub(crate) fn trim(&mut self, config: &BenchConfig, alice: &AliceTrim, bob: &BobTrim) {
        let source = &config.source;
        let passed = Decibel(f64::from(alice.attenuation_mdb) / 1_000.0).transmittance();
        for (level, means) in self.means.iter_mut().enumerate().take(source.level_count) {
            let mean = source.levels[level].get() * (1.0 + source.intensity_error[level]) * passed;
            for (quantile, z) in QUANTILES.into_iter().enumerate() {
                let deviation = source.intensity_fluctuation * z;
                means[8 + quantile] = mean * (1.0 + deviation);
                means[7 - quantile] = mean * (1.0 - deviation);
            }
        }
        let receiver = &config.receiver;
        let path = (config.channel.path.loss() + receiver.insertion_loss).transmittance();
        self.fixed.state_angles = state_angles(config, alice);
        self.fixed.efficiency = core::array::from_fn(|channel| {
            path * bob.of(channel, &receiver.detectors[channel]).efficiency
        });
        self.rotate(self.rotation_rad);
    }

    /// Sets the angle by which the channel turns the polarization.
    pub(crate) fn rotate(&mut self, rotation_rad: f64) {
        self.rotation_rad = rotation_rad;
        for state in 0..FOUR {
            for setting in 0..FOUR {
                let shares = self.fixed.shares(state, setting, rotation_rad);
                self.shares[state][setting] = shares;
                let counted: f64 = shares.iter().sum();
                for level in 0..FOUR {
                    for quantile in 0..16 {
                        let mean = self.means[level][quantile] * counted;
                        let any = -libm::expm1(-mean) * TWO_POW_60;
                        let cell = Cell { level, state, setting };
                        self.thresholds[cell.index(quantile)] = any as u64;
                    }
                }
            }
        }
    }

    /// Sends one pulse.
    #[inline(always)]
    pub(crate) fn pulse(&mut self, cell: Cell) -> Option<Photons> {
        let random = self.pulses.next_u64();
        let quantile = (random & 15) as usize;
        if random >> 4 >= self.thresholds[cell.index(quantile)] {
            return None;
        }
        Some(self.deal_out(cell, quantile))
    }

    #[inline(never)]
    fn deal_out(&mut self, cell: Cell, quantile: usize) -> Photons {
        let shares = self.shares[cell.state][cell.setting];
        let counted: f64 = shares.iter().sum();
        let mean = self.means[cell.level][quantile] * counted;
        let number = poisson_not_zero(&mut self.photons, mean);
        let mut detectors = 0;
        for _ in 0..number {
            detectors |= 1 << self.detector(&shares, counted);
        }
        Photons { number, detectors }
    }

    fn detector(&mut self, shares: &[f64; FOUR], counted: f64) -> usize {
        let mut left = uniform(&mut self.photons) * counted;
        let mut last = 0;
        for (detector, share) in shares.iter().enumerate() {
            if *share > 0.0 {
                last = detector;
                if left <= *share {
                    break;
                }
            }
            left -= share;
        }
        last
    }
}

impl Cell {
    #[inline(always)]
    fn index(self, quantile: usize) -> usize {
        (self.level & 3) << 8 | quantile << 4 | (self.state & 3) << 2 | self.setting & 3
    }
}

impl Fixed {
    fn shares(&self, state: usize, setting: usize, rotation: f64) -> [f64; FOUR] {
        let angle = self.state_angles[state] + rotation;
        // The ports of a polarizing splitter at this angle, by Malus and with its leak.
        let ports = |splitter: f64| {
            let cos = libm::cos(angle - splitter);
            let straight = cos * cos;
            let first = straight * (1.0 - self.leak) + (1.0 - straight) * self.leak;
            [first, 1.0 - first]
        };
        let light = match self.kind {
            ReceiverKind::Active => {
                let [first, second] = ports(SETTING_EIGHTHS[setting] * EIGHTH);
                [first, second, 0.0, 0.0]
            }
            ReceiverKind::Passive => {
                let [h, v] = ports(0.0);
                let [d, a] = ports(EIGHTH);
                [h / 2.0, v / 2.0, d / 2.0, a / 2.0]
            }
        };
        core::array::from_fn(|d| light[d] * self.efficiency[d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::{Basis, Polarization, ReceiverSetting};

    fn perfect() -> BenchConfig {
        let mut config = BenchConfig::default();
        config.channel.rotation_rad = 0.0;
        config.receiver.extinction_ratio = helio_units::Decibel(100.0);
        config
    }

    #[test]
    fn quantiles_have_mean_zero_and_variance_one() {
        let variance = QUANTILES.iter().map(|z| z * z).sum::<f64>() / 8.0;
        assert!((variance - 1.0).abs() < 1e-12, "{variance}");
    }

    #[test]
    fn detector_zero_means_bit_zero_unless_swapped() {
        let optics = Optics::new(&perfect());
        for state in Polarization::ALL {
            for swap in [false, true] {
                for basis in [Basis::Key, Basis::Test] {
                    let setting = ReceiverSetting { basis, swap };
                    let shares = optics.shares[state as usize][usize::from(setting.code())];
                    let wrong = usize::from(state.bit() == swap);
                    let error = shares[wrong] / (shares[0] + shares[1]);
                    if basis == state.basis() {
                        assert!(error < 1e-9, "{state:?} {setting:?} {error}");
                    } else {
                        assert!((error - 0.5).abs() < 0.01, "{state:?} {setting:?} {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn rotation_errs_by_its_sine_squared_in_both_bases() {
        let mut config = perfect();
        config.receiver.mismatch(0.0);
        config.receiver.detectors = [Default::default(); FOUR];
        config.channel.rotation_rad = 0.3;
        let optics = Optics::new(&config);
        let expected = libm::sin(0.3) * libm::sin(0.3);
        for state in Polarization::ALL {
            let setting = ReceiverSetting { basis: state.basis(), swap: false }.code();
            let shares = optics.shares[state as usize][usize::from(setting)];
            let error = shares[usize::from(!state.bit())] / (shares[0] + shares[1]);
            assert!((error - expected).abs() < 1e-9, "{state:?} {error}");
        }
    }

    #[test]
    fn a_passive_receiver_ignores_the_setting_and_keeps_the_light() {
        let mut config = perfect();
        config.receiver.kind = ReceiverKind::Passive;
        let optics = Optics::new(&config);
        let all: f64 = optics.fixed.efficiency.iter().sum::<f64>() / 4.0;
        for state in optics.shares {
            assert!(state.iter().all(|shares| *shares == state[0]));
            let counted: f64 = state[0].iter().sum();
            assert!((counted / all - 1.0).abs() < 0.011, "{counted}");
        }
    }
}
