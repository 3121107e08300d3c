//! g²(τ) in bins that grow with the delay, over any number of decades.
//!
//! All pairs are counted, exactly, with one look at each edge of a bin for each tag instead of one
//! for each pair: the pairs of a bin are the difference of how many earlier tags lie before either
//! edge, and those places only ever move on (Laurence, Fore and Huser, Opt. Lett. 31, 829 (2006)).
//! The time does not grow with the rates, and no tag is averaged away as in multiple-tau hardware.
//! A bin that holds w whole delays around τ expects N_A · N_B · w · (T − τ) / T² pairs, as in
//! [`super::Correlation`].

use std::collections::VecDeque;

use helio_units::Ticks;

use super::{OutOfOrder, Uncounted, log_bins};

/// Which channels are correlated, and over which delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCorrelationSettings {
    /// The channel that delays are counted from.
    pub a: u8,
    /// The channel that delays are counted to, not before `a`; the same as `a` for a channel with
    /// itself.
    pub b: u8,
    /// Delays shorter than this stand in one bin; at least one tick.
    pub shortest: Ticks,
    /// Delays at least as long are not counted; the last bin may reach a little beyond.
    pub longest: Ticks,
    /// The number of bins in a factor of two is 2 to the power of this; at most
    /// [`LogCorrelationSettings::MAX_BITS`].
    pub bits: u32,
}

impl LogCorrelationSettings {
    /// 64 bins an octave.
    pub const MAX_BITS: u32 = 6;
}

/// Why a correlation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a logarithmic correlation has delays of one tick or more, the longest beyond the shortest \
     and below 2^62 ticks, and up to 64 bins an octave"
)]
pub struct InvalidLogCorrelation;

/// One bin of g²(τ).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogBin {
    /// The shortest delay of the bin, in ticks.
    pub from: u64,
    /// The longest.
    pub to: u64,
    /// Pairs counted.
    pub pairs: u64,
    /// Pairs that unrelated light of the same rates would give.
    pub expected: f64,
    /// `pairs / expected`; `None` where none are expected.
    pub g2: Option<f64>,
    /// The Poissonian standard error of `g2`: √pairs / expected, that of one pair where none was
    /// counted. Two tags of one channel at the same tick count twice, once in either order, and the
    /// error is that of one pair, doubled. Pairs that share a tag are not independent: where light is
    /// bunched the true error is larger.
    pub error: Option<f64>,
}

impl LogBin {
    /// The delay in the bin's middle: geometric, for a logarithmic axis.
    pub fn delay(&self) -> f64 {
        ((self.from as f64 - 0.5).max(0.5) * (self.to as f64 + 0.5)).sqrt()
    }
}

/// Counts the pairs. Remembers the tags of the longest delay, at most [`LogCorrelation::MOST_HELD`]
/// of them: where the rate is so high that more would have to be, the longest delays are given up.
#[derive(Clone, Debug)]
pub struct LogCorrelation {
    settings: LogCorrelationSettings,
    /// Where bins begin, rising, and the end of the last.
    edges: Vec<u64>,
    /// Of each edge the number of tags of A that lie at least so far back.
    places: Vec<u64>,
    /// The sum of that over all tags of B.
    sums: Vec<u64>,
    /// Tags of A that some edge has yet to pass; the first is number `forgotten`.
    recent: VecDeque<u64>,
    forgotten: u64,
    /// Tags of B at the present tick: they wait for those of A at the same.
    waiting: u64,
    zero_pairs: u64,
    /// Pairs of different tags of one channel at the same tick, in either order.
    counted_twice: u64,
    given_up: bool,
    counts: [u64; 2],
    first: Option<Ticks>,
    last: Ticks,
    most_held: usize,
}

impl LogCorrelation {
    /// 2²² tags: 32 MiB.
    pub const MOST_HELD: usize = 1 << 22;

    /// Starts with no pairs.
    ///
    /// # Errors
    /// Delays that make no bins.
    pub fn new(settings: LogCorrelationSettings) -> Result<LogCorrelation, InvalidLogCorrelation> {
        let LogCorrelationSettings { shortest, longest, bits, .. } = settings;
        let sound = shortest.0 >= 1
            && longest > shortest
            && longest.0 < 1 << 62
            && bits <= LogCorrelationSettings::MAX_BITS;
        if !sound {
            return Err(InvalidLogCorrelation);
        }
        let (first, last) = (log_bins::index(shortest.0, bits), log_bins::index(longest.0, bits));
        // The bin before the one of the shortest delay ends where that begins.
        let mut edges: Vec<u64> =
            (first..=last).map(|index| log_bins::edges(index, bits).0).collect();
        edges[0] = edges[0].max(1);
        if edges.last().is_some_and(|edge| *edge < longest.0) {
            edges.push(log_bins::edges(last, bits).1 + 1);
        }
        edges.insert(0, 0);
        Ok(LogCorrelation {
            settings,
            places: vec![0; edges.len()],
            sums: vec![0; edges.len()],
            edges,
            recent: VecDeque::new(),
            forgotten: 0,
            waiting: 0,
            zero_pairs: 0,
            counted_twice: 0,
            given_up: false,
            counts: [0; 2],
            first: None,
            last: Ticks(0),
            most_held: Self::MOST_HELD,
        })
    }

