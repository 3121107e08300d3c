//! Counters that survive a reset: a record with a checksum in memory that the start of the
//! firmware does not clear. Pure logic; the board lends the bytes.
//!
//! | offset | field | type |
//! |---|---|---|
//! | 0 | mark | u32, [`MARK`] |
//! | 4 | boots | u32 |
//! | 8 | ordered | u32, 1 if a host has ordered the reset that comes |
//! | 12 | trips | u32 a cause, in order of their codes |
//! | 40 | slots, edges, lost edges | u64 each |
//! | 64 | checksum | CRC-32/ISO-HDLC of all before it, u32 |
//!
//! What the loss of power leaves in the memory passes with probability 2⁻⁶⁴ (mark and checksum).

use crate::planes::Counters;
use helio_bench::{KEPT_LENGTH, TripCause};

/// Changes with the layout, so that another firmware's record is none.
const MARK: u32 = 0x4847_4b02;

/// What outlives a reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Starts since power came, this one included.
    pub boots: u32,
    /// A host has ordered the reset that comes.
    pub ordered: bool,
    /// Trips by cause, in order of [`TripCause::ALL`].
    pub trips: [u32; TripCause::ALL.len()],
    /// Slots played.
    pub slots: u64,
    /// Edges of the detectors.
    pub edges: u64,
    /// Edges lost.
    pub lost_edges: u64,
}

impl Kept {
    /// The record in these bytes; `None` if there is none, as after power came.
    pub fn recover(bytes: &[u8; KEPT_LENGTH]) -> Option<Kept> {
        let (covered, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32(covered).to_le_bytes() != *checksum {
            return None;
        }
        let (words, _) = covered.as_chunks::<4>();
        let word = |at: usize| u32::from_le_bytes(words[at / 4]);
        let long = |at| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        (word(0) == MARK).then(|| Kept {
            boots: word(4),
            ordered: word(8) == 1,
            trips: core::array::from_fn(|cause| word(12 + 4 * cause)),
            slots: long(40),
            edges: long(48),
            lost_edges: long(56),
        })
    }

    /// Writes the record. A reset in the midst of it leaves no record.
    pub fn store(&self, bytes: &mut [u8; KEPT_LENGTH]) {
        let mut record = [0; KEPT_LENGTH];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            record[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        };
        put(&MARK.to_le_bytes());
        put(&self.boots.to_le_bytes());
        put(&u32::from(self.ordered).to_le_bytes());
        self.trips.iter().for_each(|trips| put(&trips.to_le_bytes()));
        [self.slots, self.edges, self.lost_edges].iter().for_each(|n| put(&n.to_le_bytes()));
        let checksum = crc32(&record[..KEPT_LENGTH - 4]);
        record[KEPT_LENGTH - 4..].copy_from_slice(&checksum.to_le_bytes());
        *bytes = record;
    }

    /// The record with what this boot has counted so far added to it.
    pub fn with(&self, counters: &Counters) -> Kept {
        Kept {
            slots: self.slots.saturating_add(counters.slots),
            edges: self.edges.saturating_add(counters.edges),
            lost_edges: self.lost_edges.saturating_add(counters.lost_edges),
            ..*self
        }
    }

    /// Counts a trip.
    pub fn trip(&mut self, cause: TripCause) {
        let trips = &mut self.trips[usize::from(cause.code()) - 1];
        *trips = trips.saturating_add(1);
    }
}

/// Bit by bit: 64 bytes once a second need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    let crc = bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_the_one_of_the_cable() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn memory_after_power_came_is_no_record() {
        assert_eq!(Kept::recover(&[0; KEPT_LENGTH]), None);
        assert_eq!(Kept::recover(&[0xFF; KEPT_LENGTH]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_record_comes_back_and_a_damaged_one_does_not(
            n in any::<(u32, bool, [u32; 7], u64, u64, u64)>(),
            bit in 0..8 * KEPT_LENGTH,
        ) {
            let (boots, ordered, trips, slots, edges, lost_edges) = n;
            let kept = Kept { boots, ordered, trips, slots, edges, lost_edges };
            let mut bytes = [0; KEPT_LENGTH];
            kept.store(&mut bytes);
            prop_assert_eq!(Kept::recover(&bytes), Some(kept));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Kept::recover(&bytes), None);
        }
    }
}
