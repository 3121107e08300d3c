//! Tables are read back record for record, say what they have no place for, and are what readers
//! that share nothing with this crate see in them.

mod damaged;
mod independent;
mod round_trip;
mod support;
