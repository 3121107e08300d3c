//! What the channel model expects of a block, to stand beside what was made.

use helio_distill::bound::{Epsilon, Mismatch};
use helio_distill::channel_model::{
    BlockPlan, Channel, ModelError, Prospect, expected_counts, expected_length,
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
        let epsilon = Epsilon::split(scenario.epsilon_total, !mismatch.is_matched());
        let plan = scenario.block_plan()?;
        let prospect = prospect(scenario, &plan, &epsilon, &mismatch)?;
        let long = BlockPlan { slots: plan.slots * 1000, ..plan };
        let active = scenario.receiver == ReceiverKind::Active;
        let too_small = active
            && prospect.length.ell == 0
            && self::prospect(scenario, &long, &epsilon, &mismatch)?.length.ell > 0;
        let key_bits = if active { prospect.length.ell } else { 0 };
        let quiet = Channel { intercepted: 0.0, ..scenario.channel() };
        let natural_qber = expected_counts(&quiet, &plan)?.qber_test();
        Ok(Outlook { prospect, key_bits, mismatch, too_small, natural_qber })
    }
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
