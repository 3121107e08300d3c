//! Reading from any time on.

use std::path::Path;

use helio_trace::{
    Chunk, PhotonTime, ReadOptions, RecordingFile, TimeTag, WriteSettings, open, writer,
};
use helio_units::{Picoseconds, Ticks};
use proptest::prelude::*;

use crate::support::{any_chunks, blocks_of, drain, photons, read, together, written};

fn not_before(all: &Chunk, time: Ticks) -> Chunk {
    let mut all = all.clone();
    let mut late = all.photons.iter().map(|tag| tag.tick >= time).collect::<Vec<_>>().into_iter();
    all.dtimes.retain(|_| late.next().unwrap_or(true));
    all.photons.retain(|tag| tag.tick >= time);
    all.markers.retain(|marker| marker.tick >= time);
    all.syncs.retain(|sync| *sync >= time);
    all.losses.retain(|loss| loss.tick >= time);
    all.reached = Ticks(0);
    all
}

fn from(path: &Path, time: Ticks) -> (Chunk, u64) {
    let mut reader = open(path, &ReadOptions::default()).unwrap();
    assert!(reader.seek(time).unwrap());
    let content = drain(&mut *reader);
    assert!(content.fault.is_none());
    (not_before(&content.all, time), content.blocks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn from_any_time_on_all_is_there_that_a_scan_finds(
        chunks in any_chunks(), block in 1usize..100, times in prop::collection::vec(any::<u64>(), 4),
        cut in any::<prop::sample::Index>(), finished: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any");
        let mut bytes = written(&chunks, blocks_of(block));
        if !finished {
            // Into the index: the heads serve.
            let index = 32 * read(&bytes).blocks as usize + 16 + 64;
            bytes.truncate(bytes.len() - 1 - cut.index(index));
        }
        std::fs::write(&path, &bytes).unwrap();
        let all = together(&chunks);
        let ticks = all.photons.iter().map(|tag| tag.tick.0).chain([0, u64::MAX]);
        for time in ticks.step_by(40).chain(times) {
            let mut reader = open(&path, &ReadOptions { salvage: true, ..Default::default() }).unwrap();
            prop_assert!(reader.seek(Ticks(time)).unwrap());
            let content = drain(&mut *reader);
            prop_assert_eq!(not_before(&content.all, Ticks(time)), not_before(&all, Ticks(time)));
        }
    }
}

#[test]
fn only_the_blocks_of_the_time_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let all = Chunk { photons: photons(10_000, 5), ..Chunk::default() };
    std::fs::write(&path, written(std::slice::from_ref(&all), blocks_of(100))).unwrap();
    let time = all.photons[7_050].tick;
    let (found, blocks) = from(&path, time);
    assert_eq!(found.photons, not_before(&all, time).photons);
    assert_eq!(blocks, 30);
    let mut file = RecordingFile::open(&path, &ReadOptions::default()).unwrap();
    let index = file.index().unwrap();
    assert_eq!(index.len(), 100);
    assert!(index.iter().all(|entry| (entry.photons, entry.others) == (100, 0)));
    assert!(index.is_sorted_by_key(|entry| (entry.offset, entry.first, entry.last)));
    // Looking at the index changes nothing about what is read next.
    assert_eq!(drain(&mut file).all.photons, all.photons);
    assert_eq!(from(&path, Ticks(u64::MAX)).1, 0);
}

#[test]
fn an_index_that_does_not_agree_with_its_blocks_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let all = Chunk { photons: photons(1_000, 5), ..Chunk::default() };
    let mut bytes = written(std::slice::from_ref(&all), blocks_of(100));
    // The entry of block 4, with a checksum that is right: an offset 8 bytes on, a last tick before
    // all others.
    let begin = bytes.len() - (10 * 32 + 16);
    for at in [0, 8, 16] {
        let at = begin + 4 * 32 + at;
        bytes[at] ^= 8;
    }
    let crc = crc32fast::hash(&bytes[begin..]);
    bytes[begin - 8..begin - 4].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32fast::hash(&bytes[begin - 64..begin - 4]);
    bytes[begin - 4..begin].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    for photon in [399, 400, 450, 501] {
        let time = all.photons[photon].tick;
        assert_eq!(from(&path, time).0.photons, not_before(&all, time).photons);
    }
}

