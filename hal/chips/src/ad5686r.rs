//! Analog Devices AD5686R, four 16-bit DACs with a 2.5 V reference: static levels and thresholds.
//! Data sheet AD5686R/AD5685R/AD5684R, Rev. B; the tables cited are of that revision, and what
//! could not be read there is marked in `FACTS.md`.
//!
//! SPI mode 1, most significant bit first, at most 50 MHz; at most 25 MHz for readback and in a
//! daisy chain (Table 5). It settles in microseconds: per slot a pin selects among the levels that
//! it holds, and [`SETTLING_TIME`] is why.

mod chain;
mod frames;
mod level;

use embedded_hal::spi::SpiDevice;
use helio_units::Picoseconds;

pub use chain::{Chain, chained};
pub use frames::{Channel, Channels, Command, Frame, PowerMode, read_value};
pub use level::{Gain, LevelError, LevelRange, Millivolts};

/// Longest time from the end of a write to an output within 2 LSB, for a step of half the scale.
/// Typically it takes 5 µs.
pub const SETTLING_TIME: Picoseconds = Picoseconds(8_000_000);

/// Why a level was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The bus failed.
    Bus(E),
    /// The output does not reach this level.
    Level(LevelError),
    /// The chain has no chip with this number.
    NoChip(usize),
    /// The register does not hold what was written.
    Mismatch {
        /// Which output.
        channel: Channel,
        /// The code that was written.
        written: u16,
        /// The code that was read.
        read: u16,
    },
}

impl<E: core::fmt::Debug> core::fmt::Display for Error<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Bus(e) => write!(f, "SPI transfer with the AD5686R failed: {e:?}"),
            Error::Level(e) => e.fmt(f),
            Error::NoChip(chip) => write!(f, "the chain has no AD5686R number {chip}"),
            Error::Mismatch { channel, written, read } => write!(
                f,
                "DAC {channel:?} of the AD5686R reads {read:#06x} after {written:#06x} was written"
            ),
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for Error<E> {}

/// The chip alone on a blocking SPI bus. Its outputs are at zero or at half the scale after power-on,
/// by the RSTSEL pin: wire it to ground, so that a laser's bias begins at zero.
#[derive(Debug)]
pub struct Ad5686r<SPI> {
    spi: SPI,
    range: LevelRange,
}

impl<SPI: SpiDevice> Ad5686r<SPI> {
    /// Takes the bus; sends nothing, so that outputs stay as the reset left them.
    pub fn new(spi: SPI, range: LevelRange) -> Ad5686r<SPI> {
        Ad5686r { spi, range }
    }

    /// What its outputs reach.
    pub fn range(&self) -> LevelRange {
        self.range
    }

    /// Sends one command.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn send(&mut self, command: Command) -> Result<(), Error<SPI::Error>> {
        self.spi.write(&command.frame()).map_err(Error::Bus)
    }

    /// Sets outputs to a level, at once and together.
    ///
    /// # Errors
    /// [`Error::Level`] before anything is sent, or [`Error::Bus`].
    pub fn set(&mut self, outputs: Channels, level: Millivolts) -> Result<(), Error<SPI::Error>> {
        let code = self.range.code(level).map_err(Error::Level)?;
        self.send(Command::WriteAndUpdate(outputs, code))
    }

    /// Writes a level that the outputs take later: with [`Command::Update`] or at the LDAC pin.
    ///
    /// # Errors
    /// [`Error::Level`] before anything is sent, or [`Error::Bus`].
    pub fn prepare(
        &mut self,
        outputs: Channels,
        level: Millivolts,
    ) -> Result<(), Error<SPI::Error>> {
        let code = self.range.code(level).map_err(Error::Level)?;
        self.send(Command::Write(outputs, code))
    }

    /// The code that an output's DAC register holds.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn read_back(&mut self, channel: Channel) -> Result<u16, Error<SPI::Error>> {
        self.send(Command::ReadBack(channel))?;
        let mut frame = Command::NoOperation.frame();
        self.spi.transfer_in_place(&mut frame).map_err(Error::Bus)?;
        Ok(read_value(&frame))
    }

    /// Sets one output and reads it back.
    ///
    /// # Errors
    /// As [`Ad5686r::set`], or [`Error::Mismatch`].
    pub fn set_checked(
        &mut self,
        channel: Channel,
        level: Millivolts,
    ) -> Result<(), Error<SPI::Error>> {
        let written = self.range.code(level).map_err(Error::Level)?;
        self.send(Command::WriteAndUpdate(Channels::one(channel), written))?;
        let read = self.read_back(channel)?;
        if read == written { Ok(()) } else { Err(Error::Mismatch { channel, written, read }) }
    }

    /// Gives the bus back.
    pub fn release(self) -> SPI {
        self.spi
    }
}
