//! What is written as PTU is read back, event for event, in every order of kinds and over any number
//! of overflows.

use std::io::Cursor;

use helio_trace::{
    Chunk, Dtime, Loss, LossKind, Marker, ReadOptions, RecordType, Tag, TagValue, TimeTag,
    TraceFormat, TraceReader, Unkept, WriteError, WriteSettings, Written, from_read, writer,
};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

fn ps(numerator: u64) -> TickLength {
    TickLength::new(numerator, 1).unwrap()
}

fn settings(tick: TickLength, record_type: RecordType) -> WriteSettings {
    WriteSettings {
        record_type: Some(record_type),
        guid: [7; 16],
        created_unix_s: Some(1_000_000_000.0),
        creator: "test".into(),
        creator_version: "0".into(),
        hardware: "none".into(),
        comment: "5 µW".into(),
        ..WriteSettings::new(tick)
    }
}

fn write(chunk: &Chunk, settings: &WriteSettings) -> Result<(Vec<u8>, Written), WriteError> {
    let mut bytes = Vec::new();
    let mut writer = writer(Cursor::new(&mut bytes), TraceFormat::PicoQuantPtu, settings)?;
    writer.write_chunk(chunk)?;
    let written = writer.finish()?;
    assert_eq!(written.bytes, bytes.len() as u64);
    Ok((bytes, written))
}

fn read_all(bytes: &[u8]) -> (Chunk, Box<dyn TraceReader + '_>) {
    let mut reader = from_read(bytes, &ReadOptions::default()).unwrap();
    let (mut chunk, mut all) = (Chunk::default(), Chunk::default());
    while reader.read_chunk(&mut chunk).unwrap() {
        all.append(&chunk);
    }
    (all, reader)
}

fn photons(tags: &[(u64, u8)]) -> Chunk {
    let photons =
        tags.iter().map(|(tick, channel)| TimeTag { tick: Ticks(*tick), channel: *channel });
    let reached = tags.last().map_or(Ticks(0), |tag| Ticks(tag.0));
    Chunk { photons: photons.collect(), reached, ..Chunk::default() }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Photon(u8, u16),
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
        6 => (0u8..64, 0u16..1 << 15).prop_map(|(channel, dtime)| Event::Photon(channel, dtime)),
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
        t3: bool,
        n in 1u64..100_000,
        d in 1u32..100,
    ) {
        let kind = match (hydraharp, t3) {
            (true, false) => RecordType::HydraHarpV2T2,
            (false, false) => RecordType::GenericT2,
            (true, true) => RecordType::HydraHarpV2T3,
            (false, true) => RecordType::GenericT3,
        };
        let tick_length = TickLength::new(n, d).unwrap();
        prop_assume!(tick_length.as_ps_f64() >= 1e-3);
        let mut settings = settings(tick_length, kind);
        settings.dtime = t3.then_some(Dtime { unit: Some(ps(4)), adds: true });
        let (mut now, mut expected) = (0, Chunk::default());
        for (gap, event) in events {
            // T3 counts sync periods in ten bits, T2 ticks in 25.
            now += if t3 { gap >> 15 } else { gap };
            let tick = Ticks(now);
            match event {
                Event::Photon(channel, dtime) => {
                    expected.photons.push(TimeTag { tick, channel });
                    expected.dtimes.extend(t3.then_some(dtime));
                }
                Event::Marker(bits) => expected.markers.push(Marker { tick, bits }),
                // T3 counts the sync pulses and stores none.
                Event::Sync if t3 => continue,
                Event::Sync => expected.syncs.push(tick),
            }
            expected.reached = tick;
        }
        let (bytes, written) = write(&expected, &settings).unwrap();
        let (read, reader) = read_all(&bytes);
        prop_assert_eq!(read, expected);
        prop_assert_eq!(written.unkept, Unkept::default());
        prop_assert_eq!(reader.tick_length(), tick_length);
        prop_assert_eq!(reader.meta().dtime, settings.dtime);
        prop_assert_eq!(reader.meta().record_type, Some(kind));
        prop_assert_eq!(reader.meta().text("File_Comment"), Some("5 µW"));
        let counts = reader.counts();
        prop_assert_eq!(reader.meta().claimed_records, Some(counts.records()));
        prop_assert_eq!(written.records, counts.records() - counts.overflow_records);
    }
}

#[test]
fn the_trace_reaches_to_the_end_that_was_stated() {
    let settings = settings(TickLength::CYCLE_150_MHZ, RecordType::GenericT2);
    let chunk = Chunk { reached: Ticks(150_000_000), ..photons(&[(5, 1)]) };
    let (bytes, _) = write(&chunk, &settings).unwrap();
    let (all, reader) = read_all(&bytes);
    assert_eq!(reader.meta().int("MeasDesc_AcquisitionTime"), Some(1000));
    // Whole overflow periods only: a record of its own for the rest does not exist.
    assert_eq!(all.reached, Ticks(150_000_000 >> 25 << 25));
}

