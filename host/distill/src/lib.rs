//! Being written.

pub mod amplify;
pub mod hash;
pub mod reconcile;
