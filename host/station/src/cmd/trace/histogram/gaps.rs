//! Gaps between neighbouring counts, with dead time and afterpulses.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{
    DetectorEstimate, Detectors, InterArrival, LinearHistogram, NoDetectorEstimate,
};
use helio_trace::PhotonTime;
use helio_units::{TickLength, Ticks};
use serde_json::{Map, Value, json};

use super::super::output::{Answer, Table};
use super::super::select;
use super::super::show::{chart, chi2, percent, quantity, scaled, time};
use super::super::source::{exact_ps, file_name, seconds, tick_json};
use super::{Args, bins_within};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, si};

/// One channel's gaps: `(from, to, count)` in ticks.
struct Gaps {
    number: u8,
    total: u64,
    bins: Vec<(u64, u64, u64)>,
    detector: Result<DetectorEstimate, NoDetectorEstimate>,
}

struct Report<'a> {
    path: &'a Path,
    tick: TickLength,
    channels: Vec<Gaps>,
    linear: bool,
}

enum Bins {
    Log(Box<InterArrival>),
    Linear { histogram: LinearHistogram, last: Option<Ticks> },
}

pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let path = &args.source.file;
    let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
    let tick = scanned.tick();
    let channels = select::channels(path, &args.channel, &summary)?;
    let linear = linear_bins(args, tick)?;
    let new = || -> Result<Bins, Failure> {
        Ok(match linear {
            None => Bins::Log(Box::default()),
            Some((bin, bins)) => Bins::Linear {
                histogram: LinearHistogram::new(Ticks(0), bin, bins).map_err(Failure::usage)?,
                last: None,
            },
        })
    };
    let mut of_channel: Vec<(u8, Bins)> =
        channels.iter().map(|number| Ok((*number, new()?))).collect::<Result<_, Failure>>()?;
    let mut place = [None; 256];
    for (index, number) in channels.iter().enumerate() {
        place[usize::from(*number)] = Some(index);
    }
    let mut detectors = Detectors::default();
    args.source.scan(PhotonTime::Picoseconds, |_, chunk| {
        for photon in &chunk.photons {
            let Some(index) = place[usize::from(photon.channel)] else { continue };
            detectors.push(photon.tick, photon.channel)?;
            match &mut of_channel[index].1 {
                Bins::Log(gaps) => gaps.push(photon.tick)?,
                Bins::Linear { histogram, last } => {
                    // The order is checked by the estimate of the detector.
                    if let Some(last) = last.replace(photon.tick) {
                        histogram.add(Ticks(photon.tick.0.saturating_sub(last.0)));
                    }
                }
            }
        }
        Ok(())
    })?;
    let channels = of_channel
        .into_iter()
        .map(|(number, bins)| {
            let (total, bins) = match bins {
                Bins::Log(gaps) => (
                    gaps.count(),
                    gaps.bins().iter().map(|b| (b.from.0, b.to.0, b.count)).collect(),
                ),
                Bins::Linear { histogram, .. } => (
                    histogram.total() + histogram.outside(),
                    histogram
                        .counts()
                        .iter()
                        .zip(0u64..)
                        .map(|(n, i)| {
                            let from = i * histogram.bin().0;
                            (from, from + histogram.bin().0 - 1, *n)
                        })
                        .collect(),
                ),
            };
            Gaps { number, total, bins, detector: detectors.estimate(number) }
        })
        .collect();
    let report = Report { path, tick, channels, linear: linear.is_some() };
    args.output.give_noted(global, &report, &scanned.notes)
}

/// Bins of equal length where a bin or a range is asked for.
fn linear_bins(args: &Args, tick: TickLength) -> Result<Option<(Ticks, u32)>, Failure> {
    let ticks = |span: crate::quantity::Span| tick.ticks_covering(span.picoseconds());
    let (bin, range) = match (args.bin.map(ticks), args.range.map(ticks)) {
        (None, None) => return Ok(None),
        (Some(bin), None) => (bin, Ticks(bin.0.saturating_mul(500))),
        (None, Some(range)) => (Ticks((range.0 / 500).max(1)), range),
        (Some(bin), Some(range)) => (bin, range),
    };
    Ok(Some((bin, bins_within(range, bin, tick)?)))
}

