//! Detections folded over a period: the histogram against a sync.

use helio_units::{FineTicks, Ticks};

use super::{Estimate, OutOfOrder};

/// Where in its period a tag lies.
///
/// Either the period is known, to 2⁻³² of a tick, or the pulses of a sync are tags of their own,
/// and the time since the last one counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    /// A period, and a time at which one begins.
    Period {
        /// At least one tick.
        period: FineTicks,
        /// Any beginning of a period.
        origin: Ticks,
    },
    /// Sync pulses, given to [`Fold::sync`]; a divider makes several periods of each of them.
    Sync {
        /// Periods between two pulses: 1 where every one is recorded.
        divider: u32,
    },
}

/// Turns times into times after the last sync pulse.
#[derive(Clone, Debug)]
pub struct Fold {
    reference: Reference,
    last_sync: Option<Ticks>,
    first_sync: Option<Ticks>,
    syncs: u64,
    /// The spacing of pulses: the last one, which divided pulses are folded by.
    spacing: u64,
    sum_squares: f64,
    wide: u64,
    blocks: Blocks,
}

/// The sums of neighbouring spacings, in at most [`Blocks::MOST`] blocks of equal length.
#[derive(Clone, Debug, Default)]
struct Blocks {
    sums: Vec<u64>,
    /// Spacings in a block: 2 to the power of this.
    level: u32,
    sum: u64,
    count: u64,
}

impl Blocks {
    const MOST: usize = 64;

    fn add(&mut self, spacing: u64) {
        self.sum += spacing;
        self.count += 1;
        if self.count < 1 << self.level {
            return;
        }
        self.sums.push(self.sum);
        (self.sum, self.count) = (0, 0);
        if self.sums.len() == Self::MOST {
            self.sums = self.sums.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.level += 1;
        }
    }

    /// The variance of the mean of all spacings, if those of different blocks are unrelated; pulses
    /// with independent jitter, of this variance, are what blocks have to scatter beyond.
    fn variance(&self, jitter: f64) -> Option<f64> {
        let (n, length) = (self.sums.len() as f64, 2f64.powi(self.level as i32));
        if n < 2.0 {
            return None;
        }
        let mean = self.sums.iter().sum::<u64>() as f64 / n;
        let squares = self.sums.iter().map(|sum| (*sum as f64 - mean).powi(2)).sum::<f64>();
        let scatter = squares / (n - 1.0);
        // The ends of a block have 2 σ²; the scatter of n blocks is known to √(2/n) of itself. Fewer
        // than 64 spacings cannot tell one from the other: the wider error counts.
        let expected = 2.0 * jitter * (1.0 + 4.0 * (2.0 / n).sqrt());
        (self.level == 0 || scatter > expected).then(|| scatter / (length * length) / n)
    }
}

impl Fold {
    /// `None` for a period below a tick, or a divider of zero.
    pub fn new(reference: Reference) -> Option<Fold> {
        let sound = match reference {
            Reference::Period { period, .. } => period.0 >= 1 << 32,
            Reference::Sync { divider } => divider > 0,
        };
        sound.then_some(Fold {
            reference,
            last_sync: None,
            first_sync: None,
            syncs: 0,
            spacing: 0,
            sum_squares: 0.0,
            wide: 0,
            blocks: Blocks::default(),
        })
    }

    /// Takes a sync pulse.
    ///
    /// # Errors
    /// A pulse before its predecessor; it is left out.
    pub fn sync(&mut self, tick: Ticks) -> Result<(), OutOfOrder> {
        if let Some(last) = self.last_sync {
            let spacing = tick.0.checked_sub(last.0).ok_or(OutOfOrder { tick, last })?;
            let first = if self.syncs == 1 { spacing } else { self.spacing };
            // Two neighbouring spacings differ by t₃ − 2 t₂ + t₁, of variance 6 σ² for pulses with
            // independent jitter σ.
            self.sum_squares += (spacing as f64 - first as f64).powi(2);
            self.spacing = spacing;
            self.blocks.add(spacing);
            let span = tick.0 - self.first_sync.map_or(0, |first| first.0);
            self.wide += u64::from(spacing as f64 * self.syncs as f64 > 1.5 * span as f64);
        }
        self.first_sync.get_or_insert(tick);
        self.last_sync = Some(tick);
        self.syncs += 1;
        Ok(())
    }

