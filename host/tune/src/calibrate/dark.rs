//! Detectors in the dark: dark counts, dead time, afterpulses.

use helio_timetag::TagBatch;
use helio_timetag::analysis::{DetectorEstimate, Detectors};
use helio_units::{TickLength, Ticks};

use super::Quantity;
use crate::Measured;

/// The counts of a run without light.
#[derive(Clone, Debug)]
pub struct DarkRun {
    tick: TickLength,
    counts: Vec<u64>,
    begin: Option<Ticks>,
    reached: Ticks,
    gaps: Detectors,
    out_of_order: u64,
}

/// What the dark says of a detector.
#[derive(Clone, Debug, PartialEq)]
pub struct DarkFigures {
    /// Counts a second without light, afterpulses among them.
    pub rate_hz: Measured,
    /// Dead time in seconds; `None` where so few gaps are short that nothing is known.
    pub dead_time_s: Option<Measured>,
    /// The shortest gap that belongs to the dead time and not to a double pulse, in seconds, a tick added for
    /// the two ticks' widths; `None` where the dead time is.
    pub shortest_gap_s: Option<f64>,
    /// Probability that a count is followed by an afterpulse.
    pub afterpulse: Option<Measured>,
    /// Counts.
    pub counts: u64,
    /// Seconds in which they were counted.
    pub seconds: f64,
    /// Whether the gaps are those of steady random counts: χ² within five deviations.
    pub steady: bool,
}

impl DarkRun {
    /// Nothing counted yet on so many channels.
    pub fn new(tick: TickLength, channels: usize) -> DarkRun {
        DarkRun {
            tick,
            counts: vec![0; channels],
            begin: None,
            reached: Ticks(0),
            gaps: Detectors::default(),
            out_of_order: 0,
        }
    }

    /// Counts of Bob's device. What came before the first call of [`DarkRun::begin`] is left out.
    pub fn tags(&mut self, batch: &TagBatch) {
        self.reached = self.reached.max(batch.reached);
        let Some(begin) = self.begin else { return };
        for tag in batch.tags.iter().filter(|tag| tag.tick >= begin.0) {
            let Some(count) = self.counts.get_mut(tag.channel as usize) else { continue };
            *count += 1;
            let in_order = self.gaps.push(Ticks(tag.tick), tag.channel as u8);
            self.out_of_order += u64::from(in_order.is_err());
        }
    }

    /// The light is off from here on.
    pub fn begin(&mut self) {
        self.begin = Some(self.reached);
    }

    /// Seconds in the dark so far.
    pub fn seconds(&self) -> f64 {
        let ticks = self.begin.map_or(0, |begin| self.reached.0.saturating_sub(begin.0));
        ticks as f64 * self.tick.as_ps_f64() * 1e-12
    }

    /// The time that the counts have reached.
    pub fn reached_s(&self) -> f64 {
        self.reached.0 as f64 * self.tick.as_ps_f64() * 1e-12
    }

    /// What is known of a channel's detector.
    pub fn of(&self, channel: u8) -> DarkFigures {
        let counts = self.counts.get(usize::from(channel)).copied().unwrap_or(0);
        let tick_s = self.tick.as_ps_f64() * 1e-12;
        let estimate = self.gaps.estimate(channel).ok();
        let found = |e: helio_timetag::analysis::Estimate| Measured::new(e.value, e.error);
        let afterpulse = estimate.as_ref().and_then(|e| e.afterpulse).map(found);
        // An afterpulse comes with its count: with probability p a count brings p/(1 − p) more on average,
        // and the variance of the sum is larger than Poisson's by (1 + p)/(1 − p).
        let p = afterpulse.map_or(0.0, |a| a.value.clamp(0.0, 0.9));
        let rate = Measured::count(counts);
        let error = rate.error * ((1.0 + p) / (1.0 - p)).sqrt();
        let rate_hz = Measured::new(rate.value, error).times(1.0 / self.seconds());
        // A dead time is known once gaps not much longer than it have been seen.
        let known = |dead: &Measured| 3.0 * dead.error < dead.value;
        let dead_time = estimate.as_ref().map(|e| found(e.dead_time).times(tick_s)).filter(known);
        let shortest = estimate.as_ref().map(|e| (e.shortest_gap.0 + 1) as f64 * tick_s);
        let steady = |e: &DetectorEstimate| {
            let freedom = f64::from(e.freedom.max(1));
            (e.chi2 - freedom) / (2.0 * freedom).sqrt() < 5.0
        };
        DarkFigures {
            rate_hz,
            dead_time_s: dead_time,
            shortest_gap_s: dead_time.and(shortest),
            afterpulse,
            counts,
            seconds: self.seconds(),
            steady: estimate.as_ref().is_none_or(steady),
        }
    }
}

impl DarkFigures {
    /// Variance of a number of counts over Poisson's, (1 + p)/(1 − p), of an afterpulse probability p `sigmas`
    /// errors above the one found; of one in two where so few counts tell nothing.
    pub fn dispersion(&self, sigmas: f64) -> f64 {
        let p = self.afterpulse.map_or(0.5, |p| (p.value + sigmas * p.error).clamp(0.0, 0.9));
        (1.0 + p) / (1.0 - p)
    }

    /// The numbers to be told.
    pub fn quantities(&self, of: &str) -> Vec<Quantity> {
        let quantity =
            |name, value, unit, how| Quantity { name, of: of.to_owned(), value, unit, how };
        let mut list = vec![quantity(
            "dark count rate",
            self.rate_hz,
            "Hz",
            "counts over time without light, afterpulses among them; Poisson error, widened by afterpulses",
        )];
        list.extend(
            self.dead_time_s.map(|dead| {
                quantity("dead time", dead, "s", "fit to the gaps between dark counts")
            }),
        );
        list.extend(self.afterpulse.map(|p| {
            quantity("afterpulse probability", p, "", "fit to the gaps between dark counts")
        }));
        list
    }
}
