//! Light and a clock for the benches of analyses.

#![allow(dead_code, reason = "each bench takes what it needs")]

use helio_units::Ticks;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

#[path = "../../../trace/benches/support/mod.rs"]
mod clock;
pub use clock::processor_time;

/// As readers hand them out.
#[derive(Clone, Copy)]
pub struct Click {
    pub tick: Ticks,
    pub channel: u8,
}

/// Batches as long as those of readers.
const BATCH: usize = 1 << 14;
/// How often a piece of light is counted, one after the other: it stays in the cache, as what a
/// reader has just decoded does.
const PIECES: u64 = 32;
/// Photons of a piece: more than a processor learns by heart.
const PIECE: usize = 1 << 17;
/// Photons that are counted.
pub const CLICKS: u64 = PIECES * PIECE as u64;

/// Unrelated photons in ticks of 1 ps, so many a second on each channel, and beside them a share of
/// photons that have a partner on the next channel within 200 ps.
pub fn light(channels: u8, rate_hz: f64, paired: f64) -> Vec<Click> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut uniform = move || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let gap_ps = 1e12 / (rate_hz * f64::from(channels)) * (1.0 + paired);
    let (mut list, mut now) = (Vec::with_capacity(PIECE + 1), 0.0);
    while list.len() < PIECE {
        now -= gap_ps * (1.0 - uniform()).ln();
        let channel = (uniform() * f64::from(channels)) as u8;
        list.push(Click { tick: Ticks(now as u64), channel });
        if uniform() < paired {
            let tick = Ticks((now + 200.0 * uniform()) as u64);
            list.push(Click { tick, channel: (channel + 1) % channels });
        }
    }
    list.sort_by_key(|click| click.tick);
    list.truncate(PIECE);
    list
}

/// All clicks, in batches.
pub fn batches(piece: &[Click]) -> impl Iterator<Item = impl Iterator<Item = (Ticks, u8)>> {
    let length = piece.last().map_or(0, |click| click.tick.0);
    (0..PIECES).flat_map(move |number| {
        let begin = number * length;
        piece.chunks(BATCH).map(move |batch| {
            batch.iter().map(move |click| (Ticks(click.tick.0 + begin), click.channel))
        })
    })
}
