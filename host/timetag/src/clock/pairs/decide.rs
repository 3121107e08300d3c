//! From a rough model to a fitted one, and the decision whether it is a lock.

use core::f64::consts::LOG10_E;

use super::super::fit::{DriftPrior, fit};
use super::super::model::{ClockModel, ClockUncertainty, Lock, NoLock};
use super::super::significance::{ln_fair_coin_tail, ln_poisson_tail};
use super::super::zoom::zoom;
use super::correlator::{Candidate, Level, Lists};
use super::gather::gather;
use super::{MAX_PAIRS, PairSearch, Section};

/// Pairs that the first rounds of the fit take.
const FIRST_PAIRS: usize = 30_000;
/// Windows to each side in which the background is counted and a second peak is looked for.
const SIDE_WINDOWS: usize = 200;
/// A second peak that the best one beats by chance more often than this makes the lock ambiguous.
const LN_AMBIGUOUS: f64 = -3.0;
/// Widths among which the zoom has chosen.
const WIDTHS: f64 = 40.0;

pub(super) fn decide(
    search: &PairSearch,
    section: &Section<'_>,
    level: Level,
    found: Candidate,
) -> Result<Lock, NoLock> {
    let (lists, span_s) = (section.lists, section.span_s);
    let limit = (4.0 * MAX_PAIRS) as usize;
    let drift = 1e3 * search.range.drift_ppb_per_s;
    // What stood out in coarse bins and not in fine ones: as good as noise.
    let reason = NoLock::Noise { log10_false_alarm: 0.0 };
    let rough = ClockModel::from_coefficients(
        lists.reference_ps,
        [found.delay_ps, 1e12 * found.frequency, 0.0],
    );
    let (bin_ps, step_ps_per_s) = (level.bin_ps, 2.5 * level.bin_ps / span_s);
    let product = lists.a.len() as f64 * lists.b.len() as f64;
    let chance = 6.0 * bin_ps * product / (span_s * 1e12);
    // A bright signal is seen in a part of the clicks as well.
    let thin = (chance / MAX_PAIRS).ceil().max(1.0) as usize;
    let some: Vec<i64> = lists.a.iter().step_by(thin).copied().collect();
    let part = Lists { a: &some, ..lists };
    let pairs = gather(part, &rough, 3.0 * bin_ps, limit).ok_or(reason)?;
    let finest = search.resolution_ps.max(1.0);
    let zoomed = zoom(&pairs, rough, bin_ps, step_ps_per_s, drift, span_s, finest);
    drop(pairs);

    let mut model = zoomed.model;
    let (mut reach, mut sigma) = (8.0 * zoomed.bin_ps, 0.7 * zoomed.bin_ps);
    let mut fitted = None;
    for round in 0..3 {
        let mut pairs = gather(lists, &model, reach, limit).ok_or(reason)?;
        if round < 2 {
            // A part is enough to find the window; the last round is the fit.
            let every = pairs.len().div_ceil(FIRST_PAIRS).max(1);
            pairs = pairs.into_iter().step_by(every).collect();
        }
        let prior = DriftPrior { at: model.coefficients()[2], range: drift };
        let next = fit(&pairs, reach, sigma, span_s, prior, None).ok_or(reason)?;
        let now = model.coefficients();
        let moved = core::array::from_fn(|i| now[i] + next.step[i]);
        model = ClockModel::from_coefficients(model.reference_ps, moved);
        sigma = next.sigma_ps;
        reach = (10.0 * sigma).max(3.0 * finest);
        fitted = Some(next);
    }
    let fitted = fitted.ok_or(reason)?;

    let half_window = (2.0 * sigma).max(finest);
    let Side { inside, mean, second, apart_ps } =
        count(section, &model, half_window, limit).ok_or(reason)?;
    let places = places(search, section, 0.5 * half_window) * WIDTHS;
    let ln_chance = (ln_poisson_tail(inside, mean) + places.ln()).min(0.0);
    let log10_false_alarm = ln_chance * LOG10_E;
    let range = &search.range;
    let first = model.at(lists.a.first().copied().unwrap_or(0));
    // A signal outside what was asked for is none that was looked for.
    let inside_range = first.offset_ps.abs() <= 1.001 * range.offset_ps + 5.0 * half_window
        && model.frequency_ppm.abs() <= 1.02 * range.frequency_ppm
        && model.drift_ppb_per_s.abs() <= range.drift_ppb_per_s + 5.0 * 1e-3 * fitted.error[2];
    if ln_chance > range.false_alarm.ln() || !inside_range {
        return Err(NoLock::Noise { log10_false_alarm });
    }
    // Given that one of two equal peaks holds the more: a fair coin for each pair.
    if ln_fair_coin_tail(inside, inside + second) > LN_AMBIGUOUS {
        return Err(NoLock::Ambiguous { apart_ps });
    }
    let mut error = fitted.error;
    error[0] = error[0].hypot(0.5 * search.resolution_ps);
    if sigma < search.resolution_ps {
        // Ticks that stand still against each other leave a whole tick open at either end.
        error[1] = error[1].hypot(search.resolution_ps / span_s);
        error[2] = error[2].hypot(8.0 * search.resolution_ps / (span_s * span_s));
    }
    Ok(Lock {
        model,
        uncertainty: ClockUncertainty::from_coefficients(error),
        jitter_ps: sigma,
        signal: fitted.signal,
        background: mean,
        used_until_ps: lists.b.last().copied().unwrap_or(0),
        log10_false_alarm,
    })
}

