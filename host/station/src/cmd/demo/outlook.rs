//! What the channel model expects of a block, to stand beside what was made.

use helio_distill::bound::{Epsilon, Mismatch, Wiesemann};
use helio_distill::channel_model::{
    BlockPlan, FixedProspect, ModelError, Prospect, expected_counts, expected_length,
};
use helio_sim::ReceiverKind;

use crate::bench::Scenario;

/// A block as it may be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Mean counts, leak and length of one block.
    pub prospect: Prospect,
    /// Key of one block; 0 for a passive receiver, whatever the counts say.
    pub key_bits: u64,
    /// The price of unequal detectors.
    pub mismatch: Mismatch,
    /// No key is expected at this size, but a thousand times longer a block would give one.
    pub too_small: bool,
    /// Error rate of the test basis with nobody on the channel.
    pub natural_qber: f64,
}

impl Outlook {
    /// Asks the channel model.
    ///
    /// # Errors
    /// A number outside the model's range.
    pub fn new(scenario: &Scenario) -> Result<Outlook, ModelError> {
        let mismatch = scenario.mismatch()?;
        let plan = scenario.block_plan()?;
        let long = BlockPlan { slots: plan.slots * 1000, ..plan };
        let active = scenario.receiver == ReceiverKind::Active;
        let (prospect, long) = match scenario.one_decoy_bound() {
            // A longer block is agreed on with an acceptance of its own.
            Some(bound) if bound.key_bits() == 0 => {
                let long = scenario.fixed_prospect(&long)?.prospect();
                (fixed(scenario, &plan, &bound)?, Some(long))
            }
            Some(bound) => (fixed(scenario, &plan, &bound)?, None),
            None => {
                let epsilon = Epsilon::split(scenario.epsilon_total, !mismatch.is_matched());
                let of = |plan| prospect(scenario, plan, &epsilon, &mismatch);
                (of(&plan)?, Some(of(&long)?))
            }
        };
        let too_small =
            active && prospect.length.ell == 0 && long.is_some_and(|long| long.length.ell > 0);
        let key_bits = if active { prospect.length.ell } else { 0 };
        let natural_qber = expected_counts(&scenario.quiet_channel(), &plan)?.qber_test();
        Ok(Outlook { prospect, key_bits, mismatch, too_small, natural_qber })
    }
}

/// A block over this channel, Eve included, under an acceptance that was agreed on before.
fn fixed(scenario: &Scenario, plan: &BlockPlan, bound: &Wiesemann) -> Result<Prospect, ModelError> {
    let counts = expected_counts(&scenario.channel(), plan)?;
    let length = bound.length(&counts.rounded_one_decoy(), None)?;
    let key_bits = if bound.accepts(&length) { bound.key_bits() } else { 0 };
    Ok(FixedProspect { counts, bound: *bound, length, key_bits }.prospect())
}

fn prospect(
    scenario: &Scenario,
    plan: &BlockPlan,
    epsilon: &Epsilon,
    mismatch: &Mismatch,
) -> Result<Prospect, ModelError> {
    let leak = |n, qber| scenario.expected_leak(n, qber);
    expected_length(&scenario.channel(), plan, epsilon, mismatch, leak)
}
