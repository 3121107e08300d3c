//! The one-decoy bound that blocks of a source with two intensities are distilled with: a key of
//! fixed length, or none. Wiesemann et al., Quantum 10, 2037 (2026), arXiv:2405.16578.
//!
//! ```text
//! eps0 = eps_sec/15;  D_n = sqrt( n/2 · ln(1/eps0) )          one-sided Hoeffding, each event eps0
//! phi  = v/s1_test + gamma_S(eps0; s1, s1_test)
//! accept if s1 >= S1 and phi <= PHI
//! ell  = S1 (1 - h(PHI)) - LEAK - 128 - log2(2/eps_cor) - 4 log2( 15/(2^(1/4) eps_sec) )
//! ```
//!
//! The proof is one of fixed length: `S1`, `PHI` and `LEAK` ([`Acceptance`]) are agreed before the
//! first photon, a block either passes or gives no key, and what a good block would have given
//! beyond `ell` is not taken. That is why, unlike with [`super::Varlen2d`], λ_max does not follow the
//! block: a code that might disclose more than `LEAK` ends the block, and one that discloses less
//! leaves no more key. `S1` and `PHI` are tested each for itself; no exchange of more single photons
//! for more phase errors is made, which the paper's acceptance test does not cover.
//!
//! The bound on vacuum detections takes the errors of the key basis at each intensity, known to Bob
//! after reconciliation and verification. He sends both counts; they are paid in full, 64 bits each.
//! The tag's length is that for the most sifted bits that a block can have.
//!
//! Not in the proof and so refused or stated on each key: detectors that differ (no δ1, δ2 here), a
//! passive choice of bases, intensities that are not exact. Formula and constants agree with the
//! authors' program (FINITE_KEY.md 10); the sum `eps_sec + eps_cor` is theirs.

use serde::{Deserialize, Serialize};

use super::epsilon::{SecrecyCorrectness, SecrecyLedger};
use super::input::{Disclosed, LARGEST_EXACT, OneDecoy, OneDecoyCounts, verification_bits};
use super::length::{Length, Status, close};
use super::numbers::phase_error_entropy;
use super::published;
use super::refusal::Refusal;

/// Bits that the two counts of key-basis errors take in Bob's message.
pub const ERROR_COUNT_BITS: u64 = 2 * u64::BITS as u64;

/// Relative doubt in what is compared with an acceptance: far above what the arithmetic loses.
const DOUBT: f64 = 1e-9;

/// What a block must show, and what it may disclose: fixed before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// At least so many detections of single photons in the key basis are certain; 1 to 2^53.
    pub single_photons: u64,
    /// The bound on their phase-error rate is at most this, in 10⁻⁹; below 1/2.
    pub phase_error_nano: u32,
    /// Bits that reconciliation may disclose, both directions: λ_max of every block; at most 2^53.
    pub lambda_max: u64,
}

impl Acceptance {
    /// Largest phase-error rate.
    pub fn phase_error(&self) -> f64 {
        f64::from(self.phase_error_nano) / 1e9
    }
}

/// The bound with everything that is fixed before a block begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wiesemann {
    /// Intensities and their probabilities.
    pub decoy: OneDecoy,
    /// Failure probabilities, together at most [`super::LARGEST_TOTAL`].
    pub epsilon: SecrecyCorrectness,
    /// What a block must show.
    pub acceptance: Acceptance,
    /// Emitted slots of a block: more bits are never sifted.
    pub slots: u64,
}

impl Wiesemann {
    /// Refuses parameters that no block could make good, before one is begun; the total ε else.
    ///
    /// # Errors
    /// Intensities, probabilities, ε or the acceptance outside their ranges.
    pub fn check(&self) -> Result<f64, Refusal> {
        self.decoy.check()?;
        let Acceptance { single_photons, phase_error_nano, lambda_max } = self.acceptance;
        let acceptance = |name, value: u64, fits: bool| {
            if fits { Ok(()) } else { Err(Refusal::Acceptance { name, value }) }
        };
        let countable = (1..=LARGEST_EXACT).contains(&single_photons);
        acceptance("single photons", single_photons, countable)?;
        let below_half = phase_error_nano < 500_000_000;
        acceptance("phase error (1e-9)", phase_error_nano.into(), below_half)?;
        acceptance("leak", lambda_max, lambda_max <= LARGEST_EXACT)?;
        self.epsilon.check()
    }

    /// What each ε contributes to the total of a block.
    pub fn ledger(&self) -> SecrecyLedger {
        SecrecyLedger { secrecy: self.epsilon.sec, correctness: self.epsilon.cor }
    }

    /// The length of every key of the run; 0 where the acceptance leaves nothing.
    pub fn key_bits(&self) -> u64 {
        self.fixed().0
    }

    /// The same before it is rounded, for a search among plans; negative where it leaves nothing.
    pub(crate) fn expect(&self) -> f64 {
        let (charges, secret) = self.charges();
        secret - charges - self.disclosed_bits() as f64
    }

    fn fixed(&self) -> (u64, Status) {
        let (charges, secret) = self.charges();
        close(secret, charges, self.disclosed_bits(), self.slots, None)
    }

