//! The line to the other station: whole messages in order, or an end.
//!
//! [`Meeting`] brings two stations together, [`MessageOut`] and [`MessageIn`] are the two ways of
//! what comes of it: over TCP ([`tcp`]), or inside a process ([`joint`]) for tests and tools. What
//! travels are [`Frame`]s; the first one each way is an [`Opening`]. [`keeper`] is the thread that
//! meets, opens, keeps the line alive and meets again.
//!
//! Nothing here is authenticated and nothing is secret: who is at the other end is proven by the
//! talk of `helio-distill`, which this carries without a look.

mod frame;
pub mod joint;
pub mod keeper;
mod opening;
pub mod tcp;

use std::io;
use std::time::Duration;

pub(crate) use frame::shown;
pub use frame::{BadFrame, Bye, Frame, Light, MAX_WORDS};
pub use opening::{Opening, OpeningFault, Plan};

/// One way of a line: messages leave whole and in order.
pub trait MessageOut: Send {
    /// Sends a message; waits for room as long as the line sees fit.
    ///
    /// # Errors
    /// The line is over.
    fn send(&mut self, message: &[u8]) -> Result<(), LineFault>;
}

/// The other way: messages arrive whole and in order.
pub trait MessageIn: Send {
    /// The next message; `None` if it was not complete in time.
    ///
    /// # Errors
    /// The line is over.
    fn receive(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, LineFault>;

    /// Bytes that have come so far, also those of a message that is not complete: a sign of life.
    fn heard(&self) -> u64;
}

/// A line that stands.
pub struct Ends {
    /// To the other station.
    pub out: Box<dyn MessageOut>,
    /// From the other station.
    pub inward: Box<dyn MessageIn>,
    /// Where the other end is, for people.
    pub peer: String,
}

/// How two stations find each other.
pub trait Meeting: Send {
    /// Waits for a line; `None` if there was none in time.
    ///
    /// # Errors
    /// No line can be had until something is changed.
    fn meet(&mut self, patience: Duration) -> Result<Option<Ends>, LineFault>;

    /// Whether this station calls the other one; else it is called, by whoever likes.
    fn calls(&self) -> bool {
        false
    }

    /// Where this station listens or whom it calls, for people.
    fn endpoint(&self) -> String;
}

/// Why a line ended or none came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The other end is gone.
    #[error("the other station's end of the line is gone")]
    Closed,
    /// The network's fault.
    #[error("the network failed: {0}; check the line")]
    Network(String),
    /// The other station claims a message longer than any.
    #[error("the other station announces a message of {0} bytes, more than any message has")]
    TooLong(u64),
    /// The other station takes nothing.
    #[error("the other station has taken no byte for {0} s; check the line and that station")]
    Stuck(u64),
    /// Somebody is there and says nothing.
    #[error(
        "the other end takes the call and says nothing; check that it is the other station, and that \
         no third one has its line"
    )]
    Mute,
    /// This station's address.
    #[error("{0}")]
    Endpoint(String),
}

impl LineFault {
    fn of(error: &io::Error) -> LineFault {
        use io::ErrorKind::*;
        match error.kind() {
            ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | UnexpectedEof
            | WriteZero => LineFault::Closed,
            _ => LineFault::Network(error.to_string()),
        }
    }
}
