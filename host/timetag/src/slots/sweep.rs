//! The hot loop: clicks on one grid to detections.
//!
//! Times are 2⁻³² ticks relative to the begin of a nearby cell, in 64 bits; the cell of a click
//! comes from a multiplication by the period's reciprocal. Both are exact: [`CHUNK`] and the
//! bounds of [`Grid`] keep every relative time below 2⁶².

use super::batch::{Detection, SlotCounters};
use super::grid::Grid;
use super::intake::Click;
use crate::phase::Tap;
use std::num::NonZeroU16;

/// Ticks swept relative to one anchor.
const CHUNK: u64 = 1 << 28;

/// What stays the same over a slotter's life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sweeper {
    /// In 2⁻³² ticks, below 2⁶¹.
    pub hold_off: u64,
    pub sync_spacing: Option<NonZeroU16>,
}

/// What one sweep works on.
pub(crate) struct Sweep<'a, T> {
    pub grid: &'a Grid,
    /// Earlier slots are final and give nothing.
    pub next: u64,
    pub detections: &'a mut Vec<Detection>,
    pub counters: &'a mut SlotCounters,
    pub tap: &'a mut T,
}

impl Sweeper {
    /// Gives the detections of `clicks`, which must be all clicks of the cells they lie in but for
    /// such as lie behind the window. `last` is the time of the last click before them.
    pub fn run<T: Tap>(&self, mut clicks: &[Click], last: i128, mut to: Sweep<'_, T>) {
        let mut last = last;
        while let Some(first) = clicks.first() {
            let end = first.tick.saturating_add(CHUNK);
            let count = match clicks.last() {
                Some(last) if last.tick < end => clicks.len(),
                _ => clicks.partition_point(|c| c.tick < end).max(1),
            };
            let (chunk, rest) = clicks.split_at(count);
            self.chunk(chunk, last, &mut to);
            last = chunk[count - 1].time();
            clicks = rest;
        }
    }

    fn chunk<T: Tap>(&self, clicks: &[Click], last: i128, to: &mut Sweep<'_, T>) {
        let Grid { period, width, lead, .. } = *to.grid;
        let anchor_slot = to.grid.cell(clicks[0].time());
        let anchor = to.grid.window_start(anchor_slot);
        let anchor_low = anchor as u64;
        let reciprocal = u64::MAX / period;
        let multiple = Multiple::new(self.sync_spacing, anchor_slot);
        let first_valid = to.next.saturating_sub(anchor_slot);
        let hold_off = self.hold_off as i64;
        // Whatever lies further back than the longest hold-off holds nothing off.
        let mut free_after = (last - anchor).clamp(-(1 << 61), 1 << 61) as i64 + hold_off;

        let found = to.detections.len();
        to.detections.resize(found + clicks.len(), Detection::default());
        let out = &mut to.detections[found..];
        let tap = &mut *to.tap;
        let mut count = 0;
        let mut cell = u64::MAX;
        let (mut mask, mut keep, mut sync, mut held) = (0u8, false, false, false);
        let (mut accepted, mut in_sync, mut held_off, mut in_window) = (0u64, 0u64, 0u64, 0u64);
        for click in clicks {
            let time = click.time_low().wrapping_sub(anchor_low);
            // The estimate is the quotient or one less: `reciprocal` is short of 2⁶⁴/period by
            // less than one and `time` is below 2⁶².
            let mut slot = ((u128::from(time) * u128::from(reciprocal)) >> 64) as u64;
            let mut offset = time - slot * period;
            if offset >= period {
                slot += 1;
                offset -= period;
            }
            if slot != cell {
                count += usize::from(mask != 0);
                cell = slot;
                mask = 0;
                let valid = slot >= first_valid;
                let free = free_after < (time - offset) as i64;
                let is_sync = multiple.matches(slot);
                sync = valid & is_sync;
                keep = valid & !is_sync & free;
                held = valid & !is_sync & !free;
            }
            let inside = offset < width;
            mask |= u8::from(inside & keep) << click.channel;
            out[count] = Detection { slot: anchor_slot + slot, mask };
            free_after = time as i64 + hold_off;
            in_window += u64::from(inside);
            accepted += u64::from(inside & keep);
            held_off += u64::from(inside & held);
            in_sync += u64::from(inside & sync);
            let phase = offset + lead;
            tap.click(click.channel, if phase >= period { phase - period } else { phase }, period);
        }
        count += usize::from(mask != 0);
        to.detections.truncate(found + count);

        let counters = &mut to.counters;
        counters.accepted += accepted;
        counters.held_off += held_off;
        counters.sync += in_sync;
        counters.outside += clicks.len() as u64 - in_window;
        counters.no_slot += in_window - accepted - held_off - in_sync;
        counters.detections += count as u64;
    }
}

/// Whether a slot, counted from an anchor, is a multiple of a spacing, by one multiplication
/// (Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019, section 3.2; exact for
/// numbers below 2³²).
#[derive(Clone, Copy, Debug)]
struct Multiple {
    offset: u64,
    factor: u64,
    bound: u64,
}

impl Multiple {
    fn new(spacing: Option<NonZeroU16>, anchor: u64) -> Multiple {
        match spacing.map(|d| u64::from(d.get())) {
            None => Multiple { offset: 0, factor: 0, bound: 0 },
            Some(1) => Multiple { offset: 0, factor: 0, bound: 1 },
            Some(d) => {
                let factor = u64::MAX / d + 1;
                Multiple { offset: anchor % d, factor, bound: factor }
            }
        }
    }

    fn matches(self, slot: u64) -> bool {
        (slot + self.offset).wrapping_mul(self.factor) < self.bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_multiple_is_a_multiple(
            spacing in 1u16..,
            anchor in 0u64..1 << 60,
            slot in 0u64..1 << 30,
        ) {
            let multiple = Multiple::new(NonZeroU16::new(spacing), anchor);
            let near = slot - (anchor + slot) % u64::from(spacing).min(slot + 1);
            for s in [slot, near] {
                let expected = (anchor + s).is_multiple_of(u64::from(spacing));
                prop_assert_eq!(multiple.matches(s), expected);
            }
        }
    }
}
