//! `helio trace histogram`: gaps, start-stop delays, times after a sync, counts in windows.

mod counts;
mod folded;
mod gaps;
mod start_stop;

use helio_units::{TickLength, Ticks};

use super::folding::Against;
use super::output::Output;
use super::source::{Source, seconds};
use crate::cli::Global;
use crate::exit::Failure;
use crate::quantity::Span;
use crate::term::si;

/// Arguments of `helio trace histogram`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace histogram trace.ptu
  helio trace histogram trace.ptu --channel 0 --bin 1ns --range 500ns --plot gaps.svg
  helio trace histogram trace.ptu --of start-stop --channel 0,1 --bin 100ps --range 50ns
  helio trace histogram flim.ptu --of sync --plot decay.svg
  helio trace histogram trace.ptu --of sync --sync 0 --channel 1 --csv folded.csv
  helio trace histogram trace.ptu --of counts --bin 1ms --json

Gaps between neighbouring counts tell dead time and afterpulses, for steady light. Errors are \
Poissonian. docs/analysis.md has the formulas.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// What is counted
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Of::Gaps)]
    of: Of,
    /// Only these channels, such as 0,1; of start-stop the start and the stop [default: all; of
    /// start-stop the two with most photons]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    /// Length of a bin, such as 1ns, or of a counting window [default: bins of gaps grow with the
    /// gap; others fit the trace]
    #[arg(long, value_name = "TIME")]
    bin: Option<Span>,
    /// Longest gap or delay [default: fits the trace]
    #[arg(long, value_name = "TIME")]
    range: Option<Span>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    output: Output,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// Times between neighbouring counts of a channel, with dead time and afterpulses
    Gaps,
    /// Delays from a count of one channel to the first of another
    StartStop,
    /// Times after a sync pulse, or within a period
    Sync,
    /// How many counts fall into a window of time
    Counts,
}

/// Counts and shows.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.output.check_beside(global, &[&args.source.file])?;
    if args.of != Of::Sync && args.against.asked() {
        return Err(Failure::usage("--period and --sync go with --of sync; add it"));
    }
    match args.of {
        Of::Gaps => gaps::run(args, global),
        Of::StartStop => start_stop::run(args, global),
        Of::Sync => folded::run(args, global),
        Of::Counts => counts::run(args, global),
    }
}

/// More bins than a screen has pixels, and far less than memory has room for.
const MAX_BINS: u64 = 100_000;

/// How many bins of `bin` ticks lie within `range`; neither may be nonsense.
fn bins_within(range: Ticks, bin: Ticks, tick: TickLength) -> Result<u32, Failure> {
    match range.0 / bin.0.max(1) {
        0 => Err(Failure::usage("--range is shorter than --bin; choose a longer range")),
        bins @ 1..=MAX_BINS => Ok(bins as u32),
        bins => Err(Failure::usage(format!(
            "--range holds {bins} bins; choose --bin of at least {}",
            si(seconds(tick, Ticks(range.0 / MAX_BINS)), "s", 3)
        ))),
    }
}
