//! The parity-check matrix: circulants of size Z in a sparse base matrix.
//!
//! Column `j` of the base matrix has an entry (row, shift) for each circulant: check `i` of that
//! row checks bit `(i + shift) mod Z` of the column. Most columns have 3 entries, the first few
//! have 11: at the high rates of key distribution codes of column weight 3 alone
//! pay 1.35 to 1.7 times the Shannon limit, and a share of heavy columns brings that to about 1.2
//! (density evolution of the decoder used here).
//!
//! Rows and shifts are drawn by a fixed generator, rows evenly, shifts so that no cycle of length
//! 4 closes while residues last. Both stations compute the same matrix; nothing is loaded.

use crate::reconcile::draw::Draw;

/// Entries of a light column.
pub const LIGHT: usize = 3;
/// Entries of a heavy column; a base matrix has at least as many rows.
pub const HEAVY: usize = 11;

/// The shape of a code, from which everything else follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Size of a circulant, a multiple of 64.
    pub z: usize,
    /// Rows of the base matrix, at least [`HEAVY`].
    pub rows: usize,
    /// Columns of the base matrix.
    pub columns: usize,
    /// How many of the columns, the first ones, are heavy.
    pub heavy: usize,
}

/// One circulant of a row.
#[derive(Clone, Copy, Debug)]
pub struct Circulant {
    /// The column it stands in.
    pub column: usize,
    /// Its shift, below Z.
    pub shift: usize,
}

/// A quasi-cyclic code.
pub struct QcCode {
    shape: Shape,
    rows: Vec<Vec<Circulant>>,
}

impl QcCode {
    /// Draws the code of a shape.
    pub fn new(shape: Shape) -> QcCode {
        let mut search = Search::new(shape);
        (0..shape.columns).for_each(|j| search.add_column(j));
        QcCode { shape, rows: search.rows }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The circulants of each row.
    pub fn rows(&self) -> &[Vec<Circulant>] {
        &self.rows
    }

    /// Words of a frame.
    pub fn frame_words(&self) -> usize {
        self.shape.columns * self.shape.z / 64
    }

    /// Words of a syndrome.
    pub fn syndrome_words(&self) -> usize {
        self.shape.rows * self.shape.z / 64
    }

    /// The syndrome of a frame of [`frame_words`](Self::frame_words), row after row.
    pub fn syndrome(&self, frame: &[u64]) -> Vec<u64> {
        let width = self.shape.z / 64;
        let mut syndrome = vec![0; self.syndrome_words()];
        for (row, out) in self.rows.iter().zip(syndrome.chunks_mut(width)) {
            for circulant in row {
                add_rotated(&frame[circulant.column * width..][..width], circulant.shift, out);
            }
        }
        syndrome
    }
}

/// Adds bit `(i + shift) mod Z` of `column` to bit `i` of `out`.
fn add_rotated(column: &[u64], shift: usize, out: &mut [u64]) {
    let (at, bits) = (shift / 64, shift % 64);
    let (head, tail) = (column[..at].iter(), column[at..].iter());
    let low = tail.clone().chain(head.clone());
    if bits == 0 {
        out.iter_mut().zip(low).for_each(|(o, l)| *o ^= l);
    } else {
        let high = tail.chain(head).chain(&column[at..at + 1]).skip(1);
        let words = low.zip(high).map(|(l, h)| l >> bits | h << (64 - bits));
        out.iter_mut().zip(words).for_each(|(o, w)| *o ^= w);
    }
}

struct Search {
    shape: Shape,
    draw: Draw,
    rows: Vec<Vec<Circulant>>,
    /// For each pair of rows, which differences of shifts a column has taken: a second column with
    /// the same difference would close a 4-cycle.
    taken: Vec<bool>,
}

impl Search {
    fn new(shape: Shape) -> Search {
        let seed = [shape.z, shape.rows, shape.columns, shape.heavy]
            .iter()
            .fold(0, |seed: u64, &x| seed.wrapping_mul(0x1_0000_01b3) ^ x as u64);
        let taken = vec![false; shape.rows * shape.rows * shape.z];
        Search { shape, draw: Draw::new(seed), rows: vec![Vec::new(); shape.rows], taken }
    }

