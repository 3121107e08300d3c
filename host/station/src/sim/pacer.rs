//! Simulated time by the wall clock.

use std::time::{Duration, Instant};

/// Steps that are less early than this are not waited for.
const EARLY: Duration = Duration::from_millis(1);
/// Longest single wait: there are hosts to look after.
const NAP: Duration = Duration::from_millis(10);
/// A delay up to this is caught up with: it is the operating system's. A longer one is not.
const LATE: Duration = Duration::from_millis(50);

/// Says when the next slots are due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    slots_per_s: f64,
    from: Instant,
    from_slots: u64,
}

impl Pacer {
    pub fn new(slots_per_s: f64, now: Instant) -> Pacer {
        Pacer { slots_per_s, from: now, from_slots: 0 }
    }

    /// How long to wait, `slots` having passed so far, before anything else is done.
    pub fn nap(&mut self, slots: u64, now: Instant) -> Option<Duration> {
        let passed = (slots - self.from_slots) as f64 / self.slots_per_s;
        let due = Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX);
        let elapsed = now.saturating_duration_since(self.from);
        if elapsed > due.saturating_add(LATE) {
            (self.from, self.from_slots) = (now, slots);
        }
        let early = due.saturating_sub(elapsed);
        (early > EARLY).then_some(early.min(NAP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn slots_are_held_back_to_their_time_and_small_delays_are_made_up_for() {
        let begin = Instant::now();
        let mut pacer = Pacer::new(1e6, begin);
        assert_eq!(pacer.nap(0, begin), None);
        assert_eq!(pacer.nap(900, begin), None, "less than a millisecond early");
        assert_eq!(pacer.nap(5_000, begin), Some(5 * MS));
        assert_eq!(pacer.nap(5_000_000, begin), Some(10 * MS));
        assert_eq!(pacer.nap(5_000, begin + 45 * MS), None);
        assert_eq!(pacer.nap(50_000, begin + 45 * MS), Some(5 * MS), "40 ms made up for");
    }

    #[test]
    fn a_stall_is_not_caught_up_with() {
        let begin = Instant::now();
        let mut pacer = Pacer::new(1e6, begin);
        let later = begin + Duration::from_secs(3600);
        assert_eq!(pacer.nap(0, later), None);
        assert_eq!(pacer.nap(5_000, later), Some(5 * MS));
        assert_eq!(pacer.nap(5_000, later + 5 * MS), None);
    }
}
