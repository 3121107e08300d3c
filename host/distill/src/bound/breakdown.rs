//! Where the sifted bits of a block went.
//!
//! Every sifted bit is put into exactly one [`Term`], in the order of [`Term::ALL`]. With `n`
//! sifted bits, `s1`, `phi` the bounds of [`Varlen2d`], and starred quantities the same formulas
//! with every statistical deviation set to zero (what the counts would say of an endless block):
//!
//! | term | bits |
//! |---|---|
//! | vacuum | `s0*`, at most `n - s1*` |
//! | multi-photon | `n - s0* - s1*` |
//! | single photons, finite size | `s1* - s1` |
//! | phase error | `s1 h(phi*)`, `phi* = v*/s1_test*` |
//! | detector mismatch | `s1 (h(phi_δ) - h(phi*))`, `phi_δ = (phi* + δ1)/(1 - δ2)` |
//! | phase error, finite size | `s1 (h(phi) - h(phi_δ))` |
//! | leak | as disclosed |
//! | privacy amplification | `2 log2(1/(2 eps_pa))` |
//! | verification | `log2(2/eps_ev)`, or the tag and verdict where they are more |
//! | rounding | what is left above the whole number of key bits |
//! | key | `ell` |
//!
//! The three phase terms together are `s1 h(phi)`, what the paper subtracts; the two finite-size
//! terms together are what an endless block of the same rates would not pay. A term gets at most
//! what the terms before it left over, so that the sum is `n` for a block without key too: such a
//! block names the term that took the last bit and how many bits were short after it.

use super::input::{Counts, Disclosed};
use super::length::Length;
use super::numbers::phase_error_entropy;
use super::refusal::Refusal;
use super::varlen::{PhotonBounds, Tally, Varlen2d};

/// One of the things that sifted bits are spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// Detections of empty pulses.
    Vacuum,
    /// Detections of pulses with two or more photons, which Eve may hold a copy of.
    MultiPhoton,
    /// Single photons that the block is too short to be certain of.
    FiniteSizeSinglePhotons,
    /// Observed phase errors.
    PhaseError,
    /// Phase errors that unequal detectors may hide.
    DetectorMismatch,
    /// Phase errors that the test sample is too small to exclude.
    FiniteSizePhaseError,
    /// Error correction.
    Leak,
    /// The constant of the leftover hash.
    PrivacyAmplification,
    /// The verification tag.
    Verification,
    /// Below a whole bit, and the margin given up against the arithmetic.
    Rounding,
    /// The key.
    Key,
}

impl Term {
    /// All terms, in the order in which they take their bits.
    pub const ALL: [Term; 11] = [
        Term::Vacuum,
        Term::MultiPhoton,
        Term::FiniteSizeSinglePhotons,
        Term::PhaseError,
        Term::DetectorMismatch,
        Term::FiniteSizePhaseError,
        Term::Leak,
        Term::PrivacyAmplification,
        Term::Verification,
        Term::Rounding,
        Term::Key,
    ];

    /// A line's heading.
    pub const fn name(self) -> &'static str {
        match self {
            Term::Vacuum => "vacuum",
            Term::MultiPhoton => "multi-photon",
            Term::FiniteSizeSinglePhotons => "single photons, finite size",
            Term::PhaseError => "phase error",
            Term::DetectorMismatch => "detector mismatch",
            Term::FiniteSizePhaseError => "phase error, finite size",
            Term::Leak => "leak",
            Term::PrivacyAmplification => "privacy amplification",
            Term::Verification => "verification",
            Term::Rounding => "rounding",
            Term::Key => "key",
        }
    }
}

