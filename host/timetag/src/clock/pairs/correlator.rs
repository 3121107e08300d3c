//! Cross-correlation of two click lists over all offsets and frequencies.
//!
//! Alice's clicks are cut into segments, so short that no frequency in the range moves a delay by
//! more than a bin within one. Each is correlated with Bob's clicks by Fourier transforms, or
//! directly where clicks are few. A frequency moves the peak from segment to segment along a
//! straight line; sums along all lines share their halves, as in the search for dispersed pulses of
//! pulsars (Taylor, Astron. Astrophys. Suppl. 15, 367 (1974)). Unlike a correlation folded into a
//! short circle (Ho, Lamas-Linares and Kurtsiefer, New J. Phys. 11, 045011 (2009)), only clicks
//! within the range of offsets make pairs by chance.

use std::ops::Range;
use std::sync::Arc;

use helio_fourier::{Complex, ComplexToReal, RealToComplex};

use super::lines::{BLOCK, Lines, Peak};

/// The best place of a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Bob less Alice at the reference, in ps; right to 2.5 bins.
    pub delay_ps: f64,
    /// Bob's frequency, a pure number; right to 2.5 bins over the span.
    pub frequency: f64,
    /// ln of the chance that noise makes it in one place.
    pub ln_chance: f64,
}

/// Both lists and the point in the middle of Alice's.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a> {
    pub a: &'a [i64],
    pub b: &'a [i64],
    pub reference_ps: i64,
}

/// How finely offsets and frequencies are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// A power of two. Frequencies from −segments to +segments bins over the span are tried.
    pub segments: usize,
    pub bin_ps: f64,
    /// Offsets lie within ± this many bins at the first click.
    pub side_bins: usize,
}

/// Cells of a transform.
const LENGTH: usize = 1 << 16;

struct Transform {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    spectra: [Vec<Complex<f32>>; 2],
    cells: Vec<f32>,
    scratch: Vec<Complex<f32>>,
}

impl Transform {
    fn new() -> Transform {
        let (forward, back) = helio_fourier::real(LENGTH);
        let scratch = forward.get_scratch_len().max(back.get_scratch_len());
        Transform {
            spectra: [forward.make_output_vec(), forward.make_output_vec()],
            cells: forward.make_input_vec(),
            scratch: vec![Complex::default(); scratch],
            forward,
            back,
        }
    }

    fn spectrum(&mut self, which: usize, clicks: &[i64], begin_ps: f64, bin_ps: f64) {
        self.cells.fill(0.0);
        let inverse = 1.0 / bin_ps;
        for &click in clicks {
            let cell = ((click as f64 - begin_ps) * inverse) as usize;
            self.cells[cell.min(LENGTH - 1)] += 1.0;
        }
        let (cells, spectrum) = (&mut self.cells, &mut self.spectra[which]);
        let done = self.forward.process_with_scratch(cells, spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "the lengths are the plan's");
    }

    /// Adds the correlation of both spectra to `out`.
    fn correlate(&mut self, out: &mut [f32]) {
        let [a, b] = &mut self.spectra;
        let scale = 1.0 / LENGTH as f32;
        b.iter_mut().zip(a).for_each(|(b, a)| *b *= a.conj() * scale);
        if let Some(last) = b.last_mut() {
            last.im = 0.0;
        }
        b[0].im = 0.0;
        let done = self.back.process_with_scratch(b, &mut self.cells, &mut self.scratch);
        debug_assert!(done.is_ok(), "the lengths are the plan's");
        out.iter_mut().zip(&self.cells).for_each(|(out, cell)| *out += cell);
    }
}

