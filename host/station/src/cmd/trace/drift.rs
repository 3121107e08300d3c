//! `helio trace drift`: slow changes of a rate or of a folded peak.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{DriftPoint, Estimate, Line, PeakDrift, Rates, rate_drift};
use helio_trace::{PhotonTime, Summary};
use helio_units::{TickLength, Ticks};
use serde_json::{Map, Value, json};

use super::folding::{Against, Settled};
use super::output::{Answer, Output, Table};
use super::select;
use super::show::{chart, chi2, quantity, scaled, time};
use super::source::{Scanned, Source, file_name, seconds, tick_json};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::quantity::Span;
use crate::term::{round_up_125, si, trimmed};

/// Arguments of `helio trace drift`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace drift trace.ptu
  helio trace drift trace.ptu --channel 0 --bin 100ms --plot drift.svg
  helio trace drift trace.ptu --channel 1 --period 12.5003ns
  helio trace drift flim.ptu --peak --json

A straight line through the rate over time, or, with --peak, --period or --sync, through the place \
of the peak after the sync. The error of the slope is that of Poissonian counts; χ² tells whether \
anything but the line changes.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Follow the peak after the sync instead of the rate
    #[arg(long)]
    peak: bool,
    /// Length of a time bin, such as 100ms [default: 50 to 125 bins over the trace]
    #[arg(long, value_name = "TIME")]
    bin: Option<Span>,
    /// Only these channels, such as 0,1 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    output: Output,
}

const MAX_BINS: usize = 100_000;

/// What drifts, of one channel; times in seconds.
struct Drift {
    number: u8,
    points: Vec<DriftPoint>,
    line: Option<Line>,
}

struct Report<'a> {
    path: &'a Path,
    tick: TickLength,
    /// A period in seconds where a peak is followed.
    peak: Option<f64>,
    bin_s: f64,
    drifts: Vec<Drift>,
}

/// Follows and shows.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    let (report, notes) = match args.peak || args.against.asked() {
        true => peak(args)?,
        false => rate(args)?,
    };
    args.output.give_noted(global, &report, &notes)
}

/// The rate over time.
fn rate(args: &Args) -> Result<(Report<'_>, Vec<String>), Failure> {
    let path = &args.source.file;
    let (scanned, summary) = args.source.summary(PhotonTime::SyncPeriods)?;
    let channels = select::channels(path, &args.channel, &summary)?;
    let bin = bin(args, &scanned, &summary)?;
    let (tick, begin) = (scanned.tick(), scanned.begin);
    let mut rates = Rates::new(begin, bin, MAX_BINS + 1);
    args.source.scan(PhotonTime::SyncPeriods, |_, chunk| {
        rates.reach(chunk.reached);
        chunk.photons.iter().for_each(|tag| rates.push(tag.tick, tag.channel));
        Ok(())
    })?;
    let second = seconds(tick, Ticks(1));
    let drifts = channels.into_iter().map(|number| {
        let (points, line) = rate_drift(&rates, number);
        Drift::in_seconds(number, points, line, second, 1.0 / second)
    });
    let bin_s = seconds(tick, bin);
    Ok((Report { path, tick, peak: None, bin_s, drifts: drifts.collect() }, scanned.notes))
}

/// The place of the peak after the sync over time.
fn peak(args: &Args) -> Result<(Report<'_>, Vec<String>), Failure> {
    let path = &args.source.file;
    let Settled { mut folding, scanned, summary } = args.against.settle(&args.source)?;
    let mut channels = select::channels(path, &args.channel, &summary)?;
    channels.retain(|number| Some(*number) != folding.channel());
    let bin = bin(args, &scanned, &summary)?;
    let (tick, begin) = (scanned.tick(), scanned.begin);
    let mut followed: Vec<Option<PeakDrift>> = vec![None; 256];
    for number in &channels {
        followed[usize::from(*number)] = Some(PeakDrift::new(begin, bin, MAX_BINS));
    }
    let unit = seconds(folding.unit(), Ticks(1));
    let period = match folding.mean_period_s(&summary) {
        Some(period) if period > 0.0 => period,
        _ => {
            return Err(Failure::file(
                path,
                "does not tell the sync's period there; choose another part or give a --period",
            ));
        }
    };
    folding.scan(&args.source, |photon, phase| {
        if let Some(drift) = &mut followed[usize::from(photon.channel)] {
            drift.push(photon.tick, phase * unit / period);
        }
    })?;
    let second = seconds(tick, Ticks(1));
    let drifts = channels.iter().filter_map(|number| {
        let (points, line) = followed[usize::from(*number)].as_ref()?.drift();
        Some(Drift::in_seconds(*number, points, line, second, period))
    });
    let bin_s = seconds(tick, bin);
    Ok((Report { path, tick, peak: Some(period), bin_s, drifts: drifts.collect() }, scanned.notes))
}

