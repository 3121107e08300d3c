//! Detections in order of time, from records that are nearly so.

use helio_units::Ticks;

use crate::stream::Decode;
use crate::{Chunk, Counts, Loss, LossKind, Marker, TimeTag, TraceError};

/// More detections than this are never held back: what a dense or a hostile file may cost in memory
/// (16 bytes each).
pub(crate) const MAX_WAITING: usize = 1 << 20;

/// Holds detections back until nothing earlier can come, within a window.
#[derive(Debug)]
pub(crate) struct Order {
    window: u64,
    /// The latest tick so far.
    newest: u64,
    /// Everything before has been let go.
    floor: u64,
    waiting: Vec<(TimeTag, u16)>,
}

impl Order {
    /// A window of zero lets everything through as it comes.
    pub(crate) fn new(window: Ticks) -> Order {
        Order { window: window.0, newest: 0, floor: 0, waiting: Vec::new() }
    }

    pub(crate) fn newest(&self) -> Ticks {
        Ticks(self.newest)
    }

    /// How many detections are held back.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Up to here everything has been let go.
    pub(crate) fn settled(&self) -> Ticks {
        Ticks(self.newest.saturating_sub(self.window))
    }

    /// Takes a detection, unless it comes later than the window allows.
    pub(crate) fn push(&mut self, tag: TimeTag, dtime: u16) -> bool {
        let tick = tag.tick.0;
        if tick.saturating_add(self.window) < self.newest || tick < self.floor {
            return false;
        }
        self.newest = self.newest.max(tick);
        self.waiting.push((tag, dtime));
        true
    }

    /// Gives each detection that nothing can precede any more to `take`; `all` at the end.
    pub(crate) fn release(&mut self, all: bool, mut take: impl FnMut(TimeTag, u16)) {
        // Stable and quick on what is nearly sorted.
        self.waiting.sort_by_key(|(tag, _)| tag.tick);
        let settled = self.settled().0;
        let ready = match all {
            true => self.waiting.len(),
            false => self.waiting.partition_point(|(tag, _)| tag.tick.0 <= settled),
        };
        let ready = ready.max(self.waiting.len().saturating_sub(MAX_WAITING));
        for (tag, dtime) in self.waiting.drain(..ready) {
            self.floor = tag.tick.0;
            take(tag, dtime);
        }
    }
}

/// Markers, sync edges and losses that wait for the detections before them.
#[derive(Debug, Default)]
pub(crate) struct Others {
    waiting: Chunk,
}

impl Others {
    /// Gives those up to `settled` to `chunk`, or all.
    pub(crate) fn release(&mut self, settled: Option<Ticks>, chunk: &mut Chunk) {
        fn ready<T>(
            waiting: &mut Vec<T>,
            settled: Option<Ticks>,
            time: impl Fn(&T) -> Ticks,
        ) -> std::vec::Drain<'_, T> {
            // As the detections beside them, they may step back within the window.
            waiting.sort_by_key(&time);
            let until =
                settled.map_or(waiting.len(), |at| waiting.partition_point(|t| time(t) <= at));
            waiting.drain(..until.max(waiting.len().saturating_sub(MAX_WAITING)))
        }
        let Chunk { markers, syncs, losses, .. } = &mut self.waiting;
        chunk.markers.extend(ready(markers, settled, |marker| marker.tick));
        chunk.syncs.extend(ready(syncs, settled, |sync| *sync));
        chunk.losses.extend(ready(losses, settled, |loss| loss.tick));
    }

    /// Takes those of a chunk out of it.
    pub(crate) fn hold(&mut self, chunk: &mut Chunk) {
        self.waiting.markers.append(&mut chunk.markers);
        self.waiting.syncs.append(&mut chunk.syncs);
        self.waiting.losses.append(&mut chunk.losses);
    }

    pub(crate) fn marker(&mut self, marker: Marker) {
        self.waiting.markers.push(marker);
    }

    pub(crate) fn sync(&mut self, sync: Ticks) {
        self.waiting.syncs.push(sync);
    }

    pub(crate) fn loss(&mut self, loss: Loss) {
        self.waiting.losses.push(loss);
    }
}

/// What the formats with absolute times share: order and counts.
#[derive(Debug)]
pub(crate) struct Timeline {
    order: Order,
    sorts: bool,
    dtimes: bool,
    others: Others,
    /// The latest tick of any record.
    reached: Ticks,
    pub(crate) counts: Counts,
}

impl Timeline {
    pub(crate) fn new(window: Ticks) -> Timeline {
        Timeline {
            order: Order::new(window),
            sorts: window.0 > 0,
            dtimes: false,
            others: Others::default(),
            reached: Ticks(0),
            counts: Counts::default(),
        }
    }

    /// Whether detections have a dtime.
    pub(crate) fn with_dtimes(self, dtimes: bool) -> Timeline {
        Timeline { dtimes, ..self }
    }

    /// A detection in the record at byte `offset`.
    #[inline]
    pub(crate) fn photon(
        &mut self,
        tick: u64,
        channel: u8,
        offset: u64,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        self.detection(Ticks(tick), channel, 0, offset, chunk)
    }

