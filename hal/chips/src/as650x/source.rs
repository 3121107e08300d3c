//! An edge source over a blocking bus.

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::SpiDevice;
use helio_bench::{Drained, Edge, EdgeSource, Loss};
use helio_units::{InvalidTickLength, TickLength, Ticks};

use super::config::Config;
use super::merge::{HELD, Merger, TOLERANCE, join};
use super::{As650x, Error};

/// An AS650x as a source of edges.
///
/// `clock` counts periods of the chip's REFCLK without a wrap, from any origin: a counter fed by
/// the same oscillator. It places the index, which returns to zero every 2²⁴ periods (1.7 s at
/// 10 MHz), so that a channel may be silent for longer than that. What has no certain time is a
/// loss, as [`Merger`] says.
///
/// A tick is a REFCLK_DIVISIONS-th of a period, and tick zero is where `clock` is zero. The count taken
/// as that of index zero is the one before the transfer that resets the index, so edges stand too
/// early by what that transfer takes, at most half of [`TOLERANCE`], and the chip's own latency: the
/// same for all from one start to the next. Only their differences are measured. Ticks of a picosecond
/// last 213 days.
///
/// After the results of each drain the configuration is read back, and nothing is called complete
/// before. A chip that is gone or counts otherwise ends the source: from what was told last everything
/// is a loss, until [`As650xSource::restart`].
#[derive(Debug)]
pub struct As650xSource<SPI: SpiDevice, C> {
    chip: As650x<SPI>,
    clock: C,
    /// Count of the clock where the index is zero.
    origin: u64,
    tick: TickLength,
    merger: Merger,
    fault: Option<SPI::Error>,
    stop: Option<Stop>,
    /// Up to where edges were told, in ticks.
    reached: u64,
    /// Of the time before the last restart.
    missed: Option<Loss>,
}

/// Why the source tells no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stop {
    /// The registers do not read back what was written: no chip, or one that was reset.
    Silent = 1,
    /// An index fits no count of the clock: the two are not of one oscillator, or it stood still for
    /// one of them.
    Astray = 2,
    /// The start took longer than half of [`TOLERANCE`], and where the index is zero is not known.
    Slow = 3,
}

impl core::fmt::Display for Stop {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Stop::Silent => "the AS650x does not read back what was written to it",
            Stop::Astray => "the AS650x and the coarse count do not count the same clock",
            Stop::Slow => "the start of the AS650x took too long to know its time",
        })
    }
}

impl core::error::Error for Stop {}

