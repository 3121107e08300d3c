//! Real-valued quantities of the light.

/// A power ratio in decibels; a loss is positive, so 3 dB of loss halves the power.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Decibel(pub f64);

impl Decibel {
    /// The fraction of the power that is left after this loss: `10^(-dB/10)`.
    ///
    /// Computed with the `libm` crate so that every target agrees to the bit.
    pub fn transmittance(self) -> f64 {
        libm::pow(10.0, -self.0 / 10.0)
    }
}

impl core::ops::Add for Decibel {
    type Output = Decibel;
    fn add(self, other: Decibel) -> Decibel {
        Decibel(self.0 + other.0)
    }
}

/// Mean number of photons in a pulse (the intensity μ of a decoy-state protocol); finite and not
/// negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct MeanPhotons(f64);

impl MeanPhotons {
    /// The vacuum.
    pub const VACUUM: MeanPhotons = MeanPhotons(0.0);

    /// `None` where `mean` is negative, infinite or not a number.
    pub const fn new(mean: f64) -> Option<MeanPhotons> {
        if mean >= 0.0 && mean.is_finite() { Some(MeanPhotons(mean)) } else { None }
    }

    /// The mean as a plain number, photons a pulse.
    pub const fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_add_in_decibels_and_multiply_in_power() {
        let (a, b) = (Decibel(3.0), Decibel(7.0));
        let sum = (a + b).transmittance();
        assert!((sum - 0.1).abs() < 1e-15);
        assert!((a.transmittance() * b.transmittance() - sum).abs() < 1e-15);
    }

    #[test]
    fn a_mean_photon_number_is_finite_and_not_negative() {
        assert!(MeanPhotons::new(0.5).is_some());
        for bad in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(MeanPhotons::new(bad).is_none());
        }
    }
}
