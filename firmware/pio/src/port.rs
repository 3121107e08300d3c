//! What the processor does to a PIO block, step by step: the same on the chip and in the
//! interpreter of the tests.

use crate::capture::BUFFER_TICKS;
use crate::program::{self, forced};
use crate::registers::{self, Registers};
use crate::start::LeadIn;
use crate::word::SlotShape;

/// Number of the state machine that samples the detectors.
pub const DETECTORS: usize = 0;
/// Number of the state machine that samples SYNC IN and REF IN.
pub const AUX: usize = 1;
/// Number of the state machine that sets the beacon.
pub const BEACON: usize = 2;
/// Number of the slot player.
pub const PLAYER: usize = 3;

/// One PIO block, as the processor reaches it.
pub trait PioPort {
    /// Writes the instruction memory from address 0 on.
    fn load(&mut self, words: &[u16]);

    /// Writes the four registers of a state machine.
    fn configure(&mut self, machine: usize, registers: Registers);

    /// Has a state machine carry out an instruction at once; it is not enabled.
    fn force(&mut self, machine: usize, instruction: u16);

    /// Writes to a FIFO that has room.
    fn put(&mut self, machine: usize, word: u32);

    /// Empties both FIFOs and forgets that a push has stalled.
    fn flush(&mut self, machine: usize);

    /// Clears shift counters, ISR and a stall (`SM_RESTART`), and the phase of the clock divider.
    fn restart(&mut self, machine: usize);

    /// Enables these (bit n is state machine n), all in one cycle, and lets others be.
    fn enable(&mut self, machines: u8);

    /// Stops these.
    fn disable(&mut self, machines: u8);

    /// Clears flags of the PIO.
    fn clear_flags(&mut self, flags: u8);
}

/// How a player begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By the next beacon.
    Beacon,
    /// By a rising edge of TRIG IN.
    Trigger,
}

/// After a reset: everything loaded, nothing runs, output pins low.
pub fn set_up(port: &mut impl PioPort) {
    port.disable(0b1111);
    port.load(&program::WORDS);
    port.configure(DETECTORS, registers::DETECTORS);
    port.configure(AUX, registers::AUX);
    port.configure(BEACON, registers::BEACON);
    port.configure(PLAYER, registers::PLAYER);
    halt(port);
    // Low before they are driven.
    port.force(PLAYER, forced::OSR_ONES);
    port.force(PLAYER, forced::DRIVE_PINS);
}

/// Begins an epoch of capture: the first sample is taken in the cycle in which this enables. The
/// DMA must be ready; a player that runs is stopped, for its beacon is.
pub fn start_capture(port: &mut impl PioPort) {
    halt(port);
    port.disable(0b0111);
    for machine in [DETECTORS, AUX, BEACON] {
        port.flush(machine);
        port.restart(machine);
    }
    load_isr(port, BEACON, BUFFER_TICKS - 3);
    port.force(DETECTORS, forced::jump(program::DETECTORS.entry));
    port.force(AUX, forced::jump(program::AUX.entry));
    port.force(BEACON, forced::jump(program::BEACON.entry));
    port.clear_flags(1 << program::BEACON_FLAG);
    port.enable(0b0111);
}

/// Arms a halted player: it waits with its pins low. [`crate::beacon_before`] says when this may be
/// called and whether it was in time; if it was not, [`halt`] and try again.
pub fn arm(port: &mut impl PioPort, shape: SlotShape, lead_in: &LeadIn, entry: Entry) {
    port.flush(PLAYER);
    port.restart(PLAYER);
    port.put(PLAYER, shape.width());
    port.force(PLAYER, forced::PULL);
    port.force(PLAYER, forced::Y_FROM_OSR);
    load_isr(port, PLAYER, shape.lead());
    for word in lead_in.words() {
        port.put(PLAYER, *word);
    }
    let entry = match entry {
        Entry::Beacon => program::SLOT.entry,
        Entry::Trigger => program::TRIGGERED_ENTRY,
    };
    port.force(PLAYER, forced::jump(entry));
    port.clear_flags(1 << program::PARKED_FLAG | 1 << program::BEACON_FLAG);
    port.enable(1 << PLAYER);
}

/// Stops the player: all its pins low at once, what it had is dropped. Its DMA must have been
/// stopped.
pub fn halt(port: &mut impl PioPort) {
    port.disable(1 << PLAYER);
    port.force(PLAYER, forced::PINS_LOW);
    port.flush(PLAYER);
    port.force(PLAYER, forced::jump(program::STOPPED));
}

fn load_isr(port: &mut impl PioPort, machine: usize, value: u32) {
    port.put(machine, value);
    port.force(machine, forced::PULL);
    port.force(machine, forced::ISR_FROM_OSR);
}
