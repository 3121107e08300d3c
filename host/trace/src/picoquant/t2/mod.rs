//! T2 records many at a time, on processors that can.
//!
//! A recording at low rates is full of overflow records between photons, and no branch predictor
//! knows where: one record at a time costs a wrong guess every few records. Here all records of a
//! group take the same path: the overflows before each record are a running sum over the group, and
//! photons are moved together by a permutation that their pattern selects. What a group holds beside
//! photons and overflows is looked at one by one, in order. The loop over single records in
//! [`super::record`] does the rest of a block, other processors, and times beyond 2⁶² ticks; it is
//! the oracle of the tests.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod tests;

use super::record::{Decoder, OVERFLOW_CHANNEL, RECORD_BYTES, Record, TIME_BITS};
use crate::Chunk;

/// A group is left to the single records when its time begins here: far from the end of 64 bits,
/// and signed comparisons hold.
#[cfg(target_arch = "x86_64")]
const LATEST: u64 = 1 << 62;

// The vectors write tags as 16 bytes.
#[cfg(target_arch = "x86_64")]
const _: () = {
    use crate::TimeTag;
    use std::mem::offset_of;
    assert!(size_of::<TimeTag>() == 16 && size_of::<helio_units::Ticks>() == 8);
    assert!(offset_of!(TimeTag, tick) == 0 && offset_of!(TimeTag, channel) == 8);
};

/// What the vectors need to know of a layout.
pub(super) trait T2 {
    /// Ticks of an overflow.
    const WRAP: u32;
    /// Words from here on are no photons.
    const SPECIAL: u32;
    /// Length of the time field, in the low bits; the channel stands above it.
    const TIME_BITS: u32;
    const TIME_MASK: u32 = (1 << Self::TIME_BITS) - 1;
    /// So many overflows within a group and the latest time after them fit in 32 bits.
    const MAX_NARROW: u32 = (u32::MAX - Self::TIME_MASK) / Self::WRAP;
    const OVERFLOW: Overflow;

    fn meaning(word: u32) -> Record;
}

/// How an overflow record looks.
#[derive(PartialEq, Eq)]
pub(super) enum Overflow {
    /// Words from [`FIRST_OVERFLOW`] on; each is one overflow.
    One,
    /// Words from [`FIRST_OVERFLOW`] on; the time field counts, and zero counts as one.
    Counted,
    /// Special words whose low four bits are zero; each is one overflow.
    LowBitsZero,
}

/// The special bit and the channel of overflows, in the layouts that have both.
#[cfg(target_arch = "x86_64")]
const FIRST_OVERFLOW: u32 = 1 << 31 | OVERFLOW_CHANNEL << TIME_BITS;

/// PicoHarp 300.
pub(super) struct PicoHarp;
/// HydraHarp with first-generation records.
pub(super) struct HydraHarpV1;
/// HydraHarp V2, TimeHarp 260, MultiHarp, PicoHarp 330 and generic.
pub(super) struct Later;

impl T2 for PicoHarp {
    const WRAP: u32 = 210_698_240;
    const SPECIAL: u32 = 15 << 28;
    const TIME_BITS: u32 = 28;
    const OVERFLOW: Overflow = Overflow::LowBitsZero;

    #[inline]
    fn meaning(word: u32) -> Record {
        let (channel, time) = (word >> Self::TIME_BITS, word & Self::TIME_MASK);
        match (channel, time & 15) {
            (15, 0) => Record::Overflow { periods: 1 },
            (15, bits) => Record::Marker { bits, time },
            _ => Record::Photon { channel, time, dtime: 0 },
        }
    }
}

impl T2 for HydraHarpV1 {
    const WRAP: u32 = 33_552_000;
    const SPECIAL: u32 = 1 << 31;
    const TIME_BITS: u32 = TIME_BITS;
    const OVERFLOW: Overflow = Overflow::One;

    #[inline]
    fn meaning(word: u32) -> Record {
        match hydraharp(word) {
            Record::Overflow { .. } => Record::Overflow { periods: 1 },
            other => other,
        }
    }
}

impl T2 for Later {
    const WRAP: u32 = 1 << TIME_BITS;
    const SPECIAL: u32 = 1 << 31;
    const TIME_BITS: u32 = TIME_BITS;
    const OVERFLOW: Overflow = Overflow::Counted;

    #[inline]
    fn meaning(word: u32) -> Record {
        hydraharp(word)
    }
}

#[inline]
fn hydraharp(word: u32) -> Record {
    let (special, channel) = (word >> 31, (word >> TIME_BITS) & 63);
    let time = word & Later::TIME_MASK;
    match (special, channel) {
        (0, _) => Record::Photon { channel, time, dtime: 0 },
        (_, OVERFLOW_CHANNEL) => Record::Overflow { periods: time.max(1) },
        (_, 0) => Record::Sync { time },
        (_, bits @ 1..=15) => Record::Marker { bits, time },
        _ => Record::Unknown,
    }
}

/// What this machine does groups with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Single,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Level {
    /// The levels of this machine, the best one first.
    pub(super) fn all() -> impl Iterator<Item = Level> {
        #[cfg(target_arch = "x86_64")]
        let vectors =
            [avx512::Avx512::detect().map(Level::Avx512), avx2::Avx2::detect().map(Level::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors: [Option<Level>; 0] = [];
        vectors.into_iter().flatten().chain([Level::Single])
    }

    /// Appends the records of as many groups as the level can do, from the first on; how many
    /// records that were.
    pub(super) fn groups<L: T2>(
        self,
        decoder: &mut Decoder,
        records: &[[u8; RECORD_BYTES]],
        chunk: &mut Chunk,
    ) -> usize {
        match self {
            Level::Single => {
                _ = (decoder, records, chunk);
                0
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(level) => level.groups::<L>(decoder, records, chunk),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(level) => level.groups::<L>(decoder, records, chunk),
        }
    }
}

/// What a group holds beside photons and overflows: the lanes of `mask`, each with the overflows
/// before it since the group began at `base`.
#[cfg(target_arch = "x86_64")]
#[cold]
fn others<L: T2>(
    decoder: &mut Decoder,
    group: &[[u8; RECORD_BYTES]],
    mut mask: u32,
    (base, overflows): (u64, &[u32]),
    chunk: &mut Chunk,
) {
    while mask != 0 {
        let lane = mask.trailing_zeros() as usize;
        mask &= mask - 1;
        let base = base + u64::from(overflows[lane]) * u64::from(L::WRAP);
        decoder.other(L::meaning(u32::from_le_bytes(group[lane])), base, chunk);
    }
}
