//! `helio trace rates`: the rate of each channel over time.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{Estimate, Rates};
use helio_trace::PhotonTime;
use helio_units::{Picoseconds, TickLength, Ticks};
use serde_json::{Map, Value, json};

use super::follow::{self, Following};
use super::output::{Answer, Output, Table};
use super::select;
use super::show::quantity;
use super::source::{Source, exact_ps, file_name, seconds, tick_json};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::quantity::Span;
use crate::term::{CHART_COLUMNS, bars, round_up_125, si};

/// Arguments of `helio trace rates`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace rates trace.ptu
  helio trace rates trace.ptu --bin 10ms --plot rate.svg --plot rate.png
  helio trace rates trace.ptu --from 10s --to 20s --csv rates.csv
  helio trace rates --follow growing.ptu --idle 10s
  helio trace rates --follow listen:127.0.0.1:7100 --plot rates.png

Rates are counts over measured time, with Poissonian errors: √n, and 1 where nothing was counted. A \
last bin that was measured for less than half its length has no rate.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Length of a time bin, such as 10ms [default: 100 to 250 bins over the trace]
    #[arg(long, value_name = "TIME")]
    bin: Option<Span>,
    /// Only these channels, such as 0,1 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    output: Output,
}

/// Bins of a trace whose length nobody knows.
const FOLLOWED_BIN: Span = Span(1_000_000_000_000);

const MAX_BINS: u64 = 1_000_000;

/// Counts and draws.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    if args.following.follow {
        let bin = args.bin.unwrap_or(FOLLOWED_BIN);
        let followed = follow::run(&args.source, &args.following, &args.channel, bin)?;
        let report = followed.report(&args.source.file);
        return args.output.give_noted(global, &report, &followed.notes);
    }
    let (scanned, summary) = args.source.summary(PhotonTime::SyncPeriods)?;
    let (tick, begin) = (scanned.tick(), scanned.begin);
    let channels = select::channels(&args.source.file, &args.channel, &summary)?;
    let bin = bin(args, tick, Ticks(summary.reached().0.saturating_sub(begin.0)))?;
    let mut rates = Rates::new(begin, bin, MAX_BINS as usize + 1);
    args.source.scan(PhotonTime::SyncPeriods, |_, chunk| {
        rates.reach(chunk.reached);
        chunk.photons.iter().for_each(|tag| rates.push(tag.tick, tag.channel));
        Ok(())
    })?;
    let report = Report { path: &args.source.file, rates: &rates, channels: &channels, tick };
    args.output.give_noted(global, &report, &scanned.notes)
}

fn bin(args: &Args, tick: TickLength, reached: Ticks) -> Result<Ticks, Failure> {
    let ps = match args.bin {
        Some(bin) => bin.picoseconds(),
        None => Picoseconds(round_up_125(seconds(tick, reached) * 1e12 / 250.0)),
    };
    let bin = tick.ticks_covering(ps);
    if reached.0 / bin.0 >= MAX_BINS {
        return Err(Failure::usage(format!(
            "--bin is too short for {} of trace; choose at least {}",
            si(seconds(tick, reached), "s", 3),
            si(seconds(tick, reached) / MAX_BINS as f64, "s", 3),
        )));
    }
    Ok(bin)
}

