//! Eight records at a time.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{FIRST_OVERFLOW, LATEST, Overflow, T2, others};
use crate::Chunk;
use crate::picoquant::record::{Decoder, RECORD_BYTES};

const LANES: usize = 8;

/// The lanes that a mask selects, moved together at the low end.
const TOGETHER: [[u8; LANES]; 256] = {
    let mut table = [[0; LANES]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut lane, mut to) = (0, 0);
        while lane < LANES {
            if mask >> lane & 1 == 1 {
                table[mask][to] = lane as u8;
                to += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
};

/// Exists only where its features were detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Avx2> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
        found.then_some(Avx2(()))
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

#[target_feature(enable = "avx2,popcnt")]
fn groups<L: T2>(
    decoder: &mut Decoder,
    records: &[[u8; RECORD_BYTES]],
    chunk: &mut Chunk,
) -> usize {
    let (groups, _) = records.as_chunks::<LANES>();
    chunk.photons.reserve(groups.len() * LANES);
    let mut done = 0;
    let time_mask = _mm256_set1_epi32(L::TIME_MASK as i32);
    let wrap = _mm256_set1_epi32(L::WRAP as i32);
    let ramp = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let mut reached = _mm256_setzero_si256();
    for group in groups {
        let base = decoder.base;
        if base >= LATEST {
            break;
        }
        let words = load(group);
        let photon = !mask(at_least(words, L::SPECIAL)) & 0xFF;
        let overflow = match L::OVERFLOW {
            Overflow::LowBitsZero => {
                let low = _mm256_and_si256(words, _mm256_set1_epi32(15));
                let zero = _mm256_cmpeq_epi32(low, _mm256_setzero_si256());
                _mm256_and_si256(zero, at_least(words, L::SPECIAL))
            }
            Overflow::One | Overflow::Counted => at_least(words, FIRST_OVERFLOW),
        };
        let time = _mm256_and_si256(words, time_mask);
        let (mut narrow, mut sums, mut total) = (time, _mm256_setzero_si256(), 0);
        let overflow_lanes = mask(overflow);
        if overflow_lanes != 0 {
            let one = _mm256_set1_epi32(1);
            let count = match L::OVERFLOW {
                Overflow::Counted => _mm256_max_epu32(time, one),
                Overflow::One | Overflow::LowBitsZero => one,
            };
            sums = running_sum(_mm256_and_si256(count, overflow));
            total = _mm256_extract_epi32::<7>(sums) as u32;
            if total > L::MAX_NARROW {
                // Rates so low that no recording has many of them.
                let read = decoder.run::<false>(group, 0, L::WRAP.into(), chunk, L::meaning);
                debug_assert!(read.is_ok(), "far from the end of time");
                done += LANES;
                continue;
            }
            narrow = _mm256_add_epi32(time, _mm256_mullo_epi32(sums, wrap));
        }
        let channel = match L::TIME_BITS {
            25 => _mm256_srli_epi32::<25>(words),
            _ => _mm256_srli_epi32::<28>(words),
        };
        let photons = photon.count_ones();
        let together = places(&TOGETHER[photon as usize]);
        // Zero behind the last photon.
        let held = _mm256_cmpgt_epi32(_mm256_set1_epi32(photons as i32), ramp);
        let narrow = _mm256_and_si256(_mm256_permutevar8x32_epi32(narrow, together), held);
        let channel = _mm256_permutevar8x32_epi32(channel, together);
        let first = _mm256_set1_epi64x(base as i64);
        let halves = [
            (_mm256_castsi256_si128(narrow), _mm256_castsi256_si128(channel)),
            (_mm256_extracti128_si256::<1>(narrow), _mm256_extracti128_si256::<1>(channel)),
        ];
        let Some(room) = chunk.photons.spare_capacity_mut().first_chunk_mut::<LANES>() else {
            break;
        };
        for ((time, channel), room) in halves.into_iter().zip(room.as_chunks_mut::<4>().0) {
            let ticks = _mm256_add_epi64(_mm256_cvtepu32_epi64(time), first);
            let channels = _mm256_cvtepu32_epi64(channel);
            let even = _mm256_unpacklo_epi64(ticks, channels);
            let odd = _mm256_unpackhi_epi64(ticks, channels);
            let tags = [
                _mm256_permute2x128_si256::<0x20>(even, odd),
                _mm256_permute2x128_si256::<0x31>(even, odd),
            ];
            for (tags, room) in tags.into_iter().zip(room.as_chunks_mut::<2>().0) {
                // SAFETY: `room` is that of two tags, of which each has its tick in the low half of
                // its 16 bytes and its channel in the byte after it; the rest is padding.
                unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast(), tags) };
            }
            // What is no photon has the group's first base, and that has been reached.
            let later = _mm256_cmpgt_epi64(ticks, reached);
            reached = _mm256_blendv_epi8(reached, ticks, later);
        }
        // SAFETY: so many tags have just been written behind those that were there.
        unsafe { chunk.photons.set_len(chunk.photons.len() + photons as usize) };
        let other = 0xFF & !(photon | overflow_lanes);
        if other != 0 {
            let mut before = [0; LANES];
            store(&mut before, sums);
            others::<L>(decoder, group, other, (base, &before), chunk);
        }
        done += LANES;
        decoder.counts.photons += u64::from(photons);
        decoder.counts.overflow_records += u64::from(overflow_lanes.count_ones());
        decoder.counts.overflow_periods += u64::from(total);
        decoder.base = base + u64::from(total) * u64::from(L::WRAP);
    }
    let mut each = [0; LANES];
    store(&mut each, reached);
    let latest =
        each.as_chunks().0.iter().map(|[low, high]| u64::from(*high) << 32 | u64::from(*low));
    let latest = latest.max().unwrap_or(0);
    decoder.reached = decoder.reached.max(latest).max(decoder.base);
    done
}

/// All ones in the lanes that are `least` or more.
#[inline]
#[target_feature(enable = "avx2")]
fn at_least(words: __m256i, least: u32) -> __m256i {
    let least = _mm256_set1_epi32(least as i32);
    _mm256_cmpeq_epi32(_mm256_max_epu32(words, least), words)
}

/// A bit for each lane that is all ones.
#[inline]
#[target_feature(enable = "avx2")]
fn mask(lanes: __m256i) -> u32 {
    _mm256_movemask_ps(_mm256_castsi256_ps(lanes)) as u32
}

/// Sums of the lanes up to each.
#[inline]
#[target_feature(enable = "avx2")]
fn running_sum(mut lanes: __m256i) -> __m256i {
    lanes = _mm256_add_epi32(lanes, _mm256_slli_si256::<4>(lanes));
    lanes = _mm256_add_epi32(lanes, _mm256_slli_si256::<8>(lanes));
    // The low half's sum is added to all of the high half.
    let low = _mm256_permute2x128_si256::<0x08>(lanes, lanes);
    _mm256_add_epi32(lanes, _mm256_shuffle_epi32::<0xFF>(low))
}

#[inline]
#[target_feature(enable = "avx2")]
fn places(bytes: &[u8; LANES]) -> __m256i {
    _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(*bytes)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(from: &[[u8; RECORD_BYTES]; LANES]) -> __m256i {
    // SAFETY: the 32 bytes of `from` are readable, at any alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(to: &mut [u32; LANES], value: __m256i) {
    // SAFETY: the 32 bytes of `to` are writable, at any alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
}
