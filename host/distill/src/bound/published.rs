//! Bounds as published, for comparison with papers. [`wiesemann`] is what [`super::Wiesemann`] asks
//! for a live block; no key is distilled with the others.
//!
//! They count failure probabilities linearly where [`super::Varlen2d`] counts their roots, so that
//! equal symbols do not mean equal security. The sampling term of Lim and Rusca
//! ([`Sampling::AsPrinted`]) is not rigorous and vanishes for zero observed errors;
//! [`Sampling::Serfling`] puts a rigorous one in its place.

use super::decoy::{OneDecoyEstimates, OneDecoyRule, Photons, TwoDecoys};
use super::epsilon::SecrecyCorrectness;
use super::input::{Counts, Decoy, Disclosed, OneDecoy, OneDecoyCounts, reals};
use super::length::{Length, PhaseError, close};
use super::numbers::{
    hoeffding_one_sided, phase_error_entropy, sampling_deviation_published, serfling_deviation,
};
use super::refusal::Refusal;

/// How errors seen in the test rounds carry over to the key rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// The term printed in the paper.
    AsPrinted,
    /// Serfling's inequality.
    Serfling,
}

/// Failure events that Lim et al. share `eps_sec` over.
const LIM_EVENTS: f64 = 21.0;
/// Failure events that Rusca et al. share `eps_sec` over.
const RUSCA_EVENTS: f64 = 19.0;
/// Failure events that Wiesemann et al. share `eps_sec` over.
const WIESEMANN_EVENTS: f64 = 15.0;

/// Lim, Curty, Walenta, Xu, Zbinden, PRA 89, 022307 (2014), Eqs. (1)-(5); two decoys.
///
/// `leak` is the whole `n f h(e)`: the paper prints it without the number of bits.
///
/// # Errors
/// Any input outside its range.
pub fn lim2014(
    decoy: &Decoy,
    counts: &Counts,
    leak: u64,
    eps: &SecrecyCorrectness,
    sampling: Sampling,
) -> Result<Length, Refusal> {
    decoy.check()?;
    counts.check()?;
    let eps_total = eps.check()?;
    let deviation = |n: f64| hoeffding_one_sided(n, LIM_EVENTS, eps.sec);
    let estimates = TwoDecoys::new(decoy);
    let [n_key, n_test, m_test] = [counts.n_key, counts.n_test, counts.m_test].map(reals);
    let (key_total, test_total) = (sum(n_key), sum(n_test));
    let d_m = deviation(sum(m_test));
    Ok(Bounded {
        tau: [estimates.tau0, estimates.tau1],
        key: estimates.photons(n_key, deviation(key_total)),
        test: estimates.photons(n_test, deviation(test_total)),
        v: estimates.single_photon_errors(m_test, d_m, test_total),
        sifted: counts.sifted(),
        leak,
        eps_total,
    }
    .with_vacuum(LIM_EVENTS, eps, sampling))
}

/// Rusca, Boaron, Grünenfelder, Martin, Zbinden, APL 112, 171104 (2018); one decoy.
///
/// # Errors
/// Any input outside its range.
pub fn rusca2018(
    decoy: &OneDecoy,
    counts: &OneDecoyCounts,
    leak: u64,
    eps: &SecrecyCorrectness,
    sampling: Sampling,
) -> Result<Length, Refusal> {
    let deviation = |n: f64| hoeffding_one_sided(n, RUSCA_EVENTS, eps.sec);
    Ok(one_decoy(decoy, counts, leak, eps, OneDecoyRule::Rusca, deviation)?.with_vacuum(
        RUSCA_EVENTS,
        eps,
        sampling,
    ))
}

/// Wiesemann et al., Quantum 10, 2037 (2026), arXiv:2405.16578; one decoy. Vacuum detections are
/// not credited.
///
/// # Errors
/// Any input outside its range.
pub fn wiesemann(
    decoy: &OneDecoy,
    counts: &OneDecoyCounts,
    disclosed: &Disclosed,
    eps: &SecrecyCorrectness,
) -> Result<Length, Refusal> {
    let eps0 = eps.sec / WIESEMANN_EVENTS;
    let deviation = |n: f64| hoeffding_one_sided(n, 1.0, eps0);
    let bounded =
        one_decoy(decoy, counts, disclosed.leak, eps, OneDecoyRule::Wiesemann, deviation)?;
    let gamma = |_, s1, s1_test| Some(serfling_deviation(eps0, s1, s1_test));
    let constant_bits = wiesemann_constant(eps, disclosed.verification_bits);
    Ok(bounded.finish(gamma, constant_bits, |b, h| b.key.s1 * (1.0 - h)))
}

