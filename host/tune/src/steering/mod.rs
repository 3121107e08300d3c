//! Bob's slot clock, steered by his host: edges of SYNC IN in, orders for the device out.
//!
//! 1. *Searching*: the edges' grid and place in the public sequence are found by
//!    `SlotSearch`, once there are [`MIN_EDGES`]. Slot 0 may have begun up to a second before the
//!    run, or at any time since; after a loss the place is first looked for within [`REGAIN`] of
//!    dead reckoning.
//! 2. *Following*: each [`INTERVAL`] a Kalman filter of offset, frequency and drift
//!    ([`Tracker`]) takes in the edges of those sync slots that the sequence says are bright.
//!    Fed each 0.1 s with [`WALKS`] it settles to averaging over about a second. An order goes out
//!    if the interval has shown the sequence and the slot is known well enough ([`SURE`]).
//! 3. *Holding*: an interval that does not show it brings no order. After [`BAD_INTERVALS`] the
//!    place is searched again. The device has closed its gate by then: it loses its lock 250 ms
//!    after the last order. After a loss nothing is ordered before that ([`RESTRAINT`]): a place
//!    that was found anew may be another one, and the device must not move there with its lock.
//!
//! Ticks are a device's word: an edge more than [`EDGE_REACH`] from where the data were last is passed
//! over, and data that leap by more than [`LEAP`] end the steering.
//!
//! Nothing here depends on anything but the device's data and the device's time: orders are made when
//! the data reach fixed instants, half an interval before each whole one, for slots that begin
//! [`LEAD`] after that whole one.

mod search;
#[cfg(test)]
mod tests;
mod window;

use helio_bench::SlotTiming;
use helio_timetag::clock::{
    ClockModel, ClockUncertainty, SyncPlan, SyncSequence, Tracked, Tracker, TrackerSettings,
};
use helio_units::{FineTicks, Picoseconds, SlotIndex, TickLength, Ticks};

use self::window::Window;

/// Device time between two orders.
pub const INTERVAL: Picoseconds = Picoseconds(100_000_000_000);
/// From the whole interval, at which a host beats, to the slot of its order: what its way to the
/// device may take. Short enough that a player can begin at once: one of eight dark words of 2²⁰ ticks
/// spans 56 ms at 150 MHz, and a sync slot follows within the rest.
pub const LEAD: Picoseconds = Picoseconds(40_000_000_000);
/// Intervals from the last order before a loss to the first one after it: more than the device's
/// 250 ms, though the former came a [`LEAD`] late and the latter half an interval early.
pub const RESTRAINT: u64 = 4;
/// Edges lie this near to where the data were last.
pub const EDGE_REACH: Picoseconds = Picoseconds(1_000_000_000_000);
/// Data go on within this time: a device that was silent for longer is in another run.
pub const LEAP: Picoseconds = Picoseconds(10_000_000_000_000);
/// Edges before the first search.
pub const MIN_EDGES: usize = 128;
/// The place is searched this far from dead reckoning after a loss.
pub const REGAIN: Picoseconds = Picoseconds(50_000_000_000);
/// Intervals in a row without the sequence after which its place is searched again.
pub const BAD_INTERVALS: u32 = 3;
/// An order goes out if five standard errors of the slots' begins, until the next one, are less than
/// this share of a slot, or less than a tick.
pub const SURE: f64 = 1.0 / 16.0;

/// Wandering of ordinary quartz clocks: 100 ps, 300 ps/s and 0.02 ppb/s in a second.
pub const WALKS: TrackerSettings = TrackerSettings {
    offset_walk_ps: 100.0,
    frequency_walk_ps_per_s: 300.0,
    drift_walk_ppb_per_s: 0.02,
    reach_ps: 1e9,
    resolution_ps: 1.0,
    false_alarm: 1e-6,
};

/// Range of the clocks' drift.
const DRIFT_PPB_PER_S: f64 = 100.0;
/// Most edges that wait for a search.
const MOST_EDGES: usize = 8_192;
/// Fewest bright slots that show the sequence in an interval, and how many times more they are than
/// edges in dark sync slots, of which a wrong place makes as many.
const MIN_HITS: usize = 8;
const HITS_TO_WRONG: usize = 3;

/// What both stations agreed on, and the device's tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteeringConfig {
    /// Length of a tick.
    pub tick: TickLength,
    /// Nominal length of a slot in ticks.
    pub slot_ticks: u32,
    /// Slots from one sync slot to the next, at least 2.
    pub sync_spacing: u16,
    /// First state of the sequence, 1 to 2³¹ − 1.
    pub sync_seed: u32,
}

/// What is to be said to the device with the coming beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Word {
    /// Where slots lie from this one on.
    Steer(SlotTiming),
    /// It is not known where slots lie.
    Nothing,
}

