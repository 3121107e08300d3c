//! The bounds that live keys are made with: which of them a run takes, and what all of them can say.

use serde::{Deserialize, Serialize};

use super::epsilon::Ledger;
use super::query::Bound;
use super::refusal::Refusal;
use super::varlen::Varlen2d;
use super::wiesemann::{Acceptance, Wiesemann};

/// Which bound the keys of a run are made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum BoundChoice {
    /// Two decoys, a length that follows each block's announced data.
    #[default]
    Varlen2d,
    /// One decoy, a fixed length for blocks that pass the acceptance.
    Wiesemann(Acceptance),
}

impl BoundChoice {
    /// The bound's name and its source's number of intensities.
    pub const fn bound(&self) -> Bound {
        match self {
            BoundChoice::Varlen2d => Bound::Varlen2d,
            BoundChoice::Wiesemann(_) => Bound::Wiesemann,
        }
    }
}

/// A bound with everything that is fixed before a block begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LiveBound {
    /// Two decoys.
    Varlen2d(Varlen2d),
    /// One decoy.
    Wiesemann(Wiesemann),
}

impl LiveBound {
    /// Refuses parameters that no block could make good, before one is begun; the total ε else.
    ///
    /// # Errors
    /// As [`Varlen2d::check`] and [`Wiesemann::check`].
    pub fn check(&self) -> Result<f64, Refusal> {
        match self {
            LiveBound::Varlen2d(bound) => bound.check(),
            LiveBound::Wiesemann(bound) => bound.check(),
        }
    }

    /// What each ε contributes to the total of a block.
    pub fn ledger(&self) -> Ledger {
        match self {
            LiveBound::Varlen2d(bound) => Ledger::Composed(bound.ledger()),
            LiveBound::Wiesemann(bound) => Ledger::Shared(bound.ledger()),
        }
    }

    /// Two-decoy bound, where the run has that.
    pub fn varlen2d(&self) -> Option<&Varlen2d> {
        match self {
            LiveBound::Varlen2d(bound) => Some(bound),
            LiveBound::Wiesemann(_) => None,
        }
    }
}
