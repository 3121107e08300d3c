//! Detections taken apart and put together, and their channels.
#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::mem::offset_of;

use helio_units::Ticks;

use super::super::{packed_bytes, portable};
use super::{LANES, load, store};
use crate::TimeTag;

/// The low `width` bits of each byte.
fn low_bits(width: u32) -> u64 {
    0x0101_0101_0101_0101 * ((1 << width) - 1)
}

#[target_feature(enable = "bmi2")]
pub(super) fn pack_indices(indices: &[u8], width: u32, out: &mut Vec<u8>) {
    let (begin, bytes) = (out.len(), packed_bytes(indices.len(), width));
    out.resize(begin + bytes + width as usize + LANES, 0);
    let mut to = &mut out[begin..];
    let (groups, rest) = indices.as_chunks::<LANES>();
    let mut last = [0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    for group in groups.iter().chain([&last]) {
        let Some(word) = to.first_chunk_mut() else { break };
        *word = _pext_u64(u64::from_le_bytes(*group), low_bits(width)).to_le_bytes();
        to = &mut to[width as usize..];
    }
    out.truncate(begin + bytes);
}

#[target_feature(enable = "bmi2")]
pub(super) fn unpack_indices(bytes: &[u8], width: u32, indices: &mut [u8]) {
    let (groups, rest) = indices.as_chunks_mut::<LANES>();
    let mut from = bytes;
    let mut eight = || {
        let word = from.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        from = from.get(width as usize..).unwrap_or_default();
        _pdep_u64(word, low_bits(width)).to_le_bytes()
    };
    groups.iter_mut().for_each(|group| *group = eight());
    let last = eight();
    rest.iter_mut().zip(last).for_each(|(index, value)| *index = value);
}

/// Detections in a register.
const TAGS: usize = 4;

// What the next functions take for granted: a detection is 16 bytes, its tick the first eight and its
// channel the one behind them.
const _: () = {
    assert!(size_of::<TimeTag>() == 16 && size_of::<Ticks>() == 8);
    assert!(offset_of!(TimeTag, tick) == 0 && offset_of!(TimeTag, channel) == 8);
};

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn split(tags: &[TimeTag], ticks: &mut Vec<u64>, channels: &mut Vec<u8>) {
    let (groups, rest) = tags.as_chunks::<{ 2 * TAGS }>();
    let (even, odd) = (load(&[0, 2, 4, 6, 8, 10, 12, 14]), load(&[1, 3, 5, 7, 9, 11, 13, 15]));
    let (old_ticks, old_channels) = (ticks.len(), channels.len());
    ticks.resize(old_ticks + tags.len() - rest.len(), 0);
    channels.resize(old_channels + tags.len() - rest.len(), 0);
    let to_ticks = ticks[old_ticks..].as_chunks_mut::<LANES>().0;
    let to_channels = channels[old_channels..].as_chunks_mut::<LANES>().0;
    for ((group, ticks), channels) in groups.iter().zip(to_ticks).zip(to_channels) {
        let (low, high) = group.split_at(TAGS);
        let (low, high) = (load_tags(low), load_tags(high));
        store(ticks, _mm512_permutex2var_epi64(low, even, high));
        let eight = _mm512_cvtepi64_epi8(_mm512_permutex2var_epi64(low, odd, high));
        *channels = _mm_cvtsi128_si64(eight).to_le_bytes();
    }
    portable::split(rest, ticks, channels);
}

/// Four detections, zeros between them.
#[inline]
#[target_feature(enable = "avx512bw")]
fn load_tags(tags: &[TimeTag]) -> __m512i {
    // Of each 16 bytes the first nine: the others have no value.
    const FIELDS: u64 = 0x01FF_01FF_01FF_01FF;
    assert!(tags.len() == TAGS);
    // SAFETY: the bytes of the mask are those of four ticks and channels, which are readable at any
    // alignment; the others are not read.
    unsafe { _mm512_maskz_loadu_epi8(FIELDS, tags.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn seen(channels: &[u8]) -> [u64; 4] {
    // Without a way out of the loop, for the compiler to use wide registers.
    let first = channels.first().copied().unwrap_or(0);
    let differ = channels.iter().fold(0, |differ, channel| differ | (channel ^ first));
    if differ == 0 || first >= 64 || differ >= 64 {
        let all = if differ == 0 { &channels[..channels.len().min(1)] } else { channels };
        return portable::seen(all);
    }
    let (groups, rest) = channels.as_chunks::<LANES>();
    let (one, mut found) = (_mm512_set1_epi64(1), _mm512_setzero_si512());
    for group in groups {
        found = _mm512_or_si512(found, _mm512_sllv_epi64(one, widened(group)));
    }
    [portable::seen(rest)[0] | _mm512_reduce_or_epi64(found) as u64, 0, 0, 0]
}

/// A byte in each lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn widened(bytes: &[u8; LANES]) -> __m512i {
    _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(i64::from_le_bytes(*bytes)))
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
pub(super) fn ends(ticks: &[u64]) -> (u64, u64) {
    portable::ends(ticks)
}

#[target_feature(enable = "avx512f")]
pub(super) fn join(ticks: &[u64], channels: &[u8], to: &mut Vec<TimeTag>) {
    let (groups, last_ticks) = ticks.as_chunks::<LANES>();
    let (eights, last_channels) = channels.as_chunks::<LANES>();
    let whole = groups.len().min(eights.len());
    to.reserve(ticks.len());
    let (low, high) = (load(&[0, 8, 1, 9, 2, 10, 3, 11]), load(&[4, 12, 5, 13, 6, 14, 7, 15]));
    let room = to.spare_capacity_mut().as_chunks_mut::<LANES>().0;
    assert!(room.len() >= whole);
    for ((ticks, channels), room) in groups.iter().zip(eights).zip(room) {
        let (ticks, channels) = (load(ticks), widened(channels));
        let at: *mut __m512i = room.as_mut_ptr().cast();
        // SAFETY: room for eight detections of 16 bytes is writable, at any alignment; bytes that
        // belong to no field may be anything.
        unsafe {
            _mm512_storeu_si512(at, _mm512_permutex2var_epi64(ticks, low, channels));
            _mm512_storeu_si512(at.add(1), _mm512_permutex2var_epi64(ticks, high, channels));
        }
    }
    // SAFETY: the loop has made eight valid detections of each of as many groups, because there is
    // room for them.
    unsafe { to.set_len(to.len() + LANES * whole) };
    portable::join(last_ticks, last_channels, to);
}