    /// The time of `tick` after the begin of its period, in ticks, below the period; `None` before
    /// the first pulse.
    #[inline]
    pub fn phase(&self, tick: Ticks) -> Option<f64> {
        match self.reference {
            Reference::Period { period, origin } => {
                let since = (i128::from(tick.0) - i128::from(origin.0)) << 32;
                Some(since.rem_euclid(period.0) as f64 / 4_294_967_296.0)
            }
            Reference::Sync { divider } => {
                let since = tick.0.checked_sub(self.last_sync?.0)? as f64;
                if divider == 1 {
                    return Some(since);
                }
                let period = self.spacing as f64 / f64::from(divider);
                (period > 0.0).then(|| since % period)
            }
        }
    }

    /// Periods between two pulses: 1 where the period is given.
    pub fn divider(&self) -> u32 {
        match self.reference {
            Reference::Sync { divider } => divider,
            Reference::Period { .. } => 1,
        }
    }

    /// Sync pulses so far.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Spacings of pulses beyond one and a half times the mean up to them: a pulse or more is missing
    /// there, and the mean period too long by one part in [`Fold::syncs`] for each.
    pub fn wide_spacings(&self) -> u64 {
        self.wide
    }

    /// The period: as given, without an error, or the mean over all pulses. `None` before the second
    /// pulse.
    ///
    /// The error is what the jitter of the two ends makes of it, as long as pulses scatter
    /// independently around an even train. Where the period itself wanders, as that of a free-running
    /// laser does, the means of up to 64 blocks of pulses scatter more than that, and the error is
    /// the standard error of their mean (batch means: Law, *Simulation Modeling and Analysis*,
    /// 9.5): what wanders more slowly than a block lasts is covered only in part.
    pub fn period(&self) -> Option<Estimate> {
        match self.reference {
            Reference::Period { period, .. } => {
                Some(Estimate { value: period.0 as f64 / 4_294_967_296.0, error: 0.0 })
            }
            Reference::Sync { divider } => {
                let span = self.last_sync?.0 - self.first_sync?.0;
                let spacings = self.syncs.checked_sub(1).filter(|n| *n > 0)? as f64;
                let periods = spacings * f64::from(divider);
                // A pulse's time is known to a tick at best.
                let jitter = self.sum_squares / spacings / 6.0 + 1.0 / 12.0;
                let ends = 2.0 * jitter / (spacings * spacings);
                let variance = self.blocks.variance(jitter).map_or(ends, |blocks| blocks.max(ends));
                let error = variance.sqrt() / f64::from(divider);
                Some(Estimate { value: span as f64 / periods, error })
            }
        }
    }
}

/// The mean place of folded detections, with its error: circular statistics, so that a peak across
/// the period's end and a flat background do no harm (Fisher, *Statistical Analysis of Circular
/// Data* (1993), 2.3 and 4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Phasor {
    count: u64,
    first: [f64; 2],
    second: [f64; 2],
}

impl Phasor {
    /// Counts a detection at a phase from 0 to 1.
    #[inline]
    pub fn add(&mut self, phase: f64) {
        let (sin, cos) = (core::f64::consts::TAU * phase).sin_cos();
        self.count += 1;
        self.first[0] += cos;
        self.first[1] += sin;
        self.second[0] += cos * cos - sin * sin;
        self.second[1] += 2.0 * sin * cos;
    }

    /// Takes over what another counted.
    pub fn merge(&mut self, other: &Phasor) {
        self.count += other.count;
        for axis in 0..2 {
            self.first[axis] += other.first[axis];
            self.second[axis] += other.second[axis];
        }
    }

