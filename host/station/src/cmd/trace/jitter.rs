//! `helio trace jitter`: the timing response of a detector, from its peak after the sync.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{Estimate, JitterFit, LinearHistogram};
use serde_json::{Value, json};

use super::folding::{Against, Folded};
use super::output::{Answer, Output, Table};
use super::show::{chart, chi2, percent, quantity, scaled, time};
use super::source::{Source, file_name, tick_json};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::quantity::Span;
use crate::term::{grouped, si};

/// Arguments of `helio trace jitter`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace jitter irf.ptu --channel 1 --plot irf.svg
  helio trace jitter trace.ptu --sync 0 --channel 1 --range 4ns
  helio trace jitter trace.ptu --period 80MHz --bin 4ps --json

A Gaussian, of which a share has an exponential delay as well, on a flat background, is fitted to \
the highest peak after the sync by maximum likelihood. A tail is told only where the counts ask for \
one. The width is that of laser, detector and electronics together.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Only these channels, such as 0,1 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    /// How much of the histogram is fitted, a third of it before the peak [default: fits the
    /// peak]
    #[arg(long, value_name = "TIME")]
    range: Option<Span>,
    /// Length of a bin, such as 4ps [default: fits the peak]
    #[arg(long, value_name = "TIME")]
    bin: Option<Span>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    output: Output,
}

struct Report<'a> {
    path: &'a Path,
    folded: &'a Folded,
    histogram: LinearHistogram,
    fit: JitterFit,
}

/// Fits and shows.
///
/// # Errors
/// The command line, the file or the output is at fault, or there is no peak.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    let path = &args.source.file;
    let folded = Folded::of(&args.source, &args.against, &args.channel)?;
    let unit = folded.folding.unit();
    let ticks = |span: Span| unit.ticks_covering(span.picoseconds()).0;
    let (peak, width) = peak(&folded.histogram);
    let range = args.range.map_or(40 * width, ticks).max(1);
    let all = folded.histogram.counts().len() as u64 * folded.histogram.bin().0;
    let from = match folded.folding.period_is_given() {
        // A peak beside the begin of a period has its other flank at the end.
        true => (peak + all - (range / 3).min(all)) % all,
        false => peak.saturating_sub(range / 3),
    };
    let default = || (width / 8).max(range / 1000).max(1);
    let bin = args.bin.map_or_else(default, ticks);
    if range / bin < 8 || range / bin > 20_000 {
        return Err(Failure::usage(
            "--range has to hold 8 to 20000 bins for a fit; choose another --bin",
        ));
    }
    let histogram = folded.part(from, range, bin);
    let fit = JitterFit::of(&histogram)
        .map_err(|why| Failure::file(path, format!("has no response to fit: {why}")))?;
    args.output.give_noted(global, &Report { path, folded: &folded, histogram, fit }, &folded.notes)
}

/// Where the highest bin is, and the width of the peak at half its height, in units. Neighbours
/// are taken together until the peak stands out of their noise.
fn peak(histogram: &LinearHistogram) -> (u64, u64) {
    let counts = histogram.counts();
    let mut group = 1;
    loop {
        let grouped: Vec<u64> = counts.chunks(group).map(|c| c.iter().sum()).collect();
        let (at, most) = grouped
            .iter()
            .copied()
            .enumerate()
            .max_by_key(|(i, n)| (*n, std::cmp::Reverse(*i)))
            .unwrap_or((0, 0));
        if most >= 200 || grouped.len() < 64 {
            let mean = histogram.total() / grouped.len().max(1) as u64;
            let half = mean.min(most / 2) + (most - mean.min(most / 2)) / 2;
            let right = grouped[at..].iter().take_while(|n| **n > half).count();
            let left = grouped[..at].iter().rev().take_while(|n| **n > half).count();
            let scale = group as u64 * histogram.bin().0;
            return (at as u64 * scale, ((left + right) as u64 * scale).max(1));
        }
        group *= 2;
    }
}

