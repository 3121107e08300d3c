//! Arrays that others make, and arrays that nobody should have made.

use helio_trace::{ReadOptions, TraceFormat};
use proptest::prelude::*;

use crate::support::{Content, TABLES, read, tick, trace, write};

fn array(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(elements);
    bytes
}

fn whole(bytes: &[u8]) -> Content {
    let content = read(bytes, &ReadOptions::default()).unwrap();
    assert_eq!(content.fault, None);
    content
}

#[test]
fn arrays_that_users_make_are_read() {
    let times: Vec<u8> = [3u64, 5, 9].iter().flat_map(|t| t.to_le_bytes()).collect();
    let content = whole(&array("'<u8'", "(3,)", &times));
    let ticks: Vec<u64> = content.all.photons.iter().map(|tag| tag.tick.0).collect();
    assert_eq!((ticks, content.meta.tick), (vec![3, 5, 9], tick(1, 1)));

    let swapped: Vec<u8> = [3u32, 5].iter().flat_map(|t| t.to_be_bytes()).collect();
    let csv_unit = Some("125/32ps".parse().unwrap());
    let options = ReadOptions { csv_unit, ..ReadOptions::default() };
    let content = read(&array("'>u4'", "(2,)", &swapped), &options).unwrap();
    assert_eq!((content.all.photons[1].tick.0, content.meta.tick), (5, tick(125, 32)));

    // Aligned, with a falling edge and a field that means nothing here.
    let descr = "[('channel', '<i4'), ('', '|V4'), ('time_ns', '<i8'), ('height', '<f4')]";
    let mut element = (-2i32).to_le_bytes().to_vec();
    element.extend([0; 4]);
    element.extend(7i64.to_le_bytes());
    element.extend(1.5f32.to_le_bytes());
    let content = whole(&array(descr, "(1,)", &element));
    assert_eq!((content.all.photons[0].channel, content.all.photons[0].tick.0), (130, 7));
    assert_eq!(content.meta.tick, tick(1000, 1));
}

#[test]
fn an_array_of_another_length_than_its_shape_is_told_with_the_byte() {
    let times: Vec<u8> = (1u64..=20_000).flat_map(|t| t.to_le_bytes()).collect();
    // Rows that are claimed, that are there, and that are read; what is said, and where.
    let cases = [
        (
            9_000_000_000_000_000_000,
            3,
            3,
            "ends at byte {} after 3 of the 9000000000000000000 rows",
            3,
        ),
        (u64::MAX, 3, 3, "ends at byte {} after 3 of", 3),
        (4, 3, 3, "ends at byte {} after 3 of the 4 rows", 3),
        (1, 0, 0, "ends at byte {} after 0 of the 1 rows", 0),
        (2, 3, 2, "goes on at byte {} behind the 2 rows", 2),
        (9000, 20_000, 9000, "goes on at byte {} behind the 9000 rows", 9000),
        (8192, 8193, 8192, "goes on at byte {} behind the 8192 rows", 8192),
        // Broken off before its writer had counted: nothing is vouched for, and all is good.
        (0, 20_000, 20_000, "goes on at byte {} behind the 0 rows", 0),
    ];
    for (claimed, there, kept, part, end) in cases {
        let shape = format!("({claimed},)");
        let header = array("'<u8'", &shape, &[]).len();
        let bytes = array("'<u8'", &shape, &times[..8 * there]);
        let content = read(&bytes, &ReadOptions::default()).unwrap();
        let fault = content.fault.unwrap();
        let part = part.replace("{}", &(header + 8 * end).to_string());
        assert!(fault.contains(&part), "“{part}” in: {fault}");
        assert_eq!(content.all.photons.len(), kept, "{fault}");
        let options = ReadOptions { salvage: true, ..ReadOptions::default() };
        let salvaged = read(&bytes, &options).unwrap();
        assert_eq!((salvaged.fault, salvaged.all), (None, content.all), "{fault}");
    }
    for (claimed, there) in [(0, 0), (3, 3), (8192, 8192), (20_000, 20_000)] {
        let bytes = array("'<u8'", &format!("({claimed},)"), &times[..8 * there]);
        assert_eq!(whole(&bytes).all.photons.len(), there);
    }
    // Less than a row behind the array, or of its last row.
    let fault = |claimed: u64, bytes: usize| {
        let bytes = array("'<u8'", &format!("({claimed},)"), &times[..bytes]);
        read(&bytes, &ReadOptions::default()).unwrap().fault.unwrap()
    };
    assert!(fault(2, 17).contains("goes on at byte"));
    assert!(fault(3, 17).contains("inside record 2"));
}

