//! Reads a recording from its beginning to its end, block by block.

use std::fmt;
use std::io::{ErrorKind, Read};

use super::bits::{Level, SLACK};
use super::block::{BlockCoder, Fault};
use super::head::{HEAD_BYTES, Head, Kind, TIMES_AT};
use super::index::{BlockEntry, END_BYTES, ENTRY_BYTES};
use super::{IndexState, RecordingInfo, header};
use crate::{Chunk, Counts, LossKind, Meta, TraceError, TraceReader};

/// By how much the memory for a payload grows at a time.
const GROWTH: usize = 1 << 16;

/// Reads blocks from anything; a chunk is a block.
pub(crate) struct RecordingReader<R> {
    pub(super) input: R,
    meta: Meta,
    coder: BlockCoder,
    /// A payload and at least the slack behind it.
    payload: Vec<u8>,
    /// Bytes of the file before the next block.
    pub(super) offset: u64,
    /// The next block's number.
    number: u32,
    /// Checksum of the entries of an index of the blocks so far; `None` after a seek.
    entries: Option<crc32fast::Hasher>,
    counts: Counts,
    info: RecordingInfo,
    salvage: bool,
    /// As in the reader of blocks of other formats.
    fault: Option<TraceError>,
    finished: bool,
}

impl<R: Read> RecordingReader<R> {
    /// `input` stands at its first byte.
    pub(crate) fn new(mut input: R, salvage: bool) -> Result<RecordingReader<R>, TraceError> {
        let meta = header::read(&mut input)?;
        Ok(RecordingReader {
            input,
            coder: BlockCoder::new(Level::detect()),
            payload: Vec::new(),
            offset: meta.header_bytes,
            meta,
            number: 0,
            entries: Some(crc32fast::Hasher::new()),
            counts: Counts::default(),
            info: RecordingInfo::default(),
            salvage,
            fault: None,
            finished: false,
        })
    }

    pub(super) fn into_parts(self) -> (R, Meta) {
        (self.input, self.meta)
    }

    /// Makes the block at this byte, at which the input stands, the next one.
    pub(super) fn go_on_at(&mut self, offset: u64, number: u32) {
        (self.offset, self.number) = (offset, number);
        (self.entries, self.fault, self.finished) = (None, None, false);
    }

    /// The next block of records; `None` at the end of the file.
    fn next(&mut self, chunk: &mut Chunk) -> Result<Option<Head>, TraceError> {
        while let Some(head) = self.head()? {
            let kept = self.offset;
            let bad = |at: u64, what| TraceError::BadBlock {
                offset: kept + at,
                block: head.number,
                what,
            };
            if head.number != self.number {
                return Err(bad(0, "a block of another number"));
            }
            if head.photons > 0 && head.has_dtimes != self.meta.dtime.is_some() {
                return Err(bad(0, "a block with dtimes against the header, or without"));
            }
            match head.kind {
                Kind::Index => {
                    self.info.index = self.check_index(&head)?;
                    self.offset += HEAD_BYTES as u64 + u64::from(head.payload_bytes);
                }
                Kind::Records => {
                    self.read_payload(&head)?;
                    let length = head.payload_bytes as usize;
                    if crc32fast::hash(&self.payload[..length]) != head.payload_crc {
                        return Err(bad(HEAD_BYTES as u64, "a payload with a wrong checksum"));
                    }
                    let payload = &self.payload[..length + SLACK];
                    self.coder.take(&head, payload, chunk).map_err(|fault| match fault {
                        Fault::Payload(at) => {
                            bad((HEAD_BYTES + at) as u64, "a payload that no writer makes")
                        }
                        Fault::Times => bad(
                            TIMES_AT,
                            "a head with another least or greatest time than its records",
                        ),
                    })?;
                    if let Some(entries) = &mut self.entries {
                        entries.update(&BlockEntry::of(&head, kept).to_bytes());
                    }
                    self.info.blocks += 1;
                    self.info.index = IndexState::Missing;
                    self.number += 1;
                    self.offset += HEAD_BYTES as u64 + u64::from(head.payload_bytes);
                    return Ok(Some(head));
                }
            }
        }
        Ok(None)
    }

    /// The head at the place where the input stands; `None` at the end of the file.
    fn head(&mut self) -> Result<Option<Head>, TraceError> {
        let mut bytes = [0; HEAD_BYTES];
        match fill(&mut self.input, &mut bytes, self.offset)? {
            0 => Ok(None),
            HEAD_BYTES => Head::parse(&bytes).map(Some).map_err(|what| TraceError::BadBlock {
                offset: self.offset,
                block: self.number,
                what,
            }),
            have => Err(self.torn(have as u64)),
        }
    }

