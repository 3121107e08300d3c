//! The last step of a search: a parabola through residuals of which some are noise.
//!
//! Residuals are a mixture of a Gaussian around the parabola and a uniform background over
//! ±`half_width`. Expectation maximisation finds the likelihood's maximum (Dempster, Laird and
//! Rubin, J. R. Stat. Soc. B 39, 1 (1977)); the covariance is the sandwich H⁻¹ J H⁻¹ of the
//! observed information H (Louis, J. R. Stat. Soc. B 44, 226 (1982)) and the scores' outer product
//! J (White, Econometrica 50, 1 (1982)), which holds also where the jitter is no Gaussian. A
//! Gaussian prior of the drift's range keeps a short span from naming any drift.

/// A click's or a pair's place: when, and how far from the model so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Residual {
    /// Seconds from the model's reference.
    pub u_s: f64,
    /// Picoseconds from the model.
    pub ps: f64,
}

/// What to add to the model, in ps, ps/s, ps/s².
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    pub step: [f64; 3],
    pub error: [f64; 3],
    pub sigma_ps: f64,
    pub signal: f64,
}

/// How much of the drift is already known before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriftPrior {
    /// The model's drift so far, ps/s².
    pub at: f64,
    /// Range around zero, ps/s².
    pub range: f64,
}

const ROUNDS: usize = 60;

/// Fits all `residuals` within ±`half_width_ps`, beginning with a spread of `sigma_ps`. `None`
/// where they do not hold a parabola. With `period_ps`, residuals lie on a circle.
pub(crate) fn fit(
    residuals: &[Residual],
    half_width_ps: f64,
    sigma_ps: f64,
    span_s: f64,
    prior: DriftPrior,
    period_ps: Option<f64>,
) -> Option<Fit> {
    // In units of half the span, so that the three are of one size.
    let unit = 0.5 * span_s.max(1e-9);
    let scale = [1.0, 1.0 / unit, 1.0 / (unit * unit)];
    let spread = prior.range * unit * unit;
    let prior_mean = -prior.at * unit * unit;
    let prior_weight = 1.0 / (spread * spread);
    let mut p = [0.0, 0.0, 0.0];
    let (mut sigma, mut share) = (sigma_ps, 0.5);
    let mut sums = Sums::default();
    let rows: Vec<([f64; 3], f64)> = residuals
        .iter()
        .map(|r| {
            let v = r.u_s / unit;
            ([1.0, v, 0.5 * v * v], r.ps)
        })
        .collect();
    for _ in 0..ROUNDS {
        sums = Sums::of(&rows, p, sigma, share, half_width_ps, period_ps);
        if sums.weight < 3.0 {
            return None;
        }
        let mut information = sums.weighted;
        let mut pull = sums.pull;
        information[2][2] += sigma * sigma * prior_weight;
        pull[2] += sigma * sigma * prior_weight * (prior_mean - p[2]);
        let step = times(&inverse(&information)?, pull);
        (0..3).for_each(|i| p[i] += step[i]);
        let before = sigma;
        // A spread of nothing would divide by zero: clicks are never finer than 0.01 ps.
        sigma = (sums.squares / sums.weight).sqrt().max(0.01);
        share = (sums.weight / sums.count).clamp(1e-6, 1.0 - 1e-6);
        let moved = step.iter().map(|s| s.abs()).fold(0.0, f64::max);
        if moved < 1e-4 * sigma && (sigma - before).abs() < 1e-4 * sigma {
            break;
        }
    }
    let variance = sigma * sigma;
    let mut observed = sums.observed(variance);
    observed[2][2] += prior_weight;
    let mut outer = sums.outer(variance);
    outer[2][2] += prior_weight;
    let bread = inverse(&observed)?;
    let covariance = product(&product(&bread, &outer), &bread);
    let mut fit = Fit { step: [0.0; 3], error: [0.0; 3], sigma_ps: sigma, signal: sums.weight };
    for i in 0..3 {
        let variance = covariance[i][i];
        if !(variance > 0.0 && variance.is_finite()) {
            return None;
        }
        fit.step[i] = p[i] * scale[i];
        fit.error[i] = variance.sqrt() * scale[i];
    }
    Some(fit)
}

type Matrix = [[f64; 3]; 3];

