//! What a trace is folded over: a period, the pulses of a sync, or the times within sync periods
//! that T3 records have.

use std::str::FromStr;

use helio_timetag::analysis::{Estimate, Fold, LinearHistogram, OutOfOrder, Reference};
use helio_trace::{Chunk, Dtime, PhotonTime, Summary, TimeTag};
use helio_units::{FineTicks, TickLength, Ticks};

use super::output::Table;
use super::select;
use super::source::{Scanned, Source, seconds};
use crate::exit::Failure;

/// What detections are folded over: arguments of the commands that fold.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Against {
    /// Fold over this period, or over that of this frequency, such as 12.5003ns or 80.2MHz
    #[arg(long, value_name = "TIME", conflicts_with = "sync")]
    period: Option<Period>,
    /// Count from the pulses on this channel [default: the times after the sync that T3 records
    /// have, else sync records]
    #[arg(long, value_name = "CHANNEL")]
    sync: Option<u8>,
    /// Periods between two recorded sync pulses
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    divider: u32,
}

/// A period in picoseconds; a fraction of one counts after many periods.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Period(f64);

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Period, &'static str> {
        const WRONG: &str = "a period is a time or a frequency; write for example 12.5ns or 80MHz";
        let end = text.trim_end_matches(|c: char| c.is_alphabetic()).len();
        let number: f64 = text[..end].trim().parse().map_err(|_| WRONG)?;
        let ps = match &text[end..] {
            "ps" => number,
            "ns" => number * 1e3,
            "us" | "µs" => number * 1e6,
            "ms" => number * 1e9,
            "s" => number * 1e12,
            "Hz" => 1e12 / number,
            "kHz" => 1e9 / number,
            "MHz" => 1e6 / number,
            "GHz" => 1e3 / number,
            _ => return Err(WRONG),
        };
        let sound = (1.0..=1e15).contains(&ps);
        sound.then_some(Period(ps)).ok_or("a period lies within 1 ps and 1000 s; choose one within")
    }
}

impl Against {
    /// Whether the command line asks for folding.
    pub(super) fn asked(&self) -> bool {
        self.period.is_some() || self.sync.is_some()
    }

    /// Looks at the trace and settles what is folded over.
    ///
    /// Where a period or a channel is given, T3 times are read in picoseconds; else they are the
    /// sync periods to which the times after the sync belong, whatever delays there are: those are
    /// added to the times after the sync.
    pub(super) fn settle(&self, source: &Source) -> Result<Settled, Failure> {
        let time = if self.asked() { PhotonTime::Picoseconds } else { PhotonTime::SyncPeriods };
        let (scanned, summary) = source.undelayed().summary(time)?;
        let tick = scanned.tick();
        let reference = if let Some(Period(ps)) = self.period {
            let fine = ps / tick.as_ps_f64() * 2f64.powi(FineTicks::FRACTION_BITS as i32);
            // Tick zero begins a period: parts of one trace then fold alike.
            Reference::Period { period: FineTicks(fine.round() as i128), origin: Ticks(0) }
        } else {
            Reference::Sync { divider: self.divider }
        };
        let fold = Fold::new(reference).ok_or_else(|| {
            Failure::usage("--period is shorter than a tick of the trace; choose a longer one")
        })?;
        let kind = match (self.period, self.sync) {
            (Some(_), _) => Kind::Fold { fold, channel: None, records: false },
            (None, Some(channel)) => {
                select::channels(&source.file, &[channel], &summary)?;
                Kind::Fold { fold, channel: Some(channel), records: false }
            }
            (None, None) => match scanned.reader.meta().dtime {
                Some(Dtime { unit: Some(unit), adds }) => Kind::Dtime(AfterSync::of(
                    source,
                    unit,
                    adds.then(|| tick.as_ps_f64() / unit.as_ps_f64()),
                )?),
                _ if summary.syncs().is_some() => Kind::Fold { fold, channel: None, records: true },
                _ => {
                    return Err(Failure::usage(format!(
                        "{} has no sync of its own; name a channel with --sync or a --period",
                        source.file.display()
                    )));
                }
            },
        };
        Ok(Settled { folding: Folding { kind, tick, time }, scanned, summary })
    }
}