impl Report<'_> {
    fn seconds(&self, estimate: Estimate) -> Estimate {
        scaled(estimate, self.folded.unit_s())
    }

    fn edges_s(&self) -> Vec<f64> {
        self.folded.edges_s(&self.histogram)
    }

    fn bin_s(&self) -> f64 {
        self.folded.bin_s(&self.histogram)
    }

    fn means(&self) -> Vec<f64> {
        let edges: Vec<f64> = self.histogram.edges().collect();
        edges.windows(2).map(|e| self.fit.mean(e[0], e[1])).collect()
    }

    fn title(&self) -> String {
        let Folded { folding, .. } = self.folded;
        format!("{} against {}", self.folded.channels_in_words(), folding.in_words())
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let fit = &self.fit;
        let of_time = |e| quantity(self.seconds(e), "s");
        let mut text = format!("timing response of {}\n", self.title());
        let bins = self.histogram.counts().len();
        let total = grouped(self.histogram.total());
        _ = writeln!(text, "  counts     {total} in {bins} bins of {}", si(self.bin_s(), "s", 4));
        _ = writeln!(text, "  FWHM       {}", of_time(fit.fwhm));
        _ = writeln!(text, "  FWTM       {}, at a tenth of the height", of_time(fit.fwtm));
        _ = writeln!(text, "  sigma      {}, of the Gaussian", of_time(fit.sigma));
        match fit.tail {
            Some(tail) => {
                let decay = of_time(tail.decay);
                _ = writeln!(text, "  tail       {} with {decay}", percent(tail.share));
            }
            None => text.push_str("  tail       none that the counts tell\n"),
        }
        _ = writeln!(text, "  centre     {} after the sync", of_time(fit.centre));
        _ = writeln!(
            text,
            "  in peak    {}",
            crate::term::with_error(fit.area.value, fit.area.error)
        );
        let background = scaled(fit.background, self.histogram.bin().0 as f64);
        let background = crate::term::with_error(background.value, background.error);
        _ = writeln!(text, "  background {background} in a bin");
        let doubt = fit.chi2 > f64::from(fit.freedom) + 5.0 * f64::from(2 * fit.freedom).sqrt();
        let doubt = if doubt { ": of another shape, take the figures as rough" } else { "" };
        _ = writeln!(text, "  fit        {}{doubt}\n", chi2(fit.chi2, fit.freedom));
        let values: Vec<f64> = self.histogram.counts().iter().map(|n| *n as f64).collect();
        let top = grouped(self.histogram.counts().iter().copied().max().unwrap_or(0));
        let edges = self.edges_s();
        let ends = [time(edges[0]), time(edges[edges.len() - 1])];
        chart(&mut text, &values, 10, &top, [&ends[0], &ends[1]]);
        text
    }

    fn json(&self) -> Value {
        let fit = &self.fit;
        let ps = |e: Estimate| scaled(self.seconds(e), 1e12);
        let tail = fit.tail;
        json!({
            "file": file_name(self.path),
            "unit": tick_json(self.folded.folding.unit()),
            "channels": self.folded.channels,
            "bin_ps": self.bin_s() * 1e12,
            "from_ps": self.edges_s()[0] * 1e12,
            "fwhm_ps": ps(fit.fwhm).value,
            "fwhm_error_ps": ps(fit.fwhm).error,
            "fwtm_ps": ps(fit.fwtm).value,
            "fwtm_error_ps": ps(fit.fwtm).error,
            "sigma_ps": ps(fit.sigma).value,
            "sigma_error_ps": ps(fit.sigma).error,
            "centre_ps": ps(fit.centre).value,
            "centre_error_ps": ps(fit.centre).error,
            "tail_share": tail.map(|t| t.share.value),
            "tail_share_error": tail.map(|t| t.share.error),
            "tail_decay_ps": tail.map(|t| ps(t.decay).value),
            "tail_decay_error_ps": tail.map(|t| ps(t.decay).error),
            "area": fit.area.value,
            "area_error": fit.area.error,
            "background_per_bin": fit.background.value * self.histogram.bin().0 as f64,
            "background_per_bin_error": fit.background.error * self.histogram.bin().0 as f64,
            "chi2": fit.chi2,
            "freedom": fit.freedom,
            "counts": self.histogram.counts(),
            "fit": self.means(),
        })
    }

    fn figure(&self) -> Figure {
        let (edges, bin) = (self.edges_s(), self.bin_s());
        let counts: Vec<f64> = self.histogram.counts().iter().map(|n| *n as f64).collect();
        let means = self.means();
        let line: Vec<_> =
            edges.iter().zip(&means).map(|(edge, mean)| (edge + 0.5 * bin, *mean)).collect();
        let fwhm = quantity(self.seconds(self.fit.fwhm), "s");
        let panel = |range, title| Panel {
            title,
            x: Axis { label: "time after the sync".into(), unit: "s", range: Range::Data },
            y: Axis { label: format!("counts in {}", si(bin, "s", 3)), unit: "", range },
            layers: vec![
                Layer::step("counted", edges.clone(), counts.clone()),
                Layer::line(
                    "fit",
                    line.iter().copied().filter(|p| range != Range::Log || p.1 > 0.3).collect(),
                ),
            ],
        };
        let title = format!("{}: {}", file_name(self.path), self.title());
        Figure::new(vec![
            panel(Range::FromZero, title),
            panel(Range::Log, format!("the same, logarithmic; FWHM {fwhm}")),
        ])
    }

    fn table(&self) -> Table {
        self.folded.table(&self.histogram).with("fit", self.means())
    }
}
