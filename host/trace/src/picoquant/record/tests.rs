//! Each layout on a few words, and time beyond 64 bits.

use super::*;

fn decode_as(layout: Layout, words: &[u32]) -> (Chunk, Counts) {
    let records: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let (mut decoder, mut chunk) = (Decoder::new(layout), Chunk::default());
    assert_eq!(decoder.decode(&records, 0, true, &mut chunk).unwrap(), records.len());
    assert_eq!(decoder.counts.records(), words.len() as u64);
    (chunk, decoder.counts)
}

fn decode(record_type: RecordType, words: &[u32]) -> (Chunk, Counts) {
    decode_as(Layout::Typed(record_type), words)
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
    let records = vec![0xFF; 80_000];
    let (mut decoder, mut chunk) = (Decoder::new(Layout::Typed(GenericT2)), Chunk::default());
    let err = decoder.decode(&records, 100, true, &mut chunk).unwrap_err();
    assert_eq!(decoder.counts.overflow_records, 16_384, "what precedes it is kept");
    assert_eq!(chunk.reached, Ticks(((1 << 14) * ((1 << 25) - 1)) << 25));
    assert!(matches!(err, TraceError::TimeOverflow { offset: 65_636 }), "{err}");
}

#[test]
fn picoharp_t3() {
    let words = [0x1021_0005, 0xF000_0000, 0x2FFF_FFFF, 0xF005_0007, 0xF010_0000];
    let (chunk, counts) = decode(PicoHarp300T3, &words);
    assert_eq!(chunk.photons, [tag(5, 1), tag(65_536 + 65_535, 2)]);
    assert_eq!(chunk.dtimes, [0x21, 0xFFF]);
    assert_eq!(chunk.markers, [Marker { tick: Ticks(65_543), bits: 5 }]);
    assert_eq!((counts.overflow_records, counts.overflow_periods), (1, 1));
    assert_eq!(counts.unknown_records, 1, "a marker without bits");
}

#[test]
fn hydraharp_t3_v1_counts_one_overflow_and_later_ones_what_nsync_says() {
    let words = [0xFE00_0005, 0x0600_0000 | 0x1234 << 10 | 7, 0xFE00_0000, 0x8400_0001];
    let (chunk, counts) = decode(HydraHarpV1T3, &words);
    assert_eq!((&chunk.photons[..], &chunk.dtimes[..]), (&[tag(1031, 3)][..], &[0x1234][..]));
    assert_eq!(chunk.markers, [Marker { tick: Ticks(2049), bits: 2 }]);
    assert_eq!((counts.overflow_records, counts.overflow_periods), (2, 2));
    for record_type in [HydraHarpV2T3, TimeHarp260NT3, TimeHarp260PT3, GenericT3] {
        let (chunk, counts) = decode(record_type, &words);
        assert_eq!(chunk.photons, [tag(5 * 1024 + 7, 3)]);
        assert_eq!(chunk.markers, [Marker { tick: Ticks(6 * 1024 + 1), bits: 2 }]);
        assert_eq!((counts.overflow_records, counts.overflow_periods), (2, 6));
    }
    let (chunk, counts) = decode(GenericT3, &[0x8000_0000, 0xA000_0000]);
    assert_eq!((chunk.reached, counts.unknown_records), (Ticks(0), 2));
}

#[test]
fn timeharp_200_has_overflows_and_markers_in_its_invalid_records() {
    let words = [0x6893_0409, 0x0800_FFFF, 0x4FFF_0001, 0x0007_0002, 0x0000_0003];
    let (chunk, counts) = decode_as(Layout::TimeHarp200, &words);
    assert_eq!(chunk.photons, [tag(1033, 2), tag(65_537, 0)]);
    assert_eq!(chunk.dtimes, [2195, 0xFFF]);
    assert_eq!(chunk.markers, [Marker { tick: Ticks(65_538), bits: 7 }]);
    assert_eq!((counts.overflow_records, counts.unknown_records), (1, 1));
}
