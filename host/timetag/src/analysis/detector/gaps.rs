//! From a fine histogram of gaps to the estimate: the onset, then the fit, then again.

use helio_units::Ticks;

use super::super::{Estimate, fit, log_bins};
use super::DetectorEstimate;
use super::model::Model;

/// Gaps in fine bins, as `(from, to, count)`, the empty ones left out.
pub(super) struct Gaps {
    bins: Vec<(u64, u64, u64)>,
    smallest: u64,
}

/// Where the gaps begin.
#[derive(Clone, Copy)]
struct Onset {
    /// Gaps up to this many ticks found the dead time; longer ones are fitted.
    upto: f64,
    /// How many those are.
    count: f64,
    /// Counts a tick there.
    density: f64,
}

/// The error of a time that is known to a tick only: 1/√12.
const TICK_ERROR: f64 = 0.289;

impl Gaps {
    pub(super) fn new(bins: &[u64], bits: u32, smallest: u64) -> Gaps {
        let filled = bins.iter().enumerate().filter(|(_, n)| **n > 0);
        let bins = filled
            .map(|(index, n)| {
                let (from, to) = log_bins::edges(index, bits);
                (from, to, *n)
            })
            .collect();
        Gaps { bins, smallest }
    }

    fn total(&self) -> u64 {
        self.bins.iter().map(|b| b.2).sum()
    }

    pub(super) fn estimate(mut self) -> Option<DetectorEstimate> {
        let all = self.total();
        if let Some(from) = self.begin()
            && self.smallest < from / 2
        {
            self.bins.retain(|bin| bin.0 >= from / 2);
            self.smallest = self.bins.first()?.0.max(self.smallest);
        }
        let onset = self.onset()?;
        let total = self.total() as f64;
        // A sum of gaps in the middle of their bins is exact to 0.1 %, enough to begin with.
        let middle = |b: &(u64, u64, u64)| (0.5 * (b.0 as f64 + b.1 as f64), b.2 as f64);
        let mean = self.bins.iter().map(middle).map(|(g, n)| g * n).sum::<f64>() / total;
        let mut dead_time = (onset.upto - onset.count / onset.density).max(0.0);
        let mut found = Found::without(1.0 / (mean - dead_time).max(0.5));
        if onset.count < total - 30.0 {
            for _ in 0..3 {
                let bins = self.coarse(onset.upto, dead_time);
                found = Found::fit(&bins, onset.upto - dead_time, total, &found)?;
                let covered = found.model.within(onset.count / total);
                dead_time = (onset.upto - covered).max(0.0);
            }
        } else {
            let covered = found.model.within(onset.count / total);
            dead_time = (onset.upto - covered).max(0.0);
            found.rate_error = found.model.rate / total.sqrt();
        }
        // So many gaps as found the onset scatter by their root.
        let density = total * found.model.onset() * found.model.survival(onset.upto - dead_time);
        let error = (onset.count.sqrt() / density).hypot(TICK_ERROR);
        Some(DetectorEstimate {
            gaps: self.total(),
            short_gaps: all - self.total(),
            shortest_gap: Ticks(self.smallest),
            dead_time: Estimate { value: dead_time, error },
            alive_rate: Estimate { value: found.model.rate, error: found.rate_error },
            afterpulse: found.afterpulse,
            afterpulse_decay: found.decay,
            chi2: found.chi2,
            freedom: found.freedom,
            model: found.model,
        })
    }

    /// Where gaps begin in earnest: below half of that only odd ones lie.
    fn begin(&self) -> Option<u64> {
        self.dense_group().map(|(group, _)| group.from)
    }

    fn onset(&self) -> Option<Onset> {
        let (group, before) = self.dense_group()?;
        Some(Onset {
            upto: group.to as f64 + 0.5,
            count: (before + group.count) as f64,
            density: group.density,
        })
    }

