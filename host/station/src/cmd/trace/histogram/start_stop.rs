//! Delays from a start to the first stop.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::StartStop;
use helio_trace::{PhotonTime, Summary};
use helio_units::{Picoseconds, TickLength, Ticks};
use serde_json::{Value, json};

use super::super::output::{Answer, Table};
use super::super::select;
use super::super::show::{chart, time};
use super::super::source::{exact_ps, file_name, seconds, tick_json};
use super::{Args, bins_within};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, round_up_125, si};

struct Report<'a> {
    path: &'a Path,
    tick: TickLength,
    channels: [u8; 2],
    measured: &'a StartStop,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let path = &args.source.file;
    let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
    let tick = scanned.tick();
    let channels = channels(args, path, &summary)?;
    let ticks = |span: crate::quantity::Span| tick.ticks_covering(span.picoseconds());
    // Three mean gaps between stops: most measurements have ended by then.
    let count = summary.channel(channels[1]).map_or(1, |c| c.count);
    let gap = summary.reached().0.saturating_sub(scanned.begin.0) / count.max(1);
    let default = || tick.ticks_covering(Picoseconds(rounded_ps(tick, 3 * gap.max(1))));
    let range = args.range.map_or_else(default, ticks);
    let bin = args.bin.map_or_else(|| Ticks((range.0 / 300).max(1)), ticks);
    let bins = bins_within(range, bin, tick)?;
    let mut measured =
        StartStop::new(channels[0], channels[1], bin, bins).map_err(Failure::usage)?;
    args.source.scan(PhotonTime::Picoseconds, |_, chunk| {
        chunk.photons.iter().try_for_each(|photon| measured.push(photon.tick, photon.channel))
    })?;
    let report = Report { path, tick, channels, measured: &measured };
    args.output.give_noted(global, &report, &scanned.notes)
}

fn rounded_ps(tick: TickLength, ticks: u64) -> i64 {
    round_up_125(seconds(tick, Ticks(ticks)) * 1e12)
}

fn channels(args: &Args, path: &Path, summary: &Summary) -> Result<[u8; 2], Failure> {
    let chosen = select::channels(path, &args.channel, summary)?;
    match (&args.channel[..], &chosen[..]) {
        (&[start, stop], _) => Ok([start, stop]),
        (&[only], _) | (&[], &[only]) => Ok([only, only]),
        ([], _) => {
            let mut by_count: Vec<_> = summary.channels().collect();
            by_count.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
            let (a, b) = (by_count[0].0, by_count[1].0);
            Ok([a.min(b), a.max(b)])
        }
        _ => Err(Failure::usage("start-stop takes two channels; write for example --channel 0,1")),
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let [start, stop] = self.channels;
        let histogram = self.measured.histogram();
        let bin = seconds(self.tick, histogram.bin());
        let end = bin * histogram.counts().len() as f64;
        let mut text =
            format!("delays from channel {start} to the first count of channel {stop}\n");
        let all = self.measured.measurements();
        let stopped = histogram.total();
        let share = 100.0 * stopped as f64 / all.max(1) as f64;
        _ = writeln!(text, "  starts     {}, of which {share:.1} % stopped", grouped(all));
        _ = writeln!(text, "  bins       {} of {}", histogram.counts().len(), si(bin, "s", 4));
        let pairs = histogram.counts().iter().enumerate().max_by_key(|(_, n)| **n);
        if let Some((at, most)) = pairs.filter(|(_, n)| **n > 0) {
            let (from, to) = (time(at as f64 * bin), time((at + 1) as f64 * bin));
            let error = (*most as f64).sqrt();
            _ = writeln!(
                text,
                "  most       {} ± {error:.0} within {from} to {to}",
                grouped(*most)
            );
        }
        text.push('\n');
        let counts: Vec<f64> = histogram.counts().iter().map(|n| *n as f64).collect();
        let top = grouped(histogram.counts().iter().copied().max().unwrap_or(0));
        chart(&mut text, &counts, 8, &top, ["0", &time(end)]);
        text
    }

    fn json(&self) -> Value {
        let histogram = self.measured.histogram();
        let hertz = 1e12 / self.tick.as_ps_f64();
        let rates = self.measured.stop_rates();
        json!({
            "file": file_name(self.path),
            "of": "start-stop",
            "tick": tick_json(self.tick),
            "start": self.channels[0],
            "stop": self.channels[1],
            "bin_ticks": histogram.bin().0,
            "bin_ps": exact_ps(self.tick, histogram.bin()),
            "starts": self.measured.measurements(),
            "stopped": histogram.total(),
            "counts": histogram.counts(),
            "stop_rate_hz": rates.iter().map(|r| r.map(|r| r.value * hertz)).collect::<Vec<_>>(),
            "stop_rate_error_hz":
                rates.iter().map(|r| r.map(|r| r.error * hertz)).collect::<Vec<_>>(),
        })
    }

    fn figure(&self) -> Figure {
        let histogram = self.measured.histogram();
        let second = seconds(self.tick, Ticks(1));
        let (bin, [start, stop]) = (seconds(self.tick, histogram.bin()), self.channels);
        let counts = histogram.counts().iter().map(|n| *n as f64).collect();
        let edges = histogram.edges().map(|e| e * second).collect();
        let hertz = 1.0 / second;
        let rates: Vec<_> = self
            .measured
            .stop_rates()
            .into_iter()
            .enumerate()
            .filter_map(|(i, rate)| Some(((i as f64 + 0.5) * bin, rate?)))
            .collect();
        let delay = || Axis { label: "delay".into(), unit: "s", range: Range::Data };
        Figure::new(vec![
            Panel {
                title: format!("{}: start {start}, stop {stop}", file_name(self.path)),
                x: delay(),
                y: Axis {
                    label: format!("first stops in {}", si(bin, "s", 3)),
                    unit: "",
                    range: Range::FromZero,
                },
                layers: vec![Layer::step("", edges, counts)],
            },
            Panel {
                title: "rate of stops, with those that earlier stops hide".into(),
                x: delay(),
                y: Axis { label: "rate".into(), unit: "counts/s", range: Range::FromZero },
                layers: vec![
                    Layer::band(
                        rates
                            .iter()
                            .map(|(x, r)| {
                                let low = (r.value - r.error).max(0.0);
                                (*x, low * hertz, (r.value + r.error) * hertz)
                            })
                            .collect(),
                    ),
                    Layer::line("", rates.iter().map(|(x, r)| (*x, r.value * hertz)).collect()),
                ],
            },
        ])
    }

    fn table(&self) -> Table {
        let histogram = self.measured.histogram();
        let ps = self.tick.as_ps_f64();
        let rates = self.measured.stop_rates();
        Table::default()
            .with("delay_ps", histogram.edges().take(histogram.counts().len()).map(|e| e * ps))
            .with("count", histogram.counts())
            .with("error", histogram.counts().iter().map(|n| (*n as f64).sqrt()))
            .with_known("stop_rate_hz", rates.iter().map(|r| r.map(|r| r.value * 1e12 / ps)))
            .with_known("stop_rate_error_hz", rates.iter().map(|r| r.map(|r| r.error * 1e12 / ps)))
    }
}
