//! The DMA: four channels in a ring for each sampling state machine, one for the player.
//!
//! The capture may go on for ever: it makes no light. Each of its channels has a buffer of its own
//! and wraps within it, so that even a processor that hangs gets no memory written over. The
//! player's channel is given one finite block at a time and chains to nothing.
#![allow(unsafe_code)]

use crate::chip;
use core::sync::atomic::AtomicU32;
use helio_pio::port::{AUX, DETECTORS, PLAYER};
use helio_pio::{AUX_WORDS, BUFFERS, DETECTOR_WORDS};
use rp235x_hal::pac;

/// First channels of the two rings, and the player's.
const DETECTOR_CHANNELS: usize = 0;
const AUX_CHANNELS: usize = BUFFERS;
const PLAYER_CHANNEL: usize = 2 * BUFFERS;

const ENABLE: u32 = 1;
const HIGH_PRIORITY: u32 = 1 << 1;
const WORDS: u32 = 2 << 2;
const INCREMENT_READ: u32 = 1 << 4;
const INCREMENT_WRITE: u32 = 1 << 6;
const RING_WRITE: u32 = 1 << 12;
const BUSY: u32 = 1 << 26;

const fn ring_bits(log2_bytes: u32) -> u32 {
    log2_bytes << 8 | RING_WRITE
}

const fn chain_to(channel: usize) -> u32 {
    (channel as u32) << 13
}

/// Requests of PIO 0: 0 to 3 room in a FIFO, 4 to 7 a word in one.
const fn request(n: usize) -> u32 {
    (n as u32) << 17
}

/// The buffers of the capture. A ring needs an address that is a multiple of its length. Atomic: the
/// DMA writes them while they are read.
#[repr(C, align(8192))]
struct Buffers {
    detectors: [[AtomicU32; DETECTOR_WORDS]; BUFFERS],
    aux: [[AtomicU32; AUX_WORDS]; BUFFERS],
}

static MEMORY: Buffers = Buffers {
    detectors: [const { [const { AtomicU32::new(0) }; DETECTOR_WORDS] }; BUFFERS],
    aux: [const { [const { AtomicU32::new(0) }; AUX_WORDS] }; BUFFERS],
};

/// A buffer, full or being filled.
pub fn buffer(n: u64) -> (&'static [AtomicU32; DETECTOR_WORDS], &'static [AtomicU32; AUX_WORDS]) {
    let n = n as usize % BUFFERS;
    (&MEMORY.detectors[n], &MEMORY.aux[n])
}

/// Takes the block out of reset.
pub fn set_up(resets: &mut pac::RESETS) {
    resets.reset().modify(|_, w| w.dma().clear_bit());
    while resets.reset_done().read().dma().bit_is_clear() {}
}

/// Both rings from their beginning, waiting for the first word, with an interrupt each buffer.
pub fn start_capture() {
    let dma = chip::dma();
    let all = (1 << (2 * BUFFERS)) - 1;
    stop(all);
    for n in 0..BUFFERS {
        let (main, aux) = (MEMORY.detectors[n].as_ptr() as u32, MEMORY.aux[n].as_ptr() as u32);
        for (base, machine, address, words) in [
            (DETECTOR_CHANNELS, DETECTORS, main, DETECTOR_WORDS),
            (AUX_CHANNELS, AUX, aux, AUX_WORDS),
        ] {
            let channel = dma.ch(base + n);
            let control = ENABLE
                | HIGH_PRIORITY
                | WORDS
                | INCREMENT_WRITE
                | ring_bits(words.trailing_zeros() + 2)
                | chain_to(base + (n + 1) % BUFFERS)
                | request(4 + machine);
            let fifo = chip::pio().rxf(machine).as_ptr() as u32;
            // SAFETY: registers of one channel, read from a FIFO, written to its own buffer, within
            // which ring and count keep it. Who reads that sees atomics.
            unsafe {
                channel.ch_read_addr().write(|w| w.bits(fifo));
                channel.ch_write_addr().write(|w| w.bits(address));
                channel.ch_trans_count().write(|w| w.bits(words as u32));
                channel.ch_al1_ctrl().write(|w| w.bits(control));
            }
        }
    }
    let interrupts = (1 << BUFFERS) - 1 | 1 << PLAYER_CHANNEL;
    // SAFETY: flags of channels, write one to clear; the interrupts have their handler.
    unsafe {
        dma.ints0().write(|w| w.bits(all));
        dma.intr().write(|w| w.bits(all));
        dma.inte0().write(|w| w.bits(interrupts));
        dma.multi_chan_trigger().write(|w| w.bits(1 << DETECTOR_CHANNELS | 1 << AUX_CHANNELS));
    }
}

/// What the interrupt is about, and clears it: detector buffers that are full, and whether the
/// player's block is through.
pub fn take_interrupts() -> (u32, bool) {
    let set = chip::dma().ints0().read().bits();
    // SAFETY: write one to clear.
    unsafe { chip::dma().ints0().write(|w| w.bits(set)) };
    (set & ((1 << BUFFERS) - 1), set >> PLAYER_CHANNEL & 1 == 1)
}

/// Whether the other state machine's buffer is full as well; it is due in the same cycle, a few
/// of the bus later at most. Clears its flag.
pub fn take_aux(n: usize) -> bool {
    let flag = 1 << (AUX_CHANNELS + n);
    for _ in 0..64 {
        if chip::dma().intr().read().bits() & flag != 0 {
            // SAFETY: write one to clear.
            unsafe { chip::dma().intr().write(|w| w.bits(flag)) };
            return true;
        }
    }
    false
}

/// Gives the player's channel a block. It must stand still.
pub fn play(block: &[u32]) {
    let channel = chip::dma().ch(PLAYER_CHANNEL);
    let control = ENABLE
        | HIGH_PRIORITY
        | WORDS
        | INCREMENT_READ
        | chain_to(PLAYER_CHANNEL)
        | request(PLAYER);
    cortex_m::asm::dmb();
    // SAFETY: reads `block`, which the queue keeps until the channel has read it, once.
    unsafe {
        channel.ch_read_addr().write(|w| w.bits(block.as_ptr() as u32));
        channel.ch_write_addr().write(|w| w.bits(chip::pio().txf(PLAYER).as_ptr() as u32));
        channel.ch_trans_count().write(|w| w.bits(block.len() as u32));
        channel.ch_ctrl_trig().write(|w| w.bits(control));
    }
}

/// Words of the player's block that have not been read; `None` where the channel stands still.
pub fn player_unread() -> Option<u32> {
    let channel = chip::dma().ch(PLAYER_CHANNEL);
    let busy = channel.ch_ctrl_trig().read().bits() & BUSY != 0;
    busy.then(|| channel.ch_trans_count().read().bits() & 0x0FFF_FFFF)
}

/// Stops the player's channel.
pub fn stop_player() {
    stop(1 << PLAYER_CHANNEL);
}

fn stop(channels: u32) {
    let dma = chip::dma();
    for n in (0..16).filter(|n| channels >> n & 1 == 1) {
        // An aborted channel that is still enabled may be triggered by the one that chains to it.
        // SAFETY: only the enable bit changes.
        dma.ch(n).ch_al1_ctrl().modify(|r, w| unsafe { w.bits(r.bits() & !ENABLE) });
    }
    // SAFETY: channels of this module.
    unsafe { dma.chan_abort().write(|w| w.bits(channels)) };
    while dma.chan_abort().read().bits() & channels != 0 {}
}
