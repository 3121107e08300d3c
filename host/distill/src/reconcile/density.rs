//! Density evolution of the LDPC decoder, and the search for ensembles by it.
//!
//! The distributions of the messages on an infinite graph without cycles, iteration by iteration
//! (Richardson and Urbanke, IEEE Trans. Inf. Theory 47, 599 (2001)), here on the decoder's own grid
//! of 8-bit integers (but for the half step that it adds) and with its min-sum rule, so that quantisation
//! and saturation count. The
//! error is the all-zero pattern without loss of generality: a message is right if it is positive.
//! All checks are updated at a time; the decoder, which updates them in turn, needs about half as
//! many iterations for the same, and has the same threshold.
//!
//! The weight of an iteration is the one that fits, by least squares, the log-likelihood ratio
//! that a check's output has to its smallest input. It turns out to be a function of how many
//! checks contradict, whatever the error rate, which is what the decoder goes by
//! ([`Evolution::curve`]). For the program that makes the table of ensembles; nothing here is
//! needed to make a key.

pub use super::ldpc::Curve;

use super::ldpc::kernel::{LIMIT, ONE};
use crate::bound::binary_entropy;

/// Iterations within which an ensemble of the table decodes at its threshold.
pub const ITERATIONS: usize = 90;
/// What a syndrome has above an ensemble's threshold, in f, where its curve is fitted.
pub const MARGIN: f64 = 0.022;

/// Largest value of the grid; it runs from minus this on.
const MOST: usize = 127;
/// Values of the grid.
const GRID: usize = 2 * MOST + 1;
/// Error rate at which a code is taken as decoded.
const DECODED: f64 = 1e-6;
/// Relative progress of an iteration below which it is taken as stuck.
const STUCK: f64 = 5e-4;

/// Probabilities of −127 to 127.
type Density = [f64; GRID];

/// The prior that an error rate has in the decoder, in its steps: about four to a nat, so that a
/// message of the largest magnitude means the same at all rates.
pub fn prior_for(qber: f64) -> i8 {
    libm::round(4.1 * libm::log((1.0 - qber) / qber)) as i8
}

/// Degrees of columns, and which part of the columns has each.
pub type Degrees = [(usize, f64)];

/// An ensemble's decoder at work.
pub struct Evolution<'a> {
    degrees: &'a Degrees,
    qber: f64,
    prior: i8,
    /// For each iteration the part of checks that contradicted, and the weight.
    weights: Vec<(f64, f64)>,
}

