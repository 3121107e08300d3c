//! The steps with the instructions of AVX-512, eight values at a time.
#![allow(unsafe_code)]

mod tags;

use std::arch::x86_64::*;

use tags::{ends, join, pack_indices, seen, split, unpack_indices};

use super::{FRAME, Places, SLACK, Values, WIDEST, packed_bytes, portable};
use crate::TimeTag;

/// Values in a register.
const LANES: usize = 8;

/// Exists only where AVX-512 F, BW, DQ, VL, VBMI and VBMI2, BMI2 and POPCNT were detected.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Avx512(());

/// The methods of [`Avx512`]: the functions of this module of the same names.
macro_rules! methods {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl Avx512 {
            $(
                #[inline]
                pub(super) fn $name(self, $($argument: $type),*) $(-> $result)? {
                    // SAFETY: `self` exists only where the function's features were detected.
                    unsafe { $name($($argument),*) }
                }
            )*
        }
    };
}

methods! {
    fn gaps(ticks: &[u64], before: u64, to: &mut Values) -> (i64, i64);
    fn lower(values: &mut Values, count: usize, least: i64, width: u32) -> u64;
    fn pack(values: &Values, count: usize, width: u32, out: &mut Vec<u8>);
    fn unpack(bytes: &[u8], count: usize, width: u32, values: &mut Values);
    fn put_unary(values: &Values, count: usize, width: u32, sum: usize, out: &mut Vec<u8>);
    fn ones(bytes: &[u8], bits: usize, places: &mut Places) -> usize;
    fn ticks(
        values: &mut Values, places: &Places, count: usize, width: u32, least: i64, before: u64
    );
    fn pack_indices(indices: &[u8], width: u32, out: &mut Vec<u8>);
    fn unpack_indices(bytes: &[u8], width: u32, indices: &mut [u8]);
    fn split(tags: &[TimeTag], ticks: &mut Vec<u64>, channels: &mut Vec<u8>);
    fn seen(channels: &[u8]) -> [u64; 4];
    fn ends(ticks: &[u64]) -> (u64, u64);
    fn join(ticks: &[u64], channels: &[u8], to: &mut Vec<TimeTag>);
}

impl Avx512 {
    pub(super) fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        found.then_some(Avx512(()))
    }
}

/// Eight values of a width are as many bytes as the width has bits: where each lies in them.
struct Layout {
    /// Of byte j of lane i, at 8i + j: which of the bytes it is.
    unpack: [u8; 64],
    /// Of each of the bytes: which byte of the lanes with an even number it is, and of those with an
    /// odd number. Lanes of one kind do not touch.
    pack: [[u8; 64]; 2],
    /// Whether it is one at all.
    packed: [u64; 2],
}

static LAYOUTS: [Layout; WIDEST as usize + 1] = {
    let mut layouts = [const { layout(0) }; WIDEST as usize + 1];
    let mut width = 0;
    while width <= WIDEST as usize {
        layouts[width] = layout(width);
        width += 1;
    }
    layouts
};

const fn layout(width: usize) -> Layout {
    let mut layout = Layout { unpack: [0; 64], pack: [[0; 64]; 2], packed: [0; 2] };
    let mut lane = 0;
    while lane < LANES {
        let (first, bits) = (lane * width / 8, lane * width % 8 + width);
        let mut byte = 0;
        while byte < 8 {
            layout.unpack[8 * lane + byte] = (first + byte) as u8;
            if 8 * byte < bits {
                layout.pack[lane % 2][first + byte] = (8 * lane + byte) as u8;
                layout.packed[lane % 2] |= 1 << (first + byte);
            }
            byte += 1;
        }
        lane += 1;
    }
    layout
}

