//! What is written is read back, event for event, in every order of kinds and over any number of
//! overflows.

use std::io::Cursor;

use helio_trace::{
    Chunk, Marker, PtuWriter, ReadOptions, RecordType, TimeTag, TraceReader, WriteError,
    WriterOptions, from_read,
};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

fn options(record_type: RecordType) -> WriterOptions {
    WriterOptions {
        record_type,
        guid: [7; 16],
        created_unix_s: Some(1_000_000_000.0),
        creator: "test".into(),
        creator_version: "0".into(),
        hardware: "none".into(),
        comment: "5 µW".into(),
    }
}

fn read_all(bytes: &[u8]) -> (Chunk, Box<dyn TraceReader + '_>) {
    let mut reader = from_read(bytes, &ReadOptions::default()).unwrap();
    let (mut chunk, mut all) = (Chunk::default(), Chunk::default());
    while reader.read_chunk(&mut chunk).unwrap() {
        all.photons.extend(&chunk.photons);
        all.markers.extend(&chunk.markers);
        all.syncs.extend(&chunk.syncs);
        all.reached = chunk.reached;
    }
    (all, reader)
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Photon(u8),
    Marker(u8),
    Sync,
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let gap = prop_oneof![
        4 => 0u64..1 << 20,
        2 => (1u64 << 25) - 2..(1 << 25) + 2,
        1 => 0u64..1 << 36,
    ];
    let kind = prop_oneof![
        6 => (0u8..64).prop_map(Event::Photon),
        1 => (1u8..16).prop_map(Event::Marker),
        1 => Just(Event::Sync),
    ];
    (gap, kind)
}

proptest! {
    #[test]
    fn events_come_back(
        events in prop::collection::vec(event(), 0..200),
        hydraharp: bool,
        n in 1u64..100_000,
        d in 1u32..100,
    ) {
        let kind = if hydraharp { RecordType::HydraHarpV2T2 } else { RecordType::GenericT2 };
        let tick_length = TickLength::new(n, d).unwrap();
        prop_assume!(tick_length.as_ps_f64() >= 1e-3);
        let mut writer =
            PtuWriter::new(Cursor::new(Vec::new()), tick_length, &options(kind)).unwrap();
        let (mut now, mut expected) = (0, Chunk::default());
        for (gap, event) in events {
            now += gap;
            let tick = Ticks(now);
            match event {
                Event::Photon(channel) => {
                    writer.photon(tick, channel).unwrap();
                    expected.photons.push(TimeTag { tick, channel });
                }
                Event::Marker(bits) => {
                    writer.marker(tick, bits).unwrap();
                    expected.markers.push(Marker { tick, bits });
                }
                Event::Sync => {
                    writer.sync(tick).unwrap();
                    expected.syncs.push(tick);
                }
            }
        }
        expected.reached = Ticks(now);
        let bytes = writer.finish(Ticks(0)).unwrap().into_inner();
        let (read, reader) = read_all(&bytes);
        prop_assert_eq!(read, expected);
        prop_assert_eq!(reader.tick_length(), tick_length);
        prop_assert_eq!(reader.meta().record_type, Some(kind));
        prop_assert_eq!(reader.meta().text("File_Comment"), Some("5 µW"));
        prop_assert_eq!(reader.meta().claimed_records, Some(reader.counts().records()));
    }
}

#[test]
fn the_trace_reaches_to_the_end_that_was_stated() {
    let tick = TickLength::CYCLE_150_MHZ;
    let mut writer =
        PtuWriter::new(Cursor::new(Vec::new()), tick, &options(RecordType::GenericT2)).unwrap();
    writer.photon(Ticks(5), 1).unwrap();
    let bytes = writer.finish(Ticks(150_000_000)).unwrap().into_inner();
    let (all, reader) = read_all(&bytes);
    assert_eq!(reader.meta().int("MeasDesc_AcquisitionTime"), Some(1000));
    // Whole overflow periods only: a record of its own for the rest does not exist.
    assert_eq!(all.reached, Ticks(150_000_000 >> 25 << 25));
}

#[test]
fn a_long_gap_is_counted_in_steps_that_32_bit_readers_can_multiply() {
    let tick = TickLength::new(1, 1).unwrap();
    let mut writer =
        PtuWriter::new(Cursor::new(Vec::new()), tick, &options(RecordType::HydraHarpV2T2)).unwrap();
    writer.photon(Ticks(200 << 25 | 7), 2).unwrap();
    let bytes = writer.finish(Ticks(0)).unwrap().into_inner();
    let (records, _) = bytes[bytes.len() - 20..].as_chunks::<4>();
    let words: Vec<u32> = records.iter().map(|r| u32::from_le_bytes(*r)).collect();
    assert_eq!(words, [0xFE00_003F, 0xFE00_003F, 0xFE00_003F, 0xFE00_000B, 0x0400_0007]);
}

#[test]
fn what_a_record_cannot_hold_is_refused() {
    let tick = TickLength::new(1, 1).unwrap();
    let out = || Cursor::new(Vec::new());
    let refused = PtuWriter::new(out(), tick, &options(RecordType::PicoHarp300T2)).unwrap_err();
    assert!(matches!(refused, WriteError::RecordType(RecordType::PicoHarp300T2)));

    let mut writer = PtuWriter::new(out(), tick, &options(RecordType::GenericT2)).unwrap();
    writer.photon(Ticks(10), 0).unwrap();
    writer.photon(Ticks(10), 1).unwrap();
    let refused = writer.photon(Ticks(9), 0).unwrap_err();
    assert!(matches!(refused, WriteError::TimeWentBack { tick: 9, last: 10 }));
    let refused = writer.photon(Ticks(1 << 60), 0).unwrap_err();
    assert!(matches!(refused, WriteError::GapTooLong { last: 10, .. }));
    for (result, name) in [
        (writer.photon(Ticks(11), 64), "channel"),
        (writer.marker(Ticks(11), 0), "marker"),
        (writer.marker(Ticks(11), 16), "marker"),
    ] {
        assert!(matches!(result.unwrap_err(), WriteError::OutOfRange { what, .. } if what == name));
    }
    // A refused event leaves nothing behind.
    let bytes = writer.finish(Ticks(0)).unwrap().into_inner();
    assert_eq!(read_all(&bytes).1.counts().records(), 2);
}

#[test]
fn a_file_that_was_not_finished_is_read_to_its_end() {
    let mut out = Cursor::new(Vec::new());
    let tick = TickLength::new(1, 1).unwrap();
    let mut writer = PtuWriter::new(&mut out, tick, &options(RecordType::GenericT2)).unwrap();
    writer.photon(Ticks(1 << 30), 3).unwrap();
    drop(writer);
    let bytes = out.into_inner();
    let (all, reader) = read_all(&bytes);
    assert_eq!(all.photons, [TimeTag { tick: Ticks(1 << 30), channel: 3 }]);
    assert_eq!(reader.meta().claimed_records, Some(0));
}
