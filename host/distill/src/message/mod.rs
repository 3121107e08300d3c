//! What the two stations say to each other, as bytes.
//!
//! Each message is an [`Envelope`] and a body. All numbers are little-endian or variable-length, and
//! one content has one encoding: `places` and `bits` code what sifting says close to its entropy.
//! Nothing here decides anything.
//!
//! Every length is bounded by what was received. A detection takes at least one bit of an
//! announcement, and its basis none where all bases are alike: so reading one takes at most 33 times
//! its size in memory, and never more than 6 bytes for each free slot of the block. The messages that
//! answer it take bits for each detection. All others cost no more memory than their own size.

mod bits;
pub(crate) mod codec;
mod detections;
mod hello;
mod places;
mod resolve;
mod sift;
mod slots;
mod steps;

pub(crate) use bits::{PublicBits, in_word};
pub(crate) use codec::{Reader, Writer};
pub(crate) use detections::Detections;
pub(crate) use hello::{Hello, HelloField};
pub(crate) use resolve::{Answer, Ask, MAX_STATEMENTS};
pub(crate) use sift::Sift;
pub(crate) use slots::FreeSlots;
pub(crate) use steps::{Amplify, Declaration, Tag, TestResult, Verdict, VerifyKey};

use crate::parameters::PROTOCOL_VERSION;

/// Longest message either station accepts. Every transport below this one must carry it whole.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// Block number of messages that belong to no block.
pub(crate) const NO_BLOCK: u64 = u64::MAX;

/// Which of the two stations speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The sender of pulses.
    Alice,
    /// The receiver.
    Bob,
}

impl Role {
    /// The other station.
    pub const fn other(self) -> Role {
        match self {
            Role::Alice => Role::Bob,
            Role::Bob => Role::Alice,
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Role::Alice => 0,
            Role::Bob => 1,
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Alice => "Alice",
            Role::Bob => "Bob",
        })
    }
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The message ends inside a field.
    #[error("it ends too early")]
    Truncated,
    /// A number of more than 64 bits.
    #[error("a number has more than 64 bits")]
    NumberTooLarge,
    /// A count above what the message or the block can hold.
    #[error("a count is larger than the block or the message")]
    CountTooLarge,
    /// Bytes after the last field.
    #[error("bytes follow its end")]
    TrailingBytes,
    /// Unused bits that are not zero.
    #[error("unused bits are set")]
    PaddingNotZero,
    /// Slots out of order, outside the block, or on a sync slot.
    #[error("a slot is out of order, outside the block or a sync slot")]
    BadSlot,
    /// A code without meaning.
    #[error("a field has a value without meaning")]
    BadValue,
    /// Text that is not UTF-8.
    #[error("a text is not UTF-8")]
    BadText,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Both: parameters and pad counters, not yet authenticated.
    Hello = 0,
    /// Both: tag over the two Hellos.
    ContactProof = 1,
    /// Bob: slots that clicked and their bases.
    Detections = 2,
    /// Alice: matches, intensities, her test-basis bits.
    Sift = 3,
    /// Bob: errors in the test basis and his declaration.
    TestResult = 4,
    /// Alice: her declaration, equal to Bob's.
    Declaration = 5,
    /// Both: a step of the reconciliation.
    Reconcile = 6,
    /// Alice: key and tag of the verification.
    VerifyKey = 7,
    /// Bob: whether the tags agree.
    Verdict = 8,
    /// Alice: length and seed of the last hash.
    Amplify = 9,
    /// Both: tag over the block's transcript.
    Tag = 10,
    /// Alice: which blocks she still holds as pending.
    ResolveAsk = 11,
    /// Bob: what became of them.
    ResolveAnswer = 12,
    /// Both: the block failed; a hint without authority.
    Abort = 13,
}

impl Kind {
    const ALL: [Kind; 14] = [
        Kind::Hello,
        Kind::ContactProof,
        Kind::Detections,
        Kind::Sift,
        Kind::TestResult,
        Kind::Declaration,
        Kind::Reconcile,
        Kind::VerifyKey,
        Kind::Verdict,
        Kind::Amplify,
        Kind::Tag,
        Kind::ResolveAsk,
        Kind::ResolveAnswer,
        Kind::Abort,
    ];

    /// Whether the message is a step of a block and stands in its transcript.
    pub(crate) const fn in_block(self) -> bool {
        self as u8 >= Kind::Detections as u8 && self as u8 <= Kind::Tag as u8
    }
}

/// What stands before every body: 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub kind: Kind,
    pub from: Role,
    pub block: u64,
    /// Position in the block's talk, counted over both directions.
    pub sequence: u32,
    /// The sender's clock in nanoseconds.
    pub time_ns: u64,
    /// First slot the sender has not passed yet.
    pub slot: u64,
}

/// Why the first bytes of a message were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvelopeError {
    Version(u8),
    Kind(u8),
    Malformed(Malformed),
}

impl From<Malformed> for EnvelopeError {
    fn from(m: Malformed) -> EnvelopeError {
        EnvelopeError::Malformed(m)
    }
}

impl Envelope {
    pub const BYTES: usize = 32;

    pub fn write(&self, out: &mut Writer) {
        out.u8(PROTOCOL_VERSION);
        out.u8(self.kind as u8);
        out.u8(self.from.code());
        out.u8(0);
        out.u64(self.block);
        out.u32(self.sequence);
        out.u64(self.time_ns);
        out.u64(self.slot);
    }

    /// The envelope and the body after it.
    pub fn read(bytes: &[u8]) -> Result<(Envelope, Reader<'_>), EnvelopeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != PROTOCOL_VERSION {
            return Err(EnvelopeError::Version(version));
        }
        let code = reader.u8()?;
        let kind = Kind::ALL.into_iter().find(|k| *k as u8 == code);
        let kind = kind.ok_or(EnvelopeError::Kind(code))?;
        let from = match reader.u8()? {
            0 => Role::Alice,
            1 => Role::Bob,
            _ => return Err(Malformed::BadValue.into()),
        };
        if reader.u8()? != 0 {
            return Err(Malformed::PaddingNotZero.into());
        }
        let envelope = Envelope {
            kind,
            from,
            block: reader.u64()?,
            sequence: reader.u32()?,
            time_ns: reader.u64()?,
            slot: reader.u64()?,
        };
        Ok((envelope, reader))
    }
}
