//! `--code`, as `demo` and `distill` take it.

use clap::ValueEnum;
use helio_distill::parameters::CodeChoice;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum CodeArg {
    /// For each block the one that leaves the longer key
    Auto,
    /// One-way LDPC codes
    Ldpc,
    /// Cascade, charged for both directions
    Cascade,
}

impl CodeArg {
    /// The choice on a line with this round trip, for blocks of this many seconds.
    pub(super) fn choice(self, round_trip_s: f64, block_s: f64) -> CodeChoice {
        match self {
            CodeArg::Auto => CodeChoice::on_a_line(round_trip_s, block_s),
            CodeArg::Ldpc => CodeChoice::Ldpc,
            CodeArg::Cascade => CodeChoice::Cascade,
        }
    }
}
