//! A transport over TCP: a device that another program serves, here or on another machine.
//!
//! Bytes are neither authenticated nor hidden. Serve a device on the loopback interface or on a
//! cable of its own: whoever reaches the port commands the laser and reads Bob's settings.

use crate::address::DeviceAddress;
use crate::open_error::OpenError;
use crate::transport::{Transport, TransportError};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long [`TcpTransport::connect`] waits for each address that a name resolves to. (Resolving
/// takes what the operating system takes.)
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long a host's [`Transport::send`] waits for room. Commands are tens of bytes, so a full way
/// out means that the other end stopped reading; a device takes 250 ms of that as a dead host.
const SEND_PATIENCE: Duration = Duration::from_secs(1);

/// What one read takes at most: some milliseconds of tags at 10 M/s.
const CHUNK: usize = 64 * 1024;

/// One end of a TCP connection.
///
/// A peer that vanishes without a word, with its power or its cable, is not told of by TCP for
/// minutes; a device's silence is.
#[derive(Debug)]
pub struct TcpTransport {
    stream: TcpStream,
    waits: Waits,
    buffer: Box<[u8]>,
}

/// What the socket's read timeout is set to, so that it is set only when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Not,
    For(Duration),
}

impl TcpTransport {
    /// Connects to a served device, as its host.
    ///
    /// # Errors
    /// [`OpenError::Refused`] or [`OpenError::Unreachable`], of the last address that the name
    /// resolves to.
    pub fn connect(host: &str, port: u16) -> Result<TcpTransport, OpenError> {
        let open = || {
            let stream = connect_any((host, port).to_socket_addrs()?)?;
            stream.set_write_timeout(Some(SEND_PATIENCE))?;
            TcpTransport::new(stream)
        };
        open().map_err(|source| {
            let address = DeviceAddress::Tcp { host: host.to_owned(), port };
            match source.kind() {
                ErrorKind::ConnectionRefused => OpenError::Refused { address },
                _ => OpenError::Unreachable { address, source },
            }
        })
    }

    /// Commands are small and each is waited for: they do not wait for more to send.
    fn new(stream: TcpStream) -> io::Result<TcpTransport> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(TcpTransport { stream, waits: Waits::Not, buffer: vec![0; CHUNK].into() })
    }

    /// Who is at the other end.
    ///
    /// # Errors
    /// Of the operating system: the other end is gone.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// Both halves, for a thread each. Sending waits as before; either half can close both.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn split(mut self) -> Result<(TcpSender, TcpReceiver), TransportError> {
        // Both halves share the socket's mode and its timeouts, so none is changed from here on
        // that concerns the other half.
        let long = Duration::from_secs(1);
        self.set_waits(Waits::For(long)).map_err(|error| map(&error))?;
        let stream = Arc::new(self.stream);
        let sender = TcpSender { stream: Arc::clone(&stream) };
        Ok((sender, TcpReceiver { stream, timeout: long, buffer: self.buffer }))
    }

    fn set_waits(&mut self, waits: Waits) -> io::Result<()> {
        if self.waits != waits {
            match waits {
                Waits::Not => self.stream.set_nonblocking(true)?,
                Waits::For(timeout) => {
                    self.stream.set_read_timeout(Some(timeout))?;
                    self.stream.set_nonblocking(false)?;
                }
            }
            self.waits = waits;
        }
        Ok(())
    }

    fn read(&mut self, timeout: Duration) -> io::Result<usize> {
        // A zero timeout means "for ever" to the operating system.
        self.set_waits(if timeout.is_zero() { Waits::Not } else { Waits::For(timeout) })?;
        read(&self.stream, &mut self.buffer)
    }
}

fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Hands out what a read has brought.
fn take(read: io::Result<usize>, buffer: &[u8], chunk: &mut Vec<u8>) -> Result<(), TransportError> {
    match read {
        Ok(0) => Err(TransportError::Closed),
        Ok(length) => {
            chunk.extend_from_slice(&buffer[..length]);
            Ok(())
        }
        Err(error) => Err(map(&error)),
    }
}

