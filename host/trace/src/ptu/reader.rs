//! Streams a PTU file in chunks.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use helio_units::TickLength;

use super::header::Header;
use super::record::Decoder;
use crate::{Chunk, Counts, TraceError};

/// Records decoded at a time: 64 KiB of file, so that a chunk stays in the cache.
const CHUNK_RECORDS: usize = 16_384;
const RECORD_BYTES: usize = 4;

/// Reads a PTU file in T2 mode, in bounded memory.
///
/// Records are read to the end of the file, whatever number the header claims:
/// [`Header::claimed_records`] and [`PtuReader::counts`] tell both.
#[derive(Debug)]
pub struct PtuReader<R> {
    input: BufReader<R>,
    header: Header,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// Bytes of the input that have been read.
    offset: u64,
    /// An error that waits until what was read before it has been delivered.
    pending: Option<TraceError>,
    /// Nothing but a pending error is left to tell.
    finished: bool,
}

impl PtuReader<File> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file cannot be opened, is not a PTU file, is damaged, or holds records that are not T2.
    pub fn open(path: impl AsRef<Path>) -> Result<PtuReader<File>, TraceError> {
        let file = File::open(path).map_err(TraceError::Open)?;
        // Reading a directory fails only later, with a message that speaks of a disk.
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(TraceError::Open(ErrorKind::IsADirectory.into()));
        }
        PtuReader::new(file)
    }
}

impl<R: Read> PtuReader<R> {
    /// Reads the header from `input`, which stands at the first byte of the file.
    ///
    /// # Errors
    /// The bytes are not a PTU file, are damaged, or announce records that are not T2.
    pub fn new(input: R) -> Result<PtuReader<R>, TraceError> {
        let mut input = BufReader::new(input);
        let header = Header::read(&mut input)?;
        let decoder = Decoder::new(header.record_type);
        let offset = header.bytes;
        let buffer = Vec::new();
        Ok(PtuReader { input, header, decoder, buffer, offset, pending: None, finished: false })
    }

    /// Replaces the content of `chunk` by the next records; `false` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, ends inside a record (after every complete record has been
    /// delivered) or counts beyond 2⁶⁴ ticks. After an error the file is at its end.
    pub fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError> {
        chunk.clear();
        if self.finished {
            return self.pending.take().map_or(Ok(false), Err);
        }
        let begin = self.offset;
        self.fill();
        let (records, rest) = self.buffer.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() && self.pending.is_none() {
            let keep = begin + (records.len() * RECORD_BYTES) as u64;
            let complete = (keep - self.header.bytes) / RECORD_BYTES as u64;
            self.pending =
                Some(TraceError::RecordTruncated { offset: self.offset, complete, keep });
        }
        self.finished = records.len() < CHUNK_RECORDS;
        if records.is_empty() {
            return self.pending.take().map_or(Ok(false), Err);
        }
        let decoded = self.decoder.decode(records, begin, chunk);
        self.finished |= decoded.is_err();
        decoded.map(|()| true)
    }

    /// Reads up to a chunk of bytes into the buffer: fewer only at the end of the file or before an
    /// error, which is kept for later.
    fn fill(&mut self) {
        self.buffer.resize(CHUNK_RECORDS * RECORD_BYTES, 0);
        let mut have = 0;
        while have < self.buffer.len() {
            match self.input.read(&mut self.buffer[have..]) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    let offset = self.offset + have as u64;
                    self.pending = Some(TraceError::Read { offset, source });
                    break;
                }
            }
        }
        self.buffer.truncate(have);
        self.offset += have as u64;
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The exact length of a tick.
    pub fn tick_length(&self) -> TickLength {
        self.header.tick
    }

    /// What has been read so far.
    pub fn counts(&self) -> Counts {
        self.decoder.counts
    }

    /// Bytes of the file that have been read so far.
    pub fn bytes_read(&self) -> u64 {
        self.offset
    }
}
