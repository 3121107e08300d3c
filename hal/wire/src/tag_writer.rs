//! Batches of tags as they are made, on the device.

use helio_bench::Edge;
use helio_units::Ticks;

use crate::frame::MAX_TAG_CODES;
use crate::tags::MAX_CHANNEL_BITS;
use crate::{TagBatch, varint};

/// Why a tag was not appended; the batch is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagRefused {
    /// It does not fit: the buffer is full, or the tag is so far from the one before that its code
    /// would have more than 64 bits. Send the batch and restart with this tag's tick as base.
    Full,
    /// It is earlier than the one before, or than the base.
    OutOfOrder,
    /// Its channel has more bits than the batch gives it.
    Channel,
}

impl core::fmt::Display for TagRefused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            TagRefused::Full => "the batch is full",
            TagRefused::OutOfOrder => "the tag is earlier than the one before",
            TagRefused::Channel => "the channel has more bits than the batch gives it",
        })
    }
}

impl core::error::Error for TagRefused {}

/// Codes tags into a buffer that it owns or borrows (`[u8; N]`, `&mut [u8]`), at most
/// [`MAX_TAG_CODES`] bytes of it.
#[derive(Clone, Debug)]
pub struct TagWriter<B> {
    buffer: B,
    length: usize,
    base: Ticks,
    last: Ticks,
    reached: Ticks,
    channel_bits: u8,
    marked: bool,
    count: u16,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> TagWriter<B> {
    /// An empty batch of tags from `base` on, whose channels have `channel_bits` bits; more than
    /// 4 count as 4.
    pub fn new(buffer: B, channel_bits: u8, base: Ticks) -> TagWriter<B> {
        TagWriter {
            buffer,
            length: 0,
            base,
            last: base,
            reached: base,
            channel_bits: channel_bits.min(MAX_CHANNEL_BITS),
            marked: false,
            count: 0,
        }
    }

    /// Drops the batch; the next ones have a mark for each tag, or none.
    pub fn mark(&mut self, marked: bool) {
        self.restart(self.base);
        self.marked = marked;
    }

    /// Drops the batch and begins the next one at `base`.
    pub fn restart(&mut self, base: Ticks) {
        (self.length, self.count) = (0, 0);
        (self.base, self.last, self.reached) = (base, base, base);
    }

    /// Appends a tag. Equal ticks are fine, also on the same channel.
    ///
    /// # Errors
    /// [`TagRefused`]; nothing was appended.
    pub fn push(&mut self, edge: Edge) -> Result<(), TagRefused> {
        self.push_marked(edge, false)
    }

    /// The same of a tag that is early; told where the batch has marks.
    ///
    /// # Errors
    /// As [`TagWriter::push`].
    pub fn push_marked(&mut self, edge: Edge, early: bool) -> Result<(), TagRefused> {
        if edge.channel >> self.channel_bits != 0 {
            return Err(TagRefused::Channel);
        }
        let bits = u32::from(self.channel_bits) + u32::from(self.marked);
        let delta = edge.tick.0.checked_sub(self.last.0).ok_or(TagRefused::OutOfOrder)?;
        if delta > u64::MAX >> bits {
            return Err(TagRefused::Full);
        }
        let mark = u64::from(early && self.marked) << self.channel_bits;
        let code = delta << bits | mark | u64::from(edge.channel);
        let end = self.length + varint::length(code);
        if end > MAX_TAG_CODES {
            return Err(TagRefused::Full);
        }
        let room = self.buffer.as_mut().get_mut(self.length..end).ok_or(TagRefused::Full)?;
        varint::write(code, room);
        self.length = end;
        self.last = edge.tick;
        self.count += 1;
        Ok(())
    }

    /// States that every edge before `tick` has been appended, sent, or lies in a gap.
    pub fn set_reached(&mut self, tick: Ticks) {
        self.reached = tick;
    }

    /// Number of tags so far.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Whether there is no tag yet.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of codes so far.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Time of the last tag, or the base.
    pub const fn last(&self) -> Ticks {
        self.last
    }

    /// The batch as it stands, ready to encode.
    pub fn batch(&self) -> TagBatch<'_> {
        TagBatch {
            base: self.base,
            reached: self.reached,
            channel_bits: self.channel_bits,
            marked: self.marked,
            count: self.count,
            codes: &self.buffer.as_ref()[..self.length],
        }
    }
}
