//! The second-order correlation g²(τ), counted from all pairs of tags.
//!
//! g²(τ) is the number of pairs with delay τ = t_B − t_A over the number that unrelated light of
//! the same rates would give (Glauber, Phys. Rev. 130, 2529 (1963)). A measurement of length T sees
//! a delay τ only in T − |τ| of it, so a bin of width w around τ expects `N_A · N_B · w · (T − |τ|)
//! / T²` pairs; of a channel with itself `N · (N − 1) · w · (T − |τ|) / T²`, as no tag pairs with
//! itself. T runs from the first tag to the last of the two channels.

use std::collections::VecDeque;

use helio_units::Ticks;

use super::OutOfOrder;

/// Which channels are correlated, and over which delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorrelationSettings {
    /// The channel that delays are counted from.
    pub a: u8,
    /// The channel that delays are counted to; the same as `a` for a channel with itself.
    pub b: u8,
    /// The width of a bin; at least one tick.
    pub bin: Ticks,
    /// How many bins lie on either side of the bin around zero delay; 1 to
    /// [`CorrelationSettings::MAX_BINS_PER_SIDE`].
    pub bins_per_side: u32,
}

impl CorrelationSettings {
    /// 2²⁰ bins on either side: 16 MiB of counters.
    pub const MAX_BINS_PER_SIDE: u32 = 1 << 20;
}

/// Why a correlation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a correlation has bins of at least one tick, 1 to 2^20 of them on either side, and delays \
     below 2^62 ticks"
)]
pub struct InvalidCorrelation;

/// One bin of g²(τ).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The delay at the bin's centre, in ticks; the bin covers `bin` ticks around it, from
    /// `delay − ⌊bin/2⌋` on.
    pub delay: i64,
    /// Pairs counted.
    pub pairs: u64,
    /// Pairs that unrelated light of the same rates would give.
    pub expected: f64,
    /// `pairs / expected`; `None` where none are expected.
    pub g2: Option<f64>,
    /// The Poissonian standard error of `g2`: √pairs / expected, and that of one pair where none
    /// was counted. In the zero bin of a channel with itself every pair counts twice, once in
    /// either order, and the error is that of half as many pairs, doubled. Pairs that share a tag
    /// are not independent: where many tags fall into one range of delays the true error is larger.
    pub error: Option<f64>,
}

/// Counts all pairs of tags of two channels, or of one channel with itself, whose delay lies in the
/// range. Remembers only the tags of the last range.
#[derive(Clone, Debug)]
pub struct Correlation {
    settings: CorrelationSettings,
    reach: u64,
    pairs: Pairs,
    recent_a: VecDeque<u64>,
    recent_b: VecDeque<u64>,
    counts: [u64; 2],
    first: Option<Ticks>,
    last: Ticks,
}

impl Correlation {
    /// Starts with no pairs.
    ///
    /// # Errors
    /// No bins, more than a computer likes to hold, or delays beyond all sense.
    pub fn new(settings: CorrelationSettings) -> Result<Correlation, InvalidCorrelation> {
        let CorrelationSettings { bin, bins_per_side: side, .. } = settings;
        let reach = bin.0.checked_mul(u64::from(side)).and_then(|r| r.checked_add(bin.0 / 2));
        let sides = 1..=CorrelationSettings::MAX_BINS_PER_SIDE;
        let reach = reach.filter(|r| *r < 1 << 62).ok_or(InvalidCorrelation)?;
        if bin.0 == 0 || !sides.contains(&side) {
            return Err(InvalidCorrelation);
        }
        Ok(Correlation {
            settings,
            reach,
            pairs: Pairs {
                bin: bin.0 as i64,
                side: i64::from(side),
                counts: vec![0; 2 * side as usize + 1],
            },
            recent_a: VecDeque::new(),
            recent_b: VecDeque::new(),
            counts: [0; 2],
            first: None,
            last: Ticks(0),
        })
    }

    /// Takes the next tag, of any channel; tags of other channels are passed over.
    ///
    /// # Errors
    /// A tag of a counted channel before its predecessor; it is not counted.
    pub fn push(&mut self, tick: Ticks, channel: u8) -> Result<(), OutOfOrder> {
        let CorrelationSettings { a, b, .. } = self.settings;
        if channel != a && channel != b {
            return Ok(());
        }
        if tick < self.last {
            return Err(OutOfOrder { tick, last: self.last });
        }
        self.first.get_or_insert(tick);
        self.last = tick;
        let (now, reach) = (tick.0, self.reach);
        forget(&mut self.recent_a, now, reach);
        forget(&mut self.recent_b, now, reach);
        if a == b {
            for &then in &self.recent_a {
                let delay = (now - then) as i64;
                self.pairs.count(delay);
                self.pairs.count(-delay);
            }
        } else if channel == b {
            self.recent_a.iter().for_each(|then| self.pairs.count((now - then) as i64));
        } else {
            self.recent_b.iter().for_each(|then| self.pairs.count(-((now - then) as i64)));
        }
        if channel == a {
            self.recent_a.push_back(now);
            self.counts[0] += 1;
        } else {
            self.recent_b.push_back(now);
            self.counts[1] += 1;
        }
        Ok(())
    }

