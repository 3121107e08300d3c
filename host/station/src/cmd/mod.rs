//! The commands, one module each.

pub mod demo;
pub mod optimise;
pub mod replay;
pub mod trace;