/// `4 log2( 15 / (2^(1/4) eps_sec) ) + log2(2/eps_cor)`, or for the latter what verification
/// disclosed where it is more.
pub(super) fn wiesemann_constant(eps: &SecrecyCorrectness, verification_bits: Option<u64>) -> f64 {
    let amplification = 4.0 * (libm::log2(WIESEMANN_EVENTS) - libm::log2(eps.sec)) - 1.0;
    let verification = verification_bits.unwrap_or(0) as f64;
    amplification + libm::fmax(correctness_bits(eps), verification)
}

fn one_decoy(
    decoy: &OneDecoy,
    counts: &OneDecoyCounts,
    leak: u64,
    eps: &SecrecyCorrectness,
    rule: OneDecoyRule,
    deviation: impl Fn(f64) -> f64,
) -> Result<Bounded, Refusal> {
    decoy.check()?;
    counts.check()?;
    let eps_total = eps.check()?;
    let estimates = OneDecoyEstimates::new(decoy, rule);
    let [n_key, m_key] = [counts.n_key, counts.m_key].map(reals);
    let [n_test, m_test] = [counts.n_test, counts.m_test].map(reals);
    let (key_total, test_total) = (sum(n_key), sum(n_test));
    let d_m_test = deviation(sum(m_test));
    let d_m_key = deviation(sum(m_key));
    Ok(Bounded {
        tau: [estimates.tau0, estimates.tau1],
        key: estimates.photons(n_key, deviation(key_total), m_key, d_m_key),
        test: estimates.photons(n_test, deviation(test_total), m_test, d_m_test),
        v: estimates.single_photon_errors(m_test, d_m_test, test_total),
        sifted: counts.n_key.iter().sum(),
        leak,
        eps_total,
    })
}

fn sum<const K: usize>(counts: [f64; K]) -> f64 {
    counts.iter().sum()
}

/// `log2(2/eps_cor)`.
fn correctness_bits(eps: &SecrecyCorrectness) -> f64 {
    1.0 - libm::log2(eps.cor)
}

/// A block with its photon numbers bounded.
struct Bounded {
    tau: [f64; 2],
    key: Photons,
    test: Photons,
    v: f64,
    sifted: u64,
    leak: u64,
    eps_total: f64,
}

impl Bounded {
    /// The end that Lim and Rusca share: vacuum detections credited, six terms of privacy
    /// amplification.
    fn with_vacuum(self, events: f64, eps: &SecrecyCorrectness, sampling: Sampling) -> Length {
        let gamma = |observed, s1, s1_test| match sampling {
            Sampling::AsPrinted => {
                sampling_deviation_published(eps.sec, observed, s1, s1_test, events)
            }
            Sampling::Serfling => Some(serfling_deviation(eps.sec / events, s1, s1_test)),
        };
        let constant_bits =
            6.0 * (libm::log2(events) - libm::log2(eps.sec)) + correctness_bits(eps);
        self.finish(gamma, constant_bits, |b, h| {
            // The formulas alone do not keep s0 + s1 below the detections there were.
            let s0 = libm::fmin(b.key.s0, b.sifted as f64 - b.key.s1);
            s0 + b.key.s1 * (1.0 - h)
        })
    }

    fn finish(
        self,
        gamma: impl FnOnce(f64, f64, f64) -> Option<f64>,
        constant_bits: f64,
        secret: impl FnOnce(&Bounded, f64) -> f64,
    ) -> Length {
        let (s1, s1_test) = (self.key.s1, self.test.s1);
        let at = |observed| gamma(observed, s1, s1_test);
        let phase = PhaseError::bound(s1, s1_test, self.v, at, |rate| rate);
        let secret = secret(&self, phase_error_entropy(phase.phi));
        let (ell, status) = close(secret, constant_bits, self.leak, self.sifted, phase.vacuous);
        Length {
            ell,
            status,
            tau0: self.tau[0],
            tau1: self.tau[1],
            s0: self.key.s0,
            s0u: self.key.s0u,
            s1,
            s0u_test: self.test.s0u,
            s1_test,
            v: self.v,
            phi_obs: phase.observed,
            gamma: phase.gamma,
            phi: phase.phi,
            constant_bits,
            ell_raw: secret - self.leak as f64 - constant_bits,
            eps_total: self.eps_total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vacuum_and_single_photons_together_are_no_more_than_the_detections() {
        // No source counts like this: each bound alone reaches all detections.
        let counts = Counts {
            n_key: [1_000_000, 200_000_000, 100_000_000],
            m_key: None,
            n_test: [1_000_000, 200_000_000, 100_000_000],
            m_test: [0, 0, 0],
        };
        let decoy = Decoy { mu: [0.5, 0.1, 0.0], p: [0.75, 0.15, 0.1] };
        let eps = SecrecyCorrectness { sec: 1e-9, cor: 1e-15 };
        let length = lim2014(&decoy, &counts, 0, &eps, Sampling::AsPrinted).unwrap();
        assert_eq!((length.s0, length.s1), (301e6, 301e6));
        assert!(length.ell > 300_000_000 && length.ell <= 301_000_000, "{}", length.ell);
    }
}
