//! A simulated link whose source has one decoy, and what its blocks must show for a key.

use helio_distill::bound::{BoundChoice, LiveBound, SecrecyCorrectness, Wiesemann};
use helio_distill::channel_model::{BlockPlan, Channel, FixedProspect, ModelError, expected_fixed};
use helio_distill::optimise::{OneDecoyOptimum, OneDecoyProblem, optimise_one_decoy};

use super::Scenario;

/// The default intensities and choices with one decoy: the optimum that `helio optimise --bound
/// wiesemann` finds for the default link; a test compares.
mod defaults {
    /// Mean photon numbers in 10⁻⁹ photons a pulse, brightest first.
    pub const MU_NANO: [u64; 3] = [545_200_000, 194_700_000, 0];
    /// Weight of each intensity out of 4096.
    pub const INTENSITY_WEIGHTS: [u16; 3] = [2176, 1920, 0];
    /// Weight of the key basis out of 4096, at both stations.
    pub const KEY_WEIGHT: u16 = 3059;
}

impl Scenario {
    /// The same link with one decoy: detectors that do not differ, for the bound has no term for it,
    /// the default intensities, and the acceptance that follows.
    ///
    /// # Errors
    /// As [`Scenario::with_acceptance`].
    pub fn with_one_decoy(self) -> Result<Scenario, ModelError> {
        Scenario {
            mu_nano: defaults::MU_NANO,
            intensity_weights: defaults::INTENSITY_WEIGHTS,
            key_weights: [defaults::KEY_WEIGHT; 2],
            efficiency_mismatch: 0.0,
            ..self
        }
        .with_acceptance()
    }

    /// Agrees on what the channel model expects of a block with nobody on the line: an eavesdropper
    /// is not planned for.
    ///
    /// # Errors
    /// A number outside the model's range.
    pub fn with_acceptance(mut self) -> Result<Scenario, ModelError> {
        let acceptance = self.fixed_prospect(&self.block_plan()?)?.bound.acceptance;
        self.bound = BoundChoice::Wiesemann(acceptance);
        Ok(self)
    }

    /// What a block of this plan would be agreed on and give.
    ///
    /// # Errors
    /// A number outside the model's range.
    pub fn fixed_prospect(&self, plan: &BlockPlan) -> Result<FixedProspect, ModelError> {
        let epsilon = SecrecyCorrectness::split(self.epsilon_total);
        let leak = |n, tests, qber| self.code.expected_leak(n, tests, qber);
        expected_fixed(&self.quiet_channel(), plan, &epsilon, leak)
    }

    /// Looks for the settings with the longest fixed key.
    ///
    /// # Errors
    /// A number outside the model's range.
    pub fn optimum_of_one_decoy(&self) -> Result<OneDecoyOptimum, ModelError> {
        let problem = OneDecoyProblem {
            channel: self.quiet_channel(),
            slots: u64::from(self.slots_per_block),
            sync_fraction: 1.0 / f64::from(self.sync_spacing),
            eps_total: self.epsilon_total,
        };
        optimise_one_decoy(&problem, |n, tests, qber| self.code.expected_leak(n, tests, qber))
    }

    /// The channel with nobody on it.
    pub fn quiet_channel(&self) -> Channel {
        Channel { intercepted: 0.0, ..self.channel() }
    }

    /// The bound of a run with one decoy.
    pub fn one_decoy_bound(&self) -> Option<Wiesemann> {
        match self.parameters().ok()?.bound() {
            LiveBound::Wiesemann(bound) => Some(bound),
            LiveBound::Varlen2d(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_optimum_of_the_default_link_and_give_a_key() {
        let scenario = Scenario::default().with_one_decoy().unwrap();
        assert_eq!(scenario.parameters().unwrap().check(), Ok(()));
        let found = scenario.optimum_of_one_decoy().unwrap();
        let mu = found.settings.mu.map(|mu| (mu * 1e9).round() as u64);
        let found = (mu, found.settings.intensity_parts, found.settings.key_basis_parts);
        let key = [defaults::KEY_WEIGHT; 2];
        assert_eq!(found, (defaults::MU_NANO, defaults::INTENSITY_WEIGHTS, key));
        assert!(scenario.one_decoy_bound().unwrap().key_bits() > 0);
    }
}
