//! What moves bytes between host and device.

use std::time::Duration;

/// Why no bytes moved. Small, because it is the ordinary answer of an idle port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing came, or nothing could be sent, in time. Try again.
    #[error("nothing moved on the port in time")]
    TimedOut,
    /// The other end is gone: unplugged, closed, ended. Open anew.
    #[error("the other end of the port is gone")]
    Closed,
    /// The operating system refused, with this code.
    #[error("the port failed (code {0})")]
    Failed(i32),
    /// What was to be sent has no form on the wire: a command with too many bytes, or a value
    /// outside what a field carries. Nothing was sent.
    #[error("the command has no form on the wire; give it fewer bytes or another value")]
    NoForm,
}

/// A two-way stream of bytes, with no promise about where it is cut.
///
/// For authors: bytes that cannot be delivered are lost or an error; they are never made up,
/// doubled or reordered on purpose. Waiting ends when bytes came, the time is over, or the other
/// end is gone.
pub trait Transport {
    /// Sends all bytes, waiting for room as long as the transport sees fit.
    ///
    /// # Errors
    /// [`TransportError`]; some of the bytes may have been sent.
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError>;

    /// Waits for bytes and replaces the contents of `chunk` by them; at least one on success. The
    /// vector's allocation may be exchanged for another.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] after `timeout`; `chunk` is then empty.
    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError>;

    /// How often the port was opened, of a transport that opens it again by itself
    /// ([`crate::Reopening`]); 0 of every other.
    fn openings(&self) -> u32 {
        0
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        (**self).send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        (**self).receive(chunk, timeout)
    }

    fn openings(&self) -> u32 {
        (**self).openings()
    }
}
