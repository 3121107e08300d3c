//! Written and read.

use helio_trace::{
    Chunk, Loss, LossKind, Marker, PhotonTime, ReadOptions, TimeTag, TraceFormat, Unkept,
    WriteError, WriteSettings,
};
use helio_units::{Picoseconds, Ticks};
use proptest::prelude::*;

use crate::support::{TABLES, joined, read, tick, trace, write};

proptest! {
    #[test]
    fn all_records_come_back((chunks, settings) in trace()) {
        for &format in TABLES {
            let (bytes, written) = write(&chunks, format, &settings).unwrap();
            let content = read(&bytes, &ReadOptions::default()).unwrap();
            prop_assert_eq!(content.fault, None);
            prop_assert_eq!(content.meta.format, format);
            let mut expected = joined(&chunks);
            // A CSV file's picoseconds are not told to be multiples of anything.
            let whole = settings.tick.denominator() == 1;
            let adds = settings.dtime.is_some_and(|dtime| dtime.adds);
            let scale = match format == TraceFormat::Csv && whole && !adds {
                true => settings.tick.numerator_ps(),
                false => 1,
            };
            scaled(&mut expected, scale);
            prop_assert_eq!(&content.all, &expected);
            let length = if scale == 1 { settings.tick } else { tick(1, 1) };
            prop_assert_eq!(content.meta.tick, length);
            prop_assert_eq!(content.meta.dtime, settings.dtime);
            prop_assert_eq!(written.records, content.counts.records());
            prop_assert_eq!(written.unkept, Unkept::default());
            // What was read is written as the same file again.
            let again = WriteSettings::of(&content.meta);
            let (second, _) = write(&[content.all], format, &again).unwrap();
            prop_assert_eq!(second, bytes);
        }
    }

    #[test]
    fn detections_alone_come_back_and_the_rest_is_counted((chunks, settings) in trace()) {
        let settings =
            WriteSettings { all_kinds: false, tick: tick(125, 32), dtime: None, ..settings };
        let all = joined(&chunks);
        for &format in TABLES {
            let (bytes, written) = write(&chunks, format, &settings).unwrap();
            let content = read(&bytes, &ReadOptions::default()).unwrap();
            prop_assert_eq!(&content.all.photons, &all.photons);
            prop_assert!(content.all.markers.is_empty() && content.all.losses.is_empty());
            prop_assert_eq!(written.records, all.photons.len() as u64);
            prop_assert_eq!(written.unkept, Unkept {
                markers: all.markers.len() as u64,
                syncs: all.syncs.len() as u64,
                losses: all.losses.len() as u64,
                dtimes: all.dtimes.len() as u64,
                fields: 0,
            });
            prop_assert!(!content.meta.has_other_kinds());
        }
    }
}

fn scaled(chunk: &mut Chunk, scale: u64) {
    let times = |tick: &mut Ticks| tick.0 *= scale;
    chunk.photons.iter_mut().for_each(|tag| times(&mut tag.tick));
    chunk.markers.iter_mut().for_each(|marker| times(&mut marker.tick));
    chunk.syncs.iter_mut().for_each(times);
    chunk.losses.iter_mut().for_each(|loss| times(&mut loss.tick));
    times(&mut chunk.reached);
}

fn photons(ticks: &[u64]) -> Chunk {
    let photons = ticks.iter().map(|tick| TimeTag { tick: Ticks(*tick), channel: 1 });
    Chunk { photons: photons.collect(), ..Chunk::default() }
}

#[test]
fn an_empty_trace_is_a_table_without_rows() {
    for &format in TABLES {
        let (bytes, _) = write(&[], format, &WriteSettings::new(tick(125, 32))).unwrap();
        let content = read(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!((content.fault, content.counts.records()), (None, 0));
        assert_eq!((content.meta.format, content.meta.tick), (format, tick(125, 32)));
    }
}

#[test]
fn a_time_beyond_63_bits_is_refused() {
    for &format in TABLES {
        let settings = WriteSettings::new(tick(4, 1));
        assert!(write(&[photons(&[i64::MAX as u64 / 4])], format, &settings).is_ok());
        let refused = write(&[photons(&[i64::MAX as u64 / 4 + 1])], format, &settings);
        assert!(matches!(refused, Err(WriteError::TimeBeyond { .. })), "{format:?}");
    }
}

#[test]
fn a_step_back_is_sorted_within_a_window_with_what_stands_beside_it() {
    let settings = WriteSettings { counts_missed: true, ..WriteSettings::new(tick(1, 1)) };
    let chunks = [
        photons(&[10, 30]),
        Chunk {
            markers: vec![Marker { tick: Ticks(25), bits: 3 }],
            losses: vec![Loss { tick: Ticks(35), kind: LossKind::Gap }],
            ..photons(&[20, 40])
        },
    ];
    for &format in TABLES {
        let (bytes, _) = write(&chunks, format, &settings).unwrap();
        let content = read(&bytes, &ReadOptions::default()).unwrap();
        assert!(content.fault.unwrap().contains("steps back from tick 30 to 20"));
        let window = Some(Picoseconds(10));
        let content = read(&bytes, &ReadOptions { window, ..ReadOptions::default() }).unwrap();
        let ticks: Vec<u64> = content.all.photons.iter().map(|tag| tag.tick.0).collect();
        assert_eq!((content.fault, ticks), (None, vec![10, 20, 30, 40]));
        assert_eq!(content.all.markers, chunks[1].markers);
        assert_eq!(content.all.losses, chunks[1].losses);
    }
}

#[test]
fn sync_periods_become_picoseconds_as_in_the_file_they_come_from() {
    let bytes = include_bytes!("../data/lpq_hydraharp_v20.ht3");
    let picoseconds =
        ReadOptions { photon_time: PhotonTime::Picoseconds, ..ReadOptions::default() };
    let expected = read(bytes, &picoseconds).unwrap();
    let source = read(bytes, &ReadOptions::default()).unwrap();
    for format in [TraceFormat::Npy, TraceFormat::Csv, TraceFormat::PicoQuantPtu] {
        let settings = WriteSettings::of(&source.meta);
        let (table, _) = write(std::slice::from_ref(&source.all), format, &settings).unwrap();
        assert_eq!(read(&table, &ReadOptions::default()).unwrap().all.dtimes, source.all.dtimes);
        let found = read(&table, &picoseconds).unwrap();
        // Its header's 53 bits round the sync period: 1 ps after so long a time.
        let off = u64::from(format == TraceFormat::PicoQuantPtu);
        let close = |(a, b): (&TimeTag, &TimeTag)| a.tick.0.abs_diff(b.tick.0) <= off;
        assert!(found.all.photons.iter().zip(&expected.all.photons).all(close), "{format:?}");
        assert_eq!(found.all.photons.len(), expected.all.photons.len());
        assert_eq!(found.meta.tick, expected.meta.tick);
    }
}
