//! The intensities, their probabilities and the basis bias that give the longest expected key.
//!
//! The search runs on mean counts without rounding: a coarse grid, Nelder–Mead from its best
//! points, then single steps on the grid that hardware can set. Deterministic, `libm` only. What
//! comes out is a plan; the stations agree on it before a block begins and the bound never trusts
//! that it was optimal.

mod coordinates;
mod one_decoy;
mod simplex;

use helio_units::MeanPhotons;

use self::coordinates::{Free, MU_PARTS, Steps, moves};
use self::simplex::Point;
use crate::bound::{Decoy, Epsilon, Mismatch, Tally, Varlen2d, leak_bits, verification_bits};
use crate::channel_model::{
    BlockPlan, Channel, ExpectedCounts, ModelError, Prospect, expected_counts, expected_length,
};

pub use one_decoy::{OneDecoyOptimum, OneDecoyProblem, optimise_one_decoy};

/// Probabilities are whole parts of this: the sampler compares 12 random bits with a threshold.
pub const PARTS: u16 = 4096;

/// Mean photons beyond which nothing is searched: hardly a pulse would hold a single photon.
const BRIGHTEST: f64 = 10.0;

/// The weakest intensity, which a modulator's extinction decides and not the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weakest {
    /// A fixed mean photon number.
    Fixed(MeanPhotons),
    /// A fraction of the signal's, as a modulator with that extinction leaves it; in [0, 1).
    OfSignal(f64),
}

/// Whether Alice and Bob choose the key basis with the same probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// The same for both.
    Shared,
    /// Each its own.
    Separate,
}

/// What is given to a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Problem {
    /// The channel, as measured or assumed.
    pub channel: Channel,
    /// Slots of a block, synchronisation slots included.
    pub slots: u64,
    /// Fraction of the slots that are public synchronisation slots, in [0, 1).
    pub sync_fraction: f64,
    /// Total failure probability of a block's key, split as [`Epsilon::split`] does.
    pub eps_total: f64,
    /// Detector mismatch.
    pub mismatch: Mismatch,
    /// The weakest intensity.
    pub weakest: Weakest,
    /// Basis choice.
    pub bias: Bias,
}

/// Settings that hardware and samplers implement exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Mean photons a pulse.
    pub mu: [f64; 3],
    /// Probability of each intensity in parts of [`PARTS`]; together [`PARTS`].
    pub intensity_parts: [u16; 3],
    /// Probability of the key basis in parts of [`PARTS`]: Alice's, Bob's.
    pub key_basis_parts: [u16; 2],
}

impl Settings {
    /// As the bound takes them.
    pub fn decoy(&self) -> Decoy {
        Decoy { mu: self.mu, p: self.intensity_parts.map(fraction) }
    }

    /// Probability of the key basis: Alice's, Bob's.
    pub fn key_basis(&self) -> [f64; 2] {
        self.key_basis_parts.map(fraction)
    }
}

fn fraction(parts: u16) -> f64 {
    f64::from(parts) / f64::from(PARTS)
}

/// The end of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// The best settings found.
    pub settings: Settings,
    /// The block and the key they would give; without key where none was found.
    pub prospect: Prospect,
    /// Points that were tried.
    pub evaluations: u32,
}

/// Looks for the settings with the longest expected key. `leak` as in [`expected_length`].
///
/// # Errors
/// A parameter of the problem outside its range, or a leak model that gives no bits.
pub fn optimise(problem: &Problem, leak: impl Fn(u64, f64) -> f64) -> Result<Optimum, ModelError> {
    let mut search = Search::new(problem, &leak)?;
    let starts = search.best_of_grid();
    let mut best: Option<(Steps, f64)> = None;
    for start in starts {
        let top = search.climb(&start);
        if best.as_ref().is_none_or(|(_, height)| top.1 > *height) {
            best = Some(top);
        }
    }
    // The grid is never empty.
    let (steps, height) = best.unwrap_or((Steps::MIDDLE, f64::NEG_INFINITY));
    let steps = search.polish(steps, height);
    let settings = search.settings(&steps);
    let prospect = expected_length(
        &problem.channel,
        &search.plan(&settings),
        &search.epsilon,
        &problem.mismatch,
        &leak,
    )?;
    Ok(Optimum { settings, prospect, evaluations: search.evaluations })
}

struct Search<'a, L> {
    problem: &'a Problem,
    epsilon: Epsilon,
    leak: &'a L,
    evaluations: u32,
}

