//! What a whole trace holds, gathered chunk by chunk.

use helio_units::Ticks;

use crate::{Chunk, Marker, TimeTag};

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

/// The times within the sync period of one channel, in [`crate::Dtime::unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DtimeSummary {
    /// The shortest.
    pub min: u16,
    /// The longest.
    pub max: u16,
    /// Their sum.
    pub sum: u64,
    /// The most frequent; the shortest of several.
    pub mode: u16,
    /// How often it occurred.
    pub mode_count: u64,
}

/// Counts and extremes of a trace; its size does not grow with the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    channels: Vec<Option<ChannelSummary>>,
    /// Of each channel how often each dtime occurred.
    dtimes: Vec<Vec<u64>>,
    markers: [u64; 16],
    head: Vec<TimeTag>,
    head_dtimes: Vec<u16>,
    marker_head: Vec<Marker>,
    last_marker: Option<Marker>,
    syncs: Option<(Ticks, Ticks, u64)>,
    earliest: Option<Ticks>,
    latest: Ticks,
    reached: Ticks,
    steps_back: u64,
}

impl Summary {
    /// How many detections [`Summary::head`] keeps, and how many markers.
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
        self.add_dtimes(chunk);
        let missing = Self::HEAD - self.head.len();
        self.head.extend(chunk.photons.iter().take(missing));
        self.head_dtimes.extend(chunk.dtimes.iter().take(missing));
        for marker in &chunk.markers {
            self.markers[usize::from(marker.bits & 15)] += 1;
        }
        let missing = Self::HEAD - self.marker_head.len();
        self.marker_head.extend(chunk.markers.iter().take(missing));
        self.last_marker = chunk.markers.last().copied().or(self.last_marker);
        for &sync in &chunk.syncs {
            let (first, _, count) = self.syncs.unwrap_or((sync, sync, 0));
            self.syncs = Some((first, sync, count + 1));
        }
        self.earliest = self.earliest.into_iter().chain(chunk.ticks()).min();
        self.reached = self.reached.max(chunk.reached);
    }

    fn add_dtimes(&mut self, chunk: &Chunk) {
        for (tag, dtime) in chunk.photons.iter().zip(&chunk.dtimes) {
            let (channel, dtime) = (usize::from(tag.channel), usize::from(*dtime));
            if self.dtimes.len() <= channel {
                self.dtimes.resize(channel + 1, Vec::new());
            }
            let histogram = &mut self.dtimes[channel];
            if histogram.len() <= dtime {
                histogram.resize(dtime + 1, 0);
            }
            histogram[dtime] += 1;
        }
    }

    /// The channels with at least one detection, by rising number.
    pub fn channels(&self) -> impl Iterator<Item = (u8, ChannelSummary)> + '_ {
        self.channels.iter().zip(0u8..=255).filter_map(|(seen, number)| Some((number, (*seen)?)))
    }

    /// One channel; `None` where it detected nothing.
    pub fn channel(&self, number: u8) -> Option<ChannelSummary> {
        self.channels.get(usize::from(number)).copied().flatten()
    }

    /// How often each dtime of a channel occurred, from 0 to the longest; empty without dtimes.
    pub fn dtime_histogram(&self, number: u8) -> &[u64] {
        self.dtimes.get(usize::from(number)).map_or(&[], Vec::as_slice)
    }

    /// The dtimes of a channel; `None` where it has none.
    pub fn dtimes(&self, number: u8) -> Option<DtimeSummary> {
        let counts = self.dtime_histogram(number);
        let occurred = || counts.iter().enumerate().filter(|(_, count)| **count > 0);
        // The last maximum of the reverse is the first of all.
        let (mode, mode_count) = occurred().rev().max_by_key(|(_, count)| **count)?;
        Some(DtimeSummary {
            min: occurred().next()?.0 as u16,
            max: occurred().next_back()?.0 as u16,
            sum: occurred().map(|(dtime, count)| count * dtime as u64).sum(),
            mode: mode as u16,
            mode_count: *mode_count,
        })
    }

    /// How often each combination of marker bits occurred, by rising bits, without zeros.
    pub fn markers(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.markers.iter().zip(0u8..).filter(|(n, _)| **n > 0).map(|(n, bits)| (bits, *n))
    }

    /// The first markers of the file, at most [`Summary::HEAD`], and the last.
    pub fn marker_ends(&self) -> (&[Marker], Option<Marker>) {
        (&self.marker_head, self.last_marker)
    }

    /// First and last sync record in the file, and how many there are.
    pub fn syncs(&self) -> Option<(Ticks, Ticks, u64)> {
        self.syncs
    }

    /// The first detections of the file, at most [`Summary::HEAD`].
    pub fn head(&self) -> &[TimeTag] {
        &self.head
    }

    /// Their dtimes, where there are any.
    pub fn head_dtimes(&self) -> &[u16] {
        &self.head_dtimes
    }

    /// The earliest record's time.
    pub fn earliest(&self) -> Option<Ticks> {
        self.earliest
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
