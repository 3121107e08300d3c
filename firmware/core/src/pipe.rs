//! What joins the planes on two cores, over single-producer queues that neither core waits for.

use crate::cable::{CONTROL_HEADROOM, Transmit};
use crate::planes::{Event, Orders};
use crate::random::Supply;
use heapless::Deque;
use heapless::spsc::{Consumer, Producer};

/// Longest frame of the data plane; the largest message on the wire is shorter.
const LONGEST_FRAME: usize = 2048;

/// Ends of runs that wait for their data at once.
const ENDS: usize = 4;

/// Orders for the data plane, at its other end a queue of some 16. One that finds no room is kept, and
/// what comes later is added to it: no halt is lost, however late the data plane is.
pub struct OrderSender<'a> {
    queue: Producer<'a, Orders>,
    waiting: Option<Orders>,
}

impl<'a> OrderSender<'a> {
    /// Nothing waits.
    pub fn new(queue: Producer<'a, Orders>) -> OrderSender<'a> {
        OrderSender { queue, waiting: None }
    }

    /// Sends these, or keeps them for the next call; whether nothing is left.
    pub fn send(&mut self, orders: Orders) -> bool {
        self.waiting = Some(match self.waiting.take() {
            Some(earlier) => orders.after(&earlier),
            None => orders,
        });
        self.flush()
    }

    /// Sends what was kept, if there is room now; whether nothing is left.
    pub fn flush(&mut self) -> bool {
        self.waiting = self.waiting.take().and_then(|orders| self.queue.enqueue(orders).err());
        self.waiting.is_none()
    }
}

/// What the host gave for settings, to the data plane. A place of the queue keeps what was taken out of it
/// until something else comes there, so as many empty pieces as it has places follow the last one.
pub struct SupplySender<'a> {
    queue: Producer<'a, Supply>,
    /// Places that may hold what was given.
    stale: usize,
}

impl<'a> SupplySender<'a> {
    /// Nothing given.
    pub fn new(queue: Producer<'a, Supply>) -> SupplySender<'a> {
        SupplySender { queue, stale: 0 }
    }

    /// Sends what there is and has room, or one empty piece; each turn.
    pub fn go(&mut self, mut next: impl FnMut() -> Option<Supply>) {
        let mut sent = false;
        while self.queue.ready()
            && let Some(piece) = next()
        {
            // There is room.
            let _ = self.queue.enqueue(piece);
            self.stale = self.queue.capacity() + 1;
            sent = true;
        }
        if !sent && self.stale > 0 && self.queue.enqueue(Supply::EMPTY).is_ok() {
            self.stale -= 1;
        }
    }
}

/// The cable as the data plane sees it: bytes of whole frames, each of which ends with the only zero
/// that it has.
pub struct Frames<'a> {
    queue: Producer<'a, u8>,
    /// Bytes since the start, modulo 2³².
    written: u32,
}

impl<'a> Frames<'a> {
    /// Nothing sent.
    pub fn new(queue: Producer<'a, u8>) -> Frames<'a> {
        Frames { queue, written: 0 }
    }
}

impl Transmit for Frames<'_> {
    fn space(&self) -> usize {
        // Control's headroom is kept by the mover; the data plane takes all of this queue.
        self.queue.capacity() - self.queue.len()
    }

    fn send(&mut self, frame: &[u8]) {
        for byte in frame {
            // There is room: `space` said so.
            let _ = self.queue.enqueue(*byte);
        }
        self.written = self.written.wrapping_add(frame.len() as u32);
    }
}

/// An event, and how many bytes of frames were sent before it.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    event: Event,
    written: u32,
}

impl Told {
    /// Of now.
    pub fn new(event: Event, frames: &Frames<'_>) -> Told {
        Told { event, written: frames.written }
    }
}

/// Moves frames to the cable, on the control plane's core.
pub struct FrameMover<'a> {
    queue: Consumer<'a, u8>,
    frame: heapless::Vec<u8, LONGEST_FRAME>,
    whole: bool,
    /// Bytes that have reached the cable, modulo 2³².
    moved: u32,
}

impl<'a> FrameMover<'a> {
    /// Nothing moved.
    pub fn new(queue: Consumer<'a, u8>) -> FrameMover<'a> {
        FrameMover { queue, frame: heapless::Vec::new(), whole: false, moved: 0 }
    }

    /// Moves whole frames as long as control's headroom stays free, and at most so many bytes
    /// and the rest of a frame: the caller has a heartbeat to keep up.
    pub fn go(&mut self, cable: &mut impl Transmit, most: usize) {
        let begin = self.moved;
        while (self.moved.wrapping_sub(begin) as usize) < most {
            while !self.whole {
                let Some(byte) = self.queue.dequeue() else { return };
                // Our own encoder's frames fit.
                let _ = self.frame.push(byte);
                self.whole = byte == 0;
            }
            if cable.space() < self.frame.len() + CONTROL_HEADROOM {
                return;
            }
            cable.send(&self.frame);
            self.moved = self.moved.wrapping_add(self.frame.len() as u32);
            self.frame.clear();
            self.whole = false;
        }
    }
}

/// Events of the data plane, on the control plane's core. A run's end is told when its last frames
/// have gone to the cable, [`Event::Stopping`] at once; other events do not wait for that.
pub struct EventReceiver<'a> {
    queue: Consumer<'a, Told>,
    ends: Deque<Told, ENDS>,
    /// Ends that wait no longer.
    released: usize,
}

impl<'a> EventReceiver<'a> {
    /// Nothing heard.
    pub fn new(queue: Consumer<'a, Told>) -> EventReceiver<'a> {
        EventReceiver { queue, ends: Deque::new(), released: 0 }
    }

    /// The next event, if there is one for now.
    pub fn next(&mut self, mover: &FrameMover<'_>) -> Option<Event> {
        let moved = |end: &Told| end.written.wrapping_sub(mover.moved) as i32 <= 0;
        if self.released > 0 || self.ends.front().is_some_and(moved) || self.ends.is_full() {
            self.released = self.released.saturating_sub(1);
            return self.ends.pop_front().map(|end| end.event);
        }
        let told = self.queue.dequeue()?;
        let Event::Stopped { epoch, .. } = told.event else { return Some(told.event) };
        if self.ends.is_empty() && moved(&told) {
            return Some(told.event);
        }
        // There is room: a full one was told above.
        let _ = self.ends.push_back(told);
        Some(Event::Stopping { epoch })
    }

    /// The link is gone, and with it whoever waits for data: ends are told without it.
    pub fn link_is_reset(&mut self) {
        self.released = self.ends.len();
    }
}

#[cfg(test)]
mod tests;
