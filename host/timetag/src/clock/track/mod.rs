//! Following a clock that was found.
//!
//! A Kalman filter of offset, frequency and drift, with the noise of the three-state clock model
//! (Zucca and Tavella, IEEE Trans. Ultrason. Ferroelectr. Freq. Control 52, 289 (2005)). In a gap it
//! goes on by what it knows and its error grows; what comes back inside that error is followed, what
//! comes back outside is a jump and is told, not followed.

mod filter;
#[cfg(test)]
mod tests;

use self::filter::Filter;
use super::model::{ClockModel, ClockUncertainty, Lock};
use super::significance::ln_poisson_tail;
use super::slots::{SyncPlan, slot_residuals};

/// How a clock wanders, and what a [`Tracker`] makes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerSettings {
    /// Random walk of the offset, in ps in one second (white frequency noise).
    pub offset_walk_ps: f64,
    /// Random walk of the frequency, in ps/s in one second.
    pub frequency_walk_ps_per_s: f64,
    /// Random walk of the drift, in ppb/s in one second.
    pub drift_walk_ppb_per_s: f64,
    /// Clicks within ± this around the prediction are looked at, in ps. Jumps within it are told
    /// with their size. Of slots, no more than half a slot.
    pub reach_ps: f64,
    /// The larger of both recordings' ticks, in ps.
    pub resolution_ps: f64,
    /// Chance at which noise may pass for signal in an interval.
    pub false_alarm: f64,
}

impl Default for TrackerSettings {
    /// Two oven-controlled quartz clocks or better: 10 ps, 1 ps/s, 0.001 ppb/s in a second; ±20 ns.
    fn default() -> TrackerSettings {
        TrackerSettings {
            offset_walk_ps: 10.0,
            frequency_walk_ps_per_s: 1.0,
            drift_walk_ppb_per_s: 0.001,
            reach_ps: 20_000.0,
            resolution_ps: 1.0,
            false_alarm: 1e-6,
        }
    }
}

/// What an interval said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tracked {
    /// The clock was where it should be, and was followed.
    Followed {
        /// How far from the prediction, in ps.
        by_ps: f64,
        /// Clicks or pairs of signal.
        signal: f64,
    },
    /// No signal stands out: a gap. The prediction goes on.
    Silent,
    /// The signal is elsewhere, farther than prediction and measurement allow. It is not followed:
    /// [`Tracker::accept_jump`] does so on its caller's word.
    Jumped {
        /// How far from the prediction, in ps.
        by_ps: f64,
        /// Standard error of that, in ps.
        error_ps: f64,
    },
    /// The prediction is no longer good enough to know a signal by: search anew.
    Lost,
}

/// Follows Bob's clock, interval by interval.
///
/// An interval should hold 20 clicks or pairs of signal or more, and be so short that the model's
/// frequency error moves no delay by more than the jitter: 10 ms to 1 s.
#[derive(Clone, Debug)]
pub struct Tracker {
    settings: TrackerSettings,
    filter: Filter,
    jitter_ps: f64,
    found: Vec<f64>,
}

/// Standard deviations from the prediction at which a signal has jumped.
const JUMP: f64 = 5.0;

impl Tracker {
    /// Goes on from a lock.
    pub fn new(lock: &Lock, settings: TrackerSettings) -> Tracker {
        let jitter_ps = lock.jitter_ps.max(settings.resolution_ps).max(1.0);
        let filter = Filter::new(lock.model, lock.uncertainty);
        Tracker { settings, filter, jitter_ps, found: Vec::new() }
    }

    /// The clock as it is known now, told at the last interval's middle.
    pub fn model(&self) -> ClockModel {
        self.filter.model
    }

    /// Standard errors of [`Tracker::model`].
    pub fn uncertainty(&self) -> ClockUncertainty {
        self.filter.uncertainty()
    }

    /// Takes an interval of a pair source: all clicks of Alice between `from_ps` and `to_ps` of her
    /// clock, and Bob's at the same time or more of them; in order of time. Intervals come one after
    /// the other, with gaps or without.
    pub fn pairs(&mut self, from_ps: i64, to_ps: i64, alice: &[i64], bob: &[i64]) -> Tracked {
        self.filter.advance(middle(from_ps, to_ps), &self.settings);
        let (model, reach) = (self.filter.model, self.settings.reach_ps);
        self.found.clear();
        self.found.extend(model.residuals(alice, bob, reach).map(|(_, ps)| ps));
        self.judge(reach)
    }

