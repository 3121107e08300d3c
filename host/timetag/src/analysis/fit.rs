//! Fits of counts by maximum likelihood: Fisher scoring with the damping of Levenberg and Marquardt.
//!
//! The deviance 2 Σ (μ − n + n ln(n/μ)) is made smallest (Baker and Cousins, Nucl. Instrum. Methods
//! 221, 437 (1984)), which is right for few counts in a bin where least squares is not. The
//! covariance is the inverse of Fisher's information Σ (∂μ/∂θ)(∂μ/∂θ)ᵀ/μ.

#![allow(clippy::needless_range_loop, reason = "matrices are read by their indices")]

/// What a fit found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit<const P: usize> {
    pub(super) parameters: [f64; P],
    pub(super) covariance: [[f64; P]; P],
    pub(super) deviance: f64,
}

impl<const P: usize> Fit<P> {
    /// The standard error of a function of the parameters, to first order.
    pub(super) fn error_of(&self, steps: &[f64; P], of: impl Fn(&[f64; P]) -> f64) -> f64 {
        let mut gradient = [0.0; P];
        for i in 0..P {
            let (mut low, mut high) = (self.parameters, self.parameters);
            low[i] -= steps[i];
            high[i] += steps[i];
            gradient[i] = (of(&high) - of(&low)) / (2.0 * steps[i]);
        }
        let mut variance = 0.0;
        for i in 0..P {
            for j in 0..P {
                variance += gradient[i] * self.covariance[i][j] * gradient[j];
            }
        }
        variance.max(0.0).sqrt()
    }
}

/// Fits `model`, which writes the mean of each bin, to `counts`. `steps` are small changes of the
/// parameters over which the model is as good as linear. A model that gives anything but positive
/// numbers says that its parameters are out of range. `None` where the start is, or where the
/// counts do not determine the parameters.
pub(super) fn fit<const P: usize>(
    counts: &[f64],
    start: [f64; P],
    steps: [f64; P],
    model: impl Fn(&[f64; P], &mut [f64]),
) -> Option<Fit<P>> {
    const ROUNDS: usize = 200;
    let mut means = vec![0.0; counts.len()];
    let mut at = start;
    model(&at, &mut means);
    let mut best = deviance(counts, &means)?;
    let mut damping = 1e-3;
    let mut jacobian = vec![[0.0; P]; counts.len()];
    for _ in 0..ROUNDS {
        model(&at, &mut means);
        derive(&at, &steps, &model, &mut jacobian);
        let (information, gradient) = normal_equations(counts, &means, &jacobian);
        let before = best;
        while damping < 1e12 {
            let mut damped = information;
            for (i, row) in damped.iter_mut().enumerate() {
                row[i] *= 1.0 + damping;
            }
            let Some(step) = solve(damped, gradient) else {
                damping *= 10.0;
                continue;
            };
            let next: [f64; P] = core::array::from_fn(|i| at[i] + step[i]);
            model(&next, &mut means);
            match deviance(counts, &means).filter(|d| *d <= best) {
                Some(better) => {
                    (at, best) = (next, better);
                    damping = (damping * 0.1).max(1e-12);
                    break;
                }
                None => damping *= 10.0,
            }
        }
        if before - best < 1e-9 * (1.0 + best) {
            break;
        }
    }
    model(&at, &mut means);
    derive(&at, &steps, &model, &mut jacobian);
    let (information, _) = normal_equations(counts, &means, &jacobian);
    let covariance = invert(information)?;
    (0..P).all(|i| covariance[i][i].is_finite() && covariance[i][i] >= 0.0).then_some(Fit {
        parameters: at,
        covariance,
        deviance: best,
    })
}

/// `None` where a mean is no positive number.
pub(super) fn deviance(counts: &[f64], means: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    for (&n, &mean) in counts.iter().zip(means) {
        if !(mean > 0.0 && mean.is_finite()) {
            return None;
        }
        sum += mean - n + if n > 0.0 { n * (n / mean).ln() } else { 0.0 };
    }
    Some(2.0 * sum)
}

/// Pearson's χ² of neighbouring bins taken together until ten counts are expected, and their number.
pub(super) fn pearson(counts: &[f64], means: &[f64]) -> (f64, u32) {
    let (mut chi2, mut groups) = (0.0, 0);
    let (mut count, mut mean) = (0.0, 0.0);
    for (n, m) in counts.iter().zip(means) {
        count += n;
        mean += m;
        if mean >= 10.0 {
            chi2 += (count - mean).powi(2) / mean;
            groups += 1;
            (count, mean) = (0.0, 0.0);
        }
    }
    (chi2, groups)
}

