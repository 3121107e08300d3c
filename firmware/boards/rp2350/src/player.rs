//! The slot player and the slot clock, on core 1: the chip's ends of `helio_pio::Train`.

use crate::local::Local;
use crate::port::{self, Pio};
use crate::{chip, dma, timer};
use helio_bench::{
    GateLimits, GateWindow, PlayerError, SlotClock, SlotPlayer, SlotTiming, SlotWord, SteerError,
};
use helio_pio::{GATE_LIMITS, PlayerPort, Pulse, Train};
use helio_units::{SlotIndex, Ticks};

/// Words that can wait, at slot rates where a millisecond has more.
const QUEUE: usize = 4096;

/// Words that are queued with the interrupt held off: well below what the FIFO bridges.
const BATCH: usize = 16;

static TRAIN: Local<Train<QUEUE>> = Local::new(Train::new());

impl PlayerPort for Pio {
    fn now(&self) -> Ticks {
        timer::now()
    }

    fn pause(&mut self) {
        cortex_m::asm::delay(30);
    }

    fn give(&mut self, block: &[u32]) {
        dma::play(block);
    }

    fn unread(&self) -> Option<u32> {
        dma::player_unread()
    }

    fn stop(&mut self) {
        dma::stop_player();
    }

    fn level(&self) -> u32 {
        port::player_level()
    }

    fn is_parked(&self) -> bool {
        port::is_parked()
    }
}

/// From the DMA's interrupt: the last block is through, here is the next one.
pub fn block_is_through() {
    TRAIN.with(|train| train.feed(&mut Pio));
}

/// The slot length of the next run, and the tick from which beacons count.
pub fn configure(slot_ticks: u32, pulse: Pulse, epoch: Ticks) {
    TRAIN.with(|train| train.configure(slot_ticks, pulse, epoch));
}

/// A new epoch of the capture has begun, and its beacons with it.
pub fn set_epoch(epoch: Ticks) {
    TRAIN.with(|train| train.set_epoch(epoch));
}

/// The player of this board. There is one.
pub struct Player;

impl SlotPlayer for Player {
    fn begin(&mut self, first: SlotIndex) {
        TRAIN.with(|train| train.begin(&mut Pio, first));
    }

    fn go(&mut self) -> Result<(), PlayerError> {
        TRAIN.with(|train| train.go(&mut Pio))
    }

    fn space(&self) -> usize {
        TRAIN.with(|train| train.space(&Pio))
    }

    fn queued(&self) -> usize {
        TRAIN.with(|train| train.queued(&Pio))
    }

    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        if words.len() > self.space() {
            return Err(PlayerError::Full);
        }
        words.chunks(BATCH).try_for_each(|batch| TRAIN.with(|train| train.play(&mut Pio, batch)))
    }

    fn halt(&mut self) {
        TRAIN.with(|train| train.halt(&mut Pio));
    }

    fn starved(&self) -> u64 {
        TRAIN.with(|train| train.starved(&Pio))
    }

    fn gates(&self) -> bool {
        true
    }

    fn gate_limits(&self) -> GateLimits {
        GATE_LIMITS
    }

    /// Closed where the PIO cannot make the window.
    fn set_gate(&mut self, window: Option<GateWindow>) {
        chip::hold_gate_open(window.is_none());
        if let Some(window) = window {
            TRAIN.with(|train| train.set_window(window));
        }
    }
}

/// The slot clock of a receiver.
pub struct Clock;

impl SlotClock for Clock {
    fn steer(&mut self, timing: SlotTiming) -> Result<(), SteerError> {
        TRAIN.with(|train| train.steer(timer::now(), timing))
    }
}
