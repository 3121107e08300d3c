//! Registers of blocks that the HAL has no driver for, or that both cores reach.
#![allow(unsafe_code)]

use rp235x_hal::pac;

/// PIO 0: touched by core 0 before core 1 runs, by core 1 afterwards.
pub fn pio() -> &'static pac::pio0::RegisterBlock {
    // SAFETY: the address of a block that exists; accesses are volatile and word by word.
    unsafe { &*pac::PIO0::ptr() }
}

/// The DMA: as the PIO.
pub fn dma() -> &'static pac::dma::RegisterBlock {
    // SAFETY: as above.
    unsafe { &*pac::DMA::ptr() }
}

/// Timer 1, which counts the system clock; read by both cores.
pub fn timer() -> &'static pac::timer1::RegisterBlock {
    // SAFETY: as above.
    unsafe { &*pac::TIMER1::ptr() }
}

/// The random generator: core 0 before core 1 runs, core 1 afterwards.
pub fn trng() -> &'static pac::trng::RegisterBlock {
    // SAFETY: as above.
    unsafe { &*pac::TRNG::ptr() }
}

/// Pins and the number of the core.
pub fn sio() -> &'static pac::sio::RegisterBlock {
    // SAFETY: as above; SIO has a copy for each core.
    unsafe { &*pac::SIO::ptr() }
}

/// The converter, core 0's.
pub fn adc() -> &'static pac::adc::RegisterBlock {
    // SAFETY: as above.
    unsafe { &*pac::ADC::ptr() }
}

/// SPI 0, core 0's.
pub fn spi() -> &'static pac::spi0::RegisterBlock {
    // SAFETY: as above.
    unsafe { &*pac::SPI0::ptr() }
}

/// `CHIP_ID.REVISION`: 2 is stepping A2.
pub fn stepping() -> u8 {
    // SAFETY: as above; read only.
    unsafe { &*pac::SYSINFO::ptr() }.chip_id().read().revision().bits()
}

/// `POWMAN_CHIP_RESET` and `WATCHDOG_REASON`, whole.
pub fn reset_reasons() -> (u32, u32) {
    // SAFETY: as above; read only.
    let (power, watchdog) = unsafe { (&*pac::POWMAN::ptr(), &*pac::WATCHDOG::ptr()) };
    (power.chip_reset().read().bits(), watchdog.reason().read().bits())
}

/// Drives the detectors' gate high, whatever the PIO plays, or leaves it to the PIO.
pub fn hold_gate_open(open: bool) {
    use pac::io_bank0::gpio::gpio_ctrl::OUTOVER_A;
    // SAFETY: as above. After the start of core 1 nobody else writes to this pin's register.
    let bank = unsafe { &*pac::IO_BANK0::ptr() };
    let over = if open { OUTOVER_A::HIGH } else { OUTOVER_A::NORMAL };
    bank.gpio(helio_pio::pins::GATE.into()).gpio_ctrl().modify(|_, w| w.outover().variant(over));
}

/// Lets core 1 be interrupted by the end of DMA blocks, above everything else.
pub fn unmask_dma() {
    // SAFETY: its handler is in this crate, and everything that it shares is in `Local`s.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::DMA_IRQ_0) }
}
