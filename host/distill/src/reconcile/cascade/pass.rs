//! What is known of one pass of a frame: its bits, the blocks that parities were told of, and in
//! which of them the two strings differ by an odd number of bits.
//!
//! A place is `64 · column + row`. A block is a run of columns, or of rows within one column; it is
//! named by its first place. Bisection cuts runs between columns first, so a block never begins
//! in one column and ends within another.

use zeroize::Zeroizing;

use super::layout::Blocks;

/// Of a column: rows at which a block begins, and which of these blocks are odd.
#[derive(Clone, Copy, Default)]
struct Column {
    known: u64,
    odd: u64,
}

/// A run of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub start: u32,
    pub end: u32,
}

impl Run {
    /// Where it is cut in two: between columns if it has several. It has two places at least.
    #[inline]
    pub fn middle(self) -> u32 {
        let length = self.end - self.start;
        match length > 64 {
            true => self.start + (length >> 7 << 6),
            false => self.start + length / 2,
        }
    }

    /// Whether it is a single place.
    #[inline]
    pub fn is_found(self) -> bool {
        self.end - self.start == 1
    }

    /// The run cut where rows end that hold bits, if it is one column.
    #[inline]
    pub fn within(self, rows: u32) -> Run {
        match self.end - self.start == 64 {
            true => Run { start: self.start, end: self.start + rows },
            false => self,
        }
    }

    /// Calls `piece` with the pieces of a run that is halved so many times, in order, and with
    /// whether it is the last.
    pub fn pieces(self, levels: u32, rows: u32, piece: &mut impl FnMut(Run, bool)) {
        self.cut(levels, rows, true, piece);
    }

    fn cut(self, levels: u32, rows: u32, is_last: bool, piece: &mut impl FnMut(Run, bool)) {
        if levels == 0 || self.is_found() {
            return piece(self, is_last);
        }
        let middle = self.middle();
        let (left, right) = (Run { end: middle, ..self }, Run { start: middle, ..self });
        left.within(rows).cut(levels - 1, rows, false, piece);
        right.within(rows).cut(levels - 1, rows, is_last, piece);
    }
}

/// One pass of a frame, as one station sees it.
pub struct Pass {
    /// This station's string in the order of the pass.
    bits: Zeroizing<Vec<u64>>,
    columns: Vec<Column>,
    /// Columns in which a block begins, and those that may have odd ones.
    known: Vec<u64>,
    odd: Vec<u64>,
    /// Rows that hold bits.
    rows: u32,
}

impl Pass {
    /// A pass over these columns, cut into blocks.
    pub fn new(bits: Zeroizing<Vec<u64>>, blocks: Blocks) -> Pass {
        let count = bits.len();
        let groups = vec![0; count.div_ceil(64)];
        let (columns, known, odd) = (vec![Column::default(); count], groups.clone(), groups);
        let mut pass = Pass { bits, columns, known, odd, rows: blocks.rows };
        pass.first_blocks(blocks).for_each(|block| pass.begin(block.start));
        pass
    }

    /// The blocks that a pass begins with, in order.
    pub fn first_blocks(&self, blocks: Blocks) -> impl Iterator<Item = Run> + use<> {
        let Blocks { rows, parts, columns } = blocks;
        let all = self.columns.len() as u32;
        // Then the parts are a power of two as well. A division for each block would be felt.
        let cut = move |part: u32| match rows.is_power_of_two() {
            true => (part * rows) >> parts.trailing_zeros(),
            false => part * rows / parts,
        };
        (0..all).step_by(columns as usize).flat_map(move |column| {
            let of_part = move |part: u32| match parts {
                1 => {
                    let end = 64 * (column + columns).min(all);
                    Run { start: 64 * column, end }.within(rows)
                }
                _ => Run { start: 64 * column + cut(part), end: 64 * column + cut(part + 1) },
            };
            (0..parts).map(of_part)
        })
    }

    /// This station's bits, by columns.
    pub fn bits(&self) -> &[u64] {
        &self.bits
    }

    /// Rows of a column that hold bits.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Notes that a block begins here.
    #[inline]
    pub fn begin(&mut self, place: u32) {
        let column = place as usize >> 6;
        self.columns[column].known |= 1 << (place & 63);
        // A block within a column begins there only where another one does.
        if place & 63 == 0 {
            self.known[column >> 6] |= 1 << (column & 63);
        }
    }

    /// The parity of this station's bits in a run.
    #[inline]
    pub fn parity(&self, run: Run) -> u64 {
        let (column, length) = (run.start as usize >> 6, run.end - run.start);
        let bits = match length <= 64 {
            true => self.bits[column] >> (run.start & 63) << (64 - length),
            false => {
                let columns = &self.bits[column..run.end as usize >> 6];
                columns.iter().fold(0, |sum, bits| sum ^ bits)
            }
        };
        u64::from(bits.count_ones() & 1)
    }

    /// Inverts the bit of this station at a place.
    #[inline]
    pub fn flip(&mut self, place: u32) {
        self.bits[place as usize >> 6] ^= 1 << (place & 63);
    }

    /// Makes the block that holds this place odd if it was even, and even if it was odd.
    #[inline]
    pub fn turn(&mut self, place: u32) {
        let column = place as usize >> 6;
        let before = self.columns[column].known & !0 >> (63 - (place & 63));
        match before {
            0 => {
                let start = self.begun_before(column);
                self.columns[start].odd ^= 1;
                self.odd[start >> 6] |= 1 << (start & 63);
            }
            _ => {
                self.columns[column].odd ^= 1 << (63 - before.leading_zeros());
                self.odd[column >> 6] |= 1 << (column & 63);
            }
        }
    }

    /// Takes all odd blocks out, in order: they are on their way to be even.
    pub fn take_odd(&mut self, out: &mut Vec<Run>) {
        for group in 0..self.odd.len() {
            let mut columns = std::mem::take(&mut self.odd[group]);
            while columns != 0 {
                let column = group << 6 | columns.trailing_zeros() as usize;
                columns &= columns - 1;
                let mut odd = std::mem::take(&mut self.columns[column].odd);
                while odd != 0 {
                    out.push(self.block(column, odd.trailing_zeros()));
                    odd &= odd - 1;
                }
            }
        }
    }

    /// The block that begins in this row of this column.
    #[inline]
    fn block(&self, column: usize, row: u32) -> Run {
        let start = (column as u32) << 6 | row;
        let after = self.columns[column].known & !1 << row;
        if after != 0 {
            return Run { start, end: (column as u32) << 6 | after.trailing_zeros() };
        }
        let next = self.begun_after(column);
        match next == column + 1 {
            true => Run { start, end: ((column as u32) << 6) + self.rows },
            false => Run { start, end: (next as u32) << 6 },
        }
    }

    /// The last column before this one in which a block begins; one does in the first.
    #[inline]
    fn begun_before(&self, column: usize) -> usize {
        let mut group = column >> 6;
        let mut columns = self.known[group] & ((1 << (column & 63)) - 1);
        while columns == 0 && group > 0 {
            group -= 1;
            columns = self.known[group];
        }
        group << 6 | (63 - (columns | 1).leading_zeros() as usize)
    }

    /// The first column after this one in which a block begins, or the number of columns.
    #[inline]
    fn begun_after(&self, column: usize) -> usize {
        let mut group = column >> 6;
        let mut columns = self.known[group] & !1 << (column & 63);
        loop {
            if columns != 0 {
                return group << 6 | columns.trailing_zeros() as usize;
            }
            group += 1;
            match self.known.get(group) {
                Some(more) => columns = *more,
                None => return self.columns.len(),
            }
        }
    }
}