    /// The first group of neighbouring bins that is as dense as light makes it, and how many gaps are
    /// shorter.
    ///
    /// Dense is a tenth of the mean count rate, in the group itself and in as long a stretch after
    /// it: a few double pulses, however exact their delay, are not. Where the onset is blurred, the
    /// group after the blur is taken: within a tenth of the gap, that than which no later one is
    /// significantly denser. Humps further on are the detector's own affair.
    fn dense_group(&self) -> Option<(Group, u64)> {
        let groups = self.groups();
        let middle = |b: &(u64, u64, u64)| 0.5 * (b.0 as f64 + b.1 as f64) * b.2 as f64;
        let total = self.total() as f64;
        let sparse = 0.1 * total * total / self.bins.iter().map(middle).sum::<f64>().max(0.5);
        let goes_on = |group: &Group| {
            let end = group.to.saturating_mul(2).max(group.to.saturating_add(1));
            let after = |bin: &&(u64, u64, u64)| bin.0 > group.to && bin.1 <= end;
            let count: u64 = self.bins.iter().filter(after).map(|bin| bin.2).sum();
            let expected = (sparse * (end - group.to) as f64).min(0.1 * total);
            count as f64 >= expected - 2.0 * expected.sqrt()
        };
        let dense = |group: &&Group| group.density + 2.0 * group.error >= sparse && goes_on(group);
        let begin = groups.iter().position(|group| dense(&group))?;
        let blur = groups[begin].from.saturating_add(groups[begin].from / 10);
        let end = groups.iter().rposition(|group| group.from <= blur).unwrap_or(begin);
        let near = &groups[begin..=end.max(begin)];
        let chosen = near.iter().enumerate().position(|(i, group)| {
            let clear = |later: &Group| later.density - 2.0 * later.error;
            near[i..].iter().all(|later| clear(later) <= group.density + 2.0 * group.error)
        });
        let chosen = begin + chosen.unwrap_or(0);
        Some((groups[chosen], groups[..chosen].iter().map(|g| g.count).sum()))
    }

    /// Neighbouring bins taken together until they hold 25 gaps, and an eighth of what lies before
    /// them.
    fn groups(&self) -> Vec<Group> {
        let fewest = (self.total() / 10).clamp(1, 25);
        let (mut groups, mut before) = (Vec::new(), 0);
        let (mut from, mut count) = (self.smallest, 0);
        for &(_, to, n) in &self.bins {
            count += n;
            if count >= fewest.max(before / 8) {
                // The last gap of a group ends it: one less lies at random within.
                let width = (to - from + 1) as f64;
                let (density, error) = ((count - 1) as f64 / width, (count as f64).sqrt() / width);
                groups.push(Group { from, to, count, density: density.max(0.5 / width), error });
                before += count;
                (from, count) = (to.saturating_add(1), 0);
            }
        }
        groups
    }

    /// Bins for the fit, from `from` on: each by an eighth longer than the last, counted from the
    /// dead time. Edges as times after the dead time; the last bin has no end.
    fn coarse(&self, from: f64, dead_time: f64) -> Vec<(f64, f64, f64)> {
        let mut bins: Vec<(f64, f64, f64)> = Vec::new();
        let later = self.bins.partition_point(|bin| (bin.0 as f64) < from);
        let begin = from - dead_time;
        let (mut edge, mut width, mut count) = (begin, 0.125 * begin.max(1.0), 0.0);
        let mut rest = self.bins[later..].iter().copied().peekable();
        while let Some((lead, to, n)) = rest.next() {
            // Empty bins up to this one belong to the fit as well.
            while (lead as f64 - 0.5 - dead_time) >= edge + width {
                // An end between two fine bins: where the empty stretch allows it.
                bins.push((edge, edge + width, count));
                (edge, count) = (edge + width, 0.0);
                width = 0.125 * edge.max(1.0);
            }
            count += n as f64;
            let end = to as f64 + 0.5 - dead_time;
            if end >= edge + width || rest.peek().is_none() {
                bins.push((edge, end, count));
                (edge, count) = (end, 0.0);
                width = 0.125 * edge.max(1.0);
            }
        }
        bins.push((edge, f64::INFINITY, 0.0));
        bins
    }
}

#[derive(Clone, Copy)]
struct Group {
    from: u64,
    to: u64,
    count: u64,
    density: f64,
    error: f64,
}

/// What the fit found.
struct Found {
    model: Model,
    rate_error: f64,
    afterpulse: Option<Estimate>,
    decay: Option<Estimate>,
    chi2: f64,
    freedom: u32,
}

/// By so much the deviance must fall for afterpulses to be believed, with two more parameters, one
/// of which is looked for far and wide: one in a thousand.
const SIGNIFICANT: f64 = 16.0;

impl Found {
    fn without(rate: f64) -> Found {
        let model = Model { rate, afterpulse: 0.0, decay: 1.0 / rate };
        Found { model, rate_error: f64::NAN, afterpulse: None, decay: None, chi2: 0.0, freedom: 0 }
    }

