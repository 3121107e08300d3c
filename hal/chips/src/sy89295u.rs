//! Microchip (Micrel) SY89295U, a programmable delay with parallel control: ten bits, about 10 ps
//! a step, 3.2 ns to 14.8 ns over its codes, supply and temperature (Micrel data sheet, front page).
//!
//! The MC100EP195 of onsemi has the same pins and codes and is stated as 2.2 ns to 12.2 ns. Either
//! spans 1.2 ticks, which a loopback confirms: [`crate::delay::DelayTable::check_span`].
//!
//! Pins: D\[9:0\] is the code; D\[10\] drives the CASCADE outputs, for a second chip in series; LEN
//! low lets the code through, high holds it. SETMIN and SETMAX, which force the shortest and the
//! longest delay, are tied low on the board. /EN high forces the output low: it belongs to the
//! laser's enable line and not to this driver.

use embedded_hal::digital::OutputPin;

use crate::delay::DelayTable;

/// A typical part, from the front page: begin a loopback with it.
pub const NOMINAL: DelayTable = DelayTable::nominal(3_200, 10);

/// The eleven data pins' levels for a code; `cascade` is D\[10\]. The low ten bits of `code` count.
pub const fn data_pins(code: u16, cascade: bool) -> [bool; 11] {
    let mut pins = [false; 11];
    let mut bit = 0;
    while bit < 10 {
        pins[bit] = code >> bit & 1 == 1;
        bit += 1;
    }
    pins[10] = cascade;
    pins
}

/// The chip behind twelve pins: D\[0\] to D\[10\] and LEN. Where pins are few, two 74HC595 shift
/// registers give D, and [`data_pins`] says what to shift.
#[derive(Debug)]
pub struct Sy89295u<D, L> {
    data: [D; 11],
    latch: L,
}

impl<D, L> Sy89295u<D, L>
where
    D: OutputPin,
    L: OutputPin<Error = D::Error>,
{
    /// Takes the pins and holds what the chip has.
    ///
    /// # Errors
    /// From the pins.
    pub fn new(data: [D; 11], mut latch: L) -> Result<Sy89295u<D, L>, D::Error> {
        latch.set_high()?;
        Ok(Sy89295u { data, latch })
    }

    /// Sets the code. The pins move while the latch holds, so that the delay goes from the old
    /// value to the new one without those between. A pulse on its way while the latch opens may
    /// have neither delay: set codes between runs.
    ///
    /// # Errors
    /// From the pins; the chip still has the old code, or the new one.
    pub fn set(&mut self, code: u16, cascade: bool) -> Result<(), D::Error> {
        for (pin, level) in self.data.iter_mut().zip(data_pins(code, cascade)) {
            pin.set_state(level.into())?;
        }
        self.latch.set_low()?;
        self.latch.set_high()
    }

    /// Gives the pins back.
    pub fn release(self) -> ([D; 11], L) {
        (self.data, self.latch)
    }
}
