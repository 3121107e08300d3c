//! Sixteen records at a time.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{FIRST_OVERFLOW, LATEST, Overflow, T2, others};
use crate::Chunk;
use crate::picoquant::record::{Decoder, RECORD_BYTES};

const LANES: usize = 16;

/// Exists only where its features were detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("popcnt");
        found.then_some(Avx512(()))
    }

    pub fn groups<L: T2>(
        self,
        decoder: &mut Decoder,
        records: &[[u8; RECORD_BYTES]],
        chunk: &mut Chunk,
    ) -> usize {
        // SAFETY: `self` exists only where these features were detected.
        unsafe { groups::<L>(decoder, records, chunk) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,popcnt")]
fn groups<L: T2>(
    decoder: &mut Decoder,
    records: &[[u8; RECORD_BYTES]],
    chunk: &mut Chunk,
) -> usize {
    let (groups, _) = records.as_chunks::<LANES>();
    let from = chunk.photons.len();
    // A group is stored as sixteen photons, of which the next group writes over what are none.
    chunk.photons.reserve(groups.len() * LANES);
    let (mut photons, mut done) = (0, 0);
    let time_mask = _mm512_set1_epi32(L::TIME_MASK as i32);
    let special = _mm512_set1_epi32(L::SPECIAL as i32);
    let wrap = _mm512_set1_epi32(L::WRAP as i32);
    let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
    let mut reached = _mm512_setzero_si512();
    let mut base = decoder.base;
    for group in groups {
        if base >= LATEST {
            break;
        }
        let words = load(group);
        let photon = _mm512_cmplt_epu32_mask(words, special);
        let overflow = overflows::<L>(words, !photon);
        let time = _mm512_and_si512(words, time_mask);
        let first = _mm512_maskz_set1_epi64(0x55, base as i64);
        // Beside each photon's time the overflows before it: in 32 bits together, mostly.
        let (mut narrow, mut wide, mut sums) = (time, None, _mm512_setzero_si512());
        let mut total = 0;
        if overflow != 0 {
            let one = _mm512_set1_epi32(1);
            sums = running_sum(match L::OVERFLOW {
                Overflow::Counted => _mm512_maskz_max_epu32(overflow, time, one),
                Overflow::One | Overflow::LowBitsZero => _mm512_maskz_mov_epi32(overflow, one),
            });
            let last = _mm512_extracti32x4_epi32::<3>(sums);
            total = _mm_cvtsi128_si32(_mm_shuffle_epi32::<0xFF>(last)) as u32;
            if total <= L::MAX_NARROW {
                narrow = _mm512_add_epi32(time, _mm512_mullo_epi32(sums, wrap));
            } else {
                wide = Some(_mm512_maskz_compress_epi32(photon, sums));
            }
        }
        let narrow = _mm512_maskz_compress_epi32(photon, narrow);
        let channel = match L::TIME_BITS {
            25 => _mm512_srli_epi32::<25>(words),
            _ => _mm512_srli_epi32::<28>(words),
        };
        let channel = _mm512_maskz_compress_epi32(photon, channel);
        let room = &mut chunk.photons.spare_capacity_mut()[photons..];
        let Some(room) = room.first_chunk_mut::<LANES>() else { break };
        for (quarter, room) in quarters.into_iter().zip(room.as_chunks_mut::<4>().0) {
            let tags = _mm512_maskz_permutex2var_epi32(0x5555, narrow, quarter, channel);
            let mut tags = _mm512_add_epi64(tags, first);
            if let Some(sums) = wide {
                let sums = _mm512_maskz_permutexvar_epi32(0x1111, quarter, sums);
                tags = _mm512_add_epi64(tags, _mm512_mul_epu32(sums, wrap));
            }
            // SAFETY: `room` is that of four tags, of which each has its tick in the low half of its
            // 16 bytes and its channel in the byte after it; the rest is padding.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), tags) };
            // What is no photon has the group's first base, and that has been reached.
            reached = _mm512_max_epu64(reached, tags);
        }
        let other = !(photon | overflow);
        if other != 0 {
            let mut before = [0; LANES];
            store(&mut before, sums);
            others::<L>(decoder, group, other.into(), (base, &before), chunk);
        }
        photons += photon.count_ones() as usize;
        done += LANES;
        decoder.counts.overflow_records += u64::from(overflow.count_ones());
        decoder.counts.overflow_periods += u64::from(total);
        base += u64::from(total) * u64::from(L::WRAP);
    }
    // SAFETY: so many tags have been written behind the `from` that were there, within the
    // capacity.
    unsafe { chunk.photons.set_len(from + photons) };
    decoder.counts.photons += photons as u64;
    decoder.base = base;
    // The odd lanes are channels.
    let latest = _mm512_mask_reduce_max_epu64(0x55, reached);
    decoder.reached = decoder.reached.max(latest).max(base);
    done
}

/// Which of the special words are overflows.
#[inline]
#[target_feature(enable = "avx512f")]
fn overflows<L: T2>(words: __m512i, special: __mmask16) -> __mmask16 {
    match L::OVERFLOW {
        Overflow::LowBitsZero => {
            _mm512_mask_testn_epi32_mask(special, words, _mm512_set1_epi32(15))
        }
        Overflow::One | Overflow::Counted => {
            _mm512_cmpge_epu32_mask(words, _mm512_set1_epi32(FIRST_OVERFLOW as i32))
        }
    }
}

/// Of four photons of a group the places of time and channel, as they are stored: the time's in
/// the first of four words, the channel's (of a second vector) in the third.
#[inline]
#[target_feature(enable = "avx512f")]
fn quarter(number: usize) -> __m512i {
    load(&std::array::from_fn(|word| {
        let channel = if word % 4 == 2 { LANES } else { 0 };
        ((4 * number + word / 4 + channel) as u32).to_le_bytes()
    }))
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

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[[u8; RECORD_BYTES]; LANES]) -> __m512i {
    // SAFETY: the 64 bytes of `from` are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u32; LANES], value: __m512i) {
    // SAFETY: the 64 bytes of `to` are writable, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}
