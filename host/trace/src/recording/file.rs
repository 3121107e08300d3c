//! A recording on disk: its index, and reading from any time on.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use helio_units::Ticks;

use super::RecordingInfo;
use super::head::{HEAD_BYTES, Head, Kind, MAGIC, MAX_PAYLOAD};
use super::index::{self, BlockEntry, END_BYTES, END_MAGIC};
use super::reader::{RecordingReader, fill};
use crate::{Chunk, Counts, Meta, ReadOptions, TraceError, TraceReader};

/// A recording on disk that is read from its beginning or from any time on.
#[derive(Debug)]
pub struct RecordingFile {
    reader: RecordingReader<BufReader<File>>,
    /// Of each block, and whether the heads themselves said it.
    blocks: Option<(Blocks, bool)>,
}

/// The blocks of records in a file.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) entries: Vec<BlockEntry>,
    /// The byte behind the last whole block of any kind.
    pub(super) end: u64,
    /// What the last block of records says was reached.
    pub(super) reached: Ticks,
    /// What is there instead of another block.
    pub(super) damage: Option<TraceError>,
}

impl RecordingFile {
    /// Opens a recording.
    ///
    /// # Errors
    /// The file cannot be opened, is no recording, or its header is damaged.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, TraceError> {
        RecordingFile::new(File::open(path).map_err(TraceError::Open)?, options.salvage)
    }

    /// A file that stands at its first byte.
    pub(crate) fn new(file: File, salvage: bool) -> Result<RecordingFile, TraceError> {
        let reader = RecordingReader::new(BufReader::new(file), salvage)?;
        Ok(RecordingFile { reader, blocks: None })
    }

    /// The file, wherever it stands, and what its header says.
    pub(super) fn into_file(self) -> (File, Meta) {
        let (input, meta) = self.reader.into_parts();
        (input.into_inner(), meta)
    }

    /// The blocks of records, in the order of the file: as the index at its end says, else, where
    /// there is none or it is damaged, as the head of each block says, up to the first that is
    /// damaged.
    ///
    /// # Errors
    /// The operating system fails.
    pub fn index(&mut self) -> Result<&[BlockEntry], TraceError> {
        self.blocks(false).map(|blocks| &blocks.entries[..])
    }

    fn blocks(&mut self, of_heads: bool) -> Result<&Blocks, TraceError> {
        let found = match self.blocks.take() {
            Some((blocks, by_heads)) if by_heads || !of_heads => (blocks, by_heads),
            _ => {
                let indexed = if of_heads { None } else { self.read_index()? };
                let found = match indexed {
                    Some(blocks) => (blocks, false),
                    None => (self.scan_heads()?, true),
                };
                self.go_to(self.reader.offset)?;
                found
            }
        };
        Ok(&self.blocks.insert(found).0)
    }

    fn length(&mut self) -> Result<u64, TraceError> {
        let file = self.reader.input.get_ref().metadata();
        file.map(|file| file.len()).map_err(|source| TraceError::Read { offset: 0, source })
    }

    fn go_to(&mut self, offset: u64) -> Result<(), TraceError> {
        let gone = self.reader.input.seek(SeekFrom::Start(offset));
        gone.map(|_| ()).map_err(|source| TraceError::Read { offset, source })
    }

    /// What stands at a byte; what is wrong with it in a few words where it is no head, and nothing
    /// where fewer bytes than a head has are left.
    fn head_at(&mut self, offset: u64) -> Result<Option<Result<Head, &'static str>>, TraceError> {
        self.go_to(offset)?;
        let mut bytes = [0; HEAD_BYTES];
        let have = fill(&mut self.reader.input, &mut bytes, offset)?;
        Ok((have == HEAD_BYTES).then(|| Head::parse(&bytes)))
    }

    /// As the index at the end of the file says; `None` where it is not there or not right.
    fn read_index(&mut self) -> Result<Option<Blocks>, TraceError> {
        let (begin, length) = (self.reader.meta().header_bytes, self.length()?);
        let Some(at) = length.checked_sub(END_BYTES as u64) else { return Ok(None) };
        self.go_to(at)?;
        let mut end = [0; END_BYTES];
        fill(&mut self.reader.input, &mut end, at)?;
        let (offset, magic) = end.split_at(8);
        let offset = offset.try_into().map_or(0, u64::from_le_bytes);
        if magic != END_MAGIC || offset < begin || offset > at {
            return Ok(None);
        }
        let Some(Ok(head)) = self.head_at(offset)? else { return Ok(None) };
        let payload_bytes = u64::from(head.payload_bytes);
        if head.kind != Kind::Index || offset + HEAD_BYTES as u64 + payload_bytes != length {
            return Ok(None);
        }
        // Not longer than the file, and grown with what is read.
        let mut payload = Vec::new();
        let read = self.reader.input.by_ref().take(payload_bytes).read_to_end(&mut payload);
        read.map_err(|source| TraceError::Read { offset, source })?;
        if crc32fast::hash(&payload) != head.payload_crc {
            return Ok(None);
        }
        let entries = index::parse(&payload, begin).filter(|entries| {
            let before = entries.last().is_none_or(|last| last.offset < offset);
            before && entries.len() == head.number as usize
        });
        let Some(entries) = entries else { return Ok(None) };
        let reached = match entries.last() {
            None => Ticks(0),
            Some(last) => match self.head_at(last.offset)? {
                Some(Ok(head)) if says(&head, last, entries.len() - 1) => head.reached,
                _ => return Ok(None),
            },
        };
        Ok(Some(Blocks { entries, end: length, reached, damage: None }))
    }

    /// As the heads say, one after the other.
    fn scan_heads(&mut self) -> Result<Blocks, TraceError> {
        let length = self.length()?;
        let end = self.reader.meta().header_bytes;
        let mut blocks = Blocks { entries: Vec::new(), end, reached: Ticks(0), damage: None };
        while blocks.end < length {
            let (offset, number) = (blocks.end, blocks.entries.len() as u64);
            let torn =
                TraceError::BlockTruncated { offset: length, complete: number, keep: offset };
            let bad = |what| TraceError::BadBlock { offset, block: number as u32, what };
            blocks.damage = match self.head_at(offset)? {
                None => Some(torn),
                Some(Err(what)) => Some(bad(what)),
                Some(Ok(head)) => {
                    let next = offset + HEAD_BYTES as u64 + u64::from(head.payload_bytes);
                    if u64::from(head.number) != number {
                        Some(bad("a block of another number"))
                    } else if next > length {
                        Some(torn)
                    } else {
                        if head.kind == Kind::Records {
                            blocks.entries.push(BlockEntry::of(&head, offset));
                            blocks.reached = head.reached;
                        }
                        blocks.end = next;
                        continue;
                    }
                }
            };
            break;
        }
        Ok(blocks)
    }

    /// Where a recording can be gone on with: all blocks but what a recording that was broken off
    /// left behind them.
    pub(super) fn good_end(&mut self) -> Result<Blocks, TraceError> {
        self.blocks(false)?;
        let Some((mut blocks, by_heads)) = self.blocks.take() else {
            return self.scan_heads();
        };
        if let Some(damage @ TraceError::BadBlock { .. }) = blocks.damage {
            if self.holds_a_block_behind(blocks.end)? {
                return Err(damage);
            }
            blocks.damage = Some(damage);
        }
        // What was given to the disk last need not have got there although the file is as long.
        while let Some(last) = blocks.entries.last().copied() {
            let Some(Ok(head)) = self.head_at(last.offset)? else { break };
            let mut payload = Vec::new();
            let input = self.reader.input.by_ref();
            let read = input.take(head.payload_bytes.into()).read_to_end(&mut payload);
            read.map_err(|source| TraceError::Read { offset: last.offset, source })?;
            if crc32fast::hash(&payload) == head.payload_crc {
                blocks.reached = head.reached;
                break;
            }
            blocks.entries.pop();
            blocks.end = last.offset;
            let what = "a payload with a wrong checksum";
            let block = blocks.entries.len() as u32;
            let damage = TraceError::BadBlock { offset: last.offset, block, what };
            if !by_heads {
                // The recording was finished: this came later.
                return Err(damage);
            }
            blocks.damage = Some(damage);
            blocks.reached = Ticks(0);
        }
        Ok(blocks)
    }

    /// Whether good blocks follow a place where there is none: then it was not the end of the
    /// recording.
    fn holds_a_block_behind(&mut self, offset: u64) -> Result<bool, TraceError> {
        let longest = u64::from(MAX_PAYLOAD) + HEAD_BYTES as u64;
        if self.length()? - offset > longest {
            return Ok(true);
        }
        self.go_to(offset)?;
        let mut rest = Vec::new();
        let read = self.reader.input.by_ref().take(longest).read_to_end(&mut rest);
        read.map_err(|source| TraceError::Read { offset, source })?;
        let heads = rest.array_windows::<HEAD_BYTES>();
        Ok(heads.filter(|bytes| bytes.starts_with(MAGIC)).any(|bytes| Head::parse(bytes).is_ok()))
    }
}

