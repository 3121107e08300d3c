//! Rising places among `of`, each as the gap before it: a Golomb–Rice code, which for places that are
//! set independently of each other lies within 3 % of the entropy where they are rare, and within
//! 4.4 % always (at 38 %).
//!
//! A gap is cut into `low_bits` low bits and a high part. First stand all low parts, then all high
//! parts in unary (so many zeros, then a one), each stream filled up to whole bytes. How many low
//! bits follows from the number of places and from `of`, which the reader knows: one list has one
//! encoding, and nothing but the list is told. `n` places take at most
//! `n · (low_bits + 1) + (of >> low_bits)` bits, however they lie.

use std::num::NonZeroU64;

use super::{Malformed, Reader, Writer};

/// 2⁶³ / φ: with this chance that the gap goes on for 2^k places, k and k + 1 low bits cost the
/// same (A. Kiely, Selecting the Golomb parameter in Rice coding, IPN Progress Report 42-159, 2004).
const GOLDEN: u64 = 0x4F1B_BCDC_BFA5_3E0A;

/// Low bits of a gap, at most 32: the best number if `count` places lie independently among `of`,
/// at most 2³². Integers only, so that both stations find the same.
pub(super) fn low_bits(count: u64, of: u64) -> u32 {
    if count == 0 || count >= of {
        return 0;
    }
    let square = |q: u64| ((u128::from(q) * u128::from(q)) >> 63) as u64;
    // Chance that a place is free, in units of 2⁻⁶³, then of 2, 4, 8 in a row.
    let mut free = ((u128::from(of - count) << 63) / u128::from(of)) as u64;
    let mut low_bits = 0;
    while free > GOLDEN && low_bits < 32 {
        free = square(free);
        low_bits += 1;
    }
    low_bits
}

/// Writes strictly rising places, all below `of`. The reader knows how many there are.
pub(super) fn write(out: &mut Writer, places: impl ExactSizeIterator<Item = u32>, of: u64) {
    let count = places.len();
    let width = low_bits(count as u64, of);
    let mask = (1u64 << width) - 1;
    let mut high = vec![0u64; (count as u64 + (of >> width)).div_ceil(64) as usize + 1];
    let mut at = 0u64;
    out.fill((count * width as usize).div_ceil(8), 8, |low| {
        // The low parts go out through a window of eight bytes.
        let (mut window, mut held, mut byte) = (0u64, 0u32, 0usize);
        let (mut word, mut index, mut next) = (0u64, 0usize, 0u32);
        for place in places {
            let gap = u64::from(place - next);
            // A place is below `of`, so below 2³² - 1 where another one follows.
            next = place.wrapping_add(1);
            let part = gap & mask;
            window |= part << held;
            held += width;
            if held >= 64 {
                low[byte..byte + 8].copy_from_slice(&window.to_le_bytes());
                byte += 8;
                held -= 64;
                // What of the part had no room: nothing, if it just fitted.
                window = part >> (width - held);
            }
            at += gap >> width;
            if (at / 64) as usize != index {
                high[index] = word;
                (word, index) = (0, (at / 64) as usize);
            }
            word |= 1 << (at % 64);
            at += 1;
        }
        low[byte..byte + 8].copy_from_slice(&window.to_le_bytes());
        high[index] = word;
    });
    high.truncate(at.div_ceil(64) as usize);
    out.bits(&high, at as usize);
}

/// Reads `count` strictly rising places below `of`, at most 2³². Takes four bytes of memory for each,
/// and only once the message is long enough to hold them: that is at least one bit for each. Gives
/// what `each` makes of them, in `spare` if it has the room; that may be asked about places that are
/// refused in the end.
pub(super) fn read(
    reader: &mut Reader<'_>,
    count: usize,
    of: u64,
    spare: Vec<u32>,
    mut each: impl FnMut(u32) -> u32,
) -> Result<Vec<u32>, Malformed> {
    if count as u64 > of {
        return Err(Malformed::CountTooLarge);
    }
    let width = low_bits(count as u64, of) as usize;
    if count as u128 * (width as u128 + 1) > reader.left() as u128 * 8 {
        return Err(Malformed::Truncated);
    }
    let low = reader.raw((count * width).div_ceil(8))?;
    let used = count * width % 8;
    if used != 0 && low.last().is_some_and(|byte| byte >> used != 0) {
        return Err(Malformed::PaddingNotZero);
    }
    let high = reader.unary(count, usize::MAX)?;
    let mask = (1u64 << width) - 1;
    let mut places = spare;
    if places.capacity() < count {
        places = vec![0; count];
    } else {
        places.clear();
        places.resize(count, 0);
    }
    // The high parts up to place `i` add up to the number of zeros before its one.
    let (mut done, mut sum, mut last) = (0usize, 0u64, None);
    for (chunk, first) in high.chunks(8).zip((0u64..).step_by(64)) {
        let mut ones = load(chunk, 0);
        // Known not to be zero: then the place of the lowest one is a single instruction.
        while let Some(word) = NonZeroU64::new(ones) {
            let at = first + u64::from(word.trailing_zeros());
            ones &= ones - 1;
            let bit = done * width;
            sum += load(low, bit / 8) >> (bit % 8) & mask;
            let value = ((at - done as u64) << width) + sum + done as u64;
            // Cut if it is too large; then the last one is too, and is looked at below. There are as
            // many ones as places.
            places[done] = each(value as u32);
            last = Some(value);
            done += 1;
        }
    }
    if last.is_some_and(|last| last >= of) {
        return Err(Malformed::BadSlot);
    }
    Ok(places)
}

