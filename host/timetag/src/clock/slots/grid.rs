//! The grid of slots in clicks whose clock is not known: frequency, phase and drift.
//!
//! Pulses repeat with the slot, so the phases `b / slot` of the clicks, taken as turns, are a tone
//! of the frequency by which Bob's slots differ. A Fourier transform of the phasors finds it; drift
//! is undone for one value after another where a span is so long that it smears the tone. The power
//! over the number of clicks follows Rayleigh's law if there is no grid.

use core::f64::consts::{LOG10_E, TAU};

use helio_fourier::Complex;

use super::super::fit::{DriftPrior, Fit, Residual, fit};
use super::super::model::{ClockModel, NoLock, SearchRange};
use super::super::significance::ln_rayleigh_tail;
use super::super::zoom::zoom;

/// A grid through clicks: a model whose offset is right but for whole slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub model: ClockModel,
    pub fit: Fit,
    /// Clicks, from the first on, that it was fitted to.
    pub clicks: usize,
}

const MAX_LENGTH: usize = 1 << 21;
/// Cells of all transforms of one try, at most: some tenths of a second.
const MAX_CELLS: usize = 1 << 24;

/// ln of the chance below which a tone is taken as the grid. The place in the sequence has to prove
/// itself on its own.
const LN_TONE: f64 = -7.0;

/// Finds a grid in the first clicks, as many as it needs.
pub(super) fn find(
    clicks: &[i64],
    slot_ps: f64,
    range: &SearchRange,
    resolution_ps: f64,
) -> Result<Grid, NoLock> {
    let mut doubt = 0.0;
    let mut taken = clicks.len().min(1 << 10);
    loop {
        match tone(&clicks[..taken], slot_ps, range) {
            Some((model, ln_chance, error)) => {
                doubt = ln_chance.min(doubt);
                if ln_chance < LN_TONE {
                    let drift = 1e3 * range.drift_ppb_per_s;
                    let rough = Rough { model, frequency: error, drift };
                    let fine = refine(&clicks[..taken], slot_ps, rough, range, resolution_ps);
                    if let Some(grid) = fine {
                        return Ok(grid);
                    }
                }
            }
            None => return Err(NoLock::Noise { log10_false_alarm: doubt * LOG10_E }),
        }
        if taken == clicks.len() {
            return Err(NoLock::Noise { log10_false_alarm: doubt * LOG10_E });
        }
        taken = (2 * taken).min(clicks.len());
    }
}

/// The strongest tone, ln of the chance that noise makes it, and how well the frequency is known in
/// ps/s. `None` if the span is too long for the work.
fn tone(clicks: &[i64], slot_ps: f64, range: &SearchRange) -> Option<(ClockModel, f64, f64)> {
    let (&first, &last) = (clicks.first()?, clicks.last()?);
    let span_ps = (last - first).max(1) as f64;
    let span_s = span_ps * 1e-12;
    // Four phasors for a turn of the fastest tone.
    let width_ps = slot_ps / (4e-6 * range.frequency_ppm);
    // Twice the span, so that no tone lies between two frequencies.
    let length = (2.0 * span_ps / width_ps + 2.0).max(64.0);
    if length > MAX_LENGTH as f64 {
        return None;
    }
    let length = (length as usize).next_power_of_two();
    // A wrong drift turns the ends by a quarter against the middle, at most.
    let drift_step = 4.0 * slot_ps / (span_s * span_s);
    let side = (1e3 * range.drift_ppb_per_s / drift_step - 0.5).ceil().max(0.0);
    if (2.0 * side + 1.0) * length as f64 > MAX_CELLS as f64 {
        return None;
    }
    let middle = first + (last - first) / 2;
    // Single precision finds the line; the clicks themselves say where it is, below and in the fit.
    let mut phasors = vec![Complex::<f32>::default(); length];
    for &click in clicks {
        let turn = (click - middle) as f64 / slot_ps;
        let (sine, cosine) = (TAU * (turn - turn.round())).sin_cos();
        let cell = ((click - first) as f64 / width_ps) as usize;
        phasors[cell.min(length - 1)] += Complex::new(cosine as f32, sine as f32);
    }
    let used = (span_ps / width_ps) as usize + 1;
    let transform = helio_fourier::forward(length);
    let mut scratch = vec![Complex::default(); transform.get_inplace_scratch_len()];
    let mut buffer = phasors.clone();
    let (mut power, mut best) = (0.0, (0.0, 0.0));
    let turns_per_s = 1e12 / (length as f64 * width_ps);
    let reach = ((1e-6 * range.frequency_ppm * 1e12 / slot_ps) / turns_per_s).ceil() as usize;
    for d in -(side as i64)..=side as i64 {
        let drift = d as f64 * drift_step;
        buffer[used..].fill(Complex::default());
        for (cell, (out, phasor)) in buffer.iter_mut().zip(&phasors[..used]).enumerate() {
            let u_s = (cell as f64 + 0.5) * width_ps * 1e-12 - 0.5 * span_s;
            let (sine, cosine) = (-TAU * 0.5 * drift * u_s * u_s / slot_ps).sin_cos();
            *out = phasor * Complex::new(cosine as f32, sine as f32);
        }
        transform.process_with_scratch(&mut buffer, &mut scratch);
        for k in -(reach as i64)..=reach as i64 {
            let here = f64::from(buffer[k.rem_euclid(length as i64) as usize].norm_sqr());
            if here > power {
                (power, best) = (here, (k as f64 * turns_per_s, drift));
            }
        }
    }
    let (tone_hz, drift) = best;
    let places = (2 * reach + 1) as f64 * (2.0 * side + 1.0);
    let ln_chance = (ln_rayleigh_tail(power / clicks.len() as f64) + places.ln()).min(0.0);
    // The phase in the middle of the span.
    let sum: Complex<f64> = clicks
        .iter()
        .map(|click| {
            let (ps, u_s) = ((click - middle) as f64, (click - middle) as f64 * 1e-12);
            let turn = ps / slot_ps - u_s * (tone_hz + 0.5 * drift * u_s / slot_ps);
            Complex::from_polar(1.0, TAU * (turn - turn.round()))
        })
        .sum();
    let turn = sum.arg() / TAU - 0.5 + (middle as f64 / slot_ps).fract();
    // Slots of length P(1 + f) are a tone f / (1 + f) / P.
    let shift = tone_hz * slot_ps * 1e-12;
    let frequency = shift / (1.0 - shift) * 1e12;
    let coefficients = [(turn - turn.round()) * slot_ps, frequency, drift];
    let model = ClockModel::from_coefficients(middle, coefficients);
    Some((model, ln_chance, 0.5 * slot_ps / span_s))
}

