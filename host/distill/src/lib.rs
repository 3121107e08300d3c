//! Being written.

pub mod amplify;
pub mod bound;
pub mod hash;
pub mod reconcile;
