//! From coefficients of powers to coefficients of the novel basis, by additions alone.
//!
//! On a Cantor basis s_(2^j) = X^(2^(2^j)) + X. A polynomial of 2^k coefficients is expanded in
//! powers of the largest such s_r with r < k, by repeated division by (X^(2^r) + X)^(2^e)
//! = X^(2^(r+e)) + X^(2^e), e = k − r − 1 … 0; the expansion's coefficients, polynomials of degree
//! below 2^r, stand in rows. The columns, polynomials in s_r, and the rows are then converted
//! likewise (Gao and Mateer, IEEE Trans. Inf. Theory 56, 6265 (2010), section IV; Lin et al.,
//! IEEE Trans. Inf. Theory 62, 6284 (2016)).
//!
//! A division is two additions of parts of a block to other parts. All blocks of one size are
//! divided alike, which makes the conversion a list of [`Step`]s; its transposes turn each addition
//! round, and the list for the transpose proper.

use std::ops::BitXorAssign;

use super::engine::Engine;
use super::lanes::Lanes;
use super::{Kind, Level};

/// Which conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// From powers to the novel basis.
    ToNovel,
    /// The transpose of the inverse of [`Basis::ToNovel`].
    InverseTransposed,
    /// The transpose of [`Basis::ToNovel`].
    Transposed,
}

/// Division of blocks of 2·`half` coefficients by X^`half` + X^`shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    half: usize,
    shift: usize,
}

/// Logarithm of a part that is converted at once in the second cache.
const LOG_PART: u32 = 16;
/// Logarithm of the blocks whose rows are converted in registers.
const LOG_SIXTEEN: u32 = 4;

impl Basis {
    /// Converts chunks of 32 bits; their number is a power of two from 2^5 on.
    pub(crate) fn convert_halves(self, level: Level, data: &mut [u32]) {
        self.schedule(data, |data, steps, last| {
            with_engine!(level, engine => engine.convert_halves(self, data, steps, last));
        });
    }

    /// Converts elements of 64 bits; their number is a power of two from 2^5 on.
    pub(crate) fn convert_words(self, level: Level, data: &mut [u64]) {
        self.schedule(data, |data, steps, last| {
            with_engine!(level, engine => engine.convert_words(self, data, steps, last));
        });
    }

    /// Calls `run` with a part, the steps to be done to it, and whether blocks of 16 follow.
    fn schedule<T>(self, data: &mut [T], run: impl Fn(&mut [T], &[Step], bool)) {
        assert!(data.len().is_power_of_two() && data.len() > 1 << LOG_SIXTEEN);
        let log = data.len().ilog2();
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        if log > LOG_PART {
            // Its largest s_r is that of a part.
            divide(log, LOG_PART, 1, &mut whole);
            list(log - LOG_PART, 1 << LOG_PART, &mut whole);
        }
        list(log.min(LOG_PART), 1, &mut parts);
        if self != Basis::Transposed {
            run(data, &whole, false);
        }
        data.chunks_mut(1 << LOG_PART).for_each(|part| run(part, &parts, true));
        if self == Basis::Transposed {
            run(data, &whole, false);
        }
    }
}

/// The steps for 2^`log` rows of `row` coefficients; those of the last 16 are done in registers.
fn list(log: u32, row: usize, steps: &mut Vec<Step>) {
    if log < 2 || (row == 1 && log == LOG_SIXTEEN) {
        return;
    }
    // The largest power of two below the logarithm.
    let r = 1 << (log - 1).ilog2();
    divide(log, r, row, steps);
    list(log - r, row << r, steps);
    list(r, row, steps);
}

fn divide(log: u32, r: u32, row: usize, steps: &mut Vec<Step>) {
    steps.extend((0..log - r).rev().map(|e| Step { half: row << (r + e), shift: row << e }));
}

#[inline(always)]
pub(super) fn convert_halves<const W: usize, K: Lanes<W>>(
    _: K,
    basis: Basis,
    data: &mut [u32],
    steps: &[Step],
    last: bool,
) {
    convert(basis, data, steps, last);
}

#[inline(always)]
pub(super) fn convert_words<const W: usize, K: Lanes<W>>(
    _: K,
    basis: Basis,
    data: &mut [u64],
    steps: &[Step],
    last: bool,
) {
    convert(basis, data, steps, last);
}

// Loops, no closures: a closure is compiled as a function of its own, without the level's features.

#[inline(always)]
fn convert<T: Sixteens>(basis: Basis, data: &mut [T], steps: &[Step], last: bool) {
    match basis {
        Basis::Transposed => {
            if last {
                T::sixteens(basis, data);
            }
            for step in steps.iter().rev() {
                divide_blocks(basis, data, *step);
            }
        }
        _ => {
            for step in steps {
                divide_blocks(basis, data, *step);
            }
            if last {
                T::sixteens(basis, data);
            }
        }
    }
}

#[inline(always)]
fn divide_blocks<T: BitXorAssign + Copy>(basis: Basis, data: &mut [T], step: Step) {
    match (step.half, step.shift) {
        (16, 1) => divide_short::<T, 16, 1>(basis, data),
        (32, 2) => divide_short::<T, 32, 2>(basis, data),
        (64, 4) => divide_short::<T, 64, 4>(basis, data),
        (128, 8) => divide_short::<T, 128, 8>(basis, data),
        (half, shift) => divide_all(basis, data, half, shift),
    }
}

