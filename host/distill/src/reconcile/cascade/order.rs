//! The order of a pass, as arithmetic on words and a few small tables.
//!
//! A frame is a matrix: its words are rows of 64 bits. A pass shuffles the rows, turns each by its
//! own amount, cuts them into tiles of at most 64 rows, transposes the tiles and shuffles the
//! columns. So bits of one row come to stand in different columns, copying costs a fraction of an
//! operation a bit, and the place of a bit follows from four look-ups in tables of a few kilobytes
//! that all frames share.

use zeroize::Zeroizing;

use crate::reconcile::draw::Draw;

/// A bit of a frame: word and bit within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bit {
    pub word: usize,
    pub bit: u32,
}

/// Rows of a tile, at most.
const TILE: usize = 64;

/// The order of one pass. A place is `64 · column + row within the tile`.
pub struct Order {
    /// Rows of each tile: bits of a column.
    rows: usize,
    /// By word: its tile, times 64 · 64; its row, times 64; and how far it is turned.
    word: Vec<u32>,
    /// By tile and row: the word.
    word_of: Vec<u16>,
    /// By tile and bit of the turned words: the column.
    column: Vec<u16>,
    /// Its inverse.
    column_of: Vec<u16>,
}

impl Order {
    /// The order drawn from `seed` for frames of `words` words, with tiles of `rows` rows, 1 to 64.
    /// The last tile may have rows without a word. At most 2^16 columns.
    pub fn new(words: usize, rows: usize, seed: u64) -> Order {
        let tiles = words.div_ceil(rows);
        let mut draw = Draw::new(seed);
        let word_of = shuffled(tiles * rows, &mut draw);
        let column = shuffled(tiles * TILE, &mut draw);
        let mut word = vec![0; tiles * rows];
        for (slot, of) in word_of.iter().enumerate() {
            let (tile, row) = (slot / rows, slot % rows);
            let turn = draw.below(64) as usize;
            word[usize::from(*of)] = (tile * 64 * 64 + row * 64 + turn) as u32;
        }
        let mut column_of = vec![0; column.len()];
        (0..).zip(&column).for_each(|(i, at)| column_of[usize::from(*at)] = i);
        Order { rows, word, word_of, column, column_of }
    }

    /// Columns of the pass.
    pub fn columns(&self) -> usize {
        self.column.len()
    }

    /// Where a bit stands.
    #[inline]
    pub fn place(&self, Bit { word, bit }: Bit) -> u32 {
        let of = self.word[word];
        let turned = of >> 12 << 6 | (of + bit) & 63;
        u32::from(self.column[turned as usize]) << 6 | of >> 6 & 63
    }

    /// Which bit stands there: the row must be one of the tile's.
    #[inline]
    pub fn bit(&self, place: u32) -> Bit {
        let turned = usize::from(self.column_of[place as usize >> 6]);
        let word = usize::from(self.word_of[(turned >> 6) * self.rows + (place as usize & 63)]);
        let bit = (turned as u32).wrapping_sub(self.word[word]) & 63;
        Bit { word, bit }
    }

    /// The frame's bits in this order, by columns.
    pub fn arrange(&self, words: &[u64], out: &mut [u64]) {
        let mut tile = Zeroizing::new([0; TILE]);
        for (of_tile, columns) in self.word_of.chunks(self.rows).zip(self.column.chunks(TILE)) {
            for (row, &of) in tile.iter_mut().zip(of_tile) {
                let word = words.get(usize::from(of)).copied().unwrap_or(0);
                *row = word.rotate_left(self.word[usize::from(of)] & 63);
            }
            transpose(&mut tile);
            columns.iter().zip(tile.iter()).for_each(|(at, bits)| out[usize::from(*at)] = *bits);
            tile.fill(0);
        }
    }
}

/// The numbers below `count` in random order.
fn shuffled(count: usize, draw: &mut Draw) -> Vec<u16> {
    let mut numbers: Vec<u16> = (0..count as u16).collect();
    for i in (1..count).rev() {
        // The upper half of a product is quicker than a remainder.
        let upper = (u128::from(draw.next()) * (i as u128 + 1)) >> 64;
        numbers.swap(i, upper as usize);
    }
    numbers
}

/// Transposes a matrix of 64 × 64 bits: bit c of word r and bit r of word c change places. Halves
/// of quarters are swapped at each of six sizes.
fn transpose(matrix: &mut [u64; 64]) {
    let mut size = 32;
    let mut mask = 0x0000_0000_ffff_ffff_u64;
    while size > 0 {
        for pair in matrix.chunks_exact_mut(2 * size) {
            let (upper, lower) = pair.split_at_mut(size);
            for (a, b) in upper.iter_mut().zip(lower) {
                let swap = (*a >> size ^ *b) & mask;
                *a ^= swap << size;
                *b ^= swap;
            }
        }
        size /= 2;
        mask ^= mask << size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_bits_are_inverse_and_say_where_arrange_puts_a_bit() {
        for (words, rows) in [(1, 1), (2, 2), (17, 17), (63, 40), (65, 64), (129, 7), (1_563, 51)] {
            let order = Order::new(words, rows, words as u64);
            let mut draw = Draw::new(7);
            let frame: Vec<u64> = (0..words).map(|_| draw.next()).collect();
            let mut arranged = vec![0; order.columns()];
            order.arrange(&frame, &mut arranged);
            let mut taken = vec![0; order.columns()];
            for (word, &value) in frame.iter().enumerate() {
                for bit in 0..64 {
                    let place = order.place(Bit { word, bit });
                    assert_eq!(order.bit(place), Bit { word, bit });
                    let (column, row) = (place as usize >> 6, place & 63);
                    assert_eq!(arranged[column] >> row & 1, value >> bit & 1);
                    assert_eq!(taken[column] >> row & 1, 0, "one place for each bit");
                    taken[column] |= 1_u64 << row;
                }
            }
            let stray = arranged.iter().zip(&taken).any(|(bits, taken)| bits & !taken != 0);
            assert!(!stray, "no bit elsewhere");
        }
    }

    #[test]
    fn bits_of_a_word_stand_in_columns_of_their_own() {
        let order = Order::new(1_563, 64, 3);
        for word in [0, 700, 1_562] {
            let columns: std::collections::BTreeSet<u32> =
                (0..64).map(|bit| order.place(Bit { word, bit }) >> 6).collect();
            assert_eq!(columns.len(), 64);
        }
    }
}
