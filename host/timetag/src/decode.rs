//! From messages of the cable to tag batches.

use crate::tag::{Tag, TagBatch, TagEvent};
use helio_units::Ticks;
use helio_wire::DeviceMessage;

/// What a [`TagDecoder`] has seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeCounters {
    /// Tags handed on.
    pub tags: u64,
    /// Tags older than what an earlier frame had reached: the device broke its promise. Ignored.
    pub disordered: u64,
    /// Tags that the device marked: within the dead time that it was told of their detector.
    pub early: u64,
    /// Edges that the device says it lost.
    pub lost_edges: u64,
    /// Times that frames of the tag stream went missing.
    pub losses: u64,
}

/// Collects the tag stream of one boot of a device into [`TagBatch`]es of any size: push messages
/// until the batch is as large as wanted, hand it on, go on with an empty one.
///
/// Missing frames leave no hole in time that is not told: [`TagDecoder::frames_lost`] takes the
/// slots' numbers away, as marks may have been in the missing frames, and the next tags close the
/// gap.
#[derive(Clone, Debug, Default)]
pub struct TagDecoder {
    reached: Ticks,
    /// Frames are missing from here on.
    missing_from: Option<Ticks>,
    counters: DecodeCounters,
}

impl TagDecoder {
    /// At the begin of a boot's tag stream.
    pub fn new() -> TagDecoder {
        TagDecoder::default()
    }

    /// What was seen so far.
    pub fn counters(&self) -> &DecodeCounters {
        &self.counters
    }

    /// Takes a message in, in the order of its stream. Messages that say nothing about tags change
    /// nothing.
    pub fn push(&mut self, message: &DeviceMessage<'_>, out: &mut TagBatch) {
        match *message {
            DeviceMessage::Tags(ref tags) => {
                if let Some(from) = self.missing_from.take() {
                    // A tag of the base's own tick may have been in the missing frame.
                    let to = Ticks(tags.base.0.max(from.0).saturating_add(1));
                    out.events.push(TagEvent::Gap { from, to, lost: 0 });
                }
                self.tags(tags, out);
                self.reached = self.reached.max(tags.reached);
                out.reached = self.reached;
            }
            DeviceMessage::Gap { from, to, lost } => {
                self.counters.lost_edges = self.counters.lost_edges.saturating_add(lost);
                out.events.push(TagEvent::Gap { from, to, lost });
            }
            DeviceMessage::SlotMark(timing) => out.events.push(TagEvent::Mark(timing)),
            DeviceMessage::LockLost { tick } => out.events.push(TagEvent::LockLost { tick }),
            _ => {}
        }
    }

    /// Frames of the tag stream are missing before the next message.
    pub fn frames_lost(&mut self, out: &mut TagBatch) {
        self.counters.losses += 1;
        self.missing_from.get_or_insert(self.reached);
        out.events.push(TagEvent::StreamLost { tick: self.reached });
    }

    fn tags(&mut self, tags: &helio_wire::TagBatch<'_>, out: &mut TagBatch) {
        let start = out.tags.len();
        out.tags.resize(start + usize::from(tags.count), Tag::default());
        let (mut filled, mut marked) = (start, tags.iter());
        let marked = std::iter::from_fn(|| marked.next_marked());
        for (tag, (edge, early)) in out.tags[start..].iter_mut().zip(marked) {
            *tag = Tag::new(edge.tick, u32::from(edge.channel));
            self.counters.early += u64::from(early);
            filled += 1;
        }
        out.tags.truncate(filled);
        // Within a frame times cannot run backwards; only its begin can lie too early.
        let reached = self.reached.0;
        let old = out.tags[start..].partition_point(|tag| tag.tick < reached);
        out.tags.drain(start..start + old);
        self.counters.disordered += old as u64;
        self.counters.tags += (filled - start - old) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::{ClockInput, Edge};
    use helio_wire::{ClockEdgeWriter, TagWriter};

    fn push(decoder: &mut TagDecoder, out: &mut TagBatch, base: u64, ticks: &[u64], reached: u64) {
        let mut writer = TagWriter::new([0; 512], 1, Ticks(base));
        for &tick in ticks {
            writer.push(Edge { tick: Ticks(tick), channel: 1 }).unwrap();
        }
        writer.set_reached(Ticks(reached));
        decoder.push(&DeviceMessage::Tags(writer.batch()), out);
    }

    fn ticks(batch: &TagBatch) -> Vec<u64> {
        batch.tags.iter().map(|t| t.tick).collect()
    }

    #[test]
    fn frames_fill_a_batch_in_order() {
        let (mut decoder, mut out) = (TagDecoder::new(), TagBatch::default());
        push(&mut decoder, &mut out, 0, &[5, 90], 100);
        decoder.push(&DeviceMessage::LockLost { tick: Ticks(120) }, &mut out);
        push(&mut decoder, &mut out, 100, &[150], 200);
        assert_eq!(ticks(&out), [5, 90, 150]);
        assert_eq!(out.events, [TagEvent::LockLost { tick: Ticks(120) }]);
        // Edges of other inputs are no tags.
        let mut edges = ClockEdgeWriter::<16>::new(ClockInput::SyncIn);
        edges.push(Ticks(121)).unwrap();
        decoder.push(&DeviceMessage::ClockEdges(edges.batch(Ticks(0))), &mut out);
        assert_eq!((out.events.len(), out.tags.len()), (1, 3));
        assert_eq!((out.reached, decoder.counters().tags), (Ticks(200), 3));
    }

    #[test]
    fn marked_tags_are_tags_and_counted() {
        let mut writer = TagWriter::new([0; 100], 1, Ticks(0));
        writer.mark(true);
        for (tick, early) in [(5, false), (6, true), (90, false)] {
            writer.push_marked(Edge { tick: Ticks(tick), channel: 1 }, early).unwrap();
        }
        let (mut decoder, mut out) = (TagDecoder::new(), TagBatch::default());
        decoder.push(&DeviceMessage::Tags(writer.batch()), &mut out);
        assert_eq!(ticks(&out), [5, 6, 90]);
        assert_eq!((decoder.counters().tags, decoder.counters().early), (3, 1));
    }

    #[test]
    fn a_lost_frame_becomes_a_gap_up_to_the_next_base() {
        let (mut decoder, mut out) = (TagDecoder::new(), TagBatch::default());
        push(&mut decoder, &mut out, 0, &[5], 100);
        decoder.frames_lost(&mut out);
        decoder.frames_lost(&mut out);
        push(&mut decoder, &mut out, 300, &[310], 400);
        push(&mut decoder, &mut out, 400, &[], 500);
        let lost = TagEvent::StreamLost { tick: Ticks(100) };
        let gap = TagEvent::Gap { from: Ticks(100), to: Ticks(301), lost: 0 };
        assert_eq!(out.events, [lost, lost, gap]);
    }

    #[test]
    fn tags_that_come_too_late_are_counted_and_left_out() {
        let (mut decoder, mut out) = (TagDecoder::new(), TagBatch::default());
        push(&mut decoder, &mut out, 0, &[5, 90], 100);
        push(&mut decoder, &mut out, 80, &[85, 99, 100, 130], 140);
        assert_eq!(ticks(&out), [5, 90, 100, 130]);
        assert_eq!(decoder.counters().disordered, 2);
    }
}
