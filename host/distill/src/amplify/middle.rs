//! The middle of a product of binary polynomials, by additive Fourier transforms over GF(2^64).
//!
//! **Chunks.** Seed and input are cut into chunks of 32 bits, coefficients of polynomials in
//! Z = z^32. As elements of GF(2^64) their products, of degree 62 at most, do not meet the field
//! polynomial, and sums of them neither. Let x have p chunks, in reversed order x_(p−1) … x_0, and
//! let the seed be shifted so that the wanted bits begin at a multiple of 32: then the wanted
//! products of chunks are the correlation Y_i = Σ_j s_(i+j)·x_j, i = 0 … ⌈ℓ/32⌉, and output chunk t
//! is the low half of Y_(t+1) plus the high half of Y_t.
//!
//! **Middle product.** For a fixed x the correlation is the transpose of the product u ↦ x·u. That
//! product is `C⁻¹·F⁻¹·diag(F·C·x)·F·C·u` with the transform F and the conversion C to its basis, as
//! long as it has no more coefficients than F. So Y = Cᵀ·Fᵀ·diag(F·C·x)·F⁻ᵀ·C⁻ᵀ·s (Tellegen's
//! principle; Bostan, Lecerf and Schost, ISSAC 2003, p. 37): a transform of 2·b elements gives b
//! elements of Y from b of x and 2·b of s exactly, where the plain product would need 3·b, and it
//! does not matter that an additive transform does not wrap round as a cyclic one does. The largest
//! level of each of the three transforms has the factor 0 and costs additions alone.
//!
//! **Pieces.** x and Y are cut into pieces of b elements. Piece a of Y is a sum over pieces c of x,
//! taken before the transform back; the window of s depends on a + c alone. [`Shape`] takes the b
//! that costs least: large sizes need not be a power of two nor fit a cache at once.
//!
//! Everything that holds input or output is wiped. The seed is public and its transform is not.

use helio_keys::SecretBits;
use zeroize::{DefaultIsZeroes, Zeroize};

use crate::gf2::{Basis, Level, Pass, SMALLEST_HALF, transform};

/// Bits of a chunk.
const CHUNK: usize = 32;

/// Memory for secrets, wiped when dropped.
struct Wiped<T: DefaultIsZeroes>(Vec<T>);

impl<T: DefaultIsZeroes> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// How the input and the output are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// Elements of a piece: half a transform.
    piece: usize,
    /// Pieces of the input.
    inputs: usize,
    /// Pieces of the output.
    outputs: usize,
}

impl Shape {
    /// Largest piece: a transform of 2^20 elements, 8 MiB. Beyond, more pieces are faster.
    const LARGEST: usize = 1 << 19;

    /// The cheapest shape for `input` and `output` elements.
    fn choose(input: usize, output: usize) -> Shape {
        let pieces = SMALLEST_HALF.ilog2()..=Shape::LARGEST.ilog2();
        let shapes = pieces.map(|log| {
            let piece = 1 << log;
            Shape { piece, inputs: input.div_ceil(piece), outputs: output.div_ceil(piece) }
        });
        shapes.min_by_key(|shape| shape.cost()).expect("the range of sizes is not empty")
    }

    /// Relative time: transforms with their conversions and packing, and products of pieces.
    fn cost(self) -> u64 {
        let transforms = 2 * (self.inputs + self.outputs) - 1;
        let level_equivalents = transforms as u64 * u64::from(self.piece.ilog2() + 6)
            + 2 * self.inputs as u64 * self.outputs as u64;
        level_equivalents.saturating_mul(self.piece as u64)
    }
}

/// Adds T·x″ to the first `output` bits of `sum`; bits beyond are left undefined.
pub(super) fn add(level: Level, input: &SecretBits, seed: &[u64], sum: &mut [u64], output: usize) {
    let tail = input.len() - output;
    let chunks = tail.div_ceil(CHUNK);
    // One more than output chunks: the first holds only what reaches into the first output chunk.
    let shape = Shape::choose(chunks, output.div_ceil(CHUNK) + 1);
    let (piece, size) = (shape.piece, 2 * shape.piece);
    let mut halves = Wiped(vec![0; size]);

    // One piece of memory: freed and taken again as a whole, it stays with the process.
    let mut memory = Wiped(vec![0; (shape.inputs + shape.outputs + 1) * size]);
    let (inputs, rest) = memory.0.split_at_mut(shape.inputs * size);
    let (outputs, window) = rest.split_at_mut(shape.outputs * size);

    for (c, values) in inputs.chunks_exact_mut(size).enumerate() {
        let last = chunks - c * piece;
        let first = last.saturating_sub(piece);
        let (used, rest) = halves.0[..piece].split_at_mut(last - first);
        read(input.words(), (output + CHUNK * first) as i64, used);
        used.reverse();
        rest.fill(0);
        Basis::ToNovel.convert_halves(level, &mut halves.0[..piece]);
        // The upper half of the coefficients is zero.
        let (low, high) = values.split_at_mut(piece);
        widen(&halves.0, low);
        high.copy_from_slice(low);
        both(level, Pass::Evaluate, low, high);
    }

    // Bit m − 1 of the product is the first of output chunk 0, and becomes bit 32·p.
    let shift = (CHUNK * chunks + 1 - tail) as i64;
    for w in 0..shape.inputs + shape.outputs - 1 {
        read(seed, (CHUNK * w * piece) as i64 - shift, &mut halves.0);
        Basis::InverseTransposed.convert_halves(level, &mut halves.0);
        let (low, high) = window.split_at_mut(piece);
        widen(&halves.0[..piece], low);
        widen(&halves.0[piece..], high);
        low.iter_mut().zip(high.iter()).for_each(|(low, high)| *low ^= high);
        both(level, Pass::Spread, low, high);
        // A part of the window at a time, which stays in the first cache for all pairs.
        let part = size.min(1 << 11);
        for at in (0..size).step_by(part) {
            for a in (w + 1).saturating_sub(shape.inputs)..shape.outputs.min(w + 1) {
                let sums = &mut outputs[a * size + at..][..part];
                let values = &inputs[(w - a) * size + at..][..part];
                level.multiply_add(sums, values, &window[at..][..part]);
            }
        }
    }

    for (a, sums) in outputs.chunks_exact_mut(size).enumerate() {
        let (low, high) = sums.split_at_mut(piece);
        both(level, Pass::Gather, low, high);
        // Of the largest level, only the lower half is wanted.
        low.iter_mut().zip(high.iter()).for_each(|(low, high)| *low ^= high);
        Basis::Transposed.convert_words(level, low);
        overlap(low, sum, a * piece / 2);
    }
}

