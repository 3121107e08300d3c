//! The timing response of a detector: a fit to a peak of a histogram.
//!
//! The response is a Gaussian of which a share w has an exponential delay as well, on a flat
//! background: avalanches that begin in the neutral region of a silicon diode reach the junction by
//! diffusion (Lacaita, Cova, Ghioni and Zappa, IEEE Electron Device Lett. 14, 360 (1993)). w = 1 is a
//! Gaussian folded with an exponential, the "exponentially modified Gaussian". Bins hold the
//! integrals of the curve, not its height in their middle.

mod response;

use super::fit::{self, Fit};
use super::{Estimate, LinearHistogram};
use response::Response;

/// What a peak says of the response; times in ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JitterFit {
    /// Detections in the peak.
    pub area: Estimate,
    /// The middle of the Gaussian.
    pub centre: Estimate,
    /// Its standard deviation.
    pub sigma: Estimate,
    /// The tail; `None` where a Gaussian alone does as well.
    pub tail: Option<Tail>,
    /// Detections per tick in the background.
    pub background: Estimate,
    /// Full width of the peak at half of its height, tail included.
    pub fwhm: Estimate,
    /// Full width at a tenth of its height.
    pub fwtm: Estimate,
    /// χ² of the fit (Pearson, neighbours with few counts taken together).
    pub chi2: f64,
    /// Its degrees of freedom.
    pub freedom: u32,
}

/// The exponential tail of a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The share of the peak's detections with the delay, 0 to 1.
    pub share: Estimate,
    /// Its mean, in ticks.
    pub decay: Estimate,
}

/// Why there is no fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoJitterFit {
    /// Fewer than 100 counts, or fewer than eight bins.
    #[error("a fit of the response needs at least 100 counts in at least 8 bins; record longer")]
    TooFew,
    /// No peak stands out, or it is narrower than the bins tell.
    #[error(
        "no peak stands out of the histogram that is wider than a bin; choose another range or shorter bins"
    )]
    NoPeak,
}

impl JitterFit {
    /// Fits the highest peak of the histogram.
    ///
    /// # Errors
    /// Too few counts, or no peak.
    pub fn of(histogram: &LinearHistogram) -> Result<JitterFit, NoJitterFit> {
        let counts: Vec<f64> = histogram.counts().iter().map(|n| *n as f64).collect();
        let total: f64 = counts.iter().sum();
        if total < 100.0 || counts.len() < 8 {
            return Err(NoJitterFit::TooFew);
        }
        // Everything in bins until the end: then steps and starts are near one.
        let start = Start::of(&counts).ok_or(NoJitterFit::NoPeak)?;
        let gaussian = |p: &[f64; 4], means: &mut [f64]| {
            Response { area: p[0].exp(), centre: p[1], sigma: p[2].exp(), share: 0.0, decay: 1.0 }
                .fill(p[3].exp(), means);
        };
        let plain = [start.area.ln(), start.centre, start.sigma.ln(), start.background.ln()];
        let steps = [1e-5, 1e-4 * start.sigma, 1e-5, 1e-4];
        let narrow = fit::fit(&counts, plain, steps, gaussian).ok_or(NoJitterFit::NoPeak)?;
        let full = fit_tail(&counts, &start, &narrow);
        let found = match &full {
            Some(full) => JitterFit::with(full.parameters, full, true, &start, &counts),
            None => {
                // The tail's parameters are there, but nothing is known of them.
                let [area, centre, sigma, background] = narrow.parameters;
                let mut covariance = [[0.0; 6]; 6];
                for (i, row) in narrow.covariance.iter().enumerate() {
                    covariance[i][..4].copy_from_slice(row);
                }
                let parameters = [area, centre, sigma, background, f64::NEG_INFINITY, 0.0];
                let fit = Fit { parameters, covariance, deviance: narrow.deviance };
                JitterFit::with(parameters, &fit, false, &start, &counts)
            }
        };
        // Narrower than a bin, or as wide as the histogram: nothing is known of the shape.
        if found.sigma.value < 0.2 || found.sigma.value > counts.len() as f64 {
            return Err(NoJitterFit::NoPeak);
        }
        Ok(found.in_ticks(histogram))
    }

    /// Detections in a bin from `from` to `to`, in ticks, by the fitted curve.
    pub fn mean(&self, from: f64, to: f64) -> f64 {
        let response = Response {
            area: self.area.value,
            centre: self.centre.value,
            sigma: self.sigma.value,
            share: self.tail.map_or(0.0, |tail| tail.share.value),
            decay: self.tail.map_or(1.0, |tail| tail.decay.value),
        };
        response.area * (response.below(to) - response.below(from))
            + self.background.value * (to - from)
    }

