//! How long the turns of a loop take.

use helio_units::{Picoseconds, Ticks};

/// A window of [`Turns`]: a host asks each second.
pub const RECENTLY: Picoseconds = Picoseconds(1_000_000_000_000);

/// The longest turns of a loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongestTurns {
    /// Since it began.
    pub longest: Ticks,
    /// Of the last whole window and since.
    pub recent: Ticks,
}

/// The longest turn of a loop, since it began and of late.
///
/// What is told of late is the longest turn that ended within the last whole window or in the one
/// that runs, so that whoever asks once a window misses none, however often somebody else asks.
#[derive(Clone, Debug)]
pub struct Turns {
    window: u64,
    begun: Option<Ticks>,
    longest: u64,
    /// Of the window that runs, and of the one before.
    recent: [u64; 2],
    window_ends: u64,
}

impl Turns {
    /// No turn yet.
    pub const fn new(window: Ticks) -> Turns {
        Turns { window: window.0, begun: None, longest: 0, recent: [0; 2], window_ends: 0 }
    }

    /// A turn begins, and with it the last one ends.
    #[inline]
    pub fn begin(&mut self, now: Ticks) {
        let Some(begun) = self.begun.replace(now) else {
            self.window_ends = now.0.saturating_add(self.window);
            return;
        };
        let turn = now.0.saturating_sub(begun.0);
        if now.0 >= self.window_ends {
            // A turn that leaves out a whole window has nothing to tell of it but itself.
            let next = self.window_ends.saturating_add(self.window);
            self.recent = [0, if now.0 < next { self.recent[0] } else { 0 }];
            self.window_ends = if now.0 < next { next } else { now.0.saturating_add(self.window) };
        }
        self.recent[0] = self.recent[0].max(turn);
        self.longest = self.longest.max(turn);
    }

    /// The longest ones so far.
    pub fn told(&self) -> LongestTurns {
        let recent = self.recent[0].max(self.recent[1]);
        LongestTurns { longest: Ticks(self.longest), recent: Ticks(recent) }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn the_first_turn_has_no_length_before_the_second_begins() {
        let mut turns = Turns::new(Ticks(100));
        turns.begin(Ticks(70));
        assert_eq!(turns.told(), LongestTurns::default());
        turns.begin(Ticks(75));
        assert_eq!(turns.told(), LongestTurns { longest: Ticks(5), recent: Ticks(5) });
    }

    #[test]
    fn what_was_of_late_is_forgotten_and_what_was_longest_is_not() {
        let mut turns = Turns::new(Ticks(100));
        for now in (0..50).chain([90]).chain(91..320) {
            turns.begin(Ticks(now));
            let recent = if now < 90 {
                u64::from(now > 0)
            } else if now < 200 {
                41
            } else {
                1
            };
            assert_eq!(turns.told().recent, Ticks(recent), "{now}");
        }
        assert_eq!(turns.told().longest, Ticks(41));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_turn_is_missed_by_who_asks_once_a_window(
            lengths in proptest::collection::vec(prop_oneof![9 => 0u64..30, 1 => 0u64..400], 2..300),
        ) {
            let mut turns = Turns::new(Ticks(100));
            let (mut now, mut asked) = (1_000u64, 1_000u64);
            let (mut since, mut all) = (Vec::new(), 0);
            turns.begin(Ticks(now));
            for length in lengths {
                now += length;
                turns.begin(Ticks(now));
                since.push(length);
                all = all.max(length);
                prop_assert_eq!(turns.told().longest, Ticks(all));
                let longest = since.iter().max().copied().unwrap_or(0);
                if now - asked <= 100 {
                    prop_assert!(turns.told().recent >= Ticks(longest));
                } else {
                    // He came late, or the turn itself was longer than the window.
                    (asked, since) = (now, Vec::new());
                }
                prop_assert!(turns.told().recent >= Ticks(length) && turns.told().recent <= turns.told().longest);
            }
        }
    }
}