/// How far up in its first byte the value of each lane begins.
#[inline]
#[target_feature(enable = "avx512f")]
fn shifts(width: u32) -> __m512i {
    load(&std::array::from_fn(|lane| u64::from(lane as u32 * width % 8)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[u64; LANES]) -> __m512i {
    // SAFETY: the 64 bytes are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(from: &[u8; 64]) -> __m512i {
    // SAFETY: the 64 bytes are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u64; LANES], value: __m512i) {
    // SAFETY: the 64 bytes are writable, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_bytes(to: &mut [u8; 64], value: __m512i) {
    // SAFETY: the 64 bytes are writable, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}

/// `value` in the lanes from `count` on, the others moved down from above: the lanes of `values`
/// moved up by `count`.
macro_rules! moved_up {
    ($values:expr, $by:literal, $in:expr) => {
        _mm512_alignr_epi64::<{ 8 - $by }>($values, $in)
    };
}

#[target_feature(enable = "avx512f")]
fn gaps(ticks: &[u64], before: u64, to: &mut Values) -> (i64, i64) {
    let (groups, rest) = ticks.as_chunks::<LANES>();
    let mut last = _mm512_set1_epi64(before as i64);
    let (mut least, mut most) = (_mm512_set1_epi64(i64::MAX), _mm512_set1_epi64(i64::MIN));
    for (group, gaps) in groups.iter().zip(to.as_chunks_mut::<LANES>().0) {
        let ticks = load(group);
        let gap = _mm512_sub_epi64(ticks, moved_up!(ticks, 1, last));
        least = _mm512_min_epi64(least, gap);
        most = _mm512_max_epi64(most, gap);
        store(gaps, gap);
        last = ticks;
    }
    let (mut least, mut most) = (_mm512_reduce_min_epi64(least), _mm512_reduce_max_epi64(most));
    let done = ticks.len() - rest.len();
    let mut last = done.checked_sub(1).map_or(before, |last| ticks[last]);
    for (gap, tick) in to[done..].iter_mut().zip(rest) {
        *gap = tick.wrapping_sub(last);
        last = *tick;
        least = least.min(*gap as i64);
        most = most.max(*gap as i64);
    }
    (least, most)
}

#[target_feature(enable = "avx512f")]
fn lower(values: &mut Values, count: usize, least: i64, width: u32) -> u64 {
    let (least_of_all, by) = (_mm512_set1_epi64(least), _mm_cvtsi32_si128(width as i32));
    let mut sum = _mm512_setzero_si512();
    for (i, values) in values.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let used = (1u32 << count.saturating_sub(LANES * i).min(LANES)) - 1;
        let lowered = _mm512_maskz_sub_epi64(used as u8, load(values), least_of_all);
        sum = _mm512_add_epi64(sum, _mm512_srl_epi64(lowered, by));
        store(values, lowered);
    }
    _mm512_reduce_add_epi64(sum) as u64
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi2")]
fn pack(values: &Values, count: usize, width: u32, out: &mut Vec<u8>) {
    let (begin, bytes) = (out.len(), packed_bytes(count, width));
    // Each group is written as 64 bytes, over which the next is written.
    out.resize(begin + bytes + width as usize + SLACK, 0);
    let groups = &values.as_chunks::<LANES>().0[..count.div_ceil(LANES)];
    let mut to = &mut out[begin..];
    if width < 8 {
        let mask = 0x0101_0101_0101_0101 * ((1 << width) - 1);
        for group in groups {
            let low = _mm_cvtsi128_si64(_mm512_cvtepi64_epi8(load(group))) as u64;
            let Some(word) = to.first_chunk_mut() else { break };
            *word = _pext_u64(low, mask).to_le_bytes();
            to = &mut to[width as usize..];
        }
    } else {
        let layout = &LAYOUTS[width as usize];
        let (even, odd) = (load_bytes(&layout.pack[0]), load_bytes(&layout.pack[1]));
        let up = shifts(width);
        let mask = _mm512_set1_epi64((1i64 << width) - 1);
        for group in groups {
            let low = _mm512_sllv_epi64(_mm512_and_si512(load(group), mask), up);
            let evens = _mm512_maskz_permutexvar_epi8(layout.packed[0], even, low);
            let odds = _mm512_maskz_permutexvar_epi8(layout.packed[1], odd, low);
            let Some(first) = to.first_chunk_mut() else { break };
            store_bytes(first, _mm512_or_si512(evens, odds));
            to = &mut to[width as usize..];
        }
    }
    out.truncate(begin + bytes);
}

#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack(bytes: &[u8], count: usize, width: u32, values: &mut Values) {
    let bytes = &bytes[..packed_bytes(count, width) + SLACK];
    let (places, down) = (load_bytes(&LAYOUTS[width as usize].unpack), shifts(width));
    let mask = _mm512_set1_epi64((1i64 << width) - 1);
    let groups = values.as_chunks_mut::<LANES>().0;
    for (i, group) in groups[..count.div_ceil(LANES)].iter_mut().enumerate() {
        let Some(first) = bytes[i * width as usize..].first_chunk() else { break };
        let lanes = _mm512_permutexvar_epi8(places, load_bytes(first));
        store(group, _mm512_and_si512(_mm512_srlv_epi64(lanes, down), mask));
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn put_unary(values: &Values, count: usize, width: u32, sum: usize, out: &mut Vec<u8>) {
    // A byte for each bit first: bytes are set independently of each other.
    let (begin, bits) = (out.len(), count + sum);
    out.resize(begin + bits.next_multiple_of(64), 0);
    let flags = &mut out[begin..];
    let mut place = 0;
    for value in &values[..count] {
        place += (value >> width) as usize;
        flags[place] = 1;
        place += 1;
    }
    let mut at = 0;
    for i in (0..flags.len()).step_by(64) {
        let Some(group) = flags[i..].first_chunk() else { break };
        let group = load_bytes(group);
        let word = _mm512_test_epi8_mask(group, group);
        flags[at..at + 8].copy_from_slice(&word.to_le_bytes());
        at += 8;
    }
    out.truncate(begin + bits.div_ceil(8));
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
fn ones(bytes: &[u8], bits: usize, places: &mut Places) -> usize {
    let ramp = load_bytes(&RAMP);
    let mut count = 0;
    for (word, base) in portable::words(bytes, bits) {
        let found = _mm512_maskz_compress_epi8(word, ramp);
        let first = _mm512_set1_epi16(base as i16);
        // What is behind the word's ones is written over by the next, or not looked at.
        if let Some(to) = places.get_mut(count.min(FRAME)..).and_then(|p| p.first_chunk_mut()) {
            let halves = [_mm512_castsi512_si256(found), _mm512_extracti64x4_epi64::<1>(found)];
            store_places(
                to,
                halves.map(|half| _mm512_add_epi16(first, _mm512_cvtepu8_epi16(half))),
            );
        }
        count += word.count_ones() as usize;
    }
    count
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_places(to: &mut [u16; SLACK], halves: [__m512i; 2]) {
    for (to, half) in to.as_chunks_mut::<32>().0.iter_mut().zip(halves) {
        // SAFETY: the 64 bytes are writable, at any alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), half) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn ticks(values: &mut Values, places: &Places, count: usize, width: u32, least: i64, before: u64) {
    let (zero, by) = (_mm512_setzero_si512(), _mm_cvtsi32_si128(width as i32));
    // Place i is i and the sum of the quotients so far.
    let step = least.wrapping_sub(1i64 << width);
    let lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    let mut ramp = _mm512_mullo_epi64(lanes, _mm512_set1_epi64(step));
    ramp = _mm512_add_epi64(ramp, _mm512_set1_epi64(least.wrapping_add(before as i64)));
    let step = _mm512_set1_epi64(step.wrapping_mul(LANES as i64));
    let last = _mm512_set1_epi64(7);
    let groups = values.as_chunks_mut::<LANES>().0[..count.div_ceil(LANES)].iter_mut();
    for (group, places) in groups.zip(places.as_chunks::<LANES>().0) {
        // SAFETY: the 16 bytes are readable, at any alignment.
        let places = unsafe { _mm_loadu_si128(places.as_ptr().cast()) };
        let quotients = _mm512_sll_epi64(_mm512_cvtepu16_epi64(places), by);
        let mut low = load(group);
        low = _mm512_add_epi64(low, moved_up!(low, 1, zero));
        low = _mm512_add_epi64(low, moved_up!(low, 2, zero));
        low = _mm512_add_epi64(low, moved_up!(low, 4, zero));
        store(group, _mm512_add_epi64(_mm512_add_epi64(low, quotients), ramp));
        let sum = _mm512_permutexvar_epi64(last, low);
        ramp = _mm512_add_epi64(_mm512_add_epi64(ramp, step), sum);
    }
}