    fn with(p: [f64; 6], fit: &Fit<6>, tail: bool, start: &Start, counts: &[f64]) -> JitterFit {
        let steps = start.steps();
        let response = Response::of(&p);
        let error = |i: usize| fit.covariance[i][i].max(0.0).sqrt();
        let width = |part: f64| Estimate {
            value: response.width(part),
            error: fit.error_of(&steps, |p| Response::of(p).width(part)),
        };
        let mut means = vec![0.0; counts.len()];
        response.fill(p[3].exp(), &mut means);
        let (chi2, groups) = fit::pearson(counts, &means);
        JitterFit {
            area: Estimate { value: response.area, error: response.area * error(0) },
            centre: Estimate { value: p[1], error: error(1) },
            sigma: Estimate { value: response.sigma, error: response.sigma * error(2) },
            // Where there is none, no more is known than that not one count was seen.
            background: Estimate {
                value: p[3].exp(),
                error: (p[3].exp() * error(3)).max(1.0 / counts.len() as f64),
            },
            tail: tail.then(|| Tail {
                share: Estimate {
                    value: response.share,
                    error: response.share * (1.0 - response.share) * error(4),
                },
                decay: Estimate { value: response.decay, error: response.decay * error(5) },
            }),
            fwhm: width(0.5),
            fwtm: width(0.1),
            chi2,
            freedom: groups.saturating_sub(if tail { 6 } else { 4 }),
        }
    }

    fn in_ticks(self, histogram: &LinearHistogram) -> JitterFit {
        let (bin, from) = (histogram.bin().0 as f64, histogram.from().0 as f64);
        let times = |e: Estimate| Estimate { value: e.value * bin, error: e.error * bin };
        let centre = times(self.centre);
        JitterFit {
            centre: Estimate { value: from + centre.value, ..centre },
            sigma: times(self.sigma),
            tail: self.tail.map(|tail| Tail { decay: times(tail.decay), ..tail }),
            background: Estimate {
                value: self.background.value / bin,
                error: self.background.error / bin,
            },
            fwhm: times(self.fwhm),
            fwtm: times(self.fwtm),
            ..self
        }
    }
}

/// By so much the deviance must fall for two more parameters: one in ten thousand.
const SIGNIFICANT: f64 = 18.0;

fn fit_tail(counts: &[f64], start: &Start, narrow: &Fit<4>) -> Option<Fit<6>> {
    let model = |p: &[f64; 6], means: &mut [f64]| Response::of(p).fill(p[3].exp(), means);
    let [area, _, _, background] = narrow.parameters;
    let starts = [(0.2, 3.0), (0.5, 1.5), (0.5, 8.0), (0.9, 4.0), (0.98, 15.0)];
    starts
        .into_iter()
        .filter_map(|(share, decay): (f64, f64)| {
            let decay = (decay * start.sigma).ln();
            let share = (share / (1.0 - share)).ln();
            let begin = [area, start.centre, start.sigma.ln(), background, share, decay];
            fit::fit(counts, begin, start.steps(), model)
        })
        .filter(|fit| narrow.deviance - fit.deviance > SIGNIFICANT)
        .min_by(|a, b| a.deviance.total_cmp(&b.deviance))
}

/// Where the fit begins, in bins.
struct Start {
    area: f64,
    centre: f64,
    sigma: f64,
    background: f64,
}

impl Start {
    fn of(counts: &[f64]) -> Option<Start> {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        // A peak fills less than three quarters of the range.
        let background = sorted[counts.len() / 4];
        let height = sorted[counts.len() - 1] - background;
        if height < 4.0 * (background + 1.0).sqrt() {
            return None;
        }
        let peak = counts.iter().position(|n| *n == sorted[counts.len() - 1])?;
        let half = background + 0.5 * height;
        let right = counts[peak..].iter().position(|n| *n < half).unwrap_or(counts.len() - peak);
        let left = counts[..peak].iter().rev().position(|n| *n < half).unwrap_or(peak);
        // The steeper side is the Gaussian's.
        let sigma = (left.min(right).max(1) as f64 / 1.177).max(0.5);
        let area: f64 = counts.iter().map(|n| n - background).sum();
        let area = area.max(height);
        Some(Start { area, centre: peak as f64 + 0.5, sigma, background: background.max(0.1) })
    }

    fn steps(&self) -> [f64; 6] {
        [1e-5, 1e-4 * self.sigma, 1e-5, 1e-4, 1e-4, 1e-4]
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Dice, response};
    use super::*;
    use helio_units::Ticks;

