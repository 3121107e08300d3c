//! Records of 32 bits and what they mean.
//!
//! PicoHarp 300 T2: channel 4 bits, time 28 bits. Channel 15 is special: the low four bits of time
//! are 0 for one overflow of 210698240 ticks, else marker bits; they are left in the marker's time,
//! as other readers do, which makes it up to 15 ticks (60 ps) late.
//!
//! PicoHarp 300 T3: channel 4, dtime 12, nsync 16. Channel 15 is special: dtime 0 is one overflow of
//! 65536 sync periods, else its low four bits are marker bits.
//!
//! HydraHarp, TimeHarp 260, MultiHarp, PicoHarp 330 and generic T2: special 1 bit, channel 6,
//! time 25. A special record of channel 63 is an overflow, 0 a sync edge, 1 to 15 marker bits.
//! HydraHarp V1: always one overflow of 33552000 ticks. All others: the time field counts overflows
//! of 2²⁵ ticks, where 0 counts as one.
//!
//! T3 of the same instruments: special 1, channel 6, dtime 15, nsync 10. A special record of channel
//! 63 is an overflow of 1024 sync periods: one with V1, else as many as nsync says, where 0 counts as
//! one; 1 to 15 are marker bits.
//!
//! TimeHarp 200: reserved 1, valid 1, route 2, data 12, time 16. Valid 0: bit 11 of data is one
//! overflow of 65536 ticks, else its low three bits are marker bits.

use helio_units::Ticks;

use super::t2::{HydraHarpV1, Later, Level, PicoHarp, T2};
use crate::stream::Decode;
use crate::{Chunk, Counts, Marker, TimeTag, TraceError};

/// Bits of the time field of HydraHarp-like records; later ones wrap where the field does.
pub(in crate::picoquant) const TIME_BITS: u32 = 25;
/// Bits of the number of the sync period and of the dtime in HydraHarp-like T3 records.
pub(in crate::picoquant) const T3_TIME_BITS: u32 = 10;
pub(in crate::picoquant) const T3_DTIME_BITS: u32 = 15;
/// Channel of a special record that counts overflows.
pub(in crate::picoquant) const OVERFLOW_CHANNEL: u32 = 63;

/// Sync periods until the counter of a PicoHarp 300 in T3 mode wraps, and ticks until that of a
/// TimeHarp 200 does.
const WRAP_16: u64 = 1 << 16;
/// Sync periods until the counter of HydraHarp-like T3 records wraps.
const WRAP_10: u64 = 1 << T3_TIME_BITS;
/// No time field is longer than this: the base is kept so far below 2⁶⁴ that it can be added.
const MAX_TIME: u64 = 1 << 28;
pub(super) const RECORD_BYTES: usize = 4;
/// Records decoded at a time: 64 KiB of file, so that a chunk stays in the cache.
const BLOCK_RECORDS: usize = 16_384;

/// The layouts of records that are known, by the value of `TTResultFormat_TTTRRecType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the instruments'")]
#[non_exhaustive]
pub enum RecordType {
    PicoHarp300T2,
    PicoHarp300T3,
    HydraHarpV1T2,
    HydraHarpV1T3,
    HydraHarpV2T2,
    HydraHarpV2T3,
    TimeHarp260NT2,
    TimeHarp260NT3,
    TimeHarp260PT2,
    TimeHarp260PT3,
    GenericT2,
    GenericT3,
}

use RecordType::*;

const TYPES: [(RecordType, u32, &str); 12] = [
    (PicoHarp300T2, 0x0001_0203, "PicoHarp 300 T2"),
    (PicoHarp300T3, 0x0001_0303, "PicoHarp 300 T3"),
    (HydraHarpV1T2, 0x0001_0204, "HydraHarp V1 T2"),
    (HydraHarpV1T3, 0x0001_0304, "HydraHarp V1 T3"),
    (HydraHarpV2T2, 0x0101_0204, "HydraHarp V2 T2"),
    (HydraHarpV2T3, 0x0101_0304, "HydraHarp V2 T3"),
    (TimeHarp260NT2, 0x0001_0205, "TimeHarp 260 N T2"),
    (TimeHarp260NT3, 0x0001_0305, "TimeHarp 260 N T3"),
    (TimeHarp260PT2, 0x0001_0206, "TimeHarp 260 P T2"),
    (TimeHarp260PT3, 0x0001_0306, "TimeHarp 260 P T3"),
    (GenericT2, 0x0001_0207, "generic T2 (MultiHarp, PicoHarp 330)"),
    (GenericT3, 0x0001_0307, "generic T3 (MultiHarp, PicoHarp 330)"),
];

