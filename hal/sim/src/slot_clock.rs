//! Bob's slot clock: where his slots lie in his device's time.

use helio_bench::{SlotClock, SlotTiming, SteerError};
use helio_units::{FineTicks, Ticks};

/// Most timings that wait for their slot; one more replaces the last.
const PENDING: usize = 4;
/// No 64-bit clock gets there.
const END_OF_TIME: FineTicks = FineTicks(1 << 100);

/// A slot clock that starts with no slots at all and follows what it is steered to.
///
/// A new timing takes over when its first slot begins. Until then the old one goes on, but begins
/// no slot that the new one is to begin. A period below one tick counts as one tick.
#[derive(Clone, Debug)]
pub struct SimSlotClock {
    now: Ticks,
    timing: Option<SlotTiming>,
    pending: [Option<SlotTiming>; PENDING],
    current: Option<Begin>,
    next: Option<Begin>,
}

/// The begin of a slot.
#[derive(Clone, Copy, Debug)]
struct Begin {
    slot: u64,
    /// Where the timing puts it, in 2⁻³² ticks.
    exact: i128,
    /// It is the first of the pending timings that puts it there.
    switches: bool,
}

impl SimSlotClock {
    pub(crate) fn new(now: Ticks) -> SimSlotClock {
        SimSlotClock { now, timing: None, pending: [None; PENDING], current: None, next: None }
    }

    /// The tick at which the next slot begins, if one will.
    #[inline(always)]
    pub(crate) fn next_boundary(&self) -> Option<Ticks> {
        self.next.map(|next| FineTicks(next.exact).floor())
    }

    /// The tick at which the slot that is on began, if one has.
    pub(crate) fn current_boundary(&self) -> Option<Ticks> {
        self.current.map(|current| FineTicks(current.exact).floor())
    }

    /// Begins the slot of [`SimSlotClock::next_boundary`] and gives its number.
    #[inline(always)]
    pub(crate) fn begin_slot(&mut self) -> Option<u64> {
        let begun = self.next?;
        if begun.switches {
            self.timing = self.pending[0];
            self.pending.rotate_left(1);
            self.pending[PENDING - 1] = None;
        }
        self.current = Some(begun);
        self.next = self.plan();
        Some(begun.slot)
    }

    pub(crate) fn set_now(&mut self, now: Ticks) {
        self.now = now;
    }

    /// What ends the current slot.
    #[inline(always)]
    fn plan(&self) -> Option<Begin> {
        let switch =
            |new: SlotTiming| Begin { slot: new.slot.0, exact: new.start.0, switches: true };
        let (Some(timing), Some(current)) = (self.timing, self.current) else {
            return self.pending[0].map(switch);
        };
        let slot = current.slot.saturating_add(1);
        let exact = current.exact + timing.period.0;
        match self.pending[0] {
            Some(new) if slot >= new.slot.0 || exact >= new.start.0 => Some(switch(new)),
            _ => Some(Begin { slot, exact, switches: false }),
        }
    }
}

impl SlotClock for SimSlotClock {
    fn steer(&mut self, mut timing: SlotTiming) -> Result<(), SteerError> {
        if timing.start.floor() <= self.now {
            return Err(SteerError::TooLate { now: self.now });
        }
        timing.period = timing.period.clamp(FineTicks::from_ticks(Ticks(1)), END_OF_TIME);
        timing.start = timing.start.min(END_OF_TIME);
        // A newer order supersedes those that would begin no earlier than it.
        let keep = self.pending.iter().flatten().filter(|p| p.start < timing.start).count();
        let place = keep.min(PENDING - 1);
        self.pending[place] = Some(timing);
        self.pending[place + 1..].fill(None);
        self.next = self.plan();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_units::SlotIndex;

    fn timing(slot: u64, start: u64, period: u64) -> SlotTiming {
        SlotTiming {
            slot: SlotIndex(slot),
            start: FineTicks::from_ticks(Ticks(start)),
            period: FineTicks::from_parts(period, 1 << 30),
        }
    }

    /// Slots that begin before `until`, with the tick at which they do.
    fn run<const N: usize>(clock: &mut SimSlotClock) -> [(u64, u64); N] {
        core::array::from_fn(|_| {
            let tick = clock.next_boundary().unwrap();
            clock.set_now(tick);
            (clock.begin_slot().unwrap(), tick.0)
        })
    }

    #[test]
    fn slots_lie_on_whole_ticks_and_do_not_drift() {
        let mut clock = SimSlotClock::new(Ticks(5));
        assert_eq!(clock.next_boundary(), None);
        clock.steer(timing(100, 50, 30)).unwrap();
        assert_eq!(
            run(&mut clock),
            [(100, 50), (101, 80), (102, 110), (103, 140), (104, 171), (105, 201)]
        );
    }

    #[test]
    fn a_new_timing_takes_over_at_its_slot() {
        let mut clock = SimSlotClock::new(Ticks(0));
        clock.steer(timing(0, 10, 30)).unwrap();
        assert_eq!(run(&mut clock), [(0, 10), (1, 40)]);
        clock.steer(timing(4, 131, 31)).unwrap();
        clock.steer(timing(6, 195, 20)).unwrap();
        assert_eq!(
            run(&mut clock),
            [(2, 70), (3, 100), (4, 131), (5, 162), (6, 195), (7, 215), (8, 235)]
        );
    }

    #[test]
    fn an_order_for_what_has_begun_is_refused() {
        let mut clock = SimSlotClock::new(Ticks(1_000));
        assert_eq!(
            clock.steer(timing(0, 1_000, 30)),
            Err(SteerError::TooLate { now: Ticks(1_000) })
        );
        clock.steer(timing(0, 1_001, 30)).unwrap();
        assert_eq!(run(&mut clock), [(0, 1_001), (1, 1_031)]);
        assert!(clock.steer(timing(9, 1_020, 30)).is_err());
        assert_eq!(run(&mut clock), [(2, 1_061)]);
    }

    #[test]
    fn a_later_order_supersedes_a_pending_one() {
        let mut clock = SimSlotClock::new(Ticks(0));
        clock.steer(timing(0, 10, 30)).unwrap();
        clock.steer(timing(3, 500, 30)).unwrap();
        clock.steer(timing(3, 102, 30)).unwrap();
        assert_eq!(run(&mut clock), [(0, 10), (1, 40), (2, 70), (3, 102), (4, 132)]);
    }

    #[test]
    fn slots_can_be_renumbered() {
        let mut clock = SimSlotClock::new(Ticks(0));
        clock.steer(timing(70, 10, 30)).unwrap();
        assert_eq!(run(&mut clock), [(70, 10)]);
        clock.steer(timing(2_000, 95, 30)).unwrap();
        assert_eq!(run(&mut clock), [(71, 40), (72, 70), (2_000, 95), (2_001, 125)]);
    }

    #[test]
    fn a_period_of_nothing_does_not_stop_time() {
        let mut clock = SimSlotClock::new(Ticks(0));
        let mut nothing = timing(0, 10, 0);
        nothing.period = FineTicks(0);
        clock.steer(nothing).unwrap();
        assert_eq!(run(&mut clock), [(0, 10), (1, 11), (2, 12)]);
    }
}
