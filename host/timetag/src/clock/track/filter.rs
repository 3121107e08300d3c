//! The Kalman filter itself: a model and the covariance of its three numbers.

use super::super::model::{ClockModel, ClockUncertainty};
use super::TrackerSettings;

type Matrix = [[f64; 3]; 3];

#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub model: ClockModel,
    /// Of offset (ps), frequency (ps/s) and drift (ps/s²).
    covariance: Matrix,
}

impl Filter {
    pub fn new(model: ClockModel, error: ClockUncertainty) -> Filter {
        let errors = [error.offset_ps, 1e6 * error.frequency_ppm, 1e3 * error.drift_ppb_per_s];
        let mut covariance = [[0.0; 3]; 3];
        (0..3).for_each(|i| covariance[i][i] = errors[i] * errors[i]);
        Filter { model, covariance }
    }

    pub fn offset_error(&self) -> f64 {
        self.covariance[0][0].max(0.0).sqrt()
    }

    pub fn uncertainty(&self) -> ClockUncertainty {
        let of = |i: usize| self.covariance[i][i].max(0.0).sqrt();
        ClockUncertainty::from_coefficients([of(0), of(1), of(2)])
    }

    /// The prediction at another reading of Alice's clock.
    pub fn advance(&mut self, to_ps: i64, settings: &TrackerSettings) {
        let t = (to_ps - self.model.reference_ps) as f64 * 1e-12;
        self.model = self.model.at(to_ps);
        let step = [[1.0, t, 0.5 * t * t], [0.0, 1.0, t], [0.0, 0.0, 1.0]];
        let half: Matrix = core::array::from_fn(|i| {
            core::array::from_fn(|j| (0..3).map(|k| step[i][k] * self.covariance[k][j]).sum())
        });
        self.covariance = core::array::from_fn(|i| {
            core::array::from_fn(|j| (0..3).map(|k| half[i][k] * step[j][k]).sum())
        });
        let t = t.abs();
        let square = |x: f64| x * x;
        let q1 = square(settings.offset_walk_ps);
        let q2 = square(settings.frequency_walk_ps_per_s);
        let q3 = square(1e3 * settings.drift_walk_ppb_per_s);
        let noise = [
            [
                q1 * t + q2 * t.powi(3) / 3.0 + q3 * t.powi(5) / 20.0,
                q2 * t.powi(2) / 2.0 + q3 * t.powi(4) / 8.0,
                q3 * t.powi(3) / 6.0,
            ],
            [0.0, q2 * t + q3 * t.powi(3) / 3.0, q3 * t.powi(2) / 2.0],
            [0.0, 0.0, q3 * t],
        ];
        for i in 0..3 {
            for j in 0..3 {
                self.covariance[i][j] += noise[i.min(j)][i.max(j)];
            }
        }
    }

    /// Takes in an offset that was measured `by_ps` from the prediction, with this variance.
    pub fn update(&mut self, by_ps: f64, variance: f64) {
        let p = self.covariance;
        let total = p[0][0] + variance;
        let gain: [f64; 3] = core::array::from_fn(|i| p[i][0] / total);
        let now = self.model.coefficients();
        let moved = core::array::from_fn(|i| now[i] + gain[i] * by_ps);
        self.model = ClockModel::from_coefficients(self.model.reference_ps, moved);
        for i in 0..3 {
            for j in 0..3 {
                // Joseph's form in its symmetric shape keeps rounding from making it negative.
                self.covariance[i][j] =
                    p[i][j] - gain[i] * p[0][j] - p[i][0] * gain[j] + gain[i] * gain[j] * total;
            }
        }
    }

    pub fn accept(&mut self, by_ps: f64, error_ps: f64) {
        self.model.offset_ps += by_ps;
        self.covariance[0][0] += error_ps * error_ps;
    }
}