impl RecordType {
    /// The layout of this number, where it is known.
    pub fn from_code(code: u32) -> Option<RecordType> {
        TYPES.iter().find(|t| t.1 == code).map(|t| t.0)
    }

    /// The number in the file.
    pub fn code(self) -> u32 {
        self.row().1
    }

    /// The instrument and the mode.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Whether every record carries its own full time; T3 records count sync periods instead.
    pub fn is_t2(self) -> bool {
        (self.code() >> 8) & 0xFF == 0x02
    }

    fn row(self) -> &'static (RecordType, u32, &'static str) {
        // The table lists the variants in their order; a test holds it to that.
        &TYPES[self as usize]
    }
}

/// Which records follow a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One that has a number.
    Typed(RecordType),
    /// That of the TimeHarp 200.
    TimeHarp200,
}

/// Turns records into tags and keeps the count of overflows.
#[derive(Debug)]
pub(crate) struct Decoder {
    layout: Layout,
    level: Level,
    pub(super) base: u64,
    pub(super) reached: u64,
    pub(super) counts: Counts,
}

/// What a record is.
pub(super) enum Record {
    Photon { channel: u32, time: u32, dtime: u16 },
    Overflow { periods: u32 },
    Marker { bits: u32, time: u32 },
    Sync { time: u32 },
    Unknown,
}

impl Decoder {
    pub(crate) fn new(layout: Layout) -> Decoder {
        let level = Level::all().next().unwrap_or(Level::Single);
        Decoder { layout, level, base: 0, reached: 0, counts: Counts::default() }
    }

    /// As if overflows until `base` had been read.
    #[cfg(test)]
    pub(super) fn at_level(layout: Layout, level: Level, base: u64) -> Decoder {
        Decoder { level, base, reached: base, ..Decoder::new(layout) }
    }

    /// Groups of records as far as the processor does them, the rest one by one.
    fn t2<L: T2>(
        &mut self,
        records: &[[u8; RECORD_BYTES]],
        offset: u64,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        let done = self.level.groups::<L>(self, records, chunk);
        let offset = offset + (RECORD_BYTES * done) as u64;
        self.run::<false>(&records[done..], offset, L::WRAP.into(), chunk, L::meaning)
    }

    /// One loop for each layout, so that none asks for it by the record. `T3`: photons have a
    /// dtime.
    #[inline]
    pub(super) fn run<const T3: bool>(
        &mut self,
        records: &[[u8; RECORD_BYTES]],
        offset: u64,
        wrap: u64,
        chunk: &mut Chunk,
        meaning: impl Fn(u32) -> Record,
    ) -> Result<(), TraceError> {
        let before = chunk.photons.len();
        chunk.photons.reserve(records.len());
        let mut result = Ok(());
        for (i, bytes) in records.iter().enumerate() {
            match meaning(u32::from_le_bytes(*bytes)) {
                Record::Photon { channel, time, dtime } => {
                    let tick = self.at(self.base, time);
                    chunk.photons.push(TimeTag { tick, channel: channel as u8 });
                    if T3 {
                        chunk.dtimes.push(dtime);
                    }
                }
                Record::Overflow { periods } => {
                    if self.overflow(u64::from(periods), wrap).is_none() {
                        result = Err(TraceError::TimeOverflow { offset: offset + 4 * i as u64 });
                        break;
                    }
                }
                other => self.other(other, self.base, chunk),
            }
        }
        self.counts.photons += (chunk.photons.len() - before) as u64;
        chunk.reached = Ticks(self.reached);
        result
    }

