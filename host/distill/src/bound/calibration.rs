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

    /// Which mean a count may have been drawn from, so that a Poisson variable of either end strays to the count
    /// less often than a normal one strays by `sigmas`. `dispersion`, 1 or more, is its variance over Poisson's:
    /// counts that come in clusters tell as much as so many fewer.
    ///
    /// The tails of a Poisson variable of mean m beyond n are at most exp(−(m − n + n ln(n/m))) (Chernoff; Boucheron
    /// et al., Concentration Inequalities, 2.2), and the normal tail is at least φ(k) k/(1 + k²).
    pub fn of_count(count: u64, dispersion: f64, sigmas: f64) -> Interval {
        let n = count as f64 / dispersion;
        let square = sigmas * sigmas;
        let wanted = square / 2.0 + 0.919 + libm::log((1.0 + square) / sigmas);
        let strays = |mean: f64| {
            let logarithm = if n > 0.0 { n * libm::log(n / mean) } else { 0.0 };
            mean - n + logarithm >= wanted
        };
        // What lies without is sure to stray; the ends are taken from without.
        let outer = |mut without: f64, mut within: f64| {
            for _ in 0..100 {
                let middle = (without + within) / 2.0;
                *(if strays(middle) { &mut without } else { &mut within }) = middle;
            }
            without * dispersion
        };
        let reach = wanted + libm::sqrt(wanted * (wanted + 2.0 * n));
        Interval { low: outer(0.0, n), high: outer(n + 1.01 * reach, n) }
    }

    /// The same in another unit, `factor` of which is positive.
    pub fn times(self, factor: f64) -> Interval {
        Interval { low: self.low * factor, high: self.high * factor }
    }

    /// The shortest that holds both.
    pub fn and(self, other: Interval) -> Interval {
        Interval { low: libm::fmin(self.low, other.low), high: libm::fmax(self.high, other.high) }
    }

    /// What the quotient of two of them may be; `None` where the divisor may be zero or is no number.
    pub fn over(self, divisor: Interval) -> Option<Interval> {
        let sound = self.is_sound() && divisor.is_sound() && divisor.low > 0.0;
        let quotient = Interval { low: self.low / divisor.high, high: self.high / divisor.low };
        (sound && quotient.is_sound()).then_some(quotient)
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

/// Between which mean photon numbers, in 10⁻⁹ photons a pulse, the true one lies; each is rounded outwards.
pub fn photons_nano(measured: Interval) -> [u64; 2] {
    // A cast of what is no number, or of too much, saturates; zero is never claimed to hold light.
    let high = libm::ceil(1e9 * measured.high);
    let high = if high.is_nan() { u64::MAX } else { (high as u64).max(1) };
    [libm::floor(1e9 * measured.low) as u64, high]
}

/// How far true mean photon numbers may lie from those that are stated, in 10⁻⁶ of these, rounded up: what
/// a station writes as `intensity_uncertainty`. `None` without levels, where a stated number is zero, or the
/// reach is 100 % and more.
pub fn intensity_uncertainty_ppm(stated_nano: &[u64], measured: &[Interval]) -> Option<u32> {
    if stated_nano.is_empty() || stated_nano.len() != measured.len() {
        return None;
    }
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
    fn counts_stray_from_the_ends_less_often_than_five_deviations() {
        for n in [0u64, 1, 3, 20, 100] {
            let Interval { low, high } = Interval::of_count(n, 1.0, 5.0);
            let poisson = |mean: f64, n: u64| {
                let logs: f64 = (1..=n).map(|i| libm::log(i as f64)).sum();
                libm::exp(n as f64 * libm::log(mean) - mean - logs)
            };
            let below: f64 = (0..=n).map(|i| poisson(high, i)).sum();
            assert!(below < 2.87e-7 && high < 25.0 + 1.8 * n as f64, "{n}: {high}, {below}");
            if n > 0 {
                let above: f64 = (n..n + 500).map(|i| poisson(low, i)).sum();
                assert!(above < 2.87e-7, "{n}: {low}, {above}");
            }
        }
        let (one, twice) = (Interval::of_count(50, 1.0, 5.0), Interval::of_count(100, 2.0, 5.0));
        assert!((twice.low - 2.0 * one.low).abs() < 1e-9 && twice.high > 2.0 * 50.0);
        assert_eq!(Interval::of_count(0, 1.0, 5.0).low, 0.0);
    }

    #[test]
    fn a_quotient_holds_its_extremes() {
        let found = around(0.021_3, 0.0).over(around(0.021_3, 0.000_4)).unwrap();
        assert!(found.high >= 0.021_3 / 0.019_3 && found.low <= 0.021_3 / 0.023_3, "{found:?}");
        assert_eq!(around(0.02, 0.0).over(around(0.02, 0.004)), None);
        assert_eq!(around(0.02, 0.0).over(around(f64::NAN, 0.0)), None);
    }

    #[test]
    fn photon_numbers_are_rounded_outwards() {
        let of = |low, high| photons_nano(Interval { low, high });
        assert_eq!(of(0.400_000_000_9, 0.500_000_000_1), [400_000_000, 500_000_001]);
        assert_eq!(of(0.0, f64::NAN), [0, u64::MAX]);
        assert_eq!(of(0.0, 0.0), [0, 1]);
        let measured = [Interval { low: 0.49, high: 0.502 }, Interval { low: 0.099, high: 0.1 }];
        assert_eq!(intensity_uncertainty_ppm(&[500_000_000, 100_000_000], &measured), Some(20_001));
        assert_eq!(intensity_uncertainty_ppm(&[], &[]), None);
        assert_eq!(intensity_uncertainty_ppm(&[0], &measured[..1]), None);
        assert_eq!(intensity_uncertainty_ppm(&[100_000_000], &measured[..1]), None);
    }
}
