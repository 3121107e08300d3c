//! Edges in order of time from four FIFOs that know time modulo 2²⁴ reference periods.

use embedded_hal::spi::SpiDevice;
use helio_bench::{Drained, Edge, EdgeSource, Loss};
use helio_units::{InvalidTickLength, TickLength, Ticks};

use super::As650x;
use super::config::Resolution;
use super::results::{INDEX_BITS, RESULT_BYTES, RawResult, unwrap_index};

/// By how many reference periods the coarse count may be off, the chip's own latency from a hit to
/// its result included.
pub const TOLERANCE: u64 = 64;

/// Edges held back until no channel can bring an earlier one.
const HELD: usize = 4 * DEEPEST;

/// The deepest FIFO.
const DEEPEST: usize = Resolution::Single.fifo_depth();

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    /// Coarse count before the last transfer that found the FIFO empty: what was hit before is out.
    emptied: u64,
    /// First tick from which this channel may still bring edges.
    known_to: u64,
    /// Coarse counts after the last transfers that brought a result, as a ring of one less than
    /// the FIFO's depth.
    taken_at: [u64; DEEPEST - 1],
    taken: usize,
}

/// An AS650x as a source of edges.
///
/// `clock` counts periods of the chip's REFCLK without a wrap, from any origin: a counter fed by
/// the same oscillator. It places the index, which returns to zero every 2²⁴ periods (1.7 s at
/// 10 MHz), so that a channel may be silent for longer than that. A result that may have waited
/// in the FIFO for a whole turn has no known time: it becomes a [`Loss`]. So does what a full FIFO
/// may have dropped, and what a failed transfer may have taken.
///
/// A tick is a REFCLK_DIVISIONS-th of a period; ticks of a picosecond last 213 days.
#[derive(Debug)]
pub struct As650xSource<SPI: SpiDevice, C> {
    chip: As650x<SPI>,
    clock: C,
    origin: u64,
    tick: TickLength,
    channels: [Channel; 4],
    held: [Edge; HELD],
    holds: usize,
    reached: u64,
    loss: Option<Loss>,
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
        let parts = reference
            .denominator()
            .checked_mul(chip.config().divisions)
            .ok_or(StartError::Tick(InvalidTickLength))?;
        let tick = TickLength::new(reference.numerator_ps(), parts).map_err(StartError::Tick)?;
        chip.initialise().map_err(StartError::Bus)?;
        let origin = clock();
        Ok(As650xSource {
            chip,
            clock,
            origin,
            tick,
            channels: [Channel::default(); 4],
            held: [Edge { tick: Ticks(0), channel: 0 }; HELD],
            holds: 0,
            reached: 0,
            loss: None,
            fault: None,
        })
    }

    /// The last fault of the bus since this was asked; what it cost was told as a [`Loss`].
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

    fn in_use(&self) -> impl Iterator<Item = u8> + use<SPI, C> {
        let config = *self.chip.config();
        (0..config.part.channels()).filter(move |n| config.channels >> n & 1 == 1)
    }

    fn ticks(&self, periods: u64) -> u64 {
        periods.saturating_mul(u64::from(self.chip.config().divisions))
    }

    /// Edges may be missing among those of reference periods `from..=to`.
    fn lose(&mut self, from: u64, to: u64, lost: u64) {
        let new = Loss {
            from: Ticks(self.ticks(from)),
            to: Ticks(self.ticks(to.saturating_add(1))),
            lost,
        };
        self.loss = Some(self.loss.map_or(new, |old| Loss {
            from: old.from.min(new.from),
            to: old.to.max(new.to),
            lost: old.lost.saturating_add(lost),
        }));
    }

    /// Takes results until every FIFO is empty or no room is left to hold them.
    fn fill(&mut self) {
        while self.holds + 4 <= HELD {
            let before = self.now();
            match self.chip.take() {
                Ok(bytes) => {
                    let after = self.now();
                    if !self.sort_in(&bytes, before, after) {
                        return;
                    }
                }
                Err(fault) => {
                    let after = self.now();
                    self.fault = Some(fault);
                    let oldest = self.in_use().map(|n| self.channels[usize::from(n)].emptied).min();
                    let from = oldest.unwrap_or(0).saturating_sub(TOLERANCE);
                    self.lose(from, after + TOLERANCE, 0);
                    return;
                }
            }
        }
    }

    /// Sorts one transfer in; whether it brought anything.
    fn sort_in(&mut self, bytes: &[u8; RESULT_BYTES], before: u64, after: u64) -> bool {
        let part = self.chip.config().part;
        let mut brought = false;
        for n in self.in_use() {
            let place = usize::from(n);
            let from = self.channels[place].emptied.saturating_sub(TOLERANCE);
            let to = after + TOLERANCE;
            match RawResult::of_channel(part, bytes, n) {
                Ok(None) => {
                    let whole = self.ticks(before.saturating_sub(TOLERANCE));
                    let channel = &mut self.channels[place];
                    channel.emptied = before;
                    channel.known_to = channel.known_to.max(whole);
                }
                Ok(Some(raw)) => {
                    brought = true;
                    match unwrap_index(raw.index, INDEX_BITS, from, to) {
                        Some(period) => self.hold(n, period, raw.stop, after),
                        None => self.lose(from, to, 1),
                    }
                }
                Err(_) => {
                    brought = true;
                    self.lose(from, to, 1);
                }
            }
        }
        brought
    }

    fn hold(&mut self, n: u8, period: u64, stop: u32, after: u64) {
        let tick = self.ticks(period).saturating_add(u64::from(stop));
        let ring = self.chip.config().resolution.fifo_depth() - 1;
        let channel = &mut self.channels[usize::from(n)];
        let slot = channel.taken % ring;
        // If this hit was there when the result as many before it as the FIFO holds, less one, was
        // taken, then the FIFO was full, and a further hit would have been dropped.
        let full =
            channel.taken >= ring && period <= channel.taken_at[slot].saturating_add(TOLERANCE);
        channel.taken_at[slot] = after;
        channel.taken += 1;
        channel.known_to = channel.known_to.max(tick);
        if full {
            self.lose(period, after + TOLERANCE, 0);
        }
        if tick < self.reached {
            // Earlier than what was called complete: the coarse count is off by more than it may.
            self.lose(period, period, 1);
            return;
        }
        let edge = Edge { tick: Ticks(tick), channel: n };
        let place = self.held[..self.holds].partition_point(|held| *held < edge);
        self.held.copy_within(place..self.holds, place + 1);
        self.held[place] = edge;
        self.holds += 1;
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
        let known = self.in_use().map(|n| self.channels[usize::from(n)].known_to).min();
        let complete = known.unwrap_or(0).max(self.reached);
        let ready = self.held[..self.holds].partition_point(|held| held.tick.0 < complete);
        let edges = ready.min(out.len());
        out[..edges].copy_from_slice(&self.held[..edges]);
        self.reached = if edges < ready { self.held[edges].tick.0 } else { complete };
        self.held.copy_within(edges..self.holds, 0);
        self.holds -= edges;
        Drained { edges, reached: Ticks(self.reached), loss: self.loss.take() }
    }
}
