//! The distillation engine alone: both stations' sessions over TCP on this machine, without optics
//! and devices, to see what a machine can do.
//!
//! [`link`] makes the parameters of a link with the error rate that is asked for, `slots` its
//! settings and clicks, [`block_size`] the length of a block; `party` is one station's thread,
//! `device` the one that hands it data, `loopback` the line, [`run()`] all of it together.
//! [`strings`] takes two files of sifted bits in their place. All of it is SIMULATED.

pub mod block_size;
mod device;
pub mod figures;
pub mod link;
mod loopback;
pub(crate) mod machine;
mod party;
mod run;
mod slots;
pub mod strings;

pub use run::{EngineFault, Limits, Outcome, Setup, run};
