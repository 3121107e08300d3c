//! Slow changes: a straight line through rates or through the place of a folded peak.

use helio_units::Ticks;

use super::fold::Phasor;
use super::{Estimate, Rates};

/// A straight line through points with errors: weighted least squares, in one pass (Bevington and
/// Robinson, *Data Reduction and Error Analysis*, 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineFit {
    weight: f64,
    mean: [f64; 2],
    spread: [f64; 3],
    points: u32,
}

/// A line y = `offset` + `slope` · (x − `centre`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The weighted mean of x: there offset and slope are independent.
    pub centre: f64,
    /// y there.
    pub offset: Estimate,
    /// Change of y with x, with the error that the points' stated errors give it.
    pub slope: Estimate,
    /// χ² about the line: near [`Line::freedom`] where the points scatter as their errors say and
    /// nothing but the line changes.
    pub chi2: f64,
    /// Points less two.
    pub freedom: u32,
}

impl LineFit {
    /// Takes a point; one without a finite, positive error is left out.
    pub fn add(&mut self, x: f64, y: f64, error: f64) {
        let weight = error.powi(-2);
        if !(weight.is_finite() && weight > 0.0 && x.is_finite() && y.is_finite()) {
            return;
        }
        self.weight += weight;
        let [dx, dy] = [x - self.mean[0], y - self.mean[1]];
        self.mean[0] += weight / self.weight * dx;
        self.mean[1] += weight / self.weight * dy;
        self.spread[0] += weight * dx * (x - self.mean[0]);
        self.spread[1] += weight * dx * (y - self.mean[1]);
        self.spread[2] += weight * dy * (y - self.mean[1]);
        self.points += 1;
    }

    /// The line; `None` below three points, or where all have one x.
    pub fn line(&self) -> Option<Line> {
        let [xx, xy, yy] = self.spread;
        let slope = xy / xx;
        (self.points >= 3 && slope.is_finite()).then(|| Line {
            centre: self.mean[0],
            offset: Estimate { value: self.mean[1], error: self.weight.powf(-0.5) },
            slope: Estimate { value: slope, error: xx.powf(-0.5) },
            chi2: (yy - slope * xy).max(0.0),
            freedom: self.points - 2,
        })
    }
}

/// Below so many expected counts a bin that ends with the trace says nothing.
const LEAST_COUNTS: f64 = 5.0;

/// A point of a drift: x and y in the units of the drift, with the error of y.
pub type DriftPoint = (f64, Estimate);

/// The counts of a channel in bins over time and the line through them: x in ticks from the origin
/// of `rates`, y in counts per tick. The errors are Poissonian, from the mean of all bins, so that
/// bins that happen to be low weigh no more.
///
/// A last bin that is not whole is left out where it is shorter than half a bin or too short for five
/// counts of that mean: a trace that ends with a detection has one count more in it than its length
/// tells.
pub fn rate_drift(rates: &Rates, channel: u8) -> (Vec<DriftPoint>, Option<Line>) {
    let counts = rates.counts(channel);
    let (bin, last) = (rates.bin().0 as f64, counts.len() - 1);
    let end = last as f64 * bin + rates.last_bin().0 as f64;
    let mean = counts.iter().sum::<u64>() as f64 / end;
    let part = rates.last_bin().0 as f64;
    let told = match part < bin && mean * part < LEAST_COUNTS {
        true => last.max(1),
        false => rates.told_bins(),
    };
    let mut fit = LineFit::default();
    let points: Vec<DriftPoint> = counts
        .iter()
        .enumerate()
        .take(told)
        .map(|(i, n)| {
            let length = if i == last { part } else { bin };
            let error = (mean * length).sqrt() / length;
            let point =
                (i as f64 * bin + 0.5 * length, Estimate { value: *n as f64 / length, error });
            fit.add(point.0, point.1.value, error);
            point
        })
        .collect();
    (points, fit.line())
}

/// The place of a folded peak over time.
///
/// Slices of the trace, twice as long whenever they become too many, as in [`Rates`].
#[derive(Clone, Debug)]
pub struct PeakDrift {
    origin: Ticks,
    slice: u64,
    most: usize,
    slices: Vec<Phasor>,
}

impl PeakDrift {
    /// Slices of `slice` ticks (at least 1) from `origin` on; at most `most` of them (at least 2)
    /// before they double.
    pub fn new(origin: Ticks, slice: Ticks, most: usize) -> PeakDrift {
        PeakDrift { origin, slice: slice.0.max(1), most: most.max(2), slices: Vec::new() }
    }

    /// Counts a detection at `tick` that lies at this phase of its period, from 0 to 1.
    pub fn push(&mut self, tick: Ticks, phase: f64) {
        let elapsed = tick.0.saturating_sub(self.origin.0);
        while elapsed / self.slice >= self.most as u64 {
            self.slice *= 2;
            let halves = std::mem::take(&mut self.slices);
            self.slices = halves
                .chunks(2)
                .map(|pair| {
                    let mut whole = pair[0];
                    pair[1..].iter().for_each(|second| whole.merge(second));
                    whole
                })
                .collect();
        }
        let index = (elapsed / self.slice) as usize;
        if self.slices.len() <= index {
            self.slices.resize(index + 1, Phasor::default());
        }
        self.slices[index].add(phase);
    }