/// What a trace is folded over, and what the first look at it has told.
pub(super) struct Settled {
    pub(super) folding: Folding,
    pub(super) scanned: Scanned,
    pub(super) summary: Summary,
}

/// Detections with their time after the sync.
pub(super) struct Folding {
    kind: Kind,
    tick: TickLength,
    time: PhotonTime,
}

enum Kind {
    Dtime(AfterSync),
    Fold { fold: Fold, channel: Option<u8>, records: bool },
}

/// Times after the sync as T3 records have them, with the channels' delays.
struct AfterSync {
    unit: TickLength,
    /// The sync period in that unit; `None` where the format does not tell it.
    period: Option<f64>,
    /// What is added to the times of each channel, in that unit; they stay within the period.
    delays: Option<Box<[f64; 256]>>,
}

impl AfterSync {
    fn of(source: &Source, unit: TickLength, period: Option<f64>) -> Result<AfterSync, Failure> {
        let list = source.selection.delays();
        if !list.is_empty() && period.is_none() {
            return Err(Failure::usage(format!(
                "{} does not tell how long its sync period is, so that no --delay can be added to the \
                 times after the sync; fold over a --period or the pulses of a --sync",
                source.file.display()
            )));
        }
        let delays = (!list.is_empty()).then(|| {
            let mut delays = Box::new([0.0; 256]);
            list.iter().for_each(|(channel, delay)| {
                delays[usize::from(*channel)] += delay.0 as f64 / unit.as_ps_f64();
            });
            delays
        });
        Ok(AfterSync { unit, period, delays })
    }

    fn phase(&self, channel: u8, dtime: u16) -> f64 {
        let dtime = f64::from(dtime);
        let delay = self.delays.as_ref().map_or(0.0, |delays| delays[usize::from(channel)]);
        match self.period {
            Some(period) if delay != 0.0 => (dtime + delay).rem_euclid(period),
            _ => dtime,
        }
    }

    /// How many units there are up to the longest time.
    fn reach(&self, longest: u16) -> u64 {
        let period = self.period.filter(|_| self.delays.is_some()).unwrap_or(0.0);
        (u64::from(longest) + 1).max(period.ceil() as u64)
    }
}

impl Folding {
    /// Reads the trace again and gives each detection that is no sync pulse, with its time after the
    /// sync in [`Folding::unit`].
    pub(super) fn scan(
        &mut self,
        source: &Source,
        mut each: impl FnMut(TimeTag, f64),
    ) -> Result<(), Failure> {
        let undelayed;
        let source = match &self.kind {
            Kind::Dtime(_) => {
                undelayed = source.undelayed();
                &undelayed
            }
            Kind::Fold { .. } => source,
        };
        source.scan(self.time, |_, chunk| self.each(chunk, &mut each))?;
        Ok(())
    }

    fn each(
        &mut self,
        chunk: &Chunk,
        mut each: impl FnMut(TimeTag, f64),
    ) -> Result<(), OutOfOrder> {
        match &mut self.kind {
            Kind::Dtime(after) => {
                for (photon, dtime) in chunk.photons.iter().zip(&chunk.dtimes) {
                    each(*photon, after.phase(photon.channel, *dtime));
                }
            }
            Kind::Fold { fold, channel, records } => {
                let mut syncs = chunk.syncs.iter().filter(|_| *records).peekable();
                for photon in &chunk.photons {
                    while let Some(sync) = syncs.next_if(|sync| **sync <= photon.tick) {
                        fold.sync(*sync)?;
                    }
                    if *channel == Some(photon.channel) {
                        fold.sync(photon.tick)?;
                    } else if let Some(phase) = fold.phase(photon.tick) {
                        each(*photon, phase);
                    }
                }
                syncs.try_for_each(|sync| fold.sync(*sync))?;
            }
        }
        Ok(())
    }