    fn read_payload(&mut self, head: &Head) -> Result<(), TraceError> {
        let (claimed, mut have) = (head.payload_bytes as usize, 0);
        while have < claimed {
            // Grows with what is there, not with what is claimed.
            let step = (claimed - have).min(GROWTH);
            let needed = have + step + SLACK;
            if self.payload.len() < needed {
                self.payload.resize(needed, 0);
            }
            let offset = self.offset + (HEAD_BYTES + have) as u64;
            let got = fill(&mut self.input, &mut self.payload[have..have + step], offset)?;
            have += got;
            if got < step {
                return Err(self.torn((HEAD_BYTES + have) as u64));
            }
        }
        self.payload.resize(self.payload.len().max(SLACK), 0);
        Ok(())
    }

    /// Reads past an index and compares it with the blocks so far.
    fn check_index(&mut self, head: &Head) -> Result<IndexState, TraceError> {
        let (mut buffer, mut have) = ([0; 4096], 0);
        let claimed = u64::from(head.payload_bytes);
        let ends = u64::from(head.number) * ENTRY_BYTES as u64;
        let (mut all, mut entries) = (crc32fast::Hasher::new(), crc32fast::Hasher::new());
        while have < claimed {
            let most = (claimed - have).min(buffer.len() as u64) as usize;
            let offset = self.offset + HEAD_BYTES as u64 + have;
            let got = fill(&mut self.input, &mut buffer[..most], offset)?;
            all.update(&buffer[..got]);
            let of_entries = ends.saturating_sub(have).min(got as u64) as usize;
            entries.update(&buffer[..of_entries]);
            have += got as u64;
            if got < most {
                return Err(self.torn(HEAD_BYTES as u64 + have));
            }
        }
        let whole = all.finalize() == head.payload_crc && claimed == ends + END_BYTES as u64;
        let agrees = self.entries.clone().is_none_or(|own| own.finalize() == entries.finalize());
        Ok(if whole && agrees { IndexState::Good } else { IndexState::Damaged })
    }

    /// The file ends so many bytes behind the beginning of a block.
    fn torn(&self, have: u64) -> TraceError {
        let keep = self.offset;
        TraceError::BlockTruncated { offset: keep + have, complete: self.number.into(), keep }
    }

    fn count(&mut self, head: &Head, chunk: &Chunk) {
        self.counts.photons += u64::from(head.photons);
        self.counts.sync_records += u64::from(head.syncs);
        self.counts.markers += u64::from(head.markers);
        self.counts.loss_records += u64::from(head.losses);
        self.info.payload_bytes += u64::from(head.payload_bytes);
        for loss in &chunk.losses {
            if let LossKind::Missed { count, .. } = loss.kind {
                self.counts.missed += u64::from(count);
            }
        }
    }
}

/// Fills the buffer, at the end of the input in part.
pub(super) fn fill(
    input: &mut impl Read,
    buffer: &mut [u8],
    offset: u64,
) -> Result<usize, TraceError> {
    let mut have = 0;
    while have < buffer.len() {
        match input.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(TraceError::Read { offset: offset + have as u64, source }),
        }
    }
    Ok(have)
}

impl<R: Read + Send> TraceReader for RecordingReader<R> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError> {
        chunk.clear();
        if !self.finished {
            match self.next(chunk) {
                Ok(Some(head)) => {
                    self.count(&head, chunk);
                    return Ok(true);
                }
                Ok(None) => self.finished = true,
                Err(fault) => {
                    // Nothing of a block that is damaged is believed.
                    chunk.clear();
                    self.fault = Some(fault);
                    self.finished = true;
                }
            }
        }
        match self.salvage {
            true => Ok(false),
            false => self.fault.take().map_or(Ok(false), Err),
        }
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn position(&self) -> u64 {
        match &self.fault {
            Some(TraceError::BlockTruncated { offset, .. }) => *offset,
            _ => self.offset,
        }
    }

    fn damage(&self) -> Option<&TraceError> {
        self.fault.as_ref().filter(|_| self.salvage)
    }

    fn recording(&self) -> Option<RecordingInfo> {
        Some(self.info)
    }
}

impl<R> fmt::Debug for RecordingReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RecordingReader");
        shown.field("meta", &self.meta).field("offset", &self.offset).finish_non_exhaustive()
    }
}