#[test]
fn a_long_gap_is_counted_in_steps_that_32_bit_readers_can_multiply() {
    let settings = settings(ps(1), RecordType::HydraHarpV2T2);
    let (bytes, _) = write(&photons(&[(200 << 25 | 7, 2)]), &settings).unwrap();
    let (records, _) = bytes[bytes.len() - 20..].as_chunks::<4>();
    let words: Vec<u32> = records.iter().map(|r| u32::from_le_bytes(*r)).collect();
    assert_eq!(words, [0xFE00_003F, 0xFE00_003F, 0xFE00_003F, 0xFE00_000B, 0x0400_0007]);
}

#[test]
fn what_a_record_cannot_hold_is_refused() {
    let t2 = settings(ps(1), RecordType::GenericT2);
    let refused = |chunk: &Chunk, settings: &WriteSettings| write(chunk, settings).unwrap_err();
    let readonly = settings(ps(1), RecordType::PicoHarp300T2);
    let error = refused(&Chunk::default(), &readonly);
    assert!(matches!(error, WriteError::RecordType(RecordType::PicoHarp300T2)));
    // A femtosecond times a fraction is lost in a header's 53 bits.
    let odd = TickLength::new((1 << 40) - 1, (1 << 31) - 1).unwrap();
    assert!(matches!(
        refused(&Chunk::default(), &WriteSettings::new(odd)),
        WriteError::Tick(tick) if tick == odd
    ));

    let back = refused(&photons(&[(10, 0), (10, 1), (9, 0)]), &t2);
    assert!(matches!(back, WriteError::TimeWentBack { tick: 9, last: 10 }));
    let far = refused(&photons(&[(10, 0), (1 << 60, 0)]), &t2);
    assert!(matches!(far, WriteError::GapTooLong { last: 10, .. }));
    let channel = refused(&photons(&[(11, 64)]), &t2);
    assert!(matches!(channel, WriteError::OutOfRange { what: "channel", value: 64 }));
    for bits in [0, 16] {
        let marker = Marker { tick: Ticks(11), bits };
        let chunk = Chunk { markers: vec![marker], ..Chunk::default() };
        let error = refused(&chunk, &t2);
        assert!(matches!(error, WriteError::OutOfRange { what: "marker", .. }));
    }
    let mut t3 = settings(ps(1000), RecordType::GenericT3);
    t3.dtime = Some(Dtime { unit: Some(ps(1)), adds: true });
    let chunk = Chunk { dtimes: vec![1 << 15], ..photons(&[(11, 0)]) };
    let error = refused(&chunk, &t3);
    assert!(matches!(error, WriteError::OutOfRange { what: "dtime", value: 0x8000 }));
}

#[test]
fn what_has_no_place_is_counted() {
    let chunk = Chunk {
        dtimes: vec![3, 4],
        markers: vec![Marker { tick: Ticks(2), bits: 1 }],
        losses: vec![Loss { tick: Ticks(2), kind: LossKind::Gap }],
        ..photons(&[(1, 0), (2, 1)])
    };
    let mut settings = settings(ps(1), RecordType::GenericT2);
    // Dtimes that run backwards from the next pulse are none of T3.
    settings.dtime = Some(Dtime { unit: Some(ps(1)), adds: false });
    let (bytes, written) = write(&chunk, &settings).unwrap();
    assert_eq!(written.unkept, Unkept { dtimes: 2, losses: 1, ..Unkept::default() });
    assert_eq!(read_all(&bytes).0.markers, chunk.markers);
    settings.all_kinds = false;
    let (bytes, written) = write(&chunk, &settings).unwrap();
    assert_eq!(written.unkept, Unkept { dtimes: 2, losses: 1, markers: 1, ..Unkept::default() });
    assert_eq!(read_all(&bytes).0.markers, []);
}

#[test]
fn fields_of_a_source_are_kept_beside_those_of_the_writer() {
    let field = |ident: &str, index, value| Tag { ident: ident.into(), index, value };
    let mut settings = settings(ps(1), RecordType::GenericT2);
    settings.tags = vec![
        field("CreatorSW_Name", -1, TagValue::Text("another program".into())),
        field("HWInpChan_CFDLevel", 3, TagValue::Int(-70)),
        field("TTResult_SyncRate", -1, TagValue::Int(80_000_000)),
        field("a name of more than the 32 bytes that fit", -1, TagValue::Empty),
        field("Header_End", -1, TagValue::Empty),
    ];
    let (bytes, written) = write(&photons(&[(1, 0)]), &settings).unwrap();
    let (_, reader) = read_all(&bytes);
    assert_eq!(reader.meta().text("CreatorSW_Name"), Some("test"));
    assert_eq!(reader.meta().sync_rate_hz(), Some(80_000_000));
    assert!(reader.meta().tags.contains(&settings.tags[1]));
    assert_eq!(written.unkept, Unkept { fields: 1, ..Unkept::default() });
}

#[test]
fn a_file_that_was_not_finished_is_read_to_its_end() {
    let mut bytes = Vec::new();
    let settings = settings(ps(1), RecordType::GenericT2);
    let mut unfinished =
        writer(Cursor::new(&mut bytes), TraceFormat::PicoQuantPtu, &settings).unwrap();
    unfinished.write_chunk(&photons(&[(1 << 30, 3)])).unwrap();
    drop(unfinished);
    let (all, reader) = read_all(&bytes);
    assert_eq!(all.photons, [TimeTag { tick: Ticks(1 << 30), channel: 3 }]);
    assert_eq!(reader.meta().claimed_records, Some(0));
}
