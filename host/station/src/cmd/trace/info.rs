//! `helio trace info`: what a trace holds.

use helio_timetag::analysis::{InterArrival, Rates};
use helio_trace::{PhotonTime, Summary, TraceReader};
use helio_units::Ticks;

use super::source::{Source, beginning, seconds};
use super::{info_json, info_text};
use crate::cli::Global;
use crate::exit::{Failure, print, print_json};

/// Arguments of `helio trace info`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace info trace.ptu
  helio trace info trace.ptu --json | jq .channels
  helio trace info events.csv --unit ns

The dead time is given as the smallest gap between successive detections of a channel: an upper \
bound, typically too long by the stated excess. Records are counted to the end of the file, \
whatever number its header claims; where they differ, both are told.")]
pub struct Args {
    #[command(flatten)]
    pub(super) source: Source,
    /// List all fields of the header too (--json always does)
    #[arg(long)]
    pub(super) tags: bool,
}

/// Bins of the rate over time; at least half of them are in use, more than a chart has columns.
const RATE_BINS: usize = 4096;

/// What one pass over the file gathers.
pub(super) struct Report {
    pub(super) reader: Box<dyn TraceReader>,
    pub(super) summary: Summary,
    pub(super) rates: Option<Rates>,
    gaps: Vec<Gaps>,
}

/// Gaps of one channel; those of a channel that is not in time order mean nothing.
#[derive(Default)]
struct Gaps {
    histogram: InterArrival,
    disordered: bool,
}

/// Looks and tells.
///
/// # Errors
/// The file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let report = gather(args)?;
    match global.json {
        true => print_json(&info_json::of(&report, args)),
        false => print(info_text::of(&report, args)),
    }
}

fn gather(args: &Args) -> Result<Report, Failure> {
    let mut summary = Summary::default();
    let mut rates: Option<Rates> = None;
    let mut gaps: Vec<Gaps> = Vec::new();
    let reader = args.source.scan(PhotonTime::SyncPeriods, |meta, chunk| {
        summary.add(chunk);
        let rates = rates.get_or_insert_with(|| {
            Rates::new(beginning(meta, summary.earliest()), Ticks(1), RATE_BINS)
        });
        rates.reach(chunk.reached);
        for tag in &chunk.photons {
            rates.push(tag.tick, tag.channel);
            let channel = usize::from(tag.channel);
            if gaps.len() <= channel {
                gaps.resize_with(channel + 1, Gaps::default);
            }
            gaps[channel].disordered |= gaps[channel].histogram.push(tag.tick).is_err();
        }
        Ok(())
    })?;
    Ok(Report { reader, summary, rates, gaps })
}

impl Report {
    pub(super) fn gap(&self, channel: u8) -> Option<&InterArrival> {
        let gaps = self.gaps.get(usize::from(channel)).filter(|g| !g.disordered)?;
        gaps.histogram.smallest_gap().map(|_| &gaps.histogram)
    }

    /// The tick at which the measurement began.
    pub(super) fn beginning(&self) -> Ticks {
        beginning(self.reader.meta(), self.summary.earliest())
    }

    /// How long it lasted.
    pub(super) fn duration(&self) -> Ticks {
        Ticks(self.summary.reached().0.saturating_sub(self.beginning().0))
    }

    /// A rate over the whole trace, in counts a second.
    pub(super) fn rate(&self, count: u64) -> Option<f64> {
        let duration = seconds(self.reader.tick_length(), self.duration());
        (duration > 0.0).then(|| count as f64 / duration)
    }

    /// What is wrong with the trace, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let (counts, mut notes) = (self.reader.counts(), Vec::new());
        if let Some(damage) = self.reader.damage() {
            notes.push(format!("the file {damage}; what precedes it was read"));
        }
        let (claimed, held) = (self.reader.meta().claimed_records, counts.records());
        match claimed {
            Some(claimed) if claimed == held => {}
            Some(0) => notes.push(
                "the header claims 0 records: the recording was broken off; what is there was read"
                    .into(),
            ),
            Some(claimed) => {
                let why = match held < claimed {
                    true => "it was cut or the recording broken off",
                    false => "records were added or the header is wrong",
                };
                notes.push(format!(
                    "the header claims {claimed} records, the file holds {held}: {why}; what is \
                     there was read"
                ));
            }
            // Formats that never say it.
            None if self.reader.meta().claimed_records_at.is_none() => {}
            None => notes.push("the header does not say how many records there are".into()),
        }
        match counts.trailing_bytes {
            0 => {}
            1 => notes.push("a stray byte behind the last record was left out".into()),
            n => notes.push(format!("{n} stray bytes behind the last record were left out")),
        }
        let mut count = |number: u64, what: &str| {
            if number > 0 {
                notes.push(format!("{number} {what}"));
            }
        };
        count(counts.unknown_records, "records have no known meaning and were skipped");
        count(counts.loss_records, "records or flags say that detections were lost");
        count(counts.missed, "detections were missed, as the instrument says");
        count(
            counts.late,
            "detections came later in the file than the window allows and were left out; a longer \
             --window keeps them",
        );
        count(self.summary.steps_back(), "detections are earlier than the one before them");
        notes
    }
}
