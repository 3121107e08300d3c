//! PicoQuant's older files: headers of fixed fields, then records.

use helio_trace::{ReadOptions, TraceFormat};
use helio_units::TickLength;
use proptest::prelude::*;

use crate::records::{Family, KINDS, Kind, assert_read, events, write};
use crate::support::{changes, check_cut, check_damaged, read, read_with};

/// Fields one after the other.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn text(mut self, text: &str, bytes: usize) -> Self {
        self.0.extend(text.bytes());
        self.0.extend(vec![0; bytes - text.len()]);
        self
    }

    fn ints(mut self, values: &[i32]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    fn zeros(self, ints: usize) -> Self {
        self.ints(&vec![0; ints])
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// From the name of the program to the comment.
    fn creator(self) -> Self {
        let this = self.text("Creator", 18).text("1.2", 12).text("08/09/03 12:51:43", 18);
        this.text("\r\n", 2).text("25 km", 256)
    }

    /// Curves, parameters, repetitions and script.
    fn display(self) -> Self {
        self.zeros(16).zeros(9).zeros(4).text("TTTR Mode", 20)
    }
}

fn hydraharp(version: &str, mode: i32, inputs: usize, special: &[u8], claimed: i64) -> Vec<u8> {
    let words = special.len() as i32 / 4;
    Fields::default()
        .text("HydraHarp", 16)
        .text(version, 6)
        .creator()
        .ints(&[0, 32, 0, mode, 0, 4])
        .bytes(&16f64.to_le_bytes())
        .zeros(10)
        .display()
        .text("HydraHarp 400", 16)
        .text("930021", 8)
        .zeros(2 + 20)
        .bytes(&1f64.to_le_bytes())
        .zeros(2)
        .ints(&[inputs as i32])
        .zeros(7)
        .zeros(5 * inputs)
        .ints(&[998_898, 10_000, 0, words])
        .bytes(&claimed.to_le_bytes())
        .bytes(special)
        .0
}

fn picoharp(mode: i32, special: &[u8], claimed: i32) -> Vec<u8> {
    Fields::default()
        .text("PicoHarp 300", 16)
        .text("2.0", 6)
        .creator()
        .ints(&[0, 32, 4, 1, 0, mode])
        .zeros(12)
        .display()
        .text("PicoHarp 300", 16)
        .text("2.0", 8)
        .zeros(6)
        .bytes(&0.032f32.to_le_bytes())
        .zeros(2 + 24)
        .ints(&[0, 0, 0, 40_000_000, 1000, 60_000, 0, claimed, special.len() as i32 / 4])
        .bytes(special)
        .0
}

fn timeharp(sixth: bool, special: &[u8], claimed: i32) -> Vec<u8> {
    let fields = Fields::default().text("TimeHarp 200", 16);
    let fields = match sixth {
        true => fields.text("6.0", 6).creator(),
        false => fields.text("5.0", 6).text("2.4", 6).text("now", 18).text("\r\n", 2).text("", 256),
    };
    let fields = fields.zeros(19).display();
    let fields = if sixth { fields.text("TimeHarp", 16).text("2.5", 8) } else { fields };
    let fields = fields.zeros(5).bytes(&0.035f32.to_le_bytes());
    let fields = fields.ints(&[100, 0, 0, 0, 0, 0, 0, 5_000_000, 1, 2, 3, claimed]);
    fields.ints(&[special.len() as i32 / 4]).bytes(special).0
}

const TIMEHARP_200: Kind = Kind { code: 0, t3: true, family: Family::TimeHarp200 };

/// A header, the kind of its records, and its format.
fn cases(special: &[u8], claimed: i32) -> Vec<(Vec<u8>, Kind, TraceFormat)> {
    let hydra = TraceFormat::HydraHarp;
    let wide = i64::from(claimed);
    vec![
        (hydraharp("1.0", 2, 4, special, wide), KINDS[2], hydra),
        (hydraharp("1.0", 3, 4, special, wide), KINDS[3], hydra),
        (hydraharp("2.0", 2, 8, special, wide), KINDS[4], hydra),
        (hydraharp("2.0", 3, 2, special, wide), KINDS[5], hydra),
        (picoharp(2, special, claimed), KINDS[0], TraceFormat::PicoHarp300),
        (picoharp(3, special, claimed), KINDS[1], TraceFormat::PicoHarp300),
        (timeharp(false, special, claimed), TIMEHARP_200, TraceFormat::TimeHarp200),
        (timeharp(true, special, claimed), TIMEHARP_200, TraceFormat::TimeHarp200),
    ]
}

#[test]
fn headers_have_their_known_lengths() {
    let lengths: Vec<usize> = cases(&[], 0).iter().map(|case| case.0.len()).collect();
    assert_eq!(lengths, [800, 800, 880, 760, 728, 728, 592, 640]);
}

#[test]
fn ticks_follow_from_version_mode_and_rate() {
    let ticks: Vec<TickLength> = cases(&[], 0).iter().map(|case| read(&case.0).meta.tick).collect();
    let tick = |n, d| TickLength::new(n, d).unwrap();
    let (period, pico) = (tick(1_000_000_000_000, 998_898), tick(25_000, 1));
    let clock = tick(100_000, 1);
    assert_eq!(ticks, [tick(1, 2), period, tick(1, 1), period, tick(4, 1), pico, clock, clock]);
    let content = read(&picoharp(3, &[], 0));
    assert_eq!(content.meta.dtime.unwrap().unit, TickLength::new(32, 1).ok());
    assert_eq!(content.meta.hardware(), Some("PicoHarp 300"));
    assert_eq!(content.meta.sync_rate_hz(), Some(40_000_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_instrument_is_read_as_it_was_written(
        events in events(), which in 0usize..8, special in 0usize..20, claimed in 0i32..i32::MAX,
    ) {
        let (mut bytes, kind, format) = cases(&vec![7; 4 * special], claimed).swap_remove(which);
        let header = bytes.len();
        let written = write(kind, &events, 77);
        bytes.extend(written.words.iter().flat_map(|word| word.to_le_bytes()));
        let content = read(&bytes);
        assert_read(&written, &content);
        prop_assert_eq!(content.meta.format, format);
        prop_assert_eq!(content.meta.header_bytes as usize, header);
        prop_assert_eq!(content.meta.claimed_records, Some(claimed as u64));
    }

    #[test]
    fn cut_and_damaged_files_keep_what_was_whole(
        events in events(), which in 0usize..8, cut in 23usize..1200, changes in changes(),
    ) {
        let (mut bytes, kind, _) = cases(&[0; 8], i32::MAX).swap_remove(which);
        let header = bytes.len();
        let written = write(kind, &events, 77);
        bytes.extend(written.words.iter().flat_map(|word| word.to_le_bytes()));
        check_cut(&bytes, header, 4, cut, &ReadOptions::default());
        check_damaged(&bytes, &changes, &ReadOptions::default());
    }
}

#[test]
fn what_no_instrument_writes_is_named_with_its_byte() {
    let fault = |bytes: &[u8]| read_with(bytes, &ReadOptions::default()).unwrap_err().to_string();
    let with = |mut bytes: Vec<u8>, at: usize, value: i32| {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        fault(&bytes)
    };
    let hydra = || hydraharp("2.0", 3, 4, &[], 0);
    for (fault, parts) in [
        (fault(&hydraharp("3.0", 2, 4, &[], 0)), ["version “3.0”", "byte 16"]),
        (with(timeharp(false, &[], 0), 16, 0x0030_2E32), ["version “2.0”", "byte 16"]),
        (with(hydra(), 340, 0), ["measurement mode of 0", "byte 340"]),
        (with(hydra(), 664, 1 << 30), ["inputs of 1073741824", "byte 664"]),
        (with(hydra(), 776, 0), ["sync rate in hertz of 0", "byte 776"]),
        (with(hydra(), 788, -1), ["special header (in words) of -1", "byte 788"]),
        (with(hydra(), 788, i32::MAX), ["(in words) of 2147483647", "byte 788"]),
        (with(picoharp(3, &[], 0), 584, -1), ["resolution in ns of NaN", "byte 584"]),
        (with(timeharp(false, &[], 0), 540, -100), ["clock in ns of -100", "byte 540"]),
    ] {
        for part in parts {
            assert!(fault.contains(part), "“{part}” in: {fault}");
        }
    }
}
