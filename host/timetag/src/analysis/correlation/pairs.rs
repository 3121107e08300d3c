//! Pairs of clicks and the bins they fall into.

use super::super::clicks::NUMBER_BITS;
use super::super::stretches::Counter;
use super::CorrelationSettings;

#[cfg(target_arch = "x86_64")]
mod avx512;

/// Counts the pairs of clicks of number 0 and 1, or of number 0 alone, by their delay.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    /// The longest delay that is looked at, in ticks; below 2⁵⁹.
    reach: u64,
    /// Whether a channel is correlated with itself.
    same: bool,
    level: Level,
    bins: Bins,
}

/// How this machine finds pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Level {
    /// The levels of this machine, the best one first.
    pub(super) fn all() -> impl Iterator<Item = Level> {
        #[cfg(target_arch = "x86_64")]
        let vectors = avx512::Avx512::detect().map(Level::Avx512);
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = None;
        vectors.into_iter().chain([Level::Portable])
    }
}

impl Pairs {
    pub(super) fn new(settings: CorrelationSettings, reach: u64, level: Level) -> Pairs {
        let bins = Bins::new(settings.bin.0, 2 * settings.bins_per_side as usize + 1);
        Pairs { reach, same: settings.a == settings.b, level, bins }
    }

    /// Pairs in each bin, from the most negative delay on.
    pub(super) fn counts(&self) -> &[u64] {
        &self.bins.counts
    }

    /// The pairs of the clicks `starts` with those after each.
    fn portable(&mut self, clicks: &[u64], starts: std::ops::Range<usize>) {
        for start in starts {
            self.after(clicks, start, start + 1);
        }
    }

    /// The pairs of one click with those from `next` on.
    #[inline]
    fn after(&mut self, clicks: &[u64], start: usize, next: usize) {
        let first = clicks[start];
        for second in clicks.get(next..).unwrap_or_default() {
            let gap = (second >> NUMBER_BITS) - (first >> NUMBER_BITS);
            if gap > self.reach {
                break;
            }
            if self.same {
                self.bins.count(self.reach + gap);
                self.bins.count(self.reach - gap);
            } else if (first ^ second) & 1 == 1 {
                let backwards = first & 1 == 1;
                self.bins.count(if backwards { self.reach - gap } else { self.reach + gap });
            }
        }
    }
}

impl Counter for Pairs {
    fn count(&mut self, clicks: &[u64], starts: usize) {
        match self.level {
            Level::Portable => self.portable(clicks, 0..starts),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(level) => level.count(self, clicks, starts),
        }
    }

    fn empty(&self) -> Pairs {
        let mut empty = self.clone();
        empty.bins.counts.fill(0);
        empty
    }

    fn add(&mut self, other: &Pairs) {
        for (count, more) in self.bins.counts.iter_mut().zip(&other.bins.counts) {
            *count += more;
        }
    }
}

/// The counters, by the delay above the shortest one.
#[derive(Clone, Debug)]
struct Bins {
    bin: u64,
    /// ⌊(2⁶⁴ − 1) / bin⌋: the high half of its product with a number below 2⁶⁴ is their quotient or
    /// one less.
    reciprocal: u64,
    counts: Vec<u64>,
}

impl Bins {
    fn new(bin: u64, bins: usize) -> Bins {
        let bin = bin.max(1);
        Bins { bin, reciprocal: u64::MAX / bin, counts: vec![0; bins] }
    }

    #[inline]
    fn count(&mut self, above: u64) {
        let estimate = ((u128::from(above) * u128::from(self.reciprocal)) >> 64) as u64;
        let short = above - estimate * self.bin >= self.bin;
        // With an even bin the longest positive delay within reach lies beyond the last bin.
        if let Some(count) = self.counts.get_mut((estimate + u64::from(short)) as usize) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_falls_into_the_bin_that_division_says(
            above in prop_oneof![0..1000u64, any::<u64>()],
            bin in prop_oneof![1..100u64, 1..u64::MAX],
        ) {
            let mut bins = Bins::new(bin, 50);
            bins.count(above);
            let found = bins.counts.iter().position(|count| *count == 1);
            prop_assert_eq!(found, usize::try_from(above / bin).ok().filter(|index| *index < 50));
        }
    }
}
