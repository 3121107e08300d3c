//! Files of every format from small writers that follow the layouts and share nothing with the
//! crate: what they hold is read, whole, cut and damaged.

mod csv;
mod legacy;
mod ptu;
mod qutag;
mod records;
mod spc;
mod support;
mod swabian;
mod words;
