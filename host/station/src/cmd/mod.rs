//! The commands, one module each.

mod bound_arg;
pub mod calibrate;
pub mod certify;
mod code_arg;
pub mod config;
pub mod demo;
mod desk_args;
pub mod device;
pub mod distill;
pub mod keys;
pub mod length;
mod link_args;
pub mod node;
pub mod optimise;
pub mod pair;
pub mod replay;
pub mod scan;
pub mod sim;
pub mod status;
pub mod trace;
pub mod watch;
