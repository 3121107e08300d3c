//! What passes between the two cores.

use core::sync::atomic::{AtomicU32, Ordering};
use heapless::spsc::{Consumer, Producer, Queue};
use helio_firmware::random::Supply;
use helio_firmware::{CONTROL_HEADROOM, Event, Orders, Transmit};
use helio_panel::Seen;

/// Orders, core 0 to core 1. A full one means that core 1 hangs.
pub type OrderQueue = Queue<Orders, 16>;
/// Events, core 1 to core 0.
pub type EventQueue = Queue<Event, 64>;
/// Frames, core 1 to core 0, byte by byte; each ends with the only zero that it has.
pub type FrameQueue = Queue<u8, 16_384>;

/// What the host gives for settings, core 0 to core 1.
pub type SupplyQueue = Queue<Supply, 65>;

/// What the capture has seen, core 1 to core 0.
pub type SeenQueue = Queue<Seen, 4>;

/// How often core 1 has been round.
pub static ROUNDS: AtomicU32 = AtomicU32::new(0);

/// Core 1's ends.
pub struct DataEnds {
    pub orders: Consumer<'static, Orders>,
    pub events: Producer<'static, Event>,
    pub frames: Frames,
    pub supplies: Consumer<'static, Supply>,
    pub seen: Producer<'static, Seen>,
}

impl DataEnds {
    /// Counters come with every round; core 0 wants the last ones now and then.
    pub fn tell(&mut self, events: helio_firmware::Events) {
        let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
        for event in events {
            if !matches!(event, Event::Counters(_)) || round.is_multiple_of(1024) {
                // A full queue: core 0 has not polled for a long time and feeds no heartbeat either.
                let _ = self.events.enqueue(event);
            }
        }
    }

    /// What the capture has seen; kept back where core 0 has not taken the last ones.
    pub fn saw(&mut self, seen: impl FnOnce() -> Seen) {
        if ROUNDS.load(Ordering::Relaxed).is_multiple_of(1024) && self.seen.ready() {
            let _ = self.seen.enqueue(seen());
        }
    }
}

/// The cable as core 1 sees it.
pub struct Frames(pub Producer<'static, u8>);

impl Transmit for Frames {
    fn space(&self) -> usize {
        // Control's headroom is kept by core 0; the data plane takes all of this queue.
        self.0.capacity() - self.0.len()
    }

    fn send(&mut self, frame: &[u8]) {
        for byte in frame {
            // There is room: `space` said so.
            let _ = self.0.enqueue(*byte);
        }
    }
}

/// Longest frame of the data plane; the largest message on the wire is shorter.
const LONGEST_FRAME: usize = 2048;

/// Core 0's end of the frames.
pub struct FrameMover {
    frames: Consumer<'static, u8>,
    frame: heapless::Vec<u8, LONGEST_FRAME>,
    whole: bool,
}

impl FrameMover {
    pub fn new(frames: Consumer<'static, u8>) -> FrameMover {
        FrameMover { frames, frame: heapless::Vec::new(), whole: false }
    }

    /// Moves whole frames to the cable as long as control's headroom stays free.
    pub fn go(&mut self, cable: &mut impl Transmit) {
        loop {
            while !self.whole {
                let Some(byte) = self.frames.dequeue() else { return };
                // Our own encoder's frames fit.
                let _ = self.frame.push(byte);
                self.whole = byte == 0;
            }
            if cable.space() < self.frame.len() + CONTROL_HEADROOM {
                return;
            }
            cable.send(&self.frame);
            self.frame.clear();
            self.whole = false;
        }
    }
}
