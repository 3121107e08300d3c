//! Two clocks from the clicks of a source of photon pairs.
//!
//! A wrong frequency by Δ smears the peak of a correlation over a span T by Δ·T, so bins of that
//! width see all of a signal of c pairs a second among rates A and B, c √T / √(A B Δ T) standard
//! deviations above chance: `c / √(A B Δ)`, whatever T is. So frequencies are tried on a grid that
//! is made finer by factors of two, with bins that shrink alike: a bright signal is found among
//! four coarse trials, a weak one among as many as the budget allows. The
//! [work](PairSearch::MAX_WORK) of one trial grows with 1/Δ, so that of all with 1/Δ².
//!
//! What stands out is then followed down: by correlations around it while chance pairs are many,
//! then on the list of the pairs themselves, to a fit of offset, frequency and drift. Whether it is
//! a lock is decided at the end only, on the pairs in the finest window, against the number of all
//! distinguishable places in the search range.

mod correlator;
mod decide;
mod gather;
#[cfg(test)]
mod tests;

use realfft::RealFftPlanner;

use self::correlator::{Candidate, Correlator, Lists};
use super::model::{ClockModel, Lock, NoLock, SearchRange};

/// Finds Bob's clock from two lists of clicks of a pair source.
///
/// ```
/// use helio_timetag::clock::{ClockModel, PairSearch, synthetic::PairSource};
///
/// let clock = ClockModel {
///     reference_ps: 0,
///     offset_ps: -0.3e12,     // Bob's clock is 0.3 s behind
///     frequency_ppm: 17.0,
///     drift_ppb_per_s: 1.0,
/// };
/// let source = PairSource {
///     pairs_hz: 2_000.0, noise_a_hz: 8_000.0, noise_b_hz: 8_000.0,
///     span_s: 5.0, jitter_ps: 300.0, clock,
/// };
/// let (alice, bob) = source.clicks(1);
/// let lock = PairSearch::default().find(&alice, &bob)?;
/// let truth = clock.at(lock.model.reference_ps);
/// assert!((lock.model.offset_ps - truth.offset_ps).abs() < 5.0 * lock.uncertainty.offset_ps);
/// assert!(lock.uncertainty.offset_ps < 20.0 && lock.log10_false_alarm < -100.0);
/// # Ok::<(), helio_timetag::clock::NoLock>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairSearch {
    /// Where the clocks can be, and how sure a lock has to be.
    pub range: SearchRange,
    /// The larger of both recordings' ticks, in ps: no time is known better than to half of it.
    pub resolution_ps: f64,
    /// Steps of the correlation, at most: 5·10⁸ take about a second. A weak signal needs
    /// more: see `docs/clocks.md`.
    pub max_work: f64,
}

impl Default for PairSearch {
    fn default() -> PairSearch {
        PairSearch {
            range: SearchRange::default(),
            resolution_ps: 1.0,
            max_work: PairSearch::MAX_WORK,
        }
    }
}

/// Pairs by chance that the last stage may take in.
const MAX_PAIRS: f64 = 3e6;
const MAX_LENGTH: usize = 1 << 22;
/// ln of the chance below which a candidate is looked at more closely.
const LOOK: f64 = -4.0;

impl PairSearch {
    /// Of [`PairSearch::max_work`] as a default.
    pub const MAX_WORK: f64 = 4e8;
    /// Clicks of a list that a search uses; later ones are left to the tracker.
    pub const MAX_CLICKS: usize = 1 << 24;
    /// Fewest clicks of a list.
    pub const MIN_CLICKS: usize = 16;

    /// The clock of `bob`'s clicks against that of `alice`'s; both in ps and in order of time. At
    /// least some seconds of both must be of the same time.
    ///
    /// # Errors
    /// No lock, and why: in doubt none. Lists out of order, or a range that makes no sense.
    pub fn find(&self, alice: &[i64], bob: &[i64]) -> Result<Lock, NoLock> {
        self.range.check()?;
        check_order(alice)?;
        check_order(bob)?;
        let section = Section::of(alice, bob, &self.range)?;
        let mut planner = RealFftPlanner::new();
        let (mut work, mut trials) = (0.0, 4usize);
        let mut doubt = NoLock::Noise { log10_false_alarm: 0.0 };
        loop {
            let level = Level::new(trials, &section, &self.range);
            let length = Correlator::length(section.range_ps, level.bin_ps);
            let cost = trials as f64 * (section.lists.b.len() + 3 * length) as f64;
            work += cost;
            // Beyond this, drift smears more than frequency.
            let drifts = level.step < 0.25e-9 * self.range.drift_ppb_per_s * section.span_s;
            if (work > self.max_work || length > MAX_LENGTH || drifts) && trials > 4 {
                return Err(doubt);
            }
            let range_ps = section.range_ps;
            let mut correlator =
                Correlator::new(&mut planner, section.lists, range_ps, level.bin_ps);
            let best = (0..trials)
                .map(|i| correlator.scan(level.frequency(i), 0.0, range_ps))
                .min_by(|x, y| x.ln_chance.total_cmp(&y.ln_chance));
            let places = (trials * length) as f64;
            if let Some(found) = best {
                let ln_chance = (found.ln_chance + places.ln()).min(0.0);
                if ln_chance < LOOK {
                    match self.follow(&mut planner, &section, level, found) {
                        Ok(lock) => return Ok(lock),
                        Err(why) => doubt = worst(doubt, why),
                    }
                }
                let log10_false_alarm = ln_chance * core::f64::consts::LOG10_E;
                doubt = worst(doubt, NoLock::Noise { log10_false_alarm });
            }
            trials *= 2;
        }
    }