fn connect_any(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Transport for TcpTransport {
    /// A host gives up after one second, an accepted end never: the device behind it is simulated,
    /// and simulated light waits for its host.
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        if self.waits == Waits::Not {
            self.set_waits(Waits::For(Duration::from_millis(1))).map_err(|e| map(&e))?;
        }
        self.stream.write_all(bytes).map_err(|error| map(&error))
    }

    /// The operating system rounds `timeout` up to its own clock, by up to 10 ms; a `timeout` of
    /// zero does not wait.
    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        chunk.clear();
        let read = self.read(timeout);
        take(read, &self.buffer, chunk)
    }
}

/// The half of a [`TcpTransport`] that sends.
#[derive(Debug)]
pub struct TcpSender {
    stream: Arc<TcpStream>,
}

/// The half of a [`TcpTransport`] that receives.
#[derive(Debug)]
pub struct TcpReceiver {
    stream: Arc<TcpStream>,
    timeout: Duration,
    buffer: Box<[u8]>,
}

impl TcpSender {
    /// As [`Transport::send`] of the whole; ends also when the other half closes.
    ///
    /// # Errors
    /// [`TransportError`]; some of the bytes may have been sent.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        (&*self.stream).write_all(bytes).map_err(|error| map(&error))
    }

    /// Ends the connection both ways; whoever waits in either half is [`TransportError::Closed`].
    pub fn close(&self) {
        close(&self.stream);
    }
}

impl TcpReceiver {
    /// As [`Transport::receive`] of the whole, but waits 1 ms at least.
    ///
    /// # Errors
    /// [`TransportError`].
    pub fn receive(
        &mut self,
        chunk: &mut Vec<u8>,
        timeout: Duration,
    ) -> Result<(), TransportError> {
        chunk.clear();
        let timeout = timeout.max(Duration::from_millis(1));
        if self.timeout != timeout {
            self.stream.set_read_timeout(Some(timeout)).map_err(|error| map(&error))?;
            self.timeout = timeout;
        }
        take(read(&self.stream, &mut self.buffer), &self.buffer, chunk)
    }

    /// As [`TcpSender::close`].
    pub fn close(&self) {
        close(&self.stream);
    }
}

fn close(stream: &TcpStream) {
    // An error says that it is closed already.
    let _ = stream.shutdown(Shutdown::Both);
}

fn map(error: &io::Error) -> TransportError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => TransportError::TimedOut,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::WriteZero
        | ErrorKind::UnexpectedEof => TransportError::Closed,
        _ => TransportError::Failed(error.raw_os_error().unwrap_or(-1)),
    }
}

/// A port on which a device is served to one host at a time.
///
/// A second host is connected by its operating system and hears nothing until the first has gone
/// and [`TcpPort::accept`] is called again.
#[derive(Debug)]
pub struct TcpPort {
    listener: TcpListener,
}

impl TcpPort {
    /// Listens on `host:port`; port 0 takes a free one, which [`TcpPort::address`] tells.
    ///
    /// # Errors
    /// Of the operating system: the port is taken, or the address is not this machine's.
    pub fn bind(host: &str, port: u16) -> io::Result<TcpPort> {
        let listener = TcpListener::bind((host, port))?;
        listener.set_nonblocking(true)?;
        Ok(TcpPort { listener })
    }

    /// The address under which a host on this machine opens the device.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn address(&self) -> io::Result<DeviceAddress> {
        let local = self.listener.local_addr()?;
        Ok(DeviceAddress::Tcp { host: local.ip().to_string(), port: local.port() })
    }

    /// Waits for a host to connect; looks every 5 ms.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] when none came; otherwise the listening port failed.
    pub fn accept(&self, timeout: Duration) -> Result<TcpTransport, TransportError> {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let begun = Instant::now();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return TcpTransport::new(stream).map_err(|e| map(&e)),
                // A host that connected and went before it was its turn.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let left = timeout.saturating_sub(begun.elapsed());
                    if left.is_zero() {
                        return Err(TransportError::TimedOut);
                    }
                    std::thread::sleep(left.min(LOOK_EVERY));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(map(&error)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
