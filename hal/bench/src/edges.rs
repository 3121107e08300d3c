//! Data plane, inwards: edges from the detectors.

use crate::table::codes;
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

codes! {
    /// An input beside the detectors, by which clocks are compared.
    ClockInput {
        /// Sync pulses of the other station, from a wire or a photodiode.
        SyncIn = 0,
        /// A reference: one pulse a second, or 10 MHz divided to something that can be tagged.
        RefIn = 1,
    }
}

/// What one call of [`EdgeSource::drain_reference`] brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReferenceEdges {
    /// Edges written to the front of the buffer.
    pub edges: usize,
    /// Edges after these that could not be kept, before the first one of the next call.
    pub lost: u32,
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

    /// Moves up to `out.len()` rising edges of the input REF IN into `out`, in order of time and on
    /// the same clock as all others. It is none of the channels. A board without that input, or
    /// with nothing on it, has none.
    fn drain_reference(&mut self, _out: &mut [Ticks]) -> ReferenceEdges {
        ReferenceEdges::default()
    }
}
