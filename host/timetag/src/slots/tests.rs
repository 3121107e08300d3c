//! The slotter in the cases a reader asks about first.

use super::*;
use crate::tag::{Tag, TagBatch, TagEvent};
use helio_bench::SlotTiming;
use helio_units::{FineTicks, SlotIndex, Ticks};
use std::num::NonZeroU16;

pub(super) const TICK: i128 = 1 << 32;

pub(super) fn ticks(t: u64) -> FineTicks {
    FineTicks::from_ticks(Ticks(t))
}

/// Two channels without delay, window 12..18 of 30 ticks, hold-off 60 ticks, no sync slots.
fn config() -> SlotterConfig {
    SlotterConfig {
        delays: vec![FineTicks(0); 2],
        window: Window { centre: 1 << 31, half_width: ticks(3) },
        hold_off: ticks(60),
        sync_spacing: None,
        slack: Ticks(0),
    }
}

pub(super) fn mark(slot: u64, start: u64) -> TagEvent {
    let timing = SlotTiming { slot: SlotIndex(slot), start: ticks(start), period: ticks(30) };
    TagEvent::Mark(timing)
}

pub(super) fn batch(tags: &[(u64, u32)], events: &[TagEvent], reached: u64) -> TagBatch {
    TagBatch {
        tags: tags.iter().map(|&(tick, channel)| Tag::new(Ticks(tick), channel)).collect(),
        events: events.to_vec(),
        reached: Ticks(reached),
    }
}

pub(super) fn run(config: SlotterConfig, batches: &[TagBatch]) -> SlotBatch {
    let mut slotter = Slotter::new(config).unwrap();
    let mut out = SlotBatch::default();
    for batch in batches {
        slotter.push(batch, &mut out);
    }
    slotter.flush(&mut out);
    out
}

fn found(out: &SlotBatch) -> Vec<(u64, u8)> {
    out.detections.iter().map(|d| (d.slot, d.mask)).collect()
}

fn dropped(out: &SlotBatch) -> Vec<(u64, u64, DropCause)> {
    out.dropped.iter().map(|d| (d.from, d.to, d.cause)).collect()
}

#[test]
fn clicks_in_the_window_of_a_slot_make_its_mask() {
    let tags = [(1015, 0), (1135, 0), (1137, 1), (1254, 1)];
    let out = run(config(), &[batch(&tags, &[mark(7, 1000)], 2000)]);
    assert_eq!(found(&out), [(7, 1), (11, 3), (15, 2)]);
    assert_eq!(dropped(&out), [(0, 7, DropCause::NoLock)]);
    assert_eq!(out.reached, 40);
    assert_eq!(out.counters.accepted, 4);
}

#[test]
fn a_click_out_of_the_window_holds_off_too_and_its_own_slot_is_decided_before_it() {
    // Slot 0: in the window. Slot 4: out of its window at its end. Slots 5 and 6 begin their
    // windows within 60 ticks of that, slot 7 does not.
    let tags = [(15, 0), (145, 1), (165, 0), (195, 0), (225, 0), (315, 0)];
    let out = run(config(), &[batch(&tags, &[mark(0, 0)], 1000)]);
    assert_eq!(found(&out), [(0, 1), (10, 1)]);
    assert_eq!((out.counters.held_off, out.counters.outside), (3, 1));
}

#[test]
fn the_hold_off_ends_where_it_says() {
    // The window of slot 3 begins at tick 102, 60 after tick 42.
    for (tick, kept) in [(41, true), (42, false), (101, false)] {
        let out = run(config(), &[batch(&[(tick, 1), (105, 0)], &[mark(0, 0)], 1000)]);
        assert_eq!(found(&out).contains(&(3, 1)), kept, "click at {tick}");
    }
}

#[test]
fn delays_are_taken_off_also_where_they_change_the_order() {
    let mut config = config();
    config.delays = vec![ticks(20), FineTicks(-TICK / 2)];
    // The second tag is the earlier click.
    let tags = [(1014, 1), (1033, 0), (1404, 1), (1424, 0)];
    let out = run(config, &[batch(&tags, &[mark(0, 1000)], 2000)]);
    assert_eq!(found(&out), [(0, 3), (13, 3)]);
}

