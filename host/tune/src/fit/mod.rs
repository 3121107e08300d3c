//! Curves through points with errors: least squares with the covariance of the parameters.
//!
//! Levenberg's damping with Marquardt's scaling (Press et al., Numerical Recipes, 3rd ed., 15.5). All
//! curves here have an extremum, whose place is a parameter, so that its error is read off the
//! covariance.

mod curve;
mod solve;

pub use curve::Curve;

use crate::Measured;

/// Which kind of extremum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extremum {
    /// The most: counts, visibility.
    Maximum,
    /// The least: QBER.
    Minimum,
}

/// A measured point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// What was found there, with its error, which must be above zero.
    pub y: Measured,
}

/// A curve through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Which curve.
    pub curve: Curve,
    /// Its parameters; see [`Curve`].
    pub parameters: [f64; 4],
    /// Where the extremum lies. The error is the covariance's, times √(χ²/ν) where that is above 1: points
    /// that scatter more than their errors say make no result more certain.
    pub extremum: Measured,
    /// χ² over the degrees of freedom; 1 within √(2/ν) if curve and errors are right.
    pub chi2_per_freedom: f64,
    /// Degrees of freedom.
    pub freedom: usize,
}

impl Fit {
    /// The curve at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.curve.value(&self.parameters, x)
    }

    /// Which kind the extremum is.
    pub fn kind(&self) -> Extremum {
        self.curve.kind(&self.parameters)
    }
}

/// Why there is no curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFit {
    /// As many points as parameters are needed, one more to judge the fit.
    #[error("too few points: {0} are there and {1} are needed")]
    TooFew(usize, usize),
    /// A point that is no number, or has no error.
    #[error("a point is no number or has no error")]
    BadPoint,
    /// All points are the same as far as this curve goes.
    #[error("the points show no extremum")]
    Flat,
}

const STEPS: usize = 200;
const DONE: f64 = 1e-10;

/// Fits a curve. A periodic curve has extrema of both kinds: its is the maximum or the minimum, as is
/// `wanted`, that is closest to the middle of the points.
///
/// # Errors
/// [`NoFit`].
pub fn fit(curve: Curve, wanted: Extremum, points: &[Point]) -> Result<Fit, NoFit> {
    let size = curve.parameters();
    if points.len() <= size {
        return Err(NoFit::TooFew(points.len(), size + 1));
    }
    let good = |p: &Point| p.x.is_finite() && p.y.value.is_finite() && p.y.error > 0.0;
    if !points.iter().all(|p| good(p) && p.y.error.is_finite()) {
        return Err(NoFit::BadPoint);
    }
    let starts = curve.guesses(points);
    let found = starts.into_iter().filter_map(|start| descend(curve, points, start));
    let resolved = found.filter(|(p, _)| curve.is_resolved(p, points));
    let best = resolved.min_by(|a, b| a.1.total_cmp(&b.1));
    let (parameters, chi2) = best.ok_or(NoFit::Flat)?;
    let parameters = curve.centred(parameters, wanted, points);
    let freedom = points.len() - size;
    let (matrix, _) = normal(curve, points, &parameters);
    let variance = solve::inverse(&matrix, size).ok_or(NoFit::Flat)?[0][0];
    let chi2_per_freedom = chi2 / freedom as f64;
    let error = (variance * chi2_per_freedom.max(1.0)).sqrt();
    let place = parameters[0];
    if !(place.is_finite() && error.is_finite() && error > 0.0) {
        return Err(NoFit::Flat);
    }
    let extremum = Measured::new(place, error);
    Ok(Fit { curve, parameters, extremum, chi2_per_freedom, freedom })
}

type Parameters = [f64; 4];

fn chi2(curve: Curve, points: &[Point], p: &Parameters) -> f64 {
    points.iter().map(|q| ((q.y.value - curve.value(p, q.x)) / q.y.error).powi(2)).sum()
}

/// JᵀWJ and JᵀW(y − f).
fn normal(curve: Curve, points: &[Point], p: &Parameters) -> ([[f64; 4]; 4], [f64; 4]) {
    let (mut matrix, mut vector) = ([[0.0; 4]; 4], [0.0; 4]);
    for point in points {
        let slope = curve.gradient(p, point.x);
        let weight = 1.0 / (point.y.error * point.y.error);
        let rest = point.y.value - curve.value(p, point.x);
        for i in 0..4 {
            vector[i] += weight * slope[i] * rest;
            for j in 0..4 {
                matrix[i][j] += weight * slope[i] * slope[j];
            }
        }
    }
    (matrix, vector)
}

fn descend(curve: Curve, points: &[Point], start: Parameters) -> Option<(Parameters, f64)> {
    let size = curve.parameters();
    let (mut p, mut damping) = (start, 1e-3);
    let mut now = chi2(curve, points, &p);
    for _ in 0..STEPS {
        let (matrix, vector) = normal(curve, points, &p);
        let mut damped = matrix;
        (0..size).for_each(|i| damped[i][i] *= 1.0 + damping);
        let step = solve::solve(&damped, &vector, size)?;
        let mut tried = p;
        (0..size).for_each(|i| tried[i] += step[i]);
        let next = chi2(curve, points, &tried);
        if next.is_finite() && next <= now {
            let gained = now - next;
            (p, now) = (tried, next);
            damping = (damping / 10.0).max(1e-12);
            if gained <= DONE * (1.0 + now) {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    now.is_finite().then_some((p, now))
}

#[cfg(test)]
mod tests;
