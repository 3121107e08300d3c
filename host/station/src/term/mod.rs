//! What a terminal shows: numbers with units, charts of block characters, progress.

mod chart;
mod number;
mod progress;

pub use chart::{CHART_COLUMNS, bars, merge};
pub use number::{grouped, round_up_125, si, trimmed};
pub use progress::Progress;
