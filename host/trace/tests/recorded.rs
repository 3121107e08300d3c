//! Recordings of real instruments, against figures found without this crate.

use std::collections::BTreeSet;
use std::path::Path;

use helio_trace::{Chunk, Meta, PhotonTime, ReadOptions, Summary, TraceReader, open};
use helio_units::{TickLength, Ticks};
use serde_json::{Value, json};

use figures::{assert_includes, recordings};

mod figures;

fn scan(path: &Path, options: &ReadOptions) -> (Box<dyn TraceReader>, Summary) {
    let mut reader = open(path, options).unwrap();
    let (mut chunk, mut summary) = (Chunk::default(), Summary::default());
    while reader.read_chunk(&mut chunk).unwrap() {
        assert!(chunk.dtimes.is_empty() || chunk.dtimes.len() == chunk.photons.len());
        summary.add(&chunk);
    }
    (reader, summary)
}

fn ps(tick: TickLength, ticks: Ticks) -> Value {
    let scaled = u128::from(ticks.0) * u128::from(tick.numerator_ps());
    let divisor = u128::from(tick.denominator());
    (scaled % divisor == 0).then_some((scaled / divisor) as u64).into()
}

/// The figure that this crate has under a name of the files of figures; `None` for what is no
/// figure of the trace.
fn figure(name: &str, reader: &dyn TraceReader, summary: &Summary) -> Option<Value> {
    let (meta, counts) = (reader.meta(), reader.counts());
    let unit_ps = meta.dtime.and_then(|d| d.unit).map(TickLength::as_ps_f64);
    Some(match name {
        "bytes" => reader.position().into(),
        "ident" => meta.text("Ident").into(),
        "container_version" | "format_version" => meta.version.as_str().into(),
        "record_type" => format!("{:#010x}", meta.record_type?.code()).into(),
        "header_bytes" => meta.header_bytes.into(),
        "header_tags" => meta.tags.len().into(),
        "header_number_of_records" => meta.claimed_records.into(),
        "number_of_records_field_offset" => meta.claimed_records_at.into(),
        "records_in_file" => counts.records().into(),
        "trailing_bytes" => counts.trailing_bytes.into(),
        "hw_type" => meta.hardware().into(),
        "measurement_mode" => meta.int("Measurement_Mode").into(),
        "sync_rate_header_hz" => meta.sync_rate_hz().into(),
        "acquisition_time_ms" => meta.int("MeasDesc_AcquisitionTime").into(),
        "global_resolution_s" => meta.float("MeasDesc_GlobalResolution").into(),
        "measdesc_resolution_s" => meta.float("MeasDesc_Resolution").into(),
        "dtime_resolution_ps" => unit_ps.or(meta.float("BaseResolution")).into(),
        // A number of 32 bits; the figure has six digits behind the point.
        "start_stop_resolution_ns" => {
            meta.float("Resolution").map(|ns| (ns * 1e6).round() / 1e6).into()
        }
        "format" => meta.format_name().into(),
        "timetag_tick_ns" => meta.int("TTTRGlobclock").into(),
        "tick_ps" => meta.tick.as_ps_f64().into(),
        "counts" => json!({
            "photons": counts.photons,
            "overflow_records": counts.overflow_records,
            "overflow_periods_total": counts.overflow_periods,
            "markers": counts.markers,
            "sync_records": counts.sync_records,
        }),
        "marker_bits_counts" => {
            summary.markers().map(|(bits, n)| (bits.to_string(), Value::from(n))).collect()
        }
        "channels" => channels(meta, summary),
        "first_5_photons" => {
            let dtimes = summary.head_dtimes();
            let head = summary.head().iter().enumerate().map(|(i, tag)| {
                let figures = [tag.channel.into(), tag.tick.0].into_iter();
                figures.chain(dtimes.get(i).map(|d| u64::from(*d))).collect::<Vec<_>>()
            });
            json!(head.collect::<Vec<_>>())
        }
        "first_5_markers_bits_tick" => {
            let (head, _) = summary.marker_ends();
            json!(head.iter().map(|m| (m.bits, m.tick.0)).collect::<Vec<_>>())
        }
        "last_marker_bits_tick" => {
            json!(summary.marker_ends().1.map(|m| (m.bits, m.tick.0)))
        }
        "photon_times_monotone" => (summary.steps_back() == 0).into(),
        "sync_ticks_first_last" => json!(summary.syncs().map(|(a, b, _)| (a.0, b.0))),
        "sync_mean_period_ticks" => {
            let (first, last, count) = summary.syncs()?;
            ((last.0 - first.0) as f64 / (count - 1) as f64).into()
        }
        _ => return None,
    })
}