/// The length of a bin.
fn bin(args: &Args, scanned: &Scanned, summary: &Summary) -> Result<Ticks, Failure> {
    let tick = scanned.tick();
    let span = seconds(tick, Ticks(summary.reached().0.saturating_sub(scanned.begin.0)));
    let bin_ps = match args.bin {
        Some(bin) => bin.picoseconds(),
        None => helio_units::Picoseconds(round_up_125(span * 1e12 / 125.0)),
    };
    let bin = tick.ticks_covering(bin_ps);
    if span / seconds(tick, bin) >= MAX_BINS as f64 {
        let least = si(span / MAX_BINS as f64, "s", 3);
        return Err(Failure::usage(format!("--bin is too short; choose at least {least}")));
    }
    Ok(bin)
}

impl Drift {
    fn in_seconds(
        number: u8,
        points: Vec<DriftPoint>,
        line: Option<Line>,
        x: f64,
        y: f64,
    ) -> Drift {
        let points = points.into_iter().map(|(at, e)| (at * x, scaled(e, y))).collect();
        let line = line.map(|line| Line {
            centre: line.centre * x,
            offset: scaled(line.offset, y),
            slope: scaled(line.slope, y / x),
            ..line
        });
        Drift { number, points, line }
    }
}

impl Report<'_> {
    fn what(&self) -> &'static str {
        if self.peak.is_some() { "place of the peak" } else { "count rate" }
    }

    fn slope_text(&self, line: &Line) -> String {
        let Line { slope, offset, .. } = line;
        match self.peak {
            // Seconds a second: a difference in frequency.
            Some(_) => {
                let parts = if slope.value.abs().max(slope.error) >= 1e-7 {
                    quantity_of(scaled(*slope, 1e6), "ppm")
                } else {
                    quantity_of(scaled(*slope, 1e9), "ppb")
                };
                format!("{parts} against the sync")
            }
            None => {
                let relative = scaled(*slope, 100.0 / offset.value);
                let a_second = quantity(*slope, "Hz");
                let share = crate::term::with_error(relative.value, relative.error);
                format!("{a_second} a second, {share} % a second")
            }
        }
    }
}

