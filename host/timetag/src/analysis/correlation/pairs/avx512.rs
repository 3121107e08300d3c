//! Eight clicks at a time: each against the one after it, the second after it, and so on until none
//! of the eight is in reach any more. Delays of pairs are moved together and counted later, so that
//! nothing is guessed by the click.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Pairs;
use crate::analysis::clicks::NUMBER_BITS;

const LANES: usize = 8;
/// Delays that wait to be counted.
const WAITING: usize = 512;

/// Exists only where its features were detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        found.then_some(Avx512(()))
    }

    /// As [`Pairs::portable`].
    pub fn count(self, pairs: &mut Pairs, clicks: &[u64], starts: usize) {
        // SAFETY: `self` exists only where these features were detected.
        match pairs.same {
            true => unsafe { count::<true>(pairs, clicks, starts) },
            false => unsafe { count::<false>(pairs, clicks, starts) },
        }
    }
}

#[target_feature(enable = "avx512f,bmi2,popcnt")]
fn count<const SAME: bool>(pairs: &mut Pairs, clicks: &[u64], starts: usize) {
    const NUMBER: u32 = NUMBER_BITS;
    let (mut waiting, mut held) = ([0; WAITING], 0);
    let reach = _mm512_set1_epi64(pairs.reach as i64);
    let one = _mm512_set1_epi64(1);
    let whole = starts / LANES * LANES;
    for begin in (0..whole).step_by(LANES) {
        let Some(first) = clicks[begin..].first_chunk() else { break };
        let first = load(first);
        let time = _mm512_srli_epi64::<NUMBER>(first);
        // All ones where the delay is negative: from channel b to a later click of channel a.
        let backwards = _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_and_si512(first, one));
        let mut next = begin + 1;
        loop {
            let Some(second) = clicks.get(next..).and_then(|rest| rest.first_chunk()) else {
                for lane in 0..LANES {
                    pairs.after(clicks, begin + lane, next + lane);
                }
                break;
            };
            let second = load(second);
            let gap = _mm512_sub_epi64(_mm512_srli_epi64::<NUMBER>(second), time);
            let near = _mm512_cmple_epu64_mask(gap, reach);
            if near == 0 {
                break;
            }
            if SAME {
                store(&mut waiting, held, _mm512_maskz_compress_epi64(near, gap));
                held += near.count_ones() as usize;
            } else {
                let pair = _mm512_mask_test_epi64_mask(near, _mm512_xor_si512(first, second), one);
                let delay = _mm512_sub_epi64(_mm512_xor_si512(gap, backwards), backwards);
                let above = _mm512_add_epi64(reach, delay);
                store(&mut waiting, held, _mm512_maskz_compress_epi64(pair, above));
                held += pair.count_ones() as usize;
            }
            if held > WAITING - LANES {
                bin::<SAME>(pairs, &waiting[..held]);
                held = 0;
            }
            next += 1;
        }
    }
    bin::<SAME>(pairs, &waiting[..held]);
    pairs.portable(clicks, whole..starts);
}

#[inline]
#[target_feature(enable = "avx512f,bmi2,popcnt")]
fn bin<const SAME: bool>(pairs: &mut Pairs, waiting: &[u64]) {
    let reach = pairs.reach;
    for &delay in waiting {
        if SAME {
            pairs.bins.count(reach + delay);
            pairs.bins.count(reach - delay);
        } else {
            pairs.bins.count(delay);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[u64; LANES]) -> __m512i {
    // SAFETY: the 64 bytes of `from` are readable, at any alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

/// Writes eight delays, of which those behind the last will be written over.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(waiting: &mut [u64; WAITING], held: usize, delays: __m512i) {
    let Some(to) = waiting[held..].first_chunk_mut::<LANES>() else { return };
    // SAFETY: the 64 bytes of `to` are writable, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), delays) };
}
