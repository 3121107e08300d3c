//! Counts over time.

use helio_units::{TickLength, Ticks};

use super::Estimate;

/// Counts a channel and a time bin.
///
/// A trace's length need not be known: when the bins run out, neighbours are merged and the bin
/// becomes twice as long, so that the memory stays and the whole trace is always covered with
/// between half and all of the bins.
#[derive(Clone, Debug)]
pub struct Rates {
    origin: Ticks,
    bin: u64,
    max_bins: usize,
    channels: Vec<Vec<u64>>,
    reached: Ticks,
}

impl Rates {
    /// Bins of `first_bin` ticks (at least 1) from `origin` on; at most `max_bins` of them (at
    /// least 2) before they double.
    pub fn new(origin: Ticks, first_bin: Ticks, max_bins: usize) -> Rates {
        Rates {
            origin,
            bin: first_bin.0.max(1),
            max_bins: max_bins.max(2),
            channels: Vec::new(),
            reached: origin,
        }
    }

    /// Counts a tag; the order does not matter. A tag before the origin counts in the first bin.
    pub fn push(&mut self, tick: Ticks, channel: u8) {
        let index = self.index(tick);
        let channel = usize::from(channel);
        if self.channels.len() <= channel {
            self.channels.resize_with(channel + 1, Vec::new);
        }
        let bins = &mut self.channels[channel];
        if bins.len() <= index {
            bins.resize(index + 1, 0);
        }
        bins[index] += 1;
    }

    /// Says that the measurement went on until `tick` even if nothing was detected.
    pub fn reach(&mut self, tick: Ticks) {
        self.index(tick);
    }

    /// The length of a bin.
    pub fn bin(&self) -> Ticks {
        Ticks(self.bin)
    }

    /// The length of the part of the last bin that was measured; at least one tick.
    pub fn last_bin(&self) -> Ticks {
        Ticks((self.reached.0 - self.origin.0) % self.bin + 1)
    }

    /// How many bins there are: every bin up to the time reached.
    pub fn bins(&self) -> usize {
        ((self.reached.0 - self.origin.0) / self.bin) as usize + 1
    }

    /// Channels that counted, by rising number.
    pub fn channels(&self) -> impl Iterator<Item = u8> + '_ {
        self.channels.iter().zip(0u8..=255).filter(|(bins, _)| !bins.is_empty()).map(|(_, n)| n)
    }

    /// The counts of a channel, one for each of [`Rates::bins`].
    pub fn counts(&self, channel: u8) -> Vec<u64> {
        let mut bins = self.channels.get(usize::from(channel)).cloned().unwrap_or_default();
        bins.resize(self.bins(), 0);
        bins
    }

    /// How many bins say something of a rate: all but a last one that was measured for less than half
    /// its length. Where a measurement ends with a detection, as where nothing else tells its end, such
    /// a bin holds a count however short it is, and counts over time may be anything.
    pub fn told_bins(&self) -> usize {
        let hardly_begun = self.last_bin().0 < self.bin / 2;
        (self.bins() - usize::from(hardly_begun)).max(1)
    }

    /// The rate of a channel in counts a second, one for each of [`Rates::bins`], with its Poissonian
    /// error: √n, and 1 where nothing was counted, over the measured time. `None` beyond
    /// [`Rates::told_bins`].
    pub fn rates_hz(&self, channel: u8, tick: TickLength) -> Vec<Option<Estimate>> {
        let (last, told) = (self.bins() - 1, self.told_bins());
        let rate = |(i, n): (usize, u64)| {
            let ticks = if i == last { self.last_bin().0 } else { self.bin };
            (i < told).then(|| rate_of(n, ticks, tick))
        };
        self.counts(channel).into_iter().enumerate().map(rate).collect()
    }

    /// The rate of a channel over all that was measured, with its Poissonian error.
    pub fn mean_hz(&self, channel: u8, tick: TickLength) -> Estimate {
        let count = self.counts(channel).iter().sum();
        rate_of(count, (self.reached.0 - self.origin.0).saturating_add(1), tick)
    }

    /// As [`Rates::rates_hz`], with so many neighbours taken together that at most `columns`
    /// (at least 1) remain: the counts of a group over its measured time, without a last group that
    /// was measured for less than half its length.
    pub fn merged_rates_hz(&self, channel: u8, tick: TickLength, columns: usize) -> Vec<f64> {
        let counts = self.counts(channel);
        let group = counts.len().div_ceil(columns.max(1));
        let end = (self.bins() as u64 - 1) * self.bin + self.last_bin().0;
        let whole = group as u64 * self.bin;
        let rates = counts.chunks(group).enumerate().filter_map(|(i, counts)| {
            let ticks = (end - i as u64 * whole).min(whole);
            let told = i == 0 || ticks >= whole / 2;
            told.then(|| rate_of(counts.iter().sum(), ticks, tick).value)
        });
        rates.collect()
    }

    fn index(&mut self, tick: Ticks) -> usize {
        self.reached = self.reached.max(tick);
        let elapsed = tick.0.saturating_sub(self.origin.0);
        // Beyond 2⁶³ ticks doubling would overflow, but two bins of 2⁶³ cover all there is.
        while elapsed / self.bin >= self.max_bins as u64 {
            self.bin *= 2;
            for bins in &mut self.channels {
                *bins = bins.chunks(2).map(|pair| pair.iter().sum()).collect();
            }
        }
        (elapsed / self.bin) as usize
    }
}