    /// What is correlated.
    pub fn settings(&self) -> CorrelationSettings {
        self.settings
    }

    /// Tags of channels `a` and `b` so far.
    pub fn counts(&self) -> (u64, u64) {
        let [a, b] = self.counts;
        if self.settings.a == self.settings.b { (a, a) } else { (a, b) }
    }

    /// The length of the measurement, T: from the first tag to the last, both included.
    pub fn duration(&self) -> Ticks {
        Ticks(self.first.map_or(0, |first| (self.last.0 - first.0).saturating_add(1)))
    }

    /// g²(τ) of what was counted, from the most negative delay to the most positive.
    pub fn bins(&self) -> Vec<Bin> {
        let CorrelationSettings { a, b, bin, bins_per_side } = self.settings;
        let duration = self.duration().0 as f64;
        let (n_a, n_b) = self.counts();
        let partners = if a == b { n_b.saturating_sub(1) } else { n_b };
        let scale = n_a as f64 * partners as f64 * bin.0 as f64 / (duration * duration);
        let side = i64::from(bins_per_side);
        (-side..=side)
            .zip(&self.pairs.counts)
            .map(|(index, &pairs)| {
                let delay = index * bin.0 as i64;
                let seen = (duration - delay.unsigned_abs() as f64).max(0.0);
                let expected = if duration > 0.0 { scale * seen } else { 0.0 };
                let weight = if a == b && index == 0 { 2.0 } else { 1.0 };
                let spread = (pairs.max(1) as f64 * weight).sqrt();
                let over = |value: f64| (expected > 0.0).then(|| value / expected);
                Bin { delay, pairs, expected, g2: over(pairs as f64), error: over(spread) }
            })
            .collect()
    }
}

/// The counters of the bins.
#[derive(Clone, Debug)]
struct Pairs {
    bin: i64,
    side: i64,
    counts: Vec<u64>,
}

impl Pairs {
    #[inline]
    fn count(&mut self, delay: i64) {
        let index = (delay + self.bin / 2).div_euclid(self.bin) + self.side;
        // With an even bin the longest positive delay within reach lies beyond the last bin.
        if let Some(count) = self.counts.get_mut(index as usize) {
            *count += 1;
        }
    }
}

