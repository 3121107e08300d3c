//! VPCLMULQDQ on the 512-bit registers of AVX-512: four products at a time.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::engine::engine;
use super::lanes::{FOLDS, Lanes};

/// Exists only where VPCLMULQDQ and AVX-512 F, BW, DQ and VL were detected.
#[derive(Clone, Copy)]
pub(super) struct Vpclmul(());

impl Vpclmul {
    pub fn detect() -> Option<Vpclmul> {
        let found = is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        found.then_some(Vpclmul(()))
    }
}

impl Lanes<8> for Vpclmul {
    type V = __m512i;

    #[inline(always)]
    fn load(self, from: &[u64; 8]) -> __m512i {
        // SAFETY: `self` exists only where AVX-512 F was detected; the 64 bytes of `from` are
        // readable, at any alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, value: __m512i, to: &mut [u64; 8]) {
        // SAFETY: `self` exists only where AVX-512 F was detected; the 64 bytes of `to` are
        // writable, at any alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m512i {
        // SAFETY: `self` exists only where AVX-512 F was detected.
        unsafe { _mm512_set1_epi64(word as i64) }
    }

    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` exists only where AVX-512 F was detected.
        unsafe { _mm512_xor_si512(a, b) }
    }

    #[inline(always)]
    fn multiply(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` exists only where the function's features were detected.
        unsafe { multiply(a, b) }
    }

    #[inline(always)]
    fn transpose(self, tile: &mut [__m512i; 8]) {
        // SAFETY: `self` exists only where the function's features were detected.
        *tile = unsafe { transpose(*tile) };
    }

    #[inline(always)]
    fn low(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` exists only where VPCLMULQDQ and AVX-512 F were detected.
        unsafe { _mm512_clmulepi64_epi128::<0x00>(a, b) }
    }

    #[inline(always)]
    fn high(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` exists only where VPCLMULQDQ and AVX-512 F were detected.
        unsafe { _mm512_clmulepi64_epi128::<0x11>(a, b) }
    }

    #[inline(always)]
    fn cross(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` exists only where VPCLMULQDQ and AVX-512 F were detected.
        unsafe {
            _mm512_xor_si512(
                _mm512_clmulepi64_epi128::<0x01>(a, b),
                _mm512_clmulepi64_epi128::<0x10>(a, b),
            )
        }
    }
}

/// z^64 = z^4 + z^3 + z + 1 folds the high half of a product to 68 bits; the 4 bits that are again
/// too high are folded by a table in a register, which takes the same time for every content.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,vpclmulqdq")]
#[inline]
fn multiply(a: __m512i, b: __m512i) -> __m512i {
    let tail = _mm512_set1_epi64(0x1b);
    let table = _mm512_broadcast_i32x4(_mm_set_epi64x(FOLDS[1] as i64, FOLDS[0] as i64));
    let even = _mm512_clmulepi64_epi128::<0x00>(a, b);
    let odd = _mm512_clmulepi64_epi128::<0x11>(a, b);
    let even_fold = _mm512_clmulepi64_epi128::<0x01>(even, tail);
    let odd_fold = _mm512_clmulepi64_epi128::<0x01>(odd, tail);
    let low =
        _mm512_unpacklo_epi64(_mm512_xor_si512(even, even_fold), _mm512_xor_si512(odd, odd_fold));
    let over = _mm512_unpackhi_epi64(even_fold, odd_fold);
    _mm512_xor_si512(low, _mm512_shuffle_epi8(table, over))
}

/// Three rounds, each exchanging blocks of words between pairs of vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,vpclmulqdq")]
#[inline]
fn transpose(v: [__m512i; 8]) -> [__m512i; 8] {
    // Words: pairs of neighbours change places between vectors 2i and 2i + 1.
    let a = [
        _mm512_unpacklo_epi64(v[0], v[1]),
        _mm512_unpackhi_epi64(v[0], v[1]),
        _mm512_unpacklo_epi64(v[2], v[3]),
        _mm512_unpackhi_epi64(v[2], v[3]),
        _mm512_unpacklo_epi64(v[4], v[5]),
        _mm512_unpackhi_epi64(v[4], v[5]),
        _mm512_unpacklo_epi64(v[6], v[7]),
        _mm512_unpackhi_epi64(v[6], v[7]),
    ];
    // Quarters of 128 bits: the even ones, then the odd ones, of two vectors.
    let even = |x, y| _mm512_shuffle_i64x2::<0b10_00_10_00>(x, y);
    let odd = |x, y| _mm512_shuffle_i64x2::<0b11_01_11_01>(x, y);
    let b = [
        even(a[0], a[2]),
        even(a[1], a[3]),
        odd(a[0], a[2]),
        odd(a[1], a[3]),
        even(a[4], a[6]),
        even(a[5], a[7]),
        odd(a[4], a[6]),
        odd(a[5], a[7]),
    ];
    [
        even(b[0], b[4]),
        even(b[1], b[5]),
        even(b[2], b[6]),
        even(b[3], b[7]),
        odd(b[0], b[4]),
        odd(b[1], b[5]),
        odd(b[2], b[6]),
        odd(b[3], b[7]),
    ]
}

engine!(Vpclmul, 8, "avx512f,avx512bw,avx512dq,avx512vl,vpclmulqdq");
