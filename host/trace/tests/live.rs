//! Traces that grow while they are read: files, and streams that stand still.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use helio_trace::{
    Chunk, FollowedFile, ReadOptions, TimeTag, TraceError, TraceFormat, TraceReader, WriteSettings,
    from_live, from_read, writer,
};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

/// Swabian tags, every 1 µs, on channels 1 and 2 in turn.
fn swabian(count: u64) -> Vec<u8> {
    let tag = |i: u64| {
        let mut bytes = [0; 16];
        bytes[4..8].copy_from_slice(&(1 + (i % 2) as i32).to_le_bytes());
        bytes[8..].copy_from_slice(&(1_000_000 * i as i64).to_le_bytes());
        bytes
    };
    (0..count).flat_map(tag).collect()
}

/// Gives bytes in pieces with pauses between them, and ends.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    paused: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.paused = !self.paused;
        if self.paused {
            return Err(ErrorKind::WouldBlock.into());
        }
        let size = self.sizes.pop().unwrap_or(usize::MAX).max(1);
        let size = size.min(self.bytes.len()).min(buffer.len());
        buffer[..size].copy_from_slice(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        Ok(size)
    }
}

/// Everything up to the first empty chunk.
fn arrived(reader: &mut dyn TraceReader) -> Result<Vec<TimeTag>, TraceError> {
    let (mut chunk, mut all) = (Chunk::default(), Vec::new());
    while reader.read_chunk(&mut chunk)? && !chunk.photons.is_empty() {
        all.extend(&chunk.photons);
    }
    Ok(all)
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_growing_file_is_read_on_and_half_a_record_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags");
    let bytes = swabian(1000);
    append(&path, &bytes[..16 * 100 + 5]);
    let source = FollowedFile::open(&path).unwrap();
    let mut reader = from_live(source, &ReadOptions::default(), || false).unwrap();
    assert_eq!(arrived(&mut *reader).unwrap().len(), 100);
    assert_eq!(arrived(&mut *reader).unwrap().len(), 0);
    append(&path, &bytes[16 * 100 + 5..16 * 300]);
    let more = arrived(&mut *reader).unwrap();
    assert_eq!((more.len(), more[0].tick, more[0].channel), (200, Ticks(100_000_000), 1));
    append(&path, &bytes[16 * 300..]);
    assert_eq!(arrived(&mut *reader).unwrap().len(), 700);
}

#[test]
fn a_header_is_waited_for() {
    let tick = TickLength::new(4, 1).unwrap();
    let mut file = Vec::new();
    let settings = WriteSettings::new(tick);
    let mut ptu = writer(io::Cursor::new(&mut file), TraceFormat::PicoQuantPtu, &settings).unwrap();
    let photons = (0..500u64).map(|i| TimeTag { tick: Ticks(1000 * i), channel: 1 }).collect();
    ptu.write_chunk(&Chunk { photons, ..Chunk::default() }).unwrap();
    ptu.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ptu");
    append(&path, &file[..20]);
    let mut left = &file[20..];
    let grow = || {
        let piece = left.len().min(100);
        append(&path, &left[..piece]);
        left = &left[piece..];
        piece > 0
    };
    let source = FollowedFile::open(&path).unwrap();
    let mut reader = from_live(source, &ReadOptions::default(), grow).unwrap();
    let first = arrived(&mut *reader).unwrap().len();
    assert!(first < 500, "{first}");
    drop(reader);

    // Who waits for nothing is told what is missing.
    let short = folder.path().join("short.ptu");
    append(&short, &file[..20]);
    let source = FollowedFile::open(&short).unwrap();
    let fault = from_live(source, &ReadOptions::default(), || false).unwrap_err();
    assert!(matches!(fault, TraceError::HeaderTruncated { .. }), "{fault}");
}

#[test]
fn a_file_that_is_cut_or_replaced_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags");
    let bytes = swabian(100);
    append(&path, &bytes);
    let follow =
        || from_live(FollowedFile::open(&path).unwrap(), &ReadOptions::default(), || false);
    let mut cut = follow().unwrap();
    assert_eq!(arrived(&mut *cut).unwrap().len(), 100);
    OpenOptions::new().write(true).open(&path).unwrap().set_len(32).unwrap();
    let fault = arrived(&mut *cut).unwrap_err();
    assert!(matches!(fault, TraceError::BecameShorter { offset: 1600 }), "{fault}");

    fs::write(&path, &bytes).unwrap();
    let mut old = follow().unwrap();
    assert_eq!(arrived(&mut *old).unwrap().len(), 100);
    // What is still written to the old file before it goes is read.
    append(&path, &swabian(101)[1600..]);
    fs::rename(&path, folder.path().join("old")).unwrap();
    fs::write(&path, &bytes).unwrap();
    let mut last = Chunk::default();
    assert!(old.read_chunk(&mut last).unwrap() && last.photons.len() == 1);
    let fault = arrived(&mut *old).unwrap_err();
    assert!(matches!(fault, TraceError::Replaced { offset: 1616 }), "{fault}");
    assert!(FollowedFile::open(folder.path()).is_err());
}

proptest! {
    #[test]
    fn pieces_and_pauses_change_nothing(
        count in 1u64..400,
        sizes in prop::collection::vec(1usize..900, 0..60),
        cut in 0usize..16,
    ) {
        let bytes = swabian(count);
        let bytes = &bytes[..bytes.len() - cut.min(bytes.len() - 16)];
        let options = ReadOptions { salvage: true, ..ReadOptions::default() };
        let read = |mut reader: Box<dyn TraceReader + '_>| {
            let (mut chunk, mut all) = (Chunk::default(), Vec::new());
            while reader.read_chunk(&mut chunk).unwrap() {
                all.extend(chunk.photons.iter().map(|tag| (tag.tick, tag.channel)));
            }
            (all, reader.counts(), reader.damage().map(ToString::to_string))
        };
        let live = from_live(Pieces { bytes, sizes, paused: false }, &options, || true).unwrap();
        prop_assert_eq!(read(live), read(from_read(bytes, &options).unwrap()));
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..600),
        sizes in prop::collection::vec(1usize..100, 0..60))
    {
        let mut patience = 50;
        let wait = || { patience -= 1; patience > 0 };
        let options = ReadOptions { salvage: true, ..ReadOptions::default() };
        if let Ok(mut reader) = from_live(Pieces { bytes: &bytes, sizes, paused: false }, &options, wait) {
            let mut chunk = Chunk::default();
            while reader.read_chunk(&mut chunk).unwrap() {}
        }
    }
}
