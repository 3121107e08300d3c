//! Units of a QKD bench.
//!
//! Time on the wire and in traces is an integer number of [`Ticks`] of an exactly known, rational
//! length ([`TickLength`]); time in analyses is an integer number of [`Picoseconds`], made from
//! ticks once. The two never add. Floating point stands only where a quantity is a measured or
//! modelled real number: decibels, mean photon numbers.
#![no_std]

mod optics;
mod time;

pub use optics::{Decibel, MeanPhotons};
pub use time::{FineTicks, Hertz, InvalidTickLength, Picoseconds, SlotIndex, TickLength, Ticks};
