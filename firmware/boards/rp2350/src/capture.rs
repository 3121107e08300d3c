//! The edges, on core 1.

use crate::bob::Inputs;
use crate::local::Local;
use crate::port::{self, Pio};
use crate::{dma, player, timer};
use core::sync::atomic::AtomicU32;
use helio_bench::{Drained, Edge, EdgeSource, ReferenceEdges};
use helio_panel::Seen;
use helio_pio::{
    AUX_WORDS, BUFFER_TICKS, BUFFERS, Capture, CaptureClock, CaptureFault, CaptureMemory,
    DETECTOR_WORDS, LossCount, Pulse,
};
use helio_units::{TickLength, Ticks};
use rp235x_hal::pac::interrupt;

static CLOCK: Local<CaptureClock> = Local::new(CaptureClock::new(BUFFER_TICKS, Ticks(0)));

/// Begins an epoch; its first tick.
pub fn start() -> Ticks {
    CLOCK.with(|clock| {
        dma::start_capture();
        let before = timer::now();
        helio_pio::port::start_capture(&mut Pio);
        // Enabled by the last of a few hundred cycles of writes.
        let after = timer::now();
        let start = Ticks(after.0.max(before.0));
        *clock = CaptureClock::new(BUFFER_TICKS, start);
        start
    })
}

/// A buffer is full, or a block of slots is through. The first matters within 109 µs, the second
/// within the eight slots that the player's FIFO holds.
#[allow(unsafe_code)] // The section is unsafe to choose; in RAM, no miss of the flash's cache waits.
#[unsafe(link_section = ".data.dma_interrupt")]
#[interrupt]
fn DMA_IRQ_0() {
    let (full, through) = dma::take_interrupts();
    if through {
        player::block_is_through();
    }
    if full == 0 {
        return;
    }
    CLOCK.with(|clock| {
        let now = timer::now();
        // In the order in which they were filled.
        for _ in 0..full.count_ones() {
            let n = (clock.completed() % BUFFERS as u64) as usize;
            let whole = full >> n & 1 == 1 && dma::take_aux(n);
            clock.buffer_done(now, !whole || port::capture_stalled());
        }
    });
}

struct Memory;

impl CaptureMemory for Memory {
    fn completed(&self) -> u64 {
        CLOCK.with(|clock| clock.completed())
    }

    fn fault(&self) -> Option<CaptureFault> {
        CLOCK.with(|clock| {
            clock.check(timer::now());
            clock.fault()
        })
    }

    fn now(&self) -> Ticks {
        timer::now()
    }

    fn words(&self, n: u64) -> (&[AtomicU32; DETECTOR_WORDS], &[AtomicU32; AUX_WORDS]) {
        dma::buffer(n)
    }
}

/// The inputs of this board. There is one.
pub struct Edges {
    capture: Capture,
    detectors: u8,
    epoch: Ticks,
    lost: LossCount,
    /// Edges of REF IN in earlier epochs.
    references: u32,
}

impl Edges {
    /// Begins the first epoch.
    pub fn new(detectors: u8) -> Edges {
        let epoch = start();
        Edges {
            capture: Capture::new(detectors, epoch),
            detectors,
            epoch,
            lost: LossCount::default(),
            references: 0,
        }
    }
}

impl Inputs for Edges {
    fn configure(&self, slot_ticks: u32) {
        player::configure(slot_ticks, Pulse::Gate, self.epoch);
    }

    fn recover(&mut self) -> bool {
        let ended = Memory.fault().is_some();
        if ended {
            self.references = self.seen().references;
            self.epoch = start();
            self.capture = Capture::new(self.detectors, self.epoch);
            player::set_epoch(self.epoch);
        }
        ended
    }

    fn has_failed(&self) -> bool {
        Memory.fault().is_some()
    }

    fn seen(&self) -> Seen {
        let (references, reference) = self.capture.references();
        Seen {
            references: self.references.wrapping_add(references),
            reference,
            gaps: self.lost.gaps,
            lost: self.lost.length,
            converter: 0,
        }
    }
}

impl EdgeSource for Edges {
    fn channels(&self) -> u8 {
        self.capture.channels()
    }

    fn tick_length(&self) -> TickLength {
        TickLength::CYCLE_150_MHZ
    }

    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let drained = self.capture.drain(&Memory, out);
        if let Some(loss) = drained.loss {
            self.lost.add(loss);
        }
        drained
    }

    fn drain_reference(&mut self, out: &mut [Ticks]) -> ReferenceEdges {
        self.capture.drain_references(out)
    }
}
