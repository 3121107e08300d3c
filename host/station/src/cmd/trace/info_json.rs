//! What a trace holds, for programs. The keys are described in `docs/traces.md`.

use helio_timetag::analysis::InterArrival;
use helio_trace::{Meta, Tag, TagValue};
use helio_units::TickLength;
use serde_json::{Map, Value, json};

use super::info::Report;
use super::source::{exact_ps, file_name, tick_json, tick_text};

/// Everything as one object.
pub(super) fn of(report: &Report) -> Value {
    let (meta, counts) = (report.scanned.reader.meta(), report.scanned.reader.counts());
    let tick = meta.tick;
    let markers: Map<String, Value> =
        report.summary.markers().map(|(bits, n)| (bits.to_string(), json!(n))).collect();
    let (marker_head, last_marker) = report.summary.marker_ends();
    let marker = |m: &helio_trace::Marker| json!([m.bits, m.tick.0]);
    let mut all = json!({
        "file": file_name(&report.args.source.file),
        "bytes": report.scanned.reader.position(),
        "format": meta.format_name(),
        "header_bytes": meta.header_bytes,
        "header_tags": meta.tags.len(),
        "tags": meta.tags.iter().map(tag).collect::<Vec<_>>(),
        "header_number_of_records": meta.claimed_records,
        "number_of_records_field_offset": meta.claimed_records_at,
        "records_in_file": counts.records(),
        "trailing_bytes": counts.trailing_bytes,
        "hw_type": meta.hardware(),
        "sync_rate_header_hz": meta.sync_rate_hz(),
        "tick": tick_json(tick),
        "tick_ps": number(tick.as_ps_f64()),
        "time_unit": time_unit(meta),
        "begin_ticks": report.beginning().0,
        "duration_ticks": report.duration().0,
        "duration_ps": exact_ps(tick, report.duration()),
        "counts": {
            "photons": counts.photons,
            "overflow_records": counts.overflow_records,
            "overflow_periods_total": counts.overflow_periods,
            "markers": counts.markers,
            "sync_records": counts.sync_records,
            "loss_records": counts.loss_records,
            "missed": counts.missed,
            "late": counts.late,
            "shared_records": counts.shared_records,
            "unknown_records": counts.unknown_records,
        },
        "marker_bits_counts": markers,
        "first_5_markers_bits_tick": marker_head.iter().map(marker).collect::<Vec<_>>(),
        "last_marker_bits_tick": last_marker.as_ref().map(marker),
        "channels": channels(report, tick),
        "first_5_photons": head(report),
        "photon_times_monotone": report.summary.steps_back() == 0,
        "damage": report.scanned.reader.damage().map(ToString::to_string),
        "notes": report.scanned.notes,
    });
    if let Some(recording) = report.scanned.reader.recording() {
        all["recording"] = json!({
            "blocks": recording.blocks,
            "payload_bytes": recording.payload_bytes,
            "bytes_per_photon": report.bytes_per_photon(),
            "index": recording.index.name(),
        });
    }
    for (key, value) in of_format(meta).into_iter().chain(syncs(report)) {
        all[key] = value;
    }
    all
}

/// What only some formats say.
fn of_format(meta: &Meta) -> Vec<(&'static str, Value)> {
    let unit = meta.dtime.and_then(|dtime| dtime.unit);
    let mut figures = vec![("dtime", unit.map_or(Value::Null, tick_json))];
    if let Some(kind) = meta.record_type {
        figures.push(("record_type", json!(format!("{:#010x}", kind.code()))));
        figures.push(("record_type_name", json!(kind.name())));
    }
    match meta.text("Ident") {
        Some(ident) => {
            // Of T2 records this is what the instrument's own steps are.
            let resolution = unit.map(TickLength::as_ps_f64).or(meta.float("BaseResolution"));
            figures.extend([
                ("ident", json!(ident)),
                ("format_version", json!(meta.version)),
                ("dtime_resolution_ps", resolution.map_or(Value::Null, number)),
            ]);
        }
        None if !meta.version.is_empty() => figures.extend([
            ("container_version", json!(meta.version)),
            ("measurement_mode", json!(meta.int("Measurement_Mode"))),
            ("global_resolution_s", json!(meta.float("MeasDesc_GlobalResolution"))),
            ("measdesc_resolution_s", json!(meta.float("MeasDesc_Resolution"))),
            ("acquisition_time_ms", json!(meta.int("MeasDesc_AcquisitionTime"))),
        ]),
        None => {}
    }
    if let Some(clock) = meta.int("TTTRGlobclock") {
        // A number of 32 bits; rounded to a femtosecond.
        let resolution = meta.float("Resolution").map(|ns| (ns * 1e6).round() / 1e6);
        figures.push(("timetag_tick_ns", json!(clock)));
        figures.push(("start_stop_resolution_ns", json!(resolution)));
    }
    figures
}

