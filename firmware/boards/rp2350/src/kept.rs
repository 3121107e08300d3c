//! Memory that a reset leaves alone, though not the loss of power: the start-up code clears none of
//! it. What is in it is told by checksums: `helio_firmware::Kept` has one record, and `Faults` of
//! `helio-panel` another, which a fault's handler writes.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::ptr::{read_volatile, write_volatile};
use helio_bench::KEPT_LENGTH;
use helio_panel::{FAULT_WORDS, Faults};

// `used`: the compiler must not find out that nobody reads them again before the reset.
#[used]
#[unsafe(link_section = ".uninit.KEPT")]
static mut KEPT: MaybeUninit<[u8; KEPT_LENGTH]> = MaybeUninit::uninit();

#[used]
#[unsafe(link_section = ".uninit.FAULTS")]
static mut FAULTS: MaybeUninit<[u32; FAULT_WORDS]> = MaybeUninit::uninit();

/// The firmware's record. To be called once, by core 0, to which it belongs from then on.
pub fn record() -> &'static mut [u8; KEPT_LENGTH] {
    let record = (&raw mut KEPT).cast::<[u8; KEPT_LENGTH]>();
    // SAFETY: bytes are valid whatever they are, and after the volatile write they are also
    // initialised as far as the compiler knows. `start::board` calls this, and panics when it is
    // called again: there is one reference.
    unsafe {
        write_volatile(record, read_volatile(record));
        &mut *record
    }
}

/// The faults since power came.
pub fn faults() -> Faults {
    // SAFETY: words are valid whatever they are. Core 0 writes them at its start, before core 1
    // runs, and after that the handler of a fault, which stops everything.
    let words = unsafe { read_volatile((&raw const FAULTS).cast::<[u32; FAULT_WORDS]>()) };
    Faults::recover(&words)
}

/// Remembers them.
pub fn remember(faults: Faults) {
    // SAFETY: as above.
    unsafe { write_volatile((&raw mut FAULTS).cast::<[u32; FAULT_WORDS]>(), faults.words()) };
}
