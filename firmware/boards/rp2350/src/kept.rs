//! Counters that survive a reset, though not the loss of power: in memory that the start-up code
//! leaves alone, with a checksum that tells memory of before from whatever power-up leaves.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::ptr::{read_volatile, write_volatile};

/// What is kept.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Kept {
    /// Resets since power came.
    pub boots: u32,
    /// Panics and hard faults.
    pub faults: u32,
    /// Interlock trips.
    pub trips: u32,
    /// Code of the last cause of a trip; zero for none.
    pub last_trip: u32,
}

#[repr(C)]
struct Sealed {
    kept: Kept,
    check: u32,
}

#[unsafe(link_section = ".uninit.KEPT")]
static mut KEPT: MaybeUninit<Sealed> = MaybeUninit::uninit();

impl Kept {
    /// What was there before the reset, or zeros.
    pub fn load() -> Kept {
        // SAFETY: four words and a check, valid whatever they are; one core writes them at a time,
        // as `store` says.
        let sealed = unsafe { read_volatile((&raw const KEPT).cast::<Sealed>()) };
        if sealed.check == sealed.kept.check() { sealed.kept } else { Kept::default() }
    }

    /// Called by core 0, and by a fault that stops everything.
    pub fn store(self) {
        let sealed = Sealed { kept: self, check: self.check() };
        // SAFETY: as above.
        unsafe { write_volatile((&raw mut KEPT).cast::<Sealed>(), sealed) };
    }

    /// FNV-1a over the words. Not zero for zeros, so that cleared memory is not taken for counts.
    fn check(&self) -> u32 {
        [self.boots, self.faults, self.trips, self.last_trip]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .fold(0x811C_9DC5, |h, byte| (h ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }
}
