//! TI TDC7200, a one-shot time-to-digital converter: START, up to five STOPs, about 55 ps a count
//! and 35 ps standard deviation (SNAS647D, revised March 2016, front page). Sections cited are of
//! that revision; what could not be read there is marked in `FACTS.md`.
//!
//! SPI mode 0, most significant bit first, at most 20 MHz. The board raises ENABLE after the supply
//! is up and waits 1.5 ms before the first transfer. The external clock, 1 to 16 MHz, is the
//! measure of everything: 16 MHz gives the least uncertainty (section 8.3.2).

mod registers;
mod results;

use embedded_hal::spi::SpiDevice;
use helio_bench::{Laps, Stopwatch, StopwatchRange};
use helio_units::{Hertz, Picoseconds};

pub use registers::{
    Address, CalibrationPeriods, Config1, Config2, Interrupts, Mode, Polarity, read_command,
    write_command,
};
pub use results::{Calibration, NotCalibrated, ParityError, RESULT_BYTES, RESULT_REQUEST, Results};

/// How the chip shall measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Frequency at the CLOCK pin, 1 to 16 MHz.
    pub clock: Hertz,
    /// Short or long times.
    pub mode: Mode,
    /// STOPs of a measurement, 1 to 5.
    pub stops: u8,
    /// Length of the second calibration.
    pub calibration: CalibrationPeriods,
    /// Results are means over 2 to this power of measurements, 0 to 7; each needs a START of its
    /// own.
    pub averaging: u8,
    /// Edge of START that counts.
    pub start: Polarity,
    /// Edge of STOP that counts.
    pub stop: Polarity,
    /// STOPs are ignored for this many clock periods after START; 0 for none.
    pub stop_mask: u16,
    /// The measurement is given up after this many clock periods.
    pub clock_overflow: u16,
    /// The measurement is given up after this many turns of the ring oscillator.
    pub coarse_overflow: u16,
}

impl Settings {
    /// One STOP on rising edges, no mask, the longest time the counters allow.
    pub const fn new(clock: Hertz, mode: Mode) -> Settings {
        Settings {
            clock,
            mode,
            stops: 1,
            calibration: CalibrationPeriods::Ten,
            averaging: 0,
            start: Polarity::Rising,
            stop: Polarity::Rising,
            stop_mask: 0,
            clock_overflow: u16::MAX,
            coarse_overflow: u16::MAX,
        }
    }

