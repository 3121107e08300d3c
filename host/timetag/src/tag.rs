//! Tags and the batches they travel in.

use crate::pool::Buffer;
use helio_bench::SlotTiming;
use helio_units::{Picoseconds, TickLength, Ticks};

/// A time tag: an edge on a channel. Plain bytes, so that files of tags can be mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Tag {
    /// When, in the device's ticks since its start.
    pub tick: u64,
    /// On which input, from zero.
    pub channel: u32,
    /// What the source of the tag wants to note beside it; zero for tags of a device. No stage
    /// of this crate reads it.
    pub flags: u32,
}

impl Tag {
    /// A tag without notes.
    pub const fn new(tick: Ticks, channel: u32) -> Tag {
        Tag { tick: tick.0, channel, flags: 0 }
    }

    /// The time of the tag in picoseconds since the device's start, rounded down; `None` beyond
    /// 106 days.
    pub fn time(self, length: TickLength) -> Option<Picoseconds> {
        length.to_ps(Ticks(self.tick))
    }
}

/// What a stream of tags says beside tags. Each carries its own time, so it does not matter
/// between which tags of a batch it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagEvent {
    /// Edges may be missing between the two ticks, on any channel.
    Gap {
        /// First tick from which edges may be missing.
        from: Ticks,
        /// First tick from which the record is whole again.
        to: Ticks,
        /// At least this many are missing; 0 where nobody could count.
        lost: u64,
    },
    /// Where slots lie from this timing's slot on.
    Mark(SlotTiming),
    /// The slot clock lost its lock: slots from this tick on have no number until the next mark.
    LockLost {
        /// From when.
        tick: Ticks,
    },
    /// Part of the stream is missing from this tick on; marks and losses of lock may be among
    /// what is missing, so that slots have no number until the next mark. The time without tags
    /// follows as a [`TagEvent::Gap`].
    StreamLost {
        /// From when.
        tick: Ticks,
    },
}

/// Tags of a stretch of time in order of time, and the events of that stretch in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct TagBatch {
    /// In order of time; none before the previous batch's [`TagBatch::reached`].
    pub tags: Vec<Tag>,
    /// In order of arrival.
    pub events: Vec<TagEvent>,
    /// Every tag before this tick is in this batch or an earlier one, or lies in a gap that an
    /// event has told of.
    pub reached: Ticks,
}

impl Buffer for TagBatch {
    fn clear(&mut self) {
        self.tags.clear();
        self.events.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_sixteen_plain_bytes() {
        let tags = [Tag::new(Ticks(0x0102), 3), Tag::new(Ticks(7), 1)];
        let bytes: &[u8] = bytemuck::cast_slice(&tags);
        assert_eq!(bytes.len(), 32);
        assert_eq!(bytemuck::cast_slice::<u8, Tag>(bytes), tags);
    }

    #[test]
    fn time_is_exact_at_the_reference_tick() {
        let tag = Tag::new(Ticks(150_000_000), 0);
        assert_eq!(tag.time(TickLength::CYCLE_150_MHZ), Some(Picoseconds(1_000_000_000_000)));
    }
}
