//! The stream of tags: edges, gaps, slot marks and losses of lock, in order of time; among them
//! the edges of the inputs beside the detectors.
//!
//! What finds no room on the cable is dropped in whole frames, counted, and replaced by one gap
//! as soon as there is room; the newest mark follows it, so that slots have numbers again.

use crate::cable::{NotSent, Outlet, Transmit, frame_room};
use crate::clock_edges::ClockLanes;
use crate::settings::FlushTimer;
use heapless::Deque;
use helio_bench::{ClockInput, Edge, Loss, SlotTiming};
use helio_units::{TickLength, Ticks};
use helio_wire::{DeviceMessage, MAX_PAYLOAD, MAX_TAG_CODES, Stream, TagWriter};

use crate::sequencer::FLUSH_INTERVAL;

/// Bytes of codes in a full batch: at 100 k tags/s and 2 bytes a tag it fills in 5 ms.
const BATCH_BYTES: usize = 1000;

/// With what stands before the codes.
const FRAME: usize = frame_room(BATCH_BYTES + MAX_PAYLOAD - MAX_TAG_CODES);

/// Room that a gap and a notice need together.
const NOTICES_ROOM: usize = 128;

/// Marks that wait for their slot.
const MARKS: usize = 4;

/// Something to be said at a point of time.
#[derive(Clone, Copy, Debug)]
enum Notice {
    Mark(SlotTiming),
    LockLost(Ticks),
}

/// About 3.2 KiB.
pub(crate) struct TagStream {
    outlet: Outlet,
    epoch: u16,
    writer: TagWriter<[u8; BATCH_BYTES]>,
    timer: FlushTimer,
    clocks: ClockLanes,
    /// Not announced yet: the cable is full.
    gap: Option<Loss>,
    /// The newest notice that found no room.
    held: Option<Notice>,
    /// Marks of slots still to come.
    marks: Deque<SlotTiming, MARKS>,
    /// Whole tick of the first of them, or never.
    next_mark: u64,
    /// Edges before this tick lie in a gap that has been announced.
    resumed: Ticks,
    edges: u64,
    lost: u64,
    frame: [u8; FRAME],
}

impl TagStream {
    /// For so many detectors.
    pub fn new(boot_nonce: u32, tick: TickLength, detectors: u8) -> TagStream {
        let highest = detectors.saturating_sub(1);
        let channel_bits = (u8::BITS - highest.leading_zeros()) as u8;
        TagStream {
            outlet: Outlet::new(Stream::Tags, boot_nonce),
            epoch: 0,
            writer: TagWriter::new([0; BATCH_BYTES], channel_bits, Ticks(0)),
            timer: FlushTimer::new(tick.ticks_covering(FLUSH_INTERVAL)),
            clocks: ClockLanes::new(),
            gap: None,
            held: None,
            marks: Deque::new(),
            next_mark: u64::MAX,
            resumed: Ticks(0),
            edges: 0,
            lost: 0,
            frame: [0; FRAME],
        }
    }

    /// Edges since boot.
    pub fn edges(&self) -> u64 {
        self.edges
    }

    /// Edges lost since boot.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// A run begins: edges before `from` are of no interest. `marked`: tags have a mark.
    pub fn begin(&mut self, epoch: u16, from: Ticks, marked: bool) {
        self.epoch = epoch;
        (self.gap, self.held) = (None, None);
        self.marks.clear();
        self.next_mark = u64::MAX;
        self.resumed = from;
        self.writer.mark(marked);
        self.writer.restart(from);
        self.timer.restart(from);
        self.clocks.clear();
    }

    /// The next edge of an input beside the detectors.
    #[inline]
    pub fn clock_edge(&mut self, input: ClockInput, tick: Ticks) {
        self.clocks.edge(input, tick);
    }

    /// The board lost edges of REF IN after the last one.
    pub fn reference_lost(&mut self, lost: u32) {
        self.clocks.reference_lost(lost);
    }

    /// The next edge of a detector, and whether it is to be marked.
    #[inline]
    pub fn edge(&mut self, edge: Edge, early: bool, tx: &mut impl Transmit) {
        self.edges += 1;
        if edge.tick.0 >= self.next_mark {
            self.release_marks(edge.tick, tx);
        }
        if self.is_blocked() || edge.tick < self.resumed {
            self.lose(edge.tick);
        } else if self.writer.push_marked(edge, early).is_err() {
            // Full. (Out of order or on a channel that does not exist: lost on the second try.)
            self.flush(self.writer.last(), tx);
            if self.is_blocked() || self.writer.push_marked(edge, early).is_err() {
                self.lose(edge.tick);
            }
        }
    }

    /// The hardware lost edges; comes before the first edge at or after its beginning.
    pub fn loss(&mut self, loss: Loss, tx: &mut impl Transmit) {
        self.edges += loss.lost;
        self.lost += loss.lost;
        self.release_marks(loss.from, tx);
        self.flush(self.writer.last().max(loss.from), tx);
        self.widen_gap(loss);
        self.unblock(Ticks(0), tx);
    }

