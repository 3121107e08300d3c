//! Records of 32 bits and what they mean.
//!
//! PicoHarp 300 T2: channel 4 bits, time 28 bits. Channel 15 is special: the low four bits of time
//! are 0 for one overflow of 210698240 ticks, else marker bits; they are left in the marker's time,
//! as other readers do, which makes it up to 15 ticks (60 ps) late.
//!
//! HydraHarp, TimeHarp 260, MultiHarp and generic T2: special 1 bit, channel 6, time 25. A special
//! record of channel 63 is an overflow, 0 a sync edge, 1 to 15 marker bits. HydraHarp V1: always
//! one overflow of 33552000 ticks. All others: the time field counts overflows of 2²⁵ ticks, where
//! 0 counts as one.

use helio_units::Ticks;

use crate::{Chunk, Counts, Marker, TimeTag, TraceError};

/// Overflow period of a PicoHarp 300 in T2 mode.
const PICOHARP_WRAP: u64 = 210_698_240;
/// Overflow period of a HydraHarp with first-generation records.
const HYDRAHARP_V1_WRAP: u64 = 33_552_000;
/// Bits of the time field of HydraHarp-like records; later ones wrap where the field does.
pub(super) const TIME_BITS: u32 = 25;
pub(super) const TIME_MASK: u32 = (1 << TIME_BITS) - 1;
/// Channel of a special record that counts overflows.
pub(super) const OVERFLOW_CHANNEL: u32 = 63;

/// The layouts of records that are known, by the value of `TTResultFormat_TTTRRecType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the instruments'")]
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

/// Turns records into tags and keeps the count of overflows.
#[derive(Debug)]
pub(super) struct Decoder {
    record_type: RecordType,
    base: u64,
    reached: u64,
    pub(super) counts: Counts,
}

impl Decoder {
    /// For a T2 layout.
    pub(super) fn new(record_type: RecordType) -> Decoder {
        Decoder { record_type, base: 0, reached: 0, counts: Counts::default() }
    }

    /// Decodes `records`, the first of which begins at byte `offset`, into `chunk`.
    pub(super) fn decode(
        &mut self,
        records: &[[u8; 4]],
        offset: u64,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        for (i, bytes) in records.iter().enumerate() {
            let word = u32::from_le_bytes(*bytes);
            let known = match self.record_type {
                PicoHarp300T2 => self.picoharp(word, chunk),
                HydraHarpV1T2 => self.hydraharp(word, HYDRAHARP_V1_WRAP, |_| 1, chunk),
                _ => self.hydraharp(word, 1 << TIME_BITS, |time| u64::from(time.max(1)), chunk),
            };
            known.ok_or(TraceError::TimeOverflow { offset: offset + 4 * i as u64 })?;
        }
        chunk.reached = Ticks(self.reached);
        Ok(())
    }

    #[inline]
    fn picoharp(&mut self, word: u32, chunk: &mut Chunk) -> Option<()> {
        let (channel, time) = (word >> 28, word & 0x0FFF_FFFF);
        let bits = time & 15;
        match (channel, bits) {
            (15, 0) => self.overflow(1, PICOHARP_WRAP),
            (15, _) => self.marker(bits, time, chunk),
            _ => self.photon(channel, time, chunk),
        }
    }

    #[inline]
    fn hydraharp(
        &mut self,
        word: u32,
        wrap: u64,
        periods: impl Fn(u32) -> u64,
        chunk: &mut Chunk,
    ) -> Option<()> {
        let (special, channel, time) = (word >> 31, (word >> TIME_BITS) & 63, word & TIME_MASK);
        match (special, channel) {
            (0, _) => self.photon(channel, time, chunk),
            (_, OVERFLOW_CHANNEL) => self.overflow(periods(time), wrap),
            (_, 0) => {
                let tick = self.at(time)?;
                self.counts.sync_records += 1;
                chunk.syncs.push(tick);
                Some(())
            }
            (_, 1..=15) => self.marker(channel, time, chunk),
            _ => {
                self.counts.unknown_records += 1;
                Some(())
            }
        }
    }

    fn photon(&mut self, channel: u32, time: u32, chunk: &mut Chunk) -> Option<()> {
        let tick = self.at(time)?;
        self.counts.photons += 1;
        chunk.photons.push(TimeTag { tick, channel: channel as u8 });
        Some(())
    }

