//! A transport over a serial port: a board's USB CDC port, or a UART behind an adapter.

use crate::address::DeviceAddress;
use crate::discover;
use crate::open_error::OpenError;
use crate::transport::{Transport, TransportError};
use serialport::{ErrorKind, SerialPort};
use std::io::{self, Read, Write};
use std::time::Duration;

/// Bits a second of a port with a real line behind it, 8N1; USB CDC ports ignore it.
pub const BAUD_RATE: u32 = 115_200;

/// How long sending waits for room; a device takes 250 ms without a heartbeat as a dead host.
const SEND_PATIENCE: Duration = Duration::from_secs(1);

/// What one read takes at most; a tty's own buffer is 4 KiB.
const CHUNK: usize = 16 * 1024;

/// A serial port, opened for this program alone.
pub struct SerialTransport {
    port: Box<dyn SerialPort>,
    buffer: Box<[u8]>,
}

impl SerialTransport {
    /// Opens the port with this name, raw.
    ///
    /// # Errors
    /// [`OpenError`]: no such port, used by another program, not permitted.
    pub fn open(name: &str) -> Result<SerialTransport, OpenError> {
        // A CDC device may hold its bytes back until DTR says that somebody listens.
        let builder = serialport::new(name, BAUD_RATE).dtr_on_open(true).timeout(SEND_PATIENCE);
        builder.open().map(SerialTransport::new).map_err(|error| refusal(name, &error))
    }

    fn new(port: Box<dyn SerialPort>) -> SerialTransport {
        SerialTransport { port, buffer: vec![0; CHUNK].into() }
    }

    fn wait_at_most(&mut self, timeout: Duration) -> Result<(), TransportError> {
        self.port.set_timeout(timeout).map_err(|error| map(&error.into()))
    }
}

fn refusal(name: &str, error: &serialport::Error) -> OpenError {
    let address = DeviceAddress::Serial(name.to_owned());
    match error.kind() {
        // On Unix this is what a port says that another program has locked.
        ErrorKind::NoDevice if cfg!(unix) => OpenError::Busy { address },
        // Windows refuses access to a port that is open elsewhere; it has no rights of ports.
        ErrorKind::Io(io::ErrorKind::PermissionDenied) if cfg!(windows) => {
            OpenError::Busy { address }
        }
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => OpenError::Permission { address },
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => {
            OpenError::NotFound { address, present: discover::present() }
        }
        _ => OpenError::Failed { address, complaint: error.to_string() },
    }
}

impl Transport for SerialTransport {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.wait_at_most(SEND_PATIENCE)?;
        self.port.write_all(bytes).map_err(|error| map(&error))
    }

    /// A port that is unplugged may take its last bytes with it.
    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        chunk.clear();
        self.wait_at_most(timeout)?;
        match self.port.read(&mut self.buffer) {
            Ok(0) => Err(TransportError::Closed),
            Ok(length) => {
                chunk.extend_from_slice(&self.buffer[..length]);
                Ok(())
            }
            Err(error) => Err(map(&error)),
        }
    }
}

fn map(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {
            TransportError::TimedOut
        }
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotFound
        | io::ErrorKind::NotConnected
        | io::ErrorKind::WriteZero => TransportError::Closed,
        // EIO and ENXIO: what a tty answers whose device is gone.
        _ if cfg!(unix) && matches!(error.raw_os_error(), Some(5 | 6)) => TransportError::Closed,
        _ => TransportError::Failed(error.raw_os_error().unwrap_or(-1)),
    }
}

#[cfg(all(test, unix))]
mod tests;