/// How the slot clock stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Whether the place in the sequence is known and was seen in the last interval.
    pub locked: bool,
    /// How much faster Bob's clock runs, in millionths, as it was last known.
    pub frequency_ppm: f64,
    /// Spread of the edges, in ps, rms.
    pub jitter_ps: f64,
    /// How often the place was found.
    pub locks: u32,
    /// How often it was lost after that.
    pub losses: u32,
    /// The device's time leapt, or the run is older than picoseconds count, 53 days: nothing is
    /// ordered any more in it.
    pub ended: bool,
}

/// Steers one run. Some hundred KiB while it searches.
#[derive(Clone, Debug)]
pub struct Steering {
    config: SteeringConfig,
    slot_ps: f64,
    interval: u64,
    lead: u64,
    /// The tick from which picoseconds count: where the run's first data ended.
    origin: Option<Ticks>,
    /// Where the data are now.
    now: Ticks,
    edges: Vec<i64>,
    /// Searches since the place is not known.
    tried: u64,
    /// The whole interval of the last order, and before which there is none after a loss.
    ordered: u64,
    restrained: u64,
    /// The whole interval for which the last word was.
    said: u64,
    state: State,
    standing: Standing,
}

#[derive(Clone, Debug)]
enum State {
    /// Nothing is known.
    Searching,
    Following(Box<Following>),
    /// It was known until some time ago; the sequence stands before where it was.
    Lost(Known),
}

/// What is left of a place that was lost.
#[derive(Clone, Debug)]
struct Known {
    model: ClockModel,
    error: ClockUncertainty,
    /// Before the place.
    sequence: SyncSequence,
}

#[derive(Clone, Debug)]
struct Following {
    tracker: Tracker,
    /// Up to where windows have been looked at.
    sequence: SyncSequence,
    /// The same two intervals ago or so.
    earlier: [SyncSequence; 2],
    bad: u32,
}