/// Rates over time, to be told.
pub(super) struct Report<'a> {
    pub(super) path: &'a Path,
    pub(super) rates: &'a Rates,
    pub(super) channels: &'a [u8],
    pub(super) tick: TickLength,
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        text(self.rates, self.channels, self.tick)
    }

    fn json(&self) -> Value {
        let of_channel: Map<String, Value> = self
            .channels
            .iter()
            .map(|number| {
                let mean = self.rates.mean_hz(*number, self.tick);
                let value = json!({
                    "counts": self.rates.counts(*number),
                    "rate_hz": self.of(*number, |rate| rate.value),
                    "error_hz": self.of(*number, |rate| rate.error),
                    "mean_rate_hz": mean.value,
                    "mean_error_hz": mean.error,
                });
                (number.to_string(), value)
            })
            .collect();
        json!({
            "file": file_name(self.path),
            "tick": tick_json(self.tick),
            "bin_ticks": self.rates.bin().0,
            "bin_ps": exact_ps(self.tick, self.rates.bin()),
            "last_bin_ticks": self.rates.last_bin().0,
            "channels": of_channel,
        })
    }

    fn figure(&self) -> Figure {
        Figure::new(vec![self.panel()])
    }

    fn table(&self) -> Table {
        let edges = edges(self.rates, self.tick);
        let begins = edges.iter().take(self.rates.bins());
        let lengths = edges.windows(2).map(|edge| edge[1] - edge[0]);
        let table = Table::default().with("begin_s", begins).with("length_s", lengths);
        self.channels.iter().fold(table, |table, number| {
            table
                .with(format!("counts_{number}"), self.rates.counts(*number))
                .with_known(format!("rate_{number}_hz"), self.of(*number, |rate| rate.value))
                .with_known(format!("error_{number}_hz"), self.of(*number, |rate| rate.error))
        })
    }
}

impl Report<'_> {
    /// A figure of the rate in each bin; none of a last one that was hardly begun.
    fn of(&self, number: u8, figure: fn(Estimate) -> f64) -> Vec<Option<f64>> {
        let rates = self.rates.rates_hz(number, self.tick);
        rates.into_iter().map(|rate| rate.map(figure)).collect()
    }

    /// The rates over time.
    pub(super) fn panel(&self) -> Panel {
        let (rates, tick) = (self.rates, self.tick);
        let edges: Vec<f64> = edges(rates, tick).into_iter().take(rates.told_bins() + 1).collect();
        let layers = self.channels.iter().flat_map(|number| {
            let told: Vec<Estimate> = rates.rates_hz(*number, tick).into_iter().flatten().collect();
            // An error band with the corners of the step.
            let band = edges.windows(2).zip(&told).flat_map(|(edge, rate)| {
                let [low, high] = [rate.value - rate.error, rate.value + rate.error];
                [(edge[0], low.max(0.0), high), (edge[1], low.max(0.0), high)]
            });
            let values = told.iter().map(|rate| rate.value).collect();
            [
                Layer::band(band.collect()),
                Layer::step(format!("channel {number}"), edges.clone(), values),
            ]
        });
        let bin = si(seconds(tick, rates.bin()), "s", 4);
        Panel {
            title: format!("{}, bins of {bin}", file_name(self.path)),
            x: Axis { label: "time since the start".into(), unit: "s", range: Range::Data },
            y: Axis { label: "count rate".into(), unit: "counts/s", range: Range::FromZero },
            layers: layers.collect(),
        }
    }
}

fn edges(rates: &Rates, tick: TickLength) -> Vec<f64> {
    let begins = (0..rates.bins() as u64).map(|i| seconds(tick, Ticks(i * rates.bin().0)));
    let end = (rates.bins() as u64 - 1) * rates.bin().0 + rates.last_bin().0;
    begins.chain([seconds(tick, Ticks(end))]).collect()
}

fn text(rates: &Rates, channels: &[u8], tick: TickLength) -> String {
    const ROWS: usize = 8;
    let mut text = String::new();
    let bin = si(seconds(tick, rates.bin()), "s", 4);
    let end = si(*edges(rates, tick).last().unwrap_or(&0.0), "s", 3);
    for number in channels {
        let columns = rates.merged_rates_hz(*number, tick, CHART_COLUMNS);
        let top = columns.iter().copied().fold(0.0, f64::max);
        let mean = quantity(rates.mean_hz(*number, tick), "Hz");
        _ = writeln!(text, "rate of channel {number}, {} bins of {bin}, mean {mean}", rates.bins());
        for (row, line) in bars(&columns, top, ROWS).into_iter().enumerate() {
            let label = if row == 0 { si(top, "Hz", 3) } else { String::new() };
            _ = writeln!(text, "{label:>10} ▏{line}");
        }
        let width = columns.len().saturating_sub(1);
        _ = writeln!(text, "{:>11} 0{end:>width$}\n", "");
    }
    text
}
