//! What a terminal shows: numbers with units, charts of block characters, progress.

mod chart;
mod number;
mod progress;
mod screen;
mod time;

pub use chart::{CHART_COLUMNS, bars};
pub use number::{grouped, round_up_125, si, si_with_error, trimmed, with_error};
pub use progress::Progress;
pub use screen::{Screen, give_back};
pub use time::utc;
