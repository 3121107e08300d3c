//! Batches of tags as they arrive: checked once, when the frame is read, so that reading the tags
//! cannot fail afterwards.

use helio_bench::Edge;
use helio_units::Ticks;

use crate::frame::MAX_TAG_CODES;
use crate::{TagBatch, varint};

/// Most bits of a code that name the channel.
pub(crate) const MAX_CHANNEL_BITS: u8 = 4;

/// In the field of the channel bits: codes have a mark.
pub(crate) const MARKED: u8 = 1 << 7;

/// What is wrong with a batch of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagsError {
    /// More than 4 bits name the channel.
    ChannelBits,
    /// The codes end inside a code, or a code has more than 64 bits.
    Truncated,
    /// A code ends with a zero byte it does not need.
    Overlong,
    /// A tag lies beyond 64 bits of ticks.
    TickOverflow,
    /// The codes are more or fewer than the count says, or more than a frame holds.
    Count,
}

impl core::fmt::Display for TagsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            TagsError::ChannelBits => "more than 4 bits name the channel",
            TagsError::Truncated => "a code is cut off or longer than 64 bits",
            TagsError::Overlong => "a code is longer than it needs to be",
            TagsError::TickOverflow => "a tag lies beyond 64 bits of ticks",
            TagsError::Count => "the number of codes is not the count",
        })
    }
}

impl core::error::Error for TagsError {}

impl<'a> TagBatch<'a> {
    /// A batch from its parts, with every code checked.
    ///
    /// # Errors
    /// The first [`TagsError`].
    pub fn new(
        base: Ticks,
        reached: Ticks,
        channel_bits: u8,
        marked: bool,
        count: u16,
        codes: &'a [u8],
    ) -> Result<TagBatch<'a>, TagsError> {
        if channel_bits > MAX_CHANNEL_BITS {
            return Err(TagsError::ChannelBits);
        }
        if codes.len() > MAX_TAG_CODES {
            return Err(TagsError::Count);
        }
        let bits = channel_bits + u8::from(marked);
        let (mut rest, mut tick, mut left) = (codes, base.0, count);
        while !rest.is_empty() {
            let (code, length) = varint::read(rest).ok_or(TagsError::Truncated)?;
            if length > 1 && rest[length - 1] == 0 {
                return Err(TagsError::Overlong);
            }
            tick = tick.checked_add(code >> bits).ok_or(TagsError::TickOverflow)?;
            left = left.checked_sub(1).ok_or(TagsError::Count)?;
            rest = &rest[length..];
        }
        if left != 0 {
            return Err(TagsError::Count);
        }
        Ok(TagBatch { base, reached, channel_bits, marked, count, codes })
    }

    /// The codes as they stand in the frame.
    pub const fn codes(&self) -> &'a [u8] {
        self.codes
    }

    /// The tags in order of time.
    pub fn iter(&self) -> TagIter<'a> {
        let channel_bits = u32::from(self.channel_bits.min(MAX_CHANNEL_BITS));
        TagIter {
            codes: self.codes,
            tick: self.base.0,
            channel_bits,
            bits: channel_bits + u32::from(self.marked),
            left: self.count,
        }
    }

    /// How many tags are marked: they lie within their detector's stated dead time.
    pub fn early(&self) -> u64 {
        if !self.marked {
            return 0;
        }
        let mut tags = self.iter();
        core::iter::from_fn(|| tags.next_marked()).filter(|(_, early)| *early).count() as u64
    }

    /// Writes the tags to the front of `out` and returns how many: all of them if `out` holds
    /// [`TagBatch::count`]; [`MAX_TAG_CODES`] holds those of any batch.
    pub fn decode_into(&self, out: &mut [Edge]) -> usize {
        let mut written = 0;
        for (slot, edge) in out.iter_mut().zip(self.iter()) {
            *slot = edge;
            written += 1;
        }
        written
    }
}

impl<'a> IntoIterator for &TagBatch<'a> {
    type Item = Edge;
    type IntoIter = TagIter<'a>;
    fn into_iter(self) -> TagIter<'a> {
        self.iter()
    }
}

/// The tags of a [`TagBatch`], in order of time.
#[derive(Clone, Debug)]
pub struct TagIter<'a> {
    codes: &'a [u8],
    tick: u64,
    channel_bits: u32,
    /// With the mark.
    bits: u32,
    left: u16,
}

impl TagIter<'_> {
    /// The next tag, and whether it is marked.
    #[inline]
    pub fn next_marked(&mut self) -> Option<(Edge, bool)> {
        // The fields of a batch are public; what a caller wrote into them after the check can
        // shorten the iteration, not make it fail.
        self.left = self.left.checked_sub(1)?;
        let (code, length) = varint::read(self.codes)?;
        self.codes = &self.codes[length..];
        self.tick = self.tick.wrapping_add(code >> self.bits);
        let channel = code as u8 & ((1 << self.channel_bits) - 1);
        // Without a mark there is no bit between the channel's and the time's.
        let early = code as u8 & ((1 << self.bits) - 1) > channel;
        Some((Edge { tick: Ticks(self.tick), channel }, early))
    }
}

impl Iterator for TagIter<'_> {
    type Item = Edge;

    #[inline]
    fn next(&mut self) -> Option<Edge> {
        self.next_marked().map(|(edge, _)| edge)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left.into()))
    }
}
