//! The curves and where their parameters begin.

use std::f64::consts::{FRAC_PI_2, PI, SQRT_2};

use super::{Extremum, Point};

/// A curve with one extremum at `p₀`; parameters `p`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// `p₁ + p₂·(x − p₀)²`: any quantity close to its extremum.
    Parabola,
    /// `p₁ + p₂·exp(−(x − p₀)²/(2·p₃²))`: what a beam, a pulse or a window is scanned over.
    Gaussian,
    /// `p₁ + p₂/2·(erf((x − p₀ + w/2)/(√2 p₃)) − erf((x − p₀ − w/2)/(√2 p₃)))`: what comes through a window of
    /// width w while a pulse with Gaussian jitter p₃ is moved across it.
    Window {
        /// The window's full width in the unit of x, above zero.
        width: f64,
    },
    /// `p₁ + p₂·sin²(k·(x − p₀))` with `k` in radians a unit of x known: polarization (Malus) and
    /// interference.
    SineSquared {
        /// Radians of the sine's argument in a unit of x, above zero.
        per_unit: f64,
    },
    /// The same with `p₃ = k` found from the points: a modulator whose half-wave voltage is not known.
    FreeSineSquared,
}

impl Curve {
    /// How many parameters.
    pub fn parameters(self) -> usize {
        match self {
            Curve::Parabola | Curve::SineSquared { .. } => 3,
            Curve::Gaussian | Curve::Window { .. } | Curve::FreeSineSquared => 4,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Curve::Parabola => "parabola",
            Curve::Gaussian => "Gaussian",
            Curve::Window { .. } => "window",
            Curve::SineSquared { .. } | Curve::FreeSineSquared => "sin²",
        }
    }

    fn wave(self, p: &[f64; 4]) -> f64 {
        match self {
            Curve::SineSquared { per_unit } => per_unit,
            _ => p[3],
        }
    }

    /// Its value.
    pub fn value(self, p: &[f64; 4], x: f64) -> f64 {
        let t = x - p[0];
        match self {
            Curve::Parabola => p[1] + p[2] * t * t,
            Curve::Gaussian => p[1] + p[2] * (-t * t / (2.0 * p[3] * p[3])).exp(),
            Curve::Window { width } => {
                let scale = SQRT_2 * p[3].abs();
                let edge = |at: f64| libm::erf((t + at) / scale);
                p[1] + p[2] / 2.0 * (edge(width / 2.0) - edge(-width / 2.0))
            }
            Curve::SineSquared { .. } | Curve::FreeSineSquared => {
                p[1] + p[2] * (self.wave(p) * t).sin().powi(2)
            }
        }
    }

    pub(super) fn gradient(self, p: &[f64; 4], x: f64) -> [f64; 4] {
        let t = x - p[0];
        match self {
            Curve::Parabola => [-2.0 * p[2] * t, 1.0, t * t, 0.0],
            Curve::Gaussian => {
                let s2 = p[3] * p[3];
                let bell = (-t * t / (2.0 * s2)).exp();
                [p[2] * bell * t / s2, 1.0, bell, p[2] * bell * t * t / (s2 * p[3])]
            }
            Curve::Window { width } => {
                // d erf(u)/du = 2/√π·exp(−u²).
                let s = p[3].abs();
                let bell =
                    |at: f64| (-(t + at).powi(2) / (2.0 * s * s)).exp() / (s * (2.0 * PI).sqrt());
                let (right, left) = (bell(width / 2.0), bell(-width / 2.0));
                let by_s = left * (t - width / 2.0) - right * (t + width / 2.0);
                let share = (self.value(&[p[0], 0.0, 1.0, p[3]], x), right - left);
                [-p[2] * share.1, 1.0, share.0, p[2] * by_s / s * p[3].signum()]
            }
            Curve::SineSquared { .. } | Curve::FreeSineSquared => {
                let k = self.wave(p);
                let (sin, double) = ((k * t).sin(), (2.0 * k * t).sin());
                let by_k = if self == Curve::FreeSineSquared { p[2] * double * t } else { 0.0 };
                [-p[2] * k * double, 1.0, sin * sin, by_k]
            }
        }
    }