    /// Whether the chip can do this.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub const fn check(&self) -> Result<(), SettingsError> {
        if self.clock.0 < 1_000_000 || self.clock.0 > 16_000_000 {
            return Err(SettingsError::Clock(self.clock));
        }
        if self.stops < 1 || self.stops > 5 {
            return Err(SettingsError::Stops(self.stops));
        }
        if self.averaging > 7 {
            return Err(SettingsError::Averaging(self.averaging));
        }
        if self.clock_overflow <= self.stop_mask {
            return Err(SettingsError::MaskBeyondOverflow {
                stop_mask: self.stop_mask,
                clock_overflow: self.clock_overflow,
            });
        }
        Ok(())
    }

    /// CONFIG1. Parity and calibration are always on: a disturbed transfer is told, and a
    /// measurement that was given up still tells whether the clock is right.
    pub const fn config1(&self, start_measurement: bool) -> Config1 {
        Config1 {
            force_calibration: true,
            parity: true,
            trigger: Polarity::Rising,
            stop: self.stop,
            start: self.start,
            mode: self.mode,
            start_measurement,
        }
    }

    /// CONFIG2.
    pub const fn config2(&self) -> Config2 {
        Config2 { calibration: self.calibration, averaging: self.averaging, stops: self.stops }
    }

    /// The transfer that writes CONFIG1 and CONFIG2, and the one that writes INT_MASK and the six
    /// bytes of the counters' limits after it. INT_STATUS lies between the two.
    pub const fn frames(&self) -> ([u8; 3], [u8; 8]) {
        let [coarse_h, coarse_l] = self.coarse_overflow.to_be_bytes();
        let [clock_h, clock_l] = self.clock_overflow.to_be_bytes();
        let [mask_h, mask_l] = self.stop_mask.to_be_bytes();
        let configuration = [
            write_command(Address::Config1),
            self.config1(false).encode(),
            self.config2().encode(),
        ];
        let limits = [
            write_command(Address::InterruptMask),
            Interrupts::ALL_ENABLED.0,
            coarse_h,
            coarse_l,
            clock_h,
            clock_l,
            mask_h,
            mask_l,
        ];
        (configuration, limits)
    }

    /// The transfer that reads CONFIG1 and CONFIG2 back, and INT_STATUS behind them.
    pub const fn status_frame(&self) -> [u8; 4] {
        [read_command(Address::Config1), 0, 0, 0]
    }

    /// The interrupt status out of the answer to [`Settings::status_frame`].
    ///
    /// # Errors
    /// [`NotConfigured`] where the two registers are not what was written; of START_MEAS, which the chip
    /// clears by itself, nothing is said.
    pub const fn status(&self, answer: [u8; 4]) -> Result<Interrupts, NotConfigured> {
        if answer[1] | 1 == self.config1(true).encode() && answer[2] == self.config2().encode() {
            Ok(Interrupts(answer[3]))
        } else {
            Err(NotConfigured { config1: answer[1], config2: answer[2] })
        }
    }

    /// The transfer that starts a measurement.
    pub const fn arm_frame(&self) -> [u8; 2] {
        [write_command(Address::Config1), self.config1(true).encode()]
    }

    /// The times of a measurement from its results, in order of STOP.
    ///
    /// # Errors
    /// [`NotCalibrated`] where the calibration registers are no calibration.
    pub fn laps(&self, results: &Results) -> Result<Laps, NotCalibrated> {
        let calibration = Calibration::new(results, self.calibration, self.clock)?;
        let mut laps = Laps::NONE;
        for n in 0..usize::from(self.stops).min(5) {
            let lap = match self.mode {
                Mode::Short => calibration.short(results.time[n]),
                Mode::Long => {
                    calibration.long(results.time[0], results.time[n + 1], results.clock_count[n])
                }
            };
            // Five fit, and there are no more.
            let _ = laps.push(lap);
        }
        Ok(laps)
    }
}

/// A setting the chip does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// The clock is not 1 to 16 MHz.
    Clock(Hertz),
    /// Not 1 to 5 STOPs.
    Stops(u8),
    /// Not 2⁰ to 2⁷ measurements.
    Averaging(u8),
    /// No STOP could ever count: the mask ends when the measurement is given up, or later.
    MaskBeyondOverflow {
        /// Clock periods masked.
        stop_mask: u16,
        /// Clock periods of a measurement.
        clock_overflow: u16,
    },
}

impl core::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SettingsError::Clock(clock) => {
                write!(f, "a clock of {} Hz is outside 1 MHz to 16 MHz", clock.0)
            }
            SettingsError::Stops(n) => write!(f, "{n} STOPs are outside 1 to 5"),
            SettingsError::Averaging(n) => write!(f, "averaging over 2^{n} is outside 2^0 to 2^7"),
            SettingsError::MaskBeyondOverflow { stop_mask, clock_overflow } => write!(
                f,
                "STOPs masked for {stop_mask} clock periods, the measurement given up after \
                 {clock_overflow}: set the mask below the overflow"
            ),
        }
    }
}

impl core::error::Error for SettingsError {}

/// The configuration does not read back: no chip, or one that was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotConfigured {
    /// What was read as CONFIG1.
    pub config1: u8,
    /// What was read as CONFIG2.
    pub config2: u8,
}

/// Why there is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The bus failed.
    Bus(E),
    /// A setting is out of range.
    Settings(SettingsError),
    /// The configuration does not read back.
    NotConfigured(NotConfigured),
    /// The clock counter ran over before the last STOP.
    ClockOverflow,
    /// The ring oscillator's counter ran over before the last STOP.
    CoarseOverflow,
    /// A result came with odd parity.
    Parity(ParityError),
    /// The calibration registers are no calibration: is there a clock?
    NotCalibrated,
}

impl<E: core::fmt::Debug> core::fmt::Display for Error<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Bus(e) => write!(f, "SPI transfer with the TDC7200 failed: {e:?}"),
            Error::Settings(e) => e.fmt(f),
            Error::NotConfigured(NotConfigured { config1, config2 }) => write!(
                f,
                "the TDC7200 reads back {config1:#04x} {config2:#04x}: look at wiring, ENABLE and supply"
            ),
            Error::ClockOverflow => f.write_str("no last STOP before the clock counter ran over"),
            Error::CoarseOverflow => f.write_str("no last STOP before the coarse counter ran over"),
            Error::Parity(p) => {
                write!(f, "register {:#04x} of the TDC7200 has odd parity", p.address)
            }
            Error::NotCalibrated => {
                f.write_str("the TDC7200 was not calibrated: look at its CLOCK and ENABLE pins")
            }
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for Error<E> {}

