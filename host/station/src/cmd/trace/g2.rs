//! `helio trace g2`: the correlation of two channels around zero delay.

use std::str::FromStr;

use helio_timetag::analysis::{Correlation, CorrelationSettings};
use helio_trace::{PhotonTime, Summary};
use helio_units::{Picoseconds, TickLength, Ticks};

use super::g2_log;
use super::g2_report::Report;
use super::output::Output;
use super::select;
use super::source::{Source, helpers, seconds, tags};
use crate::cli::Global;
use crate::exit::Failure;
use crate::quantity::Span;
use crate::term::{round_up_125, si};

/// Arguments of `helio trace g2`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace g2 trace.ptu
  helio trace g2 trace.ptu --channel 0,1 --range 1us --bin 10ns --plot g2.svg
  helio trace g2 trace.ptu --log --range 1s --plot decades.svg
  helio trace g2 trace.ptu --json > g2.json
  helio trace g2 - --channel 0,1 --range 100ns --bin 1ns < trace.ptu

All pairs of detections are counted, not only neighbours. g² is the number of pairs over that of \
unrelated light with the same rates, so that g² = 1 means unrelated; the error is Poissonian. \
The times of T3 records are those of the sync pulse and the time after it together.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Two channels A,B for delays from A to B, or one for itself [default: the two with most
    /// photons, or the only one]
    #[arg(long, value_name = "A,B")]
    channel: Option<Channels>,
    /// Longest delay, such as 1us [default: 100 bins, but at least 1us]
    #[arg(long, value_name = "TIME")]
    range: Option<Span>,
    /// Length of a bin, such as 10ns [default: so that unrelated light puts 100 pairs or more into
    /// each]
    #[arg(long, value_name = "TIME")]
    bin: Option<Span>,
    /// Bins that grow with the delay, eight an octave, for delays from A to B only; --bin is then
    /// the shortest delay, and --range by default a tenth of the trace
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    output: Output,
}

/// The channels that are correlated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Channels(u8, u8);

impl FromStr for Channels {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Channels, &'static str> {
        let number = |s: &str| s.trim().parse::<u8>();
        let (a, b) = text.split_once(',').unwrap_or((text, text));
        match (number(a), number(b)) {
            (Ok(a), Ok(b)) => Ok(Channels(a, b)),
            _ => Err("one or two channel numbers are needed; write for example 0,1"),
        }
    }
}

/// Pairs in a bin of the default length if the light is unrelated: 10 % error.
const DEFAULT_PAIRS: f64 = 100.0;
const DEFAULT_BINS_PER_SIDE: i64 = 100;
/// At least 1 µs: beyond the dead time of common detectors.
const DEFAULT_RANGE_PS: i64 = 1_000_000;
const MAX_BINS_PER_SIDE: u64 = 100_000;
/// Minutes of counting; more is a slip of the finger in the unit.
pub(super) const MAX_PAIRS: f64 = 1e11;

/// Counts and draws.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    if args.log {
        return run_log(args, global);
    }
    let known = match args.source.is_pipe() {
        true => None,
        false => Some(known(args)?),
    };
    let opened = args.source.open(PhotonTime::Picoseconds)?;
    let tick = opened.tick();
    let settings = match known {
        Some(settings) => settings,
        None => from_arguments(args, tick)?,
    };
    let mut correlation = Correlation::new(settings).map_err(Failure::usage)?;
    let scanned = correlation.on_threads(helpers(), |correlation| {
        opened.scan(|_, chunk| correlation.push(tags(chunk)))
    })?;
    if args.source.is_pipe() {
        args.source.tell(&scanned);
    }
    let CorrelationSettings { a, b, .. } = correlation.settings();
    let (of_a, of_b) = correlation.counts();
    select::none_silent(&args.source.file, [(a, of_a), (b, of_b)])?;
    let report = Report { path: &args.source.file, correlation: &correlation, tick };
    args.output.give_noted(global, &report, &scanned.notes)
}

fn run_log(args: &Args, global: &Global) -> Result<(), Failure> {
    let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
    let (tick, path) = (scanned.tick(), &args.source.file);
    let Channels(a, b) = channels(args, &summary)?;
    let count = |number| summary.channel(number).map_or(0, |c| c.count) as f64;
    let ticks = |span: Span| tick.ticks_covering(span.picoseconds());
    let wanted = g2_log::Wanted {
        channels: [a, b],
        product: count(a) * count(b),
        duration: Ticks(summary.reached().0.saturating_sub(scanned.begin.0)),
        shortest: args.bin.map(ticks),
        longest: args.range.map(ticks),
    };
    let correlation = g2_log::correlate(&args.source, &wanted, tick)?;
    let report = g2_log::Report { path, correlation: &correlation, tick };
    args.output.give_noted(global, &report, &scanned.notes)
}

