//! `--bound`, as `demo`, `distill` and `optimise` take it.

use clap::ValueEnum;
use helio_distill::bound::Bound;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BoundArg {
    /// Signal and two decoys; the length follows each block
    Varlen2d,
    /// Signal and one decoy; a fixed length for blocks that are accepted
    Wiesemann,
}

impl BoundArg {
    /// The bound that is meant.
    pub(super) fn bound(self) -> Bound {
        match self {
            BoundArg::Varlen2d => Bound::Varlen2d,
            BoundArg::Wiesemann => Bound::Wiesemann,
        }
    }
}
