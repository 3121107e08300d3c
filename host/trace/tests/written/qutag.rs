//! quTAG binary files: ordered by channel, not as a whole.

use helio_trace::{ReadOptions, TraceFormat};
use helio_units::Picoseconds;
use proptest::prelude::*;

use crate::support::{changes, check_cut, check_damaged, of, read, read_with, tag};

/// A file whose header claims so many bytes.
fn file(claimed: usize, events: &[(u64, u16)]) -> Vec<u8> {
    let mut bytes = vec![0xA5; 4];
    bytes.extend((claimed as u32).to_le_bytes());
    bytes.resize(40, 0x11);
    for (time, channel) in events {
        bytes.extend(time.to_le_bytes());
        bytes.extend(channel.to_le_bytes());
    }
    bytes
}

fn whole(events: &[(u64, u16)]) -> Vec<u8> {
    file(40 + 10 * events.len(), events)
}

#[test]
fn steps_back_within_the_window_are_sorted_and_later_ones_counted() {
    let events = [(5_000_000, 0), (4_990_000, 1), (5_000_000, 2), (3_999_999, 1), (4_000_000, 3)];
    let content = read(&whole(&events));
    assert_eq!(content.meta.format, TraceFormat::QuTag);
    let sorted = [tag(4_000_000, 3), tag(4_990_000, 1), tag(5_000_000, 0), tag(5_000_000, 2)];
    assert_eq!(content.photons, sorted);
    assert_eq!((content.counts.late, content.counts.records()), (1, 5));
    let wider = ReadOptions { window: Some(Picoseconds(2_000_000)), ..ReadOptions::default() };
    let content = read_with(&whole(&events), &wider).unwrap();
    assert_eq!((content.photons.len(), content.counts.late), (5, 0));
    let none = ReadOptions { window: Some(Picoseconds(0)), ..ReadOptions::default() };
    let fault = read_with(&whole(&events), &none).unwrap().fault.unwrap().to_string();
    assert!(fault.contains("steps back from tick 5000000 to 4990000 at byte 50"), "{fault}");
}

#[test]
fn a_header_that_claims_more_or_less_is_told_and_not_believed() {
    let events: Vec<(u64, u16)> = (0..100).map(|i| (1000 * i, (i % 5) as u16)).collect();
    for (claimed, records) in [(1 << 31, Some(214_748_360)), (40, None), (0, None), (140, Some(10))]
    {
        let content = read(&file(claimed, &events));
        assert_eq!((content.photons.len(), content.meta.claimed_records), (100, records));
        assert!(content.fault.is_none());
    }
    let content = read_with(&file(40, &[]), &ReadOptions::default()).unwrap();
    assert!(content.photons.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn merged_channels_come_out_in_order(
        channels in prop::collection::vec(prop::collection::vec(0u64..100_000, 1..60), 1..5),
        jitter in prop::collection::vec(0u64..500_000, 300),
        cut in 0usize..3000, changes in changes(),
    ) {
        let mut events: Vec<(u64, u16)> = Vec::new();
        for (channel, gaps) in (0u16..).zip(&channels) {
            let mut now = 1_000_000;
            for gap in gaps {
                now += gap;
                events.push((now, channel));
            }
        }
        // In the order in which the instrument handed them over: late by less than the window.
        let mut handed: Vec<(u64, (u64, u16))> =
            events.iter().zip(&jitter).map(|(event, j)| (event.0 + j, *event)).collect();
        handed.sort_by_key(|(when, _)| *when);
        let events_in_file: Vec<(u64, u16)> = handed.iter().map(|(_, event)| *event).collect();
        let bytes = whole(&events_in_file);
        let content = read_with(&bytes, &of(TraceFormat::QuTag)).unwrap();
        prop_assert_eq!(content.counts.late, 0);
        prop_assert!(content.photons.is_sorted_by_key(|tag| tag.tick));
        let mut found: Vec<(u64, u16)> =
            content.photons.iter().map(|t| (t.tick.0, t.channel.into())).collect();
        found.sort();
        events.sort();
        prop_assert_eq!(found, events);
        check_damaged(&bytes, &changes, &of(TraceFormat::QuTag));
        // Cut files are compared in order of the file, hence from ordered ones.
        let ordered = whole(&{ let mut e = events_in_file; e.sort(); e });
        check_cut(&ordered, 40, 10, cut, &of(TraceFormat::QuTag));
    }
}
