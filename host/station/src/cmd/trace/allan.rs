//! `helio trace allan`: how steady a recorded clock is.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{AllanDeviation, AllanPoint};
use helio_trace::PhotonTime;
use helio_units::TickLength;
use serde_json::{Value, json};

use super::output::{Answer, Output, Table};
use super::select;
use super::show::{chart, time};
use super::source::{Source, file_name, tick_json};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, si};

/// Arguments of `helio trace allan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace allan clock.ptu
  helio trace allan clock.ptu --channel 4 --plot adev.svg --csv adev.csv

The overlapping Allan deviation of the pulses' frequency against the instrument's own clock, for \
averaging times of 1, 2, 4 and so on periods. Missing pulses are counted and no difference reaches \
over them. The pulses have to be those of a clock: photons have no Allan deviation.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The channel of the pulses [default: sync records, else the only channel]
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<u8>,
    #[command(flatten)]
    output: Output,
}

struct Report<'a> {
    path: &'a Path,
    tick: TickLength,
    channel: Option<u8>,
    allan: &'a AllanDeviation,
    points: Vec<AllanPoint>,
}

/// Measures and shows.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    let path = &args.source.file;
    let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
    let channel = match (args.channel, summary.syncs()) {
        (None, Some(_)) => None,
        (None, None) => match select::channels(path, &[], &summary)?[..] {
            [only] => Some(only),
            _ => {
                return Err(Failure::usage(format!(
                    "{} has several channels; name that of the clock with --channel",
                    path.display()
                )));
            }
        },
        (Some(number), _) => {
            select::channels(path, &[number], &summary)?;
            Some(number)
        }
    };
    let mut allan = AllanDeviation::default();
    args.source.scan(PhotonTime::Picoseconds, |_, chunk| match channel {
        Some(number) => {
            let pulses = chunk.photons.iter().filter(|photon| photon.channel == number);
            pulses.into_iter().try_for_each(|photon| allan.push(photon.tick))
        }
        None => chunk.syncs.iter().try_for_each(|sync| allan.push(*sync)),
    })?;
    let points = allan.points();
    if points.is_empty() {
        return Err(Failure::file(
            path,
            "holds no three even pulses in a row there; choose the channel of a clock",
        ));
    }
    // Intervals of photons are whole periods of nothing.
    let spacings = allan.pulses().saturating_sub(1);
    if 2 * allan.gaps() > spacings {
        return Err(Failure::file(
            path,
            format!(
                "holds no clock there: {} of {} spacings are not one period; choose the channel of a clock",
                allan.gaps(),
                spacings
            ),
        ));
    }
    let report = Report { path, tick: scanned.tick(), channel, allan: &allan, points };
    args.output.give_noted(global, &report, &scanned.notes)
}

impl Report<'_> {
    fn second(&self) -> f64 {
        self.tick.as_ps_f64() * 1e-12
    }

    fn period_s(&self) -> f64 {
        self.allan.period().unwrap_or(0.0) * self.second()
    }

    fn source(&self) -> String {
        match self.channel {
            Some(number) => format!("channel {number}"),
            None => "sync records".into(),
        }
    }
}

impl Report<'_> {
    /// Both axes are logarithmic: averaging times double from column to column, and the lowest decade
    /// with a deviation in it stands on the axis.
    fn chart(&self, text: &mut String) {
        let logs = self.points.iter().map(|p| p.deviation.value.log10());
        let known = || logs.clone().filter(|log| log.is_finite());
        let (lowest, highest) =
            (known().fold(f64::INFINITY, f64::min), known().fold(-400.0, f64::max));
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return };
        let floor = lowest.floor();
        let heights: Vec<f64> = logs.map(|log| (log - floor).max(0.0)).collect();
        let end = |point: &AllanPoint| time(point.time * self.second());
        text.push('\n');
        let top = format!("{:.1e}", 10f64.powf(highest));
        chart(text, &heights, 10, &top, [&end(first), &end(last)]);
        if lowest.is_finite() {
            _ = writeln!(text, "{:>11} logarithmic, from 1e{floor} up", "");
        }
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let mut text = format!("Allan deviation of {}\n", self.source());
        let period = self.period_s();
        _ = writeln!(text, "  pulses     {}", grouped(self.allan.pulses()));
        let frequency = si(1.0 / period, "Hz", 9);
        _ = writeln!(text, "  period     {}, {frequency}", si(period, "s", 9));
        if self.allan.gaps() > 0 {
            let gaps = grouped(self.allan.gaps());
            _ = writeln!(text, "  gaps       {gaps}: pulses missing, or too many");
        }
        _ = writeln!(text, "\n    averaged     deviation           differences");
        for point in &self.points {
            let exponent = point.deviation.value.log10().floor();
            let exponent = if exponent.is_finite() { exponent } else { 0.0 };
            let power = 10f64.powf(exponent);
            _ = writeln!(
                text,
                "  {:>10}     ({:.3} ± {:.3})e{:<4} {:>12}",
                time(point.time * self.second()),
                point.deviation.value / power,
                point.deviation.error / power,
                exponent,
                grouped(point.differences)
            );
        }
        self.chart(&mut text);
        text
    }

    fn json(&self) -> Value {
        let column =
            |of: fn(&AllanPoint) -> f64| -> Vec<f64> { self.points.iter().map(of).collect() };
        let second = self.second();
        json!({
            "file": file_name(self.path),
            "tick": tick_json(self.tick),
            "channel": self.channel,
            "pulses": self.allan.pulses(),
            "gaps": self.allan.gaps(),
            "period_s": self.period_s(),
            "periods": self.points.iter().map(|p| p.periods).collect::<Vec<_>>(),
            "time_s": column(|p| p.time).iter().map(|t| t * second).collect::<Vec<_>>(),
            "deviation": column(|p| p.deviation.value),
            "error": column(|p| p.deviation.error),
            "differences": self.points.iter().map(|p| p.differences).collect::<Vec<_>>(),
        })
    }

    fn figure(&self) -> Figure {
        let at = |p: &AllanPoint| (p.time * self.second(), p.deviation.value, p.deviation.error);
        let marks: Vec<_> = self.points.iter().map(at).collect();
        let line = marks.iter().map(|m| (m.0, m.1)).collect();
        Figure::new(vec![Panel {
            title: format!("{}: {}", file_name(self.path), self.source()),
            x: Axis { label: "averaging time τ".into(), unit: "s", range: Range::Log },
            y: Axis {
                label: "overlapping Allan deviation σ(τ)".into(),
                unit: "",
                range: Range::Log,
            },
            layers: vec![Layer::line("", line), Layer::marks("", marks)],
        }])
    }

    fn table(&self) -> Table {
        let points = &self.points;
        Table::default()
            .with("time_s", points.iter().map(|p| p.time * self.second()))
            .with("deviation", points.iter().map(|p| p.deviation.value))
            .with("error", points.iter().map(|p| p.deviation.error))
            .with("differences", points.iter().map(|p| p.differences))
    }
}
