//! `helio trace coincidences`: how often channels detect together.

use helio_timetag::analysis::{CoincidenceSettings, Coincidences};
use helio_trace::PhotonTime;

use super::coincidences_report::Report;
use super::output::Output;
use super::source::{Source, helpers, tags};
use crate::cli::Global;
use crate::exit::Failure;
use crate::quantity::Span;

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
    args.output.check(global)?;
    let channels = channels(args)?;
    let opened = args.source.open(PhotonTime::Picoseconds)?;
    let tick = opened.tick();
    let window = tick.ticks_covering(args.within.picoseconds());
    let settings = CoincidenceSettings { channels, window };
    let mut coincidences = Coincidences::new(settings).map_err(Failure::usage)?;
    let scanned = coincidences.on_threads(helpers(), |coincidences| {
        opened.scan(|_, chunk| coincidences.push(tags(chunk)))
    })?;
    args.source.tell_damage(&scanned);
    let singles = coincidences.settings().channels.iter().zip(coincidences.singles());
    if let Some((silent, _)) = singles.into_iter().find(|(_, count)| **count == 0) {
        return Err(Failure::usage(format!(
            "{} has no photons on channel {silent}; helio trace info lists those it has",
            args.source.file.display()
        )));
    }
    let report = Report { path: &args.source.file, coincidences: &coincidences, tick };
    args.output.give(global, &report)
}

/// Those asked for, or all that the trace has.
fn channels(args: &Args) -> Result<Vec<u8>, Failure> {
    const MAX: usize = CoincidenceSettings::MAX_CHANNELS;
    let channels = match args.channel.is_empty() {
        true if args.source.is_pipe() => {
            return Err(Failure::usage(
                "standard input can be read only once; say which channels, for example --channel 0,1",
            ));
        }
        true => {
            let (_, summary) = args.source.summary(PhotonTime::SyncPeriods)?;
            super::select::channels(&args.source.file, &[], &summary)?
        }
        false => args.channel.clone(),
    };
    match channels.len() {
        2..=MAX => Ok(channels),
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
