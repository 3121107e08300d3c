//! `helio trace`: recorded time-tag traces, whatever the instrument.

mod allan;
mod coincidences;
mod coincidences_report;
mod convert;
mod drift;
mod folding;
mod follow;
mod g2;
mod g2_log;
mod g2_report;
mod histogram;
mod info;
mod info_json;
mod info_text;
mod jitter;
mod merge;
mod notes;
mod output;
mod rates;
mod record;
mod select;
mod show;
mod source;
mod sync;
mod target;

use clap::Subcommand;

pub(in crate::cmd) use output::{Answer, Output, Table};
pub(in crate::cmd) use source::Reading;

use crate::cli::Global;
use crate::exit::Failure;

/// What is asked about a trace.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what a trace holds: format, counts, rates, dead time, damage
    Info(info::Args),
    /// Draw the rate of each channel over time
    Rates(rates::Args),
    /// Record a live source, such as another program's tags, into a file
    Record(record::Args),
    /// Correlate two channels, or one with itself: g² around zero delay
    G2(g2::Args),
    /// Count gaps with dead time and afterpulses, start-stop delays, times after a sync, or counts in
    /// windows
    Histogram(histogram::Args),
    /// Follow a slow change of the rates, or of the peak after a sync
    Drift(drift::Args),
    /// Say how steady a recorded clock is: its Allan deviation
    Allan(allan::Args),
    /// Fit the timing response of a detector: width and tail of its peak after a sync
    Jitter(jitter::Args),
    /// Count detections of several channels at once: pairs, threefold and more, heralding
    Coincidences(coincidences::Args),
    /// Find the clock of one recording against another's, from a source of photon pairs
    Sync(sync::Args),
    /// Write a trace in another format
    Convert(convert::Args),
    /// Write a part of a trace
    Cut(convert::CutArgs),
    /// Write several traces as one, in order of time
    Merge(merge::Args),
}

/// Answers.
///
/// # Errors
/// The command line, the file or the output is at fault.
pub fn run(command: &Command, global: &Global) -> Result<(), Failure> {
    match command {
        Command::Info(args) => info::run(args, global),
        Command::Rates(args) => rates::run(args, global),
        Command::Record(args) => record::run(args, global),
        Command::G2(args) => g2::run(args, global),
        Command::Histogram(args) => histogram::run(args, global),
        Command::Drift(args) => drift::run(args, global),
        Command::Allan(args) => allan::run(args, global),
        Command::Jitter(args) => jitter::run(args, global),
        Command::Coincidences(args) => coincidences::run(args, global),
        Command::Sync(args) => sync::run(args, global),
        Command::Convert(args) => convert::run(args, global),
        Command::Cut(args) => convert::cut(args, global),
        Command::Merge(args) => merge::run(args, global),
    }
}
