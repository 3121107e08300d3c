//! From buffers of raw samples to the edges of a station.

use crate::clock::CaptureFault;
use crate::edges::{Lane, Sample};
use core::sync::atomic::{AtomicU32, Ordering, fence};
use helio_bench::{Drained, Edge, Loss, ReferenceEdges};
use helio_units::Ticks;

/// Ticks, and samples, of a buffer: 109 µs.
pub const BUFFER_TICKS: u32 = 16_384;

/// Words of a buffer of the four detector pins.
pub const DETECTOR_WORDS: usize = BUFFER_TICKS as usize / 8;

/// Words of a buffer of SYNC IN and REF IN.
pub const AUX_WORDS: usize = BUFFER_TICKS as usize / 16;

/// Buffers that the DMA fills one after the other.
pub const BUFFERS: usize = 4;

/// Edges of REF IN that wait to be asked for: more than four buffers have at 100 kHz.
const REFERENCES: usize = 64;

/// The memory that the DMA writes.
pub trait CaptureMemory {
    /// Buffers that are full since the start of the epoch.
    fn completed(&self) -> u64;

    /// What has ended the epoch.
    fn fault(&self) -> Option<CaptureFault>;

    /// The device's time.
    fn now(&self) -> Ticks;

    /// The words of buffer `n % BUFFERS`: detectors, then SYNC IN and REF IN. The DMA comes back to
    /// them after three others, whoever reads.
    fn words(&self, n: u64) -> (&[AtomicU32; DETECTOR_WORDS], &[AtomicU32; AUX_WORDS]);
}

/// Reads the buffers of one epoch in order and merges both state machines by time. They sample in
/// the same cycles and their buffers end together, so a silent channel keeps nobody waiting.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Time of the first sample of the epoch.
    start: Ticks,
    detectors: u8,
    /// The buffer in work.
    buffer: u64,
    at: Place,
    waiting: Waiting,
}

/// How far the buffer in work has been read: what is taken back where it was written over.
#[derive(Clone, Debug)]
struct Place {
    main: Lane<4>,
    aux: Lane<2>,
    heads: [Option<Sample>; 2],
    /// Whether the heads are of this buffer.
    opened: bool,
    reached: Ticks,
    references: u32,
    last_reference: Ticks,
}

/// Edges of REF IN in order; the latest are dropped where there is no room, and those after them
/// until what was dropped has been told.
#[derive(Clone, Debug)]
struct Waiting {
    ticks: [Ticks; REFERENCES],
    first: usize,
    end: usize,
    lost: u32,
}

impl Waiting {
    const NONE: Waiting = Waiting { ticks: [Ticks(0); REFERENCES], first: 0, end: 0, lost: 0 };

