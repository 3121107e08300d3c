//! What waits for the host, and how it becomes packets.
//!
//! - Frames of control and health overtake tags and settings, at the ends of frames. After
//!   [`URGENT_IN_A_ROW`] of them one other frame goes, so that neither starves.
//! - `Stopped` overtakes nothing, nor does what comes behind it: a host takes it for the end of a
//!   run's data.
//! - A full packet goes at once. The host sees its transfer end with a short packet only: one goes
//!   right behind the last urgent frame, and otherwise when bytes have waited for the flush time,
//!   be it that more could follow, or that nothing is left and it is empty.

use super::PACKET;
use super::ring::Ring;
use heapless::Deque;
use helio_units::{SlotIndex, Ticks};
use helio_wire::{DeviceMessage, Stream};

/// Urgent frames that may go one after the other while others wait.
const URGENT_IN_A_ROW: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Urgent,
    Bulk,
}

/// Ends of runs that can wait at once: that of one which a trip has halted, and of the next one.
const ENDS: usize = 4;

/// Where an end of a run stands.
#[derive(Clone, Copy, Debug)]
struct End {
    /// Urgent bytes before it.
    urgent: usize,
    /// Other bytes before it.
    bulk: usize,
}

#[derive(Clone, Debug)]
pub struct Outgoing<const N: usize> {
    urgent: Ring<N>,
    bulk: Ring<N>,
    ends: Deque<End, ENDS>,
    /// The lane whose frame has begun and not ended.
    within: Option<Lane>,
    in_a_row: u32,
    packet: heapless::Vec<u8, PACKET>,
    /// The packet is not to grow any more.
    ready: bool,
    /// The last packet was a full one: the host waits for the end of its transfer.
    open: bool,
    /// When a short packet must go.
    due: Option<Ticks>,
    flush: u64,
}

/// Which lane a frame belongs in: by its stream, which stands in its fourth byte; a first byte of 3
/// says that this one was a zero. (Frames are COBS: the first byte is the distance of the first
/// zero, and neither version nor kind is ever zero.)
fn lane(frame: &[u8]) -> Lane {
    let stream = match *frame {
        [3, ..] => 0,
        [_, _, _, stream, ..] => stream,
        _ => 0,
    };
    match Stream::from_code(stream) {
        Some(Stream::Tags | Stream::Settings) => Lane::Bulk,
        _ => Lane::Urgent,
    }
}

/// Whether it tells of the end of a run: by its kind, which stands in its third byte.
fn is_end(frame: &[u8]) -> bool {
    const STOPPED: u8 = DeviceMessage::Stopped { end: SlotIndex(0), tick: Ticks(0) }.kind();
    frame.get(2) == Some(&STOPPED)
}

impl<const N: usize> Outgoing<N> {
    pub fn new(flush: Ticks) -> Outgoing<N> {
        Outgoing {
            urgent: Ring::new(),
            bulk: Ring::new(),
            ends: Deque::new(),
            within: None,
            in_a_row: 0,
            packet: heapless::Vec::new(),
            ready: false,
            open: false,
            due: None,
            flush: flush.0,
        }
    }

    /// Nothing waits: what did is lost.
    pub fn clear(&mut self) {
        self.urgent.clear();
        self.bulk.clear();
        self.ends.clear();
        self.packet.clear();
        (self.within, self.in_a_row) = (None, 0);
        (self.ready, self.open, self.due) = (false, false, None);
    }

    /// Both lanes share the room, and each could fill it.
    pub fn space(&self) -> usize {
        N - self.urgent.len() - self.bulk.len()
    }

    pub fn send(&mut self, frame: &[u8], now: Ticks) {
        if is_end(frame) {
            let end = End { urgent: self.urgent.len(), bulk: self.bulk.len() };
            if let Err(end) = self.ends.push_back(end) {
                // One end too many: this one counts, it has all other data before it.
                self.ends.pop_front();
                let _ = self.ends.push_back(end);
            }
        }
        let queued = frame.len() <= self.space()
            && match lane(frame) {
                Lane::Urgent => self.urgent.push(frame),
                Lane::Bulk => self.bulk.push(frame),
            };
        debug_assert!(queued, "a frame is sent when there is room for it");
        self.due = self.due.or(Some(self.after(now)));
    }

    /// The packet to send now, if there is one; it stays until [`Outgoing::sent`].
    pub fn packet(&mut self, now: Ticks) -> Option<&[u8]> {
        if !self.ready {
            self.fill(now);
        }
        self.ready.then_some(&self.packet)
    }

    /// The packet is on its way.
    pub fn sent(&mut self) {
        self.packet.clear();
        self.ready = false;
    }

    fn after(&self, now: Ticks) -> Ticks {
        Ticks(now.0.saturating_add(self.flush))
    }

    fn fill(&mut self, now: Ticks) {
        let overdue = self.due.is_some_and(|due| now >= due);
        // A packet that is to end the transfer must not be full.
        let limit = if overdue { PACKET - 1 } else { PACKET };
        let mut answered = false;
        while self.packet.len() < limit && !answered {
            let Some(lane) = self.within.or_else(|| self.next_lane()) else { break };
            let ended = self.take(lane, limit);
            answered = ended && lane == Lane::Urgent && self.urgent.is_empty();
        }
        if self.packet.len() == PACKET {
            (self.ready, self.open) = (true, true);
            if answered {
                self.due = Some(now);
            }
        } else if answered || (overdue && (self.open || !self.packet.is_empty())) {
            (self.ready, self.open) = (true, false);
            let more = !self.urgent.is_empty() || !self.bulk.is_empty();
            self.due = more.then(|| self.after(now));
        }
    }

    fn next_lane(&self) -> Option<Lane> {
        let waits = self.ends.front().is_some_and(|end| end.urgent == 0 && end.bulk > 0);
        let turn_of_bulk = waits || self.urgent.is_empty() || self.in_a_row >= URGENT_IN_A_ROW;
        match (self.urgent.is_empty(), self.bulk.is_empty()) {
            (true, true) => None,
            (_, false) if turn_of_bulk => Some(Lane::Bulk),
            _ => Some(Lane::Urgent),
        }
    }

    /// Moves bytes of one frame into the packet; whether the frame has ended.
    fn take(&mut self, lane: Lane, limit: usize) -> bool {
        let ring = if lane == Lane::Urgent { &mut self.urgent } else { &mut self.bulk };
        let front = ring.front();
        let room = front.len().min(limit - self.packet.len());
        let zero = front[..room].iter().position(|byte| *byte == 0);
        let count = zero.map_or(room, |at| at + 1);
        let fits = self.packet.extend_from_slice(&front[..count]);
        debug_assert!(fits.is_ok(), "no more than there is room for");
        ring.consume(count);
        if lane == Lane::Urgent {
            // At its first byte the end itself is on its way.
            while self.ends.front().is_some_and(|end| end.urgent == 0) {
                self.ends.pop_front();
            }
        }
        for end in self.ends.iter_mut() {
            let ahead = if lane == Lane::Urgent { &mut end.urgent } else { &mut end.bulk };
            *ahead = ahead.saturating_sub(count);
        }
        let ended = zero.is_some();
        self.within = (!ended).then_some(lane);
        if ended {
            let in_a_row = if lane == Lane::Urgent { self.in_a_row + 1 } else { 0 };
            self.in_a_row = if self.bulk.is_empty() { 0 } else { in_a_row };
        }
        ended
    }
}

#[cfg(test)]
mod tests;
