//! PMULL: one product at a time, on 64-bit Arm processors with the AES extension.
#![allow(unsafe_code)]

use core::arch::aarch64::*;

use super::engine::engine;
use super::lanes::{FOLDS, Lanes};

/// Exists only where NEON and AES (which holds the 64-bit PMULL) were detected.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    pub fn detect() -> Option<Neon> {
        let found = std::arch::is_aarch64_feature_detected!("neon")
            && std::arch::is_aarch64_feature_detected!("aes");
        found.then_some(Neon(()))
    }
}

impl Lanes<2> for Neon {
    type V = uint64x2_t;

    #[inline(always)]
    fn load(self, from: &[u64; 2]) -> uint64x2_t {
        // SAFETY: `self` exists only where NEON was detected; both words of `from` are readable.
        unsafe { vld1q_u64(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, value: uint64x2_t, to: &mut [u64; 2]) {
        // SAFETY: `self` exists only where NEON was detected; both words of `to` are writable.
        unsafe { vst1q_u64(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> uint64x2_t {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { vdupq_n_u64(word) }
    }

    #[inline(always)]
    fn xor(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: `self` exists only where NEON was detected.
        unsafe { veorq_u64(a, b) }
    }

    #[inline(always)]
    fn multiply(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { multiply(a, b) }
    }

    #[inline(always)]
    fn transpose(self, tile: &mut [uint64x2_t; 2]) {
        let [a, b] = *tile;
        // SAFETY: `self` exists only where NEON was detected.
        *tile = unsafe { [vzip1q_u64(a, b), vzip2q_u64(a, b)] };
    }

    #[inline(always)]
    fn low(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { product_low(a, b) }
    }

    #[inline(always)]
    fn high(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { product_high(a, b) }
    }

    #[inline(always)]
    fn cross(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: `self` exists only where the functions' features were detected.
        unsafe {
            let swapped = vextq_u64::<1>(b, b);
            veorq_u64(product_low(a, swapped), product_high(a, swapped))
        }
    }
}

#[target_feature(enable = "neon,aes")]
#[inline]
fn product_low(a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
    vreinterpretq_u64_p128(vmull_p64(vgetq_lane_u64::<0>(a), vgetq_lane_u64::<0>(b)))
}

#[target_feature(enable = "neon,aes")]
#[inline]
fn product_high(a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
    vreinterpretq_u64_p128(vmull_high_p64(vreinterpretq_p64_u64(a), vreinterpretq_p64_u64(b)))
}

/// z^64 = z^4 + z^3 + z + 1 folds the high half of a product to 68 bits; the 4 bits that are again
/// too high are folded by a table in a register, which takes the same time for every content.
#[target_feature(enable = "neon,aes")]
#[inline]
fn multiply(a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
    let tail = vdupq_n_u64(0x1b);
    let table = vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(FOLDS[0]), vcreate_u64(FOLDS[1])));
    let (even, odd) = (product_low(a, b), product_high(a, b));
    let (even_fold, odd_fold) = (product_high(even, tail), product_high(odd, tail));
    let low = vzip1q_u64(veorq_u64(even, even_fold), veorq_u64(odd, odd_fold));
    let over = vreinterpretq_u8_u64(vzip2q_u64(even_fold, odd_fold));
    veorq_u64(low, vreinterpretq_u64_u8(vqtbl1q_u8(table, over)))
}

engine!(Neon, 2, "neon,aes");
