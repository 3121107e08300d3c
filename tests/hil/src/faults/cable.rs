//! A bad line: the device's queue, what happens on the way, and the host's end.

use helio_firmware::Transmit;
use helio_link::fault::{Corrupt, Fault, Late, Lossy};
use helio_link::{Transport, TransportError};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// A board's queue.
const ROOM: usize = 8 * 1024;

/// What the device has said and the line has not taken.
#[derive(Default)]
pub(super) struct Queue {
    pub bytes: Vec<u8>,
}

impl Transmit for Queue {
    fn space(&self) -> usize {
        ROOM.saturating_sub(self.bytes.len())
    }

    fn send(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
    }
}

type Chunks = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// The host's end.
pub(super) struct HostEnd {
    from_device: Chunks,
    to_device: Chunks,
}

impl Transport for HostEnd {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.to_device.borrow_mut().push_back(bytes.to_vec());
        Ok(())
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, _: Duration) -> Result<(), TransportError> {
        chunk.clear();
        *chunk = self.from_device.borrow_mut().pop_front().ok_or(TransportError::TimedOut)?;
        Ok(())
    }
}

/// What happens to chunks one way.
pub(crate) struct Way {
    corrupt: Corrupt,
    lossy: Lossy,
    late: Late,
}

impl Way {
    /// Some ways are good, some corrupt, some lose, some do all.
    pub(crate) fn new(rng: &mut ChaCha8Rng) -> Way {
        let mut seed = || rng.next_u64();
        let (a, b, c, kind) = (seed(), seed(), seed(), seed());
        let pick = |bit: u32, ppm: u32| if kind >> bit & 1 == 1 { ppm } else { 0 };
        Way {
            corrupt: Corrupt::new(a, pick(0, 200)),
            lossy: Lossy::new(b, pick(1, 10_000), pick(2, 10_000)),
            late: Late::new(c, pick(3, 10_000), 1 + (kind >> 8 & 3) as u32),
        }
    }

    fn damage(&self) -> [u64; 3] {
        let Way { corrupt, lossy, late } = self;
        [corrupt.damaged, lossy.dropped + lossy.doubled, late.delayed]
    }
}

impl Fault for Way {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        let (mut damaged, mut left) = (VecDeque::new(), VecDeque::new());
        self.corrupt.pass(chunk, &mut damaged);
        for chunk in damaged {
            self.lossy.pass(chunk, &mut left);
        }
        for chunk in left {
            self.late.pass(chunk, out);
        }
    }

    fn release(&mut self, out: &mut VecDeque<Vec<u8>>) {
        self.late.release(out);
    }
}

/// One device's line.
pub(super) struct Line {
    pub queue: Queue,
    /// Steps for which nothing passes.
    pub stalled: u32,
    /// Nothing bad happens.
    pub calm: bool,
    from_device: Chunks,
    to_device: Chunks,
    inwards: Way,
    outwards: Way,
    before: [u64; 3],
}

impl Line {
    pub fn new(rng: &mut ChaCha8Rng) -> Line {
        Line {
            queue: Queue::default(),
            stalled: 0,
            calm: true,
            from_device: Chunks::default(),
            to_device: Chunks::default(),
            inwards: Way::new(rng),
            outwards: Way::new(rng),
            before: [0; 3],
        }
    }

    pub fn host_end(&self) -> HostEnd {
        let (from_device, to_device) = (Rc::clone(&self.from_device), Rc::clone(&self.to_device));
        HostEnd { from_device, to_device }
    }

    /// Pulled, and another one plugged in: nothing of the first reaches anybody.
    pub fn cut(&mut self, rng: &mut ChaCha8Rng) {
        let before = self.damage();
        *self = Line { before, ..Line::new(rng) };
    }

    /// The device is reset: what it had not yet handed over is gone.
    pub fn reset(&mut self) {
        self.queue.bytes.clear();
    }

    /// What reaches the device now.
    pub fn deliver(&mut self) -> Vec<u8> {
        let mut rx = Vec::new();
        if self.stalled > 0 {
            return rx;
        }
        let mut out = VecDeque::new();
        for chunk in self.to_device.borrow_mut().drain(..) {
            if self.calm {
                rx.extend(chunk);
            } else {
                self.inwards.pass(chunk, &mut out);
            }
        }
        out.into_iter().for_each(|chunk| rx.extend(chunk));
        rx
    }

    /// Takes what the device has said to the host.
    pub fn carry(&mut self) {
        if self.stalled > 0 {
            self.stalled -= 1;
            return;
        }
        if self.queue.bytes.is_empty() {
            return;
        }
        let chunk = std::mem::take(&mut self.queue.bytes);
        let mut out = self.from_device.borrow_mut();
        if self.calm {
            out.push_back(chunk);
        } else {
            self.outwards.pass(chunk, &mut out);
        }
    }

    pub fn damage(&self) -> [u64; 3] {
        let (a, b) = (self.inwards.damage(), self.outwards.damage());
        std::array::from_fn(|n| self.before[n] + a[n] + b[n])
    }
}
