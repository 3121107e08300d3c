//! From what a calibration measured to what a key may rest on, rounded against the key.
//!
//! A measurement gives an interval. What it cannot see (other wavelengths, modes and polarizations than
//! its own light had; [`DetectorTolerance`] bounds the maximum over all of them) is for the operator to
//! state, and widens the interval.

use super::mismatch::DetectorTolerance;
use super::refusal::Refusal;

/// A number that was measured: the truth lies within, as far as anybody can say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// At least this.
    pub low: f64,
    /// At most this.
    pub high: f64,
}

impl Interval {
    /// `sigmas` standard errors to each side of a value that cannot be negative.
    pub fn around(value: f64, error: f64, sigmas: f64) -> Interval {
        let reach = sigmas * error;
        Interval { low: libm::fmax(value - reach, 0.0), high: value + reach }
    }

    /// Wider by a relative share to each side.
    fn widened(self, share: f64) -> Interval {
        Interval { low: self.low * libm::fmax(1.0 - share, 0.0), high: self.high * (1.0 + share) }
    }

    fn is_sound(self) -> bool {
        self.low >= 0.0 && self.low <= self.high && self.high.is_finite()
    }
}

/// The tolerance that covers every detector's efficiency and dark counts. Efficiencies need a common unit
/// only, as their ratios count; dark counts are probabilities in a window. `unseen` is the share by which an
/// efficiency may differ where the calibration's light did not go, 0 to 1.
///
/// # Errors
/// [`Refusal::Tolerance`]: no detectors, a number that is none, or a share beyond its range.
pub fn covering_tolerance(
    efficiencies: &[Interval],
    darks: &[Interval],
    unseen: f64,
) -> Result<DetectorTolerance, Refusal> {
    if !(0.0..=1.0).contains(&unseen) {
        return Err(Refusal::Tolerance { name: "unseen", value: unseen });
    }
    let (_, efficiency) = covered(efficiencies, unseen, "delta_eta")?;
    let (dark_probability, dark) = covered(darks, 0.0, "delta_dark")?;
    Ok(DetectorTolerance { efficiency, dark, dark_probability })
}

/// A middle, and the relative tolerance around it that holds all intervals; the tolerance is rounded up to
/// 10⁻⁶.
fn covered(intervals: &[Interval], unseen: f64, name: &'static str) -> Result<(f64, f64), Refusal> {
    let (mut low, mut high) = (f64::INFINITY, 0.0);
    for interval in intervals {
        if !interval.is_sound() {
            return Err(Refusal::Tolerance { name, value: f64::NAN });
        }
        let wide = interval.widened(unseen);
        (low, high) = (libm::fmin(low, wide.low), libm::fmax(high, wide.high));
    }
    if !(low.is_finite() && high > 0.0) {
        return Err(Refusal::Tolerance { name, value: high });
    }
    let middle = (low + high) / 2.0;
    let tolerance = libm::ceil(1e6 * (high - low) / (high + low) + 1e-3) / 1e6;
    Ok((middle, libm::fmin(tolerance, 1.0)))
}

/// A mean photon number in 10⁻⁹ photons a pulse that the true one does not exceed.
pub fn photons_at_most_nano(measured: Interval) -> u64 {
    // A cast of what is no number, or of too much, saturates; zero is never claimed of light.
    let nano = libm::ceil(1e9 * measured.high);
    if nano.is_nan() { u64::MAX } else { (nano as u64).max(1) }
}

/// How far true mean photon numbers may lie from those that are stated, in 10⁻⁶ of these, rounded up: what
/// a station writes as `intensity_uncertainty`. `None` where a stated number is zero or the reach is 100 %
/// and more.
pub fn intensity_uncertainty_ppm(stated_nano: &[u64], measured: &[Interval]) -> Option<u32> {
    let mut worst: f64 = 0.0;
    for (stated, interval) in stated_nano.iter().zip(measured) {
        let stated = *stated as f64 / 1e9;
        if !(stated > 0.0 && interval.is_sound()) {
            return None;
        }
        let reach = libm::fmax(interval.high / stated - 1.0, 1.0 - interval.low / stated);
        worst = libm::fmax(worst, reach);
    }
    let ppm = libm::ceil(1e6 * worst);
    (ppm < 1e6).then_some(ppm as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(value: f64, error: f64) -> Interval {
        Interval::around(value, error, 5.0)
    }

    #[test]
    fn the_tolerance_holds_every_interval_and_never_less() {
        let efficiencies = [around(0.51, 0.001), around(0.49, 0.001)];
        let darks = [around(4.2e-6, 1e-7), around(3.8e-6, 1e-7)];
        let found = covering_tolerance(&efficiencies, &darks, 0.0).unwrap();
        let middle = (0.515 + 0.485) / 2.0;
        assert!(
            middle * (1.0 + found.efficiency) >= 0.515 && found.efficiency < 0.0301,
            "{found:?}"
        );
        let d = found.dark_probability;
        assert!(d * (1.0 - found.dark) <= 3.3e-6 && d * (1.0 + found.dark) >= 4.7e-6, "{found:?}");
        let wider = covering_tolerance(&efficiencies, &darks, 0.02).unwrap();
        assert!(wider.efficiency > found.efficiency + 0.0199, "{wider:?}");
        // The matched case is not claimed of detectors that were only measured.
        let same =
            covering_tolerance(&[around(0.5, 0.0); 2], &[around(1e-6, 0.0); 2], 0.0).unwrap();
        assert!(same.efficiency > 0.0 && same.dark > 0.0);
    }

    #[test]
    fn what_was_not_measured_is_refused() {
        let good = [around(0.5, 0.01); 2];
        assert!(covering_tolerance(&[], &good, 0.0).is_err());
        assert!(covering_tolerance(&good, &good, f64::NAN).is_err());
        assert!(covering_tolerance(&[around(f64::NAN, 0.1)], &good, 0.0).is_err());
        assert!(covering_tolerance(&[around(0.0, 0.0)], &good, 0.0).is_err());
        // Dark counts that may be none have no ratio: a tolerance of all.
        let none =
            covering_tolerance(&good, &[around(1e-9, 1e-9), around(0.0, 1e-9)], 0.0).unwrap();
        assert_eq!(none.dark, 1.0);
    }

    #[test]
    fn photon_numbers_are_rounded_up() {
        assert_eq!(photons_at_most_nano(Interval { low: 0.4, high: 0.500_000_000_1 }), 500_000_001);
        assert_eq!(photons_at_most_nano(Interval { low: 0.0, high: f64::NAN }), u64::MAX);
        assert_eq!(photons_at_most_nano(Interval { low: 0.0, high: 0.0 }), 1);
        let measured = [Interval { low: 0.49, high: 0.502 }, Interval { low: 0.099, high: 0.1 }];
        assert_eq!(intensity_uncertainty_ppm(&[500_000_000, 100_000_000], &measured), Some(20_001));
        assert_eq!(intensity_uncertainty_ppm(&[0], &measured), None);
        assert_eq!(intensity_uncertainty_ppm(&[100_000_000], &measured), None);
    }
}
