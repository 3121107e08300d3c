//! Bytes to frames and back: the host's end of the cable to a device.
//!
//! A [`Transport`] moves bytes; [`pipe`] is the one inside a process, [`TcpTransport`] the one to a
//! device that another program serves. A [`Connection`] over it
//! finds frames, numbers commands, keeps the device's heartbeat and accounts for everything that
//! is missing: what does not arrive is an [`Event`] with a number, never silence. The injectors in
//! [`fault`] are transports over a transport, for tests and for a look at what a bad cable does.
//!
//! Not here: what tags and settings mean, threads, clocks.

mod address;
mod connection;
pub mod fault;
mod losses;
mod open_error;
mod pace;
mod pipe;
mod tcp;
mod transport;

pub use address::{DeviceAddress, InvalidAddress};
pub use connection::{Connection, Event};
pub use losses::LossReport;
pub use open_error::OpenError;
pub use pipe::{PipeEnd, pipe, wait_for_bytes};
pub use tcp::{TcpPort, TcpTransport};
pub use transport::{Transport, TransportError};
