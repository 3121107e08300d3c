//! The tables of the database and what their rows mean.

use helio_distill::pads::{Purpose, Way};
use helio_distill::parameters::SessionId;
use helio_distill::release::{BlockId, BlockState};
use redb::TableDefinition;

/// Watermarks by [`counter_name`] and [`proven_name`], [`VOID`] (0 or 1), [`EPSILON`] (the bits of an `f64`),
/// [`SEQUENCE`].
pub(super) const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");
/// Run and number of a block, most significant byte first, to its row.
pub(super) const BLOCKS: TableDefinition<&[u8; 24], RowBytes> = TableDefinition::new("blocks");
/// The same to the certificate as JSON.
pub(super) const CERTIFICATES: TableDefinition<&[u8; 24], &[u8]> =
    TableDefinition::new("certificates");
/// Pending blocks in the order in which they were held.
pub(super) const PENDING: TableDefinition<u64, &[u8; 24]> = TableDefinition::new("pending");

/// Pads to this station that were used beyond the watermark: 0 for blocks or 1 for recovery, and the
/// index. A database of an older release has no such table until the first of them.
pub(super) const BURNT_AHEAD: TableDefinition<(u8, u64), ()> =
    TableDefinition::new("pads burnt ahead");

pub(super) const VOID: &str = "pads void";
pub(super) const EPSILON: &str = "epsilon spent";
pub(super) const SEQUENCE: &str = "next sequence";

/// State, sequence, bits, time held, time taken; times in seconds since 1970, 0 if never.
pub(super) type RowBytes = (u8, u64, u64, u64, u64);

/// What is known of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub state: BlockState,
    pub sequence: u64,
    pub bits: u64,
    pub held_at: u64,
    pub taken_at: u64,
}

impl Row {
    pub fn to_bytes(self) -> RowBytes {
        let state = match self.state {
            BlockState::Pending => 0,
            BlockState::Usable => 1,
            BlockState::Burnt => 2,
        };
        (state, self.sequence, self.bits, self.held_at, self.taken_at)
    }

    pub fn from_bytes(row: RowBytes) -> Option<Row> {
        let (state, sequence, bits, held_at, taken_at) = row;
        let state = match state {
            0 => BlockState::Pending,
            1 => BlockState::Usable,
            2 => BlockState::Burnt,
            _ => return None,
        };
        Some(Row { state, sequence, bits, held_at, taken_at })
    }
}

pub(super) const POOLS: [(Way, Purpose); 4] = [
    (Way::Out, Purpose::Block),
    (Way::Out, Purpose::Recovery),
    (Way::In, Purpose::Block),
    (Way::In, Purpose::Recovery),
];

pub(super) fn counter_name(way: Way, purpose: Purpose) -> &'static str {
    match (way, purpose) {
        (Way::Out, Purpose::Block) => "out block",
        (Way::Out, Purpose::Recovery) => "out recovery",
        (Way::In, Purpose::Block) => "in block",
        (Way::In, Purpose::Recovery) => "in recovery",
    }
}

/// The first part of a key of [`BURNT_AHEAD`].
pub(super) fn purpose_code(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Block => 0,
        Purpose::Recovery => 1,
    }
}

pub(super) fn proven_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Block => "proven block",
        Purpose::Recovery => "proven recovery",
    }
}

pub(super) fn key_of(id: BlockId) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&id.session.0);
    key[16..].copy_from_slice(&id.block.to_be_bytes());
    key
}

pub(super) fn id_of(key: &[u8; 24]) -> BlockId {
    let (mut session, mut block) = ([0; 16], [0; 8]);
    session.copy_from_slice(&key[..16]);
    block.copy_from_slice(&key[16..]);
    BlockId { session: SessionId(session), block: u64::from_be_bytes(block) }
}