/// Eight bytes from `start` on as a word; zeros past the end.
#[inline]
fn load(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(reader: &mut Reader<'_>, count: usize, of: u64) -> Result<Vec<u32>, Malformed> {
        super::read(reader, count, of, vec![7; 3], |place| place)
    }

    fn written(places: &[u32], of: u64) -> Vec<u8> {
        let mut out = Writer::default();
        write(&mut out, places.iter().copied(), of);
        out.finish()
    }

    /// The code as its definition says, bit by bit.
    fn slow(places: &[u32], of: u64) -> Vec<u8> {
        let width = low_bits(places.len() as u64, of);
        let (mut low, mut high) = (Vec::new(), Vec::new());
        let mut next = 0u64;
        for &place in places {
            let gap = u64::from(place) - next;
            next = u64::from(place) + 1;
            low.extend((0..width).map(|j| gap >> j & 1 == 1));
            high.extend((0..gap >> width).map(|_| false));
            high.push(true);
        }
        let pack = |bits: &[bool]| -> Vec<u8> {
            bits.chunks(8)
                .map(|c| c.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
                .collect()
        };
        [pack(&low), pack(&high)].concat()
    }

    #[test]
    fn low_bits_are_the_cheapest_number() {
        for of in [2u64, 3, 10, 100, 12_345, 1 << 20, 4_000_000_000] {
            for count in [1, 2, 3, of / 1000, of / 100, of / 10, of / 4, of / 3, of / 2, of - 1] {
                if !(1..of).contains(&count) {
                    continue;
                }
                let free = 1.0 - count as f64 / of as f64;
                let cost = |k: u32| {
                    let more = free.powf((1u64 << k) as f64);
                    f64::from(k) + 1.0 + more / (1.0 - more)
                };
                let chosen = cost(low_bits(count, of));
                let best = (0..33).map(cost).fold(f64::INFINITY, f64::min);
                assert!(chosen <= best + 1e-6, "{count} of {of}: {chosen} bits, {best} possible");
            }
        }
    }

    #[test]
    fn the_extremes_round_trip() {
        let top = u32::MAX;
        for places in [vec![], vec![0], vec![top], vec![0, top], vec![top - 1, top]] {
            let bytes = written(&places, 1 << 32);
            assert_eq!(bytes, slow(&places, 1 << 32));
            assert_eq!(read(&mut Reader::new(&bytes), places.len(), 1 << 32), Ok(places));
        }
        let all: Vec<u32> = (0..1000).collect();
        let bytes = written(&all, 1000);
        assert_eq!(bytes, [0xFF; 125]);
        assert_eq!(read(&mut Reader::new(&bytes), 1000, 1000), Ok(all));
    }

    #[test]
    fn a_place_outside_is_refused() {
        let bytes = written(&[3, 98, 99], 100);
        assert!(read(&mut Reader::new(&bytes), 3, 100).is_ok());
        assert_eq!(low_bits(3, 100), low_bits(3, 99));
        assert_eq!(read(&mut Reader::new(&bytes), 3, 99), Err(Malformed::BadSlot));
        assert_eq!(read(&mut Reader::new(&bytes), 101, 100), Err(Malformed::CountTooLarge));
        assert_eq!(read(&mut Reader::new(&bytes), 1 << 40, 1 << 41), Err(Malformed::Truncated));
    }

    proptest! {
        #[test]
        fn places_round_trip_and_are_written_as_defined(
            gaps in proptest::collection::vec(0u32..2000, 0..300),
            shift in 0u32..11,
            beyond in 1u64..5000,
        ) {
            let places: Vec<u32> = gaps
                .iter()
                .scan(0, |next, gap| {
                    let place = *next + (gap >> shift);
                    *next = place + 1;
                    Some(place)
                })
                .collect();
            let of = places.last().map_or(0, |&p| u64::from(p)) + beyond;
            let bytes = written(&places, of);
            prop_assert_eq!(&bytes, &slow(&places, of));
            let most = places.len() as u64 * u64::from(low_bits(places.len() as u64, of) + 1)
                + (of >> low_bits(places.len() as u64, of));
            prop_assert!(bytes.len() as u64 <= most.div_ceil(8) + 1);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(read(&mut reader, places.len(), of), Ok(places));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn any_bytes_are_refused_or_written_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            count in 0usize..100,
            of in 0u64..3000,
        ) {
            let mut reader = Reader::new(&bytes);
            if let Ok(places) = read(&mut reader, count, of) {
                prop_assert!(places.is_sorted_by(|a, b| a < b));
                prop_assert!(places.last().is_none_or(|&p| u64::from(p) < of));
                let used = bytes.len() - reader.rest().len();
                prop_assert_eq!(written(&places, of), &bytes[..used]);
            }
        }
    }
}