fn rate_of(count: u64, ticks: u64, tick: TickLength) -> Estimate {
    let seconds = ticks as f64 * tick.as_ps_f64() * 1e-12;
    let count = count as f64;
    Estimate { value: count / seconds, error: count.max(1.0).sqrt() / seconds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates(tags: &[(u64, u8)], bin: u64, max_bins: usize) -> Rates {
        let mut rates = Rates::new(Ticks(0), Ticks(bin), max_bins);
        for &(tick, channel) in tags {
            rates.push(Ticks(tick), channel);
        }
        rates
    }

    #[test]
    fn counts_stand_in_their_bins() {
        let mut r = rates(&[(0, 1), (9, 1), (10, 1), (25, 3)], 10, 8);
        r.reach(Ticks(34));
        assert_eq!(r.channels().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(r.counts(1), [2, 1, 0, 0]);
        assert_eq!(r.counts(3), [0, 0, 1, 0]);
        assert_eq!((r.bin(), r.last_bin(), r.bins()), (Ticks(10), Ticks(5), 4));
    }

    #[test]
    fn a_rate_is_counts_over_measured_time_with_the_error_of_counts() {
        let microsecond = TickLength::new(1_000_000, 1).unwrap();
        let r = rates(&[(0, 0), (1, 0), (2, 0), (1_000, 0), (1_499, 0)], 1_000, 8);
        let of = |value: f64, error: f64| Some(Estimate { value, error });
        assert_eq!(
            r.rates_hz(0, microsecond),
            [of(3_000.0, 3f64.sqrt() * 1e3), of(4_000.0, 2f64.sqrt() / 5e-4)]
        );
        assert_eq!(r.rates_hz(1, microsecond), [of(0.0, 1e3), of(0.0, 2e3)]);
        assert_eq!(r.mean_hz(0, microsecond).value, 5.0 / 1.5e-3);
    }

    #[test]
    fn a_last_bin_that_was_hardly_begun_tells_no_rate() {
        let microsecond = TickLength::new(1_000_000, 1).unwrap();
        let r = rates(&[(0, 0), (1_000, 0)], 1_000, 8);
        assert_eq!(r.rates_hz(0, microsecond)[1], None);
        assert_eq!((r.told_bins(), r.counts(0)), (1, vec![1, 1]));
        assert_eq!(r.merged_rates_hz(0, microsecond, 8), [1_000.0]);
        // What is all there is stays.
        assert_eq!(rates(&[(0, 0)], 1_000, 8).told_bins(), 1);
    }

    #[test]
    fn merged_rates_are_weighted_by_measured_time() {
        let microsecond = TickLength::new(1_000_000, 1).unwrap();
        // Full bins of 1000, 2000 and 3000 counts/s, and one tag in the single tick of the last.
        let tags: Vec<_> = [0, 1_000, 1_001, 2_000, 2_001, 2_002, 3_000].map(|t| (t, 0)).into();
        let r = rates(&tags, 1_000, 8);
        for (columns, expected) in [
            (2, &[1_500.0, 4.0 / 1_001e-6][..]),
            (9, &[1_000.0, 2_000.0, 3_000.0]),
            (1, &[7.0 / 3_001e-6]),
        ] {
            let merged = r.merged_rates_hz(0, microsecond, columns);
            assert_eq!(merged.len(), expected.len());
            for (rate, expected) in merged.iter().zip(expected) {
                assert!((rate / expected - 1.0).abs() < 1e-12, "{rate}, not {expected}");
            }
        }
    }

    #[test]
    fn the_end_of_time_is_reached_with_two_bins() {
        let r = rates(&[(0, 0), (u64::MAX, 0)], 1, 2);
        assert_eq!((r.bin(), r.counts(0)), (Ticks(1 << 63), vec![1, 1]));
    }

    proptest! {
        #[test]
        fn however_often_the_bins_doubled_the_counts_are_those_of_the_final_bin(
            tags in prop::collection::vec((0u64..1 << 40, 0u8..4), 1..100),
            bin in 1u64..1 << 20,
            max_bins in 2usize..50,
        ) {
            let r = rates(&tags, bin, max_bins);
            prop_assert!(r.bins() <= max_bins);
            for channel in 0..4 {
                let mut expected = vec![0; r.bins()];
                for &(tick, c) in &tags {
                    expected[(tick / r.bin().0) as usize] += u64::from(c == channel);
                }
                prop_assert_eq!(r.counts(channel), expected);
            }
        }
    }
}