    fn add_column(&mut self, column: usize) {
        let weight = if column < self.shape.heavy { HEAVY } else { LIGHT };
        // The emptiest rows, in random order among equals.
        let mut order: Vec<(usize, u64, usize)> =
            (0..self.shape.rows).map(|row| (self.rows[row].len(), self.draw.next(), row)).collect();
        order.sort_unstable();
        let mut entries: Vec<(usize, usize)> = Vec::with_capacity(weight);
        for &(_, _, row) in &order[..weight] {
            let shift = if entries.is_empty() { 0 } else { self.pick_shift(row, &entries) };
            for &(other, other_shift) in &entries {
                let at = self.difference(row, shift, other, other_shift);
                self.taken[at] = true;
            }
            entries.push((row, shift));
            self.rows[row].push(Circulant { column, shift });
        }
    }

    /// The shift that closes the fewest 4-cycles, the first found from a random one on.
    fn pick_shift(&mut self, row: usize, entries: &[(usize, usize)]) -> usize {
        let z = self.shape.z;
        let start = self.draw.below(z as u64) as usize;
        let cycles = |shift| {
            let closes = |e: &&(usize, usize)| self.taken[self.difference(row, shift, e.0, e.1)];
            entries.iter().filter(closes).count()
        };
        let mut best = (usize::MAX, 0);
        for shift in (start..z).chain(0..start) {
            best = best.min((cycles(shift), shift));
            if best.0 == 0 {
                break;
            }
        }
        best.1
    }

    /// Where `taken` keeps a difference of shifts, the same for both orders of the rows.
    fn difference(&self, row: usize, shift: usize, other: usize, other_shift: usize) -> usize {
        let z = self.shape.z;
        let (low, high, difference) = match row < other {
            true => (row, other, shift + z - other_shift),
            false => (other, row, other_shift + z - shift),
        };
        (low * self.shape.rows + high) * z + difference % z
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(z: usize, rows: usize, columns: usize, heavy: usize) -> Shape {
        Shape { z, rows, columns, heavy }
    }

    #[test]
    fn no_cycle_of_four_and_even_rows() {
        for shape in [shape(448, 25, 141, 30), shape(1216, 24, 53, 6), shape(128, 32, 700, 220)] {
            let code = QcCode::new(shape);
            let z = shape.z;
            let dense = |row: &[Circulant]| {
                let mut shifts = vec![None; shape.columns];
                row.iter().for_each(|c| assert!(shifts[c.column].replace(c.shift).is_none()));
                shifts
            };
            let rows: Vec<_> = code.rows().iter().map(|row| dense(row)).collect();
            for a in 0..shape.rows {
                for b in 0..a {
                    let pairs = rows[a].iter().zip(&rows[b]);
                    let mut differences: Vec<usize> =
                        pairs.filter_map(|(x, y)| Some(((*x)? + z - (*y)?) % z)).collect();
                    differences.sort_unstable();
                    assert!(differences.windows(2).all(|w| w[0] != w[1]), "{shape:?}: {a}, {b}");
                }
            }
            let degrees: Vec<usize> = code.rows().iter().map(Vec::len).collect();
            assert_eq!(degrees.iter().sum::<usize>(), 3 * shape.columns + 8 * shape.heavy);
            let (min, max) = (degrees.iter().min(), degrees.iter().max());
            assert!(max.unwrap() - min.unwrap() <= 1, "{degrees:?}");
        }
    }

    #[test]
    fn the_syndrome_is_the_sum_of_the_shifted_columns() {
        let code = QcCode::new(shape(192, 12, 30, 5));
        let frame: Vec<u64> = (0..code.frame_words() as u64)
            .map(|i| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .collect();
        let bit = |words: &[u64], i: usize| words[i / 64] >> (i % 64) & 1;
        let syndrome = code.syndrome(&frame);
        for (r, row) in code.rows().iter().enumerate() {
            for i in 0..192 {
                let sum = row
                    .iter()
                    .fold(0, |acc, c| acc ^ bit(&frame, c.column * 192 + (i + c.shift) % 192));
                assert_eq!(bit(&syndrome, r * 192 + i), sum);
            }
        }
    }
}