/// The levels below the largest, on both halves.
fn both(level: Level, pass: Pass, low: &mut [u64], high: &mut [u64]) {
    transform(level, pass, low, 0);
    transform(level, pass, high, 1);
}

fn widen(halves: &[u32], words: &mut [u64]) {
    words.iter_mut().zip(halves).for_each(|(word, half)| *word = u64::from(*half));
}

/// Adds elements of Y, each half of which belongs to another chunk; the first pair begins at word
/// `at`. What lies beyond the end of `sum` is left out.
fn overlap(elements: &[u64], sum: &mut [u64], at: usize) {
    let pairs = elements.as_chunks::<2>().0;
    if let Some(before) = at.checked_sub(1).and_then(|i| sum.get_mut(i)) {
        *before ^= pairs[0][0] << 32;
    }
    let Some(sum) = sum.get_mut(at..) else { return };
    sum.iter_mut().zip(pairs).for_each(|(word, pair)| *word ^= pair[0] >> 32 ^ pair[1]);
    sum.iter_mut().zip(&pairs[1..]).for_each(|(word, pair)| *word ^= pair[0] << 32);
}

/// The bits of `source` from bit `start` on, zeros before and after its ends, in chunks.
fn read(source: &[u64], start: i64, chunks: &mut [u32]) {
    let (first, shift) = (start.div_euclid(64), start.rem_euclid(64));
    let join = |low: u64, high: u64| low >> shift | high << 1 << (63 - shift);
    let word = |i: i64| usize::try_from(i).ok().and_then(|i| source.get(i)).copied().unwrap_or(0);
    let put = |pair: &mut [u32], word: u64| {
        pair.iter_mut().zip([word as u32, (word >> 32) as u32]).for_each(|(to, from)| *to = from);
    };
    // Words before the source, then pairs of its words, then its end.
    let before = usize::try_from(-first).unwrap_or(0).min(chunks.len().div_ceil(2));
    let (outside, rest) = chunks.split_at_mut((2 * before).min(chunks.len()));
    for (i, pair) in (first..).zip(outside.chunks_mut(2)) {
        put(pair, join(word(i), word(i + 1)));
    }
    let from = first + before as i64;
    let inside = usize::try_from(from).ok().and_then(|i| source.get(i..)).unwrap_or(&[]);
    let whole = inside.len().saturating_sub(1).min(rest.len() / 2);
    let (inner, rest) = rest.split_at_mut(2 * whole);
    for (pair, words) in inner.as_chunks_mut::<2>().0.iter_mut().zip(inside.windows(2)) {
        put(pair, join(words[0], words[1]));
    }
    for (i, pair) in (from + whole as i64..).zip(rest.chunks_mut(2)) {
        put(pair, join(word(i), word(i + 1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bits_from_before_the_start_to_beyond_the_end() {
        let source = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x5555_aaaa_3333_cccc];
        let bit = |i: i64| (0..192).contains(&i) && source[i as usize / 64] >> (i % 64) & 1 == 1;
        for start in -200..200 {
            for len in [0, 1, 2, 3, 7, 12] {
                let mut chunks = vec![!0; len];
                read(&source, start, &mut chunks);
                for (i, chunk) in chunks.iter().enumerate() {
                    for b in 0..32 {
                        assert_eq!(chunk >> b & 1 == 1, bit(start + (32 * i + b) as i64));
                    }
                }
            }
        }
    }

    #[test]
    fn shapes_hold_their_elements_and_stay_near_their_size() {
        let sizes = [1, 63, 64, 65, 1000, 31250, 31251, 65536, 100_000, 1_562_500, 50_000_000];
        for input in sizes {
            for output in sizes {
                let shape = Shape::choose(input, output);
                assert!(shape.inputs * shape.piece >= input);
                assert!(shape.outputs * shape.piece >= output);
                assert!((shape.inputs - 1) * shape.piece < input);
                assert!((shape.outputs - 1) * shape.piece < output);
            }
        }
        let expected = Shape { piece: 1 << 15, inputs: 1, outputs: 1 };
        assert_eq!(Shape::choose(31_250, 31_251), expected);
    }
}