impl<'a> Evolution<'a> {
    /// Of an ensemble at an error rate, the decoder's prior being `prior` steps.
    pub fn new(degrees: &'a Degrees, qber: f64, prior: i8) -> Evolution<'a> {
        Evolution { degrees, qber, prior, weights: Vec::new() }
    }

    /// Mean degree of a column.
    pub fn mean_degree(&self) -> f64 {
        self.degrees.iter().map(|(degree, part)| *degree as f64 * part).sum()
    }

    /// Iterations to decode with a syndrome of `f` times h(qber), or `None` if it takes more than
    /// `most` or stands still.
    pub fn run(&mut self, f: f64, most: usize) -> Option<usize> {
        let row = self.mean_degree() / (f * binary_entropy(self.qber));
        let nats = libm::log((1.0 - self.qber) / self.qber) / f64::from(self.prior);
        let mut prior = [0.0; GRID];
        prior[MOST + self.prior as usize] = 1.0 - self.qber;
        prior[MOST - self.prior as usize] = self.qber;
        let (mut to_checks, mut before) = (prior, 1.0);
        self.weights.clear();
        for iteration in 1..=most {
            let outputs = smallest_inputs(&to_checks, row);
            let wrong = wrong(&to_checks);
            let contradict = 0.5 - 0.5 * libm::pow(1.0 - 2.0 * wrong, row);
            let weight = fitted_weight(&outputs, nats);
            self.weights.push((contradict, weight));
            let to_bits = weighted(&outputs, weight);
            let errors;
            (to_checks, errors) = self.bits(&prior, &to_bits);
            if errors < DECODED {
                return Some(iteration);
            }
            if iteration > 7 && errors > before * (1.0 - STUCK) {
                return None;
            }
            before = errors;
        }
        None
    }

    /// The smallest f with which it decodes within `most` iterations, to a part in a thousand.
    pub fn threshold(&mut self, most: usize) -> f64 {
        let (mut fails, mut decodes) = (1.0, 1.6);
        while decodes - fails > 1e-3 {
            let middle = 0.5 * (fails + decodes);
            match self.run(middle, most) {
                Some(_) => decodes = middle,
                None => fails = middle,
            }
        }
        decodes
    }

    /// The curve of the decoder's weights, fitted by least squares to the iterations of the last
    /// run but the first, whose inputs are all the same.
    pub fn curve(&self) -> Curve {
        let (mut u2, mut u3, mut u4, mut uy, mut u2y) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (u, weight) in self.weights.iter().skip(1).filter(|(u, _)| *u > 0.005) {
            let y = f64::from(ONE) * (1.0 - weight);
            u2 += u * u;
            u3 += u * u * u;
            u4 += u * u * u * u;
            uy += u * y;
            u2y += u * u * y;
        }
        let determinant = u2 * u4 - u3 * u3;
        let linear = (uy * u4 - u2y * u3) / determinant;
        let square = (u2 * u2y - u3 * uy) / determinant;
        Curve { linear: libm::round(linear) as i32, square: libm::round(square) as i32 }
    }

    /// What bits send on to checks, and how many are wrong by all they know.
    fn bits(&self, prior: &Density, to_bits: &Density) -> (Density, f64) {
        let most = self.degrees.iter().map(|(degree, _)| *degree).max().unwrap_or(0);
        let mean = self.mean_degree();
        let (mut sum, mut to_checks, mut errors) = (*prior, [0.0; GRID], 0.0);
        for degree in 1..=most {
            let part: f64 =
                self.degrees.iter().filter(|d| d.0 == degree).map(|(_, part)| part).sum();
            let of_edges = degree as f64 * part / mean;
            to_checks.iter_mut().zip(&sum).for_each(|(to, s)| *to += of_edges * s);
            sum = saturating_sum(&sum, to_bits);
            errors += part * wrong(&sum);
        }
        let whole: f64 = to_checks.iter().sum();
        to_checks.iter_mut().for_each(|p| *p /= whole);
        (to_checks, errors)
    }
}

/// The part of a density that is wrong; of the undecided half.
fn wrong(density: &Density) -> f64 {
    density[..MOST].iter().sum::<f64>() + 0.5 * density[MOST]
}

/// The density of a saturating sum of a value and a check's message.
fn saturating_sum(a: &Density, b: &Density) -> Density {
    let mut exact = [0.0; 2 * GRID - 1];
    for (i, x) in a.iter().enumerate().filter(|(_, x)| **x > 0.0) {
        // Messages are limited: the rest of `b` is zero.
        let limited = &b[MOST - LIMIT as usize..=MOST + LIMIT as usize];
        let from = i + MOST - LIMIT as usize;
        exact[from..from + limited.len()].iter_mut().zip(limited).for_each(|(s, y)| *s += x * y);
    }
    let mut sum = [0.0; GRID];
    for (i, x) in exact.iter().enumerate() {
        sum[i.clamp(MOST, 3 * MOST) - MOST] += x;
    }
    sum
}

/// For each magnitude, the probability that it is a check's smallest input (its own left out) and
/// the output is right, and that it is and the output is wrong. Rows have one of the two whole
/// numbers of entries around `row`.
fn smallest_inputs(inputs: &Density, row: f64) -> Vec<(f64, f64)> {
    let short = libm::floor(row.max(2.01));
    let of_long = (row.max(2.01) - short) * (short + 1.0) / row.max(2.01);
    let mut at_least = vec![(0.0, 0.0); MOST + 2];
    let (mut right, mut wrong) = (0.0, 0.0);
    for x in (1..=MOST).rev() {
        right += inputs[MOST + x];
        wrong += inputs[MOST - x];
        let power = |base: f64| {
            let of_short = libm::pow(base, short - 1.0);
            of_short * (1.0 - of_long) + of_short * base * of_long
        };
        let (any, sign) = (power(right + wrong), power((right - wrong).max(0.0)));
        at_least[x] = (0.5 * (any + sign), 0.5 * (any - sign));
    }
    let exactly = |x: usize| {
        let (this, next) = (at_least[x], at_least[x + 1]);
        ((this.0 - next.0).max(0.0), (this.1 - next.1).max(0.0))
    };
    (0..=MOST).map(|x| if x == 0 { (0.0, 0.0) } else { exactly(x) }).collect()
}

/// The weight that makes magnitudes log-likelihood ratios, in steps of `nats`.
fn fitted_weight(outputs: &[(f64, f64)], nats: f64) -> f64 {
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, (right, wrong)) in outputs.iter().enumerate() {
        let probability = right + wrong;
        if probability > 1e-9 {
            let ratio = libm::log((right + 1e-30) / (wrong + 1e-30)) / nats;
            xx += probability * (x * x) as f64;
            xy += probability * x as f64 * ratio.clamp(0.0, MOST as f64);
        }
    }
    if xx > 0.0 { xy / xx } else { 1.0 }
}

/// The checks' messages: weighted, rounded and limited as the decoder does.
fn weighted(outputs: &[(f64, f64)], weight: f64) -> Density {
    let mut messages = [0.0; GRID];
    let mut decided = 0.0;
    for (x, (right, wrong)) in outputs.iter().enumerate() {
        let magnitude = libm::round(weight * x as f64).clamp(0.0, f64::from(LIMIT)) as usize;
        if magnitude > 0 {
            messages[MOST + magnitude] += right;
            messages[MOST - magnitude] += wrong;
            decided += right + wrong;
        }
    }
    messages[MOST] = (1.0 - decided).max(0.0);
    messages
}

#[cfg(test)]
mod tests;