impl Steering {
    /// Before the run begins; `None` where the numbers are out of range.
    pub fn new(config: SteeringConfig) -> Option<Steering> {
        SyncSequence::new(config.sync_seed)?;
        let sound = config.sync_spacing >= 2 && config.slot_ticks >= 1;
        sound.then(|| Steering {
            slot_ps: f64::from(config.slot_ticks) * config.tick.as_ps_f64(),
            interval: config.tick.ticks_covering(INTERVAL).0.max(1),
            lead: config.tick.ticks_covering(LEAD).0,
            origin: None,
            now: Ticks(0),
            edges: Vec::new(),
            tried: 0,
            ordered: 0,
            restrained: 0,
            said: 0,
            state: State::Searching,
            standing: Standing::default(),
            config,
        })
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The next edges of SYNC IN, in order of time. That some before them are missing is no harm;
    /// those before the first [`Steering::reached`] are not needed.
    pub fn edges(&mut self, ticks: impl Iterator<Item = Ticks>) {
        let Some(origin) = self.origin else { return };
        let reach = self.config.tick.ticks_covering(EDGE_REACH).0;
        for tick in ticks.filter(|tick| tick.0.abs_diff(self.now.0) <= reach) {
            let Some(ps) = self.picoseconds(tick, origin) else { continue };
            if self.edges.last().is_none_or(|last| *last <= ps) {
                self.edges.push(ps);
            }
        }
        if self.edges.len() > 2 * MOST_EDGES {
            let excess = self.edges.len() - MOST_EDGES;
            self.edges.drain(..excess);
        }
    }

    /// Every edge before this tick was given or is lost. Once an interval, what to say with the
    /// host's next beat; no more after [`Standing::ended`].
    pub fn reached(&mut self, tick: Ticks) -> Option<Word> {
        let instant = tick.0.saturating_add(self.interval / 2) / self.interval;
        if instant <= self.said || self.standing.ended {
            return None;
        }
        let origin = *self.origin.get_or_insert(tick);
        let begun = self.said > 0;
        let leapt = begun && tick.0 - self.now.0 > self.config.tick.ticks_covering(LEAP).0;
        if leapt || self.picoseconds(tick, origin).is_none() {
            (self.standing.ended, self.standing.locked) = (true, false);
            return Some(Word::Nothing);
        }
        self.said = instant;
        self.now = tick;
        self.find(tick);
        let losses = self.standing.losses;
        self.standing.locked = self.follow(tick).unwrap_or(false);
        if self.standing.losses != losses {
            self.restrained = self.ordered + RESTRAINT;
        }
        if !self.standing.locked || instant < self.restrained {
            return Some(Word::Nothing);
        }
        let from = Ticks(instant.saturating_mul(self.interval).saturating_add(self.lead));
        let Some(timing) = self.timing(from) else { return Some(Word::Nothing) };
        self.ordered = instant;
        Some(Word::Steer(timing))
    }

    /// The middle of a tick, in ps from the origin.
    fn picoseconds(&self, tick: Ticks, origin: Ticks) -> Option<i64> {
        let halves = 2 * (i128::from(tick.0) - i128::from(origin.0)) + 1;
        let ps = halves * i128::from(self.config.tick.numerator_ps())
            / (2 * i128::from(self.config.tick.denominator()));
        // Half of the range, 53 days, so that a difference of two is in it.
        i64::try_from(ps).ok().filter(|ps| ps.unsigned_abs() <= i64::MAX as u64 / 2)
    }

    /// Length of a period of the sync slots.
    fn spacing_ps(&self) -> f64 {
        self.slot_ps * f64::from(self.config.sync_spacing)
    }

    /// Takes in the edges up to now; whether they show the sequence.
    fn follow(&mut self, now: Ticks) -> Option<bool> {
        let now = self.picoseconds(now, self.origin?)?;
        let spacing_ps = self.spacing_ps();
        let State::Following(following) = &mut self.state else { return None };
        let model = following.tracker.model();
        let until = (model.to_a(now).max(0) as f64 / spacing_ps) as u64;
        let window = Window { model, slot_ps: self.slot_ps, spacing: self.config.sync_spacing };
        let begin = (following.sequence.position() as f64 * spacing_ps) as i64;
        following.earlier = [following.earlier[1], following.sequence];
        let seen = window.look(&self.edges, &mut following.sequence, until);
        self.edges.drain(..seen.taken);
        let plan = SyncPlan { slot_ps: self.slot_ps, spacing: self.config.sync_spacing, bits: &[] };
        let end = (following.sequence.position() as f64 * spacing_ps) as i64;
        let tracked = following.tracker.slots(begin, end, &seen.hits, &plan);
        let shown = seen.hits.len() >= MIN_HITS
            && seen.hits.len() >= HITS_TO_WRONG * seen.wrong
            && matches!(tracked, Tracked::Followed { .. });
        following.bad = if shown { 0 } else { following.bad + 1 };
        self.standing.frequency_ppm = following.tracker.model().frequency_ppm;
        if following.bad >= BAD_INTERVALS
            || matches!(tracked, Tracked::Lost | Tracked::Jumped { .. })
        {
            let (model, error) = (following.tracker.model(), following.tracker.uncertainty());
            let sequence = following.earlier[0];
            self.state = State::Lost(Known { model, error, sequence });
            self.tried = 0;
            self.standing.losses += 1;
        }
        Some(shown)
    }

    /// The slot clock from the first sync slot on that begins at `from` or later, if it is known
    /// well enough.
    fn timing(&self, from: Ticks) -> Option<SlotTiming> {
        let origin = self.origin?;
        let State::Following(following) = &self.state else { return None };
        let (model, error) = (following.tracker.model(), following.tracker.uncertainty());
        let tick_ps = self.config.tick.as_ps_f64();
        let at = model.to_a(self.picoseconds(from, origin)?);
        // It has to do until the next one.
        let ahead_s = (at + INTERVAL.0 - model.reference_ps) as f64 * 1e-12;
        let walk = WALKS.frequency_walk_ps_per_s * ahead_s.abs().powf(1.5);
        let drift = 0.5e3 * error.drift_ppb_per_s * ahead_s * ahead_s;
        let frequency = 1e6 * error.frequency_ppm * ahead_s;
        let error_ps = [error.offset_ps, frequency, drift, walk]
            .iter()
            .map(|part| part * part)
            .sum::<f64>()
            .sqrt();
        if 5.0 * error_ps > (SURE * self.slot_ps).max(tick_ps) {
            return None;
        }
        let spacing = u64::from(self.config.sync_spacing);
        let slot = ((at.max(0) as f64 / self.spacing_ps()) as u64 + 1).checked_mul(spacing)?;
        let alice_ps = (slot as f64 * self.slot_ps) as i64;
        let there = model.at(alice_ps);
        let fine = |ps: f64| (ps / tick_ps * 4_294_967_296.0) as i128;
        let slot_fine = i128::from(self.config.slot_ticks) << FineTicks::FRACTION_BITS;
        let origin = FineTicks::from_ticks(origin).0;
        let start = origin + i128::from(slot) * slot_fine + fine(there.offset_ps);
        let period = slot_fine + fine(1e-6 * there.frequency_ppm * self.slot_ps);
        let timing = SlotTiming {
            slot: SlotIndex(slot),
            start: FineTicks(start),
            period: FineTicks(period),
        };
        (start >= FineTicks::from_ticks(from).0 && period > 0).then_some(timing)
    }
}
