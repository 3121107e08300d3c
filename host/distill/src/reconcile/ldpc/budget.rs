//! What the blind rounds may disclose: the price of the block's average frame, not of its worst.
//!
//! A frame needs rows of checks; the core has room for all but [`FAILURE`] of them. Frames that
//! fail disclose the extension in [`steps`], and at its end themselves. The need is taken as
//! Gaussian about its mean, with the deviation that the number of errors of a frame has by chance,
//! [`SPREAD`] times, for what the decoder adds to it. The frames are independent, so what the
//! block discloses beyond the cores is close to a compound Poisson number, whose distribution is
//! computed by Panjer's recursion (ASTIN Bulletin 12, 22 (1981)). The budget is its quantile at
//! 1 − [`EXCEEDED`].

use super::code::Shape;

/// Frames that do not decode with the core, at most, where the plan's error rate is the true one.
pub const FAILURE: f64 = 0.01;
/// Where a Gaussian exceeds its mean with probability [`FAILURE`], in standard deviations.
const FAILURE_AT: f64 = 2.326;
/// Deviation of a frame's need over that of its number of errors.
const SPREAD: f64 = 1.3;
/// Frames that fail for other reasons than their number of errors.
const FLOOR: f64 = 1e-6;
/// Blocks that exceed their budget, at most, where the plan's error rate is the true one.
const EXCEEDED: f64 = 1e-3;
/// Blind rounds in which a frame discloses a part of the extension.
pub const ROUNDS: usize = 5;
/// Round trips at most: the verdicts on the core, on each blind round, and on frames in full.
pub const ROUND_TRIPS: u32 = ROUNDS as u32 + 2;

/// The rows of checks that a frame has disclosed after each blind round, beyond the core.
pub fn steps(shape: Shape) -> [usize; ROUNDS] {
    let extension = shape.all_rows() - shape.rows;
    [1, 2, 4, 8, 14].map(|part| (extension * part).div_ceil(14))
}

/// What the budget depends on.
pub struct Budget {
    /// Frames of the block.
    pub frames: u64,
    /// Their code.
    pub shape: Shape,
    /// Bits of the longest frame.
    pub frame_bits: u64,
    /// One row more, in standard deviations of a frame's number of errors.
    pub row_in_deviations: f64,
}

impl Budget {
    /// Rows of checks beyond the cores, each charged with a verdict.
    pub fn rows(&self) -> u64 {
        let disclosed = self.disclosed();
        let mean = self.frames as f64 * FAILURE;
        // The recursion; `weighted` is rows times their probability in one failing frame.
        let weighted: Vec<(usize, f64)> =
            disclosed.iter().map(|(rows, part)| (*rows, *rows as f64 * part)).collect();
        let mut density = vec![libm::exp(-mean)];
        let mut below = density[0];
        while below < 1.0 - EXCEEDED {
            let rows = density.len();
            let terms = weighted.iter().filter(|(of_frame, _)| *of_frame <= rows);
            let sum: f64 = terms.map(|(of_frame, w)| w * density[rows - of_frame]).sum();
            let next = mean / rows as f64 * sum;
            density.push(next);
            below += next;
        }
        density.len() as u64 - 1
    }

    /// Rows that a frame which failed discloses in the end, and the part of such frames. A frame
    /// in full costs its bits in place of its checks, not on top of them.
    fn disclosed(&self) -> Vec<(usize, f64)> {
        let steps = steps(self.shape);
        let z = self.shape.z as u64;
        let in_full = self.frame_bits.saturating_sub(self.shape.rows as u64 * z).div_ceil(z + 1);
        let last = steps[ROUNDS - 1].max(in_full as usize + ROUNDS);
        let mut left = 1.0;
        let mut parts = Vec::with_capacity(ROUNDS + 1);
        for rows in steps {
            let beyond = FAILURE_AT + rows as f64 * self.row_in_deviations / SPREAD;
            let fails = (upper_tail(beyond) + FLOOR) / (FAILURE + FLOOR);
            parts.push((rows, left - fails));
            left = fails;
        }
        parts.push((last, left));
        parts
    }
}

/// The probability that a Gaussian exceeds its mean by this many standard deviations.
fn upper_tail(deviations: f64) -> f64 {
    0.5 * libm::erfc(deviations * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests;
