//! Unequal detectors: from tolerances on efficiency and dark counts to the two numbers a bound
//! takes. Tupkary, Nahar, Sinha, Lütkenhaus, Quantum 9, 1937 (2025), arXiv:2408.17349.

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// How far the detection may depend on the basis. Zero means perfectly matched detectors, which
/// is an assumption of the operator and not something a block can measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mismatch {
    /// Adds to the phase-error rate; in [0, 1).
    pub delta1: f64,
    /// Fraction of rounds lost to the comparison; in [0, 1).
    pub delta2: f64,
}

impl Mismatch {
    /// Perfectly matched detectors, assumed.
    pub const MATCHED: Mismatch = Mismatch { delta1: 0.0, delta2: 0.0 };

    /// Whether both numbers are zero.
    pub fn is_matched(&self) -> bool {
        self.delta1 == 0.0 && self.delta2 == 0.0
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        for (name, value) in [("delta1", self.delta1), ("delta2", self.delta2)] {
            if !(0.0..1.0).contains(&value) {
                return Err(Refusal::Mismatch { name, value });
            }
        }
        Ok(())
    }
}

/// What a calibration says of two threshold detectors: the maximum over arrival time, wavelength
/// and mode in the window, not a mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorTolerance {
    /// Efficiencies lie within `eta (1 ± efficiency)`; in [0, 1].
    pub efficiency: f64,
    /// Dark-count probabilities lie within `d (1 ± dark)`; in [0, 1].
    pub dark: f64,
    /// Mean dark-count probability `d` of a detector in a window; in [0, 1].
    pub dark_probability: f64,
}

impl DetectorTolerance {
    /// δ1 and δ2. With `random_swap` the two detectors exchange their roles by a secret random
    /// bit a slot. A result of 1 or more means that no key can be had; the bounds refuse it.
    ///
    /// # Errors
    /// A tolerance outside its range.
    pub fn mismatch(&self, random_swap: bool) -> Result<Mismatch, Refusal> {
        for (name, value) in [
            ("delta_eta", self.efficiency),
            ("delta_dark", self.dark),
            ("dark_prob", self.dark_probability),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Refusal::Tolerance { name, value });
            }
        }
        let d_min = self.dark_probability * (1.0 - self.dark);
        let d_max = libm::fmin(self.dark_probability * (1.0 + self.dark), 1.0);
        let no_dark = (1.0 - d_min) * (1.0 - d_min);
        // 1 - (1-e)/(1+e) without its cancellation.
        let unequal = 2.0 * self.efficiency / (1.0 + self.efficiency);
        if random_swap {
            let delta2 = no_dark * unequal * unequal / 2.0;
            return Ok(Mismatch { delta1: 4.0 * one_minus_root(delta2), delta2 });
        }
        let loss = no_dark * unequal;
        let by_efficiency = 4.0 * one_minus_root(loss);
        // 1 - (1-d)² as d (2-d): the difference of squares would cancel for small d.
        let (a, b) = (d_min * (2.0 - d_min), d_max * (2.0 - d_max));
        if b == 0.0 {
            // Without dark counts their terms are 0/0, and there is nothing to compare.
            return Ok(Mismatch { delta1: by_efficiency, delta2: loss });
        }
        let dark_difference = 1.0 - a / b;
        // (1 - a/b) d_max (2-d_min) / a, with a = d_min (2-d_min): the common factor taken out, so
        // that d_min = 0 (a tolerance of 100 %) is infinite and not 0/0.
        let by_dark = if dark_difference == 0.0 { 0.0 } else { dark_difference * d_max / d_min };
        Ok(Mismatch {
            delta1: libm::fmax(by_dark, by_efficiency),
            delta2: libm::fmax(dark_difference, loss),
        })
    }
}

/// `1 - sqrt(1 - x)` without cancellation for small `x`.
fn one_minus_root(x: f64) -> f64 {
    x / (1.0 + libm::sqrt(1.0 - x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_makes_unequal_detectors_an_order_of_magnitude_cheaper() {
        let five_percent =
            DetectorTolerance { efficiency: 0.05, dark: 0.0, dark_probability: 1e-6 };
        let fixed = five_percent.mismatch(false).unwrap();
        let swapped = five_percent.mismatch(true).unwrap();
        assert!(fixed.delta1 > 20.0 * swapped.delta1);
        assert!(fixed.delta2 > 20.0 * swapped.delta2);
    }

    #[test]
    fn an_unbounded_dark_ratio_is_refused_by_the_check_and_not_a_number_never_appears() {
        let wild = DetectorTolerance { efficiency: 0.0, dark: 1.0, dark_probability: 1e-6 };
        let mismatch = wild.mismatch(false).unwrap();
        assert_eq!(mismatch.delta1, f64::INFINITY);
        assert!(mismatch.check().is_err());
    }

    #[test]
    fn tolerances_outside_their_range_are_refused() {
        for bad in [-0.1, 1.1, f64::NAN] {
            let t = DetectorTolerance { efficiency: bad, dark: 0.0, dark_probability: 0.0 };
            assert!(matches!(t.mismatch(true), Err(Refusal::Tolerance { name: "delta_eta", .. })));
        }
    }
}
