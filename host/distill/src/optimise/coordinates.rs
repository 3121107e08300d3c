//! Two ways to write settings down: as whole steps of the hardware, and as unbounded real numbers
//! in which every point is possible, for a search that knows no walls.

use super::simplex::Point;
use super::{Bias, PARTS};

/// Intensities are whole parts of this: to 1e-4 photons, finer than an attenuator is set.
pub(super) const MU_PARTS: f64 = 1e4;

/// Settings as counts of the smallest steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// `mu1`, `mu2` in parts of [`MU_PARTS`].
    pub mu: [i32; 2],
    /// `p2`, `p3` in parts.
    pub p: [i32; 2],
    /// Alice's and Bob's key basis in parts.
    pub basis: [i32; 2],
}

impl Steps {
    /// A setting that every bench can run, to try a problem with.
    pub const MIDDLE: Steps = Steps { mu: [5000, 1000], p: [512, 256], basis: [3072, 3072] };

    /// Whether samplers can implement them and the decoy equations separate them.
    pub fn possible(&self) -> bool {
        let parts = i32::from(PARTS);
        let [p2, p3] = self.p;
        self.mu[1] > 0
            && self.mu[0] > self.mu[1]
            && p2 > 0
            && p3 > 0
            && p2 + p3 < parts
            && self.basis.iter().all(|&b| b > 0 && b < parts)
    }

    /// `stride` steps in `direction`.
    pub fn moved(&self, direction: &Move, stride: i32) -> Steps {
        let [mu1, mu2, p2, p3, alice, bob] = direction.map(|d| d * stride);
        Steps {
            mu: [self.mu[0] + mu1, self.mu[1] + mu2],
            p: [self.p[0] + p2, self.p[1] + p3],
            basis: [self.basis[0] + alice, self.basis[1] + bob],
        }
    }
}

/// Directions of single steps: `mu1, mu2, p2, p3, Alice's basis, Bob's`.
pub(super) type Move = [i32; 6];

pub(super) fn moves(bias: Bias) -> Vec<Move> {
    let mut moves = vec![
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 1],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, -1, 0, 0],
        [0, 0, 1, 0, 1, 1],
    ];
    if bias == Bias::Separate {
        moves.extend([[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, -1]]);
    }
    moves
}

/// Settings as real numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Free {
    pub mu: [f64; 2],
    pub p: [f64; 3],
    pub basis: [f64; 2],
}

impl Free {
    /// A coarse grid over all that benches run with.
    pub fn grid() -> impl Iterator<Item = Free> {
        let mus = [0.15, 0.3, 0.5, 0.8];
        let intensities =
            mus.into_iter().flat_map(|mu1| [0.08, 0.2, 0.35, 0.5].map(|r| [mu1, mu1 * r]));
        let weak = [0.04, 0.12, 0.3, 0.5];
        let probabilities = weak
            .into_iter()
            .flat_map(|p2| [0.02, 0.06, 0.2, 0.4].map(|p3| [1.0 - p2 - p3, p2, p3]));
        let sources = intensities.flat_map(move |mu| probabilities.clone().map(move |p| (mu, p)));
        sources.flat_map(|(mu, p)| [0.5, 0.7, 0.85, 0.95].map(|b| Free { mu, p, basis: [b; 2] }))
    }

    /// `ln mu1`, logit of `mu2/mu1`, `ln p2/p1`, `ln p3/p1`, logits of one or two basis biases.
    pub fn to_coordinates(self, bias: Bias) -> Point {
        let Free { mu: [mu1, mu2], p: [p1, p2, p3], basis: [alice, bob] } = self;
        let mut x = vec![
            libm::log(mu1),
            logit(mu2 / mu1),
            libm::log(p2 / p1),
            libm::log(p3 / p1),
            logit(alice),
        ];
        if bias == Bias::Separate {
            x.push(logit(bob));
        }
        x
    }

    /// The inverse of [`Free::to_coordinates`].
    pub fn from_coordinates(x: &[f64]) -> Free {
        let mu1 = libm::exp(x[0]);
        let odds = [1.0, libm::exp(x[2]), libm::exp(x[3])];
        let sum: f64 = odds.iter().sum();
        let alice = logistic(x[4]);
        let bob = x.get(5).map_or(alice, |&x| logistic(x));
        Free { mu: [mu1, mu1 * logistic(x[1])], p: odds.map(|o| o / sum), basis: [alice, bob] }
    }

    /// The nearest whole steps.
    pub fn nearest(&self) -> Steps {
        let round = |value: f64| libm::round(value) as i32;
        let parts = f64::from(PARTS);
        Steps {
            mu: self.mu.map(|mu| round(mu * MU_PARTS)),
            p: [self.p[1], self.p[2]].map(|p| round(p * parts).max(1)),
            basis: self.basis.map(|b| round(b * parts).clamp(1, i32::from(PARTS) - 1)),
        }
    }
}

fn logit(x: f64) -> f64 {
    libm::log(x / (1.0 - x))
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_lead_back_to_the_settings() {
        for free in Free::grid() {
            for bias in [Bias::Shared, Bias::Separate] {
                let back = Free::from_coordinates(&free.to_coordinates(bias));
                let pairs = free.mu.iter().chain(&free.p).chain(&free.basis);
                let again = back.mu.iter().chain(&back.p).chain(&back.basis);
                assert!(pairs.zip(again).all(|(a, b)| (a / b - 1.0).abs() < 1e-12));
            }
            assert!(free.nearest().possible());
        }
    }
}
