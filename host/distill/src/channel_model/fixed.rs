//! The acceptance of a key of fixed length: what a block over a channel shows nearly always, so that
//! an honest block is hardly ever thrown away. A plan: the stations agree on it before the run, and
//! the bound trusts none of it.

use super::{BlockPlan, Channel, ExpectedCounts, ModelError, Prospect, expected_counts};
use crate::bound::{
    Acceptance, Decoy, Disclosed, Length, OneDecoy, OneDecoyCounts, SecrecyCorrectness, Wiesemann,
    leak_bits, verification_bits,
};

/// Standard deviations of the counts that an acceptance leaves room for: one honest block in some
/// ten thousand fails.
const SPREAD: f64 = 4.0;

/// A block of a source with one decoy as it may be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedProspect {
    /// Mean counts; none at the third intensity.
    pub counts: ExpectedCounts,
    /// The bound with its acceptance.
    pub bound: Wiesemann,
    /// What the formula gives for the rounded counts.
    pub length: Length,
    /// Length of a key; 0 where nothing is left.
    pub key_bits: u64,
}

impl FixedProspect {
    /// The same in the words of a length that follows the block: its length is the fixed one.
    pub fn prospect(&self) -> Prospect {
        let Acceptance { lambda_max, .. } = self.bound.acceptance;
        let sifted = self.counts.rounded().sifted();
        let verification = verification_bits(sifted, self.bound.epsilon.cor);
        Prospect {
            counts: self.counts,
            disclosed: Disclosed { leak: lambda_max, verification_bits: Some(verification) },
            length: Length { ell: self.key_bits, ..self.length },
        }
    }
}

/// The acceptance for blocks over a channel, and the key of one. `leak` models error correction:
/// sifted bits, test bits and their error rate to disclosed bits. The plan's third intensity must be
/// absent.
///
/// # Errors
/// A parameter outside its range, or what the bound refuses.
pub fn expected_fixed(
    channel: &Channel,
    plan: &BlockPlan,
    epsilon: &SecrecyCorrectness,
    leak: impl Fn(u64, f64, f64) -> f64,
) -> Result<FixedProspect, ModelError> {
    let counts = expected_counts(channel, plan)?;
    let Decoy { mu: [mu1, mu2, _], p: [p1, p2, third] } = plan.decoy;
    super::within("p3", third, 0.0, 0.0)?;
    let sifted = counts.sifted() + SPREAD * counts.sifted().sqrt();
    let tests: f64 = counts.n_test.iter().sum();
    let least_tests = (tests - SPREAD * tests.sqrt()).max(0.0);
    let errors: f64 = counts.m_test.iter().sum();
    let worst = if tests > 0.0 { (errors + SPREAD * errors.sqrt()) / tests } else { 0.5 };
    let lambda_max = leak_bits(leak(libm::ceil(sifted) as u64, least_tests, worst.min(0.5)))?;
    let acceptance = Acceptance { single_photons: 1, phase_error_nano: 0, lambda_max };
    let decoy = OneDecoy { mu: [mu1, mu2], p: [p1, p2] };
    let mut bound = Wiesemann { decoy, epsilon: *epsilon, acceptance, slots: plan.slots };
    bound.check()?;
    let rounded = counts.rounded_one_decoy();
    let tag = Some(verification_bits(counts.rounded().sifted(), epsilon.cor));
    let length = bound.length(&rounded, tag)?;
    let (mut photons, mut errors) = (0.0, 0.0);
    for worse in neighbours(&rounded) {
        let there: Vec<Length> =
            worse.iter().map(|c| bound.length(c, tag)).collect::<Result<_, _>>()?;
        let lost = there.iter().map(|l| length.s1 - l.s1).fold(0.0, f64::max);
        let gained = there.iter().map(|l| l.phi - length.phi).fold(0.0, f64::max);
        photons += lost * lost;
        errors += gained * gained;
    }
    let single_photons = (length.s1 - f64::sqrt(photons)).max(1.0) as u64;
    let phase_error = libm::ceil(1e9 * (length.phi + f64::sqrt(errors)));
    let phase_error_nano = phase_error.min(499_999_999.0) as u32;
    bound.acceptance = Acceptance { single_photons, phase_error_nano, lambda_max };
    Ok(FixedProspect { counts, bound, length, key_bits: bound.key_bits() })
}

