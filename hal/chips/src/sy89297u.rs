//! Microchip SY89297U, two programmable delays behind a serial port: ten bits each, 5 ps a step,
//! 2 ns to 7 ns. One channel spans 5 ns, less than a tick; both in series span 10 ns:
//! [`crate::delay::Series`].
//!
//! The data sheets disagree: DS20005835A (Microchip, 2018) states a step of −5 ps to +25 ps, 15 ps
//! integral nonlinearity, 1 ps rms and −40 °C to 85 °C; the older one of Micrel −10 ps to +20 ps,
//! 20 ps, 2 ps rms and 0 °C to 75 °C. Neither is needed once a loopback has measured the part.
//!
//! The port takes 20 bits on SDATA, least significant first, channel A's before channel B's, with
//! rising edges of SCLK; SLOAD is low meanwhile, and its rising edge hands both codes over. That is
//! an SPI bus in mode 0 whose chip select is SLOAD: bits in excess fall out at the far end, so
//! three bytes are sent, of which the first four bits are lost. Nothing can be read back.

use embedded_hal::spi::SpiDevice;

use crate::delay::DelayTable;

/// A typical channel, from the front page: begin a loopback with it.
pub const NOMINAL: DelayTable = DelayTable::nominal(2_000, 5);

/// Ten bits in the other order: a bus sends the most significant bit first, the chip wants the
/// least significant one.
const fn turned(code: u16) -> u16 {
    (code & 0x3FF).reverse_bits() >> 6
}

/// The transfer that sets both channels; the low ten bits of each code count.
pub const fn frame(a: u16, b: u16) -> [u8; 3] {
    let bits = (turned(a) as u32) << 10 | turned(b) as u32;
    let [_, first, second, third] = bits.to_be_bytes();
    [first, second, third]
}

/// The codes of channel A and B in a transfer.
pub const fn codes(frame: [u8; 3]) -> (u16, u16) {
    let bits = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
    (turned((bits >> 10) as u16), turned(bits as u16))
}

/// The chip on a blocking SPI bus.
#[derive(Debug)]
pub struct Sy89297u<SPI> {
    spi: SPI,
}

impl<SPI: SpiDevice> Sy89297u<SPI> {
    /// Takes the bus; sends nothing. The codes after power-on are not stated: set them before use.
    pub fn new(spi: SPI) -> Sy89297u<SPI> {
        Sy89297u { spi }
    }

    /// Sets both channels.
    ///
    /// # Errors
    /// From the bus.
    pub fn set(&mut self, a: u16, b: u16) -> Result<(), SPI::Error> {
        self.spi.write(&frame(a, b))
    }

    /// Gives the bus back.
    pub fn release(self) -> SPI {
        self.spi
    }
}