    /// A detection with its dtime.
    #[inline]
    pub(crate) fn detection(
        &mut self,
        tick: Ticks,
        channel: u8,
        dtime: u16,
        offset: u64,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        let tag = TimeTag { tick, channel };
        if self.sorts {
            match self.order.push(tag, dtime) {
                true => self.counts.photons += 1,
                false => self.counts.late += 1,
            }
            return Ok(());
        }
        let (tick, last) = (tick.0, self.order.newest);
        if tick < last {
            return Err(TraceError::WentBack { offset, tick, last });
        }
        self.order.newest = tick;
        self.counts.photons += 1;
        chunk.photons.push(tag);
        if self.dtimes {
            chunk.dtimes.push(dtime);
        }
        Ok(())
    }

    /// Edges on the marker inputs.
    pub(crate) fn marker(&mut self, marker: Marker) {
        self.counts.markers += 1;
        self.reached = self.reached.max(marker.tick);
        self.others.marker(marker);
    }

    /// An edge on the sync input.
    pub(crate) fn sync(&mut self, sync: Ticks) {
        self.counts.sync_records += 1;
        self.reached = self.reached.max(sync);
        self.others.sync(sync);
    }

    /// A loss.
    pub(crate) fn loss(&mut self, loss: Loss) {
        if let LossKind::Missed { count, .. } = loss.kind {
            self.counts.missed += u64::from(count);
        }
        self.counts.loss_records += 1;
        self.reached = self.reached.max(loss.tick);
        self.others.loss(loss);
    }

    pub(crate) fn end_block(&mut self, all: bool, chunk: &mut Chunk) {
        if self.sorts {
            self.order.release(all, |tag, dtime| {
                chunk.photons.push(tag);
                if self.dtimes {
                    chunk.dtimes.push(dtime);
                }
            });
        }
        self.others.release((self.sorts && !all).then(|| self.order.settled()), chunk);
        self.reached = self.reached.max(self.order.newest());
        chunk.reached = self.reached;
    }
}

/// One record of a format whose records have one length and a time of their own.
pub(crate) trait Record<const BYTES: usize>: Send {
    /// Reads the record that stands at byte `offset`.
    fn read(
        &mut self,
        bytes: &[u8; BYTES],
        offset: u64,
        line: &mut Timeline,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError>;
}

/// Decodes such records.
pub(crate) struct Absolute<R, const BYTES: usize> {
    record: R,
    line: Timeline,
}

impl<R: Record<BYTES>, const BYTES: usize> Absolute<R, BYTES> {
    pub(crate) fn new(record: R, window: Ticks) -> Self {
        Absolute { record, line: Timeline::new(window) }
    }
}

impl<R: Record<BYTES>, const BYTES: usize> Decode for Absolute<R, BYTES> {
    fn block_bytes(&self) -> usize {
        8192 * BYTES
    }

    fn decode(
        &mut self,
        block: &[u8],
        offset: u64,
        last: bool,
        chunk: &mut Chunk,
    ) -> Result<usize, TraceError> {
        let (records, rest) = block.as_chunks::<BYTES>();
        let mut at = offset;
        let result = records.iter().try_for_each(|record| {
            let read = self.record.read(record, at, &mut self.line, chunk);
            at += BYTES as u64;
            read
        });
        self.line.end_block(last || result.is_err(), chunk);
        result.map(|()| block.len() - rest.len())
    }

    fn counts(&self) -> Counts {
        self.line.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(tick: u64, channel: u8) -> TimeTag {
        TimeTag { tick: Ticks(tick), channel }
    }

    fn released(order: &mut Order, all: bool) -> Vec<(u64, u8)> {
        let mut out = Vec::new();
        order.release(all, |tag, _| out.push((tag.tick.0, tag.channel)));
        out
    }

    #[test]
    fn what_nothing_can_precede_is_let_go_in_order() {
        let mut order = Order::new(Ticks(10));
        assert!(
            [(20, 0), (15, 1), (15, 2), (30, 3)].iter().all(|(t, c)| order.push(tag(*t, *c), 0))
        );
        assert_eq!(released(&mut order, false), [(15, 1), (15, 2), (20, 0)]);
        assert!(!order.push(tag(19, 4), 0), "earlier than the window");
        assert!(order.push(tag(20, 5), 0), "just within it");
        assert_eq!(released(&mut order, true), [(20, 5), (30, 3)]);
        assert_eq!(order.newest(), Ticks(30));
    }

    #[test]
    fn a_file_of_one_instant_does_not_fill_the_memory() {
        let mut order = Order::new(Ticks(1000));
        for round in 0..4u64 {
            for _ in 0..MAX_WAITING / 2 {
                assert!(order.push(tag(5 + round, 0), 0));
            }
            order.release(false, |_, _| {});
            assert!(order.waiting.len() <= MAX_WAITING);
        }
        assert!(!order.push(tag(0, 0), 0), "what was let go early cannot be preceded any more");
    }
}