/// Forgets what is further back than any delay of the range.
fn forget(recent: &mut VecDeque<u64>, now: u64, reach: u64) {
    while recent.front().is_some_and(|then| now - then > reach) {
        recent.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_light::Light;
    use super::*;
    use proptest::prelude::*;

    fn correlate(settings: CorrelationSettings, tags: &[(u64, u8)]) -> Correlation {
        let mut correlation = Correlation::new(settings).unwrap();
        for &(tick, channel) in tags {
            correlation.push(Ticks(tick), channel).unwrap();
        }
        correlation
    }

    /// The obvious way: every tag against every other.
    fn oracle(settings: CorrelationSettings, tags: &[(u64, u8)]) -> Vec<u64> {
        let (bin, side) = (settings.bin.0 as i64, i64::from(settings.bins_per_side));
        let mut pairs = vec![0; 2 * side as usize + 1];
        for (i, start) in tags.iter().enumerate().filter(|(_, t)| t.1 == settings.a) {
            for (j, stop) in tags.iter().enumerate().filter(|(_, t)| t.1 == settings.b) {
                let delay = stop.0 as i64 - start.0 as i64;
                let inside =
                    (-side..=side).position(|k| (0..bin).contains(&(delay - k * bin + bin / 2)));
                if let (true, Some(index)) = (i != j, inside) {
                    pairs[index] += 1;
                }
            }
        }
        pairs
    }

    fn settings(a: u8, b: u8, bin: u64, bins_per_side: u32) -> CorrelationSettings {
        CorrelationSettings { a, b, bin: Ticks(bin), bins_per_side }
    }

    fn mean_g2(bins: &[Bin]) -> f64 {
        let expected: f64 = bins.iter().map(|b| b.expected).sum();
        bins.iter().map(|b| b.pairs as f64).sum::<f64>() / expected
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_the_obvious_way(
            gaps in prop::collection::vec((0u64..20, 0u8..3), 0..150),
            b in 0u8..2,
            bin in 1u64..12,
            side in 1u32..12,
        ) {
            let mut now = 1000;
            let tags: Vec<_> = gaps.iter().map(|&(gap, c)| { now += gap; (now, c) }).collect();
            let settings = settings(0, b, bin, side);
            let counted: Vec<u64> =
                correlate(settings, &tags).bins().iter().map(|bin| bin.pairs).collect();
            prop_assert_eq!(counted, oracle(settings, &tags));
        }
    }

    #[test]
    fn unrelated_light_has_g2_of_one_between_and_within_channels() {
        let mut light = Light::new(1);
        let mut now = 0;
        let tags: Vec<_> = (0..200_000)
            .map(|_| {
                now += light.gap(1_000.0);
                (now, u8::from(light.uniform() < 0.3))
            })
            .collect();
        for (a, b) in [(0, 0), (1, 1), (0, 1), (1, 0)] {
            let bins = correlate(settings(a, b, 101, 50), &tags).bins();
            // Both halves of a channel's own g2 are the same pairs: one half is all there is to
            // test.
            let bins = if a == b { &bins[51..] } else { &bins[..] };
            let chi2: f64 =
                bins.iter().map(|b| ((b.g2.unwrap() - 1.0) / b.error.unwrap()).powi(2)).sum();
            let freedom = bins.len() as f64;
            let limit = 4.0 * (2.0 * freedom).sqrt();
            assert!((chi2 - freedom).abs() < limit, "{a},{b}: chi² {chi2} of {freedom}");
            let total: u64 = bins.iter().map(|b| b.pairs).sum();
            let deviation = (mean_g2(bins) - 1.0) * (total as f64).sqrt();
            assert!(deviation.abs() < 4.0, "{a},{b}: {deviation} σ");
        }
    }

    #[test]
    fn the_expectation_holds_up_to_delays_as_long_as_the_measurement() {
        let mut light = Light::new(3);
        let mut times: Vec<u64> = (0..4_000).map(|_| (light.uniform() * 1e6) as u64).collect();
        times.sort_unstable();
        let tags: Vec<_> = times.iter().map(|t| (*t, 0)).collect();
        let bins = correlate(settings(0, 0, 20_000, 45), &tags).bins();
        for bin in &bins[46..] {
            assert!((bin.g2.unwrap() - 1.0).abs() < 0.12, "{bin:?}");
        }
    }

    /// Light that switches between two intensities at random times (a telegraph signal) has
    /// g²(τ) = 1 + ((I₁ − I₂)/(I₁ + I₂))² · exp(−2|τ|/τ₀), with τ₀ the mean dwell time.
    #[test]
    fn light_that_switches_between_two_levels_is_bunched_as_it_should() {
        let (mut light, dwell, gaps) = (Light::new(5), 40_000.0, [500.0, 2_000.0]);
        let (mut tags, mut begin) = (Vec::new(), 0);
        for level in (0..20_000).map(|i| gaps[i % 2]) {
            let end = begin + light.gap(dwell);
            let mut now = begin + light.gap(level);
            while now < end {
                tags.push((now, u8::from(light.uniform() < 0.5)));
                now += light.gap(level);
            }
            begin = end;
        }
        let contrast = (1.0 / gaps[0] - 1.0 / gaps[1]) / (1.0 / gaps[0] + 1.0 / gaps[1]);
        for (a, b) in [(0, 0), (0, 1)] {
            for bin in correlate(settings(a, b, 2_000, 60), &tags).bins() {
                let tau = bin.delay.unsigned_abs() as f64;
                let expected = 1.0 + contrast * contrast * (-2.0 * tau / dwell).exp();
                let g2 = bin.g2.unwrap();
                assert!((g2 - expected).abs() < 0.03, "{a},{b}: g²({tau}) = {g2}, not {expected}");
            }
        }
    }

    #[test]
    fn a_tag_never_pairs_with_itself_but_with_another_of_the_same_tick() {
        let bins = correlate(settings(0, 0, 1, 1), &[(5, 0), (9, 0), (9, 0)]).bins();
        assert_eq!(bins[1].pairs, 2);
        let expected = 3.0 * 2.0 / 5.0;
        assert!((bins[1].expected - expected).abs() < 1e-12);
        // One pair, counted twice: 100 % error.
        assert!((bins[1].error.unwrap() - 2.0 / expected).abs() < 1e-12);
    }

    #[test]
    fn what_is_remembered_does_not_grow_with_the_trace() {
        let mut correlation = Correlation::new(settings(0, 1, 10, 10)).unwrap();
        for tick in 0..10_000 {
            correlation.push(Ticks(tick), 0).unwrap();
        }
        assert!(correlation.recent_a.len() <= 106 && correlation.recent_a.capacity() < 1_000);
    }

    #[test]
    fn nothing_counted_gives_no_value_rather_than_not_a_number() {
        for tags in [&[][..], &[(5, 0)]] {
            let correlation = correlate(settings(0, 0, 1, 3), tags);
            assert!(correlation.bins().iter().all(|b| b.g2.is_none() && b.error.is_none()));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (bin, side) in [(0, 1), (1, 0), (1, (1 << 20) + 1), (1 << 61, 2), (u64::MAX, 9)] {
            assert_eq!(Correlation::new(settings(0, 1, bin, side)).err(), Some(InvalidCorrelation));
        }
        let mut correlation = Correlation::new(settings(0, 1, 1, 1)).unwrap();
        correlation.push(Ticks(7), 0).unwrap();
        assert_eq!(correlation.push(Ticks(6), 5), Ok(()), "a channel that is not asked for");
        assert!(correlation.push(Ticks(6), 1).is_err());
    }
}
