//! The parity-check matrix: circulants of size Z in a sparse base matrix.
//!
//! Column `j` of the base matrix has an entry (row, shift) for each circulant. Checks and bits are
//! numbered by word and place in the word, and a shift turns each by itself: check 64·w + l of the
//! row checks bit 64·((w + shift / 64) mod Z/64) + (l + shift) mod 64 of the column ([`plus`]). The lifting
//! group is that of these pairs instead of the integers mod Z. Cycles of the graph close by the same
//! rules, sums of shifts in a commutative group, and a word of checks meets whole words of bits.
//! The columns' degrees are those of an [`Ensemble`]; the first rows are the *core*, whose checks every
//! frame discloses, the others the *extension*, which a frame that fails discloses step by step.
//!
//! Columns of degree 2 form a staircase through the core's rows, so that no cycle, and no error
//! pattern without a syndrome, lies in them alone. The other columns take the emptiest rows, and
//! each extension row columns drawn by their degrees: that keeps the shares of edges. Shifts are drawn by a
//! fixed generator so that no cycle of length 4 closes while residues last. The lifted staircase is Z
//! chains of checks; shifts of light columns are drawn so that no two of their bits share two
//! chains, as long as residues last: two bits that shared three would with the bits of the chains
//! between them be an error pattern without a syndrome, of few bits. Both stations compute the same
//! matrix; nothing is loaded.

use std::collections::BTreeSet;
use std::ops::Range;

use super::ensemble::Ensemble;
use crate::reconcile::draw::Draw;

/// The shape of a code, from which everything else follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Size of a circulant, a multiple of 64.
    pub z: usize,
    /// Core rows of the base matrix.
    pub rows: usize,
    /// Columns of the base matrix.
    pub columns: usize,
    /// Which of the ensembles.
    pub ensemble: &'static Ensemble,
}

impl Shape {
    /// Core and extension rows.
    pub fn all_rows(&self) -> usize {
        self.rows + extension_rows(self.rows)
    }
}

/// Largest degree of a column whose bits' chains are kept apart.
const LIGHT: usize = 4;

/// Shifts that are tried for a circulant.
const TRIES: usize = 32;

/// Extension rows of a code with this many core rows: a half more.
const fn extension_rows(rows: usize) -> usize {
    rows / 2
}

/// The place that a shift of `by` leads to from place `i` of Z: the word and the place in it are turned
/// each by themselves.
pub fn plus(z: usize, i: usize, by: usize) -> usize {
    64 * ((i / 64 + by / 64) % (z / 64)) + (i + by) % 64
}

/// The inverse of [`plus`].
pub fn minus(z: usize, i: usize, by: usize) -> usize {
    64 * ((i / 64 + z / 64 - by / 64) % (z / 64)) + (i + 64 - by % 64) % 64
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
        let degrees = shape.ensemble.column_degrees(shape.rows, shape.columns);
        degrees.iter().enumerate().for_each(|(j, degree)| search.add_column(j, *degree));
        (shape.rows..shape.all_rows()).for_each(|row| search.add_extension(row));
        QcCode { shape, rows: search.rows }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The circulants of each row, the core's first.
    pub fn rows(&self) -> &[Vec<Circulant>] {
        &self.rows
    }

    /// Words of a frame.
    #[cfg(test)]
    pub fn frame_words(&self) -> usize {
        self.shape.columns * self.shape.z / 64
    }

    /// Words of a row's part of a syndrome.
    pub fn row_words(&self) -> usize {
        self.shape.z / 64
    }

    /// The syndrome of a frame in some of the rows, row after row. Words that `frame` lacks of
    /// the columns are zero.
    pub fn syndrome(&self, frame: impl Iterator<Item = u64>, rows: Range<usize>) -> Vec<u64> {
        let width = self.row_words();
        let mut columns = zeroize::Zeroizing::new(vec![0; self.shape.columns * width]);
        columns.iter_mut().zip(frame).for_each(|(c, word)| *c = word);
        let mut syndrome = vec![0; rows.len() * width];
        for (row, out) in self.rows[rows].iter().zip(syndrome.chunks_mut(width)) {
            for circulant in row {
                add_turned(&columns[circulant.column * width..][..width], circulant.shift, out);
            }
        }
        syndrome
    }
}

/// Adds bit `plus(i, shift)` of a column to bit `i` of `out`.
fn add_turned(column: &[u64], shift: usize, out: &mut [u64]) {
    let (last, first) = column.split_at(shift / 64);
    let turn = (shift % 64) as u32;
    let (front, back) = out.split_at_mut(first.len());
    front.iter_mut().zip(first).for_each(|(o, word)| *o ^= word.rotate_right(turn));
    back.iter_mut().zip(last).for_each(|(o, word)| *o ^= word.rotate_right(turn));
}

