//! Where blocks begin and what times they hold. It saves looking at every head; nothing that it says
//! is believed without one.

use helio_units::Ticks;

use super::cursor::Cursor;
use super::head::{HEAD_BYTES, Head, Kind};

pub(super) const ENTRY_BYTES: usize = 32;
/// The last bytes of a file that was finished: where the index block begins, and these.
pub(super) const END_MAGIC: &[u8; 8] = b"HTRINDEX";
pub(super) const END_BYTES: usize = 16;

/// One block of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockEntry {
    /// The byte at which the block begins.
    pub offset: u64,
    /// The least tick of its records.
    pub first: Ticks,
    /// The greatest tick of its records.
    pub last: Ticks,
    /// Its detections.
    pub photons: u32,
    /// Its other records.
    pub others: u32,
}

impl BlockEntry {
    pub(super) fn of(head: &Head, offset: u64) -> BlockEntry {
        let others = (head.records() - u64::from(head.photons)) as u32;
        BlockEntry { offset, first: head.first, last: head.last, photons: head.photons, others }
    }

    pub(super) fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        for (to, value) in bytes.as_chunks_mut().0.iter_mut().zip([
            self.offset,
            self.first.0,
            self.last.0,
            u64::from(self.others) << 32 | u64::from(self.photons),
        ]) {
            *to = value.to_le_bytes();
        }
        bytes
    }

    fn parse(bytes: &[u8; ENTRY_BYTES]) -> Option<BlockEntry> {
        let mut from = Cursor::new(bytes, ENTRY_BYTES);
        Some(BlockEntry {
            offset: from.u64()?,
            first: Ticks(from.u64()?),
            last: Ticks(from.u64()?),
            photons: from.u32()?,
            others: from.u32()?,
        })
    }
}

/// An index block that begins at byte `offset`; `None` where there are too many blocks for one.
pub(super) fn to_block(entries: &[BlockEntry], offset: u64) -> Option<Vec<u8>> {
    let mut payload: Vec<u8> = entries.iter().flat_map(|entry| entry.to_bytes()).collect();
    payload.extend(offset.to_le_bytes());
    payload.extend(END_MAGIC);
    let ends = (entries.iter().map(|e| e.first).min(), entries.iter().map(|e| e.last).max());
    let (first, last) = (ends.0.unwrap_or_default(), ends.1.unwrap_or_default());
    let head = Head {
        kind: Kind::Index,
        has_dtimes: false,
        number: u32::try_from(entries.len()).ok()?,
        payload_bytes: u32::try_from(payload.len()).ok()?,
        first,
        last,
        reached: last,
        photons: 0,
        syncs: 0,
        markers: 0,
        losses: 0,
        payload_crc: crc32fast::hash(&payload),
    };
    let mut block = Vec::from(head.to_bytes());
    block.extend(payload);
    Some(block)
}

/// The entries of an index block's payload whose checksum is right; `None` where it is no index of
/// blocks that follow each other from byte `begin` on.
pub(super) fn parse(payload: &[u8], begin: u64) -> Option<Vec<BlockEntry>> {
    let entries = payload.get(..payload.len().checked_sub(END_BYTES)?)?;
    let (entries, []) = entries.as_chunks() else { return None };
    let entries = entries.iter().map(BlockEntry::parse).collect::<Option<Vec<_>>>()?;
    let follows = |[before, after]: &[BlockEntry; 2]| {
        before.offset.checked_add(HEAD_BYTES as u64).is_some_and(|end| end <= after.offset)
    };
    let orderly = entries.array_windows().all(follows)
        && entries.first().is_none_or(|first| first.offset >= begin)
        && entries.iter().all(|entry| entry.first <= entry.last);
    orderly.then_some(entries)
}