    /// Takes an interval of Bob's clicks in Alice's slots, between `from_ps` and `to_ps` of Alice's
    /// clock. A jump by whole slots is not seen here: count errors, or search the place again.
    pub fn slots(&mut self, from_ps: i64, to_ps: i64, bob: &[i64], plan: &SyncPlan<'_>) -> Tracked {
        self.filter.advance(middle(from_ps, to_ps), &self.settings);
        let reach = self.settings.reach_ps.min(0.5 * plan.slot_ps);
        self.found.clear();
        let near = slot_residuals(bob, &self.filter.model, plan.slot_ps);
        self.found.extend(near.filter(|ps| ps.abs() <= reach));
        self.judge(reach)
    }

    /// Takes a jump that was told as true: the offset moves by it.
    pub fn accept_jump(&mut self, by_ps: f64, error_ps: f64) {
        self.filter.accept(by_ps, error_ps);
    }

    fn judge(&mut self, reach: f64) -> Tracked {
        if JUMP * self.filter.offset_error() > reach {
            return Tracked::Lost;
        }
        let Some(Seen { at_ps, variance, signal }) = self.seen(reach) else {
            return Tracked::Silent;
        };
        let quantum = 0.25 * self.settings.resolution_ps;
        let variance = variance + quantum * quantum;
        let allowed = JUMP * (self.filter.offset_error().powi(2) + variance).sqrt();
        if at_ps.abs() > allowed {
            return Tracked::Jumped { by_ps: at_ps, error_ps: allowed / JUMP };
        }
        self.filter.update(at_ps, variance);
        Tracked::Followed { by_ps: at_ps, signal }
    }

    /// Where the residuals gather, if they do.
    fn seen(&mut self, reach: f64) -> Option<Seen> {
        self.found.sort_unstable_by(f64::total_cmp);
        let window = 4.0 * self.jitter_ps;
        let density = self.found.len() as f64 / (2.0 * reach).max(window);
        // The window of ±2 jitters with most residuals.
        let (mut most, mut best, mut end) = (0, 0, 0);
        for begin in 0..self.found.len() {
            while end < self.found.len() && self.found[end] - self.found[begin] <= window {
                end += 1;
            }
            if end - begin > most {
                (most, best) = (end - begin, begin);
            }
        }
        let outside = (self.found.len() - most) as f64 / (2.0 * reach - window).max(window);
        let mean = (outside.min(density) * window).max(0.01);
        // Windows that begin with a residual: as many as there are residuals.
        let trials = (self.found.len() as f64).max(1.0);
        // The first residual of a window is given, the others are chance.
        let ln_chance = ln_poisson_tail(most as f64 - 1.0, mean) + trials.ln();
        if most < 3 || ln_chance > self.settings.false_alarm.ln() {
            return None;
        }
        let mut at_ps = self.found[best] + 0.5 * window;
        let mut inside = 0;
        // A mean over a window is drawn to the window's middle by the background; moving the window
        // there undoes it.
        for _ in 0..8 {
            let half = 1.25 * window;
            let from = self.found.partition_point(|r| *r < at_ps - half);
            let to = self.found.partition_point(|r| *r <= at_ps + half);
            inside = to - from;
            let sum: f64 = self.found[from..to].iter().map(|r| r - at_ps).sum();
            let signal = (inside as f64 - outside * 2.0 * half).max(1.0);
            at_ps += sum / signal;
        }
        let background = outside * 2.5 * window;
        let signal = (inside as f64 - background).max(1.0);
        let half = 1.25 * window;
        // Jitter of the signal, and the background's spread of half² / 3 a click.
        let squares = signal * self.jitter_ps * self.jitter_ps + background * half * half / 3.0;
        Some(Seen { at_ps, variance: squares / (signal * signal), signal })
    }
}

struct Seen {
    at_ps: f64,
    variance: f64,
    signal: f64,
}

fn middle(from_ps: i64, to_ps: i64) -> i64 {
    from_ps + (to_ps - from_ps) / 2
}
