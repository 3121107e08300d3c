//! Counts in windows of time.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{CountingStatistics, CountingWindows};
use helio_trace::PhotonTime;
use helio_units::{Picoseconds, TickLength, Ticks};
use serde_json::{Value, json};

use super::super::output::{Answer, Table};
use super::super::select;
use super::super::show::chart;
use super::super::source::{exact_ps, file_name, seconds, tick_json};
use super::Args;
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, round_up_125, si, with_error};

struct Report<'a> {
    path: &'a Path,
    tick: TickLength,
    channels: Vec<u8>,
    windows: &'a CountingWindows,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let path = &args.source.file;
    let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
    let (tick, begin) = (scanned.tick(), scanned.begin);
    let channels = select::channels(path, &args.channel, &summary)?;
    let span = summary.reached().0.saturating_sub(begin.0);
    let count: u64 = channels.iter().filter_map(|c| Some(summary.channel(*c)?.count)).sum();
    // Ten counts a window, and at least a hundred windows.
    let default = (10.0 / count.max(1) as f64).min(0.01) * seconds(tick, Ticks(span)) * 1e12;
    let ps = args.bin.map_or(Picoseconds(round_up_125(default)), |bin| bin.picoseconds());
    let window = tick.ticks_covering(ps);
    if window.0 > span / 2 {
        return Err(Failure::usage(format!(
            "--bin is longer than half of the trace; choose at most {}",
            si(seconds(tick, Ticks(span / 2)), "s", 2)
        )));
    }
    let mut windows = CountingWindows::new(begin, window);
    args.source.scan(PhotonTime::Picoseconds, |_, chunk| {
        let chosen = chunk.photons.iter().filter(|photon| channels.contains(&photon.channel));
        chosen.into_iter().try_for_each(|photon| windows.push(photon.tick))
    })?;
    let report = Report { path, tick, channels, windows: &windows };
    args.output.give_noted(global, &report, &scanned.notes)
}

impl Report<'_> {
    fn title(&self) -> String {
        let list: Vec<String> = self.channels.iter().map(u8::to_string).collect();
        let channels = if list.len() == 1 { "channel" } else { "channels" };
        let window = si(seconds(self.tick, self.windows.window()), "s", 4);
        format!("{channels} {}, counts in {window}", list.join(", "))
    }

    /// How many windows a Poissonian with the same mean would give each count.
    fn poissonian(&self) -> Vec<f64> {
        let mean = self.windows.statistics().map_or(0.0, |s| s.mean.value);
        let n = self.windows.windows() as f64;
        let mut log_factorial = 0.0;
        (0..self.windows.distribution().len())
            .map(|k| {
                let k = k as f64;
                log_factorial += if k > 0.0 { k.ln() } else { 0.0 };
                n * (k * mean.max(1e-300).ln() - mean - log_factorial).exp()
            })
            .collect()
    }

    /// The counts that are worth showing: from the first to the last that occurred.
    fn shown(&self) -> std::ops::Range<usize> {
        let distribution = self.windows.distribution();
        let first = distribution.iter().position(|n| *n > 0).unwrap_or(0);
        first..distribution.len()
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.title());
        _ = writeln!(text, "  windows    {}", grouped(self.windows.windows()));
        match self.windows.statistics() {
            Some(found) => {
                let CountingStatistics { mean, variance, fano } = found;
                _ = writeln!(text, "  mean       {}", with_error(mean.value, mean.error));
                _ = writeln!(text, "  variance   {}", with_error(variance.value, variance.error));
                let fano = with_error(fano.value, fano.error);
                let q = found.mandel_q();
                let q = with_error(q.value, q.error);
                _ = writeln!(text, "  Fano       {fano}, Mandel Q {q} (Poissonian light: 1 and 0)");
            }
            None => text.push_str("  too few whole windows for a mean\n"),
        }
        text.push('\n');
        let shown = self.shown();
        let counts = &self.windows.distribution()[shown.clone()];
        let values: Vec<f64> = counts.iter().map(|n| *n as f64).collect();
        let top = grouped(counts.iter().copied().max().unwrap_or(0));
        let ends = [shown.start.to_string(), shown.end.saturating_sub(1).to_string()];
        chart(&mut text, &values, 8, &top, [&ends[0], &ends[1]]);
        text
    }

    fn json(&self) -> Value {
        let found = self.windows.statistics();
        let of = |pick: fn(&CountingStatistics) -> f64| found.as_ref().map(pick);
        json!({
            "file": file_name(self.path),
            "of": "counts",
            "tick": tick_json(self.tick),
            "channels": self.channels,
            "window_ticks": self.windows.window().0,
            "window_ps": exact_ps(self.tick, self.windows.window()),
            "windows": self.windows.windows(),
            "mean": of(|s| s.mean.value),
            "mean_error": of(|s| s.mean.error),
            "variance": of(|s| s.variance.value),
            "variance_error": of(|s| s.variance.error),
            "fano": of(|s| s.fano.value),
            "fano_error": of(|s| s.fano.error),
            "mandel_q": of(|s| s.mandel_q().value),
            "distribution": self.windows.distribution(),
            "beyond": self.windows.beyond(),
        })
    }

    fn figure(&self) -> Figure {
        let (distribution, shown) = (self.windows.distribution(), self.shown());
        let marks = shown.clone().map(|k| {
            let n = distribution[k] as f64;
            (k as f64, n, n.max(1.0).sqrt())
        });
        let poissonian = self.poissonian();
        let line = shown.map(|k| (k as f64, poissonian[k])).collect();
        Figure::new(vec![Panel {
            title: format!("{}: {}", file_name(self.path), self.title()),
            x: Axis { label: "counts in a window".into(), unit: "", range: Range::Data },
            y: Axis { label: "windows".into(), unit: "", range: Range::FromZero },
            layers: vec![Layer::marks("counted", marks.collect()), Layer::line("Poissonian", line)],
        }])
    }

    fn table(&self) -> Table {
        let distribution = self.windows.distribution();
        Table::default()
            .with("count", 0..distribution.len())
            .with("windows", distribution)
            .with("error", distribution.iter().map(|n| (*n as f64).sqrt()))
            .with("poissonian", self.poissonian())
    }
}
