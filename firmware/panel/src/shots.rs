//! A TDC7200 as quantities of the table: one shot after the other, and nobody waits for it.

use embedded_hal::spi::SpiDevice;
use helio_bench::{PartFault, Stopwatch};
use helio_chips::tdc7200::{CalibrationPeriods, Error, Mode, Settings, Tdc7200};
use helio_units::{Hertz, Picoseconds, TickLength, Ticks};

/// At its CLOCK pin: the oscillator that the board has as well.
const CLOCK: Hertz = Hertz(12_000_000);

/// The longest time in the long mode: 65 535 periods of the clock, when the chip gives up.
pub(crate) const LONGEST_SHOT: Picoseconds = Picoseconds(5_461_250_000);

/// Between two looks at a chip.
const LOOK: Picoseconds = Picoseconds(1_000_000_000);

/// A chip that did not answer is tried again so long after.
const RETRY: Picoseconds = Picoseconds(1_000_000_000_000);

/// Where a measurement stands; the code of `board.stopwatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shot {
    /// The registers do not read back what was written: no chip, or not its wiring.
    NoChip = 0,
    /// Armed, and START has not come.
    Armed = 1,
    /// START has come, and STOP has not.
    Started = 2,
    /// A time.
    Measured = 3,
    /// STOP did not come in time, or within what the mode can measure.
    NoStop = 4,
    /// A result of odd parity, or no calibration: the wiring, or no clock.
    Disturbed = 5,
}

/// One shot at a time. A look is one transfer of four bytes, a result one of 40 after it.
pub(crate) struct Shots<S> {
    /// `None` where the bus failed at the start.
    tdc: Option<Tdc7200<S>>,
    state: Shot,
    /// Written, and not read back yet.
    configured: bool,
    /// Whether the table was asked since the last shot ended: then comes the next one.
    asked: bool,
    time: Picoseconds,
    count: u32,
    look: Ticks,
    retry: Ticks,
    due: Ticks,
}

const fn settings(mode: Mode) -> Settings {
    Settings { calibration: CalibrationPeriods::Forty, ..Settings::new(CLOCK, mode) }
}

impl<S: SpiDevice> Shots<S> {
    /// For a chip that may be there; `clock` is a tick of [`Shots::turn`].
    pub fn new(spi: S, clock: TickLength) -> Shots<S> {
        Shots {
            tdc: Tdc7200::new(spi, settings(Mode::Short)).ok(),
            state: Shot::NoChip,
            configured: true,
            asked: true,
            time: Picoseconds(0),
            count: 0,
            look: clock.ticks_covering(LOOK),
            retry: clock.ticks_covering(RETRY),
            due: Ticks(0),
        }
    }

    /// Looks at the chip if it is time to; at most one step of a measurement.
    pub fn turn(&mut self, now: Ticks) {
        let Some(tdc) = self.tdc.as_mut().filter(|_| now >= self.due) else { return };
        self.due = Ticks(now.0.saturating_add(self.look.0));
        if !self.configured {
            self.configured = tdc.configure(*tdc.settings()).is_ok();
            return;
        }
        let Ok(status) = tdc.status() else {
            // Written anew when it is tried again: it may have been without a supply.
            (self.state, self.time, self.configured) = (Shot::NoChip, Picoseconds(0), false);
            self.due = Ticks(now.0.saturating_add(self.retry.0));
            return;
        };
        let armed = matches!(self.state, Shot::Armed | Shot::Started);
        if !armed {
            if (self.asked || self.state == Shot::NoChip) && tdc.arm().is_ok() {
                (self.state, self.asked) = (Shot::Armed, false);
            }
            return;
        }
        self.state = match tdc.finished(status) {
            Ok(None) if status.started() => Shot::Started,
            Ok(None) => Shot::Armed,
            Ok(Some(laps)) => {
                let range = tdc.range();
                let measured = |time: &&Picoseconds| {
                    **time >= range.shortest && **time <= range.longest.min(LONGEST_SHOT)
                };
                match laps.stops().first().filter(measured) {
                    Some(time) => {
                        (self.time, self.count) = (*time, self.count.wrapping_add(1));
                        Shot::Measured
                    }
                    None => Shot::NoStop,
                }
            }
            Err(Error::ClockOverflow | Error::CoarseOverflow) => Shot::NoStop,
            Err(_) => Shot::Disturbed,
        };
        if matches!(self.state, Shot::NoStop | Shot::Disturbed) {
            self.time = Picoseconds(0);
        }
    }

    /// The time of the last shot that ended; 0 where it has none, or none has ended. The next one is
    /// armed by this.
    pub fn take(&mut self) -> Picoseconds {
        self.asked = true;
        self.time
    }

    pub fn state(&self) -> Shot {
        self.state
    }

    /// Shots with a time, modulo 2³².
    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn is_long(&self) -> bool {
        self.tdc.as_ref().is_some_and(|tdc| tdc.settings().mode == Mode::Long)
    }

    /// Measures in the other mode from the next shot on; what was armed is given up.
    ///
    /// # Errors
    /// [`PartFault`]: the bus failed.
    pub fn set_long(&mut self, long: bool) -> Result<(), PartFault> {
        let tdc = self.tdc.as_mut().ok_or(PartFault)?;
        let mode = if long { Mode::Long } else { Mode::Short };
        tdc.configure(settings(mode)).map_err(|_| PartFault)?;
        (self.state, self.time, self.configured) = (Shot::NoChip, Picoseconds(0), true);
        self.due = Ticks(0);
        Ok(())
    }
}
