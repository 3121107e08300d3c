//! The bound that blocks are distilled with: variable-length security of two-decoy BB84 with
//! unequal detectors. Tupkary, Nahar, Sinha, Lütkenhaus, Quantum 9, 1937 (2025),
//! arXiv:2408.17349.
//!
//! ```text
//! D_n = sqrt( n/2 · ln(2/eps_d²) )
//! phi = ( v/s1_test + gamma_S(eps_a; s1, s1_test) + δ1 + gamma_bin(eps_b; s1, δ1) )
//!       / ( 1 - δ2 - gamma_bin(eps_c; s1, δ2) )
//! ell = s1 (1 - h(phi)) - leak - 2 log2(1/(2 eps_pa)) - log2(2/eps_ev)
//! ```
//!
//! Vacuum detections are not credited. The proof is for an active basis choice; its assumptions
//! (Poissonian phase-randomised pulses, exactly known intensities and probabilities, double clicks
//! assigned a random bit, no detector memory, a leak fixed by announced data) belong on every key.

use serde::{Deserialize, Serialize};

use super::decoy::TwoDecoys;
use super::epsilon::{Epsilon, EpsilonLedger};
use super::input::{Counts, Decoy, Disclosed, reals};
use super::length::{Length, PhaseError, close};
use super::mismatch::Mismatch;
use super::numbers::{
    binomial_deviation, hoeffding_two_sided_squared, phase_error_entropy, serfling_deviation,
};
use super::refusal::Refusal;

/// The bound with everything that is fixed before a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Varlen2d {
    /// Intensities and their probabilities.
    pub decoy: Decoy,
    /// Failure probabilities, together at most [`super::LARGEST_TOTAL`].
    pub epsilon: Epsilon,
    /// Detector mismatch, from a calibration.
    pub mismatch: Mismatch,
}

impl Varlen2d {
    /// The secret length of a block.
    ///
    /// # Errors
    /// Any input outside its range; a block that is merely bad has length zero and a status.
    pub fn length(&self, counts: &Counts, disclosed: &Disclosed) -> Result<Length, Refusal> {
        let eps_total = self.check()?;
        counts.check()?;
        let evaluated = self.evaluate(&Tally::of(counts));
        let constant_bits = self.constant_bits(disclosed.verification_bits);
        let (photons, phase) = (&evaluated.photons, &evaluated.phase);
        let (ell, status) = close(
            evaluated.secret(),
            constant_bits,
            disclosed.leak,
            counts.sifted(),
            phase.vacuous,
        );
        Ok(Length {
            ell,
            status,
            tau0: photons.tau0,
            tau1: photons.tau1,
            s0: photons.s0,
            s0u: None,
            s1: photons.s1,
            s0u_test: None,
            s1_test: photons.s1_test,
            v: photons.v,
            phi_obs: phase.observed,
            gamma: phase.gamma,
            phi: phase.phi,
            constant_bits,
            ell_raw: evaluated.secret() - disclosed.leak as f64 - constant_bits,
            eps_total,
        })
    }

    /// Refuses parameters that no block could make good, before one is begun; the total ε else.
    ///
    /// # Errors
    /// Intensities, probabilities, ε or δ outside their ranges.
    pub fn check(&self) -> Result<f64, Refusal> {
        self.decoy.check()?;
        self.mismatch.check()?;
        self.epsilon.check(&self.mismatch)
    }

    /// What each ε contributes to the total of a block.
    pub fn ledger(&self) -> EpsilonLedger {
        self.epsilon.ledger(&self.mismatch)
    }

    /// Bits charged for privacy amplification: `2 log2(1/(2 eps_pa))`.
    pub(super) fn amplification_bits(&self) -> f64 {
        -2.0 * (1.0 + libm::log2(self.epsilon.pa))
    }

    /// Bits charged for verification: `log2(2/eps_ev)`, or what was disclosed where it is more.
    pub(super) fn verification_charge(&self, disclosed: Option<u64>) -> f64 {
        libm::fmax(1.0 - libm::log2(self.epsilon.ev), disclosed.unwrap_or(0) as f64)
    }

    pub(crate) fn constant_bits(&self, verification_bits: Option<u64>) -> f64 {
        self.amplification_bits() + self.verification_charge(verification_bits)
    }

