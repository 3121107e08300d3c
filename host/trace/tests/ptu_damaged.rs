//! Damaged and foreign files: each gives its error, with the byte and the remedy; none panics, none
//! makes the reader allocate what the file merely claims.

use std::path::PathBuf;

use helio_trace::{Chunk, ReadOptions, TraceError, from_read, open};
use proptest::prelude::*;

const HEADER_BYTES: usize = 4392;

/// The header and the first 20 000 records of the recording: more than one chunk.
fn recording() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut bytes = std::fs::read(path.join("lpq_hydraharp_v30_t2.ptu")).unwrap();
    bytes.truncate(HEADER_BYTES + 80_000);
    bytes
}

fn read(bytes: &[u8]) -> (u64, Result<(), TraceError>) {
    let mut reader = match from_read(bytes, &ReadOptions::default()) {
        Ok(reader) => reader,
        Err(err) => return (0, Err(err)),
    };
    let mut chunk = Chunk::default();
    loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => {}
            end => {
                assert!(!reader.read_chunk(&mut chunk).unwrap(), "an error ends the file");
                return (reader.counts().records(), end.map(|_| ()));
            }
        }
    }
}

fn error(bytes: &[u8]) -> TraceError {
    read(bytes).1.unwrap_err()
}

/// Where the tag of this name begins.
fn tag_at(bytes: &[u8], ident: &str) -> usize {
    let mut name = [0u8; 32];
    name[..ident.len()].copy_from_slice(ident.as_bytes());
    bytes.windows(32).position(|w| w == name).unwrap()
}

fn with_value(ident: &str, value: [u8; 8]) -> Vec<u8> {
    let mut bytes = recording();
    let at = tag_at(&bytes, ident) + 40;
    bytes[at..at + 8].copy_from_slice(&value);
    bytes
}

#[test]
fn a_missing_file_and_a_directory_are_not_opened() {
    for path in ["no/such/file.ptu", env!("CARGO_MANIFEST_DIR")] {
        let err = open(path, &ReadOptions::default()).unwrap_err();
        assert!(matches!(err, TraceError::Open(_)), "{err}");
    }
}

#[test]
fn foreign_files_are_named() {
    for (bytes, found) in [
        (&b""[..], "of no format known here; found nothing, the file is empty at byte 0"),
        (b"PQTTTR", "of no format known here; found the text “PQTTTR”"),
        (b"PQHISTO\x001.0.00\0\0", "histograms"),
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47"),
    ] {
        let text = error(bytes).to_string();
        assert!(text.contains(found), "{text}");
    }
}

#[test]
fn a_header_that_is_cut_names_the_byte_wherever_it_is_cut() {
    let bytes = recording();
    for length in (8..HEADER_BYTES).step_by(13) {
        let err = error(&bytes[..length]);
        assert!(
            matches!(err, TraceError::HeaderTruncated { offset } if offset == length as u64),
            "{length}: {err}"
        );
    }
}

#[test]
fn a_record_that_is_cut_comes_after_all_complete_ones() {
    let bytes = recording();
    for (complete, rest) in [(0, 1), (5, 3), (16_384, 2), (16_385, 1)] {
        let length = HEADER_BYTES + 4 * complete + rest;
        let (records, result) = read(&bytes[..length]);
        assert_eq!(records, complete as u64);
        let err = result.unwrap_err();
        let expected = format!(
            "records end at byte {}, read them with --salvage",
            HEADER_BYTES + 4 * complete
        );
        assert!(err.to_string().contains(&expected), "{err}");
        assert!(err.to_string().contains(&format!("byte {length}")), "{err}");
    }
}

#[test]
fn fewer_records_than_the_header_claims_are_read_and_both_numbers_told() {
    let bytes = recording();
    let mut reader = from_read(&bytes[..], &ReadOptions::default()).unwrap();
    while reader.read_chunk(&mut Chunk::default()).unwrap() {}
    assert_eq!(reader.counts().records(), 20_000);
    assert_eq!(reader.meta().claimed_records, Some(435_319));
}

#[test]
fn a_length_that_no_file_has_is_refused_before_it_is_allocated() {
    for claimed in [1u64 << 63, u64::MAX, 1 << 40, 5 << 20] {
        let err = error(&with_value("File_GUID", claimed.to_le_bytes()));
        assert!(
            matches!(err, TraceError::TagTooLong { offset: 16, claimed: c, .. } if c == claimed),
            "{err}"
        );
    }
}

#[test]
fn a_header_without_an_end_is_given_up() {
    let mut bytes = recording()[..16].to_vec();
    let empty = [&[b'x'; 32][..], &[0xFF; 4], &[0x08, 0, 0xFF, 0xFF], &[0; 8]].concat();
    for _ in 0..100_000 {
        bytes.extend(&empty);
    }
    let err = error(&bytes);
    assert!(matches!(err, TraceError::HeaderEndless { .. }), "{err}");
}

#[test]
fn unknown_records_are_named() {
    let unknown = error(&with_value("TTResultFormat_TTTRRecType", 0x99u64.to_le_bytes()));
    assert!(unknown.to_string().contains("unsupported type 0x00000099"), "{unknown}");
}

#[test]
fn salvaging_keeps_what_precedes_the_damage_and_tells_it() {
    let mut bytes = recording();
    bytes.truncate(HEADER_BYTES + 4002);
    let options = ReadOptions { salvage: true, ..ReadOptions::default() };
    let mut reader = from_read(&bytes[..], &options).unwrap();
    let mut chunk = Chunk::default();
    while reader.read_chunk(&mut chunk).unwrap() {
        assert!(reader.counts().photons > 0);
    }
    assert_eq!(reader.counts().records(), 1000);
    assert!(reader.damage().unwrap().to_string().contains("ends at byte 8394"));
}

#[test]
fn a_resolution_that_is_no_tick_is_refused() {
    for seconds in [0.0, -1e-12, 2.0, f64::NAN, f64::INFINITY] {
        let err = error(&with_value("MeasDesc_GlobalResolution", seconds.to_le_bytes()));
        assert!(matches!(err, TraceError::UnusableResolution { .. }), "{err}");
    }
}

#[test]
fn a_missing_tag_and_an_unknown_type_are_named() {
    let mut bytes = recording();
    let at = tag_at(&bytes, "TTResultFormat_TTTRRecType");
    bytes[at] = b'X';
    let err = error(&bytes);
    assert!(err.to_string().contains("lacks the header tag “TTResultFormat_TTTRRecType”"), "{err}");

    let mut bytes = recording();
    let at = tag_at(&bytes, "Measurement_Mode");
    bytes[at + 36] = 0x77;
    let err = error(&bytes);
    assert!(
        matches!(&err, TraceError::UnknownTagType { offset, .. } if *offset == at as u64),
        "{err}"
    );
}

proptest! {
    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((0usize..6000, any::<u8>()), 1..20),
        cut in 0usize..6000,
    ) {
        let mut bytes = recording();
        bytes.truncate(6000);
        for (at, value) in changes {
            bytes[at] = value;
        }
        let _ = read(&bytes);
        bytes.truncate(cut);
        let _ = read(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut bytes = b"PQTTTR\0\x001.0.00\0\0".to_vec();
        bytes.extend(&tail);
        let _ = read(&tail);
        let _ = read(&bytes);
    }

    #[test]
    fn random_records_never_panic(words in prop::collection::vec(any::<u32>(), 0..3000)) {
        let mut bytes = recording()[..HEADER_BYTES].to_vec();
        bytes.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        if read(&bytes).1.is_ok() {
            prop_assert_eq!(read(&bytes).0, words.len() as u64);
        }
    }
}
