//! Cross-correlation of two click lists over all offsets at once, for one frequency after another.
//!
//! Times are folded into a circle longer than the range of offsets, so that a transform's length
//! depends on range and bin but not on the span (Ho, Lamas-Linares and Kurtsiefer, New J. Phys. 11,
//! 045011 (2009)).

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::super::significance::ln_poisson_tail;

/// Rates that change more slowly than this, in ps, do not lift the correlation: mains light
/// flickers at 100 Hz.
const SLOWEST_PS: f64 = 5e9;

/// The best place of a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Bob less Alice, on Alice's scale, at the reference, in ps; right to 1.5 bins.
    pub delay_ps: f64,
    /// Bob's frequency, a pure number; right to half a step.
    pub frequency: f64,
    /// ln of the chance that noise makes it in one place.
    pub ln_chance: f64,
}

/// Both lists, in ps from a common reference.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a> {
    pub a: &'a [i64],
    pub b: &'a [i64],
    pub reference_ps: i64,
}

pub(super) struct Correlator<'a> {
    lists: Lists<'a>,
    bin_ps: f64,
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    spectrum_a: Vec<Complex<f32>>,
    spectrum: Vec<Complex<f32>>,
    cells: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    slow: usize,
}

impl<'a> Correlator<'a> {
    /// A length of transform with a bin of at most `bin_ps` for delays within ±`range_ps`: 2ⁿ or
    /// 3 · 2ⁿ.
    pub fn length(range_ps: f64, bin_ps: f64) -> usize {
        let least = (2.0 * range_ps / bin_ps + 4.0).max(64.0) as usize;
        let (two, three) = (least.next_power_of_two(), 3 * least.div_ceil(3).next_power_of_two());
        two.min(three)
    }

    pub fn new(
        planner: &mut RealFftPlanner<f32>,
        lists: Lists<'a>,
        range_ps: f64,
        bin_ps: f64,
    ) -> Correlator<'a> {
        let length = Correlator::length(range_ps, bin_ps);
        let (forward, back) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        let scratch = forward.get_scratch_len().max(back.get_scratch_len());
        let slow = (length as f64 * bin_ps / SLOWEST_PS) as usize;
        let mut new = Correlator {
            lists,
            bin_ps,
            spectrum_a: forward.make_output_vec(),
            spectrum: forward.make_output_vec(),
            cells: forward.make_input_vec(),
            scratch: vec![Complex::default(); scratch],
            slow: slow.min(length / 64),
            forward,
            back,
        };
        new.fold(new.lists.a, 0.0);
        new.transform();
        std::mem::swap(&mut new.spectrum, &mut new.spectrum_a);
        new
    }

    /// The best of all delays within `centre` ± `reach` (ps) at one frequency.
    pub fn scan(&mut self, frequency: f64, centre_ps: f64, reach_ps: f64) -> Candidate {
        self.fold(self.lists.b, frequency);
        self.transform();
        for (b, a) in self.spectrum.iter_mut().zip(&self.spectrum_a) {
            *b *= a.conj();
        }
        // What is slow, and the sum of all, is no peak.
        self.spectrum[..=self.slow].fill(Complex::default());
        if let Some(last) = self.spectrum.last_mut() {
            last.im = 0.0;
        }
        let length = self.cells.len();
        let done =
            self.back.process_with_scratch(&mut self.spectrum, &mut self.cells, &mut self.scratch);
        debug_assert!(done.is_ok(), "the lengths are the plan's");

        // A signal lies in two neighbouring bins, whatever its place in them.
        let reach = ((reach_ps / self.bin_ps).ceil() as i64).clamp(1, length as i64 / 2 - 1);
        let middle = (centre_ps / self.bin_ps).floor() as i64;
        let (mut best, mut at, mut squares) = (f32::NEG_INFINITY, 0, 0.0);
        let mut taken = middle - reach;
        while taken < middle + reach {
            // Runs without the circle's seam, which the compiler can make into vectors.
            let first = taken.rem_euclid(length as i64) as usize;
            let run = ((middle + reach - taken) as usize).min(length - 1 - first).max(1);
            if first == length - 1 {
                let sum = self.cells[first] + self.cells[0];
                squares += f64::from(sum * sum);
                if sum > best {
                    (best, at) = (sum, taken);
                }
            } else {
                let (top, place, sum) = best_pair(&self.cells[first..=first + run]);
                squares += sum;
                if top > best {
                    (best, at) = (top, taken + place as i64);
                }
            }
            taken += run as i64;
        }
        let scale = 1.0 / length as f64;
        let pairs = self.lists.a.len() as f64 * self.lists.b.len() as f64;
        let mean = 2.0 * pairs * scale;
        let variance = squares * scale * scale / (2 * reach) as f64;
        // Clicks that come in bunches vary more than a Poissonian count: count bunches.
        let excess = (variance / mean).max(1.0);
        let peak = f64::from(best) * scale;
        Candidate {
            delay_ps: (at as f64 + 0.5) * self.bin_ps,
            frequency,
            ln_chance: ln_poisson_tail((peak + mean) / excess, mean / excess),
        }
    }

    fn fold(&mut self, clicks: &[i64], frequency: f64) {
        let length = self.cells.len();
        let turns = 1.0 / ((1.0 + frequency) * self.bin_ps * length as f64);
        self.cells.fill(0.0);
        for &click in clicks {
            let turn = (click - self.lists.reference_ps) as f64 * turns;
            let cell = ((turn - turn.floor()) * length as f64) as usize;
            self.cells[cell.min(length - 1)] += 1.0;
        }
    }

    fn transform(&mut self) {
        let done = self.forward.process_with_scratch(
            &mut self.cells,
            &mut self.spectrum,
            &mut self.scratch,
        );
        debug_assert!(done.is_ok(), "the lengths are the plan's");
    }
}