impl Report<'_> {
    fn second(&self) -> f64 {
        seconds(self.tick, Ticks(1))
    }

    /// The fitted number of gaps in a bin, and that of the tail alone.
    fn fitted(gaps: &Gaps, bin: &(u64, u64, u64)) -> Option<[f64; 2]> {
        let found = gaps.detector.as_ref().ok()?;
        let (from, to) = (bin.0 as f64 - 0.5, bin.1 as f64 + 0.5);
        // A bin that the dead time cuts would make a step in the curve.
        if from < found.dead_time.value {
            return None;
        }
        let n = found.gaps as f64;
        let all = n * (found.share_longer(from) - found.share_longer(to));
        let tail = n * (found.share_longer_in_tail(from) - found.share_longer_in_tail(to));
        Some([all, tail])
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let (second, mut text) = (self.second(), String::new());
        for gaps in &self.channels {
            _ = writeln!(text, "gaps of channel {}", gaps.number);
            _ = writeln!(text, "  gaps         {}", grouped(gaps.total));
            match &gaps.detector {
                Ok(found) => {
                    let of_time = |e| quantity(scaled(e, second), "s");
                    _ = writeln!(text, "  dead time    {}", of_time(found.dead_time));
                    let shortest = si(seconds(self.tick, found.shortest_gap), "s", 5);
                    _ = writeln!(text, "  shortest     {shortest}");
                    let rate = quantity(scaled(found.alive_rate, 1.0 / second), "Hz");
                    _ = writeln!(text, "  alive rate   {rate}, without dead time and afterpulses");
                    if let Some(afterpulse) = found.afterpulse {
                        let decay = match found.afterpulse_decay {
                            Some(decay) => format!(", after {} on average", of_time(decay)),
                            None => String::new(),
                        };
                        _ = writeln!(text, "  afterpulses  {}{decay}", percent(afterpulse));
                    }
                    if found.short_gaps > 0 {
                        let short = grouped(found.short_gaps);
                        _ = writeln!(
                            text,
                            "  left out     {short} shorter than half the dead time"
                        );
                    }
                    let fit = chi2(found.chi2, found.freedom);
                    let doubt = found.chi2
                        > f64::from(found.freedom) + 5.0 * f64::from(2 * found.freedom).sqrt();
                    let doubt = if doubt { ": not steady light, believe little" } else { "" };
                    _ = writeln!(text, "  fit          {fit}{doubt}");
                }
                Err(why) => _ = writeln!(text, "  {why}"),
            }
            text.push('\n');
            let counts: Vec<f64> = gaps.bins.iter().map(|b| b.2 as f64).collect();
            let top = grouped(gaps.bins.iter().map(|b| b.2).max().unwrap_or(0));
            if let (Some(first), Some(last)) = (gaps.bins.first(), gaps.bins.last()) {
                let end = |t: u64| time(t as f64 * second);
                chart(&mut text, &counts, 8, &top, [&end(first.0), &end(last.1)]);
            }
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let second = self.second();
        let channels: Map<String, Value> = self
            .channels
            .iter()
            .map(|gaps| {
                let column = |of: &dyn Fn(&(u64, u64, u64)) -> u64| -> Vec<u64> {
                    gaps.bins.iter().map(of).collect()
                };
                let mut value = json!({
                    "gaps": gaps.total,
                    "from_ticks": column(&|b| b.0),
                    "to_ticks": column(&|b| b.1),
                    "counts": column(&|b| b.2),
                });
                let more = match &gaps.detector {
                    Ok(found) => detector_json(found, second * 1e12),
                    Err(why) => json!({ "no_estimate": why.to_string() }),
                };
                if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
                    value.extend(more);
                }
                (gaps.number.to_string(), value)
            })
            .collect();
        json!({
            "file": file_name(self.path),
            "of": "gaps",
            "tick": tick_json(self.tick),
            "tick_ps": exact_ps(self.tick, Ticks(1)),
            "channels": channels,
        })
    }

    fn figure(&self) -> Figure {
        let second = self.second();
        let panels = self.channels.iter().map(|gaps| {
            let edges = |scale: f64| {
                let begins = gaps.bins.iter().map(move |b| (b.0 as f64 - 0.5).max(0.5) * scale);
                begins.chain(gaps.bins.last().map(|b| (b.1 as f64 + 0.5) * scale))
            };
            // Bins of growing length would make steps of their own: gaps for each ns.
            let scale = |b: &(u64, u64, u64)| match self.linear {
                true => 1.0,
                false => 1e-9 / ((b.1 - b.0) as f64 + 1.0) / second,
            };
            let heights = gaps.bins.iter().map(|b| b.2 as f64 * scale(b)).collect();
            let mut layers = vec![Layer::step("gaps", edges(second).collect(), heights)];
            let middle = |b: &(u64, u64, u64)| {
                let (from, to) = ((b.0 as f64 - 0.5).max(0.5), b.1 as f64 + 0.5);
                second * if self.linear { 0.5 * (from + to) } else { (from * to).sqrt() }
            };
            let curve = |which: usize| -> Vec<(f64, f64)> {
                let shown = gaps.bins.iter().filter_map(|b| {
                    let mean = Report::fitted(gaps, b)?[which];
                    // A logarithmic axis would reach down to nothing.
                    (mean > 0.3).then(|| (middle(b), mean * scale(b)))
                });
                shown.collect()
            };
            if gaps.detector.as_ref().is_ok_and(|d| d.afterpulse_decay.is_some()) {
                layers.push(Layer::line("fit", curve(0)));
                layers.push(Layer::line("without afterpulses", curve(1)));
            } else if gaps.detector.is_ok() {
                layers.push(Layer::line("fit", curve(0)));
            }
            let range = if self.linear { Range::Data } else { Range::Log };
            let of_bin = match self.linear {
                true => format!(
                    "gaps in {}",
                    si(gaps.bins.first().map_or(0.0, |b| (b.1 - b.0 + 1) as f64 * second), "s", 3)
                ),
                false => "gaps per ns".into(),
            };
            Panel {
                title: format!("{}: channel {}", file_name(self.path), gaps.number),
                x: Axis { label: "gap".into(), unit: "s", range },
                y: Axis { label: of_bin, unit: "", range: Range::Log },
                layers,
            }
        });
        Figure::new(panels.collect())
    }

    fn table(&self) -> Table {
        let ps = self.second() * 1e12;
        let rows = || self.channels.iter().flat_map(|g| g.bins.iter().map(move |b| (g, b)));
        Table::default()
            .with("channel", rows().map(|(g, _)| g.number))
            .with("from_ps", rows().map(|(_, b)| b.0 as f64 * ps))
            .with("to_ps", rows().map(|(_, b)| (b.1 as f64 + 1.0) * ps))
            .with("count", rows().map(|(_, b)| b.2))
            .with("error", rows().map(|(_, b)| (b.2 as f64).sqrt()))
            .with_known("fit", rows().map(|(g, b)| Some(Report::fitted(g, b)?[0])))
    }
}

fn detector_json(found: &DetectorEstimate, ps: f64) -> Value {
    let known = |e: Option<helio_timetag::analysis::Estimate>, scale: f64| match e {
        Some(e) => (json!(e.value * scale), json!(e.error * scale)),
        None => (Value::Null, Value::Null),
    };
    let (afterpulse, afterpulse_error) = known(found.afterpulse, 1.0);
    let (decay, decay_error) = known(found.afterpulse_decay, ps);
    json!({
        "dead_time_ps": found.dead_time.value * ps,
        "dead_time_error_ps": found.dead_time.error * ps,
        "alive_rate_hz": found.alive_rate.value * 1e12 / ps,
        "alive_rate_error_hz": found.alive_rate.error * 1e12 / ps,
        "afterpulse_probability": afterpulse,
        "afterpulse_probability_error": afterpulse_error,
        "afterpulse_decay_ps": decay,
        "afterpulse_decay_error_ps": decay_error,
        "shortest_gap_ps": found.shortest_gap.0 as f64 * ps,
        "short_gaps": found.short_gaps,
        "chi2": found.chi2,
        "freedom": found.freedom,
    })
}
