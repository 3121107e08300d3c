//! Bob → Alice: coarse slots that clicked and were kept, and the basis of each. Never fine times,
//! never the detector, never the swap.
//!
//! The body: how many detections; the least number of slots between two of them (a hold-off shows
//! here, and need not be said again for each); their places among the slots that can hold one; then
//! the bases. Sync slots have no number, and two slots cannot come in another order.

use super::slots::FreeSlots;
use super::{Malformed, PublicBits, Reader, Writer, places};

/// The announcement of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detections {
    /// Offsets from the block's first slot, rising; none is a sync slot.
    pub offsets: Vec<u32>,
    /// One bit each: set for the test basis.
    pub test_basis: PublicBits,
}

impl Detections {
    /// Writes the announcement of a block with these free slots.
    pub fn write(&self, out: &mut Writer, free: &FreeSlots) {
        let count = self.offsets.len() as u64;
        let least = self.least_gap(free);
        out.varint(count);
        out.varint(u64::from(least));
        let (mut offsets, mut taken_off) = (self.offsets.as_slice(), 0u32);
        let among = closer(free.count(), count, least);
        places::write(out, self.offsets.len(), among, |numbers| {
            let (here, rest) = offsets.split_at(numbers.len());
            numbers.copy_from_slice(here);
            offsets = rest;
            free.offsets_to_numbers(numbers);
            if least > 0 {
                numbers.iter_mut().for_each(|number| {
                    *number = number.wrapping_sub(taken_off);
                    taken_off = taken_off.wrapping_add(least);
                });
            }
        });
        self.test_basis.write(out);
    }

    /// Free slots between two detections, at the least; zero for less than two.
    fn least_gap(&self, free: &FreeSlots) -> u32 {
        let mut least = if self.offsets.len() < 2 { 0 } else { u32::MAX };
        let (mut numbers, mut before) = ([0; places::CHUNK], None);
        for offsets in self.offsets.chunks(places::CHUNK) {
            if least == 0 {
                break;
            }
            let numbers = &mut numbers[..offsets.len()];
            numbers.copy_from_slice(offsets);
            free.offsets_to_numbers(numbers);
            let across = before.map_or(u32::MAX, |before| numbers[0] - before - 1);
            let pairs = numbers.iter().zip(&numbers[1..]);
            least = pairs.fold(least.min(across), |least, (a, b)| least.min(b - a - 1));
            before = numbers.last().copied();
        }
        least
    }

    /// Reads the announcement of a block with these free slots. `spare` is memory of an earlier one:
    /// fresh memory costs as much time as what is done with it.
    pub fn read(
        mut reader: Reader<'_>,
        free: &FreeSlots,
        spare: Vec<u32>,
    ) -> Result<Detections, Malformed> {
        let count = reader.count(free.count())?;
        let least = reader.varint()?;
        let needed = u128::from(least) * (count as u128).saturating_sub(1) + count as u128;
        if needed > u128::from(free.count()) || (count < 2 && least > 0) {
            return Err(Malformed::BadSlot);
        }
        // Fits: with two detections or more it is less than the block's slots.
        let least = least as u32;
        let among = closer(free.count(), count as u64, least);
        let (mut taken_off, mut next, mut touching) = (0u32, None, count < 2);
        // Known to be long enough for them: `places::read` calls back only then.
        let mut offsets = spare;
        offsets.clear();
        places::read(&mut reader, count, among, |places| {
            offsets.reserve_exact(count - offsets.len());
            let across = next.replace(places[places.len() - 1].wrapping_add(1)) == Some(places[0]);
            let pairs = places.iter().zip(&places[1..]);
            touching = pairs.fold(touching | across, |any, (a, b)| any | (a.wrapping_add(1) == *b));
            if least > 0 {
                places.iter_mut().for_each(|place| {
                    *place = place.wrapping_add(taken_off);
                    taken_off = taken_off.wrapping_add(least);
                });
            }
            free.numbers_to_offsets(places);
            offsets.extend_from_slice(places);
        })?;
        // What was taken off must be the least gap: one of what is left is none.
        if !touching {
            return Err(Malformed::BadValue);
        }
        let test_basis = PublicBits::read(&mut reader, count)?;
        reader.end()?;
        Ok(Detections { offsets, test_basis })
    }
}