    /// Detections so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean direction as a phase from 0 to 1. `None` where there is none: fewer than three
    /// detections, or no peak that stands out of the noise (the resultant below three of its
    /// standard deviations).
    pub fn mean(&self) -> Option<Estimate> {
        let n = self.count as f64;
        let resultant = self.first[0].hypot(self.first[1]) / n;
        if self.count < 3 || resultant * resultant * n < 9.0 {
            return None;
        }
        let direction = self.first[1].atan2(self.first[0]);
        let (sin, cos) = (2.0 * direction).sin_cos();
        let second = (self.second[0] * cos + self.second[1] * sin) / n;
        let dispersion = (1.0 - second).max(0.0) / (2.0 * resultant * resultant);
        let turn = core::f64::consts::TAU;
        let value = (direction / turn).rem_euclid(1.0);
        Some(Estimate { value, error: (dispersion / n).sqrt() / turn })
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Dice;
    use super::*;

    #[test]
    fn a_period_of_no_whole_number_of_ticks_is_kept_for_days() {
        let period = FineTicks((12_500 << 32) + (1 << 30));
        let fold = Fold::new(Reference::Period { period, origin: Ticks(100) }).unwrap();
        // 4 · 10^12 periods on: 12 500.25 ticks each.
        let far = 4_000_000_000_000u64 / 4 * 50_001;
        assert_eq!(fold.phase(Ticks(100 + far + 7)), Some(7.0));
        assert_eq!(fold.phase(Ticks(99)), Some(12_499.25));
        assert_eq!(fold.period(), Some(Estimate { value: 12_500.25, error: 0.0 }));
        assert!(Fold::new(Reference::Period { period: FineTicks(5), origin: Ticks(0) }).is_none());
        assert!(Fold::new(Reference::Sync { divider: 0 }).is_none());
    }

    #[test]
    fn sync_pulses_are_counted_from_and_give_the_period() {
        let mut fold = Fold::new(Reference::Sync { divider: 1 }).unwrap();
        assert_eq!((fold.phase(Ticks(5)), fold.period()), (None, None));
        let mut dice = Dice::new(3);
        for i in 0..10_000 {
            let at = 1_000.25 * f64::from(i) + 2_000.0 + 20.0 * dice.normal();
            fold.sync(Ticks(at as u64)).unwrap();
        }
        let period = fold.period().unwrap();
        assert!((period.value - 1_000.25).abs() < 4.0 * period.error, "{period:?}");
        assert!((period.error / (20.0 * 2.0f64.sqrt() / 10_000.0) - 1.0).abs() < 0.1);
        assert!(fold.sync(Ticks(0)).is_err());
        let mut divided = Fold::new(Reference::Sync { divider: 4 }).unwrap();
        divided.sync(Ticks(1000)).unwrap();
        divided.sync(Ticks(2000)).unwrap();
        assert_eq!(divided.phase(Ticks(2260)), Some(10.0));
        assert_eq!(divided.period().unwrap().value, 250.0);
    }

    #[test]
    fn a_period_that_wanders_has_the_error_of_the_walk() {
        for (pulses, seeds) in [(20u32, 100), (5_000, 100)] {
            let mut pulls = 0.0;
            for seed in 0..seeds {
                let mut fold = Fold::new(Reference::Sync { divider: 2 }).unwrap();
                let (mut dice, mut at) = (Dice::new(seed), 5_000.0);
                for _ in 0..pulses {
                    fold.sync(Ticks(at as u64)).unwrap();
                    at += 1_000.0 + 20.0 * dice.normal();
                }
                let period = fold.period().unwrap();
                pulls += ((period.value - 500.0) / period.error).powi(2);
                assert_eq!(fold.wide_spacings(), 0);
            }
            let rms = (pulls / seeds as f64).sqrt();
            assert!((0.75..1.3).contains(&rms), "{pulses}: {rms}");
        }
    }

    #[test]
    fn missing_pulses_are_told_by_their_spacings() {
        let mut fold = Fold::new(Reference::Sync { divider: 1 }).unwrap();
        let pulses = (0..1_000u64).filter(|i| i % 300 != 299);
        pulses.for_each(|i| fold.sync(Ticks(1_000 * i)).unwrap());
        assert_eq!(fold.wide_spacings(), 3);
        let period = fold.period().unwrap();
        assert!((period.value - 1_000.0).abs() < 4.0 * period.error, "{period:?}");
    }

    #[test]
    fn a_peak_across_the_ends_is_found_in_background_with_its_error() {
        let mut pulls = Vec::new();
        for seed in 0..200 {
            let (mut dice, mut phasor) = (Dice::new(seed), Phasor::default());
            for i in 0..400 {
                let phase = if i % 4 == 0 { dice.uniform() } else { 0.99 + 0.03 * dice.normal() };
                phasor.add(phase);
            }
            let found = phasor.mean().unwrap();
            let off = (found.value - 0.99 + 0.5).rem_euclid(1.0) - 0.5;
            pulls.push(off / found.error);
        }
        let rms = (pulls.iter().map(|p| p * p).sum::<f64>() / 200.0).sqrt();
        assert!((0.8..1.2).contains(&rms), "{rms}");
        let mut flat = Phasor::default();
        (0..1000).for_each(|i| flat.add(f64::from(i) / 1000.0));
        assert_eq!((flat.mean(), Phasor::default().mean()), (None, None));
    }
}
