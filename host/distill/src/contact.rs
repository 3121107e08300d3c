//! The first words of a contact: same version, same parameters, same secret, no restored backup.
//!
//! Both send a Hello, then a tag over both Hellos with the next pad of the recovery reserve. The
//! index of that pad is the proof of how far a station's pads are used.

use crate::hash::TranscriptHash;
use crate::labels::Labels;
use crate::message::{Hello, Role};
use crate::pads::Watermarks;

/// Where the contact stands.
pub(crate) enum Contact {
    /// None; the fault that ended the last one, if any.
    Closed,
    /// Hellos are on their way.
    Greeting {
        /// Own Hello as it was sent, and the counters in it.
        own: Vec<u8>,
        own_watermarks: Watermarks,
        /// The other's, once it came.
        other: Option<OtherHello>,
        /// Whether this station's proof has left.
        proved: bool,
    },
    /// Both proofs are made and verified.
    Open {
        /// Hash input that ties later statements to this contact.
        hellos: Vec<u8>,
        /// Where the other's randomness comes from.
        labels: Labels,
    },
}

/// How far a contact is, without what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Closed,
    Greeting,
    Open,
}

impl Contact {
    pub fn stage(&self) -> Stage {
        match self {
            Contact::Closed => Stage::Closed,
            Contact::Greeting { .. } => Stage::Greeting,
            Contact::Open { .. } => Stage::Open,
        }
    }
}

/// What the other station's Hello said, not yet proven.
pub(crate) struct OtherHello {
    pub message: Vec<u8>,
    pub watermarks: Watermarks,
    pub labels: Labels,
}

impl OtherHello {
    pub fn new(message: &[u8], hello: &Hello, labels: Labels) -> OtherHello {
        OtherHello { message: message.to_vec(), watermarks: hello.watermarks, labels }
    }
}

/// Both Hellos, Alice's first, each with its length.
pub(crate) fn join(role: Role, own: &[u8], other: &[u8]) -> Vec<u8> {
    let (first, second) = match role {
        Role::Alice => (own, other),
        Role::Bob => (other, own),
    };
    let mut joined = Vec::with_capacity(own.len() + other.len() + 16);
    for message in [first, second] {
        joined.extend_from_slice(&(message.len() as u64).to_le_bytes());
        joined.extend_from_slice(message);
    }
    joined
}

/// What a tag covers besides the contact's Hellos.
pub(crate) enum Statement<'a> {
    /// The proof of contact itself.
    Contact,
    /// A question about old blocks.
    Ask(&'a [u8]),
    /// Its answer.
    Answer(&'a [u8]),
}

impl Statement<'_> {
    /// Feeds everything the tag covers besides its own envelope and index.
    pub fn feed(&self, hash: &mut TranscriptHash, hellos: &[u8]) {
        let (name, body): (&[u8], &[u8]) = match self {
            Statement::Contact => (b"heliograph contact", &[]),
            Statement::Ask(body) => (b"heliograph asks", body),
            Statement::Answer(body) => (b"heliograph answer", body),
        };
        for part in [name, hellos, body] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
}
