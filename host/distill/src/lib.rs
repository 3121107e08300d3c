//! Being written.

pub mod amplify;
pub mod bound;
pub mod channel_model;
pub mod hash;
pub mod optimise;
pub mod reconcile;