struct Side {
    inside: f64,
    mean: f64,
    second: f64,
    apart_ps: f64,
}

/// Pairs in the window around the model, and in windows beside it.
fn count(
    section: &Section<'_>,
    model: &ClockModel,
    half_window: f64,
    limit: usize,
) -> Option<Side> {
    let lists = section.lists;
    let product = lists.a.len() as f64 * lists.b.len() as f64;
    let uniform = product * 2.0 * half_window / (section.span_s * 1e12);
    let sides = ((0.25 * limit as f64 / uniform) as usize).clamp(4, SIDE_WINDOWS);
    let width = 2.0 * half_window;
    let pairs = gather(lists, model, (sides as f64 + 0.5) * width, limit)?;
    let mut windows = vec![0u64; 2 * sides + 1];
    for pair in &pairs {
        let window = (pair.ps / width + sides as f64 + 0.5) as usize;
        windows[window.min(2 * sides)] += 1;
    }
    let inside = windows[sides] as f64;
    // The signal's tails reach the next windows; they are not background.
    let far = |i: &usize| i.abs_diff(sides) >= 3;
    let far_sum: u64 = (0..windows.len()).filter(far).map(|i| windows[i]).sum();
    let far_windows = (windows.len() - 5) as f64;
    // Three more: what a count of none still allows.
    let beside = (far_sum as f64 + 3.0) / far_windows;
    let second = (0..windows.len()).filter(far).max_by_key(|i| windows[*i]);
    let (second, at) = second.map_or((0.0, sides), |i| (windows[i] as f64, i));
    Some(Side {
        inside,
        mean: beside.max(uniform),
        second,
        apart_ps: at.abs_diff(sides) as f64 * width,
    })
}

/// Places in the search range that a window moved by `step_ps` tells apart.
fn places(search: &PairSearch, section: &Section<'_>, step_ps: f64) -> f64 {
    let (range, span_s) = (&search.range, section.span_s);
    let offsets = 2.0 * section.range_ps / step_ps;
    let frequencies = 1.0 + 2e6 * range.frequency_ppm * span_s / (2.0 * step_ps);
    let drifts = 1.0 + 2e3 * range.drift_ppb_per_s * span_s * span_s / (16.0 * step_ps);
    offsets * frequencies * drifts
}
