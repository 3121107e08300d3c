//! The bus of the chips: one clock for all, each with a chip select and a mode of its own.
//!
//! The bus is clocked from here, so a transfer ends whether or not there is a chip.

use crate::chip;
use crate::pins::Output;
use core::cell::RefCell;
use core::convert::Infallible;
use cortex_m::singleton;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::{ErrorType, MODE_0, MODE_1, Mode, Operation, SpiBus, SpiDevice};
use rp235x_hal::fugit::{HertzU32, RateExtU32};
use rp235x_hal::gpio::bank0::{Gpio8, Gpio10, Gpio11, Gpio16, Gpio18, Gpio19};
use rp235x_hal::gpio::{FunctionSpi, Pin, PullNone};
use rp235x_hal::pac;
use rp235x_hal::spi::{Enabled, FrameFormat, Spi};

type Spin<I> = Pin<I, FunctionSpi, PullNone>;

/// Data out, data in, clock.
pub type BusPins = (Spin<Gpio19>, Spin<Gpio16>, Spin<Gpio18>);

type Bus = Spi<Enabled, pac::SPI0, BusPins>;

/// Slow enough for every chip and for wires on a bench; three transfers of a DAC take 20 µs, the
/// results of a stopwatch 80 µs.
const BAUD: u32 = 4_000_000;

/// One chip. All of them belong to core 0.
pub struct Device {
    bus: &'static RefCell<Bus>,
    select: Output,
    mode: Mode,
}

/// The DAC, the shift registers of the fine delays, and the stopwatch.
///
/// # Panics
/// At the second call.
pub fn devices(
    spi: pac::SPI0,
    pins: BusPins,
    [dac, delays, stopwatch]: [Output; 3],
    resets: &mut pac::RESETS,
    clock: HertzU32,
) -> [Device; 3] {
    let bus = Spi::new(spi, pins).init(resets, clock, BAUD.Hz(), MODE_0);
    let bus: &'static RefCell<Bus> =
        singleton!(: RefCell<Bus> = RefCell::new(bus)).expect("the first call");
    [(dac, MODE_1), (delays, MODE_0), (stopwatch, MODE_0)].map(|(select, mode)| Device {
        bus,
        select,
        mode,
    })
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl SpiDevice for Device {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let bus = &mut *self.bus.borrow_mut();
        // The mode changes while the bus is off.
        chip::spi().sspcr1().modify(|_, w| w.sse().clear_bit());
        bus.set_format(FrameFormat::MotorolaSpi(self.mode));
        chip::spi().sspcr1().modify(|_, w| w.sse().set_bit());
        self.select.set_low()?;
        // Some 50 ns ahead of the first clock and behind the last one.
        cortex_m::asm::delay(8);
        carry_out(bus, operations)?;
        cortex_m::asm::delay(8);
        self.select.set_high()
    }
}

fn carry_out(
    bus: &mut impl SpiBus<Error = Infallible>,
    operations: &mut [Operation<'_, u8>],
) -> Result<(), Infallible> {
    for operation in operations {
        match operation {
            Operation::Read(bytes) => bus.read(bytes)?,
            Operation::Write(bytes) => bus.write(bytes)?,
            Operation::Transfer(read, write) => bus.transfer(read, write)?,
            Operation::TransferInPlace(bytes) => bus.transfer_in_place(bytes)?,
            Operation::DelayNs(ns) => {
                bus.flush()?;
                Wait.delay_ns(*ns);
            }
        }
    }
    bus.flush()
}

/// Waits by counting cycles.
pub struct Wait;

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        // 150 cycles a microsecond, and no division.
        cortex_m::asm::delay(ns / 4);
    }
}

/// Data out, data in, clock of the second bus.
type ConverterBusPins = (Spin<Gpio11>, Spin<Gpio8>, Spin<Gpio10>);

/// Where a time-to-digital converter hangs.
pub struct ConverterPins {
    pub bus: ConverterBusPins,
    pub select: Output,
}

/// As fast as the divider of 150 MHz comes near 20 MHz: a byte takes 0.43 µs.
const CONVERTER_BAUD: u32 = 18_750_000;

/// SPI 1, with the AS6500 alone. Core 1's: it shares nothing with [`Device`].
pub struct Converter {
    bus: Spi<Enabled, pac::SPI1, ConverterBusPins>,
    select: Output,
}

impl Converter {
    /// In mode 1.
    pub fn new(
        spi: pac::SPI1,
        pins: ConverterPins,
        resets: &mut pac::RESETS,
        clock: HertzU32,
    ) -> Converter {
        let ConverterPins { bus, select } = pins;
        let bus = Spi::new(spi, bus).init(resets, clock, CONVERTER_BAUD.Hz(), MODE_1);
        Converter { bus, select }
    }
}

impl ErrorType for Converter {
    type Error = Infallible;
}

impl SpiDevice for Converter {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        self.select.set_low()?;
        // As above.
        cortex_m::asm::delay(8);
        carry_out(&mut self.bus, operations)?;
        cortex_m::asm::delay(8);
        self.select.set_high()
    }
}
