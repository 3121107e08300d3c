//! Records in blocks: the one loop that reads files, for all formats.

use std::fmt;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use crate::{Chunk, Counts, Meta, TraceError, TraceReader, live};

/// A file from its first byte on, part of which was looked at to find its format.
pub(crate) type Input<'a> = BufReader<io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send + 'a>>>;

/// Turns a block of bytes into a chunk. Called once a block, so that an implementation is a tight
/// loop over records.
pub(crate) trait Decode: Send {
    /// Length of the blocks, in whole records where these have one length; a chunk of records
    /// should stay in the processor's cache.
    fn block_bytes(&self) -> usize;

    /// Appends the whole records at the beginning of `block`, at least one of a full block, to `chunk`, sets [`Chunk::reached`]
    /// and says how many bytes they were. `offset` is where the block stands in the file; `last`
    /// tells that nothing follows it. What precedes an error has been appended.
    fn decode(
        &mut self,
        block: &[u8],
        offset: u64,
        last: bool,
        chunk: &mut Chunk,
    ) -> Result<usize, TraceError>;

    /// What has been decoded so far.
    fn counts(&self) -> Counts;
}

/// Reads the records of any format with a [`Decode`].
pub(crate) struct BlockReader<'a, D> {
    input: Input<'a>,
    meta: Meta,
    decoder: D,
    /// A block; what was read and not yet decoded are its first `have` bytes.
    buffer: Vec<u8>,
    have: usize,
    /// Bytes of the input that have been read.
    offset: u64,
    trailing_bytes: u64,
    salvage: bool,
    /// An error that waits until what was read before it has been delivered; kept when salvaging.
    fault: Option<TraceError>,
    finished: bool,
}

/// How far a block came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// It is full.
    Block,
    /// Nothing follows.
    Last,
    /// A live source has no more for now.
    Pause,
}

impl<'a, D: Decode> BlockReader<'a, D> {
    /// `input` stands at the first record.
    pub(crate) fn new(input: Input<'a>, meta: Meta, decoder: D, salvage: bool) -> Self {
        let offset = meta.header_bytes;
        let buffer = vec![0; decoder.block_bytes()];
        BlockReader {
            input,
            meta,
            decoder,
            buffer,
            have: 0,
            offset,
            trailing_bytes: 0,
            salvage,
            fault: None,
            finished: false,
        }
    }

    /// Reads until the buffer holds a block; an error is kept.
    fn fill(&mut self) -> Filled {
        while self.have < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.have..]) {
                Ok(0) => return Filled::Last,
                Ok(n) => {
                    self.have += n;
                    self.offset += n as u64;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if live::is_pause(&e) => return Filled::Pause,
                Err(source) => {
                    self.fault = Some(live::fault(self.offset, source));
                    return Filled::Last;
                }
            }
        }
        Filled::Block
    }

    /// What remains behind the last whole record at the end of the file.
    fn end(&mut self, rest: u64) {
        let (begin, records) = (self.offset - rest, self.decoder.counts().records());
        if rest == 0 || self.fault.is_some() {
            return;
        }
        if self.meta.claimed_records.is_some_and(|claimed| claimed > 0 && records >= claimed) {
            self.trailing_bytes = rest;
            return;
        }
        self.fault = Some(TraceError::RecordTruncated {
            offset: self.offset,
            complete: records,
            keep: begin,
        });
    }
}

impl<D: Decode> TraceReader for BlockReader<'_, D> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError> {
        chunk.clear();
        while !self.finished {
            let filled = self.fill();
            let last = filled == Filled::Last;
            self.finished = last;
            let begin = self.offset - self.have as u64;
            let before = self.decoder.counts();
            match self.decoder.decode(&self.buffer[..self.have], begin, last, chunk) {
                Ok(used) => {
                    self.buffer.copy_within(used..self.have, 0);
                    self.have -= used;
                    if last {
                        self.end(self.have as u64);
                    }
                }
                Err(fault) => {
                    self.fault = Some(fault);
                    self.finished = true;
                }
            }
            let decoded = self.decoder.counts() != before || !chunk.is_empty();
            if decoded || filled == Filled::Pause {
                return Ok(true);
            }
        }
        match self.salvage {
            true => Ok(false),
            false => self.fault.take().map_or(Ok(false), Err),
        }
    }

    fn counts(&self) -> Counts {
        Counts { trailing_bytes: self.trailing_bytes, ..self.decoder.counts() }
    }

    fn position(&self) -> u64 {
        self.offset
    }

    fn damage(&self) -> Option<&TraceError> {
        self.fault.as_ref().filter(|_| self.salvage)
    }
}

impl<D> fmt::Debug for BlockReader<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BlockReader");
        shown.field("meta", &self.meta).field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// Reads exactly as much as the buffer holds, as part of a header that stands at `offset`.
pub(crate) fn read_header(
    input: &mut impl Read,
    buffer: &mut [u8],
    offset: u64,
) -> Result<(), TraceError> {
    let mut have = 0;
    while have < buffer.len() {
        match input.read(&mut buffer[have..]) {
            Ok(0) => return Err(TraceError::HeaderTruncated { offset: offset + have as u64 }),
            Ok(n) => have += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(TraceError::Read { offset: offset + have as u64, source }),
        }
    }
    Ok(())
}
