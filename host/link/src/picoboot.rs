//! New firmware for an RP2350 board, through the boot loader in its ROM.
//!
//! A board that was told to, or that finds no image in its flash, starts the boot loader, which
//! speaks PICOBOOT over USB (RP2350 data sheet, section 5.6): [`BootRom`] is the host's end of it
//! over a [`BootPort`], [`UsbBootPort`] is the real port and [`FakeBootRom`] a boot ROM in memory,
//! for tests and for a look at what flashing does. [`Uf2`] is an image from a file and
//! [`flash`] brings it into the board, in an order in which a pulled cable or a lost supply leaves
//! the board in its boot loader, from where it is flashed again.
//!
//! The boot ROM cannot be overwritten: no failure here makes a board that cannot be flashed.

mod command;
mod fake;
mod flash;
mod port;
mod rom;
mod uf2;
mod usb;

pub use command::{RebootTo, Refusal};
pub use fake::{Boot, FakeBootRom};
pub use flash::{FlashFault, FlashProgress, flash};
pub use port::{BootPort, PortFault};
pub use rom::{BootFault, BootRom};
pub use uf2::{InvalidUf2, Uf2};
pub use usb::{BootLoader, UsbBootPort, boot_loaders};

/// Bytes that are erased together.
pub const SECTOR: u32 = 4096;
/// Bytes that are programmed together.
pub const PAGE: u32 = 256;
/// Where flash begins in the chip's address space.
pub const FLASH_BEGIN: u32 = 0x1000_0000;
/// Where the window of flash ends: 32 MiB.
pub const FLASH_END: u32 = 0x1200_0000;

#[cfg(test)]
mod tests;