/// Why the source did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The chip.
    Stop(Stop),
    /// The reference period and the divisions make no tick.
    Tick(InvalidTickLength),
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StartError::Stop(e) => e.fmt(f),
            StartError::Tick(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

impl Config {
    /// Length of a tick where `reference` is the exact length of a REFCLK period.
    ///
    /// # Errors
    /// Where the two make no tick whose length can be told.
    pub fn tick_length(&self, reference: TickLength) -> Result<TickLength, InvalidTickLength> {
        let parts = reference.denominator().checked_mul(self.divisions).ok_or(InvalidTickLength)?;
        TickLength::new(reference.numerator_ps(), parts)
    }
}

impl<SPI: SpiDevice, C: FnMut() -> u64> As650xSource<SPI, C> {
    /// Begins to measure with a chip that is configured. `reference` is the exact length of a REFCLK
    /// period.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        chip: As650x<SPI>,
        clock: C,
        reference: TickLength,
    ) -> Result<As650xSource<SPI, C>, StartError> {
        let mut source = As650xSource::stopped(chip, clock, reference).map_err(StartError::Tick)?;
        source.begin().map_err(StartError::Stop)?;
        source.missed = None;
        Ok(source)
    }

    /// Does not measure yet: [`As650xSource::restart`] begins.
    ///
    /// # Errors
    /// The reference period and the divisions make no tick.
    pub fn stopped(
        chip: As650x<SPI>,
        clock: C,
        reference: TickLength,
    ) -> Result<As650xSource<SPI, C>, InvalidTickLength> {
        let tick = chip.config().tick_length(reference)?;
        let merger = Merger::new(*chip.config());
        let stop = Some(Stop::Silent);
        let (origin, reached) = (0, 0);
        Ok(As650xSource {
            chip,
            clock,
            origin,
            tick,
            merger,
            fault: None,
            stop,
            reached,
            missed: None,
        })
    }

    /// Resets and configures the chip and begins anew, on the same clock. What came between is a loss.
    ///
    /// # Errors
    /// [`Stop`]; the source stays as it is.
    pub fn restart(&mut self, delay: &mut impl DelayNs) -> Result<(), Stop> {
        if let Err(fault) = self.chip.reset(delay) {
            if let Error::Bus(fault) = fault {
                self.fault = Some(fault);
            }
            self.stop = Some(Stop::Silent);
            return Err(Stop::Silent);
        }
        self.begin()
    }

    fn begin(&mut self) -> Result<(), Stop> {
        let origin = (self.clock)();
        let sent = self.chip.initialise();
        let slow = (self.clock)().saturating_sub(origin) > TOLERANCE / 2;
        self.stop = match sent {
            Err(fault) => {
                self.fault = Some(fault);
                Some(Stop::Silent)
            }
            Ok(()) => slow.then_some(Stop::Slow),
        };
        if let Some(stop) = self.stop {
            return Err(stop);
        }
        let zero = self.ticks(origin).max(self.reached);
        self.missed = Some(self.lose_until(zero));
        self.origin = origin;
        self.merger = Merger::new(*self.chip.config());
        Ok(())
    }

    /// Why no time is told, if none is. To be asked after each drain: the run that needs it has ended.
    pub fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// The last fault of the bus since this was asked; what it cost was told as a loss.
    pub fn fault(&mut self) -> Option<SPI::Error> {
        self.fault.take()
    }

    /// Ends the source.
    pub fn release(self) -> As650x<SPI> {
        self.chip
    }

    fn now(&mut self) -> u64 {
        (self.clock)().saturating_sub(self.origin)
    }

    fn ticks(&self, periods: u64) -> u64 {
        periods.saturating_mul(u64::from(self.chip.config().divisions))
    }

    fn lose_until(&mut self, to: u64) -> Loss {
        let from = core::mem::replace(&mut self.reached, to);
        Loss { from: Ticks(from), to: Ticks(to), lost: 0 }
    }

    /// Takes results until every FIFO is empty or no room is left to hold them, and makes sure that it
    /// was the chip that said so.
    fn fill(&mut self) {
        // A bus that brings nonsense brings it for ever.
        for _ in 0..HELD {
            if !self.merger.has_room() || self.merger.is_astray() {
                break;
            }
            let before = self.now();
            let transfer = self.chip.take();
            let after = self.now();
            match transfer {
                Ok(bytes) if self.merger.take_in(&bytes, before, after) => {}
                Ok(_) => break,
                Err(fault) => {
                    self.fault = Some(fault);
                    self.merger.transfer_failed(after);
                    break;
                }
            }
        }
        if self.chip.check().is_err() {
            self.stop = Some(Stop::Silent);
        } else if self.merger.is_astray() {
            self.stop = Some(Stop::Astray);
        }
    }
}

impl<SPI: SpiDevice, C: FnMut() -> u64> EdgeSource for As650xSource<SPI, C> {
    fn channels(&self) -> u8 {
        self.chip.config().part.channels()
    }

    fn tick_length(&self) -> TickLength {
        self.tick
    }

    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        if self.stop.is_none() {
            self.fill();
        }
        if self.stop.is_some() {
            let now = (self.clock)();
            let to = self.ticks(now).max(self.reached);
            let loss = join(self.missed.take(), Some(self.lose_until(to)));
            return Drained { edges: 0, reached: Ticks(to), loss };
        }
        let zero = self.ticks(self.origin);
        let on_clock = |tick: Ticks| Ticks(tick.0.saturating_add(zero));
        let Drained { edges, reached, loss } = self.merger.drain(out);
        for edge in &mut out[..edges] {
            edge.tick = on_clock(edge.tick);
        }
        let loss = loss.map(|l| Loss { from: on_clock(l.from), to: on_clock(l.to), ..l });
        self.reached = on_clock(reached).0.max(self.reached);
        Drained { edges, reached: Ticks(self.reached), loss: join(self.missed.take(), loss) }
    }
}
