//! Both stations on an emulated board: Alice's cable is serial port 0, Bob's port 1, the bench's own
//! line port 2 (`helio_rig::Hand`).
#![no_std]
#![no_main]

mod desk;
mod port;
mod uart;

use core::panic::PanicInfo;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};

#[entry]
fn main() -> ! {
    let mut desk = desk::Desk::new();
    loop {
        desk.run();
    }
}

/// Ends the emulator with a failure: a panic must not look like a silent cable.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}
