//! A setting is stepped, something is measured at each step, and the best value is proposed.

use crate::Measured;
use crate::fit::{Curve, Extremum, Fit, NoFit, Point, fit};

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// The fit.
    pub fit: Fit,
    /// How far the proposal may be trusted.
    pub verdict: Verdict,
}

/// How far a proposal may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best value lies among the points and the curve fits them.
    Good,
    /// The curve misses the points by more than chance (χ² beyond five deviations): the value is a guide,
    /// its error was widened.
    PoorFit,
    /// The best value lies outside of the points: scan there.
    Outside,
    /// The curve has the other kind of extremum: the best point is at an edge.
    Opposite,
}

/// The values of a scan, both ends included.
pub fn steps(from: f64, to: f64, count: usize) -> Vec<f64> {
    let last = count.max(2) - 1;
    (0..=last).map(|i| from + (to - from) * i as f64 / last as f64).collect()
}

/// Fits the curve and proposes its extremum.
///
/// # Errors
/// [`NoFit`].
pub fn propose(curve: Curve, goal: Extremum, points: &[Point]) -> Result<Proposal, NoFit> {
    let fit = fit(curve, goal, points)?;
    let low = points.iter().map(|p| p.x).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.x).fold(f64::NEG_INFINITY, f64::max);
    // χ² of ν degrees of freedom has a variance of 2ν.
    let poor = (fit.chi2_per_freedom - 1.0) * (fit.freedom as f64 / 2.0).sqrt() > 5.0;
    let verdict = if fit.kind() != goal {
        Verdict::Opposite
    } else if !(low..=high).contains(&fit.extremum.value) {
        Verdict::Outside
    } else if poor {
        Verdict::PoorFit
    } else {
        Verdict::Good
    };
    Ok(Proposal { fit, verdict })
}

/// Where a quantity that falls or rises exponentially, such as light behind an attenuator, has the value
/// `target`: a straight line through its logarithm, by weighted least squares (Press et al., Numerical
/// Recipes, 3rd ed., 15.2). The error is widened by √(χ²/ν) where that is above 1.
///
/// # Errors
/// [`NoFit`].
pub fn at_target(points: &[Point], target: f64) -> Result<Measured, NoFit> {
    let logs: Vec<Point> = points
        .iter()
        .filter(|p| p.y.value > 0.0)
        .map(|p| Point {
            x: p.x,
            y: Measured::new((p.y.value / target).ln(), p.y.error / p.y.value),
        })
        .collect();
    if logs.len() < 3 {
        return Err(NoFit::TooFew(logs.len(), 3));
    }
    if !logs.iter().all(|p| p.x.is_finite() && p.y.value.is_finite() && p.y.error > 0.0) {
        return Err(NoFit::BadPoint);
    }
    let sum = |of: &dyn Fn(&Point) -> f64| -> f64 {
        logs.iter().map(|p| of(p) / (p.y.error * p.y.error)).sum()
    };
    let weight = sum(&|_| 1.0);
    let (x, y) = (sum(&|p| p.x) / weight, sum(&|p| p.y.value) / weight);
    let spread = sum(&|p| (p.x - x).powi(2));
    let slope = sum(&|p| (p.x - x) * (p.y.value - y)) / spread;
    let chi2 = sum(&|p| (p.y.value - y - slope * (p.x - x)).powi(2));
    let scale = (chi2 / (logs.len() as f64 - 2.0)).max(1.0).sqrt();
    // y + slope·(at − x) = 0; mean and slope are independent.
    let reach = -y / slope;
    let error = scale * (1.0 / weight + reach * reach / spread).sqrt() / slope.abs();
    // A slope within three errors of zero points anywhere.
    if !error.is_finite() || slope.abs() < 3.0 * scale / spread.sqrt() {
        return Err(NoFit::Flat);
    }
    Ok(Measured::new(x + reach, error))
}

/// The best of the points themselves: what is left where no curve fits.
pub fn best_point(goal: Extremum, points: &[Point]) -> Option<Point> {
    let by = |a: &&Point, b: &&Point| a.y.value.total_cmp(&b.y.value);
    let best = match goal {
        Extremum::Maximum => points.iter().max_by(by),
        Extremum::Minimum => points.iter().min_by(by),
    };
    best.copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bowl(at: f64) -> Vec<Point> {
        steps(-2.0, 2.0, 9)
            .into_iter()
            .map(|x| Point { x, y: Measured::new(1.0 + (x - at) * (x - at), 0.1) })
            .collect()
    }

    #[test]
    fn the_proposal_says_how_far_it_may_be_trusted() {
        let verdict = |at, goal| propose(Curve::Parabola, goal, &bowl(at)).unwrap().verdict;
        assert_eq!(verdict(0.5, Extremum::Minimum), Verdict::Good);
        assert_eq!(verdict(3.0, Extremum::Minimum), Verdict::Outside);
        assert_eq!(verdict(0.5, Extremum::Maximum), Verdict::Opposite);
        let mut rough = bowl(0.5);
        rough.iter_mut().enumerate().for_each(|(i, p)| p.y.value += [1.5, -1.5][i % 2]);
        let rough = propose(Curve::Parabola, Extremum::Minimum, &rough).unwrap();
        assert_eq!(rough.verdict, Verdict::PoorFit);
        assert_eq!(best_point(Extremum::Minimum, &bowl(0.5)).unwrap().x, 0.5);
    }
    #[test]
    fn an_attenuation_is_found_by_its_logarithm() {
        let decade = |x: f64| 10f64.powf(-x / 10.0);
        let points: Vec<Point> = steps(0.0, 12.0, 7)
            .into_iter()
            .map(|x| Point { x, y: Measured::new(decade(x), 0.01 * decade(x)) })
            .collect();
        let at = at_target(&points, 0.2).unwrap();
        assert!((at.value - 6.9897).abs() < 1e-3 && at.error > 0.01 && at.error < 0.05, "{at:?}");
        let flat: Vec<Point> =
            points.iter().map(|p| Point { x: p.x, y: Measured::new(1.0, 0.1) }).collect();
        assert_eq!(at_target(&flat, 0.2), Err(NoFit::Flat));
    }
}
