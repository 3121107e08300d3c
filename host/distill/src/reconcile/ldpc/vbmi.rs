//! The checks of a word on the 512-bit registers of AVX-512, with VBMI.
//!
//! One instruction turns a word's posteriors. Of a check is remembered what its messages consist of:
//! the two weighted magnitudes, with the sign that all its inputs and the syndrome make together, and two
//! bits for each circulant, whether its input was the smallest and whether it was negative. That is a
//! quarter of the messages, and leaves the memory of a long frame in the second cache. Masks are kept as
//! bits of bytes, because storing or moving one costs as much as four additions.
#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::hint::black_box;

use super::kernel::{Edge, Kernel, MAX_DEGREE, Scratch, WORD};
use super::lanes::scale;

/// Exists only where AVX-512 F, BW, VL and VBMI were detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vbmi(());

impl Vbmi {
    pub fn detect() -> Option<Vbmi> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi");
        found.then_some(Vbmi(()))
    }
}

/// Does something for each of the next edges and their bits, up to eight.
macro_rules! eight {
    ($left:expr, $bits:expr, $of:expr) => {{
        let mut of = $of;
        match $left {
            0..8 => (0..$left).for_each(|k| of(k, $bits[k])),
            _ => {
                of(0, $bits[0]);
                of(1, $bits[1]);
                of(2, $bits[2]);
                of(3, $bits[3]);
                of(4, $bits[4]);
                of(5, $bits[5]);
                of(6, $bits[6]);
                of(7, $bits[7]);
            }
        }
    }};
}

type Lanes = [i8; WORD];
/// Where the lanes of a turned word come from.
static TURNS: [Turn; WORD] = turns();

#[repr(align(64))]
struct Turn(Lanes);

const fn turns() -> [Turn; WORD] {
    let mut turns = [const { Turn([0; WORD]) }; WORD];
    let mut by = 0;
    while by < WORD {
        let mut lane = 0;
        while lane < WORD {
            turns[by].0[lane] = ((lane + by) % WORD) as i8;
            lane += 1;
        }
        by += 1;
    }
    turns
}

impl Kernel for Vbmi {
    const COPIES: usize = 1;

    fn message_bytes(degree: usize) -> usize {
        (2 + 2 * degree.div_ceil(8)) * WORD
    }

    fn satisfied(self, posteriors: &[i8], syndrome: &[u64], row: &[Edge]) -> bool {
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { satisfied(posteriors.as_chunks().0, syndrome, row) }
    }

