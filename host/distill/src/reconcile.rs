//! Reconciliation: Bob's sifted string becomes Alice's, by messages anybody may read.
//!
//! Sans-IO: a party takes a message and gives the next one, and counts what it disclosed. Two
//! engines share the traits: one-way LDPC syndromes ([`Code::Ldpc`], the default) and Cascade
//! ([`Code::Cascade`], the yardstick). A [`Plan`] fixes code, rate, frames and λ_max from announced
//! data before anything about the key basis is said; the key's length pays λ_max, and a block
//! whose transcript would exceed it is dropped.
//!
//! Whether the strings are equal afterwards is for [`crate::hash::verification_tag`] to decide.

mod cascade;
mod choice;
pub mod density;
mod draw;
mod ldpc;
mod plan;
#[cfg(test)]
mod testing;

pub use choice::CodeChoice;
pub use plan::{Announced, Code, Plan, PlanRefused};

use helio_keys::SecretBits;
use thiserror::Error;

/// Bits disclosed about the key string, both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leak {
    /// Disclosed by Alice: syndromes, parities, frames in the clear.
    pub alice_bits: u64,
    /// Disclosed by Bob: verdicts, and in Cascade one bit for each parity that he compares,
    /// because his requests tell the outcome of the comparison.
    pub bob_bits: u64,
}

impl Leak {
    /// All of it: what the key pays for.
    pub fn total(self) -> u64 {
        self.alice_bits + self.bob_bits
    }
}

/// What reconciliation did. Private to the station: counts of the key basis never leave it and
/// never choose a parameter of a later block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Bits disclosed.
    pub leak: Leak,
    /// Bits that were changed, all frames together.
    pub corrected_errors: u64,
    /// Frames that the string was cut into.
    pub frames: u32,
    /// Frames that did not decode at first (LDPC).
    pub failed_at_first: u32,
    /// Times that Bob asked for more (LDPC), each for all frames that had failed.
    pub blind_rounds: u32,
    /// Frames that did not decode in the end and were disclosed in full.
    pub failed_frames: u32,
    /// Decoder iterations over all frames (LDPC), or rounds of comparisons, of which one costs half a
    /// round trip (Cascade).
    pub iterations: u64,
}

/// Alice's side: she owns the reference string and answers.
pub trait ReconcileAlice: Send {
    /// The first message to Bob.
    fn first(&mut self) -> Vec<u8>;

    /// Takes a message from Bob.
    ///
    /// # Errors
    /// [`ReconcileError`]: the block is dropped; what was disclosed stays disclosed.
    fn handle(&mut self, message: &[u8]) -> Result<AliceStep, ReconcileError>;

    /// What has been disclosed so far.
    fn leak(&self) -> Leak;
}

/// What Alice does next.
#[derive(Debug, PartialEq, Eq)]
pub enum AliceStep {
    /// Send this and wait.
    Send(Vec<u8>),
    /// Bob has fixed his string.
    Done,
}

/// Bob's side: he changes his string.
pub trait ReconcileBob: Send {
    /// Takes a message from Alice.
    ///
    /// # Errors
    /// [`ReconcileError`]: the block is dropped; what was disclosed stays disclosed.
    fn handle(&mut self, message: &[u8]) -> Result<BobStep, ReconcileError>;

    /// What has been disclosed so far.
    fn leak(&self) -> Leak;

    /// The corrected string, after [`BobStep::SendDone`].
    ///
    /// # Errors
    /// [`ReconcileError::OutOfTurn`] before that.
    fn corrected(self: Box<Self>) -> Result<(SecretBits, Outcome), ReconcileError>;
}

/// What Bob does next.
#[derive(Debug, PartialEq, Eq)]
pub enum BobStep {
    /// Send this and wait.
    Send(Vec<u8>),
    /// Send this; it is the last message and the string is fixed.
    SendDone(Vec<u8>),
}

/// Why a block cannot be reconciled. The block is dropped in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReconcileError {
    /// A string that is not the plan's.
    #[error("the plan is for {expected} bits, the string has {found}")]
    WrongKeyLength {
        /// Bits in the plan.
        expected: u64,
        /// Bits in the string.
        found: u64,
    },
    /// The other station sent something that is not a message of this protocol.
    #[error("the other station's reconciliation message is malformed: {0}")]
    Malformed(&'static str),
    /// A message or call when none was due.
    #[error("a reconciliation message came out of turn")]
    OutOfTurn,
    /// Going on would disclose more than λ_max.
    #[error(
        "going on would disclose more than λ_max = {lambda_max} bits: the QBER of the key basis is above the plan's"
    )]
    LeakExhausted {
        /// The declared bound.
        lambda_max: u64,
    },
}
