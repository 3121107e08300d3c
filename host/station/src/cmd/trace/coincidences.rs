//! `helio trace coincidences`: how often channels detect together.

use helio_timetag::analysis::{CoincidenceSettings, Coincidences};
use helio_trace::PhotonTime;
use helio_units::Ticks;

use super::coincidences_report::Report;
use super::g2::MAX_PAIRS;
use super::output::Output;
use super::select;
use super::source::{Source, helpers, seconds, tags};
use crate::cli::Global;
use crate::exit::Failure;
use crate::quantity::Span;
use crate::term::si;

/// Arguments of `helio trace coincidences`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace coincidences trace.ptu
  helio trace coincidences trace.ptu --channel 0,1,2,3 --within 1ns --delay 1=350ps
  helio trace coincidences trace.ptu --channel 0,1 --csv - > pairs.csv
  helio trace coincidences - --channel 0,1 --json < trace.ptu

An n-fold coincidence is one detection of each of n channels, the latest at most --within after the \
earliest. Every such choice counts, and a threefold one holds three twofold ones, which count too. \
Accidentals are what unrelated light of the same rates would give: of two channels 2 · within · R₁ · R₂ \
a second, of n channels n · withinⁿ⁻¹ · R₁ · … · Rₙ. CAR is coincidences over accidentals. The heralding \
efficiency of a channel is the share of another one's detections that it has a partner for, accidentals \
subtracted. All errors are Poissonian.

Where the delay between two channels is not known, the peak of helio trace g2 --channel A,B shows it; \
take it out with --delay B=-TIME.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Two to eight channels, such as 0,1,2 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    /// From the earliest detection of a coincidence to the latest at most
    #[arg(long, value_name = "TIME", default_value = "1ns")]
    within: Span,
    #[command(flatten)]
    output: Output,
}

/// Counts and tells.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    let (channels, looked) = channels(args)?;
    let opened = args.source.open(PhotonTime::Picoseconds)?;
    let tick = opened.tick();
    let window = tick.ticks_covering(args.within.picoseconds());
    let settings = CoincidenceSettings { channels, window };
    let mut coincidences = Coincidences::new(settings).map_err(Failure::usage)?;
    let scanned = coincidences.on_threads(helpers(), |coincidences| {
        opened.scan(|_, chunk| coincidences.push(tags(chunk)))
    })?;
    if !looked {
        args.source.tell(&scanned);
    }
    let channels = coincidences.settings().channels.iter().copied();
    let singles = coincidences.singles().iter().copied();
    select::none_silent(&args.source.file, channels.zip(singles))?;
    let report = Report { path: &args.source.file, coincidences: &coincidences, tick };
    args.output.give_noted(global, &report, &scanned.notes)
}

/// Beyond this a first look at the trace tells whether its pairs can be counted; for less no
/// detector is quick enough.
const SURELY_SHORT_PS: i64 = 1_000_000;

/// Those asked for, or all that the trace has, and whether that took a look at it.
fn channels(args: &Args) -> Result<(Vec<u8>, bool), Failure> {
    const MAX: usize = CoincidenceSettings::MAX_CHANNELS;
    let within = args.within.picoseconds();
    let asked = !args.channel.is_empty();
    let mut looked = false;
    let channels = match args.source.is_pipe() {
        true if !asked => {
            return Err(Failure::usage(
                "standard input can be read only once; say which channels, for example --channel 0,1",
            ));
        }
        false if !asked || within.0 > SURELY_SHORT_PS => {
            let (scanned, summary) = args.source.summary(PhotonTime::Picoseconds)?;
            looked = true;
            let channels = match asked {
                true => args.channel.clone(),
                false => select::channels(&args.source.file, &[], &summary)?,
            };
            let tick = scanned.tick();
            let duration = Ticks(summary.reached().0.saturating_sub(scanned.begin.0));
            let count = |n: &u8| summary.channel(*n).map_or(0, |c| c.count) as f64;
            let counts = channels.iter().map(count).sum::<f64>();
            check_pairs(counts, within.0 as f64 * 1e-12, seconds(tick, duration))?;
            channels
        }
        _ => args.channel.clone(),
    };
    match channels.len() {
        2..=MAX => Ok((channels, looked)),
        0 | 1 => Err(Failure::usage(format!(
            "coincidences need two channels and {} has {channels:?} to look at; choose two, for \
             example --channel 0,1",
            args.source.file.display()
        ))),
        n => Err(Failure::usage(format!(
            "coincidences of {n} channels are too many to list; choose up to {MAX} with --channel, of \
             {channels:?}"
        ))),
    }
}

/// Whether so many detections have few enough others within a window.
fn check_pairs(counts: f64, within: f64, duration: f64) -> Result<(), Failure> {
    let pairs = counts * counts * within.min(duration) / duration;
    match pairs > MAX_PAIRS {
        true => Err(Failure::usage(format!(
            "--within gives some {pairs:.1e} pairs to count; choose at most {}",
            si(within.min(duration) * MAX_PAIRS / pairs, "s", 2)
        ))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_with_too_many_pairs_are_refused_with_one_that_fits() {
        assert!(check_pairs(2e8, 1e-9, 100.0).is_ok());
        assert!(check_pairs(0.0, 1.0, 0.0).is_ok());
        let refused = check_pairs(2e8, 1e-3, 100.0).unwrap_err();
        assert!(refused.to_string().contains("at most 250 µs"), "{refused}");
    }
}