    fn marker(&mut self, bits: u32, time: u32, chunk: &mut Chunk) -> Option<()> {
        let tick = self.at(time)?;
        self.counts.markers += 1;
        chunk.markers.push(Marker { tick, bits: bits as u8 });
        Some(())
    }

    fn overflow(&mut self, periods: u64, wrap: u64) -> Option<()> {
        self.base = self.base.checked_add(periods.checked_mul(wrap)?)?;
        self.reached = self.reached.max(self.base);
        self.counts.overflow_records += 1;
        self.counts.overflow_periods += periods;
        Some(())
    }

    fn at(&mut self, time: u32) -> Option<Ticks> {
        let tick = self.base.checked_add(u64::from(time))?;
        self.reached = self.reached.max(tick);
        Some(Ticks(tick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(record_type: RecordType, words: &[u32]) -> (Chunk, Counts) {
        let records: Vec<[u8; 4]> = words.iter().map(|w| w.to_le_bytes()).collect();
        let (mut decoder, mut chunk) = (Decoder::new(record_type), Chunk::default());
        decoder.decode(&records, 0, &mut chunk).unwrap();
        (chunk, decoder.counts)
    }

    fn tag(tick: u64, channel: u8) -> TimeTag {
        TimeTag { tick: Ticks(tick), channel }
    }

    #[test]
    fn the_table_lists_the_types_in_their_order() {
        for (record_type, code, name) in TYPES {
            assert_eq!((record_type.code(), record_type.name()), (code, name));
            assert_eq!(RecordType::from_code(code), Some(record_type));
            assert_eq!(record_type.is_t2(), name.contains("T2"));
        }
        assert_eq!(RecordType::from_code(0x0001_0208), None);
    }

    #[test]
    fn picoharp_t2() {
        let words = [0x0000_0005, 0xF000_0000, 0x1000_0006, 0xF000_0123];
        let (chunk, counts) = decode(PicoHarp300T2, &words);
        assert_eq!(chunk.photons, [tag(5, 0), tag(210_698_246, 1)]);
        assert_eq!(chunk.markers, [Marker { tick: Ticks(210_698_240 + 0x123), bits: 3 }]);
        assert_eq!((counts.overflow_records, counts.overflow_periods), (1, 1));
    }

    #[test]
    fn hydraharp_v1_counts_one_overflow_whatever_the_time_field_says() {
        let (chunk, counts) = decode(HydraHarpV1T2, &[0xFE00_0005, 0x0200_0007]);
        assert_eq!(chunk.photons, [tag(33_552_007, 1)]);
        assert_eq!(counts.overflow_periods, 1);
    }

    #[test]
    fn later_records_count_overflows_in_the_time_field() {
        for record_type in [HydraHarpV2T2, TimeHarp260NT2, TimeHarp260PT2, GenericT2] {
            let words = [0xFE00_0003, 0x0600_0007, 0xFE00_0000, 0x8000_0009, 0x8A00_0001];
            let (chunk, counts) = decode(record_type, &words);
            assert_eq!(chunk.photons, [tag(3 * 33_554_432 + 7, 3)]);
            assert_eq!(chunk.syncs, [Ticks(4 * 33_554_432 + 9)]);
            assert_eq!(chunk.markers, [Marker { tick: Ticks(4 * 33_554_432 + 1), bits: 5 }]);
            assert_eq!((counts.overflow_records, counts.overflow_periods), (2, 4));
            assert_eq!(chunk.reached, Ticks(4 * 33_554_432 + 9));
        }
    }

    #[test]
    fn special_records_without_a_meaning_are_counted_and_skipped() {
        let (chunk, counts) = decode(GenericT2, &[0x8000_0000 | (16 << 25)]);
        assert!(chunk.photons.is_empty() && chunk.markers.is_empty());
        assert_eq!(counts.unknown_records, 1);
    }

    #[test]
    fn time_beyond_64_bits_is_an_error_and_not_a_wrap() {
        let records = vec![0xFFFF_FFFFu32.to_le_bytes(); 20_000];
        let mut chunk = Chunk::default();
        let err = Decoder::new(GenericT2).decode(&records, 100, &mut chunk).unwrap_err();
        assert!(matches!(err, TraceError::TimeOverflow { offset: 65_636 }), "{err}");
    }
}
