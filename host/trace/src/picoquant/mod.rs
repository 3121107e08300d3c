//! PicoQuant's files: the unified one, and the older ones of one instrument each.

pub(crate) mod legacy;
pub mod ptu;
pub(crate) mod record;
mod t2;
