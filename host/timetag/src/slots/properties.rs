//! The slotter against its definition, on runs and nonsense drawn at random.

use super::oracle::{Verdict, judge};
use super::tests::{TICK, batch, mark, run, ticks};
use super::*;
use crate::tag::{Tag, TagBatch, TagEvent};
use helio_bench::SlotTiming;
use helio_units::{FineTicks, SlotIndex, Ticks};
use proptest::prelude::*;
use std::num::NonZeroU16;

/// A run as a device might tell it, cut into batches.
#[derive(Clone, Debug)]
struct Scene {
    config: SlotterConfig,
    tags: Vec<Tag>,
    events: Vec<TagEvent>,
    batches: Vec<TagBatch>,
}

fn configs() -> impl Strategy<Value = SlotterConfig> {
    let delay = -30 * TICK..30 * TICK;
    (
        prop::collection::vec(delay.prop_map(FineTicks), 1..4),
        any::<u32>(),
        1..10 * TICK,
        0..100 * TICK,
        0u16..6,
        0u64..200,
    )
        .prop_map(|(delays, centre, half_width, hold_off, spacing, slack)| SlotterConfig {
            delays,
            window: Window { centre, half_width: FineTicks(half_width) },
            hold_off: FineTicks(hold_off),
            sync_spacing: NonZeroU16::new(spacing),
            slack: Ticks(40 + slack),
        })
}

/// One thing that happens to the slot clock or the tags: how many slots after the last one, of
/// which kind, and how far it moves things.
type Happening = (u64, u8, i64, u64);

fn scene(
    config: SlotterConfig,
    period: i128,
    happenings: &[Happening],
    mut raw_tags: Vec<(u64, u32)>,
    cuts: &[u64],
    early: u64,
) -> Scene {
    raw_tags.sort_unstable();
    let channels = config.delays.len() as u32;
    let tags: Vec<Tag> =
        raw_tags.iter().map(|&(tick, c)| Tag::new(Ticks(tick), c % channels)).collect();

    let mut timing =
        SlotTiming { slot: SlotIndex(3), start: ticks(200), period: FineTicks(period) };
    let mut timed = vec![(200 - early, TagEvent::Mark(timing))];
    for &(slots, kind, shift, size) in happenings {
        let slot = SlotIndex(timing.slot.0 + slots);
        let start = timing.start_of(slot);
        let now = start.floor();
        match kind {
            0 => {
                let to = Ticks(now.0 + size);
                timed.push((now.0, TagEvent::Gap { from: now, to, lost: 1 }));
                timing = SlotTiming { slot, start, ..timing };
            }
            1 => {
                timed.push((now.0, TagEvent::LockLost { tick: now }));
                timing = SlotTiming { slot, start, ..timing };
            }
            // Small steering, a jump of slots, a jump in time; numbers never run backwards.
            _ => {
                let (skipped, moved) = match kind {
                    2 => (size % 4, 0),
                    3 => (0, i128::from(shift) * 40),
                    _ => (0, i128::from(shift)),
                };
                let earliest = timing.start.0 + TICK;
                let start = (start.0 + moved * TICK + i128::from(size)).max(earliest);
                let start = FineTicks(start);
                let period = FineTicks(period + i128::from(shift) * 1000);
                timing = SlotTiming { slot: SlotIndex(slot.0 + skipped), start, period };
                timed.push((start.floor().0.saturating_sub(early), TagEvent::Mark(timing)));
            }
        }
    }
    timed.sort_by_key(|&(time, _)| time);
    let events = timed.iter().map(|&(_, event)| event).collect();

    let mut batches = Vec::new();
    let (mut tag, mut event, mut reached) = (0, 0, 0);
    for &cut in cuts.iter().chain(&[u64::MAX >> 20]) {
        reached = cut.saturating_add(reached);
        let tags_end = tags.partition_point(|t| t.tick < reached);
        let events_end = timed.partition_point(|&(time, _)| time < reached);
        batches.push(TagBatch {
            tags: tags[tag..tags_end].to_vec(),
            events: timed[event..events_end].iter().map(|&(_, e)| e).collect(),
            reached: Ticks(reached),
        });
        (tag, event) = (tags_end, events_end);
    }
    Scene { config, tags, events, batches }
}

fn scenes() -> impl Strategy<Value = Scene> {
    let happening = (1u64..40, 0u8..8, -3i64..4, 0u64..200);
    (
        configs(),
        20 * TICK..40 * TICK,
        prop::collection::vec(happening, 0..12),
        prop::collection::vec((0u64..8000, 0u32..4), 0..300),
        prop::collection::vec(0u64..800, 0..20),
        0u64..60,
    )
        .prop_map(|(config, period, happenings, tags, cuts, early)| {
            scene(config, period, &happenings, tags, &cuts, early)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_slotter_does_what_the_definition_says(scene in scenes()) {
        let mut out = run(scene.config.clone(), &scene.batches);
        // Slots without end follow the last event; what is asked about lies before.
        let horizon = out.reached.min(600);
        out.detections.retain(|d| d.slot < horizon);
        let verdict = judge(&scene.config, &scene.tags, &scene.events, horizon);
        let dropped: Vec<u64> = out
            .dropped
            .iter()
            .flat_map(|d| d.from..d.to.min(horizon))
            .collect();
        let c = out.counters;
        // A jump in time that gives slots a later place than they have had is told too late.
        prop_assume!(c.late_marks == 0);
        prop_assert_eq!((c.late_gaps, c.late_tags), (0, 0));
        prop_assert_eq!(Verdict { detections: out.detections, dropped }, verdict);
        let settled = c.accepted + c.held_off + c.sync + c.outside + c.no_slot;
        prop_assert!(settled <= c.clicks.iter().sum());
    }

    #[test]
    fn whatever_comes_slots_increase_and_nothing_panics(
        config in configs(),
        pieces in prop::collection::vec(
            (
                prop::collection::vec((0u64..3000, 0u32..9), 0..20),
                prop::collection::vec((0u8..4, any::<u16>(), 0u64..3000, any::<i64>()), 0..4),
                0u64..3000,
            ),
            0..20,
        ),
    ) {
        let mut slotter = Slotter::new(config).unwrap();
        let mut out = SlotBatch::default();
        for (tags, events, reached) in pieces {
            let events: Vec<TagEvent> = events
                .into_iter()
                .map(|(kind, slot, tick, period)| match kind {
                    0 => TagEvent::Gap { from: Ticks(tick), to: Ticks(slot.into()), lost: 0 },
                    1 => TagEvent::LockLost { tick: Ticks(tick) },
                    2 => TagEvent::Mark(SlotTiming {
                        slot: SlotIndex(slot.into()),
                        start: ticks(tick),
                        period: FineTicks(period.into()),
                    }),
                    _ => mark(slot.into(), tick),
                })
                .collect();
            slotter.push(&batch(&tags, &events, reached), &mut out);
        }
        slotter.flush(&mut out);
        prop_assert!(out.detections.is_sorted_by(|a, b| a.slot < b.slot));
        prop_assert!(out.dropped.is_sorted_by(|a, b| a.to <= b.from));
        prop_assert!(out.dropped.iter().all(|d| d.from < d.to && d.to <= out.reached));
        prop_assert!(out.detections.iter().all(|d| d.slot < out.reached
            && out.dropped.iter().all(|r| !(r.from..r.to).contains(&d.slot))));
    }
}