    /// Takes the next tag, of any channel; tags of other channels are passed over.
    ///
    /// # Errors
    /// A tag of a counted channel before its predecessor; it is not counted. More tags within the
    /// shortest delay than can be held; nothing is left to give up then.
    pub fn push(&mut self, tick: Ticks, channel: u8) -> Result<(), Uncounted> {
        let LogCorrelationSettings { a, b, .. } = self.settings;
        if channel != a && channel != b {
            return Ok(());
        }
        if tick < self.last {
            return Err(OutOfOrder { tick, last: self.last }.into());
        }
        if tick > self.last {
            self.settle()?;
        }
        self.first.get_or_insert(tick);
        self.last = tick;
        if channel == a {
            self.counts[0] += 1;
            self.recent.push_back(tick.0);
            if self.recent.len() > 2 * self.most_held {
                self.give_up()?;
            }
        }
        if channel == b {
            self.counts[1] += 1;
            self.waiting += 1;
        }
        Ok(())
    }

    /// Counts the pairs of the waiting tags of B.
    fn settle(&mut self) -> Result<(), Uncounted> {
        if self.waiting > 0 {
            let now = self.last.0;
            let end = self.forgotten + self.recent.len() as u64;
            for ((edge, place), sum) in self.edges.iter().zip(&mut self.places).zip(&mut self.sums)
            {
                while *place < end && now - self.recent[(*place - self.forgotten) as usize] >= *edge
                {
                    *place += 1;
                }
                // Only differences of sums are ever used: wrapping does no harm.
                *sum = sum.wrapping_add(place.wrapping_mul(self.waiting));
            }
            if self.settings.a == self.settings.b {
                // No tag pairs with itself.
                self.zero_pairs += self.waiting;
                self.counted_twice += self.waiting * (self.waiting - 1);
            }
            self.waiting = 0;
        }
        let passed = self.places.last().copied().unwrap_or(0);
        while self.forgotten < passed {
            self.recent.pop_front();
            self.forgotten += 1;
        }
        self.give_up()
    }

    /// Gives up the longest delays as long as too many tags are held for them.
    fn give_up(&mut self) -> Result<(), Uncounted> {
        while self.recent.len() > self.most_held {
            // Between two tags of B the places of edges stand still; bring the last one up to date.
            let (Some(edge), Some(place)) = (self.edges.last(), self.places.last_mut()) else {
                return Ok(());
            };
            let (now, end) = (self.last.0, self.forgotten + self.recent.len() as u64);
            while *place < end && now - self.recent[(*place - self.forgotten) as usize] >= *edge {
                *place += 1;
            }
            let place = *place;
            if place == self.forgotten {
                if self.edges.len() <= 2 {
                    return Err(Uncounted::TooDense);
                }
                self.edges.pop();
                self.places.pop();
                self.sums.pop();
                self.given_up = true;
                continue;
            }
            while self.forgotten < place {
                self.recent.pop_front();
                self.forgotten += 1;
            }
            for other in &mut self.places {
                *other = (*other).max(place);
            }
        }
        Ok(())
    }

    /// What is correlated.
    pub fn settings(&self) -> LogCorrelationSettings {
        self.settings
    }

    /// The longest delay that is counted, where the rate is so high that longer ones had to be given
    /// up.
    pub fn ends_early(&self) -> Option<Ticks> {
        let end = self.edges.last().filter(|_| self.given_up)?;
        Some(Ticks(end - 1))
    }

