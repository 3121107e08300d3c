//! Where the sequence stands: the searches of a run and of a place that was lost.
//!
//! One search an interval, over a bounded span of edges: the thread that searches has to beat.

use helio_timetag::clock::{
    ClockModel, ClockUncertainty, Lock, SearchRange, SlotSearch, SyncPlan, SyncSequence, Tracker,
    TrackerSettings,
};
use helio_units::Ticks;

use super::window::Window;
use super::{
    DRIFT_PPB_PER_S, Following, HITS_TO_WRONG, INTERVAL, Known, MIN_EDGES, MOST_EDGES, REGAIN,
    State, Steering, WALKS,
};

/// A search of a run looks so far around one time of slot 0; the next one looks at the next time.
const REACH_PS: i64 = 1_000_000_000_000;
/// The clocks' frequencies differ by this much at most.
const FREQUENCY_PPM: f64 = 100.0;
/// Edges of the last two seconds are searched, at most.
const SPAN_PS: f64 = 2e12;
/// After so many searches around dead reckoning, the place may be any again.
const NEAR_TRIES: u64 = 50;

impl Steering {
    /// Edges that are no older than this are searched: over this span no drift smears the grid, so
    /// one transform shows it.
    fn span_ps(&self) -> i64 {
        SPAN_PS.min(1e12 * (2e-3 * self.slot_ps / DRIFT_PPB_PER_S).sqrt()) as i64
    }

    /// Searches the place, where it is not known.
    pub(super) fn find(&mut self, now: Ticks) {
        if matches!(self.state, State::Following(_)) {
            return;
        }
        let Some(now) = self.origin.and_then(|origin| self.picoseconds(now, origin)) else {
            return;
        };
        let oldest = now - self.span_ps();
        let old = self.edges.partition_point(|edge| *edge < oldest);
        self.edges.drain(..old.max(self.edges.len().saturating_sub(MOST_EDGES)));
        if self.edges.len() < MIN_EDGES {
            return;
        }
        let tried = self.tried;
        self.tried += 1;
        match &self.state {
            State::Lost(lost) if tried < NEAR_TRIES || tried.is_multiple_of(2) => {
                // The search begins behind dead reckoning.
                let mut lost = lost.clone();
                let behind = lost.model.to_a(self.edges[0]) - 2 * REGAIN.0;
                lost.sequence.skip_to((behind.max(0) as f64 / self.spacing_ps()) as u64);
                self.search_near(&lost);
            }
            State::Lost(_) => self.search(now, (tried - NEAR_TRIES) / 2),
            _ => self.search(now, tried),
        }
    }

    /// A search of a run: slot 0 may have begun shortly before the run or at any time since. Each
    /// second try is around the run's begin, where it is likeliest; the others go round.
    fn search(&mut self, now: i64, tried: u64) {
        let Some(mut sequence) = SyncSequence::new(self.config.sync_seed) else { return };
        let stride = 2 * REACH_PS;
        // Slow clocks make it look earlier by and by.
        let early = (1e-6 * FREQUENCY_PPM * now.max(0) as f64 / stride as f64).ceil() as i64;
        let late = (now.max(0) + REACH_PS) / stride;
        let others = early + late;
        let place = match tried % 2 {
            1 if others > 0 => {
                // 1, 2 … late, −1 … −early.
                let nth = 1 + (tried / 2 % others as u64) as i64;
                if nth <= late { nth } else { late - nth }
            }
            _ => 0,
        };
        let near = place * stride;
        let behind = self.edges[0] - near - 2 * REACH_PS;
        sequence.skip_to((behind.max(0) as f64 / self.spacing_ps()) as u64);
        let range = SearchRange { offset_ps: REACH_PS as f64, ..self.range() };
        if let Some(lock) = self.place(sequence, near, range).filter(|lock| self.is_near(lock)) {
            self.begin(&lock, sequence);
        }
    }

    /// The search after a loss. The frequency is better known from before than from a few edges.
    fn search_near(&mut self, lost: &Known) {
        let begin = (lost.sequence.position() as f64 * self.spacing_ps()).round() as i64;
        let near = lost.model.at(begin).offset_ps.round() as i64;
        let range = SearchRange { offset_ps: REGAIN.0 as f64, ..self.range() };
        let Some(mut lock) = self.place(lost.sequence, near, range) else { return };
        let known = lost.model.at(lock.model.reference_ps);
        let away_s = (known.reference_ps - lost.model.reference_ps) as f64 * 1e-12;
        let walked = 1e-6 * WALKS.frequency_walk_ps_per_s * away_s.abs().sqrt();
        let drifted = 1e-3 * lost.error.drift_ppb_per_s * away_s;
        let error_ppm = lost.error.frequency_ppm.hypot(walked).hypot(drifted);
        if error_ppm < lock.uncertainty.frequency_ppm {
            lock.model.frequency_ppm = known.frequency_ppm;
            lock.uncertainty.frequency_ppm = error_ppm;
        }
        if self.is_near(&lock) {
            self.begin(&lock, lost.sequence);
        }
    }

