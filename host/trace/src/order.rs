//! Detections in order of time, from records that are nearly so.

use helio_units::Ticks;

use crate::stream::Decode;
use crate::{Chunk, Counts, TimeTag, TraceError};

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
        let settled = self.newest.saturating_sub(self.window);
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

/// What the formats with absolute times share: order and counts.
#[derive(Debug)]
pub(crate) struct Timeline {
    order: Order,
    sorts: bool,
    pub(crate) counts: Counts,
}

impl Timeline {
    pub(crate) fn new(window: Ticks) -> Timeline {
        Timeline { order: Order::new(window), sorts: window.0 > 0, counts: Counts::default() }
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
        let tag = TimeTag { tick: Ticks(tick), channel };
        if self.sorts {
            match self.order.push(tag, 0) {
                true => self.counts.photons += 1,
                false => self.counts.late += 1,
            }
            return Ok(());
        }
        if tick < self.order.newest {
            return Err(TraceError::WentBack { offset, tick, last: self.order.newest });
        }
        self.order.newest = tick;
        self.counts.photons += 1;
        chunk.photons.push(tag);
        Ok(())
    }

    pub(crate) fn end_block(&mut self, all: bool, chunk: &mut Chunk) {
        if self.sorts {
            self.order.release(all, |tag, _| chunk.photons.push(tag));
        }
        chunk.reached = self.order.newest();
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
