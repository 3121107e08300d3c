//! The commands, one module each.

pub mod demo;
pub mod device;
pub mod optimise;
pub mod replay;
pub mod trace;