    /// Every edge before `tick` has been pushed.
    pub fn reached(&mut self, tick: Ticks, now: Ticks, tx: &mut impl Transmit) {
        self.release_marks(tick, tx);
        self.unblock(tick, tx);
        if self.timer.is_due(now) {
            self.flush(tick, tx);
            self.clocks.refill();
        }
    }

    /// Whether [`TagStream::mark`] takes another one.
    pub fn has_room_for_mark(&self) -> bool {
        !self.marks.is_full()
    }

    /// A mark that stands before the first edge of its slot. Dropped if too many wait.
    pub fn mark(&mut self, timing: SlotTiming) {
        if self.marks.push_back(timing).is_ok() {
            self.update_next_mark();
        }
    }

    /// Whether the host has still to hear that the lock was lost: a newer mark would take the place of
    /// that word, and settings behind it would overtake it.
    pub fn owes_loss_of_lock(&self) -> bool {
        matches!(self.held, Some(Notice::LockLost(_)))
    }

    /// Lock was lost at `tick`; marks of slots after it are void.
    pub fn lock_lost(&mut self, tick: Ticks, tx: &mut impl Transmit) {
        self.release_marks(tick, tx);
        self.marks.clear();
        self.next_mark = u64::MAX;
        self.flush(tick, tx);
        self.notify(Notice::LockLost(tick), tx);
    }

    /// The run is over: says what is left to say, as far as there is room.
    pub fn finish(&mut self, reached: Ticks, tx: &mut impl Transmit) {
        self.release_marks(reached, tx);
        self.unblock(reached, tx);
        self.flush(reached, tx);
    }

    fn is_blocked(&self) -> bool {
        self.gap.is_some() || self.held.is_some()
    }

    fn lose(&mut self, tick: Ticks) {
        self.lost += 1;
        if tick >= self.resumed {
            self.widen_gap(Loss { from: tick, to: Ticks(tick.0 + 1), lost: 1 });
        }
    }

    fn widen_gap(&mut self, loss: Loss) {
        let gap = self.gap.get_or_insert(Loss { lost: 0, ..loss });
        gap.from = gap.from.min(loss.from);
        gap.to = gap.to.max(loss.to);
        gap.lost += loss.lost;
    }

    /// Sends the batch, or loses it; before it the edges of the other inputs.
    fn flush(&mut self, reached: Ticks, tx: &mut impl Transmit) {
        let way = (&mut self.outlet, self.epoch);
        self.clocks.flush(reached, FRAME, way, &mut self.frame, tx);
        // What lies in an announced gap will not come, even if time has not got there yet.
        let reached = reached.max(self.resumed);
        if !self.is_blocked() {
            self.writer.set_reached(reached);
            let message = DeviceMessage::Tags(self.writer.batch());
            if self.outlet.send(self.epoch, &message, &mut self.frame, tx).is_err() {
                let (from, lost) = (self.writer.batch().base, u64::from(self.writer.count()));
                if lost > 0 {
                    self.lost += lost;
                    let to = Ticks(reached.0.max(self.writer.last().0 + 1));
                    self.widen_gap(Loss { from, to, lost });
                }
            }
        }
        self.writer.restart(reached);
    }

    /// Announces a gap and what was held back, if there is room for both. Nothing before `at`
    /// comes any more.
    fn unblock(&mut self, at: Ticks, tx: &mut impl Transmit) {
        if !self.is_blocked() || tx.space() < NOTICES_ROOM {
            return;
        }
        if let Some(Loss { from, to, lost }) = self.gap {
            let to = to.max(at);
            let message = DeviceMessage::Gap { from, to, lost };
            if self.outlet.send(self.epoch, &message, &mut self.frame, tx).is_err() {
                return;
            }
            self.gap = None;
            self.resumed = to;
            self.writer.restart(to);
        }
        if let Some(notice) = self.held
            && self.try_notify(notice, tx).is_ok()
        {
            self.held = None;
        }
    }

    fn notify(&mut self, notice: Notice, tx: &mut impl Transmit) {
        if self.is_blocked() || self.try_notify(notice, tx).is_err() {
            self.held = Some(notice);
        }
    }

    fn try_notify(&mut self, notice: Notice, tx: &mut impl Transmit) -> Result<(), NotSent> {
        let message = match notice {
            Notice::Mark(timing) => DeviceMessage::SlotMark(timing),
            // Behind a gap that it lies in: the stream does not go back in time.
            Notice::LockLost(tick) => DeviceMessage::LockLost { tick: tick.max(self.resumed) },
        };
        self.outlet.send(self.epoch, &message, &mut self.frame, tx)
    }

    /// Marks whose slot begins at or before `tick`.
    fn release_marks(&mut self, tick: Ticks, tx: &mut impl Transmit) {
        while self.next_mark <= tick.0
            && let Some(timing) = self.marks.pop_front()
        {
            self.flush(self.writer.last().max(timing.start.floor()), tx);
            self.notify(Notice::Mark(timing), tx);
            self.update_next_mark();
        }
    }

    fn update_next_mark(&mut self) {
        self.next_mark = self.marks.front().map_or(u64::MAX, |m| m.start.floor().0);
    }
}