    /// A histogram of `counts` detections with this response, and a tenth as many of background.
    fn measured(seed: u64, counts: u32, [sigma, tail, decay]: [f64; 3]) -> LinearHistogram {
        let mut histogram = LinearHistogram::new(Ticks(1_000), Ticks(4), 1_000).unwrap();
        let mut dice = Dice::new(seed);
        for _ in 0..counts {
            let at = response(&mut dice, 2_200.0, sigma, tail, decay);
            histogram.add(Ticks(at.max(0.0) as u64));
            if dice.uniform() < 0.1 {
                histogram.add(Ticks(1_000 + (4_000.0 * dice.uniform()) as u64));
            }
        }
        histogram
    }

    #[test]
    fn known_responses_are_recovered_within_the_stated_errors() {
        let mut pulls: [Vec<f64>; 5] = Default::default();
        let mut seed = 0;
        for counts in [5_000, 50_000] {
            for truth in [
                [20.0, 0.0, 1.0],
                [20.0, 0.3, 120.0],
                [40.0, 0.6, 200.0],
                [30.0, 0.1, 150.0],
                [60.0, 0.2, 400.0],
            ] {
                for _ in 0..6 {
                    seed += 1;
                    let [sigma, share, decay] = truth;
                    let found = JitterFit::of(&measured(seed, counts, truth)).unwrap();
                    let whole = Response { area: 1.0, centre: 0.0, sigma, share, decay };
                    let pull = |found: Estimate, truth: f64| (found.value - truth) / found.error;
                    pulls[0].push(pull(found.centre, 2_200.0));
                    pulls[1].push(pull(found.sigma, sigma));
                    pulls[2].push(pull(found.fwhm, whole.width(0.5)));
                    if let Some(tail) = found.tail {
                        assert!(share > 0.0, "{truth:?}: {found:?}");
                        pulls[3].push(pull(tail.share, share));
                        pulls[4].push(pull(tail.decay, decay));
                    } else {
                        assert!(share == 0.0 || counts < 10_000, "{truth:?}: {found:?}");
                    }
                    let limit =
                        f64::from(found.freedom) + 5.0 * f64::from(2 * found.freedom).sqrt();
                    assert!(found.chi2 < limit, "{truth:?}: {found:?}");
                }
            }
        }
        for (what, pulls) in ["centre", "sigma", "fwhm", "share", "decay"].iter().zip(&pulls) {
            let n = pulls.len() as f64;
            let inside = pulls.iter().filter(|p| p.abs() < 3.0).count() as f64 / n;
            let mean = pulls.iter().sum::<f64>() / n;
            let rms = (pulls.iter().map(|p| p * p).sum::<f64>() / n).sqrt();
            println!("{what}: {n}, {inside:.3} within 3σ, mean {mean:.2} σ, rms {rms:.2} σ");
            assert!(inside >= 0.95 && mean.abs() < 0.5 && (0.6..1.5).contains(&rms), "{what}");
        }
    }

    #[test]
    fn a_response_without_background_has_its_tail() {
        let mut histogram = LinearHistogram::new(Ticks(0), Ticks(10), 350).unwrap();
        let mut dice = Dice::new(3);
        for _ in 0..100_000 {
            let at = response(&mut dice, 1_100.0, 40.0, 0.25, 220.0);
            histogram.add(Ticks(at.max(0.0) as u64));
        }
        let found = JitterFit::of(&histogram).unwrap();
        let tail = found.tail.unwrap();
        assert!((tail.decay.value - 220.0).abs() < 4.0 * tail.decay.error, "{found:?}");
        assert!((found.sigma.value - 40.0).abs() < 4.0 * found.sigma.error, "{found:?}");
        assert!(found.background.value < 0.01 && found.background.error < 0.01, "{found:?}");
    }

    #[test]
    fn no_peak_is_no_fit() {
        let mut flat = LinearHistogram::new(Ticks(0), Ticks(1), 200).unwrap();
        assert_eq!(JitterFit::of(&flat), Err(NoJitterFit::TooFew));
        (0..20_000).for_each(|i| flat.add(Ticks(i * 7919 % 200)));
        assert_eq!(JitterFit::of(&flat), Err(NoJitterFit::NoPeak));
        let mut spike = LinearHistogram::new(Ticks(0), Ticks(1), 200).unwrap();
        (0..20_000).for_each(|_| spike.add(Ticks(77)));
        assert_eq!(JitterFit::of(&spike), Err(NoJitterFit::NoPeak));
        let mut edge = LinearHistogram::new(Ticks(0), Ticks(1), 20).unwrap();
        (0..20_000u64).for_each(|i| edge.add(Ticks(i % 7 * (i % 3))));
        let _ = JitterFit::of(&edge);
    }
}
