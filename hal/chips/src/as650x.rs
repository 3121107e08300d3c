//! ScioSense AS6500 (four channels) and AS6501 (two channels), time-to-digital converters that
//! tag every edge: data sheets DS000640 v4-00 (2020-02-28) and DS000586 v1-00 (2018-05-11). Both
//! have the core of the older TDC-GPX2. Where their revisions and the examples in them disagree is
//! said at [`FixedBytes`] and in `FACTS.md`.
//!
//! Over SPI (mode 1, most significant bit first) the chip is configured, and results are read by
//! polling. The AS6501 also sends results over LVDS lines, faster than SPI can carry them; a board
//! that captures those lines decodes their frames with [`RawResult::from_lvds`].
//!
//! [`As650xSource`] makes an [`helio_bench::EdgeSource`] of it over a blocking bus; [`Merger`] is its
//! inside, for a board whose DMA carries the transfers.

mod config;
mod merge;
mod results;
mod source;

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::SpiDevice;

pub use config::{
    CONFIG_BYTES, Config, ConfigError, FixedBytes, LvdsOutput, MAX_DIVISIONS, Part, Reference,
    Resolution,
};
pub use merge::{Merger, TOLERANCE};
pub use results::{INDEX_BITS, Malformed, RESULT_BYTES, RESULT_REQUEST, RawResult, unwrap_index};
pub use source::{As650xSource, StartError, Stop};

/// spiopc_power: reset as after power-on, and stop measuring. Wait 100 µs before the next transfer.
pub const POWER_ON_RESET: [u8; 1] = [0x30];

/// spiopc_init: reset index and FIFOs, keep the configuration, begin to measure.
pub const INITIALISE: [u8; 1] = [0x18];

/// spiopc_write_config, to which the first address is added.
const WRITE_CONFIG: u8 = 0x80;

/// spiopc_read_config, to which the first address is added.
const READ_CONFIG: u8 = 0x40;

/// Why the chip is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The bus failed.
    Bus(E),
    /// A setting is out of range.
    Config(ConfigError),
    /// The registers do not read back what was written.
    Mismatch {
        /// First address that differs.
        address: u8,
        /// What was written there.
        written: u8,
        /// What was read.
        read: u8,
    },
}

impl<E: core::fmt::Debug> core::fmt::Display for Error<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Bus(e) => write!(f, "SPI transfer with the AS650x failed: {e:?}"),
            Error::Config(e) => e.fmt(f),
            Error::Mismatch { address, written, read } => write!(
                f,
                "register {address} of the AS650x reads {read:#04x} after {written:#04x} was \
                 written: look at wiring, SPI mode and supply"
            ),
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for Error<E> {}

/// The transfer that writes all configuration registers.
pub fn config_frame(config: &Config) -> [u8; 1 + CONFIG_BYTES] {
    let mut frame = [WRITE_CONFIG; 1 + CONFIG_BYTES];
    frame[1..].copy_from_slice(&config.encode());
    frame
}

/// The chip on a blocking SPI bus.
#[derive(Debug)]
pub struct As650x<SPI> {
    spi: SPI,
    config: Config,
}

impl<SPI: SpiDevice> As650x<SPI> {
    /// Writes the configuration and reads it back. The chip is as after power-on: the caller has
    /// sent [`POWER_ON_RESET`] and waited. It does not measure yet.
    ///
    /// # Errors
    /// [`Error::Config`] before anything is sent, [`Error::Bus`] or [`Error::Mismatch`].
    pub fn new(spi: SPI, config: Config) -> Result<As650x<SPI>, Error<SPI::Error>> {
        let mut chip = As650x::unconfigured(spi, config).map_err(Error::Config)?;
        chip.configure()?;
        Ok(chip)
    }

    /// Sends nothing yet: for a chip that need not be there, and [`As650x::reset`].
    ///
    /// # Errors
    /// A setting out of range.
    pub fn unconfigured(spi: SPI, config: Config) -> Result<As650x<SPI>, ConfigError> {
        config.check()?;
        Ok(As650x { spi, config })
    }

    /// Sets the chip back, waits 100 µs, writes the configuration and reads it back. It does not
    /// measure yet.
    ///
    /// # Errors
    /// [`Error::Bus`] or [`Error::Mismatch`].
    pub fn reset(&mut self, delay: &mut impl DelayNs) -> Result<(), Error<SPI::Error>> {
        self.spi.write(&POWER_ON_RESET).map_err(Error::Bus)?;
        delay.delay_us(100);
        self.configure()
    }

    fn configure(&mut self) -> Result<(), Error<SPI::Error>> {
        self.spi.write(&config_frame(&self.config)).map_err(Error::Bus)?;
        self.check()
    }

    /// Reads the configuration back: whether the chip is there, and is what it was made. One that is
    /// gone, or was reset, reads as four empty FIFOs otherwise.
    ///
    /// # Errors
    /// [`Error::Bus`] or [`Error::Mismatch`].
    pub fn check(&mut self) -> Result<(), Error<SPI::Error>> {
        let mut read = [0; 1 + CONFIG_BYTES];
        read[0] = READ_CONFIG;
        self.spi.transfer_in_place(&mut read).map_err(Error::Bus)?;
        let written = self.config.encode();
        for (address, (w, r)) in written.iter().zip(&read[1..]).enumerate() {
            if w != r {
                let address = address as u8;
                return Err(Error::Mismatch { address, written: *w, read: *r });
            }
        }
        Ok(())
    }

    /// What the chip was configured with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Resets the index and begins to measure.
    ///
    /// # Errors
    /// From the bus.
    pub fn initialise(&mut self) -> Result<(), SPI::Error> {
        self.spi.write(&INITIALISE)
    }

    /// Takes one result from each channel's FIFO.
    ///
    /// # Errors
    /// From the bus; results may be gone.
    pub fn take(&mut self) -> Result<[u8; RESULT_BYTES], SPI::Error> {
        let mut frame = RESULT_REQUEST;
        self.spi.transfer_in_place(&mut frame)?;
        let mut bytes = [0; RESULT_BYTES];
        bytes.copy_from_slice(&frame[1..]);
        Ok(bytes)
    }

    /// Gives the bus back.
    pub fn release(self) -> SPI {
        self.spi
    }
}
