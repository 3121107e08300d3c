//! What an operator sets on the parts of the bench while it runs.
//!
//! The defaults leave the bench as it was configured, to the bit: each quantity enters as its ratio
//! to the default's, or its difference from it, and both are exact there.

use core::ops::RangeInclusive;

use crate::config::{DetectorConfig, FOUR};

/// Voltage, in mV, that turns the polarization that leaves Alice's modulator by a right angle.
///
/// A Pockels cell between quarter-wave plates is a rotator by half its retardance, which is π at the
/// half-wave voltage (Yariv and Yeh, *Photonics*, 6th ed. (2007), ch. 9): the angle is
/// π/2 · V / [`HALF_WAVE_MV`].
pub const HALF_WAVE_MV: i32 = 4_000;

/// Excess bias, in mV, at which a detector is as configured.
pub const BIAS_MV: i32 = 3_000;
/// Of the excess bias, in mV, in 1 − exp(−V/this).
const TRIGGER_MV: f64 = 1_500.0;
/// Excess bias, in mV, that makes e times the dark counts.
const DARK_MV: f64 = 500.0;

/// What a configuration may ask for at most; more is time that no detector has.
pub(crate) const MAX_DARK_HZ: f64 = 1e7;

/// Alice's laser and modulator.
///
/// States in order H, V, D, A; delays of their pulses are the source's. What the source states of its levels does not follow the attenuator,
/// as no source knows what was put behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AliceTrim {
    /// Loss behind the signal laser, 10⁻³ dB; the sync laser has another fibre.
    pub attenuation_mdb: i32,
    /// What the modulator is driven with, mV. At the defaults the states are as configured, errors
    /// included; see [`HALF_WAVE_MV`].
    pub modulator_mv: [i32; FOUR],
}

impl AliceTrim {
    /// Range of [`AliceTrim::attenuation_mdb`].
    pub const ATTENUATION_MDB: RangeInclusive<i32> = 0..=60_000;
    /// Range of [`AliceTrim::modulator_mv`].
    pub const MODULATOR_MV: RangeInclusive<i32> = -2 * HALF_WAVE_MV..=2 * HALF_WAVE_MV;

    /// By what the angle of each state is off its configured one, in radians.
    pub(crate) fn turns(&self) -> [f64; FOUR] {
        let default = AliceTrim::default().modulator_mv;
        core::array::from_fn(|state| {
            let off = self.modulator_mv[state].saturating_sub(default[state]);
            f64::from(off) * (core::f64::consts::FRAC_PI_2 / f64::from(HALF_WAVE_MV))
        })
    }

    pub(crate) fn within_range(mut self) -> AliceTrim {
        confine(&mut self.attenuation_mdb, AliceTrim::ATTENUATION_MDB);
        self.modulator_mv.iter_mut().for_each(|mv| confine(mv, AliceTrim::MODULATOR_MV));
        self
    }
}

impl Default for AliceTrim {
    /// No loss, the states 45° apart.
    fn default() -> AliceTrim {
        let quarter = HALF_WAVE_MV / 2;
        AliceTrim { attenuation_mdb: 0, modulator_mv: [0, 2 * quarter, quarter, -quarter] }
    }
}

/// Bob's detectors, by channel.
///
/// With the excess bias V over the breakdown voltage more carriers trigger an avalanche, and more
/// come by themselves, helped by the stronger field (Cova et al., Appl. Opt. 35, 1956 (1996)). The
/// bench takes
///
/// - the efficiency η(V) = η₀ · (1 − exp(−V/1.5 V)) / (1 − exp(−3 V/1.5 V)), at most 1 (the form in
///   Otte et al., Nucl. Instrum. Methods A 846, 106 (2017));
/// - the dark rate d(V) = d₀ · exp((V − 3 V)/0.5 V), a decade in 1.15 V, at most 10⁷/s;
///
/// with η₀ and d₀ as configured, which are those at 3 V. Form and constants are no measurement of any
/// detector. Afterpulses, jitter and dead time stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BobTrim {
    /// Excess bias, mV.
    pub bias_mv: [i32; FOUR],
    /// Delay of the detectors' edges, ps, on top of the configured one.
    pub delay_ps: [i32; FOUR],
}

