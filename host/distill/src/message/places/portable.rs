//! The steps for any processor, and what the faster ones are tested against.

use std::num::NonZeroU64;

use super::{CHUNK, Coding, Decoding, Ones, load};
use crate::message::slots::Quotients;

/// Finds ones until there are [`CHUNK`], or no more.
pub(super) fn find<W: Iterator<Item = u64>>(ones: &mut Ones<W>) {
    while ones.held < CHUNK {
        let Some(mut word) = ones.words.next() else { return };
        // Known not to be zero: then the place of the lowest one is a single instruction.
        while let Some(left) = NonZeroU64::new(word) {
            ones.found[ones.held] = ones.base.wrapping_add(left.trailing_zeros());
            ones.held += 1;
            word &= word - 1;
        }
        ones.base = ones.base.wrapping_add(64);
    }
}

/// From the places of the ones in the high parts to the places they stand for.
pub(super) fn decode(list: &mut Decoding<'_>, ones: &[u32], places: &mut [u32]) {
    let width = list.width as usize;
    let mask = (1u64 << width) - 1;
    for (place, &one) in places.iter_mut().zip(ones) {
        let (bit, done) = (list.done * width, list.done as u64);
        list.sum += load(list.low, bit / 8) >> (bit % 8) & mask;
        // The high parts up to a place add up to the number of zeros before its one.
        let high = u64::from(one).wrapping_sub(done) << width;
        *place = high.wrapping_add(list.sum).wrapping_add(done) as u32;
        list.done += 1;
    }
}

/// Writes places behind those that were written.
pub(super) fn code(list: &mut Coding<'_>, places: &[u32]) {
    let width = list.width;
    let mask = (1u64 << width) - 1;
    // The low parts go out through a window of eight bytes, empty after every whole chunk.
    let (mut window, mut held, mut byte) = (0u64, 0u32, list.done * width as usize / 8);
    let (mut index, mut at) = ((list.at / 64) as usize, list.at);
    let mut word = list.high[index];
    for &place in places {
        let gap = u64::from(place - list.next);
        // A place is below `of`, so below 2³² - 1 where another one follows.
        list.next = place.wrapping_add(1);
        let part = gap & mask;
        window |= part << held;
        held += width;
        if held >= 64 {
            list.low[byte..byte + 8].copy_from_slice(&window.to_le_bytes());
            byte += 8;
            held -= 64;
            // What of the part had no room: nothing, if it just fitted.
            window = part >> (width - held);
        }
        at += gap >> width;
        if (at / 64) as usize != index {
            list.high[index] = word;
            (word, index) = (0, (at / 64) as usize);
        }
        word |= 1 << (at % 64);
        at += 1;
    }
    list.low[byte..byte + 8].copy_from_slice(&window.to_le_bytes());
    list.high[index] = word;
    list.at = at;
    list.done += places.len();
}

/// Turns over the bits at rising places; those past the end do not count.
pub(super) fn flip(words: &mut [u64], places: &[u32]) {
    let (mut index, mut turned) = (usize::MAX, 0);
    for &place in places {
        let here = place as usize / 64;
        // No branch: where the next place lies cannot be told.
        turned = if here == index { turned } else { words.get(here).copied().unwrap_or(0) };
        turned ^= 1 << (place % 64);
        index = here;
        if let Some(word) = words.get_mut(here) {
            *word = turned;
        }
    }
}

/// Adds to each of rising numbers its quotient.
#[inline(always)]
pub(super) fn add_quotients(quotients: &Quotients, numbers: &mut [u32]) {
    quotients.each(numbers, u32::wrapping_add);
}

/// Takes its quotient from each of rising numbers.
#[inline(always)]
pub(super) fn take_quotients(quotients: &Quotients, numbers: &mut [u32]) {
    quotients.each(numbers, u32::wrapping_sub);
}
