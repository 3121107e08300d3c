//! Counting instructions and stack, for an emulator that counts: `qemu -icount`.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr;
use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// Turns of the loop by which a tick of the timer is measured in instructions; two each.
const TURNS: u32 = 100_000;
/// Bytes below the stack pointer that are painted.
const DEPTH: usize = 64 * 1024;
/// Left alone: the frames of the painter itself.
const MARGIN: usize = 256;
const PAINT: u32 = 0xA5A5_5A5A;

/// Measures spans in instructions. The emulator gives each instruction the same length of virtual
/// time; how many the timer's tick is, a loop of known length says.
pub struct Probe {
    ticks_a_loop: u64,
    empty: u64,
}

impl Probe {
    /// Takes the system timer over.
    pub fn new(mut timer: SYST) -> Probe {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.clear_current();
        timer.enable_counter();
        let mut probe = Probe { ticks_a_loop: 1, empty: 0 };
        probe.ticks_a_loop = probe.ticks(spin).max(1);
        probe.empty = probe.instructions(|| ());
        probe
    }

    /// Instructions of a call, at most some ten million.
    pub fn instructions(&self, call: impl FnOnce()) -> u64 {
        let ticks = self.ticks(call);
        (ticks * 2 * u64::from(TURNS) / self.ticks_a_loop).saturating_sub(self.empty)
    }

    fn ticks(&self, call: impl FnOnce()) -> u64 {
        let before = SYST::get_current();
        call();
        u64::from(before.wrapping_sub(SYST::get_current()) & 0x00ff_ffff)
    }
}

/// `2 · TURNS` instructions, and one.
fn spin() {
    // SAFETY: touches one register, which is declared, and the flags.
    unsafe {
        asm!("2: subs {n}, {n}, #1", "bne 2b", n = inout(reg) TURNS => _, options(nomem, nostack));
    }
}

/// Bytes of stack that a call uses: what is below the caller is painted, and the deepest word that
/// has changed is found.
#[inline(never)]
pub fn stack(call: impl FnOnce()) -> usize {
    let here: usize;
    // SAFETY: reads the stack pointer.
    unsafe { asm!("mov {}, sp", out(reg) here, options(nomem, nostack)) };
    let top = (here - MARGIN) & !3;
    let bottom = top - DEPTH;
    for at in (bottom..top).step_by(4) {
        // SAFETY: the words lie below this function's frame by more than what it and what it calls
        // here use (`MARGIN`), within the board's 2 MiB of memory, of which the stack has all but
        // some bytes at the other end; nobody else's data is there.
        unsafe { ptr::write_volatile(at as *mut u32, PAINT) };
    }
    call();
    let deepest = (bottom..top).step_by(4).find(|at| {
        // SAFETY: as above; the words have been written.
        unsafe { ptr::read_volatile(*at as *const u32) != PAINT }
    });
    deepest.map_or(MARGIN, |deepest| here - deepest)
}
