//! The phase accumulator: where slots begin, in whole ticks.

use helio_bench::{SlotTiming, SteerError};
use helio_units::{FineTicks, SlotIndex, Ticks};

/// Lengths of slots one after the other, in whole ticks, so that each begins in the tick that its
/// timing gives: with a steady timing, slots have one of the two lengths next to the period. After
/// a step of the timing, slots are up to one tick shorter or longer than these until they are in
/// place again.
#[derive(Clone, Debug)]
pub struct SlotGrid {
    whole: u32,
    fraction: u32,
    /// Where the coming slot should begin, and its fraction in 2⁻³² ticks.
    target: u64,
    target_fraction: u32,
    /// Where it begins.
    at: u64,
    slot: u64,
    next: Option<SlotTiming>,
}

impl SlotGrid {
    /// The slots from `timing.slot` on; `None` where the period is no number of ticks of 32 bits,
    /// or the first slot began before the device.
    pub fn new(timing: SlotTiming) -> Option<SlotGrid> {
        let start = u64::try_from(timing.start.0 >> FineTicks::FRACTION_BITS).ok()?;
        let mut grid = SlotGrid {
            whole: 0,
            fraction: 0,
            target: start,
            target_fraction: timing.start.fraction(),
            at: start,
            slot: timing.slot.0,
            next: None,
        };
        grid.set_period(timing.period)?;
        Some(grid)
    }

    /// When the coming slot begins.
    pub fn begin(&self) -> Ticks {
        Ticks(self.at)
    }

    /// The slot whose length comes next.
    pub fn slot(&self) -> SlotIndex {
        SlotIndex(self.slot)
    }

    /// Length of the coming slot, in ticks.
    pub fn next_length(&mut self) -> u32 {
        self.slot += 1;
        let (fraction, carry) = self.target_fraction.overflowing_add(self.fraction);
        self.target_fraction = fraction;
        self.target += u64::from(self.whole) + u64::from(carry);
        if let Some(timing) = self.next.take_if(|t| t.slot.0 == self.slot) {
            self.adopt(timing);
        }
        let wanted = self.target.saturating_sub(self.at);
        let length = u32::try_from(wanted).unwrap_or(u32::MAX);
        let length = length.clamp(self.whole.saturating_sub(1), self.whole.saturating_add(2));
        self.at += u64::from(length);
        length
    }

    /// Uses `timing` from its slot on; a timing that waits for a later slot is dropped.
    ///
    /// # Errors
    /// [`SteerError::TooLate`] where the length of the slot before it has been given out, or where it
    /// is no timing for [`SlotGrid::new`]; `now` is what it says then.
    pub fn steer(&mut self, timing: SlotTiming, now: Ticks) -> Result<(), SteerError> {
        if timing.slot.0 <= self.slot || period_parts(timing.period).is_none() {
            return Err(SteerError::TooLate { now });
        }
        self.next = Some(timing);
        Ok(())
    }

    fn adopt(&mut self, timing: SlotTiming) {
        self.target = timing.start.floor().0;
        self.target_fraction = timing.start.fraction();
        // Checked when it was taken.
        let _ = self.set_period(timing.period);
    }

    fn set_period(&mut self, period: FineTicks) -> Option<()> {
        (self.whole, self.fraction) = period_parts(period)?;
        Some(())
    }
}

fn period_parts(period: FineTicks) -> Option<(u32, u32)> {
    let whole = u32::try_from(period.0 >> FineTicks::FRACTION_BITS).ok()?;
    (whole > 0).then_some((whole, period.fraction()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timing(slot: u64, start: i128, period: i128) -> SlotTiming {
        SlotTiming { slot: SlotIndex(slot), start: FineTicks(start), period: FineTicks(period) }
    }

    proptest! {
        #[test]
        fn every_slot_begins_in_its_tick(
            start in 0i128..1 << 90,
            period in 16i128 << 32..1_000_000 << 32,
            slots in 1u64..3000,
        ) {
            let t = timing(1000, start, period);
            let mut grid = SlotGrid::new(t).unwrap();
            let (short, long) = ((period >> 32) as u32, (period >> 32) as u32 + 1);
            for s in 1000..1000 + slots {
                prop_assert_eq!(grid.slot(), SlotIndex(s));
                prop_assert_eq!(grid.begin(), t.start_of(SlotIndex(s)).floor());
                let length = grid.next_length();
                prop_assert!((short..=long).contains(&length));
            }
        }

        #[test]
        fn a_step_of_the_timing_is_walked_a_tick_a_slot(step in -40i128..40, ppm in -50i128..50) {
            let period = 150i128 << 32;
            let first = timing(0, 7 << 32, period);
            let mut grid = SlotGrid::new(first).unwrap();
            let changed = period + period * ppm / 1_000_000;
            let second = timing(64, first.start_of(SlotIndex(64)).0 + (step << 32), changed);
            grid.steer(second, Ticks(0)).unwrap();
            for s in 0..64 + 100 {
                let length = grid.next_length();
                if s < 63 {
                    prop_assert_eq!(length, 150);
                }
                prop_assert!((148..=152).contains(&length), "{}", length);
            }
            for _ in 0..1000 {
                prop_assert_eq!(grid.begin(), second.start_of(grid.slot()).floor());
                grid.next_length();
            }
        }
    }

    #[test]
    fn a_timing_for_a_slot_already_given_out_is_too_late() {
        let mut grid = SlotGrid::new(timing(0, 0, 150 << 32)).unwrap();
        for _ in 0..10 {
            grid.next_length();
        }
        let late = grid.steer(timing(10, 0, 150 << 32), Ticks(77));
        assert_eq!(late, Err(SteerError::TooLate { now: Ticks(77) }));
        assert!(grid.steer(timing(11, 0, 150 << 32), Ticks(77)).is_ok());
        assert!(grid.steer(timing(12, 0, 1 << 64), Ticks(77)).is_err());
        assert!(SlotGrid::new(timing(0, -1 << 40, 150 << 32)).is_none());
    }
}
