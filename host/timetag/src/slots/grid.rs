//! Where the cells of slots lie under one timing.
//!
//! The cell of slot `s` begins where its window begins, `W(s)`, and ends where the next one's
//! begins. So a click's cell gives its slot, and its offset in the cell tells by one comparison
//! whether it is in the window, wherever in the slot the window lies.

use super::config::{MAX_SPAN, SlotterConfig};
use helio_bench::SlotTiming;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The first slot this timing holds for.
    pub first: u64,
    /// `W(first)`, in 2⁻³² ticks.
    start: i128,
    /// Length of a slot in 2⁻³² ticks: 2³² to 2⁶¹.
    pub period: u64,
    /// Length of the window in 2⁻³² ticks, at most `period`.
    pub width: u64,
    /// From the begin of a slot to the begin of its window, modulo `period`.
    pub lead: u64,
}

impl Grid {
    /// `None` if the slot length is below one tick or 2²⁹ ticks and more, or the start lies
    /// outside the range of ticks.
    pub fn new(timing: SlotTiming, config: &SlotterConfig) -> Option<Grid> {
        let one_tick = 1i128 << 32;
        let in_time = (0..one_tick << 64).contains(&timing.start.0);
        if !(one_tick..MAX_SPAN.0).contains(&timing.period.0) || !in_time {
            return None;
        }
        let period = timing.period.0;
        let centre = (period * i128::from(config.window.centre)) >> 32;
        let width = (2 * config.window.half_width.0).min(period);
        let lead = centre - width / 2;
        Some(Grid {
            first: timing.slot.0,
            start: timing.start.0 + lead,
            lead: lead.rem_euclid(period) as u64,
            period: period as u64,
            width: width as u64,
        })
    }

    /// `W(slot)`.
    pub fn window_start(&self, slot: u64) -> i128 {
        self.start + (i128::from(slot) - i128::from(self.first)) * i128::from(self.period)
    }

    /// The slot in whose cell `time` lies; times before slot 0 give 0.
    pub fn cell(&self, time: i128) -> u64 {
        let cells = (time - self.start).div_euclid(i128::from(self.period));
        clamp_slot(i128::from(self.first) + cells)
    }

    /// The first slot with `W(slot) ≥ time`.
    pub fn first_from(&self, time: i128) -> u64 {
        let cells = -(self.start - time).div_euclid(i128::from(self.period));
        clamp_slot(i128::from(self.first) + cells)
    }

    /// The first slot whose window ends after `time`.
    pub fn first_open(&self, time: i128) -> u64 {
        self.first_from(time - i128::from(self.width) + 1)
    }
}

fn clamp_slot(slot: i128) -> u64 {
    slot.clamp(0, i128::from(u64::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::super::config::Window;
    use super::*;
    use helio_units::{FineTicks, SlotIndex, Ticks};

    fn grid() -> Grid {
        let config = SlotterConfig {
            delays: vec![FineTicks(0)],
            window: Window { centre: 1 << 31, half_width: FineTicks::from_ticks(Ticks(3)) },
            hold_off: FineTicks(0),
            sync_spacing: None,
            slack: Ticks(0),
        };
        let timing = SlotTiming {
            slot: SlotIndex(10),
            start: FineTicks::from_ticks(Ticks(1000)),
            period: FineTicks::from_ticks(Ticks(30)),
        };
        Grid::new(timing, &config).unwrap()
    }

    const TICK: i128 = 1 << 32;

    #[test]
    fn cells_begin_with_the_window() {
        let g = grid();
        assert_eq!(g.window_start(10), 1012 * TICK);
        assert_eq!(g.window_start(0), 712 * TICK);
        assert_eq!((g.cell(1012 * TICK - 1), g.cell(1012 * TICK)), (9, 10));
        assert_eq!((g.first_from(1012 * TICK), g.first_from(1012 * TICK + 1)), (10, 11));
    }

    #[test]
    fn a_window_is_open_until_its_end_is_reached() {
        let g = grid();
        assert_eq!(g.first_open(1018 * TICK - 1), 10);
        assert_eq!(g.first_open(1018 * TICK), 11);
    }
}
