//! Sums along all straight lines through a stack of correlations, and the best of them.

use super::super::significance::ln_poisson_tail;

/// Cells of which a line is looked at together. The mean is taken over an eighth, so that rates
/// that change within many bins lift no peak above their surroundings.
pub(super) const BLOCK: usize = 2048;
const PART: usize = 256;
/// Cells to each side that a signal smeared over three cells reaches.
const NEIGHBOURS: usize = 4;

/// The best line of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    pub ln_chance: f64,
    /// Bins by which the line leans over the whole stack.
    pub line: i64,
    /// The cell at which it begins; the next one belongs to it as well.
    pub at: usize,
}

/// Buffers for a stack of `segments` correlations.
pub(super) struct Lines {
    segments: usize,
    width: usize,
    now: Vec<f32>,
    next: Vec<f32>,
}

impl Lines {
    pub fn new(segments: usize) -> Lines {
        let width = BLOCK + 2 * segments + 1;
        // Two leaves have five lines, and it gets no more of them.
        let room = 5 * segments.div_ceil(2) * width;
        Lines { segments, width, now: vec![0.0; room], next: vec![0.0; room] }
    }

    /// The best line that begins in `BLOCK` cells from `block + segments` on; rows of `leaves` have
    /// `stride` cells.
    pub fn best(&mut self, leaves: &[f32], stride: usize, block: usize) -> Peak {
        let width = self.width;
        let mut length = 1;
        let leaf = |j: usize| &leaves[j * stride + block..j * stride + block + width];
        while length < self.segments {
            let (parent, lines) = (2 * length, 4 * length + 1);
            for (group, rows) in
                self.next.chunks_mut(lines * width).take(self.segments / parent).enumerate()
            {
                for (row, out) in rows.chunks_exact_mut(width).enumerate() {
                    // A line from 0 to v is one from 0 to ⌊v/2⌋ and one from there to v.
                    let v = row as i64 - parent as i64;
                    let (half, rest) = (v.div_euclid(2), v - v.div_euclid(2));
                    let child = |g: usize, v: i64| {
                        let row = (v + length as i64) as usize;
                        let begin = (g * (2 * length + 1) + row) * width;
                        &self.now[begin..begin + width]
                    };
                    let (left, right) = match length {
                        1 => (leaf(2 * group), leaf(2 * group + 1)),
                        _ => (child(2 * group, half), child(2 * group + 1, rest)),
                    };
                    add_shifted(out, left, right, half);
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
            length = parent;
        }
        let mut best = Peak { ln_chance: 0.0, line: 0, at: 0 };
        for (row, line) in self.now.chunks_exact(width).take(2 * self.segments + 1).enumerate() {
            let inner = &line[self.segments..self.segments + BLOCK + 1];
            let (ln_chance, at) = peak(inner);
            if ln_chance < best.ln_chance {
                best = Peak { ln_chance, line: row as i64 - self.segments as i64, at };
            }
        }
        best
    }
}

/// Cells that a shift pushes out lie in the margins, which no line of the block reaches.
fn add_shifted(out: &mut [f32], left: &[f32], right: &[f32], shift: i64) {
    let (by, n) = (shift.unsigned_abs() as usize, out.len());
    let (from, to) = if shift >= 0 { (0, n - by) } else { (by, n) };
    let right = if shift >= 0 { &right[by..] } else { &right[..n - by] };
    out[..from].copy_from_slice(&left[..from]);
    out[to..].copy_from_slice(&left[to..]);
    for ((out, l), r) in out[from..to].iter_mut().zip(&left[from..to]).zip(right) {
        *out = l + r;
    }
}

/// ln of the chance of the largest sum of two neighbours, and where it begins. A signal lies in two
/// neighbouring cells, whatever its place in them.
fn peak(cells: &[f32]) -> (f64, usize) {
    let (mut chance, mut at) = (0.0, 0);
    for begin in (0..cells.len() - 1).step_by(PART) {
        let end = (begin + PART).min(cells.len() - 1);
        let (left, right) = (&cells[begin..end], &cells[begin + 1..end + 1]);
        let (mut tops, mut sums) = ([0.0f32; 8], [0.0f32; 8]);
        for (l, r) in left.chunks_exact(8).zip(right.chunks_exact(8)) {
            for i in 0..8 {
                let sum = l[i] + r[i];
                tops[i] = if sum > tops[i] { sum } else { tops[i] };
                sums[i] += sum;
            }
        }
        let count = (left.len() / 8 * 8) as f64;
        let top = tops.into_iter().fold(0.0, f32::max);
        let all = sums.into_iter().map(f64::from).sum::<f64>() / count.max(1.0);
        // Nothing that stands out by less than three standard deviations is looked at.
        if f64::from(top) < all + 3.0 * all.max(0.5).sqrt() {
            continue;
        }
        // What surrounds the peak, without what the signal lends its neighbours.
        let place = (begin..end).find(|i| cells[*i] + cells[i + 1] >= top).unwrap_or(begin);
        let outside = (begin..end).filter(|i| i.abs_diff(place) > NEIGHBOURS);
        let (mut others, mut sum, mut square) = (0.0, 0.0, 0.0);
        for i in outside {
            let above = f64::from(cells[i] + cells[i + 1]) - all;
            others += 1.0;
            sum += above;
            square += above * above;
        }
        let top = f64::from(top);
        let mean = (all + sum / others).max(2.0 / others);
        let variance = square / others - (sum / others) * (sum / others);
        // Clicks that come in bunches vary more than a Poissonian count: count bunches. Some
        // excess is chance, as a variance from 256 sums has an error of a tenth.
        let excess = if variance > 1.3 * mean { variance / mean } else { 1.0 };
        let ln = ln_poisson_tail(top / excess, mean / excess);
        if ln < chance {
            chance = ln;
            at = place;
        }
    }
    (chance, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line through the stack is found with nearly all that lies on it.
    #[test]
    fn every_line_is_found() {
        for segments in [2usize, 4, 16, 64] {
            let width = BLOCK + 2 * segments + 2;
            let mut lines = Lines::new(segments);
            for v in [-(segments as i64), -1, 0, 1, segments as i64 / 3, segments as i64] {
                for begin in [0, 700, BLOCK - 2] {
                    let mut leaves = vec![1.0f32; segments * width];
                    for j in 0..segments {
                        let shift = v as f64 * j as f64 / segments as f64;
                        let cell = (segments + begin) as f64 + shift;
                        leaves[j * width + cell.round() as usize] += 10.0;
                    }
                    let peak = lines.best(&leaves, width, 0);
                    let mean = 2.0 * segments as f64;
                    let whole = ln_poisson_tail(10.0 * segments as f64 + mean, mean);
                    assert!(
                        peak.ln_chance < 0.6 * whole,
                        "{segments} {v} {begin} {peak:?} {whole}"
                    );
                    assert!((peak.line - v).abs() <= 2, "{segments} {v} {begin} {peak:?}");
                    assert!(peak.at.abs_diff(begin) <= 2, "{segments} {v} {begin} {peak:?}");
                }
            }
        }
    }
}