    fn range(&self) -> SearchRange {
        SearchRange {
            frequency_ppm: FREQUENCY_PPM,
            drift_ppb_per_s: DRIFT_PPB_PER_S,
            ..SearchRange::default()
        }
    }

    /// Searches with `near` as the offset to search around, from the sequence's position on.
    fn place(&self, sequence: SyncSequence, near: i64, range: SearchRange) -> Option<Lock> {
        let begin = (sequence.position() as f64 * self.spacing_ps()).round() as i64;
        let clicks: Vec<i64> = self.edges.iter().map(|edge| edge - begin - near).collect();
        let last = clicks.last().copied().unwrap_or(0).max(0) as f64 + range.offset_ps;
        let positions = (last / self.spacing_ps()) as usize + 2;
        let bits = sequence.clone().take(positions);
        let plan =
            SyncPlan { slot_ps: self.slot_ps, spacing: self.config.sync_spacing, bits: &bits };
        let resolution_ps = self.config.tick.as_ps_f64();
        let search = SlotSearch { range, resolution_ps, max_clicks: MOST_EDGES };
        let found = search.find(&clicks, &plan).ok()?;
        let model = ClockModel {
            reference_ps: found.model.reference_ps + begin,
            offset_ps: found.model.offset_ps + near as f64,
            ..found.model
        };
        // Whole ticks over a tenth of a second say less of the drift than is known of a clock.
        let drift_ppb_per_s = found.uncertainty.drift_ppb_per_s.min(DRIFT_PPB_PER_S);
        let uncertainty = ClockUncertainty { drift_ppb_per_s, ..found.uncertainty };
        let mut lock = Lock { model, uncertainty, ..found };
        // Noise before the light makes the span look longer than it is.
        let span_s = self.light_s(&lock, sequence)?;
        let error_ppm = 1e-6 * resolution_ps / span_s;
        lock.uncertainty.frequency_ppm = lock.uncertainty.frequency_ppm.max(error_ppm);
        Some(lock)
    }

    /// Whether the light will be where it is looked for an interval on.
    fn is_near(&self, lock: &Lock) -> bool {
        5e6 * lock.uncertainty.frequency_ppm * 1e-12 * (INTERVAL.0 as f64) < 0.5 * self.slot_ps
    }

    /// For how long the edges show the light, in seconds: what lies between a tenth and nine tenths
    /// of those in bright slots, and as much more as that leaves out. `None` if they are few, or not
    /// many more than those in dark sync slots.
    fn light_s(&self, lock: &Lock, mut sequence: SyncSequence) -> Option<f64> {
        let (model, spacing) = (lock.model, self.config.sync_spacing);
        let window = Window { model, slot_ps: self.slot_ps, spacing };
        let seen = window.look(&self.edges, &mut sequence, u64::MAX);
        // Pieces of a sequence with so short a law are more alike than chance makes them: a wrong place
        // can have three hits in five, and chance alone would make that one in 10⁷.
        if seen.hits.len() < HITS_TO_WRONG * seen.wrong {
            return None;
        }
        let hits = seen.hits;
        let [from, to] = [hits.len() / 10, hits.len() - hits.len() / 10];
        (hits.len() >= MIN_EDGES / 2).then(|| 1.25e-12 * (hits[to - 1] - hits[from]).max(1) as f64)
    }

    /// Follows from the first edge on, so that the interval shows what was found.
    fn begin(&mut self, lock: &Lock, mut sequence: SyncSequence) {
        let resolution_ps = self.config.tick.as_ps_f64();
        let settings = TrackerSettings { reach_ps: 0.5 * self.slot_ps, resolution_ps, ..WALKS };
        let first = self.edges.first().map_or(0, |edge| lock.model.to_a(*edge));
        sequence.skip_to((first.max(0) as f64 / self.spacing_ps()) as u64);
        let tracker = Tracker::new(lock, settings);
        let following = Following { tracker, sequence, earlier: [sequence; 2], bad: 0 };
        self.state = State::Following(Box::new(following));
        self.tried = 0;
        self.standing.locks += 1;
        self.standing.jitter_ps = lock.jitter_ps;
    }
}
