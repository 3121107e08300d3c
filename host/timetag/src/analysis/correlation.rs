//! The second-order correlation g²(τ), counted from all pairs of tags.
//!
//! g²(τ) is the number of pairs with delay τ = t_B − t_A over the number that unrelated light of
//! the same rates would give (Glauber, Phys. Rev. 130, 2529 (1963)). A measurement of length T sees
//! a delay τ only in T − |τ| of it, so a bin of width w around τ expects `N_A · N_B · w · (T − |τ|)
//! / T²` pairs; of a channel with itself `N · (N − 1) · w · (T − |τ|) / T²`, as no tag pairs with
//! itself. T runs from the first tag to the last of the two channels.

mod pairs;

use helio_units::Ticks;

use super::Uncounted;
use super::clicks::{Intake, LONGEST_REACH};
use super::stretches::{self, Counting};
use pairs::{Level, Pairs};

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
     below 2^59 ticks"
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
    counting: Counting<Pairs>,
}

impl Correlation {
    /// Starts with no pairs.
    ///
    /// # Errors
    /// No bins, more than a computer likes to hold, or delays beyond all sense.
    pub fn new(settings: CorrelationSettings) -> Result<Correlation, InvalidCorrelation> {
        Correlation::at_level(settings, Level::all().next().unwrap_or(Level::Portable))
    }

    fn at_level(
        settings: CorrelationSettings,
        level: Level,
    ) -> Result<Correlation, InvalidCorrelation> {
        let CorrelationSettings { a, b, bin, bins_per_side: side } = settings;
        let reach = bin.0.checked_mul(u64::from(side)).and_then(|r| r.checked_add(bin.0 / 2));
        let sides = 1..=CorrelationSettings::MAX_BINS_PER_SIDE;
        let reach = reach.filter(|r| *r < LONGEST_REACH).ok_or(InvalidCorrelation)?;
        if bin.0 == 0 || !sides.contains(&side) {
            return Err(InvalidCorrelation);
        }
        let intake = if a == b { Intake::new(&[a], reach) } else { Intake::new(&[a, b], reach) };
        let counting = Counting::new(intake, Pairs::new(settings, reach, level));
        Ok(Correlation { settings, counting })
    }

    /// Takes tags in order of time, of any channel; those of other channels are passed over. Many
    /// at a time are quicker.
    ///
    /// # Errors
    /// A tag of a counted channel before its predecessor; what precedes it is counted. More than
    /// 2²² tags within the longest delay.
    pub fn push(&mut self, tags: impl IntoIterator<Item = (Ticks, u8)>) -> Result<(), Uncounted> {
        self.counting.push(tags)
    }

    /// Lets `feed` push while this many more threads count, with the same result.
    pub fn on_threads<R>(&mut self, threads: usize, feed: impl FnOnce(&mut Correlation) -> R) -> R {
        stretches::on_threads(self, |correlation| &mut correlation.counting, threads, feed)
    }

    /// What is correlated.
    pub fn settings(&self) -> CorrelationSettings {
        self.settings
    }

    /// Tags of channels `a` and `b` so far.
    pub fn counts(&self) -> (u64, u64) {
        let [a, b, ..] = *self.counting.intake.counts();
        if self.settings.a == self.settings.b { (a, a) } else { (a, b) }
    }

    /// The length of the measurement, T: from the first tag to the last, both included.
    pub fn duration(&self) -> Ticks {
        self.counting.intake.duration()
    }

    /// g²(τ) of what was counted, from the most negative delay to the most positive.
    pub fn bins(&self) -> Vec<Bin> {
        let CorrelationSettings { a, b, bin, bins_per_side } = self.settings;
        let duration = self.duration().0 as f64;
        let (n_a, n_b) = self.counts();
        let partners = if a == b { n_b.saturating_sub(1) } else { n_b };
        let scale = n_a as f64 * partners as f64 * bin.0 as f64 / (duration * duration);
        let side = i64::from(bins_per_side);
        let total = self.counting.total();
        (-side..=side)
            .zip(total.counts())
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

#[cfg(test)]
mod tests;
