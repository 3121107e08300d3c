//! Coincidences: detections of two or more channels within a window.
//!
//! An n-fold coincidence of n channels is a choice of one detection of each, of which the latest is
//! at most a window w after the earliest. Every such choice counts, so that the number does not
//! depend on where one begins to look; and a threefold one holds three twofold ones, which count
//! too. This is what a circuit sees whose inputs are stretched to w each, for detections further
//! apart than that, and unrelated channels of rates R meet in it n · w^(n−1) · R₁ · … · R_n times a
//! second, two of them 2 · w · R₁ · R₂ times (Eckart and Shonka, Phys. Rev. 53, 752 (1938)). In
//! whole ticks, of which w and one more are within a window, it is (w + 1)ⁿ − wⁿ instead of
//! n · w^(n−1).

mod groups;

use helio_units::Ticks;

use super::Uncounted;
use super::clicks::{Intake, LONGEST_REACH, MAX_CHANNELS};
use super::stretches::{self, Counting};
use groups::Groups;

/// Which channels are looked at, and how near to each other detections coincide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoincidenceSettings {
    /// Two to [`CoincidenceSettings::MAX_CHANNELS`] channels, each once.
    pub channels: Vec<u8>,
    /// From the earliest detection of a coincidence to the latest at most; below 2⁵⁹ ticks.
    pub window: Ticks,
}

impl CoincidenceSettings {
    /// Eight channels: 247 combinations.
    pub const MAX_CHANNELS: usize = MAX_CHANNELS;
}

/// Why coincidences were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("coincidences are of 2 to 8 different channels, within a window below 2^59 ticks")]
pub struct InvalidCoincidences;

/// The coincidences of some of the channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// The channels, in the order of the settings.
    pub channels: Vec<u8>,
    /// How many there were; at most 2⁶⁴ − 1.
    pub count: u64,
    /// The Poissonian standard error of `count`: √count, and that of one where there was none.
    pub error: f64,
    /// How many unrelated light of the same rates would give.
    pub accidental: f64,
    /// The standard error of `accidental` from those of the channels' counts.
    pub accidental_error: f64,
}

impl Combination {
    /// The coincidences-to-accidentals ratio, count / accidental, with its error: 1 for unrelated
    /// light. `None` where no accidentals are expected.
    pub fn car(&self) -> Option<(f64, f64)> {
        if self.accidental <= 0.0 {
            return None;
        }
        let car = self.count as f64 / self.accidental;
        let relative = self.accidental_error / self.accidental;
        Some((car, (self.error / self.accidental).hypot(car * relative)))
    }
}

/// How likely one channel detects the partner of what another one detected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heralding {
    /// The channel whose detections herald.
    pub herald: u8,
    /// The channel that detects the partners.
    pub partner: u8,
    /// (coincidences − accidentals) / detections of the herald: of a pair source and a herald
    /// without noise the whole efficiency of the partner's arm (Klyshko, Sov. J. Quantum Electron.
    /// 10, 1112 (1980)).
    pub efficiency: f64,
    /// Its standard error, from that of coincidences and accidentals.
    pub error: f64,
}

/// Counts the coincidences of every combination of channels. Remembers only the detections of the
/// last window.
#[derive(Clone, Debug)]
pub struct Coincidences {
    settings: CoincidenceSettings,
    counting: Counting<Groups>,
}

impl Coincidences {
    /// Starts with none.
    ///
    /// # Errors
    /// Fewer than two channels, more than eight, or one twice; a window beyond all sense.
    pub fn new(settings: CoincidenceSettings) -> Result<Coincidences, InvalidCoincidences> {
        let CoincidenceSettings { channels, window } = &settings;
        let once = (1..channels.len()).all(|i| !channels[..i].contains(&channels[i]));
        if !(2..=MAX_CHANNELS).contains(&channels.len()) || !once || window.0 >= LONGEST_REACH {
            return Err(InvalidCoincidences);
        }
        let counting = Counting::new(Intake::new(channels, window.0), Groups::new(window.0));
        Ok(Coincidences { settings, counting })
    }