#[test]
fn a_row_that_was_cut_is_no_other_record() {
    let table = "time_ps,channel,kind\n500,1,0\n1000,4,1\n";
    let content = whole(table.as_bytes());
    assert_eq!((content.all.photons.len(), content.all.markers.len()), (1, 1));
    for cut in [1, 2] {
        let content =
            read(&table.as_bytes()[..table.len() - cut], &ReadOptions::default()).unwrap();
        assert_eq!((content.all.photons.len(), content.all.markers.len()), (1, 0), "{cut}");
        assert!(content.fault.is_some_and(|fault| fault.contains("inside record 1")), "{cut}");
    }
    let content = read(table.replace("4,1\n", "4\n").as_bytes(), &ReadOptions::default()).unwrap();
    assert!(content.fault.is_some_and(|fault| fault.contains("another number of columns")));
}

#[test]
fn arrays_of_anything_else_are_refused_in_a_sentence() {
    let element = [255; 8];
    for (descr, shape, part) in [
        ("'<f8'", "(1,)", "a field that holds no whole numbers at byte 10"),
        ("'<i8'", "(1, 1)", "an array not of one dimension"),
        ("'<i8'", "()", "an array not of one dimension"),
        ("'O'", "(1,)", "a header without fields of known types"),
        ("[('a', '<i4'), ('b', '<i4')]", "(1,)", "no field with times"),
        ("[('time', '<i8', (2,))]", "(1,)", "a header without fields of known types"),
        ("[('time', '<i8'), ('x', '|V999999999999')]", "(1,)", "a header without fields"),
        ("[]", "(1,)", "a header without fields of known types"),
        ("'<i8' 3", "(1,)", "a header that is no Python dictionary"),
    ] {
        let fault = read(&array(descr, shape, &element), &ReadOptions::default()).err().unwrap();
        assert!(fault.contains(part), "“{part}” in: {fault}");
    }
    let fault = |descr, element: &[u8]| {
        let content = read(&array(descr, "(1,)", element), &ReadOptions::default()).unwrap();
        content.fault.unwrap()
    };
    assert!(fault("'<i8'", &element).contains("a time before zero at byte"));
    assert!(fault("'<u8'", &element).contains("a time beyond 2^63 at byte"));
    assert!(fault("'<u8'", &element[..3]).contains("inside record 0"));
    let kinds = "[('time', '<u2'), ('kind', '|u1')]";
    assert!(fault(kinds, &[1, 0, 8]).contains("a kind of row beyond 7"));
    let own = "[(('tick 4ps', 'time_ps'), '<i8'), ('channel', '|u1')]";
    assert!(fault(own, &[5, 0, 0, 0, 0, 0, 0, 0, 0]).contains("no whole number of ticks"));
    let long = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes()].concat();
    let refused = read(&long, &ReadOptions::default()).err().unwrap();
    assert!(refused.contains("a header longer than any array's at byte 12"));
    let version = read(b"\x93NUMPY\x09\x00\0\0", &ReadOptions::default()).err().unwrap();
    assert!(version.contains("is of version “9.0” by byte 6"));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_that_is_not_built_in_is_named() {
    let fault = read(b"PAR1\x15\x04\x15\x10PAR1", &ReadOptions::default()).err().unwrap();
    assert!(
        fault.contains("is of the format Apache Parquet by byte 0; build with the feature parquet")
    );
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_panic(
        (chunks, settings) in trace(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut: prop::sample::Index,
    ) {
        for &format in TABLES {
            let (mut bytes, _) = write(&chunks, format, &settings).unwrap();
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            for format in [None, Some(format), Some(TraceFormat::Npy)] {
                let options = ReadOptions { format, ..ReadOptions::default() };
                let fault = match read(&bytes, &options) {
                    Ok(content) => {
                        prop_assert!(content.all.photons.len() <= bytes.len());
                        content.fault
                    }
                    Err(fault) => Some(fault),
                };
                if let Some(fault) = fault {
                    prop_assert!(fault.contains("byte"), "{}", fault);
                }
            }
        }
    }
}

/// A file whose index says that a column begins before the file: the library's assertion is not reached.
#[cfg(feature = "parquet")]
#[test]
fn a_column_before_the_beginning_of_a_parquet_file_is_damage() {
    let file = include_bytes!("../../../../fuzz/corpus/parquet_read/negative");
    let fault = read(file, &ReadOptions::default()).unwrap().fault.unwrap().to_string();
    assert!(fault.contains("before the beginning of the file"), "{fault}");
}
