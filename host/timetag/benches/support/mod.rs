//! Light and a clock for the benches of analyses.

#![allow(dead_code, reason = "each bench takes what it needs")]

use std::time::Duration;

use helio_units::Ticks;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustix::time::{ClockId, clock_gettime};

/// As readers hand them out.
#[derive(Clone, Copy)]
pub struct Click {
    pub tick: Ticks,
    pub channel: u8,
}

/// Batches as long as those of readers.
pub const BATCH: usize = 1 << 14;

/// Unrelated photons in ticks of 1 ps, so many a second on each channel, and beside them a share of
/// photons that have a partner on the next channel within 200 ps.
pub fn light(channels: u8, rate_hz: f64, paired: f64, clicks: usize) -> Vec<Click> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut uniform = move || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let gap_ps = 1e12 / (rate_hz * f64::from(channels)) * (1.0 + paired);
    let (mut list, mut now) = (Vec::with_capacity(clicks + 1), 0.0);
    while list.len() < clicks {
        now -= gap_ps * (1.0 - uniform()).ln();
        let channel = (uniform() * f64::from(channels)) as u8;
        list.push(Click { tick: Ticks(now as u64), channel });
        if uniform() < paired {
            let tick = Ticks((now + 200.0 * uniform()) as u64);
            list.push(Click { tick, channel: (channel + 1) % channels });
        }
    }
    list.sort_by_key(|click| click.tick);
    list
}

pub fn tags(clicks: &[Click]) -> impl Iterator<Item = (Ticks, u8)> {
    clicks.iter().map(|click| (click.tick, click.channel))
}

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
