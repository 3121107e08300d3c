//! Two clocks from the clicks of a source of photon pairs.
//!
//! A frequency wrong by Δ smears the peak of a correlation over a span T by Δ·T, so bins of half
//! that width see all of a signal of c pairs a second among rates A and B at `c / √(A B Δ)`
//! standard deviations above chance, whatever T is. So frequencies are tried on grids that are made
//! finer by factors of two, with bins that shrink alike: a bright signal is found in a few coarse
//! trials, a weak one in as many as the budget allows. The work of a level grows with 1/Δ².
//!
//! What stands out is followed down on the list of the pairs themselves (`zoom`), to a fit of
//! offset, frequency and drift (`fit`). Whether it is a lock is decided at the end only, on the
//! pairs in the finest window, against the number of all distinguishable places in the search
//! range.

mod correlator;
mod decide;
mod gather;
mod lines;
#[cfg(test)]
mod tests;

use self::correlator::{Level, Lists, scan};
use super::model::{Lock, NoLock, SearchRange};

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
    /// Steps of the correlation, at most; 10⁹ take about a second. A weak signal needs more: see
    /// `docs/clocks.md`.
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
/// A thousand segments hold 200 MB of correlations.
const MAX_SEGMENTS: usize = 1 << 10;
/// ln of the chance below which a candidate is looked at more closely.
const LOOK: f64 = -4.0;

impl PairSearch {
    /// Of [`PairSearch::max_work`] as a default.
    pub const MAX_WORK: f64 = 3e9;
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
        let (mut work, mut segments) = (0.0, 4);
        let mut doubt = NoLock::Noise { log10_false_alarm: 0.0 };
        loop {
            let level = section.level(segments, &self.range);
            let cells = segments as f64 * (2 * level.side_bins) as f64;
            // Transforms, and two sums a cell and halving.
            work += cells * (12.0 + 2.0 * (segments as f64).log2());
            // Beyond this, drift smears more than frequency.
            let step = 2e-6 * self.range.frequency_ppm / segments as f64;
            let drifts = step < 0.25e-9 * self.range.drift_ppb_per_s * section.span_s;
            if segments > 4 && (work > self.max_work || segments > MAX_SEGMENTS || drifts) {
                return Err(doubt);
            }
            if let Some(found) = scan(section.lists, level) {
                let places = 2.0 * cells;
                let ln_chance = (found.ln_chance + places.ln()).min(0.0);
                let log10_false_alarm = ln_chance * core::f64::consts::LOG10_E;
                if ln_chance < LOOK {
                    match decide::decide(self, &section, level, found) {
                        Ok(lock) => return Ok(lock),
                        Err(why) => doubt = worst(doubt, why),
                    }
                } else {
                    doubt = worst(doubt, NoLock::Noise { log10_false_alarm });
                }
            }
            segments *= 2;
        }
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
    /// From the first click of Alice's to the last.
    span_s: f64,
    /// Largest delay at the first click, in ps.
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
        let Some((a0, a1)) = ends(a) else { return Err(too_few) };
        let span_ps = (a1 - a0).max(1) as f64;
        Ok(Section {
            lists: Lists { a, b, reference_ps: a0 + (a1 - a0) / 2 },
            span_s: span_ps * 1e-12,
            range_ps: range.offset_ps + 1e-6 * range.frequency_ppm * span_ps,
        })
    }

    fn level(&self, segments: usize, range: &SearchRange) -> Level {
        // No frequency of the range moves a delay by more than a bin within a segment.
        let bin_ps = (1e6 * range.frequency_ppm * self.span_s / segments as f64).max(10.0);
        Level { segments, bin_ps, side_bins: (self.range_ps / bin_ps) as usize + 2 }
    }
}
