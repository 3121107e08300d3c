//! `helio trace info`: what a trace holds.

use std::fmt::Write;
use std::fs::File;
use std::path::PathBuf;

use helio_timetag::analysis::{InterArrival, Rates};
use helio_trace::{PtuReader, Summary};
use helio_units::Ticks;
use serde_json::{Map, Value, json};

use super::source::{exact_ps, file_name, scan, seconds, tick_json, tick_text};
use crate::cli::Global;
use crate::exit::{Failure, print, print_json};
use crate::term::{CHART_COLUMNS, bars, grouped, si};

/// Arguments of `helio trace info`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace info trace.ptu
  helio trace info trace.ptu --json | jq .channels

The dead time is given as the smallest gap between successive detections of a channel: an upper \
bound, typically too long by the stated excess. Records are counted to the end of the file, \
whatever number its header claims; where they differ, both are told.")]
pub struct Args {
    /// The trace, a PicoQuant .ptu file in T2 mode
    file: PathBuf,
}

/// Bins of the rate over time; at least half of them are in use, more than a chart has columns.
const RATE_BINS: usize = 4096;

/// What one pass over the file gathers.
struct Report {
    reader: PtuReader<File>,
    summary: Summary,
    rates: Rates,
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
        true => print_json(&report.json(args)),
        false => print(report.text(args)),
    }
}

