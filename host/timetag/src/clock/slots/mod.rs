//! Two clocks from Bob's clicks and Alice's public sync slots.
//!
//! Clicks of all slots show the grid (`grid`): frequency, drift, and the phase in the slot. Those
//! in sync slots then say which slot is which (`place`). Settings of other slots are not used and
//! not asked for.

mod grid;
mod place;
mod plan;
mod sequence;
#[cfg(test)]
pub(super) mod tests;

use core::f64::consts::LOG10_E;

pub use plan::SyncPlan;
pub use sequence::SyncSequence;

use self::grid::Grid;
use super::model::{ClockModel, ClockUncertainty, Lock, NoLock, SearchRange};
use super::pairs::check_order;

/// Finds Bob's clock from his clicks and the public slots.
///
/// Pulses must come in one place of the slot, with a jitter below a quarter of it. For time-bin
/// coding, give clicks of one bin. Work grows with the slots in the offset's range: ±1 s at 5 MHz
/// takes some tenths of a second, at 1 GHz it takes a narrower range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlotSearch {
    /// Where the clocks can be, and how sure a lock has to be.
    pub range: SearchRange,
    /// Bob's tick, in ps: no time is known better than to half of it.
    pub resolution_ps: f64,
    /// Clicks whose places are compared with the sequence, at most; up to 2²⁰. Time grows with it.
    pub max_clicks: usize,
}

impl Default for SlotSearch {
    fn default() -> SlotSearch {
        SlotSearch { range: SearchRange::default(), resolution_ps: 1.0, max_clicks: 1 << 17 }
    }
}

impl SlotSearch {
    /// Fewest clicks.
    pub const MIN_CLICKS: usize = 64;
    /// Words of the sequence that all clicks of one try are compared with, at most: some seconds.
    const MAX_WORDS: f64 = 2e9;

    /// The clock of `bob`'s clicks, in ps and in order of time, against Alice's slots. The model's
    /// readings of Alice's clock are those of [`SyncPlan`].
    ///
    /// # Errors
    /// No lock, and why: in doubt none. Clicks out of order, or a range or plan that makes no sense.
    pub fn find(&self, bob: &[i64], plan: &SyncPlan<'_>) -> Result<Lock, NoLock> {
        self.range.check()?;
        check_order(bob)?;
        let slot_ps = plan.slot_ps;
        if plan.spacing < 2 || !(100.0..1e12).contains(&slot_ps) {
            return Err(NoLock::InvalidRange);
        }
        if bob.len() < Self::MIN_CLICKS {
            return Err(NoLock::TooFew { clicks: bob.len() });
        }
        let (range, resolution) = (&self.range, self.resolution_ps);
        let mut grid = grid::find(bob, slot_ps, range, resolution)?;
        // One slot more for the phase of the grid.
        let reach = (range.offset_ps / slot_ps) as i64 + 1;
        let mut doubt = 0.0;
        let mut wanted = 1 << 11;
        loop {
            grid = grid.extended(bob, wanted, slot_ps, range, resolution);
            let slots = numbered(&bob[..grid.clicks.min(wanted)], &grid, slot_ps);
            let words = slots.len() as f64 * (2 * reach) as f64 / (64.0 * f64::from(plan.spacing));
            if words > Self::MAX_WORDS {
                break;
            }
            if let Some(place) = place::find(&slots, plan, reach) {
                if place.ln_chance < range.false_alarm.ln() {
                    return Ok(self.lock(bob, plan, &grid, &place));
                }
                doubt = place.ln_chance.min(doubt);
            }
            if wanted >= self.max_clicks.min(1 << 20) || grid.clicks < wanted {
                break;
            }
            wanted *= 4;
        }
        Err(NoLock::Noise { log10_false_alarm: doubt * LOG10_E })
    }

    fn lock(&self, bob: &[i64], plan: &SyncPlan<'_>, grid: &Grid, place: &place::Place) -> Lock {
        let (fit, slot_ps) = (&grid.fit, plan.slot_ps);
        let shift_ps = place.shift as f64 * slot_ps;
        let [offset, frequency, drift] = grid.model.coefficients();
        let model = ClockModel::from_coefficients(
            grid.model.reference_ps + shift_ps.round() as i64,
            [offset - shift_ps, frequency, drift],
        );
        let used = &bob[..grid.clicks];
        let span_s = (used[used.len() - 1] - used[0]).max(1) as f64 * 1e-12;
        let mut error = fit.error;
        error[0] = error[0].hypot(0.5 * self.resolution_ps);
        if fit.sigma_ps < self.resolution_ps {
            error[1] = error[1].hypot(self.resolution_ps / span_s);
            error[2] = error[2].hypot(8.0 * self.resolution_ps / (span_s * span_s));
        }
        Lock {
            model,
            uncertainty: ClockUncertainty::from_coefficients(error),
            jitter_ps: fit.sigma_ps,
            signal: fit.signal,
            background: (used.len() as f64 - fit.signal).max(0.0) * 4.0 * fit.sigma_ps / slot_ps,
            log10_false_alarm: place.ln_chance * LOG10_E,
            used_until_ps: used[used.len() - 1],
        }
    }
}

/// How far each click lies from the middle of its slot, in ps.
pub(super) fn slot_residuals(
    clicks: &[i64],
    model: &ClockModel,
    slot_ps: f64,
) -> impl Iterator<Item = f64> {
    grid::residuals(clicks, model, slot_ps).map(|(_, residual)| residual.ps)
}

/// The slots in which there was a click close to the middle, each once.
fn numbered(clicks: &[i64], grid: &Grid, slot_ps: f64) -> Vec<i64> {
    let window = 3.0 * grid.fit.sigma_ps;
    let mut slots: Vec<i64> = grid::residuals(clicks, &grid.model, slot_ps)
        .filter(|(_, residual)| residual.ps.abs() <= window)
        .map(|(slot, _)| slot)
        .collect();
    slots.dedup();
    slots
}