struct Search {
    shape: Shape,
    draw: Draw,
    rows: Vec<Vec<Circulant>>,
    /// The entries (row, shift) of each column.
    columns: Vec<Vec<(usize, usize)>>,
    /// For each pair of rows, which differences of shifts a column has taken, a bit each: a second
    /// column with the same difference would close a 4-cycle.
    taken: Vec<u64>,
    /// Where the staircase's chains pass each of its rows: check `plus(i, chains[row])` of the row is on
    /// chain `i`.
    chains: Vec<usize>,
    /// Which differences of chains a light column has taken.
    taken_chains: Vec<bool>,
}

impl Search {
    fn new(shape: Shape) -> Search {
        let seed = [shape.z, shape.rows, shape.columns]
            .iter()
            .fold(0, |seed: u64, &x| seed.wrapping_mul(0x1_0000_01b3) ^ x as u64);
        let rows = shape.all_rows();
        Search {
            shape,
            draw: Draw::new(seed),
            rows: vec![Vec::new(); rows],
            columns: vec![Vec::new(); shape.columns],
            taken: vec![0; rows * rows * shape.z / 64],
            chains: vec![0],
            // Two bits of one column on one chain are no better.
            taken_chains: (0..shape.z).map(|difference| difference == 0).collect(),
        }
    }

    fn add_column(&mut self, column: usize, degree: usize) {
        if degree == 2 {
            [column, column + 1].into_iter().for_each(|row| self.add_entry(row, column, false));
            let [(_, above), (_, below)] = self.columns[column][..] else { return };
            let z = self.shape.z;
            return self.chains.push(minus(z, plus(z, self.chains[column], above), below));
        }
        // The emptiest rows, in random order among equals.
        let mut order: Vec<(usize, u64, usize)> =
            (0..self.shape.rows).map(|row| (self.rows[row].len(), self.draw.next(), row)).collect();
        order.sort_unstable();
        order[..degree]
            .iter()
            .for_each(|&(_, _, row)| self.add_entry(row, column, degree <= LIGHT));
    }

    fn add_extension(&mut self, row: usize) {
        // As many circulants as a core row has, each column as likely as it has entries there.
        let core = &self.rows[..self.shape.rows];
        let entries: Vec<usize> = core.iter().flatten().map(|c| c.column).collect();
        let mut drawn = BTreeSet::new();
        while drawn.len() < core[0].len() {
            drawn.insert(entries[self.draw.below(entries.len() as u64) as usize]);
        }
        drawn.into_iter().for_each(|column| self.add_entry(row, column, false));
    }

    fn add_entry(&mut self, row: usize, column: usize, light: bool) {
        let shift = self.pick_shift(row, column, light);
        for &(other, other_shift) in &self.columns[column] {
            let at = self.difference(row, shift, other, other_shift);
            self.taken[at / 64] |= 1 << (at % 64);
            if let (true, Some(apart)) = (light, self.apart(row, shift, other, other_shift)) {
                self.taken_chains[apart] = true;
                self.taken_chains[minus(self.shape.z, 0, apart)] = true;
            }
        }
        self.columns[column].push((row, shift));
        self.rows[row].push(Circulant { column, shift });
    }

    /// The shift that closes the fewest 4-cycles, and among these joins the fewest chains twice, the
    /// first found from a random one on, of [`TRIES`].
    fn pick_shift(&mut self, row: usize, column: usize, light: bool) -> usize {
        let z = self.shape.z;
        let start = self.draw.below(z as u64) as usize;
        let faults = |shift| {
            let entries = self.columns[column].iter();
            entries.fold((0, 0), |(cycles, joins), &(other, other_shift)| {
                let at = self.difference(row, shift, other, other_shift);
                let apart = self.apart(row, shift, other, other_shift);
                let joined = light && apart.is_some_and(|apart| self.taken_chains[apart]);
                (cycles + (self.taken[at / 64] >> (at % 64) & 1), joins + u32::from(joined))
            })
        };
        let mut best = ((u64::MAX, u32::MAX), 0);
        for shift in (start..z).chain(0..start).take(TRIES) {
            best = best.min((faults(shift), shift));
            if best.0 == (0, 0) {
                break;
            }
        }
        best.1
    }

    /// How far apart the chains are that a bit touches in two rows, if the staircase passes both.
    fn apart(&self, row: usize, shift: usize, other: usize, other_shift: usize) -> Option<usize> {
        let (chain, other_chain) = (self.chains.get(row)?, self.chains.get(other)?);
        let z = self.shape.z;
        let [this, other] =
            [(shift, *chain), (other_shift, *other_chain)].map(|(s, c)| plus(z, s, c));
        Some(minus(z, this, other))
    }

    /// Where `taken` keeps a difference of shifts, the same for both orders of the rows.
    fn difference(&self, row: usize, shift: usize, other: usize, other_shift: usize) -> usize {
        let z = self.shape.z;
        let (low, high, difference) = match row < other {
            true => (row, other, minus(z, shift, other_shift)),
            false => (other, row, minus(z, other_shift, shift)),
        };
        (low * self.rows.len() + high) * z + difference
    }
}

#[cfg(test)]
mod tests;
