//! From an offset known to a bin to one known to the jitter: offset, frequency and drift of a list
//! of residuals, each step half as wide as the one before.

use super::fit::Residual;
use super::model::ClockModel;
use super::significance::ln_poisson_tail;

/// How far the search has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zoomed {
    pub model: ClockModel,
    /// The signal lies within ± this, in ps.
    pub bin_ps: f64,
    ln_chance: f64,
}

#[derive(Clone, Copy)]
struct Point {
    u_s: f32,
    ps: f32,
}

const CELLS: usize = 32;

/// Halves the bin until what is seen stands out no more clearly, or the bin is `finest_ps`.
///
/// `residuals` lie within ±3 bins of the model, whose frequency is right to `frequency` (ps/s) and
/// drift to `drift` (ps/s²); all lie within `span_s`.
pub(crate) fn zoom(
    residuals: &[Residual],
    model: ClockModel,
    bin_ps: f64,
    frequency: f64,
    drift: f64,
    span_s: f64,
    finest_ps: f64,
) -> Zoomed {
    let mut list: Vec<Point> =
        residuals.iter().map(|r| Point { u_s: r.u_s as f32, ps: r.ps as f32 }).collect();
    let mut now = model.coefficients();
    let (mut bin, mut frequency, mut drift) = (bin_ps, frequency, drift);
    let mut best = Zoomed { model, bin_ps, ln_chance: 0.0 };
    let mut worse = 0;
    while bin > finest_ps && worse < 3 {
        let half = 0.5 * bin;
        // Steps that smear the signal by no more than a bin over the span: linearly, and as the
        // parabola that a straight line leaves over.
        let (by_frequency, by_drift) = (2.0 * half / span_s, 16.0 * half / (span_s * span_s));
        let mut top = Top { count: 0, expected: 1.0, step: [0.0; 3] };
        for d in steps(drift, by_drift) {
            for f in steps(frequency, by_frequency) {
                // What was offset without this drift holds the mean of its parabola, c T²/24.
                let lift = -d * span_s * span_s / 24.0;
                let found = histogram(&list, [lift, f, d], half);
                if found.count > top.count {
                    top = found;
                }
            }
        }
        for (value, step) in now.iter_mut().zip(top.step) {
            *value += step;
        }
        let reach = (3.0 * half) as f32;
        let [p0, p1, p2] = top.step.map(|s| s as f32);
        list.retain_mut(|point| {
            point.ps -= p0 + point.u_s * (p1 + 0.5 * p2 * point.u_s);
            point.ps.abs() <= reach
        });
        bin = half;
        (frequency, drift) = (by_frequency, if drift > by_drift { by_drift } else { drift });
        let ln_chance = ln_poisson_tail(top.count as f64, top.expected);
        if ln_chance < best.ln_chance {
            let model = ClockModel::from_coefficients(model.reference_ps, now);
            best = Zoomed { model, bin_ps: bin, ln_chance };
            worse = 0;
        } else {
            worse += 1;
        }
    }
    best
}

struct Top {
    count: u32,
    expected: f64,
    step: [f64; 3],
}

/// From −range to range in whole steps around zero.
fn steps(range: f64, step: f64) -> impl Iterator<Item = f64> {
    let side = (range / step - 0.5).ceil().max(0.0) as i64;
    (-side..=side).map(move |i| i as f64 * step)
}

/// The best two neighbouring cells after a step.
fn histogram(list: &[Point], step: [f64; 3], cell_ps: f64) -> Top {
    let mut cells = [0u32; CELLS];
    let (inverse, middle) = ((1.0 / cell_ps) as f32, (CELLS / 2) as f32);
    let zero = middle - step[0] as f32 * inverse;
    let (p1, p2) = (step[1] as f32 * inverse, 0.5 * step[2] as f32 * inverse);
    for point in list {
        let x = point.ps * inverse + zero - point.u_s * (p1 + p2 * point.u_s);
        // Below zero becomes zero, above the last the last: neither is looked at.
        cells[(x as usize).min(CELLS - 1)] += 1;
    }
    let inner = &cells[1..CELLS - 1];
    let (mut most, mut at) = (0, 0);
    for (i, two) in inner.windows(2).enumerate() {
        if two[0] + two[1] > most {
            (most, at) = (two[0] + two[1], i + 1);
        }
    }
    // They lie within ±3 bins of twice the cell's width: 12 cells.
    let others = list.len().saturating_sub(most as usize) as f64;
    let expected = ((others + 1.0) * 2.0 / 10.0).max(1e-3);
    let centre = (at as f64 + 1.0 - (CELLS / 2) as f64) * cell_ps;
    Top { count: most, expected, step: [step[0] + centre, step[1], step[2]] }
}
