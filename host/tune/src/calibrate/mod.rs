//! What a calibration states, from counts: each number with its error and how it was found.
//!
//! Two runs: one in the dark, one with light. What may be claimed to a key of these numbers is decided in
//! `helio-distill` (`bound::covering_tolerance` and its neighbours), which rounds against the key.

mod dark;
mod fitness;
mod light;

pub use dark::{DarkFigures, DarkRun};
pub use fitness::Fitness;
pub use light::{LightFigures, LightRun, Photons, timing};

use crate::Measured;

/// A number of a calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// What: `dark count rate`.
    pub name: &'static str,
    /// Of which detector or level; empty for all.
    pub of: String,
    /// The number, in the unit.
    pub value: Measured,
    /// Its unit; empty for a pure number.
    pub unit: &'static str,
    /// How it was found, and what it does not cover.
    pub how: &'static str,
}