/// What is asked for, completed by what a first look at the trace says.
fn known(args: &Args) -> Result<CorrelationSettings, Failure> {
    let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
    let tick = scanned.tick();
    let duration = seconds(tick, Ticks(summary.reached().0.saturating_sub(scanned.begin.0)));
    let Channels(a, b) = channels(args, &summary)?;
    let count = |number| summary.channel(number).map_or(0, |c| c.count) as f64;
    if a == b && count(a) < 2.0 {
        let complaint = format!("holds one photon on channel {a}, and g² needs two; record longer");
        return Err(Failure::file(&args.source.file, complaint));
    }
    let settings =
        settings(Channels(a, b), spans(args, count(a) * count(b), duration * 1e12), tick)?;
    let reach = seconds(tick, Ticks(settings.bin.0 * u64::from(settings.bins_per_side)));
    let pairs = 2.0 * count(a) * count(b) * reach / duration;
    if pairs > MAX_PAIRS {
        let longest = reach * MAX_PAIRS / pairs;
        return Err(Failure::usage(format!(
            "--range gives some {pairs:.1e} pairs to count; choose at most {}",
            si(longest, "s", 2)
        )));
    }
    Ok(settings)
}

/// What is asked for, of a trace that can be read only once.
fn from_arguments(args: &Args, tick: TickLength) -> Result<CorrelationSettings, Failure> {
    match (args.channel, args.bin, args.range) {
        (Some(channels), Some(bin), Some(range)) => {
            settings(channels, (bin.picoseconds(), range.picoseconds()), tick)
        }
        _ => Err(Failure::usage(
            "standard input can be read only once; give --channel, --range and --bin, for example \
             --channel 0,1 --range 100ns --bin 1ns",
        )),
    }
}

fn settings(
    Channels(a, b): Channels,
    (bin, range): (Picoseconds, Picoseconds),
    tick: TickLength,
) -> Result<CorrelationSettings, Failure> {
    let (bin, range) = (tick.ticks_covering(bin), tick.ticks_covering(range));
    let bins_per_side = range.0 / bin.0;
    if bins_per_side == 0 {
        return Err(Failure::usage("--range is shorter than --bin; choose a longer range"));
    }
    if bins_per_side > MAX_BINS_PER_SIDE {
        return Err(Failure::usage(format!(
            "--range holds {bins_per_side} bins; choose --bin of at least {}",
            si(seconds(tick, Ticks(range.0 / MAX_BINS_PER_SIDE)), "s", 3)
        )));
    }
    Ok(CorrelationSettings { a, b, bin, bins_per_side: bins_per_side as u32 })
}

fn channels(args: &Args, summary: &Summary) -> Result<Channels, Failure> {
    let mut present: Vec<(u8, u64)> = summary.channels().map(|(n, c)| (n, c.count)).collect();
    let chosen = match args.channel {
        Some(channels) => channels,
        None => {
            present.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            match present[..] {
                [] => {
                    return Err(Failure::file(
                        &args.source.file,
                        "holds no photons; record it anew",
                    ));
                }
                [(only, _)] => Channels(only, only),
                [(a, _), (b, _), ..] => Channels(a.min(b), a.max(b)),
            }
        }
    };
    for number in [chosen.0, chosen.1] {
        if summary.channel(number).is_none() {
            let present: Vec<u8> = summary.channels().map(|(number, _)| number).collect();
            return Err(Failure::usage(format!(
                "{} has no photons on channel {number}; choose from {present:?}",
                args.source.file.display()
            )));
        }
    }
    Ok(chosen)
}

/// Bin and range, as asked for or so that the bins have counts: `product` of the counts of both
/// channels over `duration` in picoseconds.
fn spans(args: &Args, product: f64, duration: f64) -> (Picoseconds, Picoseconds) {
    let filled = round_up_125((DEFAULT_PAIRS * duration / product).min(duration / 40.0));
    let times = |ps: i64, n: i64| Picoseconds(ps.saturating_mul(n));
    match (args.bin, args.range) {
        (Some(bin), Some(range)) => (bin.picoseconds(), range.picoseconds()),
        (Some(bin), None) => (bin.picoseconds(), times(bin.0, DEFAULT_BINS_PER_SIDE)),
        (None, Some(range)) => {
            let (finest, coarsest) = (range.0 / 500, (range.0 / 10).max(1));
            (Picoseconds(filled.max(finest).min(coarsest)), range.picoseconds())
        }
        (None, None) => {
            // Long traces would fill bins so fine that all of them lie within a dead time.
            let range = times(filled, DEFAULT_BINS_PER_SIDE).0.max(DEFAULT_RANGE_PS);
            // Never delays that only a small part of the trace can have.
            let range = range.min((duration / 4.0) as i64).max(filled);
            (Picoseconds(filled.max(range / 500)), Picoseconds(range))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_one_or_two_numbers() {
        assert_eq!("0,1".parse(), Ok(Channels(0, 1)));
        assert_eq!("3".parse(), Ok(Channels(3, 3)));
        for bad in ["", "a", "0,1,2", "0;1", "-1", "256"] {
            assert!(bad.parse::<Channels>().is_err(), "{bad}");
        }
    }
}
