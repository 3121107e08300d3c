//! The steps without a word about the processor.

use helio_units::Ticks;

use super::{FRAME, Places, SLACK, Values, packed_bytes};
use crate::TimeTag;

pub(super) fn gaps(ticks: &[u64], before: u64, to: &mut Values) -> (i64, i64) {
    let (mut last, mut least, mut most) = (before, i64::MAX, i64::MIN);
    for (gap, tick) in to.iter_mut().zip(ticks) {
        *gap = tick.wrapping_sub(last);
        last = *tick;
        least = least.min(*gap as i64);
        most = most.max(*gap as i64);
    }
    (least, most)
}

pub(super) fn lower(values: &mut Values, count: usize, least: i64, width: u32) -> u64 {
    let (used, rest) = values.split_at_mut(count);
    rest.fill(0);
    let mut sum = 0u64;
    for value in used {
        *value = value.wrapping_sub(least as u64);
        sum = sum.wrapping_add(*value >> width);
    }
    sum
}

pub(super) fn pack(values: &Values, count: usize, width: u32, out: &mut Vec<u8>) {
    let begin = out.len();
    // The last word is written whole and cut afterwards.
    out.resize(begin + packed_bytes(count, width) + 8, 0);
    let (mut at, mut word, mut bits) = (begin, 0u64, 0);
    for value in &values[..count] {
        word |= (value & ((1 << width) - 1)) << bits;
        bits += width;
        out[at..at + 8].copy_from_slice(&word.to_le_bytes());
        at += bits as usize / 8;
        word >>= bits & !7;
        bits &= 7;
    }
    out.truncate(begin + packed_bytes(count, width));
}

pub(super) fn unpack(bytes: &[u8], count: usize, width: u32, values: &mut Values) {
    let mask = (1u64 << width) - 1;
    let bytes = &bytes[..packed_bytes(count, width) + SLACK];
    for (i, value) in values[..count].iter_mut().enumerate() {
        let bit = i * width as usize;
        *value = word(bytes, bit / 8) >> (bit % 8) & mask;
    }
}

/// The eight bytes that begin at byte `at`.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

pub(super) fn put_unary(values: &Values, count: usize, width: u32, sum: usize, out: &mut Vec<u8>) {
    let begin = out.len();
    out.resize(begin + (count + sum).div_ceil(8), 0);
    let unary = &mut out[begin..];
    let mut place = 0;
    for value in &values[..count] {
        place += (value >> width) as usize;
        unary[place / 8] |= 1 << (place % 8);
        place += 1;
    }
}

pub(super) fn ones(bytes: &[u8], bits: usize, places: &mut Places) -> usize {
    let mut count = 0;
    for (word, base) in words(bytes, bits) {
        let mut word = word;
        while word != 0 {
            if count < FRAME {
                places[count] = (base + word.trailing_zeros() as usize) as u16;
            }
            count += 1;
            word &= word - 1;
        }
    }
    count
}

/// The first `bits` bits in words of 64, the missing ones zero, each with the place of its first.
pub(super) fn words(bytes: &[u8], bits: usize) -> impl Iterator<Item = (u64, usize)> + '_ {
    let bytes = &bytes[..bits.div_ceil(8)];
    bytes.chunks(8).enumerate().map(move |(i, chunk)| {
        let word = match chunk.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        let left = bits - 64 * i;
        (if left < 64 { word & ((1 << left) - 1) } else { word }, 64 * i)
    })
}

pub(super) fn ticks(
    values: &mut Values,
    places: &Places,
    count: usize,
    width: u32,
    least: i64,
    before: u64,
) {
    // Place i is i and the sum of the quotients so far.
    let (mut low, mut ramp) = (before, 0u64);
    let step = (least as u64).wrapping_sub(1 << width);
    for (value, place) in values[..count].iter_mut().zip(places) {
        low = low.wrapping_add(*value);
        let quotients = u64::from(*place) << width;
        *value = low.wrapping_add(quotients).wrapping_add(ramp).wrapping_add(least as u64);
        ramp = ramp.wrapping_add(step);
    }
}

pub(super) fn pack_indices(indices: &[u8], width: u32, out: &mut Vec<u8>) {
    let end = out.len() + packed_bytes(indices.len(), width);
    for eight in indices.chunks(8) {
        let places = eight.iter().enumerate();
        let word =
            places.fold(0, |word, (i, index)| word | u64::from(*index) << (i as u32 * width));
        out.extend_from_slice(&word.to_le_bytes()[..width as usize]);
    }
    out.truncate(end);
}

pub(super) fn unpack_indices(bytes: &[u8], width: u32, indices: &mut [u8]) {
    let mask = (1 << width) - 1;
    for (i, eight) in indices.chunks_mut(8).enumerate() {
        let word = word(bytes, i * width as usize);
        for (j, index) in eight.iter_mut().enumerate() {
            *index = (word >> (j as u32 * width) & mask) as u8;
        }
    }
}

pub(super) fn split(tags: &[TimeTag], ticks: &mut Vec<u64>, channels: &mut Vec<u8>) {
    ticks.extend(tags.iter().map(|tag| tag.tick.0));
    channels.extend(tags.iter().map(|tag| tag.channel));
}

pub(super) fn seen(channels: &[u8]) -> [u64; 4] {
    let mut seen = [0; 4];
    channels.iter().for_each(|channel| seen[usize::from(channel / 64)] |= 1 << (channel % 64));
    seen
}

/// To be compiled again for other levels.
#[inline(always)]
pub(super) fn ends(ticks: &[u64]) -> (u64, u64) {
    ticks.iter().fold((u64::MAX, 0), |(least, most), tick| (least.min(*tick), most.max(*tick)))
}

pub(super) fn join(ticks: &[u64], channels: &[u8], to: &mut Vec<TimeTag>) {
    let pairs = ticks.iter().zip(channels);
    to.extend(pairs.map(|(tick, channel)| TimeTag { tick: Ticks(*tick), channel: *channel }));
}