    /// What is neither a photon nor an overflow, after the overflows that make `base`.
    pub(super) fn other(&mut self, record: Record, base: u64, chunk: &mut Chunk) {
        match record {
            Record::Marker { bits, time } => {
                let tick = self.at(base, time);
                self.counts.markers += 1;
                chunk.markers.push(Marker { tick, bits: bits as u8 });
            }
            Record::Sync { time } => {
                let tick = self.at(base, time);
                self.counts.sync_records += 1;
                chunk.syncs.push(tick);
            }
            Record::Unknown => self.counts.unknown_records += 1,
            Record::Photon { .. } | Record::Overflow { .. } => {}
        }
    }

    fn overflow(&mut self, periods: u64, wrap: u64) -> Option<()> {
        let base = self.base.checked_add(periods.checked_mul(wrap)?)?;
        self.base = Some(base).filter(|base| *base <= u64::MAX - MAX_TIME)?;
        self.reached = self.reached.max(self.base);
        self.counts.overflow_records += 1;
        self.counts.overflow_periods += periods;
        Some(())
    }

    #[inline]
    fn at(&mut self, base: u64, time: u32) -> Ticks {
        let tick = base + u64::from(time);
        self.reached = self.reached.max(tick);
        Ticks(tick)
    }
}

impl Decode for Decoder {
    fn block_bytes(&self) -> usize {
        BLOCK_RECORDS * RECORD_BYTES
    }

    fn decode(
        &mut self,
        block: &[u8],
        offset: u64,
        _last: bool,
        chunk: &mut Chunk,
    ) -> Result<usize, TraceError> {
        let (records, rest) = block.as_chunks::<RECORD_BYTES>();
        match self.layout {
            Layout::TimeHarp200 => self.run::<true>(records, offset, WRAP_16, chunk, timeharp_200),
            Layout::Typed(PicoHarp300T2) => self.t2::<PicoHarp>(records, offset, chunk),
            Layout::Typed(PicoHarp300T3) => {
                self.run::<true>(records, offset, WRAP_16, chunk, picoharp_t3)
            }
            Layout::Typed(HydraHarpV1T2) => self.t2::<HydraHarpV1>(records, offset, chunk),
            Layout::Typed(HydraHarpV1T3) => {
                self.run::<true>(records, offset, WRAP_10, chunk, hydraharp_t3::<true>)
            }
            Layout::Typed(kind) if kind.is_t2() => self.t2::<Later>(records, offset, chunk),
            Layout::Typed(_) => {
                self.run::<true>(records, offset, WRAP_10, chunk, hydraharp_t3::<false>)
            }
        }?;
        Ok(block.len() - rest.len())
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}

#[inline]
fn picoharp_t3(word: u32) -> Record {
    let (channel, dtime, time) = (word >> 28, (word >> 16) & 0xFFF, word & 0xFFFF);
    match (channel, dtime, dtime & 15) {
        (15, 0, _) => Record::Overflow { periods: 1 },
        (15, _, 0) => Record::Unknown,
        (15, _, bits) => Record::Marker { bits, time },
        _ => Record::Photon { channel, time, dtime: dtime as u16 },
    }
}

#[inline]
fn hydraharp_t3<const V1: bool>(word: u32) -> Record {
    let (special, channel) = (word >> 31, (word >> 25) & 63);
    let (dtime, time) = ((word >> T3_TIME_BITS) & 0x7FFF, word & 0x3FF);
    match (special, channel) {
        (0, _) => Record::Photon { channel, time, dtime: dtime as u16 },
        (_, OVERFLOW_CHANNEL) => Record::Overflow { periods: if V1 { 1 } else { time.max(1) } },
        (_, bits @ 1..=15) => Record::Marker { bits, time },
        _ => Record::Unknown,
    }
}

#[inline]
fn timeharp_200(word: u32) -> Record {
    let (valid, route) = ((word >> 30) & 1, (word >> 28) & 3);
    let (data, time) = ((word >> 16) & 0xFFF, word & 0xFFFF);
    match (valid, data >> 11, data & 7) {
        (1, _, _) => Record::Photon { channel: route, time, dtime: data as u16 },
        (_, 1, _) => Record::Overflow { periods: 1 },
        (_, _, 0) => Record::Unknown,
        (_, _, bits) => Record::Marker { bits, time },
    }
}

#[cfg(test)]
mod tests;