    /// The unit of the times after the sync, and what is known of them, in words.
    pub(super) fn unit(&self) -> TickLength {
        match self.kind {
            Kind::Dtime(AfterSync { unit, .. }) => unit,
            Kind::Fold { .. } => self.tick,
        }
    }

    /// The channel whose tags are the sync.
    pub(super) fn channel(&self) -> Option<u8> {
        match &self.kind {
            Kind::Fold { channel, .. } => *channel,
            Kind::Dtime(_) => None,
        }
    }

    /// The period in seconds, where it is known; of T3 records the tick.
    pub(super) fn period_s(&self) -> Option<Estimate> {
        let second = self.tick.as_ps_f64() * 1e-12;
        match &self.kind {
            Kind::Dtime(after) => after.period.map(|_| Estimate { value: second, error: 0.0 }),
            Kind::Fold { fold, .. } => {
                fold.period().map(|p| Estimate { value: p.value * second, error: p.error * second })
            }
        }
    }

    /// Spacings of sync pulses that pulses are missing in.
    pub(super) fn wide_spacings(&self) -> u64 {
        match &self.kind {
            Kind::Dtime(_) => 0,
            Kind::Fold { fold, .. } => fold.wide_spacings(),
        }
    }

    /// The period that the trace as a whole has, before it is folded.
    pub(super) fn mean_period_s(&self, summary: &Summary) -> Option<f64> {
        let Kind::Fold { fold, channel, .. } = &self.kind else {
            return self.period_s().map(|p| p.value);
        };
        if let Some(period) = fold.period() {
            return Some(period.value * seconds(self.tick, Ticks(1)));
        }
        let (first, last, count) = sync_ends(summary, *channel)?;
        let spacings = count.checked_sub(1).filter(|n| *n > 0)? as f64;
        Some(
            seconds(self.tick, Ticks(last.0.saturating_sub(first.0)))
                / spacings
                / f64::from(fold.divider()),
        )
    }

    /// Whether times after the end of a period are those at the begin of the next.
    pub(super) fn period_is_given(&self) -> bool {
        matches!(&self.kind, Kind::Fold { channel: None, records: false, .. })
    }

    pub(super) fn in_words(&self) -> String {
        match &self.kind {
            Kind::Dtime(_) => "the sync pulse".into(),
            Kind::Fold { channel: Some(channel), .. } => format!("pulses on channel {channel}"),
            Kind::Fold { records: true, .. } => "sync records".into(),
            Kind::Fold { .. } => "a given period".into(),
        }
    }
}

/// The folded histogram of some channels together, as fine as memory allows.
pub(super) struct Folded {
    pub(super) folding: Folding,
    pub(super) channels: Vec<u8>,
    /// In units of the folding.
    pub(super) histogram: LinearHistogram,
    /// What is worth a word about the trace.
    pub(super) notes: Vec<String>,
}

impl Folded {
    /// Reads the trace twice: for what there is, and for the histogram.
    pub(super) fn of(source: &Source, against: &Against, asked: &[u8]) -> Result<Folded, Failure> {
        let Settled { mut folding, scanned, summary } = against.settle(source)?;
        let mut channels = select::channels(&source.file, asked, &summary)?;
        channels.retain(|number| Some(*number) != folding.channel());
        if channels.is_empty() {
            return Err(Failure::file(
                &source.file,
                "holds nothing but the sync pulses; choose another channel",
            ));
        }
        let reach = folding.reach(&summary, &channels);
        let bin = reach.div_ceil(u64::from(LinearHistogram::MAX_BINS)).max(1);
        let bins = reach.div_ceil(bin).clamp(1, u64::from(LinearHistogram::MAX_BINS)) as u32;
        let mut histogram =
            LinearHistogram::new(Ticks(0), Ticks(bin), bins).map_err(Failure::usage)?;
        folding.scan(source, |photon, phase| {
            if channels.contains(&photon.channel) {
                histogram.add(Ticks(phase as u64));
            }
        })?;
        if histogram.total() == 0 {
            return Err(Failure::file(
                &source.file,
                "holds no detection after a sync pulse; choose another part or another sync",
            ));
        }
        Ok(Folded { folding, channels, histogram, notes: scanned.notes })
    }

