//! Where a session stands, for people who watch it. Nothing is decided by it.

use serde::Serialize;

/// A session at one moment. All of it may be shown on the station itself; nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Where the contact with the other station stands.
    pub contact: ContactState,
    /// Whether this station was told to begin no more blocks.
    pub winding_down: bool,
    /// The blocks in progress, oldest first.
    pub blocks: Vec<BlockProgress>,
    /// Blocks whose slots are past and that wait to be talked about.
    pub blocks_waiting: u64,
    /// Blocks of which settings take memory.
    pub blocks_of_settings: u64,
    /// First slot that this station has not passed.
    pub slot: u64,
    /// What is left of pads and ε; `None` where the store cannot be read or the pads are void.
    pub budget: Option<Budget>,
}

/// Where a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactState {
    /// None.
    Closed,
    /// Hellos and proofs are on their way.
    Greeting,
    /// Both stations have proven themselves.
    Open,
}

impl std::fmt::Display for ContactState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ContactState::Closed => "closed",
            ContactState::Greeting => "greeting",
            ContactState::Open => "open",
        })
    }
}

/// A block in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BlockProgress {
    /// Which block.
    pub block: u64,
    /// What is done or waited for, in words.
    pub step: &'static str,
    /// When that step began, in nanoseconds of the caller's clock.
    pub since_ns: u64,
}

/// What the pre-shared secret still allows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// Tags for blocks that can still be made and verified, whichever is fewer.
    pub block_pads_left: u64,
    /// Pads a direction for blocks, used ones included.
    pub block_pads: u64,
    /// Tags of contact and recovery that can still be made and verified, whichever is fewer.
    pub recovery_pads_left: u64,
    /// Pads a direction for contact and recovery, used ones included.
    pub recovery_pads: u64,
    /// Sum of ε over all attempts since the last pre-shared secret.
    pub epsilon_spent: f64,
    /// Where that sum stops the station.
    pub epsilon_limit: f64,
}