fn syncs(report: &Report) -> Vec<(&'static str, Value)> {
    let Some((first, last, count)) = report.summary.syncs() else { return Vec::new() };
    let span = last.0.saturating_sub(first.0) as f64;
    let mean = (count > 1).then(|| span / (count - 1) as f64);
    vec![
        ("sync_ticks_first_last", json!([first.0, last.0])),
        ("sync_mean_period_ticks", json!(mean)),
    ]
}

fn time_unit(meta: &Meta) -> String {
    match meta.dtime {
        Some(dtime) if dtime.adds => {
            "1 tick = one sync period (global_resolution_s); first_ps/last_ps = \
             nsync*global_resolution, dtime not added"
                .into()
        }
        _ => format!("1 tick = {}", tick_text(meta.tick)),
    }
}

fn channels(report: &Report, tick: TickLength) -> Map<String, Value> {
    let of_channel = report.channels().map(|(number, channel)| {
        let gap = report.gap(number);
        let smallest = gap.and_then(InterArrival::smallest_gap);
        let excess = gap.and_then(InterArrival::dead_time_excess_ticks);
        let mut value = json!({
            "count": channel.count,
            "first_tick": channel.first.0,
            "last_tick": channel.last.0,
            "first_ps": exact_ps(tick, channel.first),
            "last_ps": exact_ps(tick, channel.last),
            "rate_hz": report.rate(channel.count),
            "smallest_gap_ticks": smallest.map(|gap| gap.0),
            "smallest_gap_ps": smallest.map(|gap| exact_ps(tick, gap)),
            "dead_time_excess_ps": excess.map(|ticks| ticks * tick.as_ps_f64()),
        });
        if let Some(dtimes) = report.summary.dtimes(number) {
            value["dtime_min"] = json!(dtimes.min);
            value["dtime_max"] = json!(dtimes.max);
            value["dtime_sum"] = json!(dtimes.sum);
            value["dtime_mode"] = json!(dtimes.mode);
            value["dtime_mode_count"] = json!(dtimes.mode_count);
        }
        (number.to_string(), value)
    });
    of_channel.collect()
}

/// Channel and tick of each of the first detections, and its dtime where there is one.
fn head(report: &Report) -> Vec<Value> {
    let (head, dtimes) = (report.summary.head(), report.summary.head_dtimes());
    let detection = |(i, tag): (usize, &helio_trace::TimeTag)| match dtimes.get(i) {
        Some(dtime) => json!([tag.channel, tag.tick.0, dtime]),
        None => json!([tag.channel, tag.tick.0]),
    };
    head.iter().enumerate().map(detection).collect()
}

fn tag(tag: &Tag) -> Value {
    json!({ "ident": tag.ident, "index": tag.index, "value": tag_value(&tag.value) })
}

fn tag_value(value: &TagValue) -> Value {
    match value {
        TagValue::Empty => Value::Null,
        TagValue::Bool(value) => json!(value),
        TagValue::Int(value) => json!(value),
        TagValue::BitSet(value) | TagValue::Color(value) => json!(value),
        TagValue::Float(value) | TagValue::DateTime(value) => json!(value),
        TagValue::Floats(values) => json!(values),
        TagValue::Text(text) | TagValue::WideText(text) => json!(text),
        TagValue::Blob(bytes) => json!({ "bytes": bytes.len() }),
    }
}

/// Without a point where it is a whole number.
fn number(value: f64) -> Value {
    match value.fract() == 0.0 && value.abs() < 1e15 {
        true => json!(value as i64),
        false => json!(value),
    }
}
