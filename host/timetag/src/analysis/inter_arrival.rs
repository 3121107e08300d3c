//! Gaps between successive detections of one channel.

use helio_units::Ticks;

use super::{OutOfOrder, log_bins};

/// A histogram of the gaps between successive tags of one channel, in bins that grow with the gap.
///
/// Each octave (a factor of two in time) is cut into eight bins of equal length; gaps below eight
/// ticks have a bin each. Poissonian light falls off exponentially from zero gap; a detector
/// leaves a hole at small gaps, its dead time, often followed by a bump of afterpulses.
#[derive(Clone, Debug)]
pub struct InterArrival {
    bins: [u64; Self::BINS],
    count: u64,
    last: Option<Ticks>,
    first: Ticks,
    smallest: Option<Ticks>,
}

/// One bin of [`InterArrival`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapBin {
    /// The smallest gap that counts here.
    pub from: Ticks,
    /// The largest gap that counts here.
    pub to: Ticks,
    /// How many gaps did.
    pub count: u64,
}

impl Default for InterArrival {
    fn default() -> InterArrival {
        InterArrival {
            bins: [0; Self::BINS],
            count: 0,
            last: None,
            first: Ticks(0),
            smallest: None,
        }
    }
}

impl InterArrival {
    /// Eight bins an octave.
    const BITS: u32 = 3;
    const BINS: usize = log_bins::bins(Self::BITS);

    /// Takes the next tag of the channel.
    ///
    /// # Errors
    /// A tag before its predecessor; it is not counted.
    pub fn push(&mut self, tick: Ticks) -> Result<(), OutOfOrder> {
        match self.last {
            None => self.first = tick,
            Some(last) => {
                let gap = tick.0.checked_sub(last.0).ok_or(OutOfOrder { tick, last })?;
                self.bins[log_bins::index(gap, Self::BITS)] += 1;
                self.count += 1;
                self.smallest = Some(self.smallest.map_or(Ticks(gap), |s| s.min(Ticks(gap))));
            }
        }
        self.last = Some(tick);
        Ok(())
    }

    /// How many gaps there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest gap, which is this program's estimate of the dead time: no two detections of
    /// the channel are closer, so the dead time is at most this long. It is an upper bound from
    /// data and not a fit ([`super::Detectors`] fits): see [`InterArrival::dead_time_excess_ticks`] for how far above the dead
    /// time it typically lies, and mind that a single spurious edge makes it too small. `None`
    /// before the second tag.
    pub fn smallest_gap(&self) -> Option<Ticks> {
        self.smallest
    }

    /// By how many ticks [`InterArrival::smallest_gap`] typically exceeds the dead time: for
    /// Poissonian light behind a dead time the excess of the smallest of n gaps is exponentially
    /// distributed with mean `(mean gap − dead time) / n`. `None` before the second tag.
    pub fn dead_time_excess_ticks(&self) -> Option<f64> {
        let smallest = self.smallest?;
        let mean = (self.last?.0 - self.first.0) as f64 / self.count as f64;
        Some((mean - smallest.0 as f64) / self.count as f64)
    }

    /// The bins from the first to the last that counted, empty ones between them included.
    pub fn bins(&self) -> Vec<GapBin> {
        let used = |n: &u64| *n > 0;
        let Some(first) = self.bins.iter().position(used) else { return Vec::new() };
        let last = self.bins.iter().rposition(used).unwrap_or(first);
        (first..=last)
            .map(|i| {
                let (from, to) = log_bins::edges(i, Self::BITS);
                GapBin { from: Ticks(from), to: Ticks(to), count: self.bins[i] }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_light::Light;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_gap_is_the_dead_time_of_simulated_light() {
        let (dead, mut light) = (80_000, Light::new(7));
        let mut gaps = InterArrival::default();
        let mut now = 0;
        for _ in 0..100_000 {
            now += dead + light.gap(1e6);
            gaps.push(Ticks(now)).unwrap();
        }
        let (smallest, typical) =
            (gaps.smallest_gap().unwrap().0, gaps.dead_time_excess_ticks().unwrap());
        assert!((9.9..10.1).contains(&typical), "{typical}");
        assert!((dead..dead + 100).contains(&smallest), "{smallest}");
    }

    #[test]
    fn one_tag_has_no_gap_and_a_step_back_is_refused() {
        let mut gaps = InterArrival::default();
        gaps.push(Ticks(5)).unwrap();
        assert_eq!((gaps.smallest_gap(), gaps.bins().len()), (None, 0));
        assert_eq!(gaps.push(Ticks(4)), Err(OutOfOrder { tick: Ticks(4), last: Ticks(5) }));
        gaps.push(Ticks(5)).unwrap();
        assert_eq!((gaps.smallest_gap(), gaps.count()), (Some(Ticks(0)), 1));
    }

    proptest! {
        #[test]
        fn every_gap_counts_in_the_bin_that_contains_it(
            sizes in prop::collection::vec(0u32..50, 1..50),
        ) {
            let steps: Vec<u64> = sizes.iter().map(|s| (1u64 << s) + u64::from(*s)).collect();
            let mut gaps = InterArrival::default();
            let mut now = 0;
            gaps.push(Ticks(now)).unwrap();
            for step in &steps {
                now += step;
                gaps.push(Ticks(now)).unwrap();
            }
            prop_assert_eq!(gaps.smallest_gap(), steps.iter().min().map(|s| Ticks(*s)));
            for bin in gaps.bins() {
                let inside = steps.iter().filter(|s| (bin.from.0..=bin.to.0).contains(s)).count();
                prop_assert_eq!(bin.count, inside as u64);
            }
            prop_assert_eq!(gaps.bins().iter().map(|b| b.count).sum::<u64>(), steps.len() as u64);
        }
    }
}
