//! `helio trace info`: what a trace holds.

use helio_timetag::analysis::{InterArrival, Rates};
use helio_trace::{ChannelSummary, PhotonTime, Summary};
use helio_units::Ticks;

use super::output::{Answer, Output, Table};
use super::source::{Scanned, Source, seconds};
use super::{info_json, info_text, notes, rates, select};
use crate::cli::Global;
use crate::exit::Failure;
use crate::plot::Figure;

/// Arguments of `helio trace info`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace info trace.ptu
  helio trace info trace.ptu --json | jq .channels
  helio trace info events.csv --unit ns
  zstdcat trace.ptu.zst | helio trace info -
  helio trace info trace.ptu --from 1s --to 2s --plot rates.svg

The dead time is given as the smallest gap between successive detections of a channel: an upper \
bound, typically too long by the stated excess. Records are counted to the end of the file, \
whatever number its header claims; where they differ, both are told. With --from and --to the \
table of channels is that of the selected part; records are counted over the whole file.")]
pub struct Args {
    #[command(flatten)]
    pub(super) source: Source,
    /// List all fields of the header too (--json always does)
    #[arg(long)]
    pub(super) tags: bool,
    /// Only these channels, such as 0,1 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    #[command(flatten)]
    output: Output,
}

/// Bins of the rate over time; at least half of them are in use, more than a chart has columns.
const RATE_BINS: usize = 4096;

/// What one pass over the file gathers.
pub(super) struct Report<'a> {
    pub(super) args: &'a Args,
    pub(super) scanned: Scanned,
    pub(super) summary: Summary,
    pub(super) rates: Rates,
    /// The channels that are told of.
    pub(super) channels: Vec<u8>,
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
    args.output.check_beside(global, &[&args.source.file])?;
    args.output.give(global, &gather(args)?)
}

fn gather(args: &Args) -> Result<Report<'_>, Failure> {
    let mut summary = Summary::default();
    let mut rates: Option<Rates> = None;
    let mut gaps: Vec<Gaps> = Vec::new();
    let mut scanned = args.source.scan_to_the_end(PhotonTime::SyncPeriods, |begin, chunk| {
        summary.add(chunk);
        let rates = rates.get_or_insert_with(|| Rates::new(begin, Ticks(1), RATE_BINS));
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
    scanned.notes.extend(notes::of_order(&summary));
    let channels = match args.channel.is_empty() {
        true => summary.channels().map(|(number, _)| number).collect(),
        false => select::channels(&args.source.file, &args.channel, &summary)?,
    };
    let rates = rates.unwrap_or_else(|| Rates::new(scanned.begin, Ticks(1), RATE_BINS));
    Ok(Report { args, scanned, summary, rates, channels, gaps })
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        info_text::of(self)
    }

    fn json(&self) -> serde_json::Value {
        info_json::of(self)
    }

    fn figure(&self) -> Figure {
        Figure::new(vec![self.rates_report().panel()])
    }

    fn table(&self) -> Table {
        let tick = self.scanned.tick();
        let of = |number: &u8| self.summary.channel(*number);
        let numbers = || self.channels.iter();
        let time = |ticks: Ticks| ticks.0 as f64 * tick.as_ps_f64();
        Table::default()
            .with("channel", numbers())
            .with_known("count", numbers().map(|n| Some(of(n)?.count)))
            .with_known("rate_hz", numbers().map(|n| self.rate(of(n)?.count)))
            .with_known("first_ps", numbers().map(|n| Some(time(of(n)?.first))))
            .with_known("last_ps", numbers().map(|n| Some(time(of(n)?.last))))
            .with_known(
                "smallest_gap_ps",
                numbers().map(|n| self.gap(*n)?.smallest_gap().map(time)),
            )
    }
}

impl Report<'_> {
    /// The channels that are told of, with what each of them holds.
    pub(super) fn channels(&self) -> impl Iterator<Item = (u8, ChannelSummary)> + '_ {
        self.channels.iter().filter_map(|number| Some((*number, self.summary.channel(*number)?)))
    }

    pub(super) fn rates_report(&self) -> rates::Report<'_> {
        rates::Report {
            path: &self.args.source.file,
            rates: &self.rates,
            channels: &self.channels,
            tick: self.scanned.tick(),
        }
    }

    /// Gaps of a channel; of none where times are whole sync periods, which tell no gap.
    pub(super) fn gap(&self, channel: u8) -> Option<&InterArrival> {
        if self.scanned.reader.meta().dtime.is_some_and(|dtime| dtime.adds)
            && !self.scanned.in_picoseconds
        {
            return None;
        }
        let gaps = self.gaps.get(usize::from(channel)).filter(|g| !g.disordered)?;
        gaps.histogram.smallest_gap().map(|_| &gaps.histogram)
    }

    /// The tick at which the measurement, or the selected part of it, began.
    pub(super) fn beginning(&self) -> Ticks {
        self.scanned.begin
    }

    /// How long it lasted.
    pub(super) fn duration(&self) -> Ticks {
        Ticks(self.summary.reached().0.saturating_sub(self.beginning().0))
    }

    /// A rate over the whole trace, in counts a second.
    pub(super) fn rate(&self, count: u64) -> Option<f64> {
        let duration = seconds(self.scanned.reader.tick_length(), self.duration());
        (duration > 0.0).then(|| count as f64 / duration)
    }

    /// Of a recording without its header.
    pub(super) fn bytes_per_photon(&self) -> Option<f64> {
        let reader = &self.scanned.reader;
        let bytes = reader.position().saturating_sub(reader.meta().header_bytes);
        let photons = reader.counts().photons;
        (photons > 0).then(|| bytes as f64 / photons as f64)
    }
}
