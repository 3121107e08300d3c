//! What helps at the optical table: live figures, scans with their fits, calibration. Data in, figures
//! out: no device, no file, no clock, no thread here.
//!
//! [`Meter`] holds count rates with their peaks, [`Joiner`] brings settings and detections together in a
//! [`ClickMatrix`], [`Arrivals`] says where in the slot clicks lie, [`Observer`] does all
//! three for two devices, [`scan`] finds the best value of a
//! setting from points with errors, [`calibrate`] turns counts into what a calibration states,
//! [`steering`] holds Bob's slot clock on Alice's slots. Formulas
//! stand beside the code with their sources and in `docs/alignment.md`. What a key may rest on is decided
//! in `helio-distill`, not here.

mod arrivals;
pub mod calibrate;
pub mod fit;
mod joiner;
mod matrix;
mod measured;
mod meter;
mod observer;
pub mod scan;
pub mod steering;

pub use arrivals::{Arrival, Arrivals};
pub use joiner::{Joiner, Sent, SettingsOf};
pub use matrix::{BasisFigures, ClickMatrix, StateFigures};
pub use measured::Measured;
pub use meter::{ChannelRate, Meter, News};
pub use observer::{Look, Observer, ObserverConfig};