    /// Tags of channels `a` and `b` so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.counts[0], self.counts[1])
    }

    /// The length of the measurement: from the first tag to the last, both included.
    pub fn duration(&self) -> Ticks {
        Ticks(self.first.map_or(0, |first| (self.last.0 - first.0).saturating_add(1)))
    }

    /// g²(τ) of what was counted, from the shortest delays to the longest.
    pub fn bins(&self) -> Vec<LogBin> {
        let mut settled = self.clone();
        // What waits is counted before there could be too much of it.
        _ = settled.settle();
        let duration = self.duration().0 as f64;
        let (n_a, n_b) = self.counts();
        let same = self.settings.a == self.settings.b;
        let partners = if same { n_b.saturating_sub(1) } else { n_b };
        let scale = n_a as f64 * partners as f64 / (duration * duration);
        let bins = settled.edges.windows(2).zip(settled.sums.windows(2));
        bins.enumerate()
            .map(|(index, (edge, sum))| {
                let (own, twice) = match index {
                    0 => (settled.zero_pairs, settled.counted_twice),
                    _ => (0, 0),
                };
                let pairs = sum[0].wrapping_sub(sum[1]).wrapping_sub(own);
                let (from, to) = (edge[0], edge[1] - 1);
                let middle = 0.5 * (from as f64 + to as f64);
                let seen = (duration - middle).max(0.0);
                let width = (to - from + 1) as f64;
                let expected = if duration > 0.0 { scale * width * seen } else { 0.0 };
                let over = |value: f64| (expected > 0.0).then(|| value / expected);
                // Twice the error of half as many: a variance of 4 for two.
                let spread = (pairs.max(1) as f64 + twice as f64).sqrt();
                LogBin { from, to, pairs, expected, g2: over(pairs as f64), error: over(spread) }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(a: u8, b: u8, shortest: u64, longest: u64, bits: u32) -> LogCorrelationSettings {
        LogCorrelationSettings { a, b, shortest: Ticks(shortest), longest: Ticks(longest), bits }
    }

    fn correlate(settings: LogCorrelationSettings, tags: &[(u64, u8)]) -> LogCorrelation {
        let mut correlation = LogCorrelation::new(settings).unwrap();
        for &(tick, channel) in tags {
            correlation.push(Ticks(tick), channel).unwrap();
        }
        correlation
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_every_tag_against_every_other(
            gaps in prop::collection::vec((0u64..40, 0u8..3), 0..150),
            b in 0u8..2,
            shortest in 1u64..9,
            more in 1u64..200,
            bits in 0u32..4,
        ) {
            let mut now = 1000;
            let tags: Vec<_> = gaps.iter().map(|&(gap, c)| { now += gap; (now, c) }).collect();
            let found = correlate(settings(0, b, shortest, shortest + more, bits), &tags).bins();
            prop_assert_eq!(found[0].from, 0);
            prop_assert!(found.windows(2).all(|w| w[0].to + 1 == w[1].from));
            prop_assert!(found[found.len() - 1].to + 1 >= shortest + more);
            for bin in found {
                let mut pairs = 0;
                for (i, start) in tags.iter().enumerate().filter(|(_, t)| t.1 == 0) {
                    for (j, stop) in tags.iter().enumerate().filter(|(_, t)| t.1 == b) {
                        let delay = stop.0.checked_sub(start.0);
                        let inside = delay.is_some_and(|d| (bin.from..=bin.to).contains(&d));
                        pairs += u64::from(i != j && inside);
                    }
                }
                prop_assert_eq!(bin.pairs, pairs);
            }
        }
    }

    #[test]
    fn the_longest_delays_are_given_up_before_memory() {
        let tags: Vec<(u64, u8)> = (0..20_000).map(|t| (t, u8::from(t % 50 == 49))).collect();
        let mut correlation = LogCorrelation::new(settings(0, 1, 1, 10_000, 0)).unwrap();
        correlation.most_held = 1000;
        for &(tick, channel) in &tags {
            correlation.push(Ticks(tick), channel).unwrap();
            assert!(correlation.recent.len() <= 1001);
        }
        let bins = correlation.bins();
        let last = bins[bins.len() - 1];
        assert!((300..1024).contains(&last.to), "{last:?}");
        let all = correlate(settings(0, 1, 1, 10_000, 0), &tags).bins();
        assert_eq!(bins[..], all[..bins.len()]);
        assert_eq!(correlation.ends_early(), Some(Ticks(last.to)));
        assert_eq!(correlate(settings(0, 1, 1, 10_000, 0), &tags).ends_early(), None);
        // Nothing but tags of A, and more than fit.
        let mut correlation = LogCorrelation::new(settings(0, 1, 1, 2, 0)).unwrap();
        correlation.most_held = 10;
        let refused = (0..100).find_map(|_| correlation.push(Ticks(7), 0).err());
        assert_eq!(refused, Some(Uncounted::TooDense));
        assert!(correlation.recent.len() <= 21, "{}", correlation.recent.len());
    }

    #[test]
    fn pairs_at_the_same_tick_have_the_error_of_those_that_count_once() {
        let tags = [(1000, 0), (1000, 0), (1002, 0), (5000, 0)];
        let bin = correlate(settings(0, 0, 8, 100, 2), &tags).bins()[0];
        // One pair twice, two pairs once: 4 + 2.
        assert_eq!(bin.pairs, 4);
        assert!((bin.error.unwrap() * bin.expected - 6.0f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_refused_and_nothing_gives_nothing() {
        for (shortest, longest, bits) in [(0, 5, 1), (5, 5, 1), (1, 1 << 62, 1), (1, 5, 7)] {
            let refused = LogCorrelation::new(settings(0, 1, shortest, longest, bits)).err();
            assert_eq!(refused, Some(InvalidLogCorrelation));
        }
        for tags in [&[][..], &[(5, 0)]] {
            let bins = correlate(settings(0, 0, 1, 100, 2), tags).bins();
            assert!(bins.iter().all(|bin| bin.pairs == 0 && bin.g2.is_none()));
        }
        let mut correlation = LogCorrelation::new(settings(0, 1, 1, 9, 0)).unwrap();
        correlation.push(Ticks(7), 0).unwrap();
        assert_eq!(correlation.push(Ticks(6), 5), Ok(()), "a channel that is not asked for");
        assert!(correlation.push(Ticks(6), 1).is_err());
    }
}
