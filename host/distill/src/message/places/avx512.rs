//! The steps with the instructions of AVX-512, sixteen places at a time.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{CHUNK, Coding, Decoding, Ones, portable};
use crate::message::slots::Quotients;

/// Places in a register.
const LANES: usize = 16;

/// With wider low parts the sum of a chunk of them would not fit 32 bits.
const WIDEST_READ: u32 = 22;

/// Wider low parts do not fit into 16 bits; places are too rare then for their coding to matter.
const WIDEST_WRITTEN: u32 = 16;

/// Exists only where AVX-512 F, BW, DQ, VL, VBMI and VBMI2, BMI1, BMI2, LZCNT and POPCNT were detected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

/// The methods of [`Avx512`]: the functions of this module of the same names.
macro_rules! methods {
    ($(fn $name:ident$([$w:ident])?($($argument:ident: $type:ty),*);)*) => {
        impl Avx512 {
            $(
                #[inline]
                pub(super) fn $name$(<$w: Iterator<Item = u64>>)?(self, $($argument: $type),*) {
                    // SAFETY: `self` exists only where the function's features were detected.
                    unsafe { $name($($argument),*) }
                }
            )*
        }
    };
}

methods! {
    fn find[W](ones: &mut Ones<W>);
    fn decode(list: &mut Decoding<'_>, ones: &[u32], places: &mut [u32]);
    fn code(list: &mut Coding<'_>, places: &[u32]);
    fn flip(words: &mut [u64], places: &[u32]);
    fn add_quotients(quotients: &Quotients, numbers: &mut [u32]);
    fn take_quotients(quotients: &Quotients, numbers: &mut [u32]);
}

impl Avx512 {
    pub fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        found.then_some(Avx512(()))
    }
}

/// 0, 1, 2 …
const RAMP: [u8; 64] = {
    let mut ramp = [0; 64];
    let mut i = 0;
    while i < 64 {
        ramp[i] = i as u8;
        i += 1;
    }
    ramp
};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn find<W: Iterator<Item = u64>>(ones: &mut Ones<W>) {
    let ramp = load_bytes(&RAMP);
    let (mut held, mut base) = (ones.held, ones.base);
    while held < CHUNK {
        let Some(word) = ones.words.next() else { break };
        let found = _mm512_maskz_compress_epi8(word, ramp);
        let first = _mm512_set1_epi32(base as i32);
        // What is behind the word's ones is written over by the next, or never used.
        let to = ones.found[held..].as_chunks_mut::<LANES>().0;
        let quarters = [
            _mm512_castsi512_si128(found),
            _mm512_extracti32x4_epi32::<1>(found),
            _mm512_extracti32x4_epi32::<2>(found),
            _mm512_extracti32x4_epi32::<3>(found),
        ];
        for (to, quarter) in to.iter_mut().zip(quarters) {
            store(to, _mm512_add_epi32(first, _mm512_cvtepu8_epi32(quarter)));
        }
        held += word.count_ones() as usize;
        base = base.wrapping_add(64);
    }
    (ones.held, ones.base) = (held, base);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn decode(list: &mut Decoding<'_>, ones: &[u32], places: &mut [u32]) {
    let width = list.width;
    if width > WIDEST_READ {
        return portable::decode(list, ones, places);
    }
    // Of 64 bytes from the low part of lane 0 on, the four that hold the low part of lane i, and how
    // far up it stands in them. Sixteen low parts are whole bytes.
    let bit = |lane: usize| lane * width as usize;
    let bytes = std::array::from_fn(|j| (bit(j / 4) / 8 + j % 4) as u8);
    let (bytes, up) = (load_bytes(&bytes), std::array::from_fn(|lane| bit(lane) as u32 % 8));
    let (up, by) = (load(&up), _mm_cvtsi32_si128(width as i32));
    let inside = _mm512_set1_epi32((1i32 << width) - 1);
    let (last, step) = (_mm512_set1_epi32(LANES as i32 - 1), _mm512_set1_epi32(LANES as i32));
    let mut done = _mm512_add_epi32(
        _mm512_set1_epi32(list.done as i32),
        _mm512_cvtepu8_epi32(_mm512_castsi512_si128(load_bytes(&RAMP))),
    );
    let before = _mm512_set1_epi32(list.sum as i32);
    let mut sum = _mm512_setzero_si512();
    let mut low = list.low.get(bit(list.done) / 8..).unwrap_or_default();
    for (ones, places) in ones.chunks(LANES).zip(places.chunks_mut(LANES)) {
        let lanes = lanes(ones.len());
        let part = _mm512_permutexvar_epi8(bytes, load_some_bytes(low));
        let part = _mm512_maskz_and_epi32(lanes, _mm512_srlv_epi32(part, up), inside);
        let sums = _mm512_add_epi32(running_sum(part), sum);
        sum = _mm512_permutexvar_epi32(last, sums);
        // The high parts up to a place add up to the number of zeros before its one.
        let high = _mm512_sll_epi32(_mm512_sub_epi32(load_some(ones), done), by);
        let gaps = _mm512_add_epi32(high, _mm512_add_epi32(sums, before));
        store_some(places, _mm512_add_epi32(gaps, done));
        done = _mm512_add_epi32(done, step);
        low = low.get(bit(LANES) / 8..).unwrap_or_default();
    }
    list.done += ones.len();
    list.sum += u64::from(_mm_cvtsi128_si32(_mm512_castsi512_si128(sum)) as u32);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]
fn code(list: &mut Coding<'_>, places: &[u32]) {
    let Some(&end) = places.last() else { return };
    let width = list.width as usize;
    if list.width > WIDEST_WRITTEN {
        return portable::code(list, places);
    }
    let inside = _mm512_set1_epi32((1i32 << width) - 1);
    let (by, one) = (_mm_cvtsi32_si128(width as i32), _mm512_set1_epi32(1));
    // The low parts of 16 places are 2 `width` bytes.
    let mut byte = list.done / LANES * 2 * width;
    let mut before = _mm512_set1_epi32(list.next.wrapping_sub(1) as i32);
    for places in places.chunks(LANES) {
        let lanes = lanes(places.len());
        let here = load_some(places);
        let gap = _mm512_sub_epi32(here, _mm512_alignr_epi32::<15>(here, before));
        let gap = _mm512_maskz_sub_epi32(lanes, gap, one);
        before = here;
        let part = _mm512_and_si512(gap, inside);
        if width <= 8 {
            let inside = u64::from_ne_bytes([((1u32 << width) - 1) as u8; 8]);
            let parts = halves(_mm512_cvtepi32_epi8(part));
            for (half, part) in parts.into_iter().enumerate() {
                let to = &mut list.low[byte + half * width..][..8];
                to.copy_from_slice(&_pext_u64(part, inside).to_le_bytes());
            }
        } else {
            let inside = ((1u64 << width) - 1) * 0x0001_0001_0001_0001;
            let part = _mm512_cvtepi32_epi16(part);
            let parts = [_mm256_castsi256_si128(part), _mm256_extracti128_si256::<1>(part)];
            for (half, part) in parts.into_iter().enumerate() {
                let [a, b] = halves(part);
                let (a, b) = (_pext_u64(a, inside), _pext_u64(b, inside));
                let to = &mut list.low[byte + half * width..][..16];
                let both = u128::from(a) | u128::from(b) << (4 * width);
                to.copy_from_slice(&both.to_le_bytes());
            }
        }
        byte += 2 * width;
        // Where the ones go, from the first bit of the word that is being filled.
        let (word, bit) = ((list.at / 64) as usize, list.at % 64);
        let ones = running_sum(_mm512_add_epi32(_mm512_srl_epi32(gap, by), one));
        let ones = _mm512_add_epi32(ones, _mm512_set1_epi32(bit as i32 - 1));
        let mut each = [0; LANES];
        store(&mut each, ones);
        let last = each[places.len() - 1];
        if last < 128 {
            let [low, high] = two_words(lanes, ones);
            list.high[word] |= low;
            list.high[word + 1] |= high;
        } else {
            for one in &each[..places.len()] {
                list.high[word + *one as usize / 64] |= 1 << (one % 64);
            }
        }
        list.at += u64::from(last) + 1 - bit;
    }
    list.next = end.wrapping_add(1);
    list.done += places.len();
}

#[target_feature(enable = "avx512f,avx512dq")]
fn flip(words: &mut [u64], places: &[u32]) {
    let (groups, rest) = places.as_chunks::<LANES>();
    for group in groups {
        let first = group[0] / 64;
        if group[LANES - 1].wrapping_sub(64 * first) >= 128 {
            portable::flip(words, group);
            continue;
        }
        let places = _mm512_sub_epi32(load(group), _mm512_set1_epi32((64 * first) as i32));
        for (i, bits) in two_words(!0, places).into_iter().enumerate() {
            if let Some(word) = words.get_mut(first as usize + i) {
                *word ^= bits;
            }
        }
    }
    portable::flip(words, rest);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn add_quotients(quotients: &Quotients, numbers: &mut [u32]) {
    portable::add_quotients(quotients, numbers);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn take_quotients(quotients: &Quotients, numbers: &mut [u32]) {
    portable::take_quotients(quotients, numbers);
}

/// Sums of the lanes up to each.
#[inline]
#[target_feature(enable = "avx512f")]
fn running_sum(mut lanes: __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    lanes = _mm512_add_epi32(lanes, _mm512_alignr_epi32::<15>(lanes, zero));
    lanes = _mm512_add_epi32(lanes, _mm512_alignr_epi32::<14>(lanes, zero));
    lanes = _mm512_add_epi32(lanes, _mm512_alignr_epi32::<12>(lanes, zero));
    _mm512_add_epi32(lanes, _mm512_alignr_epi32::<8>(lanes, zero))
}

/// Two words with ones at the places that stand in `lanes`; those from 128 on do not count.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn two_words(lanes: __mmask16, places: __m512i) -> [u64; 2] {
    let (one, word) = (_mm512_set1_epi64(1), _mm512_set1_epi64(64));
    let (few, more) = (lanes as __mmask8, (lanes >> 8) as __mmask8);
    let first = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(places));
    let second = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(places));
    // A shift by 64 or more gives zero.
    let low = _mm512_or_si512(
        _mm512_maskz_sllv_epi64(few, one, first),
        _mm512_maskz_sllv_epi64(more, one, second),
    );
    let high = _mm512_or_si512(
        _mm512_maskz_sllv_epi64(few, one, _mm512_sub_epi64(first, word)),
        _mm512_maskz_sllv_epi64(more, one, _mm512_sub_epi64(second, word)),
    );
    [_mm512_reduce_or_epi64(low) as u64, _mm512_reduce_or_epi64(high) as u64]
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn halves(bytes: __m128i) -> [u64; 2] {
    [_mm_extract_epi64::<0>(bytes) as u64, _mm_extract_epi64::<1>(bytes) as u64]
}

/// The first `count` lanes, at most sixteen.
#[inline]
fn lanes(count: usize) -> __mmask16 {
    ((1u32 << count) - 1) as __mmask16
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[u32; LANES]) -> __m512i {
    // SAFETY: the 64 bytes of `from` are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(from: &[u8; 64]) -> __m512i {
    // SAFETY: the 64 bytes of `from` are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

/// Zeros where there are fewer than 16.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_some(from: &[u32]) -> __m512i {
    match from.first_chunk() {
        Some(from) => load(from),
        // SAFETY: only the lanes of `from` are read, at any alignment.
        None => unsafe { _mm512_maskz_loadu_epi32(lanes(from.len()), from.as_ptr().cast()) },
    }
}

/// Zeros where there are fewer than 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_some_bytes(from: &[u8]) -> __m512i {
    match from.first_chunk() {
        Some(from) => load_bytes(from),
        None => {
            let bytes = (1u64 << from.len()) - 1;
            // SAFETY: only the bytes of `from` are read.
            unsafe { _mm512_maskz_loadu_epi8(bytes, from.as_ptr().cast()) }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u32; LANES], value: __m512i) {
    // SAFETY: the 64 bytes of `to` are writable, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}

/// As many lanes as there is room for.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_some(to: &mut [u32], value: __m512i) {
    let lanes = lanes(to.len().min(LANES));
    // SAFETY: only the lanes of `to` are written, at any alignment.
    unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), lanes, value) }
}
