//! Finds the error pattern with a given syndrome.
//!
//! All bits have the same prior, and min-sum does not see its scale: the channel's error rate enters
//! only through the ensemble's prior, which sets the scale, and its curve of weights.

use zeroize::Zeroize;

use super::code::QcCode;
use super::kernel::{Edge, GUARD, MAX_DEGREE, State};
use super::levels::Level;

/// The prior of a bit known to be zero.
const KNOWN: i8 = 127;

/// Decodes frames of one code, reusing its memory.
pub struct Decoder {
    columns: usize,
    level: Level,
    state: State,
}

impl Decoder {
    /// A decoder on the best instruction set.
    pub fn new(code: &QcCode) -> Decoder {
        Decoder::at(Level::best(), code)
    }

    /// A decoder on one instruction set.
    pub fn at(level: Level, code: &QcCode) -> Decoder {
        let shape = code.shape();
        let stride = shape.z + GUARD;
        let rows: Vec<Vec<Edge>> = code
            .rows()
            .iter()
            .map(|row| {
                let edges = row.iter();
                edges.map(|c| Edge { start: c.column * stride, shift: c.shift }).collect()
            })
            .collect();
        assert!(rows.iter().all(|row| row.len() <= MAX_DEGREE));
        let state = State {
            z: shape.z,
            posteriors: vec![0; shape.columns * stride],
            messages: vec![0; rows.iter().map(Vec::len).sum::<usize>() * shape.z],
            syndrome: Vec::with_capacity(shape.all_rows() * shape.z),
            rows,
            prior: shape.ensemble.prior,
            staircase: shape.ensemble.staircase(shape.rows, shape.columns) * stride,
            curve: shape.ensemble.curve,
        };
        Decoder { columns: shape.columns, level, state }
    }

    /// Looks for an error pattern with this syndrome, of the first rows or of all, whose bits from
    /// `known_from` on are zero. Returns the number of iterations, or `None` if there was no
    /// success within the limit.
    pub fn decode(&mut self, syndrome: &[u64], known_from: usize) -> Option<u32> {
        let State { z, posteriors, messages, syndrome: bytes, prior, .. } = &mut self.state;
        bytes.clear();
        bytes.extend(syndrome.iter().flat_map(|word| spread(*word)));
        posteriors.fill(*prior);
        messages.fill(0);
        let bits = self.columns * *z;
        for (column, values) in posteriors.chunks_exact_mut(*z + GUARD).enumerate() {
            let known = known_from.min(bits).saturating_sub(column * *z);
            if known < *z {
                values[known..*z].fill(KNOWN);
                values.copy_within(..GUARD, *z);
            }
        }
        let iterations = self.level.run(&mut self.state)?;
        // A pattern with an error in a known bit is another frame's.
        let known_errors = self.errors().enumerate().any(|(i, word)| {
            let unknown = known_from.saturating_sub(64 * i).min(64);
            word.checked_shr(unknown as u32).unwrap_or(0) != 0
        });
        (!known_errors).then_some(iterations)
    }

    /// The error pattern found, in words.
    pub fn errors(&self) -> impl Iterator<Item = u64> + '_ {
        let z = self.state.z;
        let columns = self.state.posteriors.chunks_exact(z + GUARD);
        columns.flat_map(move |column| column[..z].as_chunks::<64>().0.iter().map(signs))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // With Bob's string, the errors are Alice's.
        self.state.posteriors.zeroize();
        self.state.messages.zeroize();
        self.state.syndrome.zeroize();
    }
}

/// A byte for each bit: −1 where it is set.
fn spread(word: u64) -> [i8; 64] {
    std::array::from_fn(|i| -((word >> i & 1) as i8))
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