#[test]
fn other_formats_and_pipes_say_that_they_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.csv");
    std::fs::write(&path, "time,channel\n1,0\n2,0\n").unwrap();
    let mut reader = open(&path, &ReadOptions::default()).unwrap();
    assert!(!reader.seek(Ticks(2)).unwrap());
    let bytes = written(&[], blocks_of(9));
    let mut reader = helio_trace::from_read(&bytes[..], &ReadOptions::default()).unwrap();
    assert!(!reader.seek(Ticks(2)).unwrap());
}

#[test]
fn t3_records_become_a_recording_and_are_found_by_time_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.htr");
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/lpq_hydraharp_v20.ht3");
    let copy = || {
        let mut reader = open(here, &ReadOptions::default()).unwrap();
        let format = helio_trace::TraceFormat::of_ending(&path).unwrap();
        let out = std::fs::File::create(&path).unwrap();
        let mut to = writer(out, format, &WriteSettings::of(reader.meta())).unwrap();
        let mut chunk = Chunk::default();
        while reader.read_chunk(&mut chunk).unwrap() {
            to.write_chunk(&chunk).unwrap();
        }
        assert_eq!(to.finish().unwrap().unkept, Default::default());
    };
    copy();
    for photon_time in [PhotonTime::SyncPeriods, PhotonTime::Picoseconds] {
        let options = ReadOptions { photon_time, ..ReadOptions::default() };
        let contents = [here, path.to_str().unwrap()].map(|path| {
            let mut reader = open(path, &options).unwrap();
            let (mut all, mut chunk): (Vec<(TimeTag, u16)>, _) = (Vec::new(), Chunk::default());
            while reader.read_chunk(&mut chunk).unwrap() {
                all.extend(chunk.photons.iter().copied().zip(chunk.dtimes.iter().copied()));
            }
            (reader.tick_length(), all)
        });
        assert_eq!(contents[0].1.len(), 44_141);
        assert_eq!(contents[0], contents[1]);
        for (tag, _) in contents[0].1.iter().step_by(4_001) {
            let mut reader = open(&path, &options).unwrap();
            assert!(reader.seek(tag.tick).unwrap());
            let late = not_before(&drain(&mut *reader).all, tag.tick).photons;
            let known = contents[0].1.iter().map(|(tag, _)| *tag).filter(|t| t.tick >= tag.tick);
            assert!(late.into_iter().eq(known));
        }
    }
}

#[test]
fn a_window_sorts_what_steps_back_also_from_any_time_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps");
    let sorted = photons(1000, 9);
    let mut all = Chunk { photons: sorted.clone(), ..Chunk::default() };
    all.dtimes = (0..1000).collect();
    // Neighbours exchanged, one of them across blocks.
    for at in (1..900).step_by(98) {
        all.photons.swap(at, at + 1);
        all.dtimes.swap(at, at + 1);
    }
    assert!(!all.photons.is_sorted_by_key(|tag| tag.tick));
    std::fs::write(&path, written(std::slice::from_ref(&all), blocks_of(100))).unwrap();
    let widest = all.photons.windows(2).map(|w| w[0].tick.0.saturating_sub(w[1].tick.0)).max();
    // Ticks of 125/32 ps.
    let window = Picoseconds(widest.unwrap() as i64 * 4);
    let options = ReadOptions { window: Some(window), ..ReadOptions::default() };
    let mut reader = open(&path, &options).unwrap();
    let content = drain(&mut *reader);
    assert!(content.all.photons.is_sorted_by_key(|tag| tag.tick));
    assert_eq!((content.all.photons.len(), content.counts.late), (1000, 0));
    let dtime_of = |chunk: &Chunk, tag: &TimeTag| {
        chunk.dtimes[chunk.photons.iter().position(|other| other == tag).unwrap()]
    };
    assert!(sorted.iter().step_by(7).all(|tag| dtime_of(&content.all, tag) == dtime_of(&all, tag)));
    assert_eq!(content.blocks, 10, "what is told of the recording stays");
    for tag in sorted.iter().step_by(49) {
        let mut reader = open(&path, &options).unwrap();
        assert!(reader.seek(tag.tick).unwrap());
        let late = not_before(&drain(&mut *reader).all, tag.tick).photons;
        assert!(
            late.into_iter().eq(content.all.photons.iter().copied().filter(|t| t.tick >= tag.tick))
        );
    }
    // What steps back further is left out and counted.
    let narrow = ReadOptions { window: Some(Picoseconds(1)), ..ReadOptions::default() };
    let mut reader = open(&path, &narrow).unwrap();
    let content = drain(&mut *reader);
    assert!(content.counts.late > 0 && content.all.photons.is_sorted_by_key(|tag| tag.tick));
    assert_eq!(content.counts.photons + content.counts.late, 1000);
}
