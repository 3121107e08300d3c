//! The checks of a word on arrays of L bytes, which the compiler keeps in vector registers, whatever
//! the machine has. A word's posteriors stand twice, so that the turned word is one run.

use super::kernel::{Edge, Kernel, LIMIT, ONE, Scratch, WORD};

/// L lanes, of whatever the caller is compiled for.
#[derive(Clone, Copy)]
pub struct Lanes<const L: usize>;

/// A word's posteriors, twice.
const TWICE: usize = 2 * WORD;

impl<const L: usize> Kernel for Lanes<L> {
    const COPIES: usize = 2;

    fn message_bytes(degree: usize) -> usize {
        degree * WORD
    }

    #[inline(always)]
    fn satisfied(self, posteriors: &[i8], syndrome: &[u64], row: &[Edge]) -> bool {
        let (words, _) = posteriors.as_chunks::<TWICE>();
        let width = syndrome.len();
        syndrome.iter().enumerate().all(|(word, syndrome)| {
            (0..WORD).step_by(L).all(|from| {
                let mut signs = spread::<L>(*syndrome, from);
                for edge in row {
                    let of_column = &words[edge.input(word, width)];
                    let bits: [i8; L] = run(of_column, from + usize::from(edge.turn_after));
                    for k in 0..L {
                        signs[k] ^= bits[k];
                    }
                }
                signs.iter().fold(0, |any, sign| any | sign) >= 0
            })
        })
    }

    #[inline(always)]
    fn update(
        self,
        posteriors: &mut [i8],
        messages: &mut [i8],
        syndrome: &[u64],
        row: &[Edge],
        weight: u16,
        scratch: &mut Scratch,
    ) -> u32 {
        let (words, _) = posteriors.as_chunks_mut::<TWICE>();
        let inputs = scratch.inputs.as_chunks_mut::<WORD>().0;
        let width = syndrome.len();
        let mut odd = 0;
        let of_words = messages.chunks_exact_mut(row.len() * WORD).zip(syndrome).enumerate();
        for (word, (messages, syndrome)) in of_words {
            let (messages, _) = messages.as_chunks_mut::<WORD>();
            let mut all_signs = [0i8; WORD];
            let (mut all_least, mut all_second) = ([0u8; WORD], [0u8; WORD]);
            // All of a word is read before any of it is written.
            for from in (0..WORD).step_by(L) {
                let mut signs = spread::<L>(*syndrome, from);
                let (mut least, mut second) = ([127u8; L], [127u8; L]);
                for ((edge, message), kept) in row.iter().zip(&*messages).zip(&mut *inputs) {
                    let of_column = &words[edge.input(word, width)];
                    let bits: [i8; L] = run(of_column, from + usize::from(edge.turn));
                    let (message, mut input): ([i8; L], _) = (run(message, from), [0i8; L]);
                    for k in 0..L {
                        input[k] = bits[k].saturating_sub(message[k]);
                        signs[k] ^= input[k];
                        let magnitude = magnitude(input[k]);
                        second[k] = second[k].min(magnitude.max(least[k]));
                        least[k] = least[k].min(magnitude);
                    }
                    *run_mut(kept, from) = input;
                }
                odd += u32::from(signs.iter().fold(0, |sum, sign| sum + ((*sign as u8) >> 7)));
                *run_mut(&mut all_signs, from) = signs;
                *run_mut(&mut all_least, from) = least;
                *run_mut(&mut all_second, from) = second;
            }
            for from in (0..WORD).step_by(L) {
                let signs: [i8; L] = run(&all_signs, from);
                let [least, second]: [[u8; L]; 2] =
                    [&all_least, &all_second].map(|of| run(of, from));
                let (own, other) = (scale(&least, weight), scale(&second, weight));
                // A check leaves its own input out; on a tie the second smallest is the same.
                let mut change = [0i8; L];
                for k in 0..L {
                    change[k] = own[k] ^ other[k];
                }
                for ((edge, message), input) in row.iter().zip(&mut *messages).zip(&*inputs) {
                    let (input, mut new, mut bits): ([i8; L], _, _) =
                        (run(input, from), [0i8; L], [0i8; L]);
                    for k in 0..L {
                        let is_least = i8::from(magnitude(input[k]) == least[k]).wrapping_neg();
                        let message = own[k] ^ (change[k] & is_least);
                        let flip = (signs[k] ^ input[k]) >> 7;
                        new[k] = (message ^ flip).wrapping_sub(flip);
                        bits[k] = input[k].saturating_add(new[k]);
                    }
                    *run_mut(message, from) = new;
                    let of_column = &mut words[edge.input(word, width)];
                    *run_mut(of_column, from) = bits;
                    *run_mut(of_column, WORD + from) = bits;
                }
            }
        }
        odd
    }
}

#[inline(always)]
fn run<T: Copy, const L: usize>(of: &[T], from: usize) -> [T; L] {
    *of[from..].first_chunk().expect("L lanes from there on")
}

#[inline(always)]
fn run_mut<T, const L: usize>(of: &mut [T], from: usize) -> &mut [T; L] {
    of[from..].first_chunk_mut().expect("L lanes from there on")
}

/// A byte for each bit from one on: −1 where it is set.
#[inline(always)]
fn spread<const L: usize>(word: u64, from: usize) -> [i8; L] {
    std::array::from_fn(|i| -((word >> (from + i) & 1) as i8))
}

/// The magnitude of a value without its half.
#[inline(always)]
fn magnitude(value: i8) -> u8 {
    (value ^ (value >> 7)) as u8
}

/// The weighted magnitudes, their halves included, rounded.
#[inline(always)]
pub fn scale<const L: usize>(magnitudes: &[u8; L], weight: u16) -> [i8; L] {
    let mut scaled = [0i8; L];
    for k in 0..L {
        let product = (2 * u16::from(magnitudes[k]) + 1).wrapping_mul(weight);
        scaled[k] = (product.wrapping_add(ONE) / (2 * ONE)).min(LIMIT) as i8;
    }
    scaled
}
