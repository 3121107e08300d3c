//! The channel model's word on a scenario.

use helio_distill::bound::Epsilon;
use helio_distill::channel_model::{Prospect, expected_length};
use helio_station::bench::Scenario;

/// Mean counts and key length of one block.
///
/// # Panics
/// Where a number of the scenario is outside the model's range.
pub fn expected(scenario: &Scenario) -> Prospect {
    let mismatch = scenario.mismatch().expect("the tolerance is in range");
    let epsilon = Epsilon::split(scenario.epsilon_total, !mismatch.is_matched());
    let plan = scenario.block_plan().expect("the parameters are in range");
    let leak = |n, qber| scenario.expected_leak(n, qber);
    expected_length(&scenario.channel(), &plan, &epsilon, &mismatch, leak)
        .expect("the channel is in range")
}