    /// Takes tags in order of time, of any channel; those of other channels are passed over. Many
    /// at a time are quicker.
    ///
    /// # Errors
    /// A tag of a counted channel before its predecessor; what precedes it is counted. More than
    /// 2²² tags within the window.
    pub fn push(&mut self, tags: impl IntoIterator<Item = (Ticks, u8)>) -> Result<(), Uncounted> {
        self.counting.push(tags)
    }

    /// Lets `feed` push while this many more threads count, with the same result.
    pub fn on_threads<R>(
        &mut self,
        threads: usize,
        feed: impl FnOnce(&mut Coincidences) -> R,
    ) -> R {
        stretches::on_threads(self, |coincidences| &mut coincidences.counting, threads, feed)
    }

    /// What is counted.
    pub fn settings(&self) -> &CoincidenceSettings {
        &self.settings
    }

    /// The detections of each channel, in the order of the settings.
    pub fn singles(&self) -> &[u64] {
        &self.counting.intake.counts()[..self.settings.channels.len()]
    }

    /// The length of the measurement: from the first tag to the last, both included.
    pub fn duration(&self) -> Ticks {
        self.counting.intake.duration()
    }

    /// Every combination of two channels or more, pairs first.
    pub fn combinations(&self) -> Vec<Combination> {
        let total = self.counting.total();
        let mut masks: Vec<usize> =
            (0..1 << self.settings.channels.len()).filter(|m: &usize| m.count_ones() > 1).collect();
        masks.sort_by_key(|mask| (mask.count_ones(), mask.reverse_bits() ^ usize::MAX));
        masks.into_iter().map(|mask| self.combination(mask, total.count_of(mask))).collect()
    }

    /// The heralding efficiency of every ordered pair of channels that have detections.
    pub fn heralding(&self) -> Vec<Heralding> {
        let total = self.counting.total();
        let channels = &self.settings.channels;
        let pairs = (0..channels.len()).flat_map(|a| (0..channels.len()).map(move |b| (a, b)));
        let known = pairs.filter(|&(a, b)| a != b && self.singles()[a] > 0);
        known
            .map(|(herald, partner)| {
                let mask = 1 << herald | 1 << partner;
                let pair = self.combination(mask, total.count_of(mask));
                let detections = self.singles()[herald] as f64;
                Heralding {
                    herald: channels[herald],
                    partner: channels[partner],
                    efficiency: (pair.count as f64 - pair.accidental) / detections,
                    error: pair.error.hypot(pair.accidental_error) / detections,
                }
            })
            .collect()
    }

    fn combination(&self, mask: usize, count: u64) -> Combination {
        let members = || (0..self.settings.channels.len()).filter(|number| mask >> number & 1 == 1);
        let singles = || members().map(|number| self.singles()[number] as f64);
        let accidental = self.accidental(members().count() as i32, singles());
        let relative: f64 = singles().map(|single| 1.0 / single.max(1.0)).sum();
        Combination {
            channels: members().map(|number| self.settings.channels[number]).collect(),
            count,
            error: (count.max(1) as f64).sqrt(),
            accidental,
            accidental_error: accidental * relative.sqrt(),
        }
    }

    /// What `fold` unrelated channels with so many detections each give.
    fn accidental(&self, fold: i32, singles: impl Iterator<Item = f64>) -> f64 {
        let (window, duration) = (self.settings.window.0 as f64, self.duration().0 as f64);
        if duration <= 0.0 {
            return 0.0;
        }
        // (w + 1)ⁿ − wⁿ, summed so that nothing cancels.
        let places: f64 =
            (0..fold).map(|k| (window + 1.0).powi(k) * window.powi(fold - 1 - k)).sum();
        singles.product::<f64>() * places / duration.powi(fold - 1)
    }
}

#[cfg(test)]
mod tests;
