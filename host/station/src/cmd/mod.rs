//! The commands, one module each.

pub mod config;
pub mod demo;
pub mod device;
pub mod keys;
pub mod optimise;
pub mod pair;
pub mod replay;
pub mod trace;
