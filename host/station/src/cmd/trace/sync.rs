//! `helio trace sync`: the clock of one recording against that of another.

use std::fmt::Write;
use std::path::PathBuf;

use helio_timetag::clock::{Lock, PairSearch, SearchRange};
use helio_trace::PhotonTime;
use serde_json::{Value, json};

use super::notes;
use super::output::{Answer, Output, Table};
use super::select::Selection;
use super::source::{Reading, Scanned, Source, file_name};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::quantity::Span;
use crate::term::{grouped, si};

/// Arguments of `helio trace sync`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace sync alice.ptu bob.ptu
  helio trace sync alice.ptu bob.ptu --channel 0,1 --json
  helio trace sync alice.ptu bob.ptu --offset 100ms --ppm 5 --plot delays.svg

Both recordings are of one source of photon pairs and overlap by some seconds. Without a lock the \
exit code is that of a file at fault, and the sentence says why; docs/clocks.md says how many clicks \
a lock needs.")]
pub struct Args {
    /// The recording whose clock is the reference, of any format of docs/traces.md
    a: PathBuf,
    /// The recording whose clock is looked for
    b: PathBuf,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    selection: Selection,
    /// One channel of each, A,B [default: all photons of each]
    #[arg(long, value_name = "A,B", value_parser = channels)]
    channel: Option<(u8, u8)>,
    /// Largest offset to either side, up to 1s
    #[arg(long, value_name = "TIME", default_value = "1s")]
    offset: Span,
    /// Largest difference in frequency to either side, in millionths, up to 100
    #[arg(long, value_name = "PPM", default_value_t = 50.0)]
    ppm: f64,
    /// How much to try for a weak signal, 1 being a second or some
    #[arg(long, value_name = "TIMES", default_value_t = 1.0)]
    effort: f64,
    #[command(flatten)]
    output: Output,
}

fn channels(text: &str) -> Result<(u8, u8), &'static str> {
    let both = text.split_once(',').map(|(a, b)| (a.trim().parse(), b.trim().parse()));
    match both {
        Some((Ok(a), Ok(b))) => Ok((a, b)),
        _ => Err("a channel of each recording is needed; write for example 0,1"),
    }
}

/// Searches and tells.
///
/// # Errors
/// The command line or a file is at fault, or there is no lock.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.a, &args.b])?;
    let [of_a, of_b] = [&args.a, &args.b].map(|file| Source {
        file: file.clone(),
        reading: args.reading.clone(),
        selection: args.selection.clone(),
    });
    let (a, scanned_a) = clicks(&of_a, args.channel.map(|c| c.0))?;
    let (b, scanned_b) = clicks(&of_b, args.channel.map(|c| c.1))?;
    let [tick_a, tick_b] = [&scanned_a, &scanned_b].map(Scanned::tick);
    let notes =
        notes::named(&args.a, scanned_a.notes).chain(notes::named(&args.b, scanned_b.notes));
    let notes: Vec<String> = notes.collect();
    let search = PairSearch {
        range: SearchRange {
            offset_ps: args.offset.0 as f64,
            frequency_ppm: args.ppm,
            ..SearchRange::default()
        },
        resolution_ps: tick_a.as_ps_f64().max(tick_b.as_ps_f64()),
        max_work: args.effort * PairSearch::MAX_WORK,
    };
    let lock = search.find(&a, &b).map_err(|why| {
        Failure::file(&args.b, format!("has no lock on {}: {why}", file_name(&args.a)))
    })?;
    args.output.give_noted(global, &Report { args, lock: &lock, a: &a, b: &b }, &notes)
}

/// A clock that was found, to be told.
struct Report<'a> {
    args: &'a Args,
    lock: &'a Lock,
    a: &'a [i64],
    b: &'a [i64],
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        text(self.lock, self.a.len(), self.b.len())
    }

    fn json(&self) -> Value {
        to_json(self.args, self.lock, self.a.len(), self.b.len())
    }

    fn figure(&self) -> Figure {
        figure(self)
    }

    fn table(&self) -> Table {
        let (edges, counts) = self.delays();
        Table::default().with("delay_from_ps", &edges[..counts.len()]).with("pairs", counts)
    }
}

impl Report<'_> {
    /// A histogram of the delays after alignment, within ±10 jitters: edges in ps, and counts.
    fn delays(&self) -> (Vec<f64>, Vec<u64>) {
        const BINS: usize = 100;
        let reach = 10.0 * self.lock.jitter_ps;
        let edges = (0..=BINS).map(|i| reach * (2.0 * i as f64 / BINS as f64 - 1.0)).collect();
        let mut counts = vec![0; BINS];
        let residuals = self.lock.model.residuals(self.a, self.b, reach);
        for (_, delay) in residuals.filter(|(_, delay)| *delay < reach) {
            let bin = ((delay + reach) / (2.0 * reach) * BINS as f64) as usize;
            counts[bin.min(BINS - 1)] += 1;
        }
        (edges, counts)
    }
}

