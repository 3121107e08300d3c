//! Dead time and afterpulses of detectors, from the gaps between their counts.
//!
//! Under steady Poissonian light (or in the dark) the gaps of a channel are zero below the dead
//! time, then fall off exponentially; afterpulses are an excess of short gaps over that tail. Both
//! are fitted with the model in `model.rs`, by maximum likelihood. Pulsed or fluctuating light has
//! other gaps; [`DetectorEstimate::chi2`] tells.

mod gaps;
mod model;

use helio_units::Ticks;

use super::{Estimate, OutOfOrder, log_bins};
use gaps::Gaps;
use model::Model;

/// Gathers the gaps of any number of channels; half a megabyte each at most.
#[derive(Clone, Debug, Default)]
pub struct Detectors {
    channels: Vec<Option<Channel>>,
}

#[derive(Clone, Debug, Default)]
struct Channel {
    /// How many gaps stand in each bin of [`Detectors::BITS`]; only as long as needed.
    bins: Vec<u64>,
    last: Ticks,
    smallest: Option<u64>,
}

/// What a channel's gaps say of its detector.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorEstimate {
    /// How many gaps were used.
    pub gaps: u64,
    /// How many were left out, because they are shorter than half the dead time: double pulses
    /// and crosstalk.
    pub short_gaps: u64,
    /// The shortest gap that was used, to a tick or 0.1 %: an upper bound of the dead time where the
    /// onset is sharp.
    pub shortest_gap: Ticks,
    /// The time after a count during which there is no other, in ticks.
    pub dead_time: Estimate,
    /// Light and dark counts per tick while the detector is alive: the rate without dead time and
    /// without afterpulses.
    pub alive_rate: Estimate,
    /// The probability that a count is followed by an afterpulse after its dead time; what is
    /// released within the dead time and not seen is not in it. `None` for too few counts.
    pub afterpulse: Option<Estimate>,
    /// The mean time from the end of the dead time to the afterpulse, in ticks. `None` where
    /// afterpulses are so few, so fast or so slow that the counts do not tell.
    pub afterpulse_decay: Option<Estimate>,
    /// χ² of the fit (Pearson): near [`DetectorEstimate::freedom`] where the model holds.
    pub chi2: f64,
    /// Its degrees of freedom.
    pub freedom: u32,
    model: Model,
}

impl DetectorEstimate {
    /// The share of gaps longer than this many ticks, by the fitted model.
    pub fn share_longer(&self, gap: f64) -> f64 {
        self.model.survival((gap - self.dead_time.value).max(0.0))
    }

    /// The same without afterpulses: the exponential tail, extrapolated down to the dead time.
    pub fn share_longer_in_tail(&self, gap: f64) -> f64 {
        let Model { rate, decay, .. } = self.model;
        let long = 40.0 * decay;
        let amplitude = self.model.survival(long) * (rate * long).exp();
        amplitude * (-rate * (gap - self.dead_time.value).max(0.0)).exp()
    }
}

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDetectorEstimate {
    /// Fewer than [`Detectors::FEWEST`] gaps.
    #[error(
        "channel {channel} has {gaps} gaps and an estimate needs {}; record longer",
        Detectors::FEWEST
    )]
    TooFew {
        /// The channel.
        channel: u8,
        /// How many it has.
        gaps: u64,
    },
    /// The gaps do not fall off with time.
    #[error(
        "the gaps of channel {channel} do not fall off as those of steady light do; \
        use a dark or steadily lit recording"
    )]
    NoTail {
        /// The channel.
        channel: u8,
    },
}

impl Detectors {
    /// Bins of 0.1 % or less of the gap.
    const BITS: u32 = 10;
    /// So few gaps still give an estimate.
    pub const FEWEST: u64 = 10;

    /// Takes the next count of any channel.
    ///
    /// # Errors
    /// A count before its predecessor on the same channel; it is left out.
    pub fn push(&mut self, tick: Ticks, channel: u8) -> Result<(), OutOfOrder> {
        let number = usize::from(channel);
        if self.channels.len() <= number {
            self.channels.resize_with(number + 1, || None);
        }
        let Some(seen) = &mut self.channels[number] else {
            self.channels[number] = Some(Channel { last: tick, ..Channel::default() });
            return Ok(());
        };
        let last = seen.last;
        let gap = tick.0.checked_sub(last.0).ok_or(OutOfOrder { tick, last })?;
        let index = log_bins::index(gap, Self::BITS);
        if seen.bins.len() <= index {
            seen.bins.resize(index + 1, 0);
        }
        seen.bins[index] += 1;
        seen.last = tick;
        seen.smallest = Some(seen.smallest.map_or(gap, |s| s.min(gap)));
        Ok(())
    }

