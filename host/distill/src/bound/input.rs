//! What a bound is given of the source and of a block, and which of it is refused.

use serde::{Deserialize, Serialize};

use super::refusal::{Basis, Refusal};

/// Above this a double skips integers.
pub(super) const LARGEST_EXACT: u64 = 1 << 53;

/// Intensities of a source with a signal and two decoys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoy {
    /// Mean photons a pulse, `mu1 > mu2 + mu3`, `mu2 > mu3 >= 0`; known exactly.
    pub mu: [f64; 3],
    /// Probability that a slot has this intensity; each positive, together 1 within 1e-9.
    pub p: [f64; 3],
}

impl Decoy {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_intensities(&self.mu, &self.p)?;
        let [mu1, mu2, mu3] = self.mu;
        if mu2 > mu3 && mu1 > mu2 + mu3 {
            Ok(())
        } else {
            Err(Refusal::IntensityOrder { mu: self.mu })
        }
    }
}

/// Intensities of a source with a signal and one decoy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneDecoy {
    /// Mean photons a pulse, `mu1 > mu2 > 0`; known exactly.
    pub mu: [f64; 2],
    /// Probability that a slot has this intensity; each positive, together 1 within 1e-9.
    pub p: [f64; 2],
}

impl OneDecoy {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_intensities(&self.mu, &self.p)?;
        let [mu1, mu2] = self.mu;
        if mu2 > 0.0 && mu1 > mu2 { Ok(()) } else { Err(Refusal::OneDecoyOrder { mu: self.mu }) }
    }
}

fn check_intensities(mu: &[f64], p: &[f64]) -> Result<(), Refusal> {
    for (i, &value) in mu.iter().enumerate() {
        if !(value.is_finite() && value >= 0.0) {
            return Err(Refusal::Intensity { number: i + 1, value });
        }
    }
    for (i, &value) in p.iter().enumerate() {
        if !(value.is_finite() && value > 0.0) {
            return Err(Refusal::Probability { number: i + 1, value });
        }
    }
    let sum: f64 = p.iter().sum();
    if (sum - 1.0).abs() <= 1e-9 { Ok(()) } else { Err(Refusal::ProbabilitySum { sum }) }
}

/// Detections and errors of one block, by intensity; double clicks are in, with a random bit.
/// A basis' detections add up to at most 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Sifted detections in the key basis.
    pub n_key: [u64; 3],
    /// Errors among them, where they are known. Two-decoy bounds do not use them.
    pub m_key: Option<[u64; 3]>,
    /// Sifted detections in the test basis.
    pub n_test: [u64; 3],
    /// Errors among them.
    pub m_test: [u64; 3],
}

impl Counts {
    /// Sifted key bits: detections in the key basis at all intensities. Saturates where the
    /// counts are too many to be refused later.
    pub fn sifted(&self) -> u64 {
        self.n_key.iter().fold(0, |sum, &n| sum.saturating_add(n))
    }

    /// The same of a source with one decoy; `None` where something was counted at a third intensity,
    /// or the errors of the key basis are not known.
    pub fn one_decoy(&self) -> Option<OneDecoyCounts> {
        let two = |[a, b, third]: [u64; 3]| (third == 0).then_some([a, b]);
        Some(OneDecoyCounts {
            n_key: two(self.n_key)?,
            m_key: two(self.m_key?)?,
            n_test: two(self.n_test)?,
            m_test: two(self.m_test)?,
        })
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_basis(Basis::Key, &self.n_key, &self.m_key.unwrap_or_default())?;
        check_basis(Basis::Test, &self.n_test, &self.m_test)
    }
}

/// Detections and errors of one block of a one-decoy source, by intensity. The bound needs the
/// key basis' errors, which are known only after error correction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneDecoyCounts {
    /// Sifted detections in the key basis.
    pub n_key: [u64; 2],
    /// Errors among them.
    pub m_key: [u64; 2],
    /// Sifted detections in the test basis.
    pub n_test: [u64; 2],
    /// Errors among them.
    pub m_test: [u64; 2],
}

impl OneDecoyCounts {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_basis(Basis::Key, &self.n_key, &self.m_key)?;
        check_basis(Basis::Test, &self.n_test, &self.m_test)
    }
}

fn check_basis(basis: Basis, n: &[u64], m: &[u64]) -> Result<(), Refusal> {
    let total = n.iter().try_fold(0u64, |sum, &n| sum.checked_add(n));
    if total.is_none_or(|total| total > LARGEST_EXACT) {
        return Err(Refusal::TooManyCounts { basis });
    }
    for (i, (&detections, &errors)) in n.iter().zip(m).enumerate() {
        if errors > detections {
            return Err(Refusal::ErrorsExceedDetections {
                basis,
                number: i + 1,
                errors,
                detections,
            });
        }
    }
    Ok(())
}

/// Counts as reals; exact, for [`check_basis`] refused what is not.
pub(super) fn reals<const K: usize>(counts: [u64; K]) -> [f64; K] {
    counts.map(|n| n as f64)
}

/// What a block has told the other side, and so Eve, about its key bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosed {
    /// Bits of error correction, both directions; for a live block the declared λ_max.
    pub leak: u64,
    /// Bits of the verification tag and its verdict, charged in place of `log2(2/eps_ev)` where
    /// they are more.
    pub verification_bits: Option<u64>,
}

/// A real number of leaked bits, as a model gives it, rounded up to whole bits.
///
/// # Errors
/// Negative, beyond 2^53 or not a number.
pub fn leak_bits(bits: f64) -> Result<u64, Refusal> {
    if bits >= 0.0 && bits <= LARGEST_EXACT as f64 {
        Ok(libm::ceil(bits) as u64)
    } else {
        Err(Refusal::Leak { value: bits })
    }
}

/// Bits disclosed by verifying `sifted` bits with failure probability at most `eps_ev`: a tag of
/// `⌈log2(L/eps_ev)⌉` bits for `L = ⌈sifted/128⌉` words, and one bit of verdict.
pub fn verification_bits(sifted: u64, eps_ev: f64) -> u64 {
    let words = sifted.div_ceil(128).max(1);
    let tag = libm::ceil(libm::log2(words as f64) - libm::log2(eps_ev));
    tag as u64 + 1
}