/// A model and how far off it can be, in ps/s and ps/s².
struct Rough {
    model: ClockModel,
    frequency: f64,
    drift: f64,
}

fn refine(
    clicks: &[i64],
    slot_ps: f64,
    rough: Rough,
    range: &SearchRange,
    resolution_ps: f64,
) -> Option<Grid> {
    let span_s = (clicks.last()? - clicks.first()?).max(1) as f64 * 1e-12;
    let list: Vec<Residual> = residuals(clicks, &rough.model, slot_ps).map(|r| r.1).collect();
    let Rough { model, frequency, drift } = rough;
    let finest = resolution_ps.max(1.0);
    let bin = slot_ps / 6.0;
    let zoomed = zoom(&list, model, bin, frequency, drift, span_s, finest);
    let (mut reach, mut sigma) = (8.0 * zoomed.bin_ps, 0.7 * zoomed.bin_ps);
    let mut model = zoomed.model;
    let mut last = None;
    for _ in 0..2 {
        let list: Vec<Residual> = residuals(clicks, &model, slot_ps).map(|r| r.1).collect();
        let now = model.coefficients();
        let prior = DriftPrior { at: now[2], range: 1e3 * range.drift_ppb_per_s };
        let next = fit(&list, reach.min(0.5 * slot_ps), sigma, span_s, prior, Some(slot_ps))?;
        let moved = core::array::from_fn(|i| now[i] + next.step[i]);
        model = ClockModel::from_coefficients(model.reference_ps, moved);
        sigma = next.sigma_ps;
        reach = (10.0 * sigma).max(3.0 * finest);
        last = Some(next);
    }
    let fit = last?;
    // Clicks that are spread over the slot have no grid.
    let narrow = fit.sigma_ps < 0.25 * slot_ps && fit.error[0] < 0.02 * slot_ps;
    narrow.then_some(Grid { model, fit, clicks: clicks.len() })
}

impl Grid {
    /// The same grid through at least `wanted` clicks, or through as many as it can be followed.
    pub fn extended(
        self,
        clicks: &[i64],
        wanted: usize,
        slot_ps: f64,
        range: &SearchRange,
        resolution_ps: f64,
    ) -> Grid {
        let mut grid = self;
        while grid.clicks < wanted.min(clicks.len()) {
            let taken = (2 * grid.clicks).min(clicks.len());
            let (first, last) = (clicks[0], clicks[taken - 1]);
            let half_s = 0.5e-12 * (last - first) as f64;
            let model = grid.model.at(grid.model.to_a(first + (last - first) / 2));
            let [_, frequency, drift] = grid.fit.error.map(|e| 5.0 * e);
            let frequency = frequency + drift * half_s;
            // Where the next clicks are not known to a third of a slot they could be numbered wrong.
            if half_s * (frequency + 0.5 * drift * half_s) > slot_ps / 3.0 {
                break;
            }
            let rough = Rough { model, frequency, drift };
            let next = refine(&clicks[..taken], slot_ps, rough, range, resolution_ps);
            let share = |grid: &Grid| grid.fit.signal / grid.clicks as f64;
            match next {
                Some(next) if share(&next) > 0.5 * share(&grid) => grid = next,
                _ => break,
            }
        }
        grid
    }
}

/// Each click's slot on the model's grid, and how far it lies from that slot's middle.
pub(super) fn residuals<'a>(
    clicks: &'a [i64],
    model: &ClockModel,
    slot_ps: f64,
) -> impl Iterator<Item = (i64, Residual)> + use<'a> {
    let (model, reference) = (*model, model.reference_ps);
    let [offset, frequency, drift] = model.coefficients();
    let slots = (reference as f64 / slot_ps).floor();
    let begin = reference as f64 - slots * slot_ps;
    clicks.iter().map(move |click| {
        let v = (click - reference) as f64;
        let mut u = v - offset;
        for _ in 0..3 {
            let s = u * 1e-12;
            u = v - offset - s * (frequency + 0.5 * drift * s);
        }
        let slot = ((u + begin) / slot_ps).floor();
        let ps = u + begin - (slot + 0.5) * slot_ps;
        ((slots + slot) as i64, Residual { u_s: u * 1e-12, ps })
    })
}