    fn update(
        self,
        posteriors: &mut [i8],
        messages: &mut [i8],
        syndrome: &[u64],
        row: &[Edge],
        weight: u16,
        scratch: &mut Scratch,
    ) -> u32 {
        let (words, messages) = (posteriors.as_chunks_mut().0, messages.as_chunks_mut().0);
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { update(words, messages, syndrome, row, weight, scratch) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &Lanes) -> __m512i {
    // SAFETY: 64 bytes are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(value: __m512i, to: &mut Lanes) {
    // SAFETY: 64 bytes are writable, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn turned(word: &Lanes, by: u8) -> __m512i {
    _mm512_permutexvar_epi8(load(&TURNS[usize::from(by) % WORD].0), load(word))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn satisfied(words: &[Lanes], syndrome: &[u64], row: &[Edge]) -> bool {
    syndrome.iter().enumerate().all(|(word, signs)| {
        let bits = row
            .iter()
            .map(|edge| turned(&words[edge.input(word, syndrome.len())], edge.turn_after))
            .fold(_mm512_setzero_si512(), |sum, bits| _mm512_xor_si512(sum, bits));
        _mm512_movepi8_mask(bits) == *signs
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn update(
    words: &mut [Lanes],
    messages: &mut [Lanes],
    syndrome: &[u64],
    row: &[Edge],
    weight: u16,
    scratch: &mut Scratch,
) -> u32 {
    let table: [i8; 2 * WORD] = scale(&std::array::from_fn(|magnitude| magnitude as u8), weight);
    let (low, high) = table.split_at(WORD);
    let mut work = Row {
        // What the compiler knows of these it makes two instructions of that are one in the source.
        bits: std::array::from_fn(|k| black_box(_mm512_set1_epi8((1u8 << k) as i8))),
        minus_one: black_box(_mm512_set1_epi8(-1)),
        weighted: [low, high].map(|half| load(half.first_chunk().expect("half of the table"))),
        places: Places::new(row, syndrome.len(), words.len(), &mut scratch.places),
        inputs: scratch.inputs.as_chunks_mut().0,
        words,
    };
    assert!(row.len() <= work.inputs.len());
    let mut of_words = messages.chunks_exact_mut(2 + 2 * row.len().div_ceil(8)).zip(syndrome);
    let Some((mut done, signs)) = of_words.next() else { return 0 };
    let mut sums = work.pass::<false, true>(&mut [], Sums::new(0), done, *signs);
    let mut odd = sums.signs.count_ones();
    work.places.step();
    for (next, signs) in of_words {
        sums = work.pass::<true, true>(done, sums, next, *signs);
        work.places.step();
        odd += sums.signs.count_ones();
        done = next;
    }
    work.pass::<true, false>(done, sums, &mut [], 0);
    odd
}

/// What is known of a word of checks when all inputs were read.
struct Sums {
    signs: u64,
    least: __m512i,
    second: __m512i,
}

impl Sums {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new(signs: u64) -> Sums {
        Sums { signs, least: _mm512_set1_epi8(127), second: _mm512_set1_epi8(127) }
    }
}

struct Row<'a> {
    bits: [__m512i; 8],
    minus_one: __m512i,
    weighted: [__m512i; 2],
    places: Places<'a>,
    inputs: &'a mut [Lanes],
    words: &'a mut [Lanes],
}

impl Row<'_> {
    /// Writes a word of checks' messages and posteriors if `WRITE`, whose inputs were read, and reads
    /// the inputs of the next if `READ`. Both at a time keep more of the processor busy. The next
    /// word of checks has other words of posteriors.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    fn pass<const WRITE: bool, const READ: bool>(
        &mut self,
        done: &mut [Lanes],
        sums: Sums,
        next: &mut [Lanes],
        syndrome: u64,
    ) -> Sums {
        let Row { bits, minus_one, weighted, places, inputs, words } = self;
        let (zero, bits, minus_one) = (_mm512_setzero_si512(), *bits, *minus_one);
        let [new_least, new_others] = [sums.second, sums.least].map(|magnitudes| {
            let weighted = _mm512_permutex2var_epi8(weighted[0], magnitudes, weighted[1]);
            _mm512_mask_sub_epi8(weighted, sums.signs, zero, weighted)
        });
        let (mut old_least, mut old_others) = (zero, zero);
        if WRITE {
            store(new_least, &mut done[0]);
            store(new_others, &mut done[1]);
        }
        if READ {
            (old_least, old_others) = (load(&next[0]), load(&next[1]));
        }
        let Sums { mut signs, mut least, mut second } = Sums::new(syndrome);
        let degree = places.at.len();
        for (group, first) in (0..degree).step_by(8).enumerate() {
            let (leasts, negatives) = (2 + 2 * group, 3 + 2 * group);
            let (mut new_leasts, mut new_negatives) = (zero, zero);
            let done_negatives = if WRITE { load(&done[negatives]) } else { zero };
            let old_leasts = if READ { load(&next[leasts]) } else { zero };
            let old_negatives = if READ { load(&next[negatives]) } else { zero };
            eight!(degree - first, bits, |k: usize, bit: __m512i| {
                // SAFETY: `first + k` is below the degree, for which `inputs` has room; `Places`
                // has asserted that its places are inside of `words` and `TURNS`.
                let (at, next_at, turn, input) = unsafe {
                    (
                        *places.at.get_unchecked(first + k) as usize,
                        *places.next.get_unchecked(first + k) as usize,
                        *places.turns.get_unchecked(first + k) as usize,
                        inputs.get_unchecked_mut(first + k),
                    )
                };
                if WRITE {
                    let magnitude = load(input);
                    let is_least = _mm512_cmpeq_epi8_mask(magnitude, sums.least);
                    new_leasts = _mm512_mask_add_epi8(new_leasts, is_least, new_leasts, bit);
                    let message = _mm512_mask_blend_epi8(is_least, new_others, new_least);
                    let sum = _mm512_adds_epi8(magnitude, message);
                    let is_negative = _mm512_test_epi8_mask(done_negatives, bit);
                    let posteriors = _mm512_mask_sub_epi8(sum, is_negative, minus_one, sum);
                    // SAFETY: as above.
                    store(posteriors, unsafe { &mut *words.as_mut_ptr().byte_add(at) });
                }
                if READ {
                    // SAFETY: as above.
                    let (word, turn) = unsafe {
                        (&*words.as_ptr().byte_add(next_at), &*TURNS.as_ptr().byte_add(turn))
                    };
                    let posteriors = _mm512_permutexvar_epi8(load(&turn.0), load(word));
                    let was_least = _mm512_test_epi8_mask(old_leasts, bit);
                    let was_negative = _mm512_test_epi8_mask(old_negatives, bit);
                    let message = _mm512_mask_blend_epi8(was_least, old_others, old_least);
                    let message = _mm512_mask_sub_epi8(message, was_negative, zero, message);
                    let value = _mm512_subs_epi8(posteriors, message);
                    let negative = _mm512_movepi8_mask(value);
                    new_negatives =
                        _mm512_mask_add_epi8(new_negatives, negative, new_negatives, bit);
                    signs ^= negative;
                    let magnitude = _mm512_mask_sub_epi8(value, negative, minus_one, value);
                    store(magnitude, input);
                    second = _mm512_min_epu8(second, _mm512_max_epu8(magnitude, least));
                    least = _mm512_min_epu8(least, magnitude);
                }
            });
            if WRITE {
                store(new_leasts, &mut done[leasts]);
            }
            if READ {
                store(new_negatives, &mut next[negatives]);
            }
        }
        Sums { signs, least, second }
    }
}

/// Where the words of a row's edges stand for a word of checks and for the next, and their turns, in
/// bytes.
struct Places<'a> {
    at: &'a mut [u32],
    next: &'a mut [u32],
    /// One beyond the column, and its first.
    ends: &'a mut [u32],
    firsts: &'a mut [u32],
    turns: &'a mut [u32],
}

impl Places<'_> {
    /// Before the first word of checks, for columns of `width` words in memory of so many.
    fn new<'a>(
        row: &[Edge],
        width: usize,
        words: usize,
        memory: &'a mut [[u32; MAX_DEGREE]; 5],
    ) -> Places<'a> {
        assert!(words <= u32::MAX as usize / WORD);
        let [at, next, ends, firsts, turns] = memory.each_mut().map(|of| &mut of[..row.len()]);
        for (k, edge) in row.iter().enumerate() {
            let (first, by) = (edge.first as usize, edge.words as usize);
            assert!(first + width <= words && by < width);
            let bytes = [first + by, first, first + width, usize::from(edge.turn) % WORD];
            [next[k], firsts[k], ends[k], turns[k]] = bytes.map(|words| (words * WORD) as u32);
        }
        Places { at, next, ends, firsts, turns }
    }

    /// Goes on to the next word of checks.
    #[inline(always)]
    fn step(&mut self) {
        for k in 0..self.at.len() {
            let (next, first) = (self.next[k] + WORD as u32, self.firsts[k]);
            self.at[k] = self.next[k];
            self.next[k] = if next == self.ends[k] { first } else { next };
        }
    }
}