/// The best of all offsets and frequencies of a level.
pub(super) fn scan(lists: Lists<'_>, level: Level) -> Option<Candidate> {
    let (&first, &last) = (lists.a.first()?, lists.a.last()?);
    let (segments, bin) = (level.segments, level.bin_ps);
    let segment_ps = ((last - first) as f64 / segments as f64).max(1.0);
    let mut transform = Transform::new();
    let mut lines = Lines::new(segments);
    // A quarter of a transform is left to Alice's clicks, the rest are offsets.
    let piece_bins = LENGTH / 4;
    let chunk = LENGTH - piece_bins - 2 * segments - 2;
    let chunk = chunk / BLOCK * BLOCK;
    let width = chunk + 2 * segments + 2;
    let mut leaves = vec![0.0f32; segments * width];
    let mut best: Option<(i64, Peak)> = None;
    let mut begin = -(level.side_bins as i64);
    while begin <= level.side_bins as i64 {
        // With room for a line to lean to either side.
        let origin_ps = (begin - segments as i64) as f64 * bin;
        leaves.fill(0.0);
        for (j, leaf) in leaves.chunks_exact_mut(width).enumerate() {
            let from = first as f64 + j as f64 * segment_ps;
            let to = if j + 1 == segments { last as f64 + 1.0 } else { from + segment_ps };
            let pieces = ((to - from) / (piece_bins as f64 * bin)).ceil().max(1.0) as usize;
            let piece_ps = (to - from) / pieces as f64;
            for piece in 0..pieces {
                let from = from + piece as f64 * piece_ps;
                let a = &lists.a[within(lists.a, from, from + piece_ps)];
                if a.is_empty() {
                    continue;
                }
                let start = from + origin_ps;
                let b = &lists.b[within(lists.b, start, start + piece_ps + width as f64 * bin)];
                if (a.len() as f64) * (b.len() as f64) < 6.0 * LENGTH as f64 {
                    directly(a, b, origin_ps, bin, leaf);
                } else {
                    transform.spectrum(0, a, from, bin);
                    transform.spectrum(1, b, start, bin);
                    transform.correlate(leaf);
                }
            }
        }
        for block in (0..chunk).step_by(BLOCK) {
            let peak = lines.best(&leaves, width, block);
            if best.is_none_or(|(_, b)| peak.ln_chance < b.ln_chance) {
                best = Some((begin + block as i64, peak));
            }
        }
        begin += chunk as i64;
    }
    let (cell, Peak { ln_chance, line, at }) = best?;
    // The line begins at the first segment's middle; the reference is the middle of all.
    let lean = line as f64 * (segments as f64 - 1.0) / (2 * segments) as f64;
    Some(Candidate {
        delay_ps: ((cell + at as i64) as f64 + 0.75 + lean) * bin,
        frequency: line as f64 * bin / (segments as f64 * segment_ps),
        ln_chance,
    })
}

/// The clicks with from ≤ time < to.
fn within(clicks: &[i64], from: f64, to: f64) -> Range<usize> {
    let begin = clicks.partition_point(|t| (*t as f64) < from);
    begin..begin + clicks[begin..].partition_point(|t| (*t as f64) < to)
}

fn directly(a: &[i64], b: &[i64], origin_ps: f64, bin: f64, leaf: &mut [f32]) {
    let (mut from, inverse) = (0, 1.0 / bin);
    let reach = leaf.len() as f64 * bin;
    for &a in a {
        let begin = a as f64 + origin_ps;
        while from < b.len() && (b[from] as f64) < begin {
            from += 1;
        }
        for &b in &b[from..] {
            let delay = b as f64 - begin;
            if delay >= reach {
                break;
            }
            leaf[(delay * inverse) as usize] += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::synthetic::Dice;
    use super::*;

    #[test]
    fn the_peak_is_where_most_pairs_are() {
        let mut dice = Dice::new(3);
        for (clicks, segments) in [(300, 4), (300, 16), (20_000, 8)] {
            let mut a: Vec<i64> = (0..clicks).map(|_| (dice.uniform() * 1e12) as i64).collect();
            a.sort_unstable();
            for (delay, ppm) in [(-7e11, 20), (-1e3, -50), (0.0, 0), (1.3e7, 50), (6.5e11, 7)] {
                let b: Vec<i64> = a
                    .iter()
                    .map(|t| t + delay as i64 + (t - 500_000_000_000) / 1_000_000 * ppm)
                    .collect();
                let lists = Lists { a: &a, b: &b, reference_ps: 500_000_000_000 };
                let bin_ps = 50e-6 * 1e12 / segments as f64;
                let side_bins = (1.01e12 / bin_ps) as usize;
                let found = scan(lists, Level { segments, bin_ps, side_bins }).unwrap();
                let wrong = (found.delay_ps - delay) / bin_ps;
                assert!(wrong.abs() <= 2.5, "{segments} {delay} {ppm}: {wrong} {found:?}");
                let wrong = (found.frequency - 1e-6 * f64::from(ppm as i32)) / (bin_ps * 1e-12);
                assert!(wrong.abs() <= 2.5, "{segments} {delay} {ppm}: {wrong} {found:?}");
                assert!(found.ln_chance < -100.0, "{found:?}");
            }
        }
    }
}
