//! An edge source over a blocking bus.

use embedded_hal::spi::SpiDevice;
use helio_bench::{Drained, Edge, EdgeSource};
use helio_units::{InvalidTickLength, TickLength};

use super::As650x;
use super::config::Config;
use super::merge::Merger;

/// An AS650x as a source of edges.
///
/// `clock` counts periods of the chip's REFCLK without a wrap, from any origin: a counter fed by
/// the same oscillator. It places the index, which returns to zero every 2²⁴ periods (1.7 s at
/// 10 MHz), so that a channel may be silent for longer than that. What has no certain time is a
/// loss, as [`Merger`] says.
///
/// A tick is a REFCLK_DIVISIONS-th of a period; ticks of a picosecond last 213 days.
#[derive(Debug)]
pub struct As650xSource<SPI: SpiDevice, C> {
    chip: As650x<SPI>,
    clock: C,
    origin: u64,
    tick: TickLength,
    merger: Merger,
    fault: Option<SPI::Error>,
}

/// Why the source did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError<E> {
    /// The bus failed.
    Bus(E),
    /// The reference period and the divisions make no tick.
    Tick(InvalidTickLength),
}

impl<E: core::fmt::Debug> core::fmt::Display for StartError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StartError::Bus(e) => write!(f, "SPI transfer with the AS650x failed: {e:?}"),
            StartError::Tick(e) => e.fmt(f),
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for StartError<E> {}

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
    /// Begins to measure; tick zero is now. `reference` is the exact length of a REFCLK period.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        mut chip: As650x<SPI>,
        mut clock: C,
        reference: TickLength,
    ) -> Result<As650xSource<SPI, C>, StartError<SPI::Error>> {
        let tick = chip.config().tick_length(reference).map_err(StartError::Tick)?;
        let merger = Merger::new(*chip.config());
        chip.initialise().map_err(StartError::Bus)?;
        let origin = clock();
        Ok(As650xSource { chip, clock, origin, tick, merger, fault: None })
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

    /// Takes results until every FIFO is empty or no room is left to hold them.
    fn fill(&mut self) {
        while self.merger.has_room() {
            let before = self.now();
            let transfer = self.chip.take();
            let after = self.now();
            match transfer {
                Ok(bytes) if self.merger.take_in(&bytes, before, after) => {}
                Ok(_) => return,
                Err(fault) => {
                    self.fault = Some(fault);
                    self.merger.transfer_failed(after);
                    return;
                }
            }
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
        self.fill();
        self.merger.drain(out)
    }
}