    /// Secret bits before leak and constants of mean counts, without a check: for a search among
    /// plans. `Err` with the phase-error rate, infinite without single photons, where the bound is
    /// vacuous.
    pub(crate) fn expect(&self, means: &Tally) -> Result<f64, f64> {
        let evaluated = self.evaluate(means);
        let PhotonBounds { s1, s1_test, v, .. } = evaluated.photons;
        let rate = if s1 * s1_test > 0.0 { v / s1_test } else { f64::INFINITY };
        match evaluated.phase.vacuous {
            None => Ok(evaluated.secret()),
            Some(_) => Err(rate + evaluated.phase.gamma),
        }
    }

    /// The bound before charges.
    fn evaluate(&self, tally: &Tally) -> Evaluated {
        let deviation = |n: f64| hoeffding_two_sided_squared(n, self.epsilon.d);
        let photons = PhotonBounds::new(&self.decoy, tally, deviation);
        let PhotonBounds { s1, s1_test, v, .. } = photons;
        let gamma = |_| Some(serfling_deviation(self.epsilon.a, s1, s1_test));
        let phase = PhaseError::bound(s1, s1_test, v, gamma, |rate| {
            let Mismatch { delta1, delta2 } = self.mismatch;
            let errors = rate + delta1 + binomial_deviation(self.epsilon.b, s1, delta1);
            let kept = 1.0 - delta2 - binomial_deviation(self.epsilon.c, s1, delta2);
            if kept > 0.0 { errors / kept } else { 0.5 }
        });
        Evaluated { photons, phase }
    }
}

/// Counts of a block as reals: exact integers of a real block, or means of a planned one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub n_key: [f64; 3],
    pub n_test: [f64; 3],
    pub m_test: [f64; 3],
}

impl Tally {
    pub(super) fn of(counts: &Counts) -> Tally {
        Tally {
            n_key: reals(counts.n_key),
            n_test: reals(counts.n_test),
            m_test: reals(counts.m_test),
        }
    }
}

/// Bounds on photon numbers in both bases.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhotonBounds {
    pub tau0: f64,
    pub tau1: f64,
    pub s0: f64,
    pub s1: f64,
    pub s1_test: f64,
    pub v: f64,
}

impl PhotonBounds {
    /// `deviation` of a basis' total count; zero gives the estimate instead of the bound.
    pub fn new(decoy: &Decoy, tally: &Tally, deviation: impl Fn(f64) -> f64) -> PhotonBounds {
        let sum = |n: [f64; 3]| n.iter().sum::<f64>();
        let estimates = TwoDecoys::new(decoy);
        let key = estimates.photons(tally.n_key, deviation(sum(tally.n_key)));
        let n_test = sum(tally.n_test);
        let test = estimates.photons(tally.n_test, deviation(n_test));
        let d_m = deviation(sum(tally.m_test));
        PhotonBounds {
            tau0: estimates.tau0,
            tau1: estimates.tau1,
            s0: key.s0,
            s1: key.s1,
            s1_test: test.s1,
            v: estimates.single_photon_errors(tally.m_test, d_m, n_test),
        }
    }
}

/// The bound before charges.
#[derive(Clone, Copy, Debug)]
struct Evaluated {
    photons: PhotonBounds,
    phase: PhaseError,
}

impl Evaluated {
    /// Secret bits before leak and constants: `s1 (1 - h(phi))`.
    fn secret(&self) -> f64 {
        self.photons.s1 * (1.0 - phase_error_entropy(self.phase.phi))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bound::{Status, VacuousReason};

    #[test]
    fn a_comparison_that_loses_every_round_bounds_nothing() {
        // 1 - δ2 - gamma_bin is negative here, and a negative phase-error rate would be all key.
        let bound = Varlen2d {
            decoy: Decoy { mu: [0.5, 0.1, 0.0], p: [0.75, 0.15, 0.1] },
            epsilon: Epsilon::split(1e-10, true),
            mismatch: Mismatch { delta1: 0.001, delta2: 0.9999 },
        };
        let counts = Counts {
            n_key: [9_000_000, 400_000, 600],
            m_key: None,
            n_test: [1_100_000, 50_000, 70],
            m_test: [0, 0, 0],
        };
        let length = bound.length(&counts, &Disclosed::default()).unwrap();
        assert_eq!(length.status, Status::Vacuous(VacuousReason::PhaseError));
        assert_eq!((length.ell, length.phi), (0, 0.5));
    }
}
