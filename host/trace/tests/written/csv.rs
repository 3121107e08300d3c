//! Text, a detection a line.

use helio_trace::{CsvUnit, ReadOptions, TraceFormat};
use helio_units::TickLength;
use proptest::prelude::*;

use crate::support::{Content, changes, check_damaged, of, read, read_with, tag};

fn in_unit(text: &str, unit: &str) -> Content {
    let csv_unit = Some(unit.parse().unwrap());
    read_with(text.as_bytes(), &ReadOptions { csv_unit, ..ReadOptions::default() }).unwrap()
}

#[test]
fn units_headers_separators_and_line_ends() {
    let cases = [
        ("10,1\n20,0\n", "10 ps, no header"),
        ("# made by hand\r\ntime_ns;channel\r\n0.01;1\r\n0.02;0", "named unit"),
        ("channel\ttime (ps)\n1\t10\n\n0\t20\n", "named columns"),
        ("  10   1\n  20   0\n", "spaces"),
        ("\u{FEFF}Time [s], Channel, Comment\n1e-11, 1, a\n2E-11, 0, b\n", "further columns"),
    ];
    for (text, case) in cases {
        let content = read(text.as_bytes());
        assert!(content.fault.is_none(), "{case}: {:?}", content.fault);
        assert_eq!(content.photons, [tag(10, 1), tag(20, 0)], "{case}");
        assert_eq!(content.meta.tick, TickLength::new(1, 1).unwrap());
    }
    let content = in_unit("time_ns,channel\n1,-2\n2.5,2\n", "us");
    assert_eq!(content.photons, [tag(1_000_000, 130), tag(2_500_000, 2)]);
    let content = in_unit("5\n8\n", "125/32ps");
    assert_eq!(content.photons, [tag(5, 0), tag(8, 0)]);
    assert_eq!(content.meta.tick, TickLength::new(125, 32).unwrap());
}

#[test]
fn what_is_no_detection_is_named_with_line_and_byte() {
    let cases = [
        ("10,1\n20,x\n", "no channel number from -127 to 127 in line 2 at byte 5 (“20,x”)"),
        ("10,1\n20,128\n", "no channel number"),
        ("10,1\n-20,1\n", "a time before zero in line 2"),
        ("10,1\n20,1,5\n", "more columns"),
        ("10,1\n1e30,1\n", "a time beyond 2^64 ticks"),
        ("10,1\n\n5,1\n", "steps back from tick 10 to 5 at byte 6"),
        ("channel,time\n0,10\n1\n", "no time in line 3 at byte 18"),
        ("10,1\nabc\n", "no number where the time is expected"),
    ];
    for (text, part) in cases {
        let content = read(text.as_bytes());
        assert_eq!(content.photons[0].tick.0, 10, "what precedes it is delivered");
        let fault = content.fault.unwrap().to_string();
        assert!(fault.contains(part), "“{part}” in: {fault}");
        let options = ReadOptions { salvage: true, ..ReadOptions::default() };
        let content = read_with(text.as_bytes(), &options).unwrap();
        assert!(content.fault.is_none() && content.damage.is_some());
    }
    let content = in_unit("5.5,1\n", "81ps");
    assert!(content.fault.unwrap().to_string().contains("no whole number of ticks"));
}

#[test]
fn a_line_without_its_channel_is_not_one_of_channel_zero() {
    let missing = "no channel, which the lines before it have";
    let cases = [
        ("time_ps;channel;x\n1000;1;0\n2000\n3000;1;9\n", missing),
        ("1000,1\n2000\n3000,1\n", missing),
        ("1000,1\n2000,\n3000,1\n", "no channel number"),
        // Cut within the last line: by a column, or within a number of one that stands last.
        ("1000,1\n20", "ends at byte 9 inside record 1"),
        ("time;channel\n1000;1\n2000", "ends at byte 24 inside record 1"),
        ("time;channel;x\n1000;1;5\n2000;1", "inside record 1"),
    ];
    for (text, part) in cases {
        let content = read(text.as_bytes());
        assert_eq!(content.photons, [tag(1000, 1)], "{text}");
        let fault = content.fault.unwrap().to_string();
        assert!(fault.contains(part), "“{part}” in: {fault}");
    }
    for whole in ["1000\n2000\n", "time\n1000\n2000", "1000,0\n2000,0"] {
        let content = read(whole.as_bytes());
        assert_eq!(content.photons, [tag(1000, 0), tag(2000, 0)], "{:?}", content.fault);
    }
}

#[test]
fn a_fraction_needs_a_unit_and_a_whole_number_may_have_a_point() {
    let seconds = "timestamp,channel\n0.000001,0\n0.000002,1\n";
    let fault = read(seconds.as_bytes()).fault.unwrap().to_string();
    assert!(fault.contains("--unit"), "{fault}");
    let photons = [tag(1_000_000, 0), tag(2_000_000, 1)];
    assert_eq!(in_unit(seconds, "s").photons, photons);
    assert_eq!(read(b"time_s,channel\n0.000001,0\n0.000002,1\n").photons, photons);
    // As pandas writes whole numbers.
    let pandas = "timestamp,channel\n1000000.0,0\n2e6,1\n";
    assert_eq!(read(pandas.as_bytes()).photons, photons);
    assert_eq!(in_unit("5.0,1\n", "81ps").photons, [tag(5, 1)]);
}

#[test]
fn a_line_without_an_end_is_given_up_in_bounded_memory() {
    let mut text = b"1,1\n".to_vec();
    text.extend(vec![b'7'; 3 << 20]);
    let content = read(&text);
    assert_eq!(content.photons, [tag(1, 1)]);
    assert!(content.fault.unwrap().to_string().contains("in line 2 at byte 4"));
    assert!(content.position < 1 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_are_read_as_they_were_written(
        steps in prop::collection::vec((0u64..1 << 40, 0u8..128), 1..3000),
        separator in prop::sample::select(vec![",", ";", "\t", " ", " , "]),
        exponent in prop::sample::select(vec![-12i8, -9, -6, -3, 0]),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        cut in 0usize..30_000, changes in changes(),
    ) {
        let digits = usize::from((exponent + 12) as u8);
        let (mut now, mut text, mut expected) = (0u64, String::new(), Vec::new());
        for (step, channel) in steps {
            now += step;
            let unit = 10u64.pow(digits as u32);
            let point = if digits > 0 { "." } else { "" };
            let part = if digits > 0 { format!("{:0digits$}", now % unit) } else { String::new() };
            text += &format!("{}{point}{part}{separator}{channel}{end}", now / unit);
            expected.push(tag(now, channel));
        }
        let options =
            ReadOptions { csv_unit: Some(CsvUnit::Seconds(exponent)), ..of(TraceFormat::Csv) };
        let content = read_with(text.as_bytes(), &options).unwrap();
        prop_assert!(content.fault.is_none(), "{:?}", content.fault);
        prop_assert_eq!(&content.photons, &expected);
        // A cut line may still be one.
        let content = read_with(&text.as_bytes()[..cut.min(text.len())], &options).unwrap();
        let sure = content.photons.len().saturating_sub(1);
        prop_assert_eq!(&content.photons[..sure], &expected[..sure]);
        check_damaged(text.as_bytes(), &changes, &options);
    }
}