fn quantity_of(estimate: Estimate, unit: &str) -> String {
    format!("{} {unit}", crate::term::with_error(estimate.value, estimate.error))
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let unit = if self.peak.is_some() { "s" } else { "Hz" };
        for drift in &self.drifts {
            _ = writeln!(text, "{} of channel {} over time", self.what(), drift.number);
            let bin = si(self.bin_s, "s", 4);
            _ = writeln!(text, "  points     {} of {bin}", drift.points.len());
            match &drift.line {
                Some(line) => {
                    let at = time(line.centre);
                    _ = writeln!(text, "  mean       {}, at {at}", quantity(line.offset, unit));
                    _ = writeln!(text, "  slope      {}", self.slope_text(line));
                    let sigmas = (line.slope.value / line.slope.error).abs();
                    _ = writeln!(
                        text,
                        "             {} standard errors from none",
                        trimmed(sigmas, 2)
                    );
                    let fit = chi2(line.chi2, line.freedom);
                    let wide = f64::from(line.freedom) + 5.0 * f64::from(2 * line.freedom).sqrt();
                    let doubt = if line.chi2 > wide { ": more than a line changes" } else { "" };
                    _ = writeln!(text, "  fit        {fit}{doubt}");
                }
                None => text.push_str("  too few points for a line\n"),
            }
            text.push('\n');
            let low = match self.peak {
                Some(_) => drift.points.iter().map(|p| p.1.value).fold(f64::INFINITY, f64::min),
                None => 0.0,
            };
            let values: Vec<f64> = drift.points.iter().map(|p| p.1.value - low).collect();
            let top = si(values.iter().copied().fold(0.0, f64::max), unit, 3);
            let top = if self.peak.is_some() { format!("+{top}") } else { top };
            let end = drift.points.last().map_or(0.0, |p| p.0);
            chart(&mut text, &values, 8, &top, ["0", &time(end)]);
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let unit = if self.peak.is_some() { "s" } else { "hz" };
        let channels: Map<String, Value> = self
            .drifts
            .iter()
            .map(|drift| {
                let line = |of: fn(&Line) -> f64| drift.line.as_ref().map(of);
                let column = |of: fn(&DriftPoint) -> f64| -> Vec<f64> {
                    drift.points.iter().map(of).collect()
                };
                let mut value = Map::new();
                let mut set = |name: String, v: Value| _ = value.insert(name, v);
                set("time_s".into(), json!(column(|p| p.0)));
                set(format!("value_{unit}"), json!(column(|p| p.1.value)));
                set(format!("error_{unit}"), json!(column(|p| p.1.error)));
                set("centre_s".into(), json!(line(|l| l.centre)));
                set(format!("mean_{unit}"), json!(line(|l| l.offset.value)));
                set(format!("mean_error_{unit}"), json!(line(|l| l.offset.error)));
                set(format!("slope_{unit}_per_s"), json!(line(|l| l.slope.value)));
                set(format!("slope_error_{unit}_per_s"), json!(line(|l| l.slope.error)));
                set("chi2".into(), json!(line(|l| l.chi2)));
                set("freedom".into(), json!(drift.line.map(|l| l.freedom)));
                (drift.number.to_string(), Value::Object(value))
            })
            .collect();
        json!({
            "file": file_name(self.path),
            "of": if self.peak.is_some() { "peak" } else { "rate" },
            "tick": tick_json(self.tick),
            "period_s": self.peak,
            "bin_s": self.bin_s,
            "channels": channels,
        })
    }

    fn figure(&self) -> Figure {
        let panels = self.drifts.iter().map(|drift| {
            let marks = drift.points.iter().map(|(x, y)| (*x, y.value, y.error)).collect();
            let mut layers = vec![Layer::marks("", marks)];
            if let (Some(line), Some(last)) = (&drift.line, drift.points.last()) {
                let at = |x: f64| (x, line.offset.value + line.slope.value * (x - line.centre));
                let ends = [drift.points[0].0, last.0];
                layers.push(Layer::line("", ends.map(at).into()));
            }
            let slope = drift
                .line
                .as_ref()
                .map_or_else(String::new, |l| format!(", {}", self.slope_text(l)));
            let (label, unit, range) = match self.peak {
                Some(_) => ("peak after the sync", "s", Range::Data),
                None => ("count rate", "counts/s", Range::Data),
            };
            Panel {
                title: format!("{}: channel {}{slope}", file_name(self.path), drift.number),
                x: Axis { label: "time since the start".into(), unit: "s", range: Range::Data },
                y: Axis { label: label.into(), unit, range },
                layers,
            }
        });
        Figure::new(panels.collect())
    }

    fn table(&self) -> Table {
        let rows = || self.drifts.iter().flat_map(|d| d.points.iter().map(move |p| (d.number, p)));
        let unit = if self.peak.is_some() { "s" } else { "hz" };
        Table::default()
            .with("channel", rows().map(|(number, _)| number))
            .with("time_s", rows().map(|(_, p)| p.0))
            .with(format!("value_{unit}"), rows().map(|(_, p)| p.1.value))
            .with(format!("error_{unit}"), rows().map(|(_, p)| p.1.error))
    }
}
