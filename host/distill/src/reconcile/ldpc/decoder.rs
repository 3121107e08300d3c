//! Finds the error pattern with a given syndrome.
//!
//! All bits have the same prior, and min-sum does not see its scale: the channel's error rate enters
//! only through the ensemble's prior, which sets the scale, and its curve of weights.

use zeroize::Zeroize;

use super::code::{Circulant, QcCode};
use super::kernel::{Aligned, Edge, MAX_DEGREE, Scratch, State, WORD};
use super::levels::Level;

/// The prior of a bit known to be zero.
const KNOWN: i8 = 127;

/// Decodes frames of one code, reusing its memory.
pub struct Decoder {
    level: Level,
    state: State,
    /// By how much each column's words are turned, the place in the word of a bit 0.
    turns: Vec<u8>,
}

impl Decoder {
    /// A decoder on the best instruction set.
    pub fn new(code: &QcCode) -> Decoder {
        Decoder::at(Level::best(), code)
    }

    /// A decoder on one instruction set.
    pub fn at(level: Level, code: &QcCode) -> Decoder {
        let shape = code.shape();
        let width = code.row_words();
        let edge = |c: &Circulant| Edge {
            first: (c.column * width) as u32,
            words: (c.shift / WORD) as u32,
            place: (c.shift % WORD) as u8,
            turn: 0,
            turn_after: 0,
        };
        let rows: Vec<Vec<Edge>> =
            code.rows().iter().map(|row| row.iter().map(edge).collect()).collect();
        assert!(rows.iter().all(|row| row.len() <= MAX_DEGREE));
        let message_bytes: usize = rows.iter().map(|row| level.message_bytes(row.len())).sum();
        let state = State {
            width,
            posteriors: Aligned::zeros(shape.columns * width * level.copies() * WORD),
            messages: Aligned::zeros(message_bytes * width),
            scratch: Scratch::new(),
            syndrome: Vec::with_capacity(shape.all_rows() * width),
            rows,
            prior: shape.ensemble.prior,
            staircase: shape.ensemble.staircase(shape.rows, shape.columns) * width,
            curve: shape.ensemble.curve,
        };
        Decoder { level, state, turns: vec![0; shape.columns] }
    }

    /// Looks for an error pattern with this syndrome, of the first rows or of all, whose bits from
    /// `known_from` on are zero. Returns the number of iterations, or `None` if there was no
    /// success within the limit.
    pub fn decode(&mut self, syndrome: &[u64], known_from: usize) -> Option<u32> {
        self.turn(syndrome.len() / self.state.width);
        self.state.syndrome.clear();
        self.state.syndrome.extend_from_slice(syndrome);
        self.state.messages.fill(0);
        self.state.posteriors.fill(self.state.prior);
        let copied = self.level.copies() * WORD;
        let words = self.state.posteriors.chunks_exact_mut(copied).enumerate();
        for (i, posteriors) in words.skip(known_from / WORD) {
            let known = u64::MAX << known_from.saturating_sub(i * WORD);
            let known = known.rotate_right(u32::from(self.turns[i / self.state.width]));
            let of_known =
                posteriors.iter_mut().enumerate().filter(|(k, _)| known >> (k % WORD) & 1 == 1);
            of_known.for_each(|(_, posterior)| *posterior = KNOWN);
        }
        let iterations = self.level.run(&mut self.state)?;
        // A pattern with an error in a known bit is another frame's.
        let words = self.errors().enumerate().skip(known_from / WORD);
        let known_errors = { words }.any(|(i, word)| {
            let unknown = known_from.saturating_sub(WORD * i).min(WORD);
            word.checked_shr(unknown as u32).unwrap_or(0) != 0
        });
        (!known_errors).then_some(iterations)
    }

    /// The error pattern found, in words.
    pub fn errors(&self) -> impl Iterator<Item = u64> + '_ {
        let columns =
            self.state.posteriors.chunks_exact(self.state.width * self.level.copies() * WORD);
        columns.zip(&self.turns).flat_map(|(column, turn)| {
            let words = column.chunks_exact(self.level.copies() * WORD);
            words.map(|word| {
                signs(word.first_chunk().expect("a word")).rotate_left(u32::from(*turn))
            })
        })
    }

    /// Sets how words turn from one row to the next, if these many rows are taken one after the
    /// other and again.
    fn turn(&mut self, rows: usize) {
        let (State { rows: all, width, .. }, turns) = (&mut self.state, &mut self.turns);
        let column = |edge: &Edge| edge.first as usize / *width;
        all[..rows].iter().flatten().for_each(|edge| turns[column(edge)] = edge.place);
        let mut standing = turns.clone();
        for edge in all[..rows].iter_mut().flatten() {
            let before = std::mem::replace(&mut standing[column(edge)], edge.place);
            edge.turn = edge.place.wrapping_sub(before) % WORD as u8;
            edge.turn_after = edge.place.wrapping_sub(turns[column(edge)]) % WORD as u8;
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // With Bob's string, the errors are Alice's.
        let State { posteriors, messages, scratch, syndrome, .. } = &mut self.state;
        [posteriors, messages, &mut scratch.inputs].into_iter().for_each(Aligned::wipe);
        syndrome.zeroize();
    }
}

/// The sign bits of 64 bytes.
fn signs(bytes: &[i8; 64]) -> u64 {
    let (eights, _) = bytes.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        let eight = u64::from_le_bytes(eight.map(|b| b as u8));
        // Sign bit 8·i + 7 moves to bit 56 + i; no two partial products meet.
        let packed = (eight >> 7 & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word << 8 | packed
    })
}

#[cfg(test)]
mod tests;
