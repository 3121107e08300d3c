//! A histogram in bins of equal length, and what most of them share.

use helio_units::Ticks;

/// Counts values in bins of equal length from zero on; what lies beyond is counted as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearHistogram {
    from: u64,
    bin: u64,
    counts: Vec<u64>,
    outside: u64,
}

/// Why a histogram was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a histogram has bins of at least one tick, and 1 to 2^20 of them")]
pub struct InvalidHistogram;

impl LinearHistogram {
    /// 8 MiB of counters.
    pub const MAX_BINS: u32 = 1 << 20;

    /// `bins` bins of `bin` ticks each, the first from `from` on.
    ///
    /// # Errors
    /// No bins, or more than [`LinearHistogram::MAX_BINS`].
    pub fn new(from: Ticks, bin: Ticks, bins: u32) -> Result<LinearHistogram, InvalidHistogram> {
        if bin.0 == 0 || !(1..=Self::MAX_BINS).contains(&bins) {
            return Err(InvalidHistogram);
        }
        let counts = vec![0; bins as usize];
        Ok(LinearHistogram { from: from.0, bin: bin.0, counts, outside: 0 })
    }

    /// A histogram that was counted elsewhere.
    pub fn with_counts(from: Ticks, bin: Ticks, counts: Vec<u64>) -> LinearHistogram {
        LinearHistogram { from: from.0, bin: bin.0.max(1), counts, outside: 0 }
    }

    /// Counts a value.
    #[inline]
    pub fn add(&mut self, value: Ticks) {
        let index = value.0.checked_sub(self.from).map(|v| v / self.bin);
        match index.and_then(|i| self.counts.get_mut(usize::try_from(i).ok()?)) {
            Some(count) => *count += 1,
            None => self.outside += 1,
        }
    }

    /// Where the first bin begins.
    pub fn from(&self) -> Ticks {
        Ticks(self.from)
    }

    /// The length of a bin.
    pub fn bin(&self) -> Ticks {
        Ticks(self.bin)
    }

    /// How often a value fell into each bin; the standard error of each is its root.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many values fell into no bin.
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// How many values fell into bins.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The bins' edges in ticks, one more than bins.
    pub fn edges(&self) -> impl Iterator<Item = f64> + '_ {
        (0..=self.counts.len()).map(|i| self.from as f64 + i as f64 * self.bin as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_bins_or_outside() {
        let mut histogram = LinearHistogram::new(Ticks(10), Ticks(5), 3).unwrap();
        for value in [9, 10, 14, 15, 24, 25, u64::MAX] {
            histogram.add(Ticks(value));
        }
        assert_eq!((histogram.counts(), histogram.outside()), (&[2, 1, 1][..], 3));
        assert_eq!(histogram.edges().collect::<Vec<_>>(), [10.0, 15.0, 20.0, 25.0]);
        for (bin, bins) in [(0, 1), (1, 0), (1, (1 << 20) + 1)] {
            assert!(LinearHistogram::new(Ticks(0), Ticks(bin), bins).is_err());
        }
    }
}
