//! PIO 0 as `helio-pio` drives it.
#![allow(unsafe_code)]

use crate::chip;
use helio_pio::port::{AUX, DETECTORS, PLAYER, PioPort};
use helio_pio::program::PARKED_FLAG;
use helio_pio::registers::Registers;

/// PIO 0.
pub struct Pio;

const FJOIN_RX: u32 = 1 << 31;

// SAFETY of all `bits` here: whole registers of the PIO, laid out as `helio-pio` and the data
// sheet say; none of them lets the PIO reach memory.
impl PioPort for Pio {
    fn load(&mut self, words: &[u16]) {
        for (n, word) in words.iter().enumerate() {
            chip::pio().instr_mem(n).write(|w| unsafe { w.bits((*word).into()) });
        }
    }

    fn configure(&mut self, machine: usize, r: Registers) {
        let sm = chip::pio().sm(machine);
        sm.sm_clkdiv().write(|w| unsafe { w.bits(r.clock_divider) });
        sm.sm_execctrl().write(|w| unsafe { w.bits(r.execution) });
        sm.sm_shiftctrl().write(|w| unsafe { w.bits(r.shift) });
        sm.sm_pinctrl().write(|w| unsafe { w.bits(r.pins) });
    }

    fn force(&mut self, machine: usize, instruction: u16) {
        chip::pio().sm(machine).sm_instr().write(|w| unsafe { w.bits(instruction.into()) });
        // Carried out in the next cycle; the next access must not overtake it.
        cortex_m::asm::delay(4);
    }

    fn put(&mut self, machine: usize, word: u32) {
        chip::pio().txf(machine).write(|w| unsafe { w.bits(word) });
    }

    fn flush(&mut self, machine: usize) {
        // A change of the joining empties both FIFOs.
        let shift = chip::pio().sm(machine).sm_shiftctrl();
        shift.modify(|r, w| unsafe { w.bits(r.bits() ^ FJOIN_RX) });
        shift.modify(|r, w| unsafe { w.bits(r.bits() ^ FJOIN_RX) });
        // Write one to clear: stalls, overflows and underflows of this machine.
        chip::pio().fdebug().write(|w| unsafe { w.bits(0x0101_0101 << machine) });
    }

    fn restart(&mut self, machine: usize) {
        let both = 0x110 << machine;
        chip::pio().ctrl().modify(|r, w| unsafe { w.bits(r.bits() | both) });
    }

    fn enable(&mut self, machines: u8) {
        let machines = u32::from(machines);
        // The clock dividers of all of them begin in this cycle, too.
        chip::pio().ctrl().modify(|r, w| unsafe { w.bits(r.bits() | machines | machines << 8) });
    }

    fn disable(&mut self, machines: u8) {
        chip::pio().ctrl().modify(|r, w| unsafe { w.bits(r.bits() & !u32::from(machines)) });
    }

    fn clear_flags(&mut self, flags: u8) {
        chip::pio().irq().write(|w| unsafe { w.bits(flags.into()) });
    }
}

/// Whether the player has run out of words.
pub fn is_parked() -> bool {
    chip::pio().irq().read().bits() >> PARKED_FLAG & 1 == 1
}

/// Words in the player's FIFO.
pub fn player_level() -> u32 {
    chip::pio().flevel().read().bits() >> (8 * PLAYER) & 15
}

/// Whether the capture has skipped samples since it was started.
pub fn capture_stalled() -> bool {
    chip::pio().fdebug().read().bits() & (1 << DETECTORS | 1 << AUX) != 0
}
