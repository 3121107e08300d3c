//! Being written.

pub mod analysis;