#[test]
fn sync_slots_are_left_out_but_hold_off() {
    let mut config = config();
    config.sync_spacing = NonZeroU16::new(4);
    let tags = [(15, 0), (45, 0), (255, 0), (495, 1)];
    let out = run(config, &[batch(&tags, &[mark(0, 0)], 1000)]);
    assert_eq!(found(&out), []);
    let c = out.counters;
    assert_eq!((c.sync, c.held_off), (3, 1));
}

#[test]
fn a_gap_drops_what_it_touches_and_the_hold_off_after_it() {
    // Slot 10 has its window at 312..318; the gap ends at 330, so windows from 390 on are safe.
    let gap = TagEvent::Gap { from: Ticks(317), to: Ticks(330), lost: 1 };
    let tags = [(15, 0), (315, 1), (345, 0), (375, 0), (525, 0)];
    let out = run(config(), &[batch(&tags, &[mark(0, 0), gap], 1000)]);
    assert_eq!(found(&out), [(0, 1), (17, 1)]);
    assert_eq!(dropped(&out), [(10, 13, DropCause::Gap)]);
    assert_eq!((out.counters.no_slot, out.counters.dropped_slots), (3, 3));
}

#[test]
fn a_gap_may_begin_in_one_batch_and_end_in_a_later_one() {
    let gap = TagEvent::Gap { from: Ticks(317), to: Ticks(700), lost: 0 };
    let batches = [
        batch(&[(15, 0)], &[mark(0, 0)], 317),
        batch(&[], &[gap], 400),
        batch(&[(705, 0)], &[], 720),
        batch(&[(945, 0)], &[], 1000),
    ];
    let out = run(config(), &batches);
    assert_eq!(found(&out), [(0, 1), (31, 1)]);
    assert_eq!(dropped(&out), [(10, 25, DropCause::Gap)]);
    assert_eq!(out.counters.late_gaps, 0);
}

/// Blocks 3 of the protocol, for the four ways in which slots are left out: whichever channel a click
/// is on, and whichever one made the hold-off, the same slots stay.
#[test]
fn what_is_dropped_is_the_same_on_every_channel() {
    let gap = TagEvent::Gap { from: Ticks(317), to: Ticks(330), lost: 1 };
    let lost = TagEvent::LockLost { tick: Ticks(700) };
    let events = [mark(0, 0), gap, lost, mark(30, 900)];
    // In the windows of slots 1, 5, 10 (in the gap), 12 (too soon after it), 15, 24 (without lock), 31,
    // and of 32 and 33, each within the hold-off of the click before.
    let times = [45, 165, 315, 375, 465, 735, 945, 975, 1005];
    let kept = |channel: &dyn Fn(usize) -> u32| {
        let tags: Vec<(u64, u32)> =
            times.iter().enumerate().map(|(i, &time)| (time, channel(i))).collect();
        let out = run(config(), &[batch(&tags, &events, 1300)]);
        let slots: Vec<u64> = out.detections.iter().map(|d| d.slot).collect();
        (slots, dropped(&out), out.counters.held_off, out.counters.no_slot)
    };
    let first = kept(&|_| 0);
    assert_eq!(first.0, [1, 5, 15, 31]);
    for pattern in 0u32..1 << times.len() {
        assert_eq!(kept(&|i| pattern >> i & 1), first, "{pattern:#b}");
    }
}

/// Blocks 5: one window for all channels, at the same place in the slot after each channel's delay.
#[test]
fn every_channel_has_the_same_window() {
    for delays in [[0, 0], [7, 0], [0, 25], [3, 11]] {
        let mut config = config();
        config.delays = delays.map(ticks).to_vec();
        let inside = |channel: u32| -> Vec<u64> {
            let delay = delays[channel as usize];
            let of = |offset: u64| {
                let tags = [(600 + offset + delay, channel)];
                found(&run(config.clone(), &[batch(&tags, &[mark(0, 0)], 1000)]))
            };
            (0..30).filter(|&offset| of(offset) == [(20, 1 << channel)]).collect()
        };
        assert_eq!(inside(0), [12, 13, 14, 15, 16, 17], "{delays:?}");
        assert_eq!(inside(1), inside(0), "{delays:?}");
    }
}