/// Short additions, whose length the compiler knows. They are a function of its own, so that it is
/// compiled without the level's features: with them the compiler gathers and scatters single
/// elements of many blocks, which is slower by far.
#[inline(never)]
fn divide_short<T: BitXorAssign + Copy, const HALF: usize, const SHIFT: usize>(
    basis: Basis,
    data: &mut [T],
) {
    match basis {
        Basis::ToNovel => divide_all(Basis::ToNovel, data, HALF, SHIFT),
        Basis::InverseTransposed => divide_all(Basis::InverseTransposed, data, HALF, SHIFT),
        Basis::Transposed => divide_all(Basis::Transposed, data, HALF, SHIFT),
    }
}

#[inline(always)]
fn divide_all<T: BitXorAssign + Copy>(basis: Basis, data: &mut [T], half: usize, shift: usize) {
    for block in data.chunks_exact_mut(2 * half) {
        divide_block(basis, block, half, shift);
    }
}

#[inline(always)]
fn divide_block<T: BitXorAssign + Copy>(basis: Basis, block: &mut [T], half: usize, shift: usize) {
    let (low, high) = block.split_at_mut(half);
    match basis {
        Basis::ToNovel => {
            fold_high(high, shift);
            add(&mut low[shift..], &high[..half - shift]);
        }
        Basis::InverseTransposed => {
            unfold_high(high, shift);
            add(&mut high[..half - shift], &low[shift..]);
        }
        Basis::Transposed => {
            add(&mut high[..half - shift], &low[shift..]);
            unfold_high(high, shift);
        }
    }
}

/// What the quotient's own highest coefficients add to its lowest.
#[inline(always)]
fn fold_high<T: BitXorAssign + Copy>(high: &mut [T], shift: usize) {
    let (first, last) = high.split_at_mut(high.len() - shift);
    add(&mut first[..shift], last);
}

#[inline(always)]
fn unfold_high<T: BitXorAssign + Copy>(high: &mut [T], shift: usize) {
    let (first, last) = high.split_at_mut(high.len() - shift);
    add(last, &first[..shift]);
}

#[inline(always)]
fn add<T: BitXorAssign + Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= *from;
    }
}

/// The last steps of blocks of 16 elements: divisions (8, 2), (4, 1), (8, 4) and (2, 1).
pub(super) trait Sixteens: BitXorAssign + Copy {
    fn sixteens(basis: Basis, data: &mut [Self]);
}

impl Sixteens for u64 {
    #[inline(never)]
    fn sixteens(basis: Basis, data: &mut [u64]) {
        for block in data.as_chunks_mut::<16>().0 {
            let mut f = *block;
            match basis {
                Basis::Transposed => {
                    divide_all(basis, &mut f, 2, 1);
                    divide_all(basis, &mut f, 8, 4);
                    divide_all(basis, &mut f, 4, 1);
                    divide_all(basis, &mut f, 8, 2);
                }
                _ => {
                    divide_all(basis, &mut f, 8, 2);
                    divide_all(basis, &mut f, 4, 1);
                    divide_all(basis, &mut f, 8, 4);
                    divide_all(basis, &mut f, 2, 1);
                }
            }
            *block = f;
        }
    }
}

/// Pairs of chunks as words: a shift by an odd number of chunks shifts words by half.
impl Sixteens for u32 {
    #[inline(never)]
    fn sixteens(basis: Basis, data: &mut [u32]) {
        let pair = |f: &[u32; 2]| u64::from(f[0]) | u64::from(f[1]) << 32;
        for block in data.as_chunks_mut::<16>().0 {
            let mut f = [0; 8];
            for (word, pair_of) in f.iter_mut().zip(block.as_chunks().0) {
                *word = pair(pair_of);
            }
            match basis {
                Basis::ToNovel => {
                    divide_all(basis, &mut f, 4, 1);
                    for q in f.as_chunks_mut::<4>().0 {
                        q[2] ^= q[3] >> 32;
                        q[0] ^= q[2] << 32;
                        q[1] ^= q[2] >> 32 ^ q[3] << 32;
                    }
                    divide_all(basis, &mut f, 4, 2);
                    for q in f.as_chunks_mut::<2>().0 {
                        q[1] ^= q[1] >> 32;
                        q[0] ^= q[1] << 32;
                    }
                }
                Basis::InverseTransposed => {
                    divide_all(basis, &mut f, 4, 1);
                    for q in f.as_chunks_mut::<4>().0 {
                        q[3] ^= q[2] << 32;
                        q[2] ^= q[0] >> 32 ^ q[1] << 32;
                        q[3] ^= q[1] >> 32;
                    }
                    divide_all(basis, &mut f, 4, 2);
                    for q in f.as_chunks_mut::<2>().0 {
                        q[1] ^= q[1] << 32;
                        q[1] ^= q[0] >> 32;
                    }
                }
                Basis::Transposed => unreachable!("outputs are words"),
            }
            for (word, pair_of) in f.iter().zip(block.as_chunks_mut::<2>().0) {
                *pair_of = [*word as u32, (*word >> 32) as u32];
            }
        }
    }
}
