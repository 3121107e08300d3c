//! Reading a recording.

use super::{HEAD, MAGIC, MAX_CHUNK, RECORD_HEAD, VERSION, Way};
use std::io::{self, Read};

/// A file that is no recording of a cable; goes on where the file's name stops.
#[derive(Debug, thiserror::Error)]
pub enum NotARecording {
    /// Another kind of file.
    #[error("is no recording of a device's cable; make one with helio device --record FILE")]
    Other,
    /// Of a later program.
    #[error(
        "is a recording of version {0} and this program reads 1; use the program that wrote it"
    )]
    Version(u16),
    /// It cannot be read.
    #[error("cannot be read ({0}); check the file")]
    Io(#[from] io::Error),
}

/// A chunk of bytes on a cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which way it went.
    pub way: Way,
    /// When, in nanoseconds of host time since the recording began.
    pub at_ns: u64,
    /// The bytes; at least one.
    pub bytes: Vec<u8>,
}

/// The chunks of a recording in the order in which they were written; ends before the first record
/// that is not whole.
#[derive(Debug)]
pub struct Chunks<R> {
    file: Option<R>,
    cut: u64,
}

impl<R: Read> Chunks<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// [`NotARecording`].
    pub fn new(mut file: R) -> Result<Chunks<R>, NotARecording> {
        let mut head = [0; HEAD];
        if fill(&mut file, &mut head)? < HEAD || !head.starts_with(MAGIC) {
            return Err(NotARecording::Other);
        }
        match u16::from_le_bytes([head[8], head[9]]) {
            VERSION => Ok(Chunks { file: Some(file), cut: 0 }),
            other => Err(NotARecording::Version(other)),
        }
    }

    /// Bytes at the end that were not used, once the last chunk was read: a torn record, or one that
    /// is damaged and everything behind it.
    pub fn cut_bytes(&self) -> u64 {
        self.cut
    }

    fn record(file: &mut R) -> Result<Chunk, u64> {
        let mut head = [0; RECORD_HEAD];
        let mut used = 0;
        let mut take = |file: &mut R, into: &mut [u8]| {
            // A file that cannot be read on is a file that ends.
            let length = fill(file, into).unwrap_or(0);
            used += length as u64;
            if length == into.len() { Ok(()) } else { Err(used) }
        };
        take(file, &mut head)?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let way = match head[4] {
            0 => Way::FromDevice,
            1 => Way::ToDevice,
            _ => return Err(used),
        };
        if length == 0 || length > MAX_CHUNK {
            return Err(used);
        }
        let mut bytes = vec![0; length];
        let mut checksum = [0; 4];
        take(file, &mut bytes)?;
        take(file, &mut checksum)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        crc.update(&bytes);
        if crc.finalize() != u32::from_le_bytes(checksum) {
            return Err(used);
        }
        let at_ns = u64::from_le_bytes(head[5..13].try_into().unwrap_or_default());
        Ok(Chunk { way, at_ns, bytes })
    }
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let file = self.file.as_mut()?;
        match Chunks::record(file) {
            Ok(chunk) => Some(chunk),
            Err(used) => {
                self.cut = used + io::copy(file, &mut io::sink()).unwrap_or(0);
                self.file = None;
                None
            }
        }
    }
}

/// Reads until the buffer is full or the file ends; how much.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
