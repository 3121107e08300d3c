//! S-Fifteen's and qcrypto's 64-bit words.

use helio_trace::{ReadOptions, TraceFormat};
use helio_units::TickLength;
use proptest::prelude::*;

use crate::support::{changes, check_cut, check_damaged, of, read, read_with, tag};

const FORMATS: [TraceFormat; 3] =
    [TraceFormat::SFifteen, TraceFormat::SFifteenLegacy, TraceFormat::QCrypto];

/// Bits of the time field.
fn bits(format: TraceFormat) -> u32 {
    if format == TraceFormat::QCrypto { 49 } else { 54 }
}

/// One event: time within the wrap, detectors, and what stands in the bits between.
fn word(format: TraceFormat, time: u64, mask: u8, between: u64) -> Vec<u8> {
    let word = match format {
        // Bits 9 and 8 are set in every real record, bit 4 marks a dummy.
        TraceFormat::QCrypto => time << 15 | (between & 0x7FF) << 4 | u64::from(mask),
        _ => time << 10 | 0x300 | (between & 7) << 5 | u64::from(mask),
    };
    let (high, low) = ((word >> 32) as u32, word as u32);
    let halves = if format == TraceFormat::SFifteen { [low, high] } else { [high, low] };
    halves.iter().flat_map(|half| half.to_le_bytes()).collect()
}

#[test]
fn several_detectors_dummies_and_the_wrap_after_19_hours() {
    for format in FORMATS {
        let wrap = 1u64 << bits(format);
        let mut dummy = word(format, 0, 0, 0);
        if format != TraceFormat::QCrypto {
            // Bit 4 of the low half.
            let low = if format == TraceFormat::SFifteen { 0 } else { 4 };
            dummy[low] |= 16;
        }
        let bytes = [
            word(format, wrap - 500, 1, 0),
            word(format, wrap - 400, 0b1010, 5),
            dummy,
            word(format, 7, 0b0100, 2),
            word(format, 8, 0b1111, 7),
        ]
        .concat();
        let content = read_with(&bytes, &of(format)).unwrap();
        assert!(content.fault.is_none(), "{format:?}: {:?}", content.fault);
        let two = [tag(wrap - 400, 1), tag(wrap - 400, 3)];
        let four = [0, 1, 2, 3].map(|detector| tag(wrap + 8, detector));
        let expected = [&[tag(wrap - 500, 0)][..], &two, &[tag(wrap + 7, 2)], &four].concat();
        assert_eq!(content.photons, expected, "{format:?}");
        let counts = content.counts;
        assert_eq!((counts.records(), counts.shared_records), (5, 4));
        assert_eq!(counts.overflow_periods, 1);
        let dummies = u64::from(format != TraceFormat::QCrypto);
        assert_eq!((counts.overflow_records, counts.unknown_records), (dummies, 1 - dummies));
        let (n, d) = if format == TraceFormat::QCrypto { (125, 1) } else { (125, 32) };
        assert_eq!(content.meta.tick, TickLength::new(n, d).unwrap());
    }
}

#[test]
fn a_step_back_names_its_byte() {
    for format in FORMATS {
        let bytes = [100, 90].map(|time| word(format, time, 1, 0)).concat();
        let content = read_with(&bytes, &of(format)).unwrap();
        assert_eq!(content.photons, [tag(100, 0)]);
        let fault = content.fault.unwrap().to_string();
        assert!(fault.contains("steps back from tick 100 to 90 at byte 8"), "{fault}");
    }
}

#[test]
fn one_word_alone_tells_no_format() {
    let bytes = word(TraceFormat::SFifteen, 1 << 40, 1, 0);
    let fault = read_with(&bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("of no format known here") && fault.contains("name the format"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn words_are_read_as_they_were_written(
        which in 0usize..3,
        begin: u64,
        steps in prop::collection::vec((1u64..1 << 36, 1u8..16, any::<u64>()), 20..300),
        cut in 0usize..3000, changes in changes(),
    ) {
        let format = FORMATS[which];
        let wrap = 1u64 << bits(format);
        let mut now = begin % wrap;
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (step, mask, between) in steps {
            now += step;
            bytes.extend(word(format, now % wrap, mask, between));
            expected.extend((0..4).filter(|d| mask >> d & 1 == 1).map(|d| tag(now, d)));
        }
        // A wrap before the first word cannot be known.
        let before = expected[0].tick.0 / wrap * wrap;
        let content = read(&bytes);
        prop_assert_eq!(content.meta.format, format);
        let shift = |t: &helio_trace::TimeTag| tag(t.tick.0 - before, t.channel);
        prop_assert_eq!(content.photons, expected.iter().map(shift).collect::<Vec<_>>());
        check_cut(&bytes, 0, 8, cut, &of(format));
        check_damaged(&bytes, &changes, &of(format));
    }
}
