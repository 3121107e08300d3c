//! Bob → Alice: coarse slots that clicked and were kept, and the basis of each. Never fine times,
//! never the detector, never the swap.

use super::{Malformed, PublicBits, Reader, Writer};
use crate::parameters::Parameters;

/// The announcement of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detections {
    /// Offsets from the block's first slot, rising.
    pub offsets: Vec<u32>,
    /// One bit each: set for the test basis.
    pub test_basis: PublicBits,
}

impl Detections {
    pub fn write(&self, out: &mut Writer) {
        out.varint(self.offsets.len() as u64);
        let mut next = 0u32;
        for &offset in &self.offsets {
            out.varint(u64::from(offset - next));
            next = offset + 1;
        }
        self.test_basis.write(out);
    }

    /// Reads the announcement of block `block`.
    pub fn read(
        mut reader: Reader<'_>,
        parameters: &Parameters,
        block: u64,
    ) -> Result<Detections, Malformed> {
        let slots = parameters.slots_per_block;
        let count = reader.count(u64::from(slots))?;
        let spacing = u32::from(parameters.sync_spacing);
        let first = parameters.first_slot(block) % u64::from(spacing);
        let mut phase = first as u32;
        let mut offsets = Vec::with_capacity(count);
        let mut next = 0u64;
        for _ in 0..count {
            let skipped = reader.varint()?;
            if skipped >= u64::from(slots) - next.min(u64::from(slots)) {
                return Err(Malformed::BadSlot);
            }
            let offset = next + skipped;
            // The phase follows the slot in small steps: a division for each slot would cost more
            // than the rest of the loop.
            let ahead = skipped as u32;
            phase += if ahead < spacing { ahead } else { ahead % spacing };
            phase = if phase >= spacing { phase - spacing } else { phase };
            if phase == 0 {
                return Err(Malformed::BadSlot);
            }
            phase = if phase + 1 == spacing { 0 } else { phase + 1 };
            offsets.push(offset as u32);
            next = offset + 1;
        }
        let test_basis = PublicBits::read(&mut reader, count)?;
        reader.end()?;
        Ok(Detections { offsets, test_basis })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parameters() -> Parameters {
        Parameters { slots_per_block: 1000, sync_spacing: 64, ..Parameters::example() }
    }

    fn round_trip(offsets: Vec<u32>, block: u64) -> Result<Detections, Malformed> {
        let mut test_basis = PublicBits::default();
        offsets.iter().for_each(|o| test_basis.push(o % 3 == 0));
        let sent = Detections { offsets, test_basis };
        let mut out = Writer::default();
        sent.write(&mut out);
        let bytes = out.finish();
        let got = Detections::read(Reader::new(&bytes), &parameters(), block)?;
        assert_eq!(got, sent);
        Ok(got)
    }

    #[test]
    fn sync_slots_and_slots_outside_the_block_are_refused() {
        // Block 1 begins at slot 1000; 1024 and 1088 are sync slots.
        assert!(round_trip(vec![0, 23, 25, 87, 89, 999], 1).is_ok());
        for bad in [vec![24], vec![3, 88], vec![1000], vec![999, 1000]] {
            assert_eq!(round_trip(bad, 1), Err(Malformed::BadSlot));
        }
        assert_eq!(round_trip(vec![0], 0), Err(Malformed::BadSlot));
    }

    proptest! {
        #[test]
        fn any_rising_slots_round_trip(mask in proptest::collection::vec(any::<bool>(), 1000)) {
            let offsets = (0..1000u32)
                .filter(|&o| mask[o as usize] && !(u64::from(o) + 2000).is_multiple_of(64));
            prop_assert!(round_trip(offsets.collect(), 2).is_ok());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Detections::read(Reader::new(&bytes), &parameters(), 0);
        }
    }
}
