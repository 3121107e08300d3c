//! The commands, one module each.

mod bound_arg;
pub mod certify;
mod code_arg;
pub mod config;
pub mod demo;
pub mod device;
pub mod distill;
pub mod keys;
pub mod length;
mod link_args;
pub mod node;
pub mod optimise;
pub mod pair;
pub mod replay;
pub mod sim;
pub mod status;
pub mod trace;
