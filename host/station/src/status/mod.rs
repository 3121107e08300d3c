//! What a station is doing, told to whoever asks on the same machine.
//!
//! A running station keeps a [`Status`] up to date and serves it through a socket in its folder
//! ([`StatusServer`]); [`ask`] and [`watch()`] are the other end. A station that does not run is
//! read from its store ([`read_store`]). [`look`] tries the one, then the other. Views of a status
//! for people stand in [`view`]; nothing here changes a station.
//!
//! # The socket
//! A client sends one line: `status` for one JSON object, `watch` for one a line, five a second, as
//! long as it stays. Anything else is answered with one line `{"error": "…"}`. The socket is for the
//! station's owner alone: what it tells is not secret, but partly private to the station.

mod client;
mod model;
mod offline;
#[cfg(unix)]
mod request;
mod server;
#[cfg(unix)]
mod socket;
pub mod view;
mod watch;

pub use client::{AskFault, ask, look};
pub use model::{
    BlockInProgress, DetectorErrors, DetectorOffset, DetectorRate, Device, Epsilon, Keys,
    LastBlock, Level, Line, Lost, MOST_BLOCKS, MOST_EVENTS, Pads, Phase, Queue, Rates,
    STATUS_VERSION, StageLoad, Station, StationEvent, Status, Window, WindowEdges,
};
pub use offline::{obstacles, read_store, store_budget};
pub use server::{MOST_CLIENTS, ServeFault, StatusServer};
pub use watch::{Seen, watch};

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 by this machine's clock; 0 on a machine that believes to live before.
pub fn unix_now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
