//! When a key may be used, and what a station must not forget.
//!
//! A block is `Pending`, then `Usable` or `Burnt`. Alice holds the key as pending before her tag
//! leaves: that tag is her proof, and from then on she discards the key only by an authenticated
//! agreement. Bob, on her proof, holds the key and makes it usable before his tag leaves. Alice
//! makes it usable on his tag, or when he states it in an authenticated answer. So the two keys
//! never differ, and one side may be ahead of the other only until the next contact.

use serde::{Deserialize, Serialize};

use helio_keys::{Origin, SecretKey};

use crate::certificate::Certificate;
use crate::message::{Malformed, Reader, Writer};
use crate::pads::{Purpose, Watermarks, Way};
use crate::parameters::SessionId;

/// Names a block for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockId {
    /// The run.
    pub session: SessionId,
    /// Number of the block within the run.
    pub block: u64,
}

impl BlockId {
    pub(crate) fn write(&self, out: &mut Writer) {
        out.raw(&self.session.0);
        out.u64(self.block);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<BlockId, Malformed> {
        Ok(BlockId { session: SessionId(reader.array()?), block: reader.u64()? })
    }
}

impl std::fmt::Display for BlockId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {} of run {}", self.block, self.session)
    }
}

/// Where a block's key stands on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockState {
    /// Held; whether the other station has it is not known.
    Pending,
    /// May be delivered.
    Usable,
    /// Gone for good.
    Burnt,
}

/// What a station must remember across a crash. A method that returns `Ok` has made its effect
/// durable; one that returns an error, or never returns, may or may not have.
pub trait StationStore<O: Origin> {
    /// The next unused index of each pad pool.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn watermarks(&self) -> Result<Watermarks, StoreError>;

    /// Marks every pad of the pool below `next` as used. Called before a pad is read.
    ///
    /// # Errors
    /// [`StoreError::PadSpent`] if `next` is not beyond the pool's watermark: the pad was used.
    fn spend_pads(&mut self, way: Way, purpose: Purpose, next: u64) -> Result<(), StoreError>;

    /// Marks one pad of the other station's pool as used, beyond the watermark and without moving it.
    /// Called before the pad is read. It stays marked until the watermark passes it; each index of
    /// the pool is remembered at most once, so the pool's size bounds the memory.
    ///
    /// # Errors
    /// [`StoreError::PadSpent`] if the pad is below the pool's watermark or marked already.
    fn burn_ahead(&mut self, purpose: Purpose, index: u64) -> Result<(), StoreError>;

    /// The indices that [`StationStore::burn_ahead`] marked and the watermark has not passed, in
    /// rising order.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn burnt_ahead(&self, purpose: Purpose) -> Result<Vec<u64>, StoreError>;

    /// Remembers that tags of the other station below `next` were made by it: one of them was verified
    /// as genuine. Never lowers what is known.
    ///
    /// # Errors
    /// The memory cannot be written.
    fn record_proven(&mut self, purpose: Purpose, next: u64) -> Result<(), StoreError>;

    /// Both pools are void for good: a restored backup would use pads twice.
    ///
    /// # Errors
    /// The memory cannot be written.
    fn void_pads(&mut self) -> Result<(), StoreError>;

    /// Whether [`StationStore::void_pads`] was called since the last pre-shared secret.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn pads_are_void(&self) -> Result<bool, StoreError>;

    /// Sum of ε over all attempts since the last pre-shared secret.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn epsilon_spent(&self) -> Result<f64, StoreError>;

    /// Raises that sum to `total`; never lowers it.
    ///
    /// # Errors
    /// The memory cannot be written.
    fn record_epsilon(&mut self, total: f64) -> Result<(), StoreError>;

    /// Where the block stands; `None` if it was never held or burnt here.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn state(&self, id: BlockId) -> Result<Option<BlockState>, StoreError>;

    /// Stores a new key as [`BlockState::Pending`].
    ///
    /// # Errors
    /// [`StoreError::WrongState`] if the block is known already.
    fn hold(
        &mut self,
        id: BlockId,
        key: SecretKey<O>,
        certificate: Certificate,
    ) -> Result<(), StoreError>;

    /// `Pending → Usable`.
    ///
    /// # Errors
    /// [`StoreError::WrongState`] unless the block is pending.
    fn release(&mut self, id: BlockId) -> Result<(), StoreError>;

    /// Makes sure the block never becomes usable here and wipes its key. An unknown block is
    /// remembered as burnt; a burnt one stays so.
    ///
    /// # Errors
    /// [`StoreError::WrongState`] if the block is usable.
    fn burn(&mut self, id: BlockId) -> Result<(), StoreError>;

    /// All pending blocks, oldest first.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn pending(&self) -> Result<Vec<BlockId>, StoreError>;
}

/// The station's memory refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A pad was to be used again.
    #[error("a pad below index {next} was asked for again; the pool stands at {watermark}")]
    PadSpent {
        /// First index to stay unused.
        next: u64,
        /// Where the pool stands.
        watermark: u64,
    },
    /// A step that this state does not allow.
    #[error("{id} is {found:?} here")]
    WrongState {
        /// Which block.
        id: BlockId,
        /// Its state, if known.
        found: Option<BlockState>,
    },
    /// The medium failed.
    #[error("the station's memory failed: {0}")]
    Medium(String),
}
