//! The blocks in progress, the pre-shared secret, the ledger and the keys.

use helio_distill::ledger::EPSILON_LIMIT;
use serde::{Deserialize, Serialize};

/// A block that the stations talk about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockInProgress {
    /// Its number.
    pub block: u64,
    /// The step in words: `reconciling`.
    pub step: String,
    /// Time since its talk began, in seconds.
    pub seconds: f64,
}

/// Pads of the direction that has fewer left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pads {
    /// Pads left for blocks; each block takes one.
    pub block_left: u64,
    /// Pads for blocks that there were.
    pub block_size: u64,
    /// Pads left for contact and recovery.
    pub recovery_left: u64,
    /// Pads for contact and recovery that there were.
    pub recovery_size: u64,
    /// Whether they must not be used any more: a restored backup would use some twice.
    pub void: bool,
}

/// The sum of ε over all attempts with this pre-shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epsilon {
    /// Spent so far.
    pub spent: f64,
    /// Where the station stops.
    pub limit: f64,
    /// Blocks that it still allows; `None` where a block's ε is not known.
    pub blocks_left: Option<u64>,
}

impl Epsilon {
    /// The ledger at `spent`, with blocks of `per_block` each.
    pub fn new(spent: f64, per_block: Option<f64>) -> Epsilon {
        let left = (EPSILON_LIMIT - spent).max(0.0);
        // Each charge is rounded up by a digit of the sum: the last block may not fit any more.
        let blocks_left = per_block.filter(|&e| e > 0.0).map(|e| (left / e * (1.0 - 1e-9)) as u64);
        Epsilon { spent, limit: EPSILON_LIMIT, blocks_left }
    }
}

impl Default for Epsilon {
    fn default() -> Epsilon {
        Epsilon::new(0.0, None)
    }
}

/// Keys in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keys {
    /// Keys that may be delivered and were not yet.
    pub usable: u64,
    /// Keys that wait for the other station's word.
    pub pending: u64,
    /// Blocks whose bits are gone.
    pub burnt_blocks: u64,
    /// Bits of the usable keys.
    pub usable_bits: u64,
    /// Bits of the keys that were delivered.
    pub delivered_bits: u64,
}
