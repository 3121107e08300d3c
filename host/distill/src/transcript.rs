//! Everything that was said about one block, in order, as both stations must have heard it.
//!
//! The bytes themselves are kept, not a digest: the tags at the end are information-theoretic, and
//! a digest would rest on a computational assumption.

use crate::parameters::Parameters;
use crate::release::BlockId;

/// Longest transcript in bytes; a longer talk fails the block. 256 MiB is ten times what a block of
/// 10⁸ slots needs.
pub const MAX_TRANSCRIPT_BYTES: usize = 256 << 20;

/// Longest input of a tag in 128-bit words, L_max: the transcript and what is put around it.
pub const MAX_TAGGED_WORDS: u64 = (MAX_TRANSCRIPT_BYTES as u64 + 4096) / 16;

/// The transcript of one block.
pub(crate) struct Transcript {
    bytes: Vec<u8>,
    before_last: usize,
    next_sequence: u32,
}

/// The talk about a block became longer than [`MAX_TRANSCRIPT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Transcript {
    /// Begins with the session, the block, the version and all parameters.
    pub fn new(parameters: &Parameters, id: BlockId) -> Transcript {
        let canonical = parameters.canonical_bytes();
        let mut bytes = b"heliograph block transcript".to_vec();
        bytes.push(crate::parameters::PROTOCOL_VERSION);
        bytes.extend_from_slice(&id.session.0);
        bytes.extend_from_slice(&id.block.to_le_bytes());
        bytes.extend_from_slice(&(canonical.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&canonical);
        Transcript { before_last: bytes.len(), bytes, next_sequence: 0 }
    }

    /// Adds a message of either direction. Its envelope names direction, sequence and local time.
    pub fn add(&mut self, message: &[u8]) -> Result<(), TooLong> {
        let length = self.bytes.len().saturating_add(message.len() + 8);
        if length > MAX_TRANSCRIPT_BYTES {
            return Err(TooLong);
        }
        self.before_last = self.bytes.len();
        self.bytes.extend_from_slice(&(message.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(message);
        self.next_sequence += 1;
        Ok(())
    }

    /// Sequence number of the next message, of either direction.
    pub fn next_sequence(&self) -> u32 {
        self.next_sequence
    }

    /// Everything before the last message, and that message.
    pub fn split_last(&self) -> (&[u8], &[u8]) {
        let (before, last) = self.bytes.split_at(self.before_last);
        (before, last.get(8..).unwrap_or_default())
    }

    /// Everything so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