/// Times in ps of the first photons that a search takes.
fn clicks(source: &Source, channel: Option<u8>) -> Result<(Vec<i64>, Scanned), Failure> {
    let mut ticks = Vec::new();
    let scanned = source.scan(PhotonTime::Picoseconds, |_, chunk| {
        let wanted = chunk.photons.iter().filter(|p| channel.is_none_or(|c| c == p.channel));
        let room = PairSearch::MAX_CLICKS - ticks.len();
        ticks.extend(wanted.map(|p| p.tick).take(room));
        Ok(())
    })?;
    source.tell(&scanned);
    let tick = scanned.tick();
    let times: Option<Vec<i64>> =
        ticks.into_iter().map(|t| tick.to_ps(t).map(|time| time.0)).collect();
    let times =
        times.ok_or_else(|| Failure::file(&source.file, "is longer than 106 days; cut it"))?;
    Ok((times, scanned))
}

fn to_json(args: &Args, lock: &Lock, clicks_a: usize, clicks_b: usize) -> Value {
    let (model, error) = (lock.model, lock.uncertainty);
    json!({
        "file_a": file_name(&args.a),
        "file_b": file_name(&args.b),
        "clicks_a": clicks_a,
        "clicks_b": clicks_b,
        "reference_ps": model.reference_ps,
        "offset_ps": model.offset_ps,
        "offset_error_ps": error.offset_ps,
        "frequency_ppm": model.frequency_ppm,
        "frequency_error_ppm": error.frequency_ppm,
        "drift_ppb_per_s": model.drift_ppb_per_s,
        "drift_error_ppb_per_s": error.drift_ppb_per_s,
        "jitter_ps": lock.jitter_ps,
        "pairs": lock.signal,
        "pairs_by_chance": lock.background,
        "log10_false_alarm": lock.log10_false_alarm,
    })
}

fn text(lock: &Lock, clicks_a: usize, clicks_b: usize) -> String {
    let (model, error) = (lock.model, lock.uncertainty);
    let reference = si(model.reference_ps as f64 * 1e-12, "s", 6);
    let mut text = format!("clock of B against A, when A reads {reference}\n");
    let (a, b) = (grouped(clicks_a as u64), grouped(clicks_b as u64));
    _ = writeln!(text, "  clicks     {a} and {b}");
    let [offset, frequency, drift] =
        [fixed(model.offset_ps, 1), fixed(model.frequency_ppm, 7), fixed(model.drift_ppb_per_s, 4)];
    _ = writeln!(text, "  offset     {offset} ± {:.1} ps", error.offset_ps);
    _ = writeln!(text, "  frequency  {frequency} ± {:.7} ppm", error.frequency_ppm);
    _ = writeln!(text, "  drift      {drift} ± {:.4} ppb/s", error.drift_ppb_per_s);
    _ = writeln!(text, "  jitter     {:.0} ps rms, of both sides together", lock.jitter_ps);
    let pairs = grouped(lock.signal.round() as u64);
    _ = writeln!(text, "  pairs      {pairs}, among {:.1} by chance", lock.background);
    _ = writeln!(text, "  false alarm below 10^{:.0}", lock.log10_false_alarm);
    text
}

/// With so many places, and zero without a sign.
fn fixed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let zero = text.parse() == Ok(0.0);
    if zero { text.trim_start_matches('-').to_owned() } else { text }
}

fn figure(report: &Report) -> Figure {
    let (edges, counts) = report.delays();
    let args = report.args;
    Figure::new(vec![Panel {
        title: format!("{} against {}, aligned", file_name(&args.b), file_name(&args.a)),
        x: Axis { label: "delay".into(), unit: "s", range: Range::Data },
        y: Axis { label: "pairs in a bin".into(), unit: "", range: Range::FromZero },
        layers: vec![Layer::step(
            "",
            edges.iter().map(|ps| ps * 1e-12).collect(),
            counts.iter().map(|n| *n as f64).collect(),
        )],
    }])
}

#[cfg(test)]
mod tests {
    use super::fixed;

    #[test]
    fn a_value_that_rounds_to_zero_has_no_sign() {
        assert_eq!([fixed(-0.04, 1), fixed(-0.06, 1), fixed(2.0, 0)], ["0.0", "-0.1", "2"]);
    }
}
