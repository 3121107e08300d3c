//! Recordings that were cut, changed or made up.

use helio_trace::{Chunk, IndexState, TraceError};
use helio_units::Ticks;
use proptest::prelude::*;

use crate::support::{Content, any_chunks, blocks_of, photons, read, read_with, written};

const HEAD: usize = 64;

/// A recording of several blocks, and where they and the index begin.
fn several() -> (Vec<u8>, Vec<usize>, Content) {
    let chunk = Chunk { photons: photons(700, 3), reached: Ticks(1 << 60), ..Chunk::default() };
    let bytes = written(&[chunk], blocks_of(200));
    let content = read(&bytes);
    let mut begins = vec![content.meta.header_bytes as usize];
    while let Some(&begin) = begins.last().filter(|begin| **begin < bytes.len()) {
        let length = u32::from_le_bytes(bytes[begin + 12..begin + 16].try_into().unwrap());
        begins.push(begin + HEAD + length as usize);
    }
    begins.pop();
    assert_eq!((content.blocks, begins.len(), content.index), (4, 5, IndexState::Good));
    (bytes, begins, content)
}

#[test]
fn a_recording_cut_anywhere_keeps_every_block_before_the_cut() {
    let (bytes, begins, whole) = several();
    for length in 0..bytes.len() {
        let cut = &bytes[..length];
        if length < begins[0] {
            let fault = read_with(cut, true).unwrap_err().to_string();
            assert!(fault.contains(&format!("byte {length}")) || length < 8, "{fault}");
            continue;
        }
        let blocks = begins.iter().take(5).skip(1).filter(|begin| **begin <= length).count();
        let content = read_with(cut, false).unwrap();
        assert_eq!((content.blocks, content.index), (blocks as u64, IndexState::Missing));
        assert_eq!(content.all.photons, whole.all.photons[..(200 * blocks).min(700)]);
        let torn = !begins.contains(&length);
        match content.fault {
            Some(TraceError::BlockTruncated { offset, complete, keep }) => {
                assert_eq!((offset, complete), (length as u64, blocks as u64));
                assert!(torn && keep == begins[blocks] as u64);
            }
            other => assert!(other.is_none() && !torn, "{length}: {other:?}"),
        }
        let salvaged = read_with(cut, true).unwrap();
        assert_eq!(salvaged.all, content.all);
        assert_eq!((salvaged.fault.is_none(), salvaged.damage.is_some()), (true, torn));
    }
}

#[test]
fn a_bit_flipped_anywhere_is_told_and_costs_nothing_before_its_block() {
    let (bytes, begins, whole) = several();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        if at < begins[0] {
            let fault = read_with(&bytes, true).unwrap_err().to_string();
            assert!(fault.contains("byte "), "{fault}");
            continue;
        }
        let block = begins.iter().filter(|begin| **begin <= at).count() - 1;
        let content = read_with(&bytes, false).unwrap();
        assert_eq!(content.all.photons, whole.all.photons[..(200 * block).min(700)]);
        if at >= begins[4] + HEAD {
            assert!(content.fault.is_none() && content.index == IndexState::Damaged);
            continue;
        }
        let begin = begins[block] as u64;
        match content.fault {
            Some(TraceError::BadBlock { offset, block: number, .. }) => {
                assert!((begin..=begin + HEAD as u64).contains(&offset));
                assert_eq!(number, block as u32);
            }
            other => panic!("{at}: {other:?}"),
        }
    }
}

/// Puts the right checksums on what was changed.
fn seal(bytes: &mut [u8], begin: usize) {
    let length = u32::from_le_bytes(bytes[begin + 12..begin + 16].try_into().unwrap()) as usize;
    if let Some(payload) = bytes.get(begin + HEAD..begin + HEAD + length) {
        let crc = crc32fast::hash(payload);
        bytes[begin + 56..begin + 60].copy_from_slice(&crc.to_le_bytes());
    }
    let crc = crc32fast::hash(&bytes[begin..begin + 60]);
    bytes[begin + 60..begin + 64].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_head_that_claims_the_memory_is_refused() {
    let (bytes, begins, _) = several();
    // Payload length, numbers of records, kind, flags.
    for (field, length) in [(12, 4), (40, 4), (44, 4), (48, 4), (52, 4), (4, 1), (5, 1)] {
        for value in [u64::MAX, 1 << 23 | 1, 1 << 16 | 1] {
            let mut bytes = bytes.clone();
            let at = begins[1] + field;
            bytes[at..at + length].copy_from_slice(&value.to_le_bytes()[..length]);
            seal(&mut bytes, begins[1]);
            let content = read_with(&bytes, false).unwrap();
            assert_eq!(content.blocks, 1, "field {field}: {value:#x}");
            let fault = content.fault.unwrap().to_string();
            assert!(fault.contains(" at byte "), "{fault}");
        }
    }
}

#[test]
fn blocks_that_were_exchanged_or_doubled_are_told() {
    let (bytes, begins, _) = several();
    let block = |number: usize| &bytes[begins[number]..begins[number + 1]];
    for blocks in [[0, 2], [1, 0], [0, 0]] {
        let mut mixed = bytes[..begins[0]].to_vec();
        blocks.iter().for_each(|number| mixed.extend(block(*number)));
        let fault = read_with(&mixed, false).unwrap().fault.unwrap().to_string();
        assert!(fault.contains("a block of another number at byte"), "{fault}");
    }
}

#[test]
fn an_index_of_other_blocks_is_told() {
    let (bytes, begins, whole) = several();
    let mut bytes = bytes.clone();
    // The last tick of the second block.
    bytes[begins[4] + HEAD + 32 + 16] ^= 1;
    seal(&mut bytes, begins[4]);
    let content = read(&bytes);
    assert_eq!((content.all, content.index), (whole.all, IndexState::Damaged));
}

proptest! {
    #[test]
    fn changed_payloads_with_right_checksums_never_panic(
        chunks in any_chunks(), block in 1usize..400,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = written(&chunks, blocks_of(block));
        let begin = read(&bytes).meta.header_bytes as usize;
        for (at, value) in changes {
            let at = at.index(bytes.len() - begin) + begin;
            bytes[at] = value;
        }
        let mut at = begin;
        while at + HEAD <= bytes.len() {
            seal(&mut bytes, at);
            let length = u32::from_le_bytes(bytes[at + 12..at + 16].try_into().unwrap());
            at += HEAD + length as usize;
        }
        let content = read_with(&bytes, false).unwrap();
        // A detection is at least a bit.
        prop_assert!(content.all.photons.len() <= 8 * bytes.len());
        if let Some(fault) = content.fault {
            prop_assert!(fault.to_string().contains("byte "));
        }
        prop_assert_eq!(read_with(&bytes, true).unwrap().all, content.all);
    }

    #[test]
    fn bytes_at_random_behind_a_header_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..500), is_block: bool,
    ) {
        let mut file = written(&[], blocks_of(9));
        file.truncate(read(&file).meta.header_bytes as usize);
        if is_block {
            file.extend(b"HTRB");
        }
        file.extend(bytes);
        let content = read_with(&file, false).unwrap();
        prop_assert!(content.all.photons.is_empty());
    }
}
