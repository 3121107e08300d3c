//! The stations' firmware on a Raspberry Pi Pico 2.
//!
//! Core 0 polls the control plane, owns the USB cable and the laser's enable line and feeds the
//! monostable; core 1 runs the data plane between the PIO and the queues. What the PIO does
//! is in `helio-pio`, shown in an interpreter there; what stands here only moves registers and
//! has not run on silicon.
//!
//! Dark by starvation: core 1 queues at most 1 ms of slots, its DMA is given one finite block at
//! a time by an interrupt, and a PIO without a word parks all pins low. Behind that stand a
//! hardware AND of pull-down, monostable and interlock contact, which no firmware overrides.
#![no_std]

mod adc;
pub mod alice;
pub mod bob;
mod capture;
mod chip;
mod control;
mod converter;
mod dma;
mod fault;
mod kept;
mod local;
mod pins;
mod pipe;
mod player;
mod port;
mod spi;
mod start;
mod timer;
mod trng;

/// What the boot ROM looks for: a secure Arm program.
#[allow(unsafe_code)] // A link section is unsafe to choose; the linker script keeps this one.
#[unsafe(link_section = ".start_block")]
#[used]
pub static IMAGE: rp235x_hal::block::ImageDef = rp235x_hal::block::ImageDef::secure_exe();