impl BobTrim {
    /// Range of [`BobTrim::bias_mv`]; below it the model says nothing.
    pub const BIAS_MV: RangeInclusive<i32> = 500..=6_000;
    /// Range of [`BobTrim::delay_ps`].
    pub const DELAY_PS: RangeInclusive<i32> = 0..=100_000;

    /// The detector on `channel` as it is now; `detector` is how it is configured.
    pub(crate) fn of(&self, channel: usize, detector: &DetectorConfig) -> DetectorConfig {
        let (now, then) = (f64::from(self.bias_mv[channel]), f64::from(BIAS_MV));
        let triggered = |mv: f64| -libm::expm1(-mv / TRIGGER_MV);
        let mut detector = *detector;
        detector.efficiency = (detector.efficiency * (triggered(now) / triggered(then))).min(1.0);
        let dark_hz = detector.dark_rate_hz * libm::exp((now - then) / DARK_MV);
        detector.dark_rate_hz = dark_hz.min(MAX_DARK_HZ);
        detector.delay.0 += i64::from(self.delay_ps[channel]);
        detector
    }

    pub(crate) fn within_range(mut self) -> BobTrim {
        self.bias_mv.iter_mut().for_each(|mv| confine(mv, BobTrim::BIAS_MV));
        self.delay_ps.iter_mut().for_each(|ps| confine(ps, BobTrim::DELAY_PS));
        self
    }
}

impl Default for BobTrim {
    /// The detectors as configured.
    fn default() -> BobTrim {
        BobTrim { bias_mv: [BIAS_MV; FOUR], delay_ps: [0; FOUR] }
    }
}

fn confine(value: &mut i32, range: RangeInclusive<i32>) {
    *value = (*value).clamp(*range.start(), *range.end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_was_configured_to_the_bit() {
        assert_eq!(AliceTrim::default().turns().map(f64::to_bits), [0; FOUR]);
        for efficiency in [0.0, 0.1, 0.505, 0.8, 1.0] {
            let detector = DetectorConfig { efficiency, ..DetectorConfig::default() };
            for channel in 0..FOUR {
                assert_eq!(BobTrim::default().of(channel, &detector), detector);
            }
        }
    }

    #[test]
    fn the_half_wave_voltage_is_a_right_angle() {
        let mut trim = AliceTrim::default();
        trim.modulator_mv[2] += HALF_WAVE_MV;
        let [h, _, d, _] = trim.turns();
        assert_eq!(h, 0.0);
        assert!((d - core::f64::consts::FRAC_PI_2).abs() < 1e-15);
    }

    #[test]
    fn bias_buys_efficiency_with_darks() {
        let detector = DetectorConfig::default();
        let at = |mv| BobTrim { bias_mv: [mv; FOUR], ..BobTrim::default() }.of(0, &detector);
        let mut before = at(500);
        for mv in (1_000..=6_000).step_by(500) {
            let now = at(mv);
            assert!(now.efficiency > before.efficiency && now.efficiency <= 1.0);
            assert!((now.dark_rate_hz / before.dark_rate_hz - core::f64::consts::E).abs() < 1e-12);
            before = now;
        }
        let sure = DetectorConfig { efficiency: 1.0, ..detector };
        assert_eq!(
            BobTrim { bias_mv: [6_000; FOUR], ..BobTrim::default() }.of(0, &sure).efficiency,
            1.0
        );
    }

    #[test]
    fn what_is_beyond_a_range_is_its_end() {
        let wild = AliceTrim { attenuation_mdb: -1, modulator_mv: [i32::MIN; FOUR] };
        let kept = wild.within_range();
        assert_eq!((kept.attenuation_mdb, kept.modulator_mv[0]), (0, -8_000));
        let wild = BobTrim { bias_mv: [i32::MAX; FOUR], delay_ps: [-5; FOUR] }.within_range();
        assert_eq!((wild.bias_mv[3], wild.delay_ps[3]), (6_000, 0));
    }
}
