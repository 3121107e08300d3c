//! Which engine a block takes: the one that the operator names, or the one that leaves the longer key.

use serde::{Deserialize, Serialize};

use super::{Announced, Code, Plan, PlanRefused};

/// How a run chooses its engine. Both stations have the same choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum CodeChoice {
    /// LDPC for every block.
    Ldpc,
    /// Cascade for every block.
    Cascade,
    /// For each block the engine whose λ_max is the smaller, and LDPC where they are equal: the key is
    /// shorter by one bit for each bit of it. Cascade only where its round trips fit into a block's time.
    Auto {
        /// Round trips of the line in the time of one block.
        round_trips: u32,
    },
}

impl CodeChoice {
    /// Chooses where the line takes no time to speak of.
    pub const ON_A_SHORT_LINE: CodeChoice = CodeChoice::Auto { round_trips: u32::MAX };

    /// The choice on a line with this round trip, for blocks of this many seconds.
    pub fn on_a_line(round_trip_s: f64, block_s: f64) -> CodeChoice {
        // Saturates: without delay any number of round trips fits.
        CodeChoice::Auto { round_trips: (block_s / round_trip_s) as u32 }
    }

    /// As configurations and Hellos name it.
    pub fn name(self) -> &'static str {
        match self {
            CodeChoice::Ldpc => "ldpc",
            CodeChoice::Cascade => "cascade",
            CodeChoice::Auto { .. } => "auto",
        }
    }

    /// The plan of a block: a function of announced data and of what was agreed before.
    ///
    /// # Errors
    /// [`PlanRefused`]: the block makes no key. Where both engines refuse, LDPC's reason.
    pub fn plan(self, announced: Announced) -> Result<Plan, PlanRefused> {
        let round_trips = match self {
            CodeChoice::Ldpc => return Plan::choose(Code::Ldpc, announced),
            CodeChoice::Cascade => return Plan::choose(Code::Cascade, announced),
            CodeChoice::Auto { round_trips } => round_trips,
        };
        let cascade = Plan::choose(Code::Cascade, announced)
            .ok()
            .filter(|plan| plan.round_trips() <= round_trips);
        match (Plan::choose(Code::Ldpc, announced), cascade) {
            (Ok(ldpc), Some(cascade)) if cascade.lambda_max() < ldpc.lambda_max() => Ok(cascade),
            (Err(_), Some(cascade)) => Ok(cascade),
            (ldpc, _) => ldpc,
        }
    }

    /// λ_max that a block with these mean counts would be charged, for planning: all its bits where
    /// no plan can be made.
    pub fn expected_leak(self, n_key: u64, test_bits: f64, qber: f64) -> f64 {
        let announced = Announced {
            n_key,
            test_bits: libm::ceil(test_bits) as u64,
            test_errors: libm::ceil(test_bits * qber) as u64,
            margin_ppm: 0,
        };
        self.plan(announced).map_or(n_key as f64, |plan| plan.lambda_max() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(n_key: u64, qber: f64) -> Announced {
        let test_bits = 10_000_000;
        let test_errors = (qber * test_bits as f64) as u64;
        Announced { n_key, test_bits, test_errors, margin_ppm: 0 }
    }

    fn chosen(choice: CodeChoice, announced: Announced) -> Option<Code> {
        choice.plan(announced).ok().map(|plan| plan.code())
    }

    #[test]
    fn the_longer_key_wins_at_every_size_and_rate() {
        let mut won = std::collections::BTreeSet::new();
        for n_key in [500, 1_000, 2_000, 5_000, 20_000, 100_000, 1_000_000, 30_000_000] {
            for qber in [0.0, 0.001, 0.003, 0.01, 0.02, 0.05, 0.09, 0.095] {
                let announced = announced(n_key, qber);
                let least = [Code::Ldpc, Code::Cascade]
                    .iter()
                    .filter_map(|code| Plan::choose(*code, announced).ok())
                    .map(|plan| plan.lambda_max())
                    .min();
                let auto = CodeChoice::ON_A_SHORT_LINE.plan(announced).ok();
                assert_eq!(auto.map(|plan| plan.lambda_max()), least, "{n_key} bits, {qber}");
                won.extend(auto.map(|plan| plan.code() as u8));
            }
        }
        assert_eq!(won.len(), 2, "each engine is the better one somewhere");
    }

    #[test]
    fn cascade_is_not_taken_where_its_round_trips_do_not_fit() {
        // At 0.1 % LDPC's smallest syndrome is far above what Cascade asks for.
        let low = announced(1_000_000, 0.001);
        let needed = Plan::choose(Code::Cascade, low).unwrap().round_trips();
        let auto = |round_trips| chosen(CodeChoice::Auto { round_trips }, low);
        assert_eq!(auto(needed), Some(Code::Cascade));
        assert_eq!(auto(needed - 1), Some(Code::Ldpc));
        assert_eq!(chosen(CodeChoice::on_a_line(0.05, 4.0), low), Some(Code::Ldpc));
        assert_eq!(chosen(CodeChoice::on_a_line(0.0, 4.0), low), Some(Code::Cascade));
    }

    #[test]
    fn a_named_engine_is_taken_whatever_it_costs() {
        for (choice, code) in [(CodeChoice::Ldpc, Code::Ldpc), (CodeChoice::Cascade, Code::Cascade)]
        {
            for qber in [0.001, 0.02] {
                assert_eq!(chosen(choice, announced(1_000_000, qber)), Some(code));
            }
        }
    }
}
