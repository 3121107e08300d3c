//! What the benches of traces and of their analyses share.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time that `work` takes, of all its threads together: on a machine that does other
/// things beside, the time by the clock says little.
pub fn processor_time<T>(mut work: impl FnMut() -> T, times: u64) -> Duration {
    let now = || {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    let begin = now();
    for _ in 0..times {
        std::hint::black_box(work());
    }
    now() - begin
}