/// For each count the block with more of it and the block with less, by the spread of a Poisson count.
fn neighbours(base: &OneDecoyCounts) -> impl Iterator<Item = [OneDecoyCounts; 2]> + '_ {
    type Field = fn(&mut OneDecoyCounts) -> &mut [u64; 2];
    const FIELDS: [Field; 4] =
        [|c| &mut c.n_key, |c| &mut c.m_key, |c| &mut c.n_test, |c| &mut c.m_test];
    let shifted = |field: Field, k: usize, up: bool| {
        let mut counts = *base;
        let count = &mut field(&mut counts)[k];
        let by = libm::ceil(SPREAD * (*count as f64).sqrt()) as u64;
        *count = if up { count.saturating_add(by) } else { count.saturating_sub(by) };
        for k in 0..2 {
            counts.m_key[k] = counts.m_key[k].min(counts.n_key[k]);
            counts.m_test[k] = counts.m_test[k].min(counts.n_test[k]);
        }
        counts
    };
    let each = FIELDS.into_iter().flat_map(|field| [0, 1].map(|k| (field, k)));
    each.map(move |(field, k)| [true, false].map(|up| shifted(field, k, up)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::CodeChoice;
    use helio_units::Decibel;

    fn prospect(slots: u64, loss: f64) -> FixedProspect {
        let channel = Channel {
            loss: Decibel(loss),
            dark_probability: 1e-7,
            misalignment: [0.01; 2],
            ..Channel::IDEAL
        };
        let plan = BlockPlan {
            slots,
            sync_fraction: 1.0 / 64.0,
            decoy: Decoy { mu: [0.5, 0.15, 0.0], p: [0.75, 0.25, 0.0] },
            key_basis: [0.8; 2],
        };
        let leak = |n, tests, qber| CodeChoice::Ldpc.expected_leak(n, tests, qber);
        expected_fixed(&channel, &plan, &SecrecyCorrectness::split(1e-10), leak).unwrap()
    }

    #[test]
    fn an_expected_block_is_accepted_with_room() {
        let found = prospect(100_000_000, 5.0);
        let accept = found.bound.acceptance;
        assert!(found.bound.accepts(&found.length));
        assert!(found.key_bits > 1_000_000 && found.key_bits < found.length.ell);
        assert!((accept.single_photons as f64) < found.length.s1);
        assert!((accept.single_photons as f64) > 0.9 * found.length.s1, "{found:?}");
        // A spread in every count at once that is half of what is left room for.
        let counts = found.counts.rounded_one_decoy();
        let worse = |n: u64, up: bool| {
            let by = (0.5 * (n as f64).sqrt()) as u64;
            if up { n + by } else { n - by }
        };
        let shaken = OneDecoyCounts {
            n_key: [worse(counts.n_key[0], true), worse(counts.n_key[1], false)],
            m_key: counts.m_key.map(|m| worse(m, true)),
            n_test: [worse(counts.n_test[0], true), worse(counts.n_test[1], false)],
            m_test: [worse(counts.m_test[0], true), worse(counts.m_test[1], false)],
        };
        assert!(found.bound.accepts(&found.bound.length(&shaken, Some(80)).unwrap()));
    }

    #[test]
    fn a_hopeless_channel_leaves_an_acceptance_without_key() {
        for (slots, loss) in [(1_000, 5.0), (10_000_000, 60.0)] {
            let found = prospect(slots, loss);
            assert_eq!(found.key_bits, 0);
            assert!(found.bound.check().is_ok());
        }
    }

    #[test]
    fn a_third_intensity_is_no_source_with_one_decoy() {
        let plan = BlockPlan {
            slots: 1_000_000,
            sync_fraction: 0.1,
            decoy: Decoy { mu: [0.5, 0.1, 0.0], p: [0.7, 0.2, 0.1] },
            key_basis: [0.5; 2],
        };
        let eps = SecrecyCorrectness::split(1e-10);
        assert!(expected_fixed(&Channel::IDEAL, &plan, &eps, |n, _, _| n as f64).is_err());
    }
}
