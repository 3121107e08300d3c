//! Drivers of single chips, on `embedded-hal` 1.0.
//!
//! | module | part | what it gives |
//! |---|---|---|
//! | [`ad5686r`] | Analog Devices AD5686R, four 16-bit DACs | levels and thresholds in millivolts |
//! | [`as650x`] | ScioSense AS6500 and AS6501, time-to-digital converters of four and two channels | [`helio_bench::EdgeSource`] |
//! | [`delay`] | | from a delay to a code, by a table that a loopback measured |
//! | [`sy89295u`] | Microchip SY89295U, programmable delay of 10 ns, parallel | [`delay::DelayTable`] |
//! | [`sy89297u`] | Microchip SY89297U, two programmable delays of 5 ns, serial | [`delay::Series`] |
//! | [`tdc7200`] | TI TDC7200, one-shot time-to-digital converter | [`helio_bench::Stopwatch`] |
//!
//! Each driver is two things. Pure functions make the bytes that go to the chip and read those that
//! come back, so that DMA can carry them; a thin wrapper sends them over a blocking
//! [`embedded_hal::spi::SpiDevice`]. Nothing allocates, and no bytes from a chip make it panic.
//!
//! Where each fact comes from, and which of them nobody here could check against the maker's own
//! document, stands in `FACTS.md` beside this crate. None of these drivers has met its chip yet.
#![no_std]

pub mod ad5686r;
pub mod as650x;
pub mod delay;
pub mod sy89295u;
pub mod sy89297u;
pub mod tdc7200;
