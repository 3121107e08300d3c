//! Carry-less products by integer arithmetic: any processor, no branch or table on the data.

use super::engine::engine;
use super::lanes::Lanes;

/// Needs nothing of the processor.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Lanes<2> for Portable {
    type V = [u64; 2];

    #[inline(always)]
    fn load(self, from: &[u64; 2]) -> [u64; 2] {
        *from
    }

    #[inline(always)]
    fn store(self, value: [u64; 2], to: &mut [u64; 2]) {
        *to = value;
    }

    #[inline(always)]
    fn splat(self, word: u64) -> [u64; 2] {
        [word; 2]
    }

    #[inline(always)]
    fn xor(self, a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
        [a[0] ^ b[0], a[1] ^ b[1]]
    }

    #[inline(always)]
    fn multiply(self, a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
        [reduce(product(a[0], b[0])), reduce(product(a[1], b[1]))]
    }

    #[inline(always)]
    fn transpose(self, tile: &mut [[u64; 2]; 2]) {
        *tile = [[tile[0][0], tile[1][0]], [tile[0][1], tile[1][1]]];
    }

    #[inline(always)]
    fn low(self, a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
        halves(product(a[0], b[0]))
    }

    #[inline(always)]
    fn high(self, a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
        halves(product(a[1], b[1]))
    }

    #[inline(always)]
    fn cross(self, a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
        halves(product(a[0], b[1]) ^ product(a[1], b[0]))
    }
}

engine!(Portable, 2);

fn halves(x: u128) -> [u64; 2] {
    [x as u64, (x >> 64) as u64]
}

/// Remainder modulo z^64 + z^4 + z^3 + z + 1.
#[inline(always)]
fn reduce(x: u128) -> u64 {
    let high = (x >> 64) as u64;
    // What the three shifts of `high` push out, 4 bits, is folded once more.
    let over = high >> 63 ^ high >> 61 ^ high >> 60;
    let fold = |y: u64| y ^ y << 1 ^ y << 3 ^ y << 4;
    x as u64 ^ fold(high) ^ fold(over)
}

/// Carry-less product of two words.
///
/// Each factor is split by bit position modulo 5. An integer product of two parts then has its
/// terms in every fifth bit, at most 13 to a column, and 13 < 2^5: no carry reaches the next
/// column of the same class, whose parities are picked out by a mask.
#[inline(always)]
fn product(a: u64, b: u64) -> u128 {
    /// Bits 0, 5, 10, … of 128; bit 125 is the last.
    const EVERY_FIFTH: u128 = {
        let (mut mask, mut bit) = (0, 0);
        while bit < 128 {
            mask |= 1 << bit;
            bit += 5;
        }
        mask
    };
    let part = |x: u64, class: usize| u128::from(x & (EVERY_FIFTH << class) as u64);
    let a: [u128; 5] = std::array::from_fn(|class| part(a, class));
    let b: [u128; 5] = std::array::from_fn(|class| part(b, class));
    let mut out = 0;
    for class in 0..5 {
        let mut column = 0;
        for i in 0..5 {
            column ^= a[i] * b[(class + 5 - i) % 5];
        }
        out |= column & EVERY_FIFTH << class;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_products_at_the_extremes() {
        let school = |a: u64, b: u64| {
            (0..64).filter(|i| b >> i & 1 == 1).fold(0, |sum, i| sum ^ u128::from(a) << i)
        };
        for a in [0, 1, !0, 1 << 63, 0x1084_2108_4210_8421, 0x8421_0842_1084_2108] {
            for b in [0, 1, !0, 1 << 63, 0x1084_2108_4210_8421, 0x0842_1084_2108_4210] {
                assert_eq!(product(a, b), school(a, b));
            }
        }
    }
}
