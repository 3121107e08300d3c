//! A recording of a real HydraHarp 400, against figures found without this crate.

use std::path::PathBuf;

use helio_trace::{Chunk, PtuReader, RecordType, Summary};
use helio_units::TickLength;
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

#[test]
fn hydraharp_v2_t2_is_decoded_to_the_last_record() {
    let text = std::fs::read_to_string(data("lpq_hydraharp_v30_t2.ptu.expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();

    let mut reader = PtuReader::open(data("lpq_hydraharp_v30_t2.ptu")).unwrap();
    let (mut chunk, mut summary) = (Chunk::default(), Summary::default());
    while reader.read_chunk(&mut chunk).unwrap() {
        summary.add(&chunk);
    }

    let header = reader.header();
    assert_eq!(header.version, expected["container_version"]);
    assert_eq!(header.record_type, RecordType::HydraHarpV2T2);
    assert_eq!(format!("{:#010x}", header.record_type.code()), expected["record_type"]);
    assert_eq!(header.bytes, expected["header_bytes"]);
    assert_eq!(header.tags.len() as u64, expected["header_tags"]);
    assert_eq!(header.claimed_records().unwrap(), expected["header_number_of_records"]);
    assert_eq!(header.hardware().unwrap(), expected["hw_type"]);
    assert_eq!(header.int("Measurement_Mode").unwrap(), expected["measurement_mode"]);
    assert_eq!(header.int("TTResult_SyncRate").unwrap(), expected["sync_rate_header_hz"]);
    assert_eq!(header.int("MeasDesc_AcquisitionTime").unwrap(), expected["acquisition_time_ms"]);
    assert_eq!(header.float("MeasDesc_GlobalResolution").unwrap(), expected["global_resolution_s"]);
    assert_eq!(header.float("MeasDesc_Resolution").unwrap(), expected["measdesc_resolution_s"]);
    assert_eq!(reader.tick_length(), TickLength::new(1, 1).unwrap());

    let counts = reader.counts();
    assert_eq!(counts.records(), expected["records_in_file"]);
    assert_eq!(counts.photons, expected["counts"]["photons"]);
    assert_eq!(counts.overflow_records, expected["counts"]["overflow_records"]);
    assert_eq!(counts.overflow_periods, expected["counts"]["overflow_periods_total"]);
    assert_eq!(counts.markers, expected["counts"]["markers"]);
    assert_eq!(counts.sync_records, expected["counts"]["sync_records"]);
    assert_eq!(counts.unknown_records, 0);
    assert_eq!(reader.bytes_read(), expected["bytes"]);

    let channels = expected["channels"].as_object().unwrap();
    assert_eq!(summary.channels().count(), channels.len());
    for (number, channel) in summary.channels() {
        let expected = &channels[&number.to_string()];
        assert_eq!(channel.count, expected["count"]);
        assert_eq!(channel.first.0, expected["first_tick"]);
        assert_eq!(channel.last.0, expected["last_tick"]);
    }
    let head: Vec<[u64; 2]> =
        summary.head().iter().map(|t| [u64::from(t.channel), t.tick.0]).collect();
    assert_eq!(serde_json::to_value(head).unwrap(), expected["first_5_photons"]);
    assert_eq!(summary.steps_back(), 0);
}
