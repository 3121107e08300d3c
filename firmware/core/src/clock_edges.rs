//! Edges of the inputs beside the detectors, for a host that compares clocks.
//!
//! They share the tags' stream and must not take the tags' place: each input has a budget for each
//! flush interval, and those of REF IN, which steer nothing, leave room for a full batch of tags.

use crate::cable::{Outlet, Transmit};
use helio_bench::ClockInput;
use helio_units::Ticks;
use helio_wire::{ClockEdgeWriter, DeviceMessage};

/// Edges of SYNC IN in a flush interval: a third more than a sync slot in 64 gives at 5 MHz.
const SYNC_BUDGET: u16 = 256;
/// Two bytes an edge are enough for a sync slot each 16384 ticks.
const SYNC_BYTES: usize = 512;

/// Edges of REF IN in a flush interval: 3.2 kHz.
const REFERENCE_BUDGET: u16 = 16;
/// Three bytes an edge are enough for one in 2²¹ ticks, and a budget of them is seldom.
const REFERENCE_BYTES: usize = 64;

/// Both inputs. Some 0.7 KiB.
pub(crate) struct ClockLanes {
    sync: Lane<SYNC_BYTES>,
    reference: Lane<REFERENCE_BYTES>,
}

impl ClockLanes {
    pub fn new() -> ClockLanes {
        ClockLanes {
            sync: Lane::new(ClockInput::SyncIn, SYNC_BUDGET),
            reference: Lane::new(ClockInput::RefIn, REFERENCE_BUDGET),
        }
    }

    /// A run begins: what came before is of no interest.
    pub fn clear(&mut self) {
        self.sync.clear();
        self.reference.clear();
    }

    /// The next edge of an input.
    #[inline]
    pub fn edge(&mut self, input: ClockInput, tick: Ticks) {
        match input {
            ClockInput::SyncIn => self.sync.edge(tick),
            ClockInput::RefIn => self.reference.edge(tick),
        }
    }

    /// The board lost edges of REF IN after the last one.
    pub fn reference_lost(&mut self, lost: u32) {
        self.reference.after = self.reference.after.saturating_add(lost);
    }

    /// Sends what there is room for; REF IN leaves this room free. Every edge of SYNC IN before
    /// `reached` has been given.
    pub fn flush(
        &mut self,
        reached: Ticks,
        room: usize,
        (outlet, epoch): (&mut Outlet, u16),
        frame: &mut [u8],
        tx: &mut impl Transmit,
    ) {
        self.sync.flush(reached, 0, (outlet, epoch), frame, tx);
        self.reference.flush(reached, room, (outlet, epoch), frame, tx);
    }

    /// A flush interval is over.
    pub fn refill(&mut self) {
        self.sync.left = self.sync.budget;
        self.reference.left = self.reference.budget;
    }
}

struct Lane<const N: usize> {
    writer: ClockEdgeWriter<N>,
    budget: u16,
    /// Of the budget.
    left: u16,
    /// Edges lost after the last one in the batch. Until it is sent no edge can follow it.
    after: u32,
    last: Ticks,
}

impl<const N: usize> Lane<N> {
    fn new(input: ClockInput, budget: u16) -> Lane<N> {
        let writer = ClockEdgeWriter::new(input);
        Lane { writer, budget, left: budget, after: 0, last: Ticks(0) }
    }

    fn clear(&mut self) {
        self.writer.restart(0);
        (self.left, self.after, self.last) = (self.budget, 0, Ticks(0));
    }

    #[inline]
    fn edge(&mut self, tick: Ticks) {
        self.last = tick;
        if self.after == 0 && self.left > 0 && self.writer.push(tick).is_ok() {
            self.left -= 1;
        } else {
            self.after = self.after.saturating_add(1);
        }
    }

    fn flush(
        &mut self,
        reached: Ticks,
        room: usize,
        (outlet, epoch): (&mut Outlet, u16),
        frame: &mut [u8],
        tx: &mut impl Transmit,
    ) {
        let mut after = core::mem::take(&mut self.after);
        if self.writer.count() == 0 {
            let lost = core::mem::take(&mut after).saturating_add(self.writer.lost());
            self.writer.restart(lost);
            // Without an edge and over the budget there is time to say it.
            if lost == 0 || self.left == 0 {
                return;
            }
        }
        let batch = self.writer.batch(reached.max(self.last));
        let unsent = batch.lost.saturating_add(u32::from(batch.count()));
        let message = DeviceMessage::ClockEdges(batch);
        let sent = tx.space() >= room && outlet.send(epoch, &message, frame, tx).is_ok();
        self.writer.restart(if sent { after } else { unsent.saturating_add(after) });
    }
}
