//! Going on with a recording.

use std::path::PathBuf;

use helio_trace::{Chunk, IndexState, RecordingWriter, TraceError};
use helio_units::Ticks;
use tempfile::TempDir;

use crate::support::{blocks_of, photons, read, together, written};

fn on_disk(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn chunk(count: u64, seed: u64) -> Chunk {
    let photons = photons(count, seed);
    let reached = photons.last().map_or(Ticks(0), |tag| tag.tick);
    Chunk { photons, reached, ..Chunk::default() }
}

#[test]
fn a_finished_recording_goes_on_and_is_finished_again() {
    let (first, second) = (chunk(250, 1), chunk(130, 2));
    let (_folder, path) = on_disk(&written(std::slice::from_ref(&first), blocks_of(100)));
    let before = std::fs::read(&path).unwrap();
    let (mut writer, found) = RecordingWriter::append(&path, blocks_of(100)).unwrap();
    assert_eq!((found.cut_bytes, found.kept_bytes), (0, before.len() as u64));
    assert!(found.damage.is_none());
    writer.write_chunk(&second).unwrap();
    let done = writer.finish().unwrap();
    let after = std::fs::read(&path).unwrap();
    assert_eq!((done.records, done.bytes), (380, after.len() as u64));
    assert!(after.starts_with(&before), "nothing that was written is touched");
    let content = read(&after);
    assert_eq!(content.all.photons, together(&[first, second]).photons);
    assert_eq!((content.blocks, content.index), (5, IndexState::Good));
}

#[test]
fn a_recording_torn_anywhere_in_its_last_block_goes_on_behind_the_one_before() {
    let (first, second) = (chunk(200, 1), chunk(50, 2));
    let whole = written(std::slice::from_ref(&first), blocks_of(100));
    let index = 2 * 32 + 16 + 64;
    let blocks = whole.len() - index;
    let begin = read(&whole).meta.header_bytes as usize;
    let head = |at: usize| u32::from_le_bytes(whole[at + 12..at + 16].try_into().unwrap()) as usize;
    let last = begin + 64 + head(begin);
    for length in last..whole.len() {
        let (_folder, path) = on_disk(&whole[..length]);
        let (mut writer, found) = RecordingWriter::append(&path, blocks_of(100)).unwrap();
        let (keep, photons) = if length < blocks { (last, 100) } else { (blocks, 200) };
        assert_eq!((found.kept_bytes, found.cut_bytes), (keep as u64, (length - keep) as u64));
        assert_eq!(found.damage.is_some(), length != keep);
        writer.write_chunk(&second).unwrap();
        writer.finish().unwrap();
        let content = read(&std::fs::read(&path).unwrap());
        let mut all = first.photons[..photons].to_vec();
        all.extend(&second.photons);
        assert_eq!((content.all.photons, content.index), (all, IndexState::Good));
    }
}

#[test]
fn a_last_block_whose_bytes_never_reached_the_disk_is_cut_off() {
    let first = chunk(200, 1);
    let mut bytes = written(std::slice::from_ref(&first), blocks_of(100));
    bytes.truncate(bytes.len() - (2 * 32 + 16 + 64));
    let end = bytes.len();
    bytes[end - 200..].fill(0);
    let (_folder, path) = on_disk(&bytes);
    let (writer, found) = RecordingWriter::append(&path, blocks_of(100)).unwrap();
    assert!(matches!(found.damage, Some(TraceError::BadBlock { block: 1, .. })));
    writer.finish().unwrap();
    assert_eq!(read(&std::fs::read(&path).unwrap()).all.photons, first.photons[..100]);
    // Zeros behind the last block, as a file system leaves them.
    bytes.truncate(found.kept_bytes as usize);
    bytes.extend([0; 4096]);
    let (_folder, path) = on_disk(&bytes);
    let (_, found) = RecordingWriter::append(&path, blocks_of(100)).unwrap();
    assert_eq!(found.cut_bytes, 4096);
    // Of a finished recording that is no trace of a crash.
    let mut bytes = written(std::slice::from_ref(&first), blocks_of(100));
    let at = bytes.len() - (2 * 32 + 16 + 64) - 1;
    bytes[at] ^= 1;
    let (_folder, path) = on_disk(&bytes);
    assert!(RecordingWriter::append(&path, blocks_of(100)).is_err());
}

#[test]
fn good_blocks_behind_a_damaged_one_are_not_cut_off() {
    let mut bytes = written(&[chunk(500, 1)], blocks_of(100));
    let begin = read(&bytes).meta.header_bytes as usize;
    let end = bytes.len();
    // Without its index, which would not look at the heads.
    bytes.truncate(end - 1);
    bytes[begin + 20] ^= 1;
    let (_folder, path) = on_disk(&bytes);
    let refused = RecordingWriter::append(&path, blocks_of(100)).unwrap_err();
    assert!(matches!(refused, TraceError::BadBlock { block: 0, .. }), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_recording_has_one_writer_at_a_time_and_any_number_of_readers() {
    let (_folder, path) = on_disk(&written(&[chunk(250, 1)], blocks_of(100)));
    let before = std::fs::read(&path).unwrap();
    let (writer, _) = RecordingWriter::append(&path, blocks_of(100)).unwrap();
    let refused = RecordingWriter::append(&path, blocks_of(100)).unwrap_err();
    assert!(matches!(refused, TraceError::InUse));
    assert!(refused.to_string().starts_with("is being written by another program"));
    assert_eq!(std::fs::read(&path).unwrap(), before, "a refused one touches nothing");
    let mut reader = helio_trace::open(&path, &helio_trace::ReadOptions::default()).unwrap();
    assert!(reader.read_chunk(&mut Chunk::default()).unwrap());
    drop(writer);
    assert!(RecordingWriter::append(&path, blocks_of(100)).is_ok());
}

#[test]
fn what_is_appended_to_stays_the_file_that_was_looked_at() {
    let (first, second) = (chunk(250, 1), chunk(130, 2));
    let (_folder, path) = on_disk(&written(std::slice::from_ref(&first), blocks_of(100)));
    let (mut writer, _) = RecordingWriter::append(&path, blocks_of(100)).unwrap();
    // Another file takes the name meanwhile.
    let kept = path.with_extension("kept");
    std::fs::rename(&path, &kept).unwrap();
    std::fs::write(&path, b"another").unwrap();
    writer.write_chunk(&second).unwrap();
    writer.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"another");
    let content = read(&std::fs::read(&kept).unwrap());
    assert_eq!(content.all.photons, together(&[first, second]).photons);
}
