//! What is written comes back, in as few bytes as was promised.

use std::io::{self, Write};

use helio_trace::{
    Chunk, Dtime, ReadOptions, RecordingOptions, RecordingWriter, Tag, TagValue, TimeTag,
    TraceFormat, WriteError, WriteSettings, open,
};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

use crate::support::{any_chunks, blocks_of, photons, read, settings, together, written};

proptest! {
    #[test]
    fn all_that_chunks_hold_comes_back(chunks in any_chunks(), block in 1usize..400) {
        let bytes = written(&chunks, blocks_of(block));
        let content = read(&bytes);
        let all = together(&chunks);
        prop_assert_eq!(content.counts.photons, all.photons.len() as u64);
        prop_assert_eq!(content.counts.sync_records, all.syncs.len() as u64);
        prop_assert_eq!(content.counts.markers, all.markers.len() as u64);
        prop_assert_eq!(content.counts.loss_records, all.losses.len() as u64);
        prop_assert_eq!(content.all, all);
    }
}

#[test]
fn times_far_apart_equal_and_backwards_come_back() {
    let ticks: [&[u64]; 7] = [
        &[0],
        &[u64::MAX],
        &[0, u64::MAX],
        &[u64::MAX, 0, u64::MAX, 0, 1 << 63],
        &[7; 5000],
        &[1 << 63, (1 << 63) - 1, 1, (1 << 62) + 5],
        &[5, 4, 3, 2, 1, 0],
    ];
    for ticks in ticks {
        let photons = ticks.iter().map(|t| TimeTag { tick: Ticks(*t), channel: 255 }).collect();
        let chunk = Chunk { photons, reached: Ticks(3), ..Chunk::default() };
        assert_eq!(read(&written(std::slice::from_ref(&chunk), blocks_of(1 << 16))).all, chunk);
    }
}

#[test]
fn every_number_of_channels_comes_back() {
    for channels in [1, 2, 3, 5, 17, 63, 64, 65, 129, 256u32] {
        for first in [0, 256 - channels] {
            let photon = |i: u32| TimeTag {
                tick: Ticks(u64::from(i * i)),
                channel: (first + i * 7919 % channels) as u8,
            };
            let chunk = Chunk { photons: (0..3000).map(photon).collect(), ..Chunk::default() };
            assert_eq!(read(&written(std::slice::from_ref(&chunk), blocks_of(1500))).all, chunk);
        }
    }
}

#[test]
fn there_are_dtimes_of_all_detections_or_of_none() {
    let none = Chunk { photons: photons(20, 2), ..Chunk::default() };
    let all = Chunk { dtimes: vec![9; 20], ..none.clone() };
    let one = Chunk { dtimes: vec![9], ..none.clone() };
    let with = WriteSettings { dtime: Some(Dtime { unit: None, adds: true }), ..settings() };
    for (settings, good, bad) in [(&with, &all, [&one, &none]), (&settings(), &none, [&one, &one])]
    {
        let mut bytes = Vec::new();
        let mut writer = RecordingWriter::new(&mut bytes, settings, blocks_of(9)).unwrap();
        for bad in bad {
            assert!(matches!(writer.write_chunk(bad), Err(WriteError::Dtimes { .. })));
        }
        writer.write_chunk(good).unwrap();
        writer.finish().unwrap();
        assert_eq!(&read(&bytes).all, good);
    }
    let mut bytes = Vec::new();
    let mut writer = RecordingWriter::new(&mut bytes, &settings(), blocks_of(9)).unwrap();
    writer.write_chunk(&all).unwrap();
    assert_eq!(writer.finish().unwrap().unkept.dtimes, 20);
    assert_eq!(read(&bytes).all, none);
}