fn gather(args: &Args) -> Result<Report, Failure> {
    let mut summary = Summary::default();
    let mut rates = Rates::new(Ticks(0), Ticks(1), RATE_BINS);
    let mut gaps: Vec<Gaps> = Vec::new();
    let reader = scan(&args.file, |chunk| {
        summary.add(chunk);
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
    fn gap(&self, channel: u8) -> Option<&InterArrival> {
        let gaps = self.gaps.get(usize::from(channel)).filter(|g| !g.disordered)?;
        gaps.histogram.smallest_gap().map(|_| &gaps.histogram)
    }

    /// A rate over the whole trace, in counts a second.
    fn rate(&self, count: u64) -> Option<f64> {
        let duration = seconds(self.reader.tick_length(), self.summary.reached());
        (duration > 0.0).then(|| count as f64 / duration)
    }

    /// What is wrong with the trace, a sentence each.
    fn notes(&self) -> Vec<String> {
        let (counts, mut notes) = (self.reader.counts(), Vec::new());
        match self.reader.header().claimed_records() {
            Some(claimed) if claimed == counts.records() => {}
            Some(0) => notes.push(
                "the header claims 0 records: the recording was broken off; what is there was read"
                    .into(),
            ),
            Some(claimed) => {
                let held = counts.records();
                let why = match held < claimed {
                    true => "it was cut or the recording broken off",
                    false => "records were added or the header is wrong",
                };
                notes.push(format!(
                    "the header claims {claimed} records, the file holds {held}: {why}; what is \
                     there was read"
                ));
            }
            None => notes.push("the header does not say how many records there are".into()),
        }
        if counts.unknown_records > 0 {
            notes.push(format!(
                "{} special records have no known meaning and were skipped",
                counts.unknown_records
            ));
        }
        if self.summary.steps_back() > 0 {
            notes.push(format!(
                "{} detections are earlier than the one before them",
                self.summary.steps_back()
            ));
        }
        notes
    }

    fn json(&self, args: &Args) -> Value {
        let (header, counts) = (self.reader.header(), self.reader.counts());
        let tick = header.tick;
        let channels: Map<String, Value> = self
            .summary
            .channels()
            .map(|(number, channel)| {
                let gap = self.gap(number);
                let smallest = gap.and_then(InterArrival::smallest_gap);
                let excess = gap.and_then(InterArrival::dead_time_excess_ticks);
                let value = json!({
                    "count": channel.count,
                    "first_tick": channel.first.0,
                    "last_tick": channel.last.0,
                    "first_ps": exact_ps(tick, channel.first),
                    "last_ps": exact_ps(tick, channel.last),
                    "rate_hz": self.rate(channel.count),
                    "smallest_gap_ticks": smallest.map(|gap| gap.0),
                    "smallest_gap_ps": smallest.map(|gap| exact_ps(tick, gap)),
                    "dead_time_excess_ps": excess.map(|ticks| ticks * tick.as_ps_f64()),
                });
                (number.to_string(), value)
            })
            .collect();
        let head: Vec<_> =
            self.summary.head().iter().map(|t| (u64::from(t.channel), t.tick.0)).collect();
        let markers: Map<String, Value> =
            self.summary.markers().map(|(bits, n)| (bits.to_string(), json!(n))).collect();
        json!({
            "file": file_name(&args.file),
            "bytes": self.reader.bytes_read(),
            "format": "PicoQuant PTU",
            "container_version": header.version,
            "record_type": format!("{:#010x}", header.record_type.code()),
            "record_type_name": header.record_type.name(),
            "header_bytes": header.bytes,
            "header_tags": header.tags.len(),
            "header_number_of_records": header.claimed_records(),
            "records_in_file": counts.records(),
            "hw_type": header.hardware(),
            "measurement_mode": header.int("Measurement_Mode"),
            "global_resolution_s": header.float("MeasDesc_GlobalResolution"),
            "measdesc_resolution_s": header.float("MeasDesc_Resolution"),
            "sync_rate_header_hz": header.int("TTResult_SyncRate"),
            "acquisition_time_ms": header.int("MeasDesc_AcquisitionTime"),
            "tick": tick_json(tick),
            "time_unit": format!("1 tick = {}", tick_text(tick)),
            "duration_ticks": self.summary.reached().0,
            "duration_ps": exact_ps(tick, self.summary.reached()),
            "counts": {
                "photons": counts.photons,
                "overflow_records": counts.overflow_records,
                "overflow_periods_total": counts.overflow_periods,
                "markers": counts.markers,
                "sync_records": counts.sync_records,
                "unknown_records": counts.unknown_records,
            },
            "marker_bits_counts": markers,
            "channels": channels,
            "first_5_photons": head,
            "photon_times_monotone": self.summary.steps_back() == 0,
            "notes": self.notes(),
        })
    }

    fn text(&self, args: &Args) -> String {
        let (header, counts) = (self.reader.header(), self.reader.counts());
        let tick = header.tick;
        let time = |ticks| si(seconds(tick, ticks), "s", 6);
        let mut text = format!("{}\n", args.file.display());
        let mut line = |name: &str, value: String| _ = writeln!(text, "  {name:<12}{value}");
        let kind = header.record_type;
        line(
            "format",
            format!("PicoQuant PTU {}, {} ({:#010x})", header.version, kind.name(), kind.code()),
        );
        line("hardware", header.hardware().unwrap_or("not stated").into());
        line("tick", tick_text(tick));
        line("duration", time(self.summary.reached()));
        line(
            "records",
            format!(
                "{}: {} photons, {} overflow ({} periods), {} marker, {} sync",
                grouped(counts.records()),
                grouped(counts.photons),
                grouped(counts.overflow_records),
                grouped(counts.overflow_periods),
                grouped(counts.markers),
                grouped(counts.sync_records)
            ),
        );
        self.table(&mut text);
        for (number, _) in self.summary.channels() {
            self.rate_chart(&mut text, number);
        }
        for note in self.notes() {
            _ = writeln!(text, "\nnote: {note}");
        }
        text
    }

    fn table(&self, text: &mut String) {
        let tick = self.reader.tick_length();
        let time = |ticks| si(seconds(tick, ticks), "s", 6);
        let columns = ["channel", "photons", "rate", "first", "last", "smallest gap"];
        let [a, b, c, d, e, f] = columns;
        _ = writeln!(text, "\n  {a:>7}{b:>15}{c:>13}{d:>14}{e:>14}{f:>14}");
        for (number, channel) in self.summary.channels() {
            let photons = grouped(channel.count);
            let rate = self.rate(channel.count).map_or("-".into(), |r| si(r, "Hz", 4));
            let (first, last) = (time(channel.first), time(channel.last));
            let gap = self.gap(number).and_then(InterArrival::smallest_gap);
            let gap = gap.map_or("-".into(), |gap| si(seconds(tick, gap), "s", 4));
            _ = writeln!(
                text,
                "  {number:>7}{photons:>15}{rate:>13}{first:>14}{last:>14}{gap:>14}"
            );
        }
        for (number, _) in self.summary.channels() {
            let Some(gaps) = self.gap(number) else { continue };
            // Where it is longer than the gap itself, light and statistics say nothing of dead time.
            let smallest = gaps.smallest_gap().map_or(0.0, |gap| gap.0 as f64);
            if let Some(excess) = gaps.dead_time_excess_ticks().filter(|e| *e < smallest) {
                let excess = si(excess * tick.as_ps_f64() * 1e-12, "s", 2);
                _ = writeln!(
                    text,
                    "  The dead time of channel {number} is at most its smallest gap, \
                     typically {excess} less."
                );
            }
        }
    }

    fn rate_chart(&self, text: &mut String, channel: u8) {
        let tick = self.reader.tick_length();
        let columns = self.rates.merged_rates_hz(channel, tick, CHART_COLUMNS);
        let top = columns.iter().copied().fold(0.0, f64::max);
        let end = si(seconds(tick, self.summary.reached()), "s", 3);
        let top_text = si(top, "Hz", 3);
        _ = writeln!(text, "\n  rate of channel {channel} from 0 to {end}, up to {top_text}");
        for line in bars(&columns, top, 3) {
            _ = writeln!(text, "  {line}");
        }
    }
}