    /// Fits gaps longer than the dead time by `begin`; `total` is the number of all.
    fn fit(bins: &[(f64, f64, f64)], begin: f64, total: f64, before: &Found) -> Option<Found> {
        let counts: Vec<f64> = bins.iter().map(|b| b.2).collect();
        let fitted: f64 = counts.iter().sum();
        let fill = |model: Model, means: &mut [f64]| {
            let scale = fitted / model.survival(begin);
            let mut left = model.survival(bins[0].0);
            for (mean, bin) in means.iter_mut().zip(bins) {
                let right = if bin.1.is_finite() { model.survival(bin.1) } else { 0.0 };
                // Far out in the tail there is less than a float can tell from nothing.
                *mean = (scale * (left - right)).max(if left >= right { 1e-30 } else { f64::NAN });
                left = right;
            }
        };
        let [step_rate, step_p, step_decay] = Model::STEPS;
        let plain = |p: &[f64; 1], means: &mut [f64]| {
            fill(Model { rate: p[0].exp(), afterpulse: 0.0, decay: 1.0 }, means);
        };
        let rate = before.model.rate.ln();
        let none = fit::fit(&counts, [rate], [step_rate], plain)?;
        let three = |p: &[f64; 3], means: &mut [f64]| fill(Model::of(*p), means);

        // Which decay to begin with: the fit has a valley for each.
        let known = before.decay.map(|d| d.value.ln());
        let longest = -none.parameters[0];
        let shortest = (0.5 * bins[0].1).max(0.5).ln().min(longest - 1.0);
        let steps = if known.is_some() { 0 } else { 24 };
        let grid = (0..steps).map(|i| shortest + (longest - shortest) * f64::from(i) / 23.0);
        let started = grid.filter_map(|decay| {
            let two = |p: &[f64; 2], means: &mut [f64]| fill(Model::of([p[0], p[1], decay]), means);
            let fit = fit::fit(&counts, [none.parameters[0], 0.01], [step_rate, step_p], two)?;
            Some((fit.deviance, [fit.parameters[0], fit.parameters[1], decay]))
        });
        let start = match known {
            Some(decay) => Some([rate, before.model.afterpulse, decay]),
            None => started.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, start)| start),
        };
        let steps = [step_rate, step_p, step_decay];
        let full = start
            .and_then(|start| fit::fit(&counts, start, steps, three))
            .filter(|f| none.deviance - f.deviance > SIGNIFICANT && f.parameters[1] > 0.0)
            // A decay that is not known to a factor of e is not known.
            .filter(|f| f.covariance[2][2] < 1.0);

        let mut means = vec![0.0; counts.len()];
        let found = match full {
            Some(full) => {
                let model = Model::of(full.parameters);
                let error = |i: usize| full.covariance[i][i].sqrt();
                Found {
                    model,
                    rate_error: model.rate * error(0),
                    afterpulse: Some(Estimate { value: model.afterpulse, error: error(1) }),
                    decay: Some(Estimate { value: model.decay, error: model.decay * error(2) }),
                    chi2: 0.0,
                    freedom: 3,
                }
            }
            None => {
                let model = Model { rate: none.parameters[0].exp(), ..before.model };
                let model = Model { afterpulse: 0.0, ..model };
                let tail = excess(bins, model.rate, total);
                Found {
                    model,
                    rate_error: model.rate * none.covariance[0][0].sqrt(),
                    afterpulse: tail,
                    decay: None,
                    chi2: 0.0,
                    freedom: 1,
                }
            }
        };
        fill(found.model, &mut means);
        let (chi2, groups) = fit::pearson(&counts, &means);
        Some(Found { chi2, freedom: groups.saturating_sub(found.freedom + 1), ..found })
    }
}

/// The excess of short gaps over the tail beyond 0.3/λ, extrapolated to zero, as a share of all:
/// p̂ = 1 − (M/N) e^(λ̂ c) of M gaps beyond c, with λ̂ = M/Σ(t − c) from them alone, so that
/// σ² = e^(2λc) (M/N)² ((1 − M/N)/M + (λc)²/M).
fn excess(bins: &[(f64, f64, f64)], rate: f64, total: f64) -> Option<Estimate> {
    let cut = bins.iter().position(|b| b.0 >= 0.3 / rate)?;
    let tail = &bins[cut..];
    let beyond: f64 = tail.iter().map(|b| b.2).sum();
    if beyond < 10.0 {
        return None;
    }
    let counts: Vec<f64> = tail.iter().map(|b| b.2).collect();
    let c = tail[0].0;
    let exponential = |p: &[f64; 1], means: &mut [f64]| {
        let survival = |t: f64| (-p[0].exp() * (t - c)).exp();
        for (mean, bin) in means.iter_mut().zip(tail) {
            *mean = (beyond * (survival(bin.0) - survival(bin.1))).max(1e-30);
        }
    };
    let fit = fit::fit(&counts, [rate.ln()], [1e-5], exponential)?;
    let share = beyond / total;
    let extrapolated = share * (fit.parameters[0].exp() * c).exp();
    let relative =
        (1.0 - share) / beyond + (fit.parameters[0].exp() * c).powi(2) * fit.covariance[0][0];
    Some(Estimate { value: 1.0 - extrapolated, error: extrapolated * relative.sqrt() })
}
