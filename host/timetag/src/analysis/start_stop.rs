//! Start-stop measurement, as a time-to-amplitude converter makes it.
//!
//! A start opens a measurement, the first stop after it closes it, and starts in between are not
//! heard. Early stops hide later ones: for stops at a rate f(t) after a start, the delays follow
//! f(t) exp(−∫f). Coates's correction (J. Phys. E 1, 878 (1968)) gives f back: of the measurements
//! that were still open at the begin of a bin, a share 1 − e^(−f·w) is closed in it.

use helio_units::Ticks;

use super::{Estimate, InvalidHistogram, LinearHistogram, OutOfOrder};

/// Measures delays from channel `start` to channel `stop`.
#[derive(Clone, Debug)]
pub struct StartStop {
    start: u8,
    stop: u8,
    histogram: LinearHistogram,
    reach: u64,
    open: Option<u64>,
    starts: u64,
    last: Ticks,
}

impl StartStop {
    /// `bins` bins of `bin` ticks; the two channels may be the same one, whose next tag then stops
    /// and starts at once.
    ///
    /// # Errors
    /// No bins, or too many.
    pub fn new(start: u8, stop: u8, bin: Ticks, bins: u32) -> Result<StartStop, InvalidHistogram> {
        let histogram = LinearHistogram::new(Ticks(0), bin, bins)?;
        let reach = bin.0.saturating_mul(u64::from(bins));
        Ok(StartStop { start, stop, histogram, reach, open: None, starts: 0, last: Ticks(0) })
    }

    /// Takes the next tag, of any channel; tags of other channels are passed over.
    ///
    /// # Errors
    /// A tag of either channel before its predecessor; it is not counted.
    pub fn push(&mut self, tick: Ticks, channel: u8) -> Result<(), OutOfOrder> {
        if channel != self.start && channel != self.stop {
            return Ok(());
        }
        if tick < self.last {
            return Err(OutOfOrder { tick, last: self.last });
        }
        self.last = tick;
        if let Some(start) = self.open {
            let delay = tick.0 - start;
            if delay >= self.reach || channel == self.stop {
                self.histogram.add(Ticks(delay));
                self.open = None;
            }
        }
        if channel == self.start && self.open.is_none() {
            self.open = Some(tick.0);
            self.starts += 1;
        }
        Ok(())
    }

    /// The delays; those beyond the last bin stand outside. The error of a bin is its root.
    pub fn histogram(&self) -> &LinearHistogram {
        &self.histogram
    }

    /// Measurements that have ended, with a stop or without.
    pub fn measurements(&self) -> u64 {
        self.starts - u64::from(self.open.is_some())
    }

    /// Stops per tick at each bin's delay, with those that earlier stops hide; `None` where all
    /// measurements had ended before.
    pub fn stop_rates(&self) -> Vec<Option<Estimate>> {
        let mut open = self.measurements() as f64;
        let bin = self.histogram.bin().0 as f64;
        let mut rates = Vec::with_capacity(self.histogram.counts().len());
        for &n in self.histogram.counts() {
            let n = n as f64;
            // A bin that closed all that was open has no finite rate.
            rates.push((open > n).then(|| Estimate {
                value: -(-n / open).ln_1p() / bin,
                error: (n.max(1.0) / (open * (open - n))).sqrt() / bin,
            }));
            open -= n;
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{coherent, split};
    use super::*;

    fn measured(tags: &[(u64, u8)], stop: u8, bin: u64, bins: u32) -> StartStop {
        let mut measured = StartStop::new(0, stop, Ticks(bin), bins).unwrap();
        for &(tick, channel) in tags {
            measured.push(Ticks(tick), channel).unwrap();
        }
        measured
    }

    #[test]
    fn the_first_stop_counts_and_starts_in_between_do_not() {
        let tags = [(5, 1), (10, 0), (12, 0), (13, 1), (14, 1), (20, 0), (60, 0), (61, 1), (90, 0)];
        let found = measured(&tags, 1, 1, 10);
        assert_eq!(found.histogram().counts(), [0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!((found.histogram().outside(), found.measurements()), (1, 3));
        let own = measured(&[(0, 0), (4, 0), (7, 0)], 0, 1, 10);
        assert_eq!((own.histogram().counts()[3], own.histogram().counts()[4]), (1, 1));
        assert!(StartStop::new(0, 1, Ticks(0), 1).is_err());
    }

    #[test]
    fn pile_up_is_undone() {
        // Two stops in a range on average: the last bins see an eighth of what the first do.
        let found = measured(&split(4, &coherent(4, 500.0, 400_000)), 1, 40, 50);
        let counts = found.histogram().counts();
        assert!(counts[49] * 5 < counts[0], "{counts:?}");
        let chi2: f64 = found
            .stop_rates()
            .into_iter()
            .map(|rate| {
                let rate = rate.unwrap();
                ((rate.value - 1e-3) / rate.error).powi(2)
            })
            .sum();
        assert!((chi2 - 50.0).abs() < 40.0, "χ² {chi2} of 50");
    }

    #[test]
    fn without_measurements_there_is_no_rate() {
        assert!(measured(&[], 1, 1, 4).stop_rates().iter().all(Option::is_none));
        let all = measured(&[(0, 0), (1, 1)], 1, 1, 3).stop_rates();
        assert_eq!(all[0].unwrap().value, 0.0);
        assert_eq!(&all[1..], [None, None]);
    }
}
