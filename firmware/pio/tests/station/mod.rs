//! A PIO with the DMA around it, begun by the same steps as on a board.

use crate::machine::Machine;
use helio_pio::port::{self, AUX, DETECTORS, PLAYER, PioPort};
use helio_pio::{AUX_WORDS, CaptureFault, CaptureMemory, DETECTOR_WORDS, LeadIn, SlotShape};
use helio_units::Ticks;
use std::sync::atomic::AtomicU32;

pub struct Station {
    pub pio: Machine,
    pub main: Vec<AtomicU32>,
    pub aux: Vec<AtomicU32>,
    /// The DMA moves nothing from the capture before this cycle.
    pub busy_until: u64,
    /// Words for the player that the DMA still has.
    pub block: std::collections::VecDeque<u32>,
    /// Cycle in which the capture took its first sample.
    pub start: u64,
}

impl Station {
    pub fn new() -> Station {
        let mut pio = Machine::new();
        port::set_up(&mut pio);
        let (main, aux, block) = Default::default();
        Station { pio, main, aux, busy_until: 0, block, start: 0 }
    }

    pub fn start_capture(&mut self) {
        self.start = self.pio.now;
        port::start_capture(&mut self.pio);
    }

    /// A cycle of the system clock; the DMA moves one word each way.
    pub fn cycle(&mut self) {
        self.pio.cycle();
        if self.pio.now >= self.busy_until {
            // One bus, and the fuller FIFO first.
            let (main, aux) = (&self.pio.sm[DETECTORS].rx, &self.pio.sm[AUX].rx);
            if main.len() >= aux.len() {
                self.main.extend(self.pio.sm[DETECTORS].rx.pop_front().map(AtomicU32::new));
            } else {
                self.aux.extend(self.pio.sm[AUX].rx.pop_front().map(AtomicU32::new));
            }
        }
        if self.pio.sm[PLAYER].tx.len() < 8
            && let Some(word) = self.block.pop_front()
        {
            self.pio.put(PLAYER, word);
        }
    }

    /// The device's time: samples since the start of the capture.
    pub fn ticks(&self) -> Ticks {
        Ticks(self.pio.now - self.start)
    }

    pub fn arm(&mut self, shape: SlotShape, lead_in: &LeadIn) {
        port::arm(&mut self.pio, shape, lead_in, port::Entry::Beacon);
    }

    pub fn stalled(&self) -> bool {
        self.pio.sm[DETECTORS].rx_stall || self.pio.sm[AUX].rx_stall
    }
}

/// Everything is kept: nothing is ever written over.
impl CaptureMemory for Station {
    fn completed(&self) -> u64 {
        (self.main.len() / DETECTOR_WORDS).min(self.aux.len() / AUX_WORDS) as u64
    }
    fn fault(&self) -> Option<CaptureFault> {
        self.stalled().then_some(CaptureFault::Stalled)
    }
    fn now(&self) -> Ticks {
        self.ticks()
    }
    fn words(&self, n: u64) -> (&[AtomicU32; DETECTOR_WORDS], &[AtomicU32; AUX_WORDS]) {
        let (main, _) = self.main.as_chunks();
        let (aux, _) = self.aux.as_chunks();
        (&main[n as usize], &aux[n as usize])
    }
}
