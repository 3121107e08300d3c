//! Tests of a device at the end of a cable: one suite, several desks.
//!
//! A [`Desk`] is a place where devices can be plugged in: a bench in the process ([`InProcess`]),
//! an emulated board behind serial ports ([`SerialDesk`]), a board on somebody's table
//! ([`RealDesk`]), a guest kernel's USB. The suite ([`run`]) is generic over it and asks for what
//! not every desk has: a [`Desk::rebuild`] where the bench is software, a [`Desk::lay`] where
//! somebody can open its contacts. What a desk lacks is a skip with its reason, never a pass.
//!
//! [`faults`] is the other half: whole runs on a bad cable, on a bench of their own, without a clock.

mod case;
mod desk;
pub mod faults;
mod file;
mod host;
mod in_process;
mod program;
mod real;
mod serial;
mod stations;
mod suite;

pub use case::{Outcome, Report, Skip, case, run, run_one};
pub use desk::{BootBoard, Desk, Effort};
pub use file::{DeskFile, InvalidDesk, Kind};
pub use host::{Answer, Facts, Heard, Host, configure, slotter};
pub use in_process::{DEPTH, InProcess};
pub use program::program;
pub use real::RealDesk;
pub use serial::{SerialCable, SerialDesk, image};
pub use stations::{Setup, Stations};
pub use suite::{CASES, SiftedBit, main_job, sifted};
