//! Data plane, inwards: edges from the detectors.

use helio_units::{TickLength, Ticks};

/// A rising edge on an input channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// When, in the device's ticks since it started.
    pub tick: Ticks,
    /// On which input, from zero.
    pub channel: u8,
}

/// Edges that the hardware saw, or may have seen, and could not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// First tick from which edges may be missing.
    pub from: Ticks,
    /// First tick from which the record is whole again.
    pub to: Ticks,
    /// How many edges were lost, where the hardware counts them; at least this many otherwise.
    pub lost: u64,
}

/// What one call of [`EdgeSource::drain`] brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Edges written to the front of the buffer.
    pub edges: usize,
    /// Every edge before this tick has been delivered by now or lies in a reported [`Loss`].
    pub reached: Ticks,
    /// Overflow since the last call.
    pub loss: Option<Loss>,
}

/// A source of time-tagged edges, drained in batches.
///
/// Edges of all channels come in order of time, ties in order of channel. Nothing is lost without
/// a [`Loss`]. Time never runs backwards and never wraps: it is 64 bits from the start.
pub trait EdgeSource {
    /// Number of input channels; channels are `0..channels()`.
    fn channels(&self) -> u8;

    /// Exact length of a tick.
    fn tick_length(&self) -> TickLength;

    /// Moves up to `out.len()` edges into `out`. A full buffer means that there may be more.
    fn drain(&mut self, out: &mut [Edge]) -> Drained;
}
