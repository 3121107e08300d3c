//! Becker & Hickl SPC files.

use helio_trace::{Loss, LossKind, Marker, ReadOptions, TraceFormat};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

use crate::support::{changes, check_cut, check_damaged, of, read, read_with, tag};

const MARK: u32 = 1 << 28;
const GAP: u32 = 1 << 29;
const OVERFLOW: u32 = 1 << 30;
const INVALID: u32 = 1 << 31;

fn file(clock: u32, words: &[u32]) -> Vec<u8> {
    let header = clock | 3 << 27 | 1 << 31;
    [header].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect()
}

fn photon(time: u32, channel: u32, adc: u32) -> u32 {
    time | channel << 12 | adc << 16
}

#[test]
fn every_kind_of_record_has_its_meaning() {
    let words = [
        photon(5, 2, 4000),
        photon(6, 15, 0) | OVERFLOW,
        INVALID | OVERFLOW | 1000,
        photon(7, 0, 4095) | GAP,
        INVALID | MARK | photon(8, 0b0101, 0),
        INVALID | MARK | OVERFLOW | photon(9, 0b0010, 0),
        INVALID | photon(10, 1, 1),
        INVALID | MARK | photon(10, 0, 0),
    ];
    let content = read(&file(500, &words));
    assert_eq!(content.meta.format, TraceFormat::BeckerHickl);
    assert_eq!(content.meta.tick, TickLength::new(50_000, 1).unwrap());
    assert_eq!(content.meta.int("RoutingBits"), Some(3));
    let wraps = |n: u64| n * 4096;
    assert_eq!(content.photons, [tag(5, 2), tag(wraps(1) + 6, 15), tag(wraps(1001) + 7, 0)]);
    assert_eq!(content.dtimes, [95, 4095, 0]);
    let marker = |tick, bits| Marker { tick: Ticks(tick), bits };
    assert_eq!(content.markers, [marker(wraps(1001) + 8, 5), marker(wraps(1002) + 9, 2)]);
    assert_eq!(content.losses, [Loss { tick: Ticks(wraps(1001) + 7), kind: LossKind::Gap }]);
    let counts = content.counts;
    assert_eq!((counts.records(), counts.overflow_periods), (8, 1002));
    assert_eq!((counts.overflow_records, counts.unknown_records), (1, 2));
}

#[test]
fn a_clock_that_no_module_has_is_refused() {
    let fault = read_with(&file(0, &[]), &of(TraceFormat::BeckerHickl)).unwrap_err().to_string();
    assert!(fault.contains("clock in 0.1 ns of 0 at byte 0"), "{fault}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn photons_are_read_as_they_were_written(
        clock in 100u32..10_000,
        steps in prop::collection::vec((0u64..20_000, 0u32..16, 0u32..4096), 1..400),
        cut in 0usize..2000, changes in changes(),
    ) {
        let (mut now, mut periods) = (0u64, 0);
        let (mut words, mut expected, mut dtimes) = (Vec::new(), Vec::new(), Vec::new());
        for (step, channel, adc) in steps {
            now += step;
            let missing = now / 4096 - periods;
            periods += missing;
            // One wrap goes with the photon; more have a record of their own.
            if missing > 1 {
                words.push(INVALID | OVERFLOW | missing as u32);
            }
            let flag = if missing == 1 { OVERFLOW } else { 0 };
            words.push(photon((now % 4096) as u32, channel, adc) | flag);
            expected.push(tag(now, channel as u8));
            dtimes.push(4095 - adc as u16);
        }
        let bytes = file(clock, &words);
        let content = read(&bytes);
        prop_assert_eq!(&content.photons, &expected);
        prop_assert_eq!(&content.dtimes, &dtimes);
        prop_assert_eq!(content.counts.overflow_periods, periods);
        check_cut(&bytes, 4, 4, cut, &of(TraceFormat::BeckerHickl));
        check_damaged(&bytes, &changes, &ReadOptions::default());
        check_damaged(&bytes, &changes, &of(TraceFormat::BeckerHickl));
    }
}