#[test]
fn without_lock_there_are_no_slots() {
    let events = [mark(0, 0), TagEvent::LockLost { tick: Ticks(300) }, mark(20, 700)];
    let out = run(config(), &[batch(&[(15, 0), (315, 0), (600, 1), (715, 0)], &events, 1000)]);
    assert_eq!(found(&out), [(0, 1), (20, 1)]);
    assert_eq!(dropped(&out), [(10, 20, DropCause::NoLock)]);
    assert_eq!(out.counters.no_slot, 2);
}

#[test]
fn a_mark_does_not_reach_back_before_the_loss_that_it_ends() {
    // Slot 9 has its window at 282..288, across the loss.
    let events = [mark(0, 0), TagEvent::LockLost { tick: Ticks(284) }, mark(9, 270)];
    let out = run(config(), &[batch(&[(15, 0), (285, 0), (405, 1)], &events, 1000)]);
    assert_eq!(found(&out), [(0, 1), (13, 2)]);
    assert_eq!(dropped(&out), [(9, 10, DropCause::NoLock)]);
}

#[test]
fn a_click_at_the_very_begin_of_a_window_is_in_it() {
    // A period of a power of two: the reciprocal is short, and every such click is on the edge
    // where the estimated slot is one too low.
    let timing = SlotTiming { slot: SlotIndex(0), start: ticks(0), period: ticks(32) };
    let tags: Vec<(u64, u32)> = (0..100).map(|n| (n * 320 + 13, 0)).collect();
    let out = run(config(), &[batch(&tags, &[TagEvent::Mark(timing)], 100_000)]);
    assert_eq!(found(&out), (0..100).map(|n| (n * 10, 1)).collect::<Vec<_>>());
    let tags: Vec<(u64, u32)> = tags.iter().map(|&(tick, c)| (tick - 1, c)).collect();
    let out = run(config(), &[batch(&tags, &[TagEvent::Mark(timing)], 100_000)]);
    assert_eq!(found(&out), []);
}

#[test]
fn a_lost_part_of_the_stream_takes_the_numbers_away_until_the_next_mark() {
    let events = [
        TagEvent::StreamLost { tick: Ticks(300) },
        mark(30, 900),
        TagEvent::Gap { from: Ticks(300), to: Ticks(500), lost: 0 },
    ];
    let batches =
        [batch(&[(15, 0)], &[mark(0, 0)], 300), batch(&[(615, 0), (915, 1)], &events, 1000)];
    let out = run(config(), &batches);
    assert_eq!(found(&out), [(0, 1), (30, 2)]);
    assert_eq!(dropped(&out), [(10, 30, DropCause::StreamLost)]);
}

#[test]
fn a_mark_within_the_slack_governs_tags_that_came_before_it() {
    let mut config = config();
    config.slack = Ticks(500);
    let batches =
        [batch(&[(1015, 0), (1135, 1)], &[], 1200), batch(&[(1255, 0)], &[mark(7, 1000)], 3000)];
    let out = run(config, &batches);
    assert_eq!(found(&out), [(7, 1), (11, 2), (15, 1)]);
    assert_eq!(out.counters.late_marks, 0);
}

#[test]
fn a_mark_that_is_too_late_is_used_from_the_first_open_slot_on() {
    let batches = [batch(&[(1015, 0)], &[], 1200), batch(&[(1255, 0)], &[mark(7, 1000)], 3000)];
    let out = run(config(), &batches);
    assert_eq!(found(&out), [(15, 1)]);
    assert_eq!(dropped(&out), [(0, 14, DropCause::NoLock)]);
    assert_eq!(out.counters.late_marks, 1);
}

#[test]
fn steering_moves_the_window_from_its_slot_on() {
    // From slot 10 on everything is 5 ticks later.
    let events = [mark(0, 0), mark(10, 305)];
    let out = run(config(), &[batch(&[(15, 0), (140, 0), (440, 1)], &events, 1000)]);
    assert_eq!(found(&out), [(0, 1), (14, 2)]);
    assert!(out.dropped.is_empty());
}

