//! Failure probabilities: the ledger of one block.

use serde::{Deserialize, Serialize};

use super::mismatch::Mismatch;
use super::refusal::Refusal;

/// The largest total failure probability that any bound accepts. Far above what a key should
/// have; it stands where the constants of the bounds begin to change sign.
pub const LARGEST_TOTAL: f64 = 1e-3;

/// Failure probabilities of [`super::Varlen2d`], each in (0, 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epsilon {
    /// Square root of the failure probability of one two-sided decoy deviation (nine are taken).
    pub d: f64,
    /// Square root of the failure probability of the sampling bound.
    pub a: f64,
    /// Square root of the failure probability of the δ1 binomial; counts only where δ1 > 0.
    pub b: f64,
    /// Square root of the failure probability of the δ2 binomial; counts only where δ2 > 0.
    pub c: f64,
    /// Privacy amplification.
    pub pa: f64,
    /// Error verification: the two keys differ and nobody noticed.
    pub ev: f64,
}

impl Epsilon {
    /// The default split of `total`: a quarter each to privacy amplification and to verification,
    /// one value for all statistical parts so that the sum is `total`. `mismatched` says that both
    /// δ are positive; with one of them the split stays below `total`.
    pub fn split(total: f64, mismatched: bool) -> Epsilon {
        let events = if mismatched { 12.0 } else { 10.0 };
        // A few units in the last place less, or rounding may lift the sum above the total.
        let total = total * (1.0 - 4.0 * f64::EPSILON);
        let part = total / (4.0 * libm::sqrt(events));
        Epsilon { d: part, a: part, b: part, c: part, pa: total / 4.0, ev: total / 4.0 }
    }

    /// What each part contributes to the total.
    pub fn ledger(&self, mismatch: &Mismatch) -> EpsilonLedger {
        let counted = |eps: f64, delta: f64| if delta > 0.0 { eps } else { 0.0 };
        EpsilonLedger {
            decoy_estimates: 3.0 * self.d,
            sampling: self.a,
            mismatch_errors: counted(self.b, mismatch.delta1),
            mismatch_losses: counted(self.c, mismatch.delta2),
            privacy_amplification: self.pa,
            verification: self.ev,
        }
    }

    /// `2 sqrt(9 d² + a² + [δ1>0] b² + [δ2>0] c²) + pa + ev`.
    pub fn total(&self, mismatch: &Mismatch) -> f64 {
        self.ledger(mismatch).total()
    }

    pub(super) fn check(&self, mismatch: &Mismatch) -> Result<f64, Refusal> {
        in_unit_interval("eps_d", self.d)?;
        in_unit_interval("eps_a", self.a)?;
        in_unit_interval("eps_b", self.b)?;
        in_unit_interval("eps_c", self.c)?;
        in_unit_interval("eps_pa", self.pa)?;
        in_unit_interval("eps_ev", self.ev)?;
        small_enough(self.total(mismatch))
    }
}

/// The ε of one block, part by part, as its certificate prints it. Authentication adds to this
/// per tag and belongs to the protocol, not to the block's bound.
///
/// Statistical events fail with probability `eps²` each; their square roots are kept here, for a
/// sum of squares of 1e-200 would underflow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpsilonLedger {
    /// Square root of the summed failure probability of the nine decoy deviations.
    pub decoy_estimates: f64,
    /// Square root of the failure probability of the sampling bound.
    pub sampling: f64,
    /// Square root of the failure probability of the δ1 binomial, 0 where δ1 = 0.
    pub mismatch_errors: f64,
    /// Square root of the failure probability of the δ2 binomial, 0 where δ2 = 0.
    pub mismatch_losses: f64,
    /// Distance from a perfect key that the hash leaves.
    pub privacy_amplification: f64,
    /// Probability that the keys differ unnoticed.
    pub verification: f64,
}

