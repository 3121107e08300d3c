//! Who sits on the channel.

use rand_core::Rng;

use crate::config::{BenchConfig, Eve, FOUR};
use crate::draw::{Chance, Generator, Purpose, generator};
use crate::optics::state_angles;
use crate::trim::AliceTrim;

/// Eve's apparatus.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    rng: Generator,
    fraction: Chance,
    /// Probability that she finds bit 1, by state and her basis.
    finds_one: [[Chance; 2]; FOUR],
}

impl Attack {
    pub(crate) fn new(config: &BenchConfig) -> Attack {
        let fraction = match config.eve {
            Eve::None => 0.0,
            Eve::InterceptResend { fraction } => fraction,
        };
        let mut attack = Attack {
            rng: generator(config.seed, Purpose::Eve, 0),
            fraction: Chance::new(fraction),
            finds_one: [[Chance::new(0.0); 2]; FOUR],
        };
        attack.trim(config, &AliceTrim::default());
        attack
    }

    /// Alice's states are others; those that Eve sends are made as hers.
    pub(crate) fn trim(&mut self, config: &BenchConfig, alice: &AliceTrim) {
        self.finds_one = state_angles(config, alice).map(|state| {
            [0.0, core::f64::consts::FRAC_PI_4].map(|basis| {
                let sin = libm::sin(state - basis);
                Chance::new((sin * sin).min(1.0))
            })
        });
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.fraction.is_zero()
    }

    /// The state she sends on in place of `state`; `None` where she lets the pulse pass.
    ///
    /// All photons of the pulse are measured together and give one answer, and as many leave as
    /// came: the pulse stays a Poisson mixture, only its state changes.
    pub(crate) fn touch(&mut self, state: usize) -> Option<usize> {
        if !self.fraction.happens(&mut self.rng) {
            return None;
        }
        let basis = (self.rng.next_u64() >> 63) as usize;
        let bit = self.finds_one[state][basis].happens(&mut self.rng);
        Some(basis << 1 | usize::from(bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn she_reads_her_own_basis_and_randomises_the_other() {
        let config =
            BenchConfig { eve: Eve::InterceptResend { fraction: 0.5 }, ..Default::default() };
        let mut attack = Attack::new(&config);
        let mut counts = [[0u32; 5]; FOUR];
        const N: u32 = 100_000;
        for (state, count) in counts.iter_mut().enumerate() {
            for _ in 0..N {
                count[attack.touch(state).unwrap_or(4)] += 1;
            }
        }
        for (state, count) in counts.into_iter().enumerate() {
            let other_basis = (state ^ 2) & 2;
            let expected = |to: usize| match to {
                4 => 0.5,
                to if to == state => 0.25,
                to if to & 2 == other_basis => 0.125,
                _ => 0.0,
            };
            for (to, n) in count.into_iter().enumerate() {
                let (p, n) = (expected(to), f64::from(n));
                let sigma = libm::sqrt(f64::from(N) * p * (1.0 - p));
                assert!((n - p * f64::from(N)).abs() <= 5.0 * sigma, "{state} to {to}: {n}");
            }
        }
    }
}