/// The chip on a blocking SPI bus.
#[derive(Debug)]
pub struct Tdc7200<SPI> {
    spi: SPI,
    settings: Settings,
}

impl<SPI: SpiDevice> Tdc7200<SPI> {
    /// Configures the chip.
    ///
    /// # Errors
    /// [`Error::Settings`] before anything is sent, or [`Error::Bus`].
    pub fn new(spi: SPI, settings: Settings) -> Result<Tdc7200<SPI>, Error<SPI::Error>> {
        let mut tdc = Tdc7200 { spi, settings };
        tdc.configure(settings)?;
        Ok(tdc)
    }

    /// Configures it anew; what was armed is given up.
    ///
    /// # Errors
    /// As [`Tdc7200::new`].
    pub fn configure(&mut self, settings: Settings) -> Result<(), Error<SPI::Error>> {
        settings.check().map_err(Error::Settings)?;
        let (configuration, limits) = settings.frames();
        self.settings = settings;
        self.spi.write(&configuration).map_err(Error::Bus)?;
        self.spi.write(&limits).map_err(Error::Bus)
    }

    /// What it was configured with last.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The interrupt status of a chip that still has its configuration, in one transfer.
    ///
    /// # Errors
    /// [`Error::Bus`] or [`Error::NotConfigured`].
    pub fn status(&mut self) -> Result<Interrupts, Error<SPI::Error>> {
        let mut frame = self.settings.status_frame();
        self.spi.transfer_in_place(&mut frame).map_err(Error::Bus)?;
        self.settings.status(frame).map_err(Error::NotConfigured)
    }

    /// The measurement, if by this status it is complete.
    ///
    /// # Errors
    /// As [`Stopwatch::read`].
    pub fn finished(&mut self, status: Interrupts) -> Result<Option<Laps>, Error<SPI::Error>> {
        if status.clock_overflow() {
            return Err(Error::ClockOverflow);
        }
        if status.coarse_overflow() {
            return Err(Error::CoarseOverflow);
        }
        if !status.complete() {
            return Ok(None);
        }
        let results = self.results()?;
        self.settings.laps(&results).map(Some).map_err(|NotCalibrated| Error::NotCalibrated)
    }

    /// The interrupt status; reading does not clear it.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn interrupts(&mut self) -> Result<Interrupts, Error<SPI::Error>> {
        let mut frame = [read_command(Address::InterruptStatus), 0];
        self.spi.transfer_in_place(&mut frame).map_err(Error::Bus)?;
        Ok(Interrupts(frame[1]))
    }

    /// The result registers as they stand.
    ///
    /// # Errors
    /// [`Error::Bus`] or [`Error::Parity`].
    pub fn results(&mut self) -> Result<Results, Error<SPI::Error>> {
        let mut frame = RESULT_REQUEST;
        self.spi.transfer_in_place(&mut frame).map_err(Error::Bus)?;
        let mut bytes = [0; RESULT_BYTES];
        bytes.copy_from_slice(&frame[1..]);
        Results::decode(&bytes).map_err(Error::Parity)
    }

    /// Gives the bus back.
    pub fn release(self) -> SPI {
        self.spi
    }
}

impl<SPI: SpiDevice> Stopwatch for Tdc7200<SPI> {
    type Error = Error<SPI::Error>;

    fn stops(&self) -> u8 {
        self.settings.stops
    }

    fn range(&self) -> StopwatchRange {
        let (shortest, longest) = match self.settings.mode {
            Mode::Short => (12_000, 500_000),
            Mode::Long => (250_000, 8_000_000_000),
        };
        StopwatchRange { shortest: Picoseconds(shortest), longest: Picoseconds(longest) }
    }

    fn arm(&mut self) -> Result<(), Self::Error> {
        self.spi.write(&self.settings.arm_frame()).map_err(Error::Bus)
    }

    fn read(&mut self) -> Result<Option<Laps>, Self::Error> {
        let status = self.interrupts()?;
        self.finished(status)
    }
}
