//! 64-bit time of the capture: buffers counted, and each count held against the timer.

use helio_units::Ticks;

/// Why the time of samples is not known any more. The epoch of the run ends; whatever comes later
/// begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFault {
    /// A state machine found its FIFO full and skipped samples.
    Stalled,
    /// The timer says another number of buffers than were counted: an interrupt was lost, or came
    /// a whole buffer late and cannot be told from a lost one.
    Disagreement,
}

/// Counts whole buffers, once an interrupt.
///
/// Time is `buffers × samples a buffer`, exactly; the timer counts the same clock and only decides
/// whether the count can be believed. An interrupt comes late, never early: a delay below one
/// buffer fits one count only. After a fault nothing is counted.
#[derive(Clone, Debug)]
pub struct CaptureClock {
    buffer_ticks: u32,
    /// Timer at the first sample, and then at the end of each buffer as it should be.
    due: u64,
    completed: u64,
    fault: Option<CaptureFault>,
}

/// The timer is read a few ticks before or after the state machines are enabled.
const START_UNCERTAINTY: u64 = 64;

impl CaptureClock {
    /// The first sample was taken when the timer stood at `start`, give or take 64 ticks.
    pub const fn new(buffer_ticks: u32, start: Ticks) -> CaptureClock {
        CaptureClock { buffer_ticks, due: start.0, completed: 0, fault: None }
    }

    /// A buffer is full: the timer as it stands now, and whether a state machine has stalled since
    /// the last call.
    pub fn buffer_done(&mut self, timer: Ticks, stalled: bool) {
        if self.fault.is_some() {
            return;
        }
        self.due += u64::from(self.buffer_ticks);
        let late = (timer.0 + START_UNCERTAINTY).wrapping_sub(self.due);
        if stalled {
            self.fault = Some(CaptureFault::Stalled);
        } else if late >= u64::from(self.buffer_ticks) {
            // Early is a huge number here, and just as wrong.
            self.fault = Some(CaptureFault::Disagreement);
        } else {
            self.completed += 1;
        }
    }

    /// No interrupt came for longer than a buffer lasts: the capture stands still.
    pub fn check(&mut self, now: Ticks) {
        let silent = now.0.saturating_sub(self.due);
        if self.fault.is_none() && silent >= 2 * u64::from(self.buffer_ticks) {
            self.fault = Some(CaptureFault::Disagreement);
        }
    }

    /// Buffers whose every sample has its time.
    pub const fn completed(&self) -> u64 {
        self.completed
    }

    /// What ended the epoch.
    pub const fn fault(&self) -> Option<CaptureFault> {
        self.fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const N: u32 = 16_384;

    proptest! {
        #[test]
        fn late_interrupts_are_counted_and_missed_ones_end_the_epoch(
            start in 0u64..1 << 50,
            late in proptest::collection::vec(0u64..u64::from(N) - 64, 1..200),
            missed in 0usize..200,
            off in -60i64..60,
        ) {
            let mut clock = CaptureClock::new(N, Ticks(start.wrapping_add_signed(off).max(1)));
            for (i, l) in late.iter().enumerate() {
                let now = Ticks(start + (i as u64 + 1) * u64::from(N) + l.saturating_sub(64).max(2));
                if i == missed {
                    continue;
                }
                clock.buffer_done(now, false);
                if i < missed {
                    prop_assert_eq!((clock.completed(), clock.fault()), (i as u64 + 1, None));
                } else {
                    prop_assert_eq!(clock.completed(), missed as u64);
                    prop_assert_eq!(clock.fault(), Some(CaptureFault::Disagreement));
                }
            }
        }
    }

    #[test]
    fn a_stall_an_early_interrupt_and_silence_end_the_epoch() {
        let mut clock = CaptureClock::new(N, Ticks(1000));
        clock.buffer_done(Ticks(1000 + 16_400), false);
        assert_eq!(clock.completed(), 1);
        let mut stalled = clock.clone();
        stalled.buffer_done(Ticks(1000 + 2 * 16_400), true);
        assert_eq!((stalled.completed(), stalled.fault()), (1, Some(CaptureFault::Stalled)));
        stalled.buffer_done(Ticks(1000 + 3 * 16_400), false);
        assert_eq!(stalled.completed(), 1);
        let mut early = clock.clone();
        early.buffer_done(Ticks(1000 + 16_400 + 100), false);
        assert_eq!(early.fault(), Some(CaptureFault::Disagreement));
        clock.check(Ticks(1000 + 2 * 16_384));
        assert_eq!(clock.fault(), None);
        clock.check(Ticks(1000 + 3 * 16_384));
        assert_eq!(clock.fault(), Some(CaptureFault::Disagreement));
    }

    #[test]
    fn time_does_not_wrap_in_a_lifetime() {
        let years_100 = 100 * 365 * 86_400 * 150_000_000u64;
        let mut clock = CaptureClock::new(N, Ticks(years_100));
        clock.buffer_done(Ticks(years_100 + u64::from(N)), false);
        assert_eq!((clock.completed(), clock.fault()), (1, None));
    }
}
