//! Times after a sync pulse, or within a period.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{Estimate, LinearHistogram};
use helio_units::Picoseconds;
use serde_json::{Value, json};

use super::super::folding::Folded;
use super::super::output::{Answer, Table};
use super::super::show::{chart, quantity, time};
use super::super::source::{file_name, tick_json};
use super::{Args, bins_within};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, si};

struct Report<'a> {
    path: &'a Path,
    folded: &'a Folded,
    histogram: LinearHistogram,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let path = &args.source.file;
    let folded = Folded::of(&args.source, &args.against, &args.channel)?;
    let unit = folded.folding.unit();
    let ticks = |ps: Picoseconds| unit.ticks_covering(ps).0;
    let all = folded.histogram.counts().len() as u64 * folded.histogram.bin().0;
    let range = args.range.map_or(all, |span| ticks(span.picoseconds()));
    let bin = args.bin.map_or((range / 500).max(1), |span| ticks(span.picoseconds()));
    bins_within(helio_units::Ticks(range), helio_units::Ticks(bin), unit)?;
    let histogram = folded.part(0, range, bin);
    args.output.give_noted(global, &Report { path, folded: &folded, histogram }, &folded.notes)
}

impl Report<'_> {
    fn bin_s(&self) -> f64 {
        self.folded.bin_s(&self.histogram)
    }

    fn edges_s(&self) -> Vec<f64> {
        self.folded.edges_s(&self.histogram)
    }

    /// The highest bin.
    fn peak(&self) -> (usize, u64) {
        let highest = self.histogram.counts().iter().copied().enumerate();
        highest.max_by_key(|(at, n)| (*n, std::cmp::Reverse(*at))).unwrap_or((0, 0))
    }

    /// The mean time, with the error that the scatter gives it.
    fn mean_s(&self) -> Estimate {
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (i, count) in self.histogram.counts().iter().enumerate() {
            let (x, count) = ((i as f64 + 0.5) * self.bin_s(), *count as f64);
            n += count;
            sum += count * x;
            squares += count * x * x;
        }
        let mean = sum / n;
        Estimate { value: mean, error: ((squares / n - mean * mean).max(0.0) / n).sqrt() }
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let bin = self.bin_s();
        let mut text = format!(
            "{} against {}\n",
            self.folded.channels_in_words(),
            self.folded.folding.in_words()
        );
        if let Some(period) = self.folded.folding.period_s() {
            let shown = match period.error > 0.0 {
                true => quantity(period, "s"),
                false => si(period.value, "s", 9),
            };
            let rate = si(1.0 / period.value, "Hz", 6);
            _ = writeln!(text, "  period     {shown}, {rate}");
        }
        let wide = self.folded.folding.wide_spacings();
        if wide > 0 {
            let wide = grouped(wide);
            _ = writeln!(text, "             {wide} spacings with sync pulses missing lengthen it");
        }
        let counts = self.histogram.counts();
        _ = writeln!(
            text,
            "  counts     {} in {} bins of {}",
            grouped(self.histogram.total()),
            counts.len(),
            si(bin, "s", 4)
        );
        let (at, most) = self.peak();
        let (from, to) = (si(at as f64 * bin, "s", 5), si((at + 1) as f64 * bin, "s", 5));
        let error = (most as f64).sqrt();
        _ = writeln!(text, "  peak       {} ± {error:.0} within {from} to {to}", grouped(most));
        _ = writeln!(text, "  mean       {}", quantity(self.mean_s(), "s"));
        text.push('\n');
        let values: Vec<f64> = counts.iter().map(|n| *n as f64).collect();
        chart(&mut text, &values, 10, &grouped(most), ["0", &time(bin * counts.len() as f64)]);
        text
    }

    fn json(&self) -> Value {
        let period = self.folded.folding.period_s();
        let (at, most) = self.peak();
        let mean = self.mean_s();
        json!({
            "file": file_name(self.path),
            "of": "sync",
            "unit": tick_json(self.folded.folding.unit()),
            "channels": self.folded.channels,
            "period_s": period.map(|p| p.value),
            "period_error_s": period.map(|p| p.error),
            "wide_sync_spacings": self.folded.folding.wide_spacings(),
            "bin_units": self.histogram.bin().0,
            "bin_ps": self.bin_s() * 1e12,
            "total": self.histogram.total(),
            "outside": self.folded.histogram.outside(),
            "peak_bin": at,
            "peak_count": most,
            "mean_ps": mean.value * 1e12,
            "mean_error_ps": mean.error * 1e12,
            "counts": self.histogram.counts(),
        })
    }

    fn figure(&self) -> Figure {
        let counts = self.histogram.counts().iter().map(|n| *n as f64).collect::<Vec<_>>();
        let edges = self.edges_s();
        let over = self.folded.folding.in_words();
        let panel = |range, title: String| Panel {
            title,
            x: Axis { label: "time after the sync".into(), unit: "s", range: Range::Data },
            y: Axis { label: format!("counts in {}", si(self.bin_s(), "s", 3)), unit: "", range },
            layers: vec![Layer::step("", edges.clone(), counts.clone())],
        };
        let title = format!("{}: {}", file_name(self.path), self.folded.channels_in_words());
        Figure::new(vec![
            panel(Range::FromZero, format!("{title} against {over}")),
            panel(Range::Log, "the same, logarithmic".into()),
        ])
    }

    fn table(&self) -> Table {
        self.folded.table(&self.histogram)
    }
}
