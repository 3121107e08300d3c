//! The stages of the work on a block, for whoever measures them.
//!
//! A session owns no clock: it only says which stage it goes into, and whoever drives it reads a
//! clock of its own. See [`crate::alice::Session::watch_stages`].

use serde::Serialize;

/// What a session works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Taking in what the device gives, until a block is complete.
    Intake,
    /// From clicks to bits, and which of them match.
    Sift,
    /// Counting what was announced; λ_max, code and length from it.
    Estimate,
    /// Making Bob's string Alice's.
    Reconcile,
    /// Comparing the two.
    Verify,
    /// The last hash.
    Amplify,
    /// The transcript, its tags, the store and the report.
    Release,
}

impl Stage {
    /// All of them, in the order of the work.
    pub const ALL: [Stage; 7] = [
        Stage::Intake,
        Stage::Sift,
        Stage::Estimate,
        Stage::Reconcile,
        Stage::Verify,
        Stage::Amplify,
        Stage::Release,
    ];

    /// For people: `reconcile`.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Intake => "intake",
            Stage::Sift => "sift",
            Stage::Estimate => "estimate",
            Stage::Reconcile => "reconcile",
            Stage::Verify => "verify",
            Stage::Amplify => "amplify",
            Stage::Release => "release",
        }
    }
}

/// Who hears of each stage as it begins.
pub(crate) type Watch = Box<dyn FnMut(Stage) + Send>;
