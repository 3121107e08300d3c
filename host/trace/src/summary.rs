//! What a whole trace holds, gathered chunk by chunk.

use helio_units::Ticks;

use crate::{Chunk, TimeTag};

/// The detections of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSummary {
    /// How many.
    pub count: u64,
    /// The first in the file.
    pub first: Ticks,
    /// The last in the file.
    pub last: Ticks,
}

/// Counts and extremes of a trace; its size does not grow with the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    channels: Vec<Option<ChannelSummary>>,
    markers: [u64; 16],
    head: Vec<TimeTag>,
    latest: Ticks,
    reached: Ticks,
    steps_back: u64,
}

impl Summary {
    /// How many detections [`Summary::head`] keeps.
    pub const HEAD: usize = 5;

    /// Takes the next chunk of the trace.
    pub fn add(&mut self, chunk: &Chunk) {
        for &tag in &chunk.photons {
            let index = usize::from(tag.channel);
            if self.channels.len() <= index {
                self.channels.resize(index + 1, None);
            }
            match &mut self.channels[index] {
                Some(seen) => {
                    seen.count += 1;
                    seen.last = tag.tick;
                }
                none => {
                    *none = Some(ChannelSummary { count: 1, first: tag.tick, last: tag.tick });
                }
            }
            if tag.tick < self.latest {
                self.steps_back += 1;
            }
            self.latest = tag.tick;
        }
        let missing = Self::HEAD - self.head.len();
        self.head.extend(chunk.photons.iter().take(missing));
        for marker in &chunk.markers {
            self.markers[usize::from(marker.bits & 15)] += 1;
        }
        self.reached = self.reached.max(chunk.reached);
    }

    /// The channels with at least one detection, by rising number.
    pub fn channels(&self) -> impl Iterator<Item = (u8, ChannelSummary)> + '_ {
        self.channels.iter().zip(0u8..=255).filter_map(|(seen, number)| Some((number, (*seen)?)))
    }

    /// One channel; `None` where it detected nothing.
    pub fn channel(&self, number: u8) -> Option<ChannelSummary> {
        self.channels.get(usize::from(number)).copied().flatten()
    }

    /// How often each combination of marker bits occurred, by rising bits, without zeros.
    pub fn markers(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.markers.iter().zip(0u8..).filter(|(n, _)| **n > 0).map(|(n, bits)| (bits, *n))
    }

    /// The first detections of the file, at most [`Summary::HEAD`].
    pub fn head(&self) -> &[TimeTag] {
        &self.head
    }

    /// The time that the records have reached, counted from the trace's tick zero.
    pub fn reached(&self) -> Ticks {
        self.reached
    }

    /// How many detections are earlier than the one before them; zero in a trace in order.
    pub fn steps_back(&self) -> u64 {
        self.steps_back
    }
}