impl<'a, L: Fn(u64, f64) -> f64> Search<'a, L> {
    fn new(problem: &'a Problem, leak: &'a L) -> Result<Search<'a, L>, ModelError> {
        let Mismatch { delta1, delta2 } = problem.mismatch;
        let epsilon = Epsilon::split(problem.eps_total, delta1 > 0.0 || delta2 > 0.0);
        let search = Search { problem, epsilon, leak, evaluations: 0 };
        if let Weakest::OfSignal(ratio) = problem.weakest
            && !(0.0..1.0).contains(&ratio)
        {
            let field = "weakest intensity as a fraction of the signal's";
            return Err(ModelError::Range { field, value: ratio, least: 0.0, most: 1.0 });
        }
        // One block in full, so that the search itself meets no refusal.
        let settings = search.settings(&Steps::MIDDLE);
        expected_length(
            &problem.channel,
            &search.plan(&settings),
            &epsilon,
            &problem.mismatch,
            leak,
        )?;
        Ok(search)
    }

    /// The five best points of a coarse grid that are not neighbours.
    fn best_of_grid(&mut self) -> Vec<Point> {
        let mut points = Vec::new();
        for free in Free::grid() {
            let point = free.to_coordinates(self.problem.bias);
            let height = self.at(&point);
            points.push((point, height));
        }
        points.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut starts: Vec<Point> = Vec::new();
        for (point, _) in points {
            let apart = |other: &Point| point.iter().zip(other).filter(|(a, b)| a != b).count() > 1;
            if starts.len() < 5 && starts.iter().all(apart) {
                starts.push(point);
            }
        }
        starts
    }

    /// Climbs twice, the second time with a fresh simplex, for the first may have collapsed.
    fn climb(&mut self, start: &[f64]) -> (Steps, f64) {
        let (first, _) = simplex::climb(start, 0.3, 0.5, 1500, |x| self.at(x));
        let (top, _) = simplex::climb(&first, 0.1, 0.05, 1500, |x| self.at(x));
        let steps = Free::from_coordinates(&top).nearest();
        let height = self.height(&steps);
        (steps, height)
    }

    /// Steps one setting at a time, or two against each other, in ever smaller steps.
    fn polish(&mut self, mut best: Steps, mut height: f64) -> Steps {
        let mut stride = 64;
        while stride > 0 {
            let mut improved = false;
            for step in moves(self.problem.bias) {
                for stride in [stride, -stride] {
                    let next = best.moved(&step, stride);
                    let there = self.height(&next);
                    if there > height {
                        (best, height, improved) = (next, there, true);
                    }
                }
            }
            if !improved {
                stride /= 2;
            }
        }
        best
    }

    fn at(&mut self, point: &[f64]) -> f64 {
        let x = Free::from_coordinates(point);
        let weakest = self.weakest(x.mu[0]);
        self.evaluations += 1;
        self.value([x.mu[0], x.mu[1], weakest], x.p, x.basis)
    }

    fn height(&mut self, steps: &Steps) -> f64 {
        if !steps.possible() {
            return f64::NEG_INFINITY;
        }
        let settings = self.settings(steps);
        self.evaluations += 1;
        self.value(settings.mu, settings.decoy().p, settings.key_basis())
    }

    /// Expected key bits of mean counts. Without key, a negative number that points to where key
    /// might be: what is missing as a share of the sifted bits (in bits, a block that detects
    /// nothing would miss least), or how far a vacuous bound is from saying something.
    fn value(&self, mu: [f64; 3], p: [f64; 3], key_basis: [f64; 2]) -> f64 {
        let separable = mu[1] > mu[2] && mu[0] > mu[1] + mu[2];
        if !separable || mu[0] > BRIGHTEST {
            return f64::NEG_INFINITY;
        }
        let decoy = Decoy { mu, p };
        let plan = BlockPlan { decoy, key_basis, ..self.empty_plan() };
        let Ok(counts) = expected_counts(&self.problem.channel, &plan) else {
            return f64::NEG_INFINITY;
        };
        let sifted = libm::round(counts.sifted()) as u64;
        let Ok(leak) = leak_bits((self.leak)(sifted, counts.qber_test())) else {
            return f64::NEG_INFINITY;
        };
        let bound = Varlen2d { decoy, epsilon: self.epsilon, mismatch: self.problem.mismatch };
        let ExpectedCounts { n_key, n_test, m_test, .. } = counts;
        let means = Tally { n_key, n_test, m_test };
        let slots = self.problem.slots as f64;
        match bound.expect(&means) {
            Ok(secret) => {
                let verification = verification_bits(sifted, self.epsilon.ev);
                let bits = secret - bound.constant_bits(Some(verification)) - leak as f64;
                if bits > 0.0 { bits } else { bits / counts.sifted() * slots }
            }
            Err(rate) => -slots * (100.0 + libm::fmin(rate, 10.0)),
        }
    }

    fn settings(&self, steps: &Steps) -> Settings {
        let [mu1, mu2] = steps.mu.map(|n| f64::from(n) / MU_PARTS);
        let parts = |n: i32| n as u16;
        let [p2, p3] = steps.p.map(parts);
        Settings {
            mu: [mu1, mu2, self.weakest(mu1)],
            intensity_parts: [PARTS - p2 - p3, p2, p3],
            key_basis_parts: steps.basis.map(parts),
        }
    }

    fn weakest(&self, mu1: f64) -> f64 {
        match self.problem.weakest {
            Weakest::Fixed(mu3) => mu3.get(),
            Weakest::OfSignal(ratio) => ratio * mu1,
        }
    }

    fn plan(&self, settings: &Settings) -> BlockPlan {
        BlockPlan { decoy: settings.decoy(), key_basis: settings.key_basis(), ..self.empty_plan() }
    }

    fn empty_plan(&self) -> BlockPlan {
        BlockPlan {
            slots: self.problem.slots,
            sync_fraction: self.problem.sync_fraction,
            decoy: Decoy { mu: [0.0; 3], p: [0.0; 3] },
            key_basis: [0.0; 2],
        }
    }
}