/// Sums over all residuals under one set of parameters.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: f64,
    weight: f64,
    squares: f64,
    /// Σ w x xᵀ
    weighted: Matrix,
    /// Σ w r x
    pull: [f64; 3],
    /// Σ w (1 − w) r² x xᵀ
    missing: Matrix,
    /// Σ w² r² x xᵀ
    scores: Matrix,
}

impl Sums {
    fn of(
        rows: &[([f64; 3], f64)],
        p: [f64; 3],
        sigma: f64,
        share: f64,
        half_width: f64,
        period: Option<f64>,
    ) -> Sums {
        let mut sums = Sums::default();
        let height = share / (sigma * core::f64::consts::TAU.sqrt());
        let floor = (1.0 - share) / (2.0 * half_width);
        for (x, value) in rows {
            let mut r = value - (p[0] + p[1] * x[1] + p[2] * x[2]);
            if let Some(period) = period {
                r -= period * (r / period).round();
            }
            if r.abs() > half_width {
                continue;
            }
            sums.count += 1.0;
            let bell = height * (-0.5 * (r / sigma) * (r / sigma)).exp();
            let w = bell / (bell + floor);
            sums.weight += w;
            sums.squares += w * r * r;
            for i in 0..3 {
                sums.pull[i] += w * r * x[i];
                for j in 0..3 {
                    let xx = x[i] * x[j];
                    sums.weighted[i][j] += w * xx;
                    sums.missing[i][j] += w * (1.0 - w) * r * r * xx;
                    sums.scores[i][j] += w * w * r * r * xx;
                }
            }
        }
        sums
    }

    fn observed(&self, variance: f64) -> Matrix {
        let of = |i: usize, j: usize| {
            self.weighted[i][j] / variance - self.missing[i][j] / (variance * variance)
        };
        core::array::from_fn(|i| core::array::from_fn(|j| of(i, j)))
    }

    fn outer(&self, variance: f64) -> Matrix {
        let square = variance * variance;
        core::array::from_fn(|i| core::array::from_fn(|j| self.scores[i][j] / square))
    }
}

fn times(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    core::array::from_fn(|i| (0..3).map(|j| m[i][j] * v[j]).sum())
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    core::array::from_fn(|i| core::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// By cofactors; `None` for a matrix without an inverse.
fn inverse(m: &Matrix) -> Option<Matrix> {
    let minor = |i: usize, j: usize| {
        let (a, b) = ((i + 1) % 3, (i + 2) % 3);
        let (c, d) = ((j + 1) % 3, (j + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    let size = m[0][0] * m[1][1] * m[2][2];
    if determinant.is_nan() || determinant.abs() <= 1e-12 * size.abs() {
        return None;
    }
    Some(core::array::from_fn(|i| core::array::from_fn(|j| minor(j, i) / determinant)))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Dice;
    use super::*;

    /// Errors over stated errors are spread as a standard normal variable.
    #[test]
    fn errors_are_as_stated_with_and_without_background() {
        for noise in [0, 2_000, 8_000] {
            let mut square = [0.0; 3];
            const RUNS: usize = 200;
            for seed in 0..RUNS {
                let mut dice = Dice::new(seed as u64);
                let truth = [40.0, 12.0, -6.0];
                let mut all = Vec::new();
                for i in 0..2_000 + noise {
                    let u_s = 10.0 * dice.uniform() - 5.0;
                    let middle = truth[0] + truth[1] * u_s + 0.5 * truth[2] * u_s * u_s;
                    let ps = match i < 2_000 {
                        true => middle + 300.0 * dice.normal(),
                        false => middle + 8_000.0 * (dice.uniform() - 0.5),
                    };
                    all.push(Residual { u_s, ps });
                }
                let prior = DriftPrior { at: 0.0, range: 2_000.0 };
                let fit = fit(&all, 3_000.0, 600.0, 10.0, prior, None).unwrap();
                for i in 0..3 {
                    square[i] += ((fit.step[i] - truth[i]) / fit.error[i]).powi(2) / RUNS as f64;
                }
            }
            // The mean of 200 squares has a standard deviation of 0.1.
            assert!(square.iter().all(|s| (0.65..1.4).contains(s)), "{noise}: {square:?}");
        }
    }

    #[test]
    fn too_little_is_no_fit() {
        let prior = DriftPrior { at: 0.0, range: 1.0 };
        assert_eq!(fit(&[], 10.0, 1.0, 1.0, prior, None), None);
    }
}
