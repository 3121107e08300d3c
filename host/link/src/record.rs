//! Everything that went over a cable, written down, and played again as a device.
//!
//! A file is a head of 16 bytes, `HELIOCBL`, the version (u16, 1) and six zeros, and then a record
//! for each chunk that was sent or received, integers little-endian:
//!
//! | offset | field | type | meaning |
//! |---|---|---|---|
//! | 0 | length | u32 | bytes of the chunk, 1 to 1 048 576 |
//! | 4 | way | u8 | 0 from the device, 1 to it |
//! | 5 | time | u64 | host time in ns since the recording began |
//! | 13 | chunk | bytes | as they were on the cable, cut anywhere |
//! | 13 + length | checksum | u32 | CRC-32/ISO-HDLC of all before it in the record |
//!
//! A file whose writer was killed ends within a record: what is whole is read, the rest is cut and
//! its bytes are told.
//!
//! What the host sends is written command by command. Seeds and random bytes for settings are left
//! out: zeros stand in their place, with the checksum of these, so that kind, number and the
//! payload's length are those of what was sent.
//!
//! A recording of Alice's cable holds her settings, one of Bob's his detections. It is as secret
//! as the key that was made of them.

mod conceal;
mod read;
mod replay;
mod write;

pub use read::{Chunk, Chunks, NotARecording};
pub use replay::Replay;
pub use write::{RecordWriter, Recorded};

const MAGIC: &[u8; 8] = b"HELIOCBL";
const VERSION: u16 = 1;
const HEAD: usize = 16;
/// Bytes of a record before its chunk.
const RECORD_HEAD: usize = 13;
/// Longest chunk in a file; a longer one is written as several.
const MAX_CHUNK: usize = 1 << 20;

/// Which way a chunk went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Way {
    /// What the device said.
    FromDevice = 0,
    /// What the host said.
    ToDevice = 1,
}

fn head() -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(MAGIC);
    head[8..10].copy_from_slice(&VERSION.to_le_bytes());
    head
}

#[cfg(test)]
mod tests;