    /// Constant bits and secret bits before any charge.
    fn charges(&self) -> (f64, f64) {
        let Acceptance { single_photons, .. } = self.acceptance;
        let kept = 1.0 - phase_error_entropy(self.acceptance.phase_error());
        // The hash of the tag takes a block more, for the string's length.
        let most = self.slots.saturating_add(128);
        let verification = Some(verification_bits(most, self.epsilon.cor));
        let charges = published::wiesemann_constant(&self.epsilon, verification);
        (charges, single_photons as f64 * kept)
    }

    /// Reconciliation and the counts of errors.
    fn disclosed_bits(&self) -> u64 {
        self.acceptance.lambda_max.saturating_add(ERROR_COUNT_BITS)
    }

    /// What the formula gives for a block's counts: to be compared, and never a key's length.
    ///
    /// # Errors
    /// Counts outside their range.
    pub fn length(
        &self,
        counts: &OneDecoyCounts,
        verification_bits: Option<u64>,
    ) -> Result<Length, Refusal> {
        let disclosed = Disclosed { leak: self.disclosed_bits(), verification_bits };
        published::wiesemann(&self.decoy, counts, &disclosed, &self.epsilon)
    }

    /// Whether a block with this [`Wiesemann::length`] gives a key, of [`Wiesemann::key_bits`].
    pub fn accepts(&self, length: &Length) -> bool {
        let vacuous = matches!(length.status, Status::Vacuous(_));
        let enough = length.s1 * (1.0 - DOUBT) >= self.acceptance.single_photons as f64;
        let clean = length.phi * (1.0 + DOUBT) <= self.acceptance.phase_error();
        let key_bits = self.key_bits();
        // The last follows from the others; it costs nothing to ask.
        !vacuous && enough && clean && key_bits > 0 && length.ell >= key_bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Wiesemann = Wiesemann {
        decoy: OneDecoy { mu: [0.5, 0.15], p: [0.75, 0.25] },
        epsilon: SecrecyCorrectness { sec: 7e-11, cor: 2e-11 },
        acceptance: Acceptance {
            single_photons: 400_000,
            phase_error_nano: 60_000_000,
            lambda_max: 150_000,
        },
        slots: 100_000_000,
    };
    const COUNTS: OneDecoyCounts = OneDecoyCounts {
        n_key: [830_000, 84_000],
        m_key: [8_300, 860],
        n_test: [830_000, 84_000],
        m_test: [8_300, 860],
    };

    fn length(counts: &OneDecoyCounts) -> Length {
        BOUND.length(counts, Some(60)).unwrap()
    }

    #[test]
    fn the_key_has_its_length_or_there_is_none() {
        let good = length(&COUNTS);
        assert!(good.s1 > 400_000.0 && good.phi < 0.06, "{good:?}");
        assert!(BOUND.accepts(&good));
        assert!(BOUND.key_bits() > 100_000 && BOUND.key_bits() < good.ell);
        // One threshold is missed; that the other is passed by far does not help.
        for acceptance in [
            Acceptance { single_photons: good.s1 as u64 + 1, ..BOUND.acceptance },
            Acceptance { phase_error_nano: (good.phi * 1e9) as u32, ..BOUND.acceptance },
        ] {
            let strict = Wiesemann { acceptance, ..BOUND };
            assert!(strict.key_bits() > 0 && !strict.accepts(&good), "{acceptance:?}");
        }
        // More errors of the key basis alone: fewer single photons are certain.
        let more = length(&OneDecoyCounts { m_key: [400_000, 40_000], ..COUNTS });
        assert!(more.s1 < good.s1 && !BOUND.accepts(&more));
    }

    #[test]
    fn every_bit_disclosed_costs_a_bit_and_the_error_counts_are_paid() {
        let with = |lambda_max| {
            let acceptance = Acceptance { lambda_max, ..BOUND.acceptance };
            Wiesemann { acceptance, ..BOUND }.key_bits()
        };
        assert_eq!(with(150_000) - with(151_000), 1_000);
        assert_eq!(with(u64::from(u32::MAX)), 0);
        let secret = 400_000.0 * (1.0 - phase_error_entropy(0.06));
        let paid = secret - 150_000.0 - BOUND.key_bits() as f64;
        let constant = 4.0 * libm::log2(15.0 / 7e-11) - 1.0;
        let tag = verification_bits(100_000_128, 2e-11) as f64;
        assert!((paid - (constant + tag + 128.0)).abs() < 3.0, "{paid} {constant} {tag}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(BOUND.check().is_ok());
        for acceptance in [
            Acceptance { single_photons: 0, ..BOUND.acceptance },
            Acceptance { single_photons: u64::MAX, ..BOUND.acceptance },
            Acceptance { phase_error_nano: 500_000_000, ..BOUND.acceptance },
            Acceptance { lambda_max: u64::MAX, ..BOUND.acceptance },
        ] {
            let bad = Wiesemann { acceptance, ..BOUND };
            assert!(matches!(bad.check(), Err(Refusal::Acceptance { .. })), "{acceptance:?}");
        }
        let level = OneDecoy { mu: [0.5, 0.0], ..BOUND.decoy };
        let bad = Wiesemann { decoy: level, ..BOUND };
        assert!(matches!(bad.check(), Err(Refusal::OneDecoyOrder { .. })));
    }
}
