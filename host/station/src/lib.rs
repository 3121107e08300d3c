//! The program `helio`: a QKD station, its bench in software and its tools.
//!
//! Commands live in [`cmd`], one module each; [`mod@bench`] runs two stations and the light between
//! them in software, [`sim`] serves only the light to stations that are processes of their own,
//! [`engine`] runs the distillation alone, [`desk`] both devices for alignment; what they share — arguments with units, exit codes, plots,
//! charts in the terminal, progress — stands beside them. Only this crate starts threads, reads clocks
//! and logs.

pub mod bench;
mod block_figure;
pub mod certificates;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod counts;
pub mod desk;
pub mod engine;
pub mod exit;
pub mod line;
pub mod live;
mod meter;
pub mod node;
pub mod plot;
mod published;
pub mod quantity;
pub mod recording;
pub mod shutdown;
mod side;
pub mod sim;
pub mod slotting;
pub mod status;
pub mod store;
pub mod term;
mod unfinished;
