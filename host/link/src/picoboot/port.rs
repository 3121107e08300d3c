//! What carries PICOBOOT.

/// Why nothing moved on a boot loader's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortFault {
    /// The boot ROM has stalled the endpoint: it refuses, and says why when asked.
    #[error("the boot loader refused")]
    Stalled,
    /// No answer in time.
    #[error("the boot loader did not answer in time")]
    TimedOut,
    /// Unplugged, or rebooted.
    #[error("the board is gone")]
    Gone,
    /// The operating system refused, with this code.
    #[error("the port failed (code {0})")]
    Failed(i32),
}

/// The vendor interface of a boot loader: two bulk endpoints and two control requests.
pub trait BootPort {
    /// A bulk transfer to the device; no bytes are an empty packet.
    ///
    /// # Errors
    /// [`PortFault`]; some of the bytes may have arrived.
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortFault>;

    /// A bulk transfer of `length` bytes from the device, or fewer if a short packet ends it; of
    /// none, an empty packet.
    ///
    /// # Errors
    /// [`PortFault`].
    fn receive(&mut self, length: usize) -> Result<Vec<u8>, PortFault>;

    /// `INTERFACE_RESET`: ends whatever goes on and clears both endpoints.
    ///
    /// # Errors
    /// [`PortFault`].
    fn reset(&mut self) -> Result<(), PortFault>;

    /// `GET_COMMAND_STATUS`.
    ///
    /// # Errors
    /// [`PortFault`].
    fn status(&mut self) -> Result<[u8; 16], PortFault>;
}

impl<P: BootPort + ?Sized> BootPort for &mut P {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortFault> {
        (**self).send(bytes)
    }

    fn receive(&mut self, length: usize) -> Result<Vec<u8>, PortFault> {
        (**self).receive(length)
    }

    fn reset(&mut self) -> Result<(), PortFault> {
        (**self).reset()
    }

    fn status(&mut self) -> Result<[u8; 16], PortFault> {
        (**self).status()
    }
}
