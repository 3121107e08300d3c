//! Layered normalised min-sum on integers.
//!
//! Finds the error pattern with a given syndrome. All bits have the same prior, and min-sum does
//! not see its scale, so the prior is a constant and the channel's error rate enters only through
//! the weights. A layer's Z checks touch every bit once, in contiguous runs: the
//! inner loops are plain element-wise integer arithmetic, which the compiler turns into vector
//! instructions of whatever machine it builds for.

use std::ops::Range;

use zeroize::Zeroize;

use super::code::{Circulant, HEAVY, QcCode};

/// The prior of an unknown bit, in quantisation steps.
const PRIOR: i16 = 24;
/// The prior of a bit known to be zero: beyond what messages can outweigh.
const KNOWN: i16 = 16_000;
/// Largest magnitude of a check's message.
const LIMIT: i16 = 127;
/// Above every magnitude of an unknown bit.
const LARGEST: i16 = PRIOR + HEAVY as i16 * LIMIT;

/// Decodes frames of one code, reusing its memory.
pub struct Decoder<'a> {
    code: &'a QcCode,
    weights: &'a [i16],
    posterior: Vec<i16>,
    messages: Vec<i8>,
    syndrome: Vec<i16>,
    smallest: Vec<i16>,
    second: Vec<i16>,
    sign: Vec<i16>,
}

impl<'a> Decoder<'a> {
    /// A decoder that runs at most one iteration per weight; a check's message is its smallest
    /// input times weight / 16.
    pub fn new(code: &'a QcCode, weights: &'a [i16]) -> Decoder<'a> {
        let shape = code.shape();
        Decoder {
            code,
            weights,
            posterior: vec![0; shape.columns * shape.z],
            messages: vec![0; code.rows().iter().map(Vec::len).sum::<usize>() * shape.z],
            syndrome: vec![0; shape.rows * shape.z],
            smallest: vec![0; shape.z],
            second: vec![0; shape.z],
            sign: vec![0; shape.z],
        }
    }

    /// Looks for an error pattern with this syndrome whose bits from `known_from` on are zero.
    /// Returns the number of iterations, or `None` if there was no success within the limit.
    pub fn decode(&mut self, syndrome: &[u64], known_from: usize) -> Option<u32> {
        let bits = syndrome.iter().flat_map(|word| (0..64).map(move |i| word >> i & 1));
        self.syndrome.iter_mut().zip(bits).for_each(|(s, bit)| *s = -(bit as i16));
        self.posterior.fill(PRIOR);
        self.posterior[known_from..].fill(KNOWN);
        self.messages.fill(0);
        for (iteration, &weight) in self.weights.iter().enumerate() {
            if self.satisfied() {
                return Some(iteration as u32);
            }
            self.iterate(weight);
        }
        self.satisfied().then_some(self.weights.len() as u32)
    }

    /// The error pattern found, in words.
    pub fn errors(&self) -> impl Iterator<Item = u64> + '_ {
        let pack =
            |bits: &[i16]| bits.iter().rev().fold(0, |word, p| word << 1 | u64::from(*p < 0));
        self.posterior.chunks(64).map(pack)
    }

    /// Whether the signs of the posteriors have the syndrome.
    fn satisfied(&mut self) -> bool {
        let z = self.code.shape().z;
        self.code.rows().iter().zip(self.syndrome.chunks(z)).all(|(row, syndrome)| {
            self.sign.copy_from_slice(syndrome);
            for &circulant in row {
                for (checks, bits) in runs(circulant, z) {
                    let signs = self.sign[checks].iter_mut();
                    signs.zip(&self.posterior[bits]).for_each(|(s, p)| *s ^= p);
                }
            }
            self.sign.iter().fold(0, |any, s| any | s) >= 0
        })
    }

    /// Updates all checks, row after row, and after each row the bits that it touches.
    fn iterate(&mut self, weight: i16) {
        let z = self.code.shape().z;
        let mut messages = self.messages.as_mut_slice();
        for (row, syndrome) in self.code.rows().iter().zip(self.syndrome.chunks(z)) {
            let (of_row, rest) = messages.split_at_mut(row.len() * z);
            messages = rest;
            self.sign.copy_from_slice(syndrome);
            self.smallest.fill(LARGEST);
            self.second.fill(LARGEST);
            for (&circulant, of_circulant) in row.iter().zip(of_row.chunks(z)) {
                for (checks, bits) in runs(circulant, z) {
                    gather(
                        &self.posterior[bits],
                        &of_circulant[checks.clone()],
                        &mut self.smallest[checks.clone()],
                        &mut self.second[checks.clone()],
                        &mut self.sign[checks],
                    );
                }
            }
            for (&circulant, of_circulant) in row.iter().zip(of_row.chunks_mut(z)) {
                for (checks, bits) in runs(circulant, z) {
                    scatter(
                        &mut self.posterior[bits],
                        &mut of_circulant[checks.clone()],
                        &self.smallest[checks.clone()],
                        &self.second[checks.clone()],
                        &self.sign[checks],
                        weight,
                    );
                }
            }
        }
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        // With Bob's string, the errors are Alice's.
        self.posterior.zeroize();
        self.messages.zeroize();
        self.syndrome.zeroize();
        self.sign.zeroize();
    }
}

/// The two runs in which a circulant joins consecutive checks to consecutive bits.
fn runs(circulant: Circulant, z: usize) -> [(Range<usize>, Range<usize>); 2] {
    let (start, shift) = (circulant.column * z, circulant.shift);
    [(0..z - shift, start + shift..start + z), (z - shift..z, start..start + shift)]
}

/// Collects the two smallest magnitudes and the sign product of the checks' inputs.
///
/// Here and in [`scatter`] nothing can overflow (the constants above); wrapping arithmetic keeps
/// the loops free of checks, and so in vectors, in builds that have them.
fn gather(
    bits: &[i16],
    messages: &[i8],
    smallest: &mut [i16],
    second: &mut [i16],
    sign: &mut [i16],
) {
    let checks = smallest.iter_mut().zip(second).zip(sign);
    for ((&p, &r), ((smallest, second), sign)) in bits.iter().zip(messages).zip(checks) {
        let input = p.wrapping_sub(i16::from(r));
        let magnitude = input.max(input.wrapping_neg());
        *sign ^= input;
        *second = (*second).min(magnitude.max(*smallest));
        *smallest = (*smallest).min(magnitude);
    }
}

/// Sends the checks' new messages to the bits.
fn scatter(
    bits: &mut [i16],
    messages: &mut [i8],
    smallest: &[i16],
    second: &[i16],
    sign: &[i16],
    weight: i16,
) {
    let checks = smallest.iter().zip(second).zip(sign);
    for ((p, r), ((&smallest, &second), &sign)) in bits.iter_mut().zip(messages).zip(checks) {
        let input = p.wrapping_sub(i16::from(*r));
        let magnitude = input.max(input.wrapping_neg());
        // A check leaves its own input out; on a tie the second smallest is the same.
        let other = if magnitude == smallest { second } else { smallest };
        let scaled = (other.wrapping_mul(weight) >> 4).min(LIMIT);
        let flip = (sign ^ input) >> 15;
        let message = (scaled ^ flip).wrapping_sub(flip);
        *r = message as i8;
        *p = input.wrapping_add(message);
    }
}