    /// Channels that counted, by rising number.
    pub fn channels(&self) -> impl Iterator<Item = u8> + '_ {
        self.channels.iter().zip(0u8..=255).filter(|(c, _)| c.is_some()).map(|(_, n)| n)
    }

    /// What a channel's gaps say. Takes some milliseconds.
    ///
    /// # Errors
    /// Too few gaps, or gaps unlike those of any detector in steady light.
    pub fn estimate(&self, channel: u8) -> Result<DetectorEstimate, NoDetectorEstimate> {
        let seen = self.channels.get(usize::from(channel)).and_then(Option::as_ref);
        let gaps = seen.map_or(0, |c| c.bins.iter().sum());
        let (Some(seen), true) = (seen, gaps >= Self::FEWEST) else {
            return Err(NoDetectorEstimate::TooFew { channel, gaps });
        };
        let gaps = Gaps::new(&seen.bins, Self::BITS, seen.smallest.unwrap_or(0));
        gaps.estimate().ok_or(NoDetectorEstimate::NoTail { channel })
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Dice;
    use super::*;

    fn estimate(ticks: &[u64]) -> Result<DetectorEstimate, NoDetectorEstimate> {
        let mut detectors = Detectors::default();
        for tick in ticks {
            detectors.push(Ticks(*tick), 3).unwrap();
        }
        detectors.estimate(3)
    }

    fn renewal(seed: u64, n: usize, mut gap: impl FnMut(&mut Dice) -> f64) -> Vec<u64> {
        let (mut dice, mut now) = (Dice::new(seed), 0.0);
        (0..n)
            .map(|_| {
                now += gap(&mut dice);
                now as u64
            })
            .collect()
    }

    #[test]
    fn few_counts_give_wide_errors_and_fewer_none() {
        assert_eq!(estimate(&[]), Err(NoDetectorEstimate::TooFew { channel: 3, gaps: 0 }));
        let ticks = renewal(1, 10, |d| 1e4 + d.exponential(1e6));
        assert_eq!(estimate(&ticks), Err(NoDetectorEstimate::TooFew { channel: 3, gaps: 9 }));
        let few = estimate(&renewal(1, 40, |d| 1e4 + d.exponential(1e6))).unwrap();
        assert!((few.dead_time.value - 1e4).abs() < 3.0 * few.dead_time.error, "{few:?}");
        assert!(few.dead_time.error > 1e4 && few.afterpulse_decay.is_none());
    }

    #[test]
    fn blurred_onset_and_a_few_double_pulses_do_little_harm() {
        let jittered = |d: &mut Dice| {
            let double = d.uniform() < 5e-5;
            if double { 300.0 } else { 80_000.0 + 400.0 * d.normal() + d.exponential(1e6) }
        };
        let found = estimate(&renewal(5, 500_000, jittered)).unwrap();
        assert!((found.dead_time.value - 80_000.0).abs() < 200.0, "{:?}", found.dead_time);
        assert!(found.short_gaps > 5, "{found:?}");
    }

    /// As in a real detector: a hump of counts some time after the dead time.
    #[test]
    fn a_hump_after_the_onset_is_not_the_dead_time() {
        let gap = |d: &mut Dice| match d.uniform() {
            u if u < 0.005 => 115_000.0 + 3_000.0 * d.normal(),
            u if u < 0.01 => 81_000.0 + d.exponential(40_000.0),
            _ => 81_000.0 + d.exponential(1.6e7),
        };
        let found = estimate(&renewal(6, 300_000, gap)).unwrap();
        assert!((found.dead_time.value - 81_000.0).abs() < 500.0, "{:?}", found.dead_time);
        assert!((found.shortest_gap.0 as f64 - 81_000.0).abs() < 300.0);
    }

    #[test]
    fn without_afterpulses_none_are_seen() {
        let found = estimate(&renewal(7, 200_000, |d| 5e4 + d.exponential(2e5))).unwrap();
        let afterpulse = found.afterpulse.unwrap();
        assert!(afterpulse.value.abs() < 3.0 * afterpulse.error && afterpulse.error < 0.003);
        assert_eq!(found.afterpulse_decay, None);
        assert!((found.alive_rate.value * 2e5 - 1.0).abs() < 0.01);
        assert!(found.chi2 < f64::from(found.freedom) + 4.0 * f64::from(2 * found.freedom).sqrt());
    }

    #[test]
    fn any_gaps_give_an_estimate_or_a_reason_but_no_panic() {
        let same = vec![5u64; 100];
        let even: Vec<u64> = (0..100).map(|i| i * 1000).collect();
        let wild: Vec<u64> = (0..64).map(|i| 1u64 << i).collect();
        let far: Vec<u64> = (0..20).map(|i| u64::MAX / 20 * i).collect();
        for ticks in [same, even, wild, far] {
            if let Ok(found) = estimate(&ticks) {
                assert!(found.dead_time.value.is_finite() && found.dead_time.error.is_finite());
            }
        }
        let mut detectors = Detectors::default();
        detectors.push(Ticks(9), 0).unwrap();
        assert!(detectors.push(Ticks(8), 0).is_err());
        detectors.push(Ticks(8), 1).unwrap();
        assert_eq!(detectors.channels().collect::<Vec<_>>(), [0, 1]);
    }
}