impl core::fmt::Display for Term {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// The account of one block.
#[derive(Clone, Debug, PartialEq)]
pub struct Breakdown {
    /// The length that the account ends in.
    pub length: Length,
    /// Sifted bits in the key basis: the sum of all terms.
    pub sifted: u64,
    /// Bits that charges asked for beyond the sifted ones; 0 for a block with key.
    pub short_by: f64,
    /// The term that took the last bit, for a block without key. `None` where there is key, or
    /// where there were no sifted bits at all.
    pub exhausted_by: Option<Term>,
    bits: [f64; Term::ALL.len()],
}

impl Breakdown {
    /// Bits that went into `term`; never negative.
    pub fn bits(&self, term: Term) -> f64 {
        self.bits[term as usize]
    }

    /// All terms with their bits, in order.
    pub fn lines(&self) -> impl Iterator<Item = (Term, f64)> + '_ {
        Term::ALL.into_iter().map(|term| (term, self.bits(term)))
    }

    /// Both finite-size terms: what an endless block with the same rates would not pay.
    pub fn finite_size(&self) -> f64 {
        self.bits(Term::FiniteSizeSinglePhotons) + self.bits(Term::FiniteSizePhaseError)
    }
}

impl Varlen2d {
    /// Accounts for every sifted bit of a block.
    ///
    /// # Errors
    /// As [`Varlen2d::length`].
    pub fn breakdown(&self, counts: &Counts, disclosed: &Disclosed) -> Result<Breakdown, Refusal> {
        let length = self.length(counts, disclosed)?;
        let sifted = counts.sifted();
        let n = sifted as f64;
        let endless = PhotonBounds::new(&self.decoy, &Tally::of(counts), |_| 0.0);
        let singles = libm::fmax(endless.s1, length.s1);
        let vacuum = libm::fmin(endless.s0, n - singles);

        let phi = if endless.s1_test > 0.0 { endless.v / endless.s1_test } else { 0.5 };
        let unequal = (phi + self.mismatch.delta1) / (1.0 - self.mismatch.delta2);
        let h_errors = phase_error_entropy(phi);
        let h_unequal = libm::fmax(phase_error_entropy(unequal), h_errors);
        let h = libm::fmax(phase_error_entropy(length.phi), h_unequal);

        let mut account = Account { left: n, short_by: 0.0, exhausted_by: None, bits: [0.0; 11] };
        account.charge(Term::Vacuum, vacuum);
        account.charge(Term::MultiPhoton, n - singles - vacuum);
        account.charge(Term::FiniteSizeSinglePhotons, singles - length.s1);
        account.charge(Term::PhaseError, length.s1 * h_errors);
        account.charge(Term::DetectorMismatch, length.s1 * (h_unequal - h_errors));
        account.charge(Term::FiniteSizePhaseError, length.s1 * (h - h_unequal));
        account.charge(Term::Leak, disclosed.leak as f64);
        account.charge(Term::PrivacyAmplification, self.amplification_bits());
        account.charge(Term::Verification, self.verification_charge(disclosed.verification_bits));
        account.charge(Term::Rounding, account.left - length.ell as f64);
        account.bits[Term::Key as usize] = length.ell as f64;
        let exhausted_by = account.exhausted_by.filter(|_| length.ell == 0);
        let short_by = if length.ell == 0 { account.short_by } else { 0.0 };
        Ok(Breakdown { length, sifted, short_by, exhausted_by, bits: account.bits })
    }
}

struct Account {
    left: f64,
    short_by: f64,
    exhausted_by: Option<Term>,
    bits: [f64; Term::ALL.len()],
}

impl Account {
    /// Takes `bits`, or what is left of them.
    fn charge(&mut self, term: Term, bits: f64) {
        let wanted = libm::fmax(bits, 0.0);
        let taken = libm::fmin(wanted, self.left);
        self.short_by += wanted - taken;
        self.bits[term as usize] = taken;
        self.left -= taken;
        // Less than half a bit is arithmetic, not a bit that another term could take.
        if taken > 0.0 && self.left < 0.5 && self.exhausted_by.is_none() {
            self.exhausted_by = Some(term);
        }
    }
}