/// Largest sum of two neighbours, where it begins, and the sum of the squares of all.
fn best_pair(cells: &[f32]) -> (f32, usize, f64) {
    const BLOCK: usize = 1024;
    let (mut best, mut block_of_best, mut squares) = (f32::NEG_INFINITY, 0, 0.0);
    let pairs = cells.len() - 1;
    for begin in (0..pairs).step_by(BLOCK) {
        let end = (begin + BLOCK).min(pairs);
        let (left, right) = (&cells[begin..end], &cells[begin + 1..end + 1]);
        let (mut tops, mut sums) = ([f32::NEG_INFINITY; 8], [0.0f32; 8]);
        let (left8, right8) = (left.chunks_exact(8), right.chunks_exact(8));
        let rest = left8.remainder().iter().zip(right8.remainder());
        for (l, r) in left8.zip(right8) {
            for i in 0..8 {
                let sum = l[i] + r[i];
                tops[i] = if sum > tops[i] { sum } else { tops[i] };
                sums[i] += sum * sum;
            }
        }
        for (i, (l, r)) in rest.enumerate() {
            tops[i] = tops[i].max(l + r);
            sums[i] += (l + r) * (l + r);
        }
        let top = tops.into_iter().fold(f32::NEG_INFINITY, f32::max);
        squares += sums.into_iter().map(f64::from).sum::<f64>();
        if top > best {
            (best, block_of_best) = (top, begin);
        }
    }
    let end = (block_of_best + BLOCK).min(pairs);
    let place = (block_of_best..end).find(|&i| cells[i] + cells[i + 1] == best);
    (best, place.unwrap_or(block_of_best), squares)
}

#[cfg(test)]
mod tests {
    use super::super::super::synthetic::Dice;
    use super::*;

    /// Against the sum over all pairs of clicks.
    #[test]
    fn the_peak_is_where_most_pairs_are() {
        let mut dice = Dice::new(3);
        let a: Vec<i64> = (0..500).map(|_| (dice.uniform() * 1e12) as i64).collect();
        for delay in [-700_000_000_000i64, -1_000, 0, 13_000_000, 650_000_000_000] {
            let b: Vec<i64> = a.iter().map(|t| t + delay + (t / 1_000_000) * 20).collect();
            let lists = Lists { a: &a, b: &b, reference_ps: 0 };
            let mut correlator =
                Correlator::new(&mut RealFftPlanner::new(), lists, 1.2e12, 10_000_000.0);
            let found = correlator.scan(2e-5, 0.0, 1.1e12);
            let truth = delay as f64 / (1.0 + 2e-5);
            assert!((found.delay_ps - truth).abs() <= 15_000_000.0, "{delay} {found:?}");
            assert!(found.ln_chance < -100.0, "{found:?}");
            let wrong = correlator.scan(-3e-5, 0.0, 1.1e12);
            assert!(wrong.ln_chance > found.ln_chance / 2.0, "{wrong:?}");
        }
    }

    #[test]
    fn lengths_hold_the_range() {
        for (range, bin) in [(1e12, 1e6), (1e9, 1e6), (1.0, 1.0)] {
            let length = Correlator::length(range, bin);
            assert!(length as f64 * bin >= 2.0 * range && length.is_multiple_of(2));
        }
    }
}
