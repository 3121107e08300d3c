//! What a trace holds, for people.

use std::fmt::Write;

use helio_timetag::analysis::InterArrival;
use helio_trace::{Counts, Dtime, TagValue};

use super::info::Report;
use super::source::{seconds, tick_text};
use crate::term::{CHART_COLUMNS, bars, grouped, si};

/// Everything as text.
pub(super) fn of(report: &Report) -> String {
    let (meta, counts) = (report.scanned.reader.meta(), report.scanned.reader.counts());
    let tick = meta.tick;
    let time = |ticks| si(seconds(tick, ticks), "s", 6);
    let mut text = format!("{}\n", report.args.source.file.display());
    let mut line = |name: &str, value: String| _ = writeln!(text, "  {name:<12}{value}");
    let mut format = meta.format_name().to_owned();
    if !meta.version.is_empty() {
        _ = write!(format, " {}", meta.version);
    }
    if let Some(kind) = meta.record_type {
        _ = write!(format, ", {} ({:#010x})", kind.name(), kind.code());
    }
    line("format", format);
    if !meta.tags.is_empty() {
        line("hardware", meta.hardware().unwrap_or("not stated").into());
    }
    match meta.dtime {
        Some(Dtime { unit: Some(unit), adds }) => {
            let of = if adds { "the sync period" } else { "the instrument's clock" };
            line("tick", format!("{}, {of}", si(tick.as_ps_f64() * 1e-12, "s", 6)));
            line("dtime", format!("in {}", si(unit.as_ps_f64() * 1e-12, "s", 6)));
        }
        _ => line("tick", tick_text(tick)),
    }
    line("duration", time(report.duration()));
    line("records", format!("{}: {}", grouped(counts.records()), kinds(&counts)));
    if let Some(recording) = report.scanned.reader.recording() {
        let size = report.bytes_per_photon().map(|bytes| format!(", {bytes:.3} bytes a photon"));
        let (blocks, index) = (grouped(recording.blocks), recording.index.name());
        line("blocks", format!("{blocks}{}; index: {index}", size.unwrap_or_default()));
    }
    table(report, &mut text);
    for (number, _) in report.channels() {
        rate_chart(report, &mut text, number);
    }
    if report.args.tags {
        _ = writeln!(text, "\n  header");
        for tag in &meta.tags {
            let index = if tag.index < 0 { String::new() } else { format!("[{}]", tag.index) };
            let name = format!("{}{index}", tag.ident);
            let value = value(&tag.value);
            _ = writeln!(text, "  {}", format!("{name:<36}{value}").trim_end());
        }
    }
    for note in &report.scanned.notes {
        _ = writeln!(text, "\nnote: {note}");
    }
    text
}

/// How many records of which kind, without those that are rare and absent.
fn kinds(counts: &Counts) -> String {
    let mut kinds = format!(
        "{} photons, {} overflow ({} periods), {} marker, {} sync",
        grouped(counts.photons),
        grouped(counts.overflow_records),
        grouped(counts.overflow_periods),
        grouped(counts.markers),
        grouped(counts.sync_records)
    );
    let rare = [
        (counts.loss_records, "loss"),
        (counts.shared_records, "photons beside another in one record"),
        (counts.late, "late"),
        (counts.unknown_records, "unknown"),
    ];
    for (count, name) in rare.into_iter().filter(|(count, _)| *count > 0) {
        _ = write!(kinds, ", {} {name}", grouped(count));
    }
    kinds
}

fn value(value: &TagValue) -> String {
    match value {
        TagValue::Empty => String::new(),
        TagValue::Bool(value) => value.to_string(),
        TagValue::Int(value) => value.to_string(),
        TagValue::BitSet(value) | TagValue::Color(value) => format!("{value:#x}"),
        TagValue::Float(value) => value.to_string(),
        TagValue::DateTime(days) => format!("{days} days since 1899-12-30"),
        TagValue::Floats(values) => format!("{values:?}"),
        // A file's text goes to a terminal: nothing that would steer it.
        TagValue::Text(text) | TagValue::WideText(text) => {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
        }
        TagValue::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn table(report: &Report, text: &mut String) {
    let tick = report.scanned.reader.tick_length();
    let time = |ticks| si(seconds(tick, ticks), "s", 6);
    let columns = ["channel", "photons", "rate", "first", "last", "smallest gap"];
    let [a, b, c, d, e, f] = columns;
    _ = writeln!(text, "\n  {a:>7}{b:>15}{c:>13}{d:>14}{e:>14}{f:>14}");
    for (number, channel) in report.channels() {
        let photons = grouped(channel.count);
        let rate = report.rate(channel.count).map_or("-".into(), |r| si(r, "Hz", 4));
        let (first, last) = (time(channel.first), time(channel.last));
        let gap = report.gap(number).and_then(InterArrival::smallest_gap);
        let gap = gap.map_or("-".into(), |gap| si(seconds(tick, gap), "s", 4));
        _ = writeln!(text, "  {number:>7}{photons:>15}{rate:>13}{first:>14}{last:>14}{gap:>14}");
    }
    for (number, _) in report.channels() {
        let Some(gaps) = report.gap(number) else { continue };
        // Where it is longer than the gap itself, light and statistics say nothing of dead time.
        let smallest = gaps.smallest_gap().map_or(0.0, |gap| gap.0 as f64);
        if let Some(excess) = gaps.dead_time_excess_ticks().filter(|e| *e < smallest) {
            let excess = si(excess * tick.as_ps_f64() * 1e-12, "s", 2);
            _ = writeln!(
                text,
                "  The dead time of channel {number} is at most its smallest gap, typically \
                 {excess} less."
            );
        }
    }
}

fn rate_chart(report: &Report, text: &mut String, channel: u8) {
    let tick = report.scanned.reader.tick_length();
    let columns = report.rates.merged_rates_hz(channel, tick, CHART_COLUMNS);
    let top = columns.iter().copied().fold(0.0, f64::max);
    let end = si(seconds(tick, report.duration()), "s", 3);
    let top_text = si(top, "Hz", 3);
    _ = writeln!(text, "\n  rate of channel {channel} from 0 to {end}, up to {top_text}");
    for line in bars(&columns, top, 3) {
        _ = writeln!(text, "  {line}");
    }
}
