//! PTU files of every record type.

use helio_trace::{PhotonTime, ReadOptions, TagValue, TraceFormat};
use helio_units::TickLength;
use proptest::prelude::*;

use crate::records::{Event, KINDS, assert_read, events, write};
use crate::support::{changes, check_cut, check_damaged, read, read_with};

fn tag(ident: &str, kind: u32, value: u64) -> Vec<u8> {
    let mut bytes = ident.as_bytes().to_vec();
    bytes.resize(32, 0);
    bytes.extend((-1i32).to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(value.to_le_bytes());
    bytes
}

const FLOAT: u32 = 0x2000_0008;
const INT: u32 = 0x1000_0008;

/// A file with this number of records in its header.
fn file(code: u32, global_s: f64, dtime_s: f64, claimed: u64, words: &[u32]) -> Vec<u8> {
    let mut bytes = b"PQTTTR\0\x001.0.00\0\0".to_vec();
    bytes.extend(tag("Comment", 0x4001_FFFF, 8));
    bytes.extend(b"1 \xb5W\0\0\0\0");
    bytes.extend(tag("TTResultFormat_TTTRRecType", INT, code.into()));
    bytes.extend(tag("MeasDesc_GlobalResolution", FLOAT, global_s.to_bits()));
    bytes.extend(tag("MeasDesc_Resolution", FLOAT, dtime_s.to_bits()));
    bytes.extend(tag("TTResult_NumberOfRecords", INT, claimed));
    bytes.extend(tag("Header_End", 0xFFFF_0008, 0));
    assert_eq!(bytes.len(), HEADER);
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

const HEADER: usize = 16 + 6 * 48 + 8;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_type_is_read_as_it_was_written(
        events in events(), most in 1u64..1023, which in 0..KINDS.len(), claimed: u64,
    ) {
        let kind = KINDS[which];
        let written = write(kind, &events, most);
        let bytes = file(kind.code, 1e-12, 4e-12, claimed, &written.words);
        let content = read(&bytes);
        assert_read(&written, &content);
        prop_assert_eq!(content.meta.record_type.unwrap().code(), kind.code);
        prop_assert_eq!(content.meta.header_bytes as usize, HEADER);
        prop_assert_eq!(content.meta.claimed_records, u64::try_from(claimed as i64).ok());
        prop_assert_eq!(content.meta.text("Comment"), Some("1 µW"));
        prop_assert_eq!(content.meta.dtime.is_some(), kind.t3);
    }

    #[test]
    fn times_in_picoseconds_are_those_of_the_sync_pulse_and_after_it(
        events in events(), rate in 1_000_000u32..80_000_000, unit_ps in 1u16..100,
    ) {
        let kind = KINDS[5];
        let written = write(kind, &events, 1000);
        let (period, unit) = (1.0 / f64::from(rate), f64::from(unit_ps) * 1e-12);
        let bytes = file(kind.code, period, unit, 0, &written.words);
        let options =
            ReadOptions { photon_time: PhotonTime::Picoseconds, ..ReadOptions::default() };
        let content = read_with(&bytes, &options).unwrap();
        prop_assert_eq!(content.meta.tick, TickLength::new(1, 1).unwrap());
        prop_assert_eq!(content.counts.late, 0);
        // The header holds the period as a float; which fraction that is tells its own test.
        let exact = helio_trace::tick_length_of(period).unwrap();
        let mut expected: Vec<(u64, u8)> = written.photons.iter().zip(&written.dtimes)
            .map(|(tag, dtime)| {
                let periods = u128::from(tag.tick.0) * u128::from(exact.numerator_ps());
                let sync = periods / u128::from(exact.denominator());
                (sync as u64 + u64::from(*dtime) * u64::from(unit_ps), tag.channel)
            })
            .collect();
        expected.sort_by_key(|(time, _)| *time);
        let found: Vec<(u64, u8)> =
            content.photons.iter().map(|tag| (tag.tick.0, tag.channel)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn cut_and_damaged_files_keep_what_was_whole(
        events in events(), which in 0..KINDS.len(), cut in 8usize..1000, changes in changes(),
    ) {
        let kind = KINDS[which];
        let written = write(kind, &events, 100);
        let bytes = file(kind.code, 1e-12, 4e-12, 1 << 62, &written.words);
        check_cut(&bytes, HEADER, 4, cut, &ReadOptions::default());
        check_damaged(&bytes, &changes, &ReadOptions::default());
    }
}

#[test]
fn a_t3_file_without_the_unit_of_its_dtimes_is_refused() {
    let mut bytes = file(0x0001_0303, 1e-8, 4e-12, 0, &[]);
    let at = bytes.windows(19).position(|w| w == b"MeasDesc_Resolution").unwrap();
    bytes[at] = b'X';
    let fault = read_with(&bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("lacks the header tag “MeasDesc_Resolution”"), "{fault}");
    let bytes = file(0x0001_0303, 1e-8, -1.0, 0, &[]);
    let fault = read_with(&bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("-1 s (MeasDesc_Resolution)"), "{fault}");
}

#[test]
fn a_tag_of_2_63_bytes_and_a_header_of_tags_in_a_loop_are_refused() {
    let mut bytes = file(0x0001_0207, 1e-12, 1e-12, 0, &[1, 2, 3]);
    bytes[16 + 40..16 + 48].copy_from_slice(&(1u64 << 63).to_le_bytes());
    let fault = read_with(&bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("9223372036854775808 bytes") && fault.contains("byte 16"), "{fault}");

    let mut bytes = bytes[..16].to_vec();
    (0..100_000).for_each(|_| bytes.extend(tag("Again", INT, 0)));
    let fault = read_with(&bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("no Header_End within its first"), "{fault}");
}

#[test]
fn fields_are_kept_in_their_order_with_their_types() {
    let content = read(&file(0x0001_0207, 1e-12, 2e-12, 7, &[]));
    let names: Vec<&str> = content.meta.tags.iter().map(|tag| tag.ident.as_str()).collect();
    assert_eq!(names[0..2], ["Comment", "TTResultFormat_TTTRRecType"]);
    assert_eq!(content.meta.tags[3].value, TagValue::Float(2e-12));
    assert_eq!(content.meta.format, TraceFormat::PicoQuantPtu);
    assert_eq!(content.meta.claimed_records_at, Some((HEADER - 48 - 8) as u64));
}

#[test]
fn a_stray_byte_behind_all_claimed_records_is_left_out() {
    let written = write(KINDS[4], &[(0, 0.0, Event::Photon { channel: 1, dtime: 0 }); 3], 1);
    let mut bytes = file(KINDS[4].code, 1e-12, 1e-12, 3, &written.words);
    bytes.push(4);
    let content = read(&bytes);
    assert_read(&written, &content);
    assert_eq!(content.counts.trailing_bytes, 1);
}

#[test]
fn sync_periods_beyond_2_64_ps_are_a_fault_behind_what_precedes_them() {
    let mut words = vec![1 << 25 | 3];
    words.extend([0xFE00_03FF; 40]);
    words.push(2 << 25 | 5);
    let bytes = file(0x0001_0307, 0.9, 1e-12, 0, &words);
    let options = ReadOptions { photon_time: PhotonTime::Picoseconds, ..ReadOptions::default() };
    let content = read_with(&bytes, &options).unwrap();
    assert_eq!(content.photons, [crate::support::tag(2_700_000_000_000, 1)]);
    assert!(content.fault.unwrap().to_string().contains("past 2^64 ps before byte"));
    let content = read_with(&bytes, &ReadOptions { salvage: true, ..options }).unwrap();
    assert!(content.fault.is_none() && content.damage.is_some());
}