    /// From a candidate to a lock.
    fn follow(
        &self,
        planner: &mut RealFftPlanner<f32>,
        section: &Section<'_>,
        mut level: Level,
        mut found: Candidate,
    ) -> Result<Lock, NoLock> {
        let product = section.lists.a.len() as f64 * section.lists.b.len() as f64;
        let reason = |c: &Candidate| NoLock::Noise {
            log10_false_alarm: (c.ln_chance * core::f64::consts::LOG10_E).max(-9.0),
        };
        // Pairs by chance within ±3 bins.
        while 6.0 * level.bin_ps * product / (section.span_s * 1e12) > MAX_PAIRS {
            let finer = level.halved();
            let length = Correlator::length(section.range_ps, finer.bin_ps);
            if length > MAX_LENGTH {
                return Err(reason(&found));
            }
            let mut correlator =
                Correlator::new(planner, section.lists, section.range_ps, finer.bin_ps);
            let (delay, reach) = (found.delay_ps, 3.0 * level.bin_ps);
            let best = (-2..=2)
                .map(|i| found.frequency + f64::from(i) * finer.step)
                .map(|f| correlator.scan(f, delay, reach))
                .min_by(|x, y| x.ln_chance.total_cmp(&y.ln_chance));
            match best {
                // A signal stands out more clearly in finer bins; noise does not.
                Some(best) if best.ln_chance < LOOK => (found, level) = (best, finer),
                _ => return Err(reason(&found)),
            }
        }
        let coefficients =
            [found.delay_ps * (1.0 + found.frequency), found.frequency * 1e12, 0.0];
        let model = ClockModel::from_coefficients(section.lists.reference_ps, coefficients);
        decide::decide(self, section, model, level.bin_ps, level.step * 1e12, reason(&found))
    }
}

/// The reason that tells more: what is ambiguous, then what is least likely noise.
fn worst(one: NoLock, other: NoLock) -> NoLock {
    match (one, other) {
        (NoLock::Noise { log10_false_alarm: x }, NoLock::Noise { log10_false_alarm: y }) => {
            NoLock::Noise { log10_false_alarm: x.min(y) }
        }
        (NoLock::Noise { .. }, other) => other,
        (one, _) => one,
    }
}

pub(super) fn check_order(clicks: &[i64]) -> Result<(), NoLock> {
    const LONGEST_PS: u64 = 1_000_000_000_000_000_000;
    let ordered = clicks.windows(2).all(|two| two[0] <= two[1]);
    let ends = (clicks.first(), clicks.last());
    let (Some(&first), Some(&last)) = ends else { return Ok(()) };
    let sound = first.unsigned_abs().max(last.unsigned_abs()) < LONGEST_PS;
    if ordered && sound { Ok(()) } else { Err(NoLock::OutOfOrder) }
}

/// What of the lists can be of one time.
pub(crate) struct Section<'a> {
    lists: Lists<'a>,
    /// Of the shorter list.
    span_s: f64,
    /// Largest delay at the reference, in ps.
    range_ps: f64,
}

impl<'a> Section<'a> {
    fn of(a: &'a [i64], b: &'a [i64], range: &SearchRange) -> Result<Section<'a>, NoLock> {
        let most = PairSearch::MAX_CLICKS;
        let (a, b) = (&a[..a.len().min(most)], &b[..b.len().min(most)]);
        let too_few = NoLock::TooFew { clicks: a.len().min(b.len()) };
        let ends = |l: &[i64]| Some((*l.first()?, *l.last()?));
        let (Some((a0, a1)), Some((b0, b1))) = (ends(a), ends(b)) else { return Err(too_few) };
        let longest = (a1 - a0).max(b1 - b0) as f64;
        let slack = (range.offset_ps + 1e-6 * range.frequency_ppm * longest) as i64;
        let cut = |l: &'a [i64], from: i64, to: i64| {
            &l[l.partition_point(|t| *t < from)..l.partition_point(|t| *t <= to)]
        };
        let (a, b) = (cut(a, b0 - slack, b1 + slack), cut(b, a0 - slack, a1 + slack));
        let too_few = NoLock::TooFew { clicks: a.len().min(b.len()) };
        if a.len().min(b.len()) < PairSearch::MIN_CLICKS {
            return Err(too_few);
        }
        let (Some((a0, a1)), Some((b0, b1))) = (ends(a), ends(b)) else { return Err(too_few) };
        let (from, to) = if a1 - a0 <= b1 - b0 { (a0, a1) } else { (b0, b1) };
        let span_ps = (to - from).max(1) as f64;
        Ok(Section {
            lists: Lists { a, b, reference_ps: from + (to - from) / 2 },
            span_s: span_ps * 1e-12,
            range_ps: range.offset_ps + 1e-6 * range.frequency_ppm * span_ps,
        })
    }
}

/// A grid of frequencies and the bin that belongs to it.
#[derive(Clone, Copy)]
struct Level {
    first: f64,
    step: f64,
    bin_ps: f64,
}

impl Level {
    fn new(trials: usize, section: &Section<'_>, range: &SearchRange) -> Level {
        let limit = 1e-6 * range.frequency_ppm;
        let step = 2.0 * limit / trials as f64;
        // Half a step too much or too little, over half the span before and after the reference.
        let bin_ps = (0.5e12 * step * section.span_s).max(10.0);
        Level { first: 0.5 * step - limit, step, bin_ps }
    }

    fn frequency(&self, trial: usize) -> f64 {
        self.first + trial as f64 * self.step
    }

    fn halved(self) -> Level {
        Level { first: self.first, step: 0.5 * self.step, bin_ps: 0.5 * self.bin_ps }
    }
}