fn derive<const P: usize>(
    at: &[f64; P],
    steps: &[f64; P],
    model: &impl Fn(&[f64; P], &mut [f64]),
    jacobian: &mut [[f64; P]],
) {
    let (mut low, mut high) = (vec![0.0; jacobian.len()], vec![0.0; jacobian.len()]);
    for i in 0..P {
        let (mut below, mut above) = (*at, *at);
        below[i] -= steps[i];
        above[i] += steps[i];
        model(&below, &mut low);
        model(&above, &mut high);
        for ((row, low), high) in jacobian.iter_mut().zip(&low).zip(&high) {
            let slope = (high - low) / (2.0 * steps[i]);
            // Beyond the range of the parameters there is no slope to follow.
            row[i] = if slope.is_finite() { slope } else { 0.0 };
        }
    }
}

fn normal_equations<const P: usize>(
    counts: &[f64],
    means: &[f64],
    jacobian: &[[f64; P]],
) -> ([[f64; P]; P], [f64; P]) {
    let (mut information, mut gradient) = ([[0.0; P]; P], [0.0; P]);
    for ((&n, &mean), row) in counts.iter().zip(means).zip(jacobian) {
        for i in 0..P {
            gradient[i] += row[i] * (n - mean) / mean;
            for j in 0..P {
                information[i][j] += row[i] * row[j] / mean;
            }
        }
    }
    (information, gradient)
}

fn invert<const P: usize>(matrix: [[f64; P]; P]) -> Option<[[f64; P]; P]> {
    let mut inverse = [[0.0; P]; P];
    for i in 0..P {
        let mut unit = [0.0; P];
        unit[i] = 1.0;
        let column = solve(matrix, unit)?;
        for j in 0..P {
            inverse[j][i] = column[j];
        }
    }
    Some(inverse)
}

/// Gauss's elimination, rows scaled and pivots chosen.
fn solve<const P: usize>(mut matrix: [[f64; P]; P], mut right: [f64; P]) -> Option<[f64; P]> {
    // Scaling by the diagonal makes parameters of any unit alike.
    let scale: [f64; P] = core::array::from_fn(|i| 1.0 / matrix[i][i].sqrt());
    if scale.iter().any(|s| !s.is_finite()) {
        return None;
    }
    for i in 0..P {
        right[i] *= scale[i];
        for j in 0..P {
            matrix[i][j] *= scale[i] * scale[j];
        }
    }
    for column in 0..P {
        let pivot = (column..P)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        // Of a matrix with ones on its diagonal, less than this is nothing but rounding.
        if matrix[pivot][column].abs() < 1e-13 {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..P {
            let factor = matrix[row][column] / matrix[column][column];
            for j in column..P {
                matrix[row][j] -= factor * matrix[column][j];
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..P).rev() {
        for j in row + 1..P {
            right[row] -= matrix[row][j] * right[j];
        }
        right[row] /= matrix[row][row];
    }
    Some(core::array::from_fn(|i| right[i] * scale[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decay_is_found_with_its_error() {
        let model = |p: &[f64; 2], means: &mut [f64]| {
            for (i, mean) in means.iter_mut().enumerate() {
                *mean = p[0].exp() * (-(i as f64) / p[1].exp()).exp();
            }
        };
        let mut counts = vec![0.0; 60];
        model(&[5.0f64.ln(), 10.0f64.ln()], &mut counts);
        // Counts that are the means exactly: the fit must give the parameters back.
        let fit = fit(&counts, [1.0f64.ln(), 3.0f64.ln()], [1e-4; 2], model).unwrap();
        assert!((fit.parameters[0].exp() - 5.0).abs() < 1e-4);
        assert!((fit.parameters[1].exp() - 10.0).abs() < 1e-4);
        assert!(fit.deviance < 1e-6);
        // The error of a mean life from N decays seen whole is τ/√N.
        let total: f64 = counts.iter().sum();
        let error = fit.error_of(&[1e-4; 2], |p| p[1].exp());
        assert!((error / (10.0 / total.sqrt()) - 1.0).abs() < 0.1, "{error}");
    }

    #[test]
    fn what_the_counts_do_not_tell_is_no_result() {
        let model = |p: &[f64; 2], means: &mut [f64]| means.fill(p[0] + p[1]);
        assert!(fit(&[3.0, 4.0], [1.0, 1.0], [1e-4; 2], model).is_none());
        assert!(fit(&[3.0, 4.0], [-1.0, 0.0], [1e-4; 2], model).is_none());
    }
}