fn channels(meta: &Meta, summary: &Summary) -> Value {
    let figures = summary.channels().map(|(number, channel)| {
        let dtimes = summary.dtimes(number);
        let figures = json!({
            "count": channel.count,
            "first_tick": channel.first.0,
            "last_tick": channel.last.0,
            "first_ps": ps(meta.tick, channel.first),
            "last_ps": ps(meta.tick, channel.last),
            "dtime_min": dtimes.map(|d| d.min),
            "dtime_max": dtimes.map(|d| d.max),
            "dtime_sum": dtimes.map(|d| d.sum),
            "dtime_mode": dtimes.map(|d| d.mode),
            "dtime_mode_count": dtimes.map(|d| d.mode_count),
        });
        (number.to_string(), figures)
    });
    figures.collect()
}

/// What files of figures say that is no figure of the trace: where it comes from, who compared it.
const BEYOND: [&str; 9] = [
    "file",
    "sha256",
    "source",
    "licence",
    "note",
    "peer_check",
    "truncated",
    "truncated_by_source",
    "time_unit",
];

#[test]
fn every_recording_is_decoded_to_its_last_record() {
    let recordings = recordings();
    assert!(recordings.len() >= 5, "{recordings:?}");
    for path in recordings {
        let text = std::fs::read_to_string(format!("{}.expected.json", path.display())).unwrap();
        let known: Value = serde_json::from_str(&text).unwrap();
        let (reader, summary) = scan(&path, &ReadOptions::default());
        assert_eq!(reader.counts().unknown_records, 0, "{}", path.display());
        let mut compared = BTreeSet::new();
        for (key, value) in known.as_object().unwrap() {
            let place = format!("{}: {key}", path.display());
            match figure(key, &*reader, &summary) {
                Some(figure) => assert_includes(&figure, value, &place),
                None => assert!(BEYOND.contains(&key.as_str()), "{place} is not compared"),
            }
            compared.insert(key.as_str());
        }
        assert!(compared.is_superset(&["counts", "channels", "records_in_file"].into()));
    }
}

#[test]
fn t3_recordings_have_their_times_in_picoseconds_too() {
    let options = ReadOptions { photon_time: PhotonTime::Picoseconds, ..ReadOptions::default() };
    let mut tried = 0;
    for path in recordings() {
        let (plain, in_periods) = scan(&path, &ReadOptions::default());
        let (reader, in_ps) = scan(&path, &options);
        let Some(dtime) = plain.meta().dtime.filter(|dtime| dtime.adds) else {
            assert_eq!(in_ps, in_periods, "{}", path.display());
            continue;
        };
        tried += 1;
        assert_eq!(reader.counts(), plain.counts());
        assert_eq!((in_ps.steps_back(), reader.counts().late), (0, 0));
        assert_eq!(reader.tick_length(), TickLength::new(1, 1).unwrap());
        let (tag, nsync) = (in_ps.head()[0], in_periods.head()[0].tick);
        let period = plain.tick_length().as_ps_f64() * nsync.0 as f64;
        let time = period + dtime.unit.unwrap().as_ps_f64() * f64::from(in_ps.head_dtimes()[0]);
        assert!((tag.tick.0 as f64 - time).abs() <= 1.0, "{}: {tag:?}", path.display());
    }
    assert!(tried > 0);
}