    /// The length of a slice.
    pub fn slice(&self) -> Ticks {
        Ticks(self.slice)
    }

    /// The peak's place in each slice that has one, and the line through them: x in ticks from the
    /// origin, y in periods, from the first place on, so that it may go on beyond a period. Slices
    /// must be so short that the peak moves by less than half a period from one to the next.
    pub fn drift(&self) -> (Vec<DriftPoint>, Option<Line>) {
        let (mut fit, mut points, mut before) = (LineFit::default(), Vec::new(), None);
        for (index, slice) in self.slices.iter().enumerate() {
            let Some(place) = slice.mean() else { continue };
            let near = before.unwrap_or(place.value);
            let value = place.value + (near - place.value).round();
            before = Some(value);
            let x = (index as f64 + 0.5) * self.slice as f64;
            fit.add(x, value, place.error);
            points.push((x, Estimate { value, ..place }));
        }
        (points, fit.line())
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Dice, coherent};
    use super::*;

    #[test]
    fn a_line_is_found_with_the_error_that_its_points_give_it() {
        let mut pulls = Vec::new();
        for seed in 0..300 {
            let (mut dice, mut fit) = (Dice::new(seed), LineFit::default());
            for i in 0..20 {
                let (x, error) = (1e9 + f64::from(i), 1.0 + f64::from(i % 3));
                fit.add(x, 5.0 + 0.25 * (x - 1e9) + error * dice.normal(), error);
            }
            let line = fit.line().unwrap();
            pulls.push((line.slope.value - 0.25) / line.slope.error);
            assert!(line.chi2 < 60.0 && line.freedom == 18, "{line:?}");
        }
        let rms = (pulls.iter().map(|p| p * p).sum::<f64>() / 300.0).sqrt();
        assert!((0.85..1.15).contains(&rms), "{rms}");
        let mut few = LineFit::default();
        few.add(0.0, 1.0, 0.0);
        [1.0, 2.0].iter().for_each(|x| few.add(*x, *x, 1.0));
        assert_eq!(few.line(), None);
    }

    #[test]
    fn steady_light_has_no_drift_and_fading_light_its_own() {
        let ticks = coherent(3, 100.0, 200_000);
        let drift = |keep: &dyn Fn(u64) -> bool| {
            let mut rates = Rates::new(Ticks(0), Ticks(1000), 64);
            ticks.iter().filter(|t| keep(**t)).for_each(|t| rates.push(Ticks(*t), 0));
            rate_drift(&rates, 0).1.unwrap()
        };
        let steady = drift(&|_| true);
        assert!(steady.slope.value.abs() < 3.5 * steady.slope.error);
        // Thinned from all to half over the trace: the slope is half the rate over the length.
        let length = *ticks.last().unwrap() as f64;
        let fading = drift(&|t| (t as f64 * 0.754_877_666).fract() > 0.5 * t as f64 / length);
        let expected = -0.5 * 0.01 / length;
        let off = (fading.slope.value - expected) / fading.slope.error;
        assert!(off.abs() < 4.0, "{fading:?} {expected}");
    }

    #[test]
    fn a_last_bin_that_was_hardly_begun_has_no_point() {
        // Regular pulses: the last of them alone in a bin of one tick.
        let mut rates = Rates::new(Ticks(0), Ticks(1_000), 1_000);
        (0..200).for_each(|i| rates.push(Ticks(i * 1_000), 0));
        let (points, line) = rate_drift(&rates, 0);
        let line = line.unwrap();
        assert_eq!((points.len(), line.freedom), (199, 197));
        assert!(line.chi2 < 1.0, "{line:?}");
        // More than half of a bin, but too short for its counts.
        rates.reach(Ticks(199_700));
        assert_eq!(rate_drift(&rates, 0).0.len(), 199);
        rates.reach(Ticks(199_999));
        assert_eq!(rate_drift(&rates, 0).0.len(), 200);
    }

    #[test]
    fn a_peak_that_wanders_through_many_periods_is_followed() {
        let (mut dice, mut drift) = (Dice::new(5), PeakDrift::new(Ticks(100), Ticks(10), 200));
        let (mut now, slope) = (100.0, 3.2e-6);
        for _ in 0..100_000 {
            now += dice.exponential(20.0);
            let background = dice.uniform() < 0.2;
            let place = 0.3 + slope * (now - 100.0) + 0.05 * dice.normal();
            drift.push(Ticks(now as u64), if background { dice.uniform() } else { place });
        }
        let (points, line) = drift.drift();
        let line = line.unwrap();
        assert!(points.len() <= 200 && points.len() > 90);
        assert!((line.slope.value - slope).abs() < 4.0 * line.slope.error, "{line:?}");
        assert!(points[points.len() - 1].1.value > 6.0);
        assert!(line.chi2 < 2.0 * f64::from(line.freedom));
    }
}
