//! Swabian's 16-byte tags.

use helio_trace::{Loss, LossKind, ReadOptions, TraceFormat};
use helio_units::{Picoseconds, Ticks};
use proptest::prelude::*;

use crate::support::{changes, check_cut, check_damaged, of, read, read_with, tag};

fn record(kind: u8, missed: u16, channel: i32, time: i64) -> Vec<u8> {
    let head = [&[kind, 0][..], &missed.to_le_bytes()].concat();
    [&head[..], &channel.to_le_bytes(), &time.to_le_bytes()].concat()
}

#[test]
fn every_type_of_tag_is_kept_and_counted() {
    let bytes = [
        record(0, 0, 1, 100),
        record(0, 0, -3, 250),
        record(2, 0, 0, 260),
        record(4, 17, 1, 270),
        record(4, 65_535, -2, 270),
        record(3, 0, 0, 300),
        record(1, 0, 0, 310),
        record(0, 0, 18, 320),
        record(0, 0, 1001, 330),
    ]
    .concat();
    let content = read(&bytes);
    assert_eq!(content.meta.format, TraceFormat::Swabian);
    assert_eq!(content.photons, [tag(100, 1), tag(250, 131), tag(320, 18)]);
    let loss = |tick, kind| Loss { tick: Ticks(tick), kind };
    let missed = |channel, count| LossKind::Missed { channel, count };
    assert_eq!(
        content.losses,
        [
            loss(260, LossKind::Begin),
            loss(270, missed(1, 17)),
            loss(270, missed(130, 65_535)),
            loss(300, LossKind::End),
            loss(310, LossKind::ClockError),
        ]
    );
    assert_eq!((content.counts.loss_records, content.counts.missed), (5, 65_552));
    assert_eq!(content.counts.unknown_records, 1, "a virtual channel");
    assert!(!content.meta.starts_at_zero);
}

#[test]
fn what_cannot_be_a_tag_ends_the_trace_where_it_stands() {
    let good = record(0, 0, 1, 1000);
    for (bad, part) in [
        (record(0, 0, 1, -1), "a time before zero at byte 16"),
        (record(9, 0, 1, 2000), "a tag of an unknown type at byte 16"),
        (record(0, 0, 1, 999), "steps back from tick 1000 to 999 at byte 16"),
    ] {
        let bytes = [good.clone(), bad, record(0, 0, 1, 3000)].concat();
        let content = read_with(&bytes, &of(TraceFormat::Swabian)).unwrap();
        assert_eq!(content.photons, [tag(1000, 1)]);
        let fault = content.fault.unwrap().to_string();
        assert!(fault.contains(part), "{fault}");
        let salvage = ReadOptions { salvage: true, ..of(TraceFormat::Swabian) };
        let content = read_with(&bytes, &salvage).unwrap();
        assert_eq!(content.photons, [tag(1000, 1)]);
        assert!(content.damage.unwrap().contains(part));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn tags_are_read_as_they_were_written(
        steps in prop::collection::vec((0i64..1 << 40, 1i32..19, any::<bool>()), 1..300),
        begin in 0i64..1 << 61, cut in 0usize..5000, changes in changes(),
    ) {
        let (mut time, mut bytes, mut expected) = (begin, Vec::new(), Vec::new());
        for (step, channel, falling) in steps {
            time += step;
            bytes.extend(record(0, 0, if falling { -channel } else { channel }, time));
            expected.push(tag(time as u64, channel as u8 + if falling { 128 } else { 0 }));
        }
        let content = read(&bytes);
        prop_assert_eq!(&content.photons, &expected);
        prop_assert_eq!(content.reached, Ticks(time as u64));
        check_cut(&bytes, 0, 16, cut, &of(TraceFormat::Swabian));
        check_damaged(&bytes, &changes, &of(TraceFormat::Swabian));
    }

    #[test]
    fn a_window_sorts_what_is_out_of_order_within_it(
        times in prop::collection::vec(0i64..1000, 1..300),
    ) {
        // Each detection lies in a slot of its own of 1000 ps, and anywhere within it.
        let times: Vec<i64> = times.iter().zip(0..).map(|(t, i)| 500 * i + t).collect();
        let bytes: Vec<u8> = times.iter().flat_map(|t| record(0, 0, 1, *t)).collect();
        let window = Some(Picoseconds(1000));
        let options = ReadOptions { window, ..of(TraceFormat::Swabian) };
        let content = read_with(&bytes, &options).unwrap();
        let mut sorted = times.clone();
        sorted.sort();
        let found: Vec<i64> = content.photons.iter().map(|t| t.tick.0 as i64).collect();
        prop_assert_eq!(found, sorted);
        prop_assert_eq!(content.counts.late, 0);
    }
}
