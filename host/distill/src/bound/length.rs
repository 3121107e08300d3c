//! A length, how it came about, and why it is zero where it is.

use serde::{Deserialize, Serialize};

/// The secret length of a block with everything it was computed from, term by term.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Length {
    /// Secret bits; the only number that may be acted upon.
    pub ell: u64,
    /// Whether there is a key, and if not, why.
    pub status: Status,
    /// Probability that a pulse holds no photon.
    pub tau0: f64,
    /// Probability that a pulse holds one photon.
    pub tau1: f64,
    /// At least this many key-basis detections came from vacuum.
    pub s0: f64,
    /// At most this many did; one-decoy bounds only.
    pub s0u: Option<f64>,
    /// At least this many key-basis detections came from single photons.
    pub s1: f64,
    /// At most this many test-basis detections came from vacuum; one-decoy bounds only.
    pub s0u_test: Option<f64>,
    /// At least this many test-basis detections came from single photons.
    pub s1_test: f64,
    /// At most this many test-basis errors came from single photons.
    pub v: f64,
    /// `v / s1_test`, at most 1; 1/2 where there are no single photons to compare.
    pub phi_obs: f64,
    /// Deviation between the phase errors of the key rounds and those observed; 0 where no
    /// single photons were found and nothing is sampled.
    pub gamma: f64,
    /// Bound on the phase-error rate of the key's single photons, at most 1/2.
    pub phi: f64,
    /// Bits charged whatever the block's size: privacy amplification, verification.
    pub constant_bits: f64,
    /// The length before rounding; negative where the block cannot pay its charges.
    pub ell_raw: f64,
    /// Total failure probability of the block's key.
    pub eps_total: f64,
}

/// Whether a block gave key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// There are secret bits.
    Ok,
    /// The bound holds something, but not enough to pay the leak and the constants.
    NoKey,
    /// The bound says nothing about this block.
    Vacuous(VacuousReason),
}

/// What a vacuous bound lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VacuousReason {
    /// No single photons in the key basis.
    NoSinglePhotons,
    /// No single photons in the test basis.
    NoTestSinglePhotons,
    /// The sampling term has no real value.
    UndefinedDeviation,
    /// The phase-error rate may be 1/2 or more.
    PhaseError,
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use VacuousReason::*;
        f.write_str(match self {
            Status::Ok => "key",
            Status::NoKey => "no key: leak and constants exceed the secret bits",
            Status::Vacuous(NoSinglePhotons) => {
                "no key: no single photons certain in the key basis; use a longer block"
            }
            Status::Vacuous(NoTestSinglePhotons) => {
                "no key: no single photons certain in the test basis; use a longer block or test \
                 more often"
            }
            Status::Vacuous(UndefinedDeviation) => "no key: the sampling term has no real value",
            Status::Vacuous(PhaseError) => "no key: the phase-error bound reaches one half",
        })
    }
}

/// Phase error: the observed rate, its deviation and the bound, or why there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseError {
    pub observed: f64,
    pub gamma: f64,
    pub phi: f64,
    pub vacuous: Option<VacuousReason>,
}

impl PhaseError {
    /// From single photons `s1` of the key and `s1_test`, `v` of the test. `gamma` gives the
    /// sampling deviation for the observed rate; `bound` turns rate plus deviation into the
    /// phase-error bound. Neither is asked where a division by zero would follow.
    pub fn bound(
        s1: f64,
        s1_test: f64,
        v: f64,
        gamma: impl FnOnce(f64) -> Option<f64>,
        bound: impl FnOnce(f64) -> f64,
    ) -> PhaseError {
        let none =
            |reason| PhaseError { observed: 0.5, gamma: 0.0, phi: 0.5, vacuous: Some(reason) };
        if s1 == 0.0 {
            return none(VacuousReason::NoSinglePhotons);
        }
        if s1_test == 0.0 {
            return none(VacuousReason::NoTestSinglePhotons);
        }
        let observed = libm::fmin(v / s1_test, 1.0);
        let Some(gamma) = gamma(observed) else {
            let vacuous = Some(VacuousReason::UndefinedDeviation);
            return PhaseError { observed, gamma: 0.5, phi: 0.5, vacuous };
        };
        let phi = bound(observed + gamma);
        if phi < 0.5 {
            PhaseError { observed, gamma, phi, vacuous: None }
        } else {
            PhaseError { observed, gamma, phi: 0.5, vacuous: Some(VacuousReason::PhaseError) }
        }
    }
}

/// The last line of every bound: `secret - constant - leak`, rounded against the key.
///
/// One bit and 1e-12 of the sifted bits are given up before the floor. The exact sum is then never
/// exceeded, whatever the last digits of the arithmetic did, and the leak is subtracted in
/// integers so that a bit leaked costs a bit.
pub(super) fn close(
    secret: f64,
    constant_bits: f64,
    leak: u64,
    sifted: u64,
    vacuous: Option<VacuousReason>,
) -> (u64, Status) {
    if let Some(reason) = vacuous {
        return (0, Status::Vacuous(reason));
    }
    let margin = 1.0 + 1e-12 * sifted as f64;
    let before_leak = libm::floor(secret - constant_bits - margin);
    // Saturating casts: what is not a number or negative becomes 0.
    let ell = (before_leak as u64).saturating_sub(leak);
    (ell, if ell > 0 { Status::Ok } else { Status::NoKey })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_gives_up_a_bit_and_a_trillionth() {
        assert_eq!(close(1000.9, 100.0, 200, 0, None), (699, Status::Ok));
        assert_eq!(close(2e12, 0.0, 0, 2_000_000_000_000, None), (1_999_999_999_997, Status::Ok));
        assert_eq!(close(101.5, 100.0, 0, 0, None), (0, Status::NoKey));
        assert_eq!(close(f64::NAN, 100.0, 0, 0, None), (0, Status::NoKey));
        let reason = VacuousReason::PhaseError;
        assert_eq!(close(1e6, 0.0, 0, 0, Some(reason)), (0, Status::Vacuous(reason)));
    }
}
