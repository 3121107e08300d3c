//! Delays of channels: cables, electronics and paths of different length, taken out of a recording.

use helio_units::{Picoseconds, TickLength, Ticks};

use crate::Chunk;
use crate::order::{MAX_WAITING, Order, Others};

/// Adds a time of its own to the detections of each channel and puts them in order again.
///
/// Only differences between channels matter: the channel with the most negative delay keeps its
/// times, so that no time falls below zero. Markers, sync records and losses keep theirs.
#[derive(Debug)]
pub struct Delays {
    /// Ticks that are added to each channel's times.
    shifts: [u64; 256],
    longest: u64,
    order: Order,
    others: Others,
}

/// Delays that cannot be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelayError {
    /// More detections than this fall into the difference of two delays.
    #[error(
        "its delays differ by so much that {MAX_WAITING} detections fall in between; choose shorter ones"
    )]
    TooLong,
    /// The recording is not in order of time, so that its detections cannot be put in order again.
    #[error("is not in order of time, and delays need it to be; read it with a --window")]
    OutOfOrder,
}

impl Delays {
    /// Delays of channels in a recording with ticks of this length, each rounded to the nearest
    /// tick; of a channel that stands there twice the sum counts.
    pub fn new(tick: TickLength, delays: &[(u8, Picoseconds)]) -> Delays {
        let mut signed = [0i128; 256];
        for (channel, delay) in delays {
            signed[usize::from(*channel)] += tick.nearest_ticks(*delay);
        }
        let earliest = signed.iter().copied().min().unwrap_or(0);
        let shifts = signed.map(|s| u64::try_from(s - earliest).unwrap_or(u64::MAX / 2));
        let longest = shifts.iter().copied().max().unwrap_or(0);
        Delays { shifts, longest, order: Order::new(Ticks(longest)), others: Others::default() }
    }

    /// Replaces the detections of `chunk` by those that no later one can precede.
    ///
    /// # Errors
    /// What the delays ask for would not fit in memory, or the recording is out of order.
    pub fn apply(&mut self, chunk: &mut Chunk) -> Result<(), DelayError> {
        let with_dtimes = chunk.dtimes.len() == chunk.photons.len();
        for (index, tag) in chunk.photons.iter().enumerate() {
            let mut tag = *tag;
            tag.tick.0 = tag.tick.0.saturating_add(self.shifts[usize::from(tag.channel)]);
            let dtime = if with_dtimes { chunk.dtimes[index] } else { 0 };
            if !self.order.push(tag, dtime) {
                return Err(DelayError::OutOfOrder);
            }
        }
        self.others.hold(chunk);
        self.release(chunk, with_dtimes, false);
        match self.order.waiting() >= MAX_WAITING {
            true => Err(DelayError::TooLong),
            false => Ok(()),
        }
    }

    /// Gives what is left when the recording has ended; `chunk` is the last one, or empty.
    pub fn finish(&mut self, chunk: &mut Chunk, with_dtimes: bool) {
        self.release(chunk, with_dtimes, true);
    }

    fn release(&mut self, chunk: &mut Chunk, with_dtimes: bool, all: bool) {
        chunk.photons.clear();
        chunk.dtimes.clear();
        let Chunk { photons, dtimes, .. } = chunk;
        self.order.release(all, |tag, dtime| {
            photons.push(tag);
            if with_dtimes {
                dtimes.push(dtime);
            }
        });
        self.others.release((!all).then(|| self.order.settled()), chunk);
        let last = chunk.photons.last().map_or(chunk.reached, |tag| tag.tick);
        chunk.reached = chunk.reached.max(last);
    }

    /// The longest time by which a detection is moved.
    pub fn longest(&self) -> Ticks {
        Ticks(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::TimeTag;

    fn chunk(tags: &[(u64, u8)]) -> Chunk {
        let photons: Vec<_> =
            tags.iter().map(|&(tick, channel)| TimeTag { tick: Ticks(tick), channel }).collect();
        let dtimes = (0..photons.len() as u16).collect();
        let reached = photons.last().map_or(Ticks(0), |p| p.tick);
        Chunk { photons, dtimes, reached, ..Chunk::default() }
    }

    proptest! {
        #[test]
        fn delays_are_those_of_sorting_all(
            gaps in prop::collection::vec((0u64..50, 0u8..4), 0..200),
            shifts in prop::array::uniform4(-120i64..120),
            size in 1usize..40,
        ) {
            let mut now = 1_000;
            let tags: Vec<_> = gaps.iter().map(|&(gap, c)| { now += gap; (now, c) }).collect();
            let tick = TickLength::new(4, 1).unwrap();
            let list: Vec<_> =
                shifts.iter().zip(0u8..).map(|(ticks, c)| (c, Picoseconds(4 * ticks + 1))).collect();
            let mut delays = Delays::new(tick, &list);
            let mut out = Vec::new();
            for part in tags.chunks(size) {
                let mut part = chunk(part);
                delays.apply(&mut part).unwrap();
                prop_assert_eq!(part.photons.len(), part.dtimes.len());
                out.extend(part.photons);
            }
            let mut rest = Chunk::default();
            delays.finish(&mut rest, true);
            out.extend(rest.photons);
            let earliest = shifts.iter().copied().min().unwrap().min(0);
            let mut expected: Vec<_> = tags
                .iter()
                .map(|&(t, c)| (t + (shifts[usize::from(c)] - earliest) as u64, c))
                .collect();
            expected.sort_by_key(|t| t.0);
            prop_assert!(out.is_sorted_by_key(|t| t.tick));
            let mut seen: Vec<_> = out.iter().map(|t| (t.tick.0, t.channel)).collect();
            seen.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_delay_is_rounded_to_the_nearest_tick_and_dtimes_go_with_their_photons() {
        let tick = TickLength::new(4, 1).unwrap();
        let mut delays = Delays::new(tick, &[(0, Picoseconds(38))]);
        assert_eq!(delays.longest(), Ticks(10));
        let mut tags = chunk(&[(5, 0), (7, 1), (40, 1)]);
        delays.apply(&mut tags).unwrap();
        assert_eq!(tags.photons.iter().map(|t| t.tick.0).collect::<Vec<_>>(), [7, 15]);
        assert_eq!(tags.dtimes, [1, 0]);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let tick = TickLength::new(1, 1).unwrap();
        let mut delays = Delays::new(tick, &[(0, Picoseconds(i64::MAX))]);
        let many: Vec<_> = (0..2 * MAX_WAITING as u64 + 2).map(|t| (t, (t % 2) as u8)).collect();
        assert_eq!(delays.apply(&mut chunk(&many)), Err(DelayError::TooLong));
        let mut delays = Delays::new(tick, &[(0, Picoseconds(5))]);
        assert_eq!(delays.apply(&mut chunk(&[(100, 0), (3, 0)])), Err(DelayError::OutOfOrder));
    }
}