/// How many places are left among `free`, once `least` are taken off each gap between `count`.
fn closer(free: u64, count: u64, least: u32) -> u64 {
    free - u64::from(least) * count.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use proptest::prelude::*;

    fn free(block: u64) -> FreeSlots {
        let parameters =
            Parameters { slots_per_block: 1000, sync_spacing: 64, ..Parameters::example() };
        FreeSlots::of(&parameters, block)
    }

    fn written(detections: &Detections, block: u64) -> Vec<u8> {
        let mut out = Writer::default();
        detections.write(&mut out, &free(block));
        out.finish()
    }

    fn read(bytes: &[u8], block: u64) -> Result<Detections, Malformed> {
        Detections::read(Reader::new(bytes), &free(block), vec![1; 500])
    }

    fn at(offsets: Vec<u32>) -> Detections {
        let test_basis = PublicBits::of(offsets.iter().map(|o| o % 3 == 0));
        Detections { offsets, test_basis }
    }

    fn body(count: u64, least: u64, rest: &[u8]) -> Vec<u8> {
        let mut out = Writer::default();
        out.varint(count);
        out.varint(least);
        out.raw(rest);
        out.finish()
    }

    #[test]
    fn sync_slots_and_slots_outside_the_block_have_no_number() {
        // Block 1 begins at slot 1000; 1024 is the first of its 16 sync slots.
        let all: Vec<u32> = (0..1000).filter(|o| (1000 + o) % 64 != 0).collect();
        assert_eq!(all.len(), 984);
        let bytes = written(&at(all.clone()), 1);
        assert_eq!(read(&bytes, 1), Ok(at(all)));
        assert_eq!(read(&body(985, 0, &[0xFF; 300]), 1), Err(Malformed::CountTooLarge));
        // The last slot, and the place after it.
        let last = written(&at(vec![999]), 1);
        let mut out = Writer::default();
        places::write(&mut out, 1, 984, |to| to.copy_from_slice(&[983]));
        assert_eq!(last, body(1, 0, &[out.written(), &[1]].concat()));
        let mut out = Writer::default();
        places::write(&mut out, 1, 985, |to| to.copy_from_slice(&[984]));
        assert_eq!(read(&body(1, 0, &[out.written(), &[1]].concat()), 1), Err(Malformed::BadSlot));
    }

    #[test]
    fn counts_and_gaps_beyond_the_block_are_refused() {
        for count in [985, 1 << 32, 1 << 63, u64::MAX] {
            assert_eq!(read(&body(count, 0, &[0xFF; 300]), 1), Err(Malformed::CountTooLarge));
        }
        // 3 detections and two gaps of 491 take 985 slots.
        for (count, least) in [(3, 491), (2, 1 << 32), (2, u64::MAX), (1, 1), (0, 1), (900, 1)] {
            let read = read(&body(count, least, &[0xFF; 300]), 1);
            assert_eq!(read, Err(Malformed::BadSlot), "{count} detections, {least} between them");
        }
    }

    #[test]
    fn a_gap_that_is_not_the_least_is_refused() {
        // Gaps of 10 and 20 said as 9 and more.
        let mut out = Writer::default();
        places::write(&mut out, 3, closer(984, 3, 9), |to| to.copy_from_slice(&[5, 7, 18]));
        let bases = [0];
        let bytes = body(3, 9, &[out.written(), &bases].concat());
        assert_eq!(read(&bytes, 1), Err(Malformed::BadValue));
        let mut out = Writer::default();
        places::write(&mut out, 3, closer(984, 3, 10), |to| to.copy_from_slice(&[5, 6, 17]));
        let bytes = body(3, 10, &[out.written(), &bases].concat());
        let found = read(&bytes, 1).expect("the least gap is 10");
        assert_eq!(found.offsets, [5, 16, 38]);
        assert_eq!(written(&found, 1), bytes);
    }

    proptest! {
        #[test]
        fn any_rising_slots_round_trip(
            mask in proptest::collection::vec(any::<u8>(), 1000),
            percent in 0u8..=100,
            dead in 0u32..30,
            block in 0u64..100,
        ) {
            let mut next = 0;
            let offsets = (0..1000u32).filter(|&o| {
                let free = !(u64::from(o) + block * 1000).is_multiple_of(64);
                let clicked = free && o >= next && mask[o as usize] % 100 < percent;
                next = if clicked { o + 1 + dead } else { next };
                clicked
            });
            let sent = at(offsets.collect());
            let bytes = written(&sent, block);
            prop_assert_eq!(read(&bytes, block), Ok(sent));
            prop_assert!(read(&bytes[..bytes.len() - 1], block).is_err());
            prop_assert_eq!(read(&[&bytes[..], &[0]].concat(), block), Err(Malformed::TrailingBytes));
        }

        #[test]
        fn any_bytes_are_refused_or_written_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            count in 0u64..20,
            least in 0u64..3,
        ) {
            let bytes = body(count, least, &bytes);
            if let Ok(found) = read(&bytes, 0) {
                prop_assert_eq!(written(&found, 0), bytes);
            }
        }
    }
}
