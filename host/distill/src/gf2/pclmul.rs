//! PCLMULQDQ: one product at a time, on x86-64 processors since 2010.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::engine::engine;
use super::lanes::{FOLDS, Lanes};

/// Exists only where SSSE3 and PCLMULQDQ were detected.
#[derive(Clone, Copy)]
pub(super) struct Pclmul(());

impl Pclmul {
    pub fn detect() -> Option<Pclmul> {
        let found = is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("ssse3");
        found.then_some(Pclmul(()))
    }
}

impl Lanes<2> for Pclmul {
    type V = __m128i;

    #[inline(always)]
    fn load(self, from: &[u64; 2]) -> __m128i {
        // SAFETY: SSE2 is part of x86-64; the 16 bytes of `from` are readable, at any alignment.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, value: __m128i, to: &mut [u64; 2]) {
        // SAFETY: SSE2 is part of x86-64; the 16 bytes of `to` are writable, at any alignment.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), value) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m128i {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { _mm_set1_epi64x(word as i64) }
    }

    #[inline(always)]
    fn xor(self, a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { _mm_xor_si128(a, b) }
    }

    #[inline(always)]
    fn multiply(self, a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { multiply(a, b) }
    }

    #[inline(always)]
    fn transpose(self, tile: &mut [__m128i; 2]) {
        let [a, b] = *tile;
        // SAFETY: SSE2 is part of x86-64.
        *tile = unsafe { [_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)] };
    }

    #[inline(always)]
    fn low(self, a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: `self` exists only where PCLMULQDQ was detected.
        unsafe { _mm_clmulepi64_si128::<0x00>(a, b) }
    }

    #[inline(always)]
    fn high(self, a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: `self` exists only where PCLMULQDQ was detected.
        unsafe { _mm_clmulepi64_si128::<0x11>(a, b) }
    }

    #[inline(always)]
    fn cross(self, a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: `self` exists only where PCLMULQDQ was detected.
        unsafe {
            _mm_xor_si128(_mm_clmulepi64_si128::<0x01>(a, b), _mm_clmulepi64_si128::<0x10>(a, b))
        }
    }
}

/// z^64 = z^4 + z^3 + z + 1 folds the high half of a product to 68 bits; the 4 bits that are again
/// too high are folded by a table in a register, which takes the same time for every content.
#[target_feature(enable = "ssse3,pclmulqdq")]
#[inline]
fn multiply(a: __m128i, b: __m128i) -> __m128i {
    let tail = _mm_set1_epi64x(0x1b);
    let table = _mm_set_epi64x(FOLDS[1] as i64, FOLDS[0] as i64);
    let even = _mm_clmulepi64_si128::<0x00>(a, b);
    let odd = _mm_clmulepi64_si128::<0x11>(a, b);
    let even_fold = _mm_clmulepi64_si128::<0x01>(even, tail);
    let odd_fold = _mm_clmulepi64_si128::<0x01>(odd, tail);
    let low = _mm_unpacklo_epi64(_mm_xor_si128(even, even_fold), _mm_xor_si128(odd, odd_fold));
    let over = _mm_unpackhi_epi64(even_fold, odd_fold);
    _mm_xor_si128(low, _mm_shuffle_epi8(table, over))
}

engine!(Pclmul, 2, "ssse3,pclmulqdq");