    /// A length in seconds of one unit of the histogram.
    pub(super) fn unit_s(&self) -> f64 {
        seconds(self.folding.unit(), Ticks(1))
    }

    /// The length of a bin in seconds.
    pub(super) fn bin_s(&self, histogram: &LinearHistogram) -> f64 {
        histogram.bin().0 as f64 * self.unit_s()
    }

    /// The edges of the bins in seconds.
    pub(super) fn edges_s(&self, histogram: &LinearHistogram) -> Vec<f64> {
        histogram.edges().map(|edge| edge * self.unit_s()).collect()
    }

    /// The bins with their Poisson errors.
    pub(super) fn table(&self, histogram: &LinearHistogram) -> Table {
        let counts = histogram.counts();
        let begins = self.edges_s(histogram).into_iter().take(counts.len());
        Table::default()
            .with("time_ps", begins.map(|edge| edge * 1e12))
            .with("count", counts)
            .with("error", counts.iter().map(|n| (*n as f64).sqrt()))
    }

    /// The channels in words.
    pub(super) fn channels_in_words(&self) -> String {
        let list: Vec<String> = self.channels.iter().map(u8::to_string).collect();
        let channels = if list.len() == 1 { "channel" } else { "channels" };
        format!("{channels} {}", list.join(", "))
    }

    /// The same histogram in longer bins, `range` units from `from` on. Of a given period it goes on
    /// into the next one, at most once around.
    pub(super) fn part(&self, from: u64, range: u64, bin: u64) -> LinearHistogram {
        let fine = self.histogram.bin().0;
        let group = (bin / fine).max(1) as usize;
        let counts = self.histogram.counts();
        let first = ((from / fine) as usize).min(counts.len());
        let length = (range.div_ceil(fine) as usize).min(counts.len());
        let around: &[u64] = if self.folding.period_is_given() { counts } else { &[] };
        let counts: Vec<u64> = counts[first..].iter().chain(around).take(length).copied().collect();
        // A last bin that is not whole would look like fewer counts.
        let whole =
            if counts.len() >= 8 * group { counts.len() / group * group } else { counts.len() };
        let grouped = counts[..whole].chunks(group).map(|c| c.iter().sum()).collect();
        LinearHistogram::with_counts(
            Ticks(first as u64 * fine),
            Ticks(group as u64 * fine),
            grouped,
        )
    }
}

impl Folding {
    /// How many units a histogram of all times after the sync has to hold.
    fn reach(&self, summary: &Summary, channels: &[u8]) -> u64 {
        match &self.kind {
            Kind::Dtime(after) => {
                let longest = channels.iter().filter_map(|c| Some(summary.dtimes(*c)?.max));
                after.reach(longest.max().unwrap_or(0))
            }
            Kind::Fold { fold, .. } if self.period_is_given() => {
                fold.period().map_or(1, |p| p.value.ceil() as u64)
            }
            Kind::Fold { channel, .. } => {
                let (first, last, count) =
                    sync_ends(summary, *channel).unwrap_or((Ticks(0), Ticks(0), 0));
                // Half as long again: not all spacings are the mean.
                let mean = (last.0.saturating_sub(first.0)) / count.saturating_sub(1).max(1);
                (mean + mean / 2).max(1)
            }
        }
    }
}

/// The first and the last pulse of a sync, and how many there are.
fn sync_ends(summary: &Summary, channel: Option<u8>) -> Option<(Ticks, Ticks, u64)> {
    match channel {
        Some(number) => summary.channel(number).map(|sync| (sync.first, sync.last, sync.count)),
        None => summary.syncs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_times_or_frequencies() {
        for (text, ps) in [
            ("12.5ns", 12_500.0),
            ("80MHz", 12_500.0),
            ("1 us", 1e6),
            ("0.5kHz", 2e9),
            ("3ps", 3.0),
        ] {
            assert_eq!(text.parse(), Ok(Period(ps)), "{text}");
        }
        for bad in ["", "ns", "12", "12 m", "-1ns", "0Hz", "1e9s", "nan ns", "0.1ps", "µ"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
