//! What a session tells its owner, in order.

use crate::error::Fault;
use crate::release::{BlockId, BlockState};
use crate::report::BlockReport;

/// Something that happened to the contact or to a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The other station proved that it holds the same secret and the same parameters.
    ContactMade {
        /// Tags for blocks that can still be made and verified, whichever is fewer.
        block_pads_left: u64,
        /// The same for contact and recovery.
        recovery_pads_left: u64,
    },
    /// No block makes key until contact is made anew.
    ContactLost(Fault),
    /// A block ended, with a key or without; the report says why.
    BlockDone(Box<BlockReport>),
    /// The key of this block may be taken from the store.
    KeyReady {
        /// Which block.
        id: BlockId,
        /// Its length in bits.
        bits: u64,
    },
    /// The block failed; its bits are burnt.
    BlockFailed {
        /// Which block.
        id: BlockId,
        /// Why.
        fault: Fault,
    },
    /// This side holds the key as pending and does not know whether the other does; it will ask.
    BlockUnresolved {
        /// Which block.
        id: BlockId,
        /// Why.
        fault: Fault,
    },
    /// What became of a block that was unresolved.
    Resolved {
        /// Which block.
        id: BlockId,
        /// [`BlockState::Usable`] or [`BlockState::Burnt`].
        state: BlockState,
    },
    /// Blocks came faster than they could be talked about, or the device skipped them: these
    /// make no key.
    BlocksDropped(std::ops::Range<u64>),
}