    fn push(&mut self, tick: Ticks) {
        match self.ticks.get_mut(self.end) {
            Some(place) if self.lost == 0 => {
                *place = tick;
                self.end += 1;
            }
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    /// For [`Waiting::take_back`], if nothing is drained in between.
    fn mark(&self) -> (usize, u32) {
        (self.end, self.lost)
    }

    /// Forgets what came since.
    fn take_back(&mut self, (end, lost): (usize, u32)) {
        (self.end, self.lost) = (end, lost);
    }

    fn drain(&mut self, out: &mut [Ticks]) -> ReferenceEdges {
        let edges = out.len().min(self.end - self.first);
        out[..edges].copy_from_slice(&self.ticks[self.first..self.first + edges]);
        self.first += edges;
        if self.first < self.end {
            return ReferenceEdges { edges, lost: 0 };
        }
        (self.first, self.end) = (0, 0);
        ReferenceEdges { edges, lost: core::mem::take(&mut self.lost) }
    }
}

impl Capture {
    /// A new epoch whose first sample has the time `start`. Detectors are on the first inputs and
    /// the sync photodiode is the channel after the last of them; at most four detectors.
    pub fn new(detectors: u8, start: Ticks) -> Capture {
        let detectors = detectors.min(4);
        Capture {
            start,
            detectors,
            buffer: 0,
            at: Place {
                // High before the first sample: a pin that is high from the start is no edge.
                main: Lane::new(15, (1 << detectors) - 1),
                aux: Lane::new(3, 3),
                heads: [None; 2],
                opened: false,
                reached: start,
                references: 0,
                last_reference: start,
            },
            waiting: Waiting::NONE,
        }
    }

    /// Detectors and the sync photodiode.
    pub fn channels(&self) -> u8 {
        self.detectors + 1
    }

    /// Edges of REF IN in this epoch, modulo 2³², and the time of the last one.
    pub fn references(&self) -> (u32, Ticks) {
        (self.at.references, self.at.last_reference)
    }

    /// As [`helio_bench::EdgeSource::drain_reference`] says, of the edges up to where
    /// [`Capture::drain`] has come. Of buffers that were lost those are counted that still can be.
    pub fn drain_references(&mut self, out: &mut [Ticks]) -> ReferenceEdges {
        self.waiting.drain(out)
    }

    /// As [`helio_bench::EdgeSource::drain`] says. Buffers that were written over before they
    /// were read are a loss with exact bounds; after a fault, every call reports a loss up to now.
    pub fn drain(&mut self, memory: &impl CaptureMemory, out: &mut [Edge]) -> Drained {
        let mut edges = 0;
        loop {
            // Before the count: a fault that comes later leaves what was counted before it valid.
            let fault = memory.fault();
            let completed = memory.completed();
            if completed >= self.buffer + BUFFERS as u64 {
                let loss = self.skip_to(completed - 1, memory);
                return Drained { edges, reached: self.at.reached, loss: Some(loss) };
            }
            if completed == self.buffer {
                let loss = fault.map(|_| self.lose_until(memory.now()));
                return Drained { edges, reached: self.at.reached, loss };
            }
            let begun = edges;
            let (place, waiting) = (self.at.clone(), self.waiting.mark());
            let finished = self.read(memory, out, &mut edges);
            if was_overwritten(memory, self.buffer) {
                // While it was read: nothing of this pass is believed.
                self.at = place;
                self.waiting.take_back(waiting);
                edges = begun;
                continue;
            }
            if !finished {
                return Drained { edges, reached: self.at.reached, loss: None };
            }
            self.buffer += 1;
            self.at.opened = false;
            self.at.main.rewind();
            self.at.aux.rewind();
            self.at.reached = self.time_of(0);
        }
    }

    /// Fills `out` from the buffer in work; whether its end was reached.
    fn read(&mut self, memory: &impl CaptureMemory, out: &mut [Edge], edges: &mut usize) -> bool {
        let (main, aux) = full(memory, self.buffer);
        if !self.at.opened {
            self.at.heads = [self.at.main.next(main), self.at.aux.next(aux)];
            self.at.opened = true;
        }
        loop {
            let aux_is_first = match self.at.heads {
                [None, None] => return true,
                // At the same tick a detector comes first: its channel is lower.
                [Some(m), Some(a)] => a.offset < m.offset,
                [m, _] => m.is_none(),
            };
            let head = &mut self.at.heads[usize::from(aux_is_first)];
            let Some(Sample { offset, channel }) = *head else { return true };
            let tick =
                Ticks(self.start.0 + self.buffer * u64::from(BUFFER_TICKS) + u64::from(offset));
            if aux_is_first && channel == 1 {
                (self.at.references, self.at.last_reference) =
                    (self.at.references.wrapping_add(1), tick);
                self.waiting.push(tick);
                *head = self.at.aux.next(aux);
                continue;
            }
            let Some(place) = out.get_mut(*edges) else {
                self.at.reached = tick;
                return false;
            };
            *edges += 1;
            if aux_is_first {
                *place = Edge { tick, channel: self.detectors };
                *head = self.at.aux.next(aux);
            } else {
                *place = Edge { tick, channel };
                *head = self.at.main.next(main);
            }
        }
    }

    /// The edges of what was written over are lost; the time of what comes is not. The buffer
    /// ahead of `buffer` is skipped as well, so that there is time to read: its edges are counted.
    fn skip_to(&mut self, buffer: u64, memory: &impl CaptureMemory) -> Loss {
        let skipped = buffer - 1;
        let (main, aux) = full(memory, skipped);
        // Its own lanes: high before the first sample, so that no edge is counted that was none.
        let mut lanes = (Lane::<4>::new(15, (1 << self.detectors) - 1), Lane::<2>::new(3, 1));
        let mut lost = lanes.0.count(main) + lanes.1.count(aux);
        let mut references = Lane::<2>::new(3, 2).count(aux);
        self.at.main.resume(main[DETECTOR_WORDS - 1].load(Ordering::Relaxed));
        self.at.aux.resume(aux[AUX_WORDS - 1].load(Ordering::Relaxed));
        if was_overwritten(memory, skipped) {
            (lost, references) = (0, 0);
        }
        self.waiting.lost = self.waiting.lost.saturating_add(references);
        self.buffer = buffer;
        self.at.opened = false;
        Loss { lost: lost.into(), ..self.lose_until(self.time_of(0)) }
    }

    /// Nobody could count them.
    fn lose_until(&mut self, to: Ticks) -> Loss {
        let from = self.at.reached;
        self.at.reached = to.max(from);
        Loss { from, to: self.at.reached, lost: 0 }
    }

    fn time_of(&self, offset: u32) -> Ticks {
        Ticks(self.start.0 + self.buffer * u64::from(BUFFER_TICKS) + u64::from(offset))
    }
}

/// A buffer that was counted as full, read after the count and not before.
fn full(
    memory: &impl CaptureMemory,
    n: u64,
) -> (&[AtomicU32; DETECTOR_WORDS], &[AtomicU32; AUX_WORDS]) {
    fence(Ordering::Acquire);
    memory.words(n)
}

/// Whether the DMA has come back to a buffer by now: the count is asked after the words were read.
fn was_overwritten(memory: &impl CaptureMemory, n: u64) -> bool {
    fence(Ordering::Acquire);
    memory.completed() >= n + BUFFERS as u64
}

/// What has been lost since the board began, over all epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCount {
    /// Times without edges; those that touch are one.
    pub gaps: u32,
    /// How long they were together.
    pub length: Ticks,
    until: Ticks,
}

impl LossCount {
    /// Adds a loss.
    pub fn add(&mut self, loss: Loss) {
        if self.gaps == 0 || loss.from > self.until {
            self.gaps = self.gaps.saturating_add(1);
        }
        self.length.0 = self.length.0.saturating_add(loss.to.0.saturating_sub(loss.from.0));
        self.until = loss.to;
    }
}

#[cfg(test)]
mod tests;