#[test]
fn what_is_known_of_a_trace_comes_back() {
    let tag = |ident: &str, value| Tag { ident: ident.into(), index: -1, value };
    let settings = WriteSettings {
        dtime: Some(Dtime { unit: TickLength::new(4, 1).ok(), adds: true }),
        starts_at_zero: false,
        tags: vec![tag("Laser", TagValue::Float(0.5)), tag("File_Comment", TagValue::Empty)],
        guid: [7; 16],
        created_unix_s: Some(86_400.0),
        hardware: "Zähler".into(),
        comment: "dark box".into(),
        ..WriteSettings::new(TickLength::CYCLE_150_MHZ)
    };
    let mut bytes = Vec::new();
    let writer = RecordingWriter::new(&mut bytes, &settings, RecordingOptions::default()).unwrap();
    writer.finish().unwrap();
    let meta = read(&bytes).meta;
    assert_eq!((meta.tick, meta.dtime), (settings.tick, settings.dtime));
    assert_eq!((meta.format, meta.starts_at_zero), (TraceFormat::Recording, false));
    assert_eq!((meta.hardware(), meta.text("File_Comment")), (Some("Zähler"), Some("dark box")));
    assert_eq!(meta.tag("File_CreatingTime"), Some(&TagValue::DateTime(25_570.0)));
    assert_eq!(meta.float("Laser"), Some(0.5));
    assert!(meta.text("File_GUID").is_some());
}

#[test]
fn the_measured_light_costs_little_more_than_its_entropy() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/lpq_hydraharp_v30_t2.ptu");
    let mut reader = open(here, &ReadOptions::default()).unwrap();
    let (mut chunk, mut all) = (Chunk::default(), Chunk::default());
    let mut bytes = Vec::new();
    let settings = WriteSettings::of(reader.meta());
    let mut writer =
        RecordingWriter::new(&mut bytes, &settings, RecordingOptions::default()).unwrap();
    while reader.read_chunk(&mut chunk).unwrap() {
        writer.write_chunk(&chunk).unwrap();
        all.append(&chunk);
    }
    writer.finish().unwrap();
    let content = read(&bytes);
    assert_eq!(content.all, all);
    // With header, heads, checksums and index; the gaps' entropy is 3.17 bytes.
    let header = content.meta.header_bytes as usize;
    let a_photon = (bytes.len() - header) as f64 / all.photons.len() as f64;
    assert!(a_photon <= 3.25, "{a_photon} bytes a photon");
    let whole = bytes.len() as f64 / all.photons.len() as f64;
    assert!(whole <= 3.4, "{whole} bytes a photon with all header fields");
}

/// Counts what it is given in one piece, and fails when it is full.
#[derive(Debug)]
struct Disk {
    pieces: Vec<usize>,
    room: usize,
    flushed: usize,
}

impl Write for &mut Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= bytes.len();
        self.pieces.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed += 1;
        Ok(())
    }
}

#[test]
fn a_live_recording_is_given_away_as_soon_as_was_asked() {
    let mut disk = Disk { pieces: Vec::new(), room: 1 << 20, flushed: 0 };
    let options = RecordingOptions::default();
    let mut writer = RecordingWriter::new(&mut disk, &settings(), options).unwrap();
    let chunk = Chunk { photons: photons(3, 1), ..Chunk::default() };
    for _ in 0..5 {
        writer.write_chunk(&chunk).unwrap();
        writer.flush().unwrap();
    }
    drop(writer);
    assert_eq!((disk.pieces.len(), disk.flushed), (6, 5), "a header and a block a chunk");
}

#[test]
fn nothing_is_written_behind_a_block_that_was_written_in_part() {
    let mut disk = Disk { pieces: Vec::new(), room: 500, flushed: 0 };
    let mut writer = RecordingWriter::new(&mut disk, &settings(), blocks_of(50)).unwrap();
    let (many, few) = (photons(50, 1), photons(1, 1));
    let chunk = |photons: &[TimeTag]| Chunk { photons: photons.to_vec(), ..Chunk::default() };
    assert!((0..5).any(|_| writer.write_chunk(&chunk(&many)).is_err()));
    writer.write_chunk(&chunk(&few)).unwrap();
    assert!(matches!(writer.flush(), Err(WriteError::FailedEarlier)));
}
