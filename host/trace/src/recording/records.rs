//! Records on their way into a block.

use helio_units::Ticks;

use super::bits::Level;
use crate::{Chunk, Loss, Marker, TimeTag};

/// The records of a block, each kind in the order in which it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// Of the detections.
    pub(super) ticks: Vec<u64>,
    pub(super) channels: Vec<u8>,
    /// As many as detections, or none.
    pub(super) dtimes: Vec<u16>,
    pub(super) markers: Vec<Marker>,
    pub(super) syncs: Vec<u64>,
    pub(super) losses: Vec<Loss>,
    pub(super) reached: Ticks,
}

impl Records {
    fn lengths(&self) -> [usize; 4] {
        [self.ticks.len(), self.syncs.len(), self.markers.len(), self.losses.len()]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lengths() == [0; 4]
    }

    /// Whether there are so many of a kind.
    pub(super) fn fill(&self, most: usize) -> bool {
        self.lengths().into_iter().any(|length| length >= most)
    }

    /// Forgets the records and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.ticks.clear();
        self.channels.clear();
        self.dtimes.clear();
        self.markers.clear();
        self.syncs.clear();
        self.losses.clear();
    }

    /// Adds the records of a part of a chunk.
    pub(super) fn append(&mut self, part: &Part<'_>, level: Level) {
        level.split(part.photons, &mut self.ticks, &mut self.channels);
        self.dtimes.extend(part.dtimes);
        self.markers.extend(part.markers);
        self.syncs.extend(part.syncs.iter().map(|tick| tick.0));
        self.losses.extend(part.losses);
    }

    /// The least and the greatest tick; `None` without records.
    pub(super) fn ends(&self, level: Level) -> Option<(Ticks, Ticks)> {
        let (a, b) = (level.ends(&self.ticks), level.ends(&self.syncs));
        let (mut least, mut most) = (a.0.min(b.0), a.1.max(b.1));
        let markers = self.markers.iter().map(|marker| marker.tick.0);
        for tick in markers.chain(self.losses.iter().map(|loss| loss.tick.0)) {
            (least, most) = (least.min(tick), most.max(tick));
        }
        (least <= most).then_some((Ticks(least), Ticks(most)))
    }
}

/// A part of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    photons: &'a [TimeTag],
    dtimes: &'a [u16],
    markers: &'a [Marker],
    syncs: &'a [Ticks],
    losses: &'a [Loss],
}

impl<'a> Part<'a> {
    /// All of it.
    pub(super) fn of(chunk: &'a Chunk) -> Part<'a> {
        Part {
            photons: &chunk.photons,
            dtimes: &chunk.dtimes,
            markers: &chunk.markers,
            syncs: &chunk.syncs,
            losses: &chunk.losses,
        }
    }

    /// The latest of its last records.
    pub(super) fn last(&self) -> Option<Ticks> {
        let Part { photons, markers, syncs, losses, .. } = self;
        let last = [tick_of_last(photons), tick_of_last(syncs), tick_of_last(markers)];
        last.into_iter().chain([tick_of_last(losses)]).flatten().max()
    }

    pub(super) fn is_empty(&self) -> bool {
        let Part { photons, markers, syncs, losses, .. } = self;
        photons.is_empty() && markers.is_empty() && syncs.is_empty() && losses.is_empty()
    }

    /// Forgets dtimes; how many they were.
    pub(super) fn leave_dtimes(&mut self) -> u64 {
        std::mem::take(&mut self.dtimes).len() as u64
    }

    /// Forgets markers, sync edges and losses; how many they were.
    pub(super) fn leave_photons(&mut self) -> (u64, u64, u64) {
        let left = (self.markers.len(), self.syncs.len(), self.losses.len());
        (self.markers, self.syncs, self.losses) = (&[], &[], &[]);
        (left.0 as u64, left.1 as u64, left.2 as u64)
    }

    /// Takes off the front what these records have room for in a block of `most` of each kind, which
    /// they do not fill; of kinds that would have room for more what is later stays too, so that
    /// blocks follow each other in time.
    pub(super) fn split_off(&mut self, before: &Records, most: usize) -> Part<'a> {
        let room = before.lengths().map(|length| most.saturating_sub(length));
        let until = [
            last_with_room(self.photons, room[0]),
            last_with_room(self.syncs, room[1]),
            last_with_room(self.markers, room[2]),
            last_with_room(self.losses, room[3]),
        ];
        let until = until.into_iter().flatten().min();
        let photons = take(&mut self.photons, room[0], until);
        let dtimes = photons.len().min(self.dtimes.len());
        Part {
            photons,
            dtimes: self.dtimes.split_off(..dtimes).unwrap_or_default(),
            syncs: take(&mut self.syncs, room[1], until),
            markers: take(&mut self.markers, room[2], until),
            losses: take(&mut self.losses, room[3], until),
        }
    }
}

/// What has a time.
trait Timed {
    fn tick(&self) -> Ticks;
}

impl Timed for Ticks {
    fn tick(&self) -> Ticks {
        *self
    }
}

macro_rules! timed {
    ($($record:ty),*) => {
        $(impl Timed for $record {
            fn tick(&self) -> Ticks {
                self.tick
            }
        })*
    };
}

timed!(TimeTag, Marker, Loss);

fn tick_of_last(list: &[impl Timed]) -> Option<Ticks> {
    list.last().map(Timed::tick)
}

/// The tick of the last record with room in a list that has not room for all.
fn last_with_room(list: &[impl Timed], room: usize) -> Option<Ticks> {
    if list.len() > room { tick_of_last(&list[..room]) } else { None }
}

/// Takes off the front what has room and is not later.
fn take<'a, T: Timed>(list: &mut &'a [T], room: usize, until: Option<Ticks>) -> &'a [T] {
    let fits = list.len().min(room);
    let count = match until {
        // The list that ends there is taken as it is: it need not be in order.
        Some(_) if last_with_room(list, room) == until => fits,
        Some(until) => list[..fits].iter().position(|r| r.tick() > until).unwrap_or(fits),
        None => fits,
    };
    list.split_off(..count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_takes_of_other_kinds_what_is_not_later() {
        let photon = |tick| TimeTag { tick: Ticks(tick), channel: 0 };
        let chunk = Chunk {
            photons: [5, 9, 7, 20].map(photon).into(),
            dtimes: vec![1, 2, 3, 4],
            syncs: [1, 6, 8].map(Ticks).into(),
            ..Chunk::default()
        };
        let (mut rest, mut records) = (Part::of(&chunk), Records::default());
        let part = rest.split_off(&records, 3);
        assert_eq!((part.photons, part.dtimes), (&chunk.photons[..3], &chunk.dtimes[..3]));
        assert_eq!(part.syncs, &chunk.syncs[..2]);
        records.append(&part, Level::Portable);
        assert!(records.fill(3) && !rest.is_empty());
        records.clear();
        let part = rest.split_off(&records, 3);
        assert_eq!((part.photons.len(), part.syncs.len()), (1, 1));
        assert!(rest.is_empty());
    }
}
