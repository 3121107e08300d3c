//! The bench in software: both stations and the light between them in one process.
//!
//! [`Scenario`] holds the numbers, [`run()`] the threads, [`RunOutcome`] what came of it. What talks to a
//! device ([`device`], [`cable`]) does not know that the device is simulated.

pub mod cable;
pub mod device;
pub mod given;
mod one_decoy;
pub(crate) mod refusal;
pub(crate) mod run;
mod scenario;
mod station;
pub mod steered;
pub mod talk;

pub use run::{Record, RunFault, RunOutcome, Update, run, run_with};
pub use scenario::{Scenario, defaults};
pub use station::StationOutcome;
