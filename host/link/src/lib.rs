//! Bytes to frames and back: the host's end of the cable to a device.
//!
//! A [`Transport`] moves bytes; [`pipe`] is the one inside a process, [`open`] finds the
//! one that a [`DeviceAddress`] names: USB, a serial port, TCP. A [`Connection`] over it
//! finds frames, numbers commands, keeps the device's heartbeat and accounts for everything that
//! is missing: what does not arrive is an [`Event`] with a number, never silence. The injectors in
//! [`fault`] are transports over a transport, for tests and for a look at what a bad cable does.
//!
//! Not here: what tags and settings mean, threads, clocks.

mod address;
mod connection;
mod discover;
pub mod fault;
mod latency;
mod losses;
mod open_error;
mod pace;
pub mod picoboot;
mod pipe;
pub mod record;
mod reopening;
mod serial;
mod tcp;
mod transport;
mod usb;
mod watch;

pub use address::{DeviceAddress, InvalidAddress};
pub use connection::{Connection, Event, Rider};
pub use discover::{SerialPortFound, SerialUsb, open, serial_ports};
pub use latency::LatencyHistogram;
pub use losses::LossReport;
pub use open_error::OpenError;
pub use pipe::{PipeEnd, PipeReceiver, PipeSender, pipe, wait_for_bytes_or_room};
pub use reopening::Reopening;
pub use serial::{BAUD_RATE, SerialTransport};
pub use tcp::{TcpPort, TcpReceiver, TcpSender, TcpTransport};
pub use transport::{Transport, TransportError};
pub use usb::{UsbDevice, UsbTransport, usb_devices, usb_pipes};
pub use watch::{Plug, Watcher};
