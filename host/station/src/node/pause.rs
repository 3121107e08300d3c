//! Pauses that grow: what did not work is tried again later each time.

use std::time::Duration;

/// Beyond so many doublings every pause here has reached its longest.
const MOST_DOUBLINGS: u32 = 10;

/// The first pause, doubled so many times, but no longer than the last.
pub(super) fn doubled([first, last]: [Duration; 2], times: u32) -> Duration {
    (first * (1 << times.min(MOST_DOUBLINGS))).min(last)
}