impl EpsilonLedger {
    /// Distance from a perfect key due to estimates that may be wrong: twice the square root of
    /// the probability that any is, because smoothing in the entropic uncertainty relation costs
    /// the square root of a probability.
    pub fn smoothing(&self) -> f64 {
        // hypot and not a root of squares: the squares underflow.
        let mismatch = libm::hypot(self.mismatch_errors, self.mismatch_losses);
        2.0 * libm::hypot(libm::hypot(self.decoy_estimates, self.sampling), mismatch)
    }

    /// Everything together.
    pub fn total(&self) -> f64 {
        self.smoothing() + self.privacy_amplification + self.verification
    }
}

/// The ε of one block of a one-decoy run. The paper shares secrecy over fifteen events, each
/// counted as it is and not by its root: the part of an event is a fifteenth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecrecyLedger {
    /// Distance from a perfect key: estimates that may be wrong, and the hash.
    pub secrecy: f64,
    /// Probability that the keys differ unnoticed.
    pub correctness: f64,
}

/// The ε of one block, in the parts that the run's bound has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ledger {
    /// Of [`super::Varlen2d`].
    Composed(EpsilonLedger),
    /// Of [`super::Wiesemann`].
    Shared(SecrecyLedger),
}

impl Ledger {
    /// Everything together.
    pub fn total(&self) -> f64 {
        match self {
            Ledger::Composed(parts) => parts.total(),
            Ledger::Shared(parts) => parts.secrecy + parts.correctness,
        }
    }
}

/// Failure probabilities of the published bounds, each in (0, 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecrecyCorrectness {
    /// Secrecy, shared out over all of a bound's events.
    pub sec: f64,
    /// Correctness: the keys differ and nobody noticed.
    pub cor: f64,
}

impl SecrecyCorrectness {
    /// The split of `total` for a live key: a quarter to correctness, as [`Epsilon::split`] gives
    /// to verification, the rest to secrecy.
    pub fn split(total: f64) -> SecrecyCorrectness {
        // As there: rounding must not lift the sum above the total.
        let total = total * (1.0 - 4.0 * f64::EPSILON);
        SecrecyCorrectness { sec: 0.75 * total, cor: total / 4.0 }
    }

    pub(super) fn check(&self) -> Result<f64, Refusal> {
        in_unit_interval("eps_sec", self.sec)?;
        in_unit_interval("eps_cor", self.cor)?;
        small_enough(self.sec + self.cor)
    }
}

fn in_unit_interval(name: &'static str, value: f64) -> Result<(), Refusal> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(Refusal::Epsilon { name, value }) }
}

fn small_enough(total: f64) -> Result<f64, Refusal> {
    if total <= LARGEST_TOTAL { Ok(total) } else { Err(Refusal::EpsilonTotal { total }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_split_spends_its_total_and_no_more() {
        let matched = Mismatch::MATCHED;
        let unequal = Mismatch { delta1: 0.01, delta2: 0.002 };
        for total in [1e-3, 1e-6, 0.9e-7, 1.3e-9, 1e-10, 1e-200] {
            for (mismatch, flag) in [(matched, false), (unequal, true)] {
                let sum = Epsilon::split(total, flag).total(&mismatch);
                assert!(sum <= total && sum > total * (1.0 - 1e-14), "{sum} of {total}");
            }
        }
    }

    #[test]
    fn the_split_of_a_fixed_length_spends_its_total_and_no_more() {
        for total in [1e-3, 1e-6, 0.9e-7, 1.3e-9, 1e-10, 1e-200] {
            let eps = SecrecyCorrectness::split(total);
            let parts = SecrecyLedger { secrecy: eps.sec, correctness: eps.cor };
            let sum = Ledger::Shared(parts).total();
            assert!(sum <= total && sum > total * (1.0 - 1e-14), "{sum} of {total}");
        }
    }

    #[test]
    fn one_sided_mismatch_stays_below_the_total() {
        let one = Mismatch { delta1: 0.01, delta2: 0.0 };
        assert!(Epsilon::split(1e-10, true).total(&one) < 1e-10);
    }
}