#[test]
fn slots_that_steering_leaves_no_window_are_dropped() {
    let events = [mark(0, 0), mark(10, 240)];
    let out = run(config(), &[batch(&[(255, 0)], &events, 600)]);
    assert_eq!(found(&out), [(10, 1)]);
    assert_eq!(dropped(&out), [(8, 10, DropCause::Resteered)]);
}

#[test]
fn a_slot_number_that_comes_again_is_not_given_again() {
    let batches = [
        batch(&[(15, 0), (315, 0)], &[mark(0, 0)], 600),
        batch(&[(915, 0), (1215, 1), (1515, 1)], &[mark(0, 900)], 1800),
    ];
    let out = run(config(), &batches);
    assert_eq!(found(&out), [(0, 1), (10, 1), (20, 2)]);
}

#[test]
fn an_impossible_mark_is_no_lock() {
    let bad = |period| {
        let timing = SlotTiming { slot: SlotIndex(5), start: ticks(150), period };
        TagEvent::Mark(timing)
    };
    for period in [FineTicks(0), FineTicks(-TICK), FineTicks(TICK - 1), ticks(1 << 29)] {
        let batches = [
            batch(&[(15, 0)], &[mark(0, 0)], 100),
            batch(&[(165, 0), (465, 0)], &[bad(period)], 600),
        ];
        let out = run(config(), &batches);
        assert_eq!(found(&out), [(0, 1)]);
        assert_eq!(out.counters.bad_marks, 1);
    }
}

#[test]
fn old_and_foreign_tags_are_counted_and_change_nothing() {
    let batches = [
        batch(&[(15, 0), (20, 7)], &[mark(0, 0)], 600),
        batch(&[(599, 0), (915, 0), (914, 1)], &[], 1800),
    ];
    let out = run(config(), &batches);
    assert_eq!(found(&out), [(0, 1), (30, 1)]);
    assert_eq!((out.counters.late_tags, out.counters.foreign), (2, 1));
}

#[test]
fn long_silence_does_not_lose_the_count() {
    // 2⁴⁰ slots of 30 ticks later, across many anchors.
    let far = 1u64 << 40;
    let tags = [(15, 0), (30 * far + 15, 1), (30 * (far + 9) + 15, 0)];
    let out = run(config(), &[batch(&tags, &[mark(0, 0)], 30 * (far + 20))]);
    assert_eq!(found(&out), [(0, 1), (far, 2), (far + 9, 1)]);
}

#[test]
fn extreme_times_do_not_overflow() {
    let events = [
        mark(u64::MAX - 3, u64::MAX - 100),
        TagEvent::Gap { from: Ticks(u64::MAX), to: Ticks(0), lost: u64::MAX },
        TagEvent::LockLost { tick: Ticks(u64::MAX) },
        mark(0, 0),
    ];
    let tags = [(0, 0), (u64::MAX - 50, 0), (u64::MAX, 1)];
    let mut config = config();
    config.delays = vec![ticks((1 << 29) - 1), FineTicks(-ticks((1 << 29) - 1).0)];
    run(config, &[batch(&tags, &events, u64::MAX)]);
}

#[test]
fn a_configuration_out_of_range_is_refused() {
    let refuse = |change: fn(&mut SlotterConfig)| {
        let mut config = config();
        change(&mut config);
        Slotter::new(config).unwrap_err()
    };
    assert_eq!(refuse(|c| c.delays.clear()), InvalidSlotter::Channels(0));
    assert_eq!(refuse(|c| c.delays = vec![FineTicks(0); 9]), InvalidSlotter::Channels(9));
    assert_eq!(refuse(|c| c.delays[1] = ticks(1 << 29)), InvalidSlotter::Delay(1));
    assert_eq!(refuse(|c| c.window.half_width = FineTicks(0)), InvalidSlotter::Window);
    assert_eq!(refuse(|c| c.hold_off = FineTicks(-1)), InvalidSlotter::HoldOff);
}