/// Whether a head is that of the block that an index has at this place.
fn says(head: &Head, entry: &BlockEntry, number: usize) -> bool {
    head.kind == Kind::Records
        && head.number as usize == number
        && BlockEntry::of(head, entry.offset) == *entry
}

impl TraceReader for RecordingFile {
    fn meta(&self) -> &Meta {
        self.reader.meta()
    }

    fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError> {
        self.reader.read_chunk(chunk)
    }

    fn counts(&self) -> Counts {
        self.reader.counts()
    }

    fn position(&self) -> u64 {
        self.reader.position()
    }

    fn damage(&self) -> Option<&TraceError> {
        self.reader.damage()
    }

    fn recording(&self) -> Option<RecordingInfo> {
        self.reader.recording()
    }

    fn seek(&mut self, time: Ticks) -> Result<bool, TraceError> {
        for of_heads in [false, true] {
            let blocks = self.blocks(of_heads)?;
            let number = blocks.entries.iter().position(|entry| entry.last >= time);
            let number = number.unwrap_or(blocks.entries.len());
            let offset = blocks.entries.get(number).map_or(blocks.end, |entry| entry.offset);
            // An index is believed where the block and the one before it say the same.
            let near: Vec<(usize, BlockEntry)> = blocks
                .entries
                .iter()
                .copied()
                .enumerate()
                .take(number + 1)
                .skip(number.saturating_sub(1))
                .collect();
            let mut believed = true;
            for (number, entry) in near {
                let head = self.head_at(entry.offset)?;
                believed &= matches!(head, Some(Ok(head)) if says(&head, &entry, number));
            }
            if believed || of_heads {
                self.go_to(offset)?;
                self.reader.go_on_at(offset, number as u32);
                break;
            }
        }
        Ok(true)
    }
}
