//! The definition of kept slots, spelled out: each slot asks all marks, all gaps and all clicks.
//! Slow, and without any of the slotter's bookkeeping.

use super::batch::Detection;
use super::config::SlotterConfig;
use crate::tag::{Tag, TagEvent};
use helio_bench::SlotTiming;
use helio_units::FineTicks;

/// What the whole list of tags and events means for the slots below `reached`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub detections: Vec<Detection>,
    pub dropped: Vec<u64>,
}

/// A timing and the time it holds for.
struct Span {
    timing: Option<SlotTiming>,
    from: i128,
    to: i128,
}

pub fn judge(config: &SlotterConfig, tags: &[Tag], events: &[TagEvent], reached: u64) -> Verdict {
    let max_delay = config.delays.iter().map(|d| d.0).max().unwrap();
    let min_delay = config.delays.iter().map(|d| d.0).min().unwrap();
    let clicks: Vec<(i128, u32)> = tags
        .iter()
        .map(|t| ((i128::from(t.tick) << 32) - config.delays[t.channel as usize].0, t.channel))
        .collect();
    let gaps: Vec<(i128, i128)> = events
        .iter()
        .filter_map(|e| match e {
            TagEvent::Gap { from, to, .. } => {
                let to = to.0.max(from.0 + 1);
                Some(((i128::from(from.0) << 32) - max_delay, (i128::from(to) << 32) - min_delay))
            }
            _ => None,
        })
        .collect();
    let spans = spans(config, events, max_delay);

    let mut verdict = Verdict::default();
    for slot in 0..reached {
        let Some(window) = spans.iter().enumerate().find_map(|(at, span)| {
            let timing = span.timing?;
            // A slot belongs to the last mark that numbers it.
            let renumbered = spans[at + 1..]
                .first()
                .is_some_and(|next| next.timing.is_some_and(|t| t.slot.0 <= slot));
            let (from, to) = window(config, timing, slot);
            let inside = slot >= timing.slot.0 && from >= span.from && to <= span.to;
            (inside && !renumbered).then_some((from, to))
        }) else {
            verdict.dropped.push(slot);
            continue;
        };
        let (from, to) = window;
        let hold_off = config.hold_off.0;
        if gaps.iter().any(|gap| gap.0 < to && gap.1 + hold_off > from) {
            verdict.dropped.push(slot);
            continue;
        }
        let held = clicks.iter().any(|&(t, _)| from - hold_off <= t && t < from);
        let sync = config.sync_spacing.is_some_and(|d| slot % u64::from(d.get()) == 0);
        let mask = clicks
            .iter()
            .filter(|&&(t, _)| from <= t && t < to)
            .fold(0u8, |mask, &(_, channel)| mask | 1 << channel);
        if mask != 0 && !held && !sync {
            verdict.detections.push(Detection { slot, mask });
        }
    }
    verdict
}

fn window(config: &SlotterConfig, timing: SlotTiming, slot: u64) -> (i128, i128) {
    let period = timing.period.0;
    let begin = timing.start.0 + (i128::from(slot) - i128::from(timing.slot.0)) * period;
    let centre = begin + ((period * i128::from(config.window.centre)) >> FineTicks::FRACTION_BITS);
    let half = config.window.half_width.0;
    assert!(2 * half <= period);
    (centre - half, centre + half)
}

/// When each timing holds: from the window of its first slot until the next mark's or the next
/// loss of lock; what comes later in the stream voids what was planned from its time on.
fn spans(config: &SlotterConfig, events: &[TagEvent], max_delay: i128) -> Vec<Span> {
    let mut spans = vec![Span { timing: None, from: i128::MIN, to: i128::MAX }];
    for event in events {
        let (from, timing) = match *event {
            TagEvent::Gap { .. } => continue,
            TagEvent::Mark(timing) => {
                let from = window(config, timing, timing.slot.0).0;
                let last = spans.last().unwrap();
                (if last.timing.is_none() { from.max(last.from) } else { from }, Some(timing))
            }
            TagEvent::LockLost { tick } | TagEvent::StreamLost { tick } => {
                ((i128::from(tick.0) << 32) - max_delay, None)
            }
        };
        spans.retain(|s| {
            s.from < from || (s.from == from && s.timing.is_none() && timing.is_some())
        });
        if let Some(last) = spans.last_mut() {
            last.to = from;
        }
        spans.push(Span { timing, from, to: i128::MAX });
    }
    spans
}
