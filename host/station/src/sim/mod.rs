//! The light between two processes: it owns the optics of a bench in software and serves each
//! station its device on a TCP port of its own. Nothing of Alice's settings passes through Bob's
//! process, nor the other way round.
//!
//! [`serve`] runs until it is told to stop and tells what happens by [`SimNote`]s. A host is a
//! process that comes and goes: its device outlives it, dark, and takes the next one. One that
//! time has to wait for and that takes or says nothing for [`PATIENCE`] loses its link, so that it
//! does not keep the other station's device for ever.
//!
//! Not here: what the stations do with their devices, the command line, logging.

mod fault;
mod link;
mod note;
mod pacer;
mod serve;
mod setup;

pub use fault::SimFault;
pub use note::{Departure, SimNote};
pub use serve::{PATIENCE, serve};
pub use setup::{InvalidSpeed, SimSetup, Speed};