    pub(super) fn kind(self, p: &[f64; 4]) -> Extremum {
        let maximum = match self {
            Curve::Gaussian | Curve::Window { .. } => p[2] > 0.0,
            _ => p[2] < 0.0,
        };
        if maximum { Extremum::Maximum } else { Extremum::Minimum }
    }

    /// The same curve, written so that `p₀` of a periodic one is the wanted extremum closest to the middle
    /// of the points.
    pub(super) fn centred(self, p: [f64; 4], wanted: Extremum, points: &[Point]) -> [f64; 4] {
        if !matches!(self, Curve::SineSquared { .. } | Curve::FreeSineSquared) {
            return p;
        }
        let [mut at, mut base, mut height, wave] = p;
        let period = PI / self.wave(&p).abs();
        if self.kind(&p) != wanted {
            // sin²(t) = 1 − sin²(t − π/2).
            (at, base, height) = (at + period / 2.0, base + height, -height);
        }
        let (low, high) = span(points);
        at -= ((at - (low + high) / 2.0) / period).round() * period;
        [at, base, height, wave]
    }

    /// Whether a period that was found is one that points so far apart can tell from shorter ones.
    pub(super) fn is_resolved(self, p: &[f64; 4], points: &[Point]) -> bool {
        let (low, high) = span(points);
        let apart = (high - low) / (points.len() as f64 - 1.0);
        self != Curve::FreeSineSquared || PI / p[3].abs() >= 2.0 * apart
    }

    /// Where to begin: from the lowest and the highest point, both ways round.
    pub(super) fn guesses(self, points: &[Point]) -> Vec<[f64; 4]> {
        let by_y = |a: &&Point, b: &&Point| a.y.value.total_cmp(&b.y.value);
        let (Some(low), Some(high)) = (points.iter().min_by(by_y), points.iter().max_by(by_y))
        else {
            return Vec::new();
        };
        let (left, right) = span(points);
        let (width, height) = ((right - left).max(f64::MIN_POSITIVE), high.y.value - low.y.value);
        let ways = [(low, high, 1.0), (high, low, -1.0)];
        match self {
            // Linear in its usual form: any beginning with a curvature leads to the one minimum of χ².
            Curve::Parabola => ways
                .iter()
                .map(|(at, _, sign)| {
                    let reach = width / 2.0;
                    [at.x, at.y.value, sign * height.max(f64::MIN_POSITIVE) / (reach * reach), 0.0]
                })
                .collect(),
            Curve::Gaussian => ways
                .iter()
                .flat_map(|(base, top, sign)| {
                    [0.05, 0.15, 0.4]
                        .map(|share| [top.x, base.y.value, sign * height, share * width])
                })
                .collect(),
            Curve::Window { width } => ways
                .iter()
                .flat_map(|(base, top, sign)| {
                    // The extremum is flat: its middle is that of all points on it.
                    let on = |p: &&Point| (p.y.value - top.y.value).abs() < height / 2.0;
                    let (sum, count) =
                        points.iter().filter(on).fold((0.0, 0.0), |(s, n), p| (s + p.x, n + 1.0));
                    [0.02, 0.1, 0.3]
                        .map(|share| [sum / count, base.y.value, sign * height, share * width])
                })
                .collect(),
            Curve::SineSquared { per_unit } => {
                let quarter = FRAC_PI_2 / per_unit;
                let phases = (0..4).map(|i| low.x + f64::from(i) * quarter / 2.0);
                phases.map(|x| [x, low.y.value, height, per_unit]).collect()
            }
            Curve::FreeSineSquared => [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0]
                .into_iter()
                .flat_map(|periods| {
                    let k = PI * periods / width;
                    ways.map(|(at, _, sign)| [at.x, at.y.value, sign * height, k])
                })
                .collect(),
        }
    }
}

fn span(points: &[Point]) -> (f64, f64) {
    let low = points.iter().map(|p| p.x).fold(f64::INFINITY, f64::min);
    (low, points.iter().map(|p| p.x).fold(f64::NEG_INFINITY, f64::max))
}
