//! Why a device could not be opened, for the person who typed its address.

use crate::address::DeviceAddress;
use std::io;

/// Why there is no transport to an address; rich where [`TransportError`](crate::TransportError)
/// is small, because it is read once and by a person.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing listens on that port of that host.
    #[error("nothing listens on {address}; start the program that serves the device there")]
    Refused {
        /// What was asked for.
        address: DeviceAddress,
    },
    /// The operating system does not get there: a name that does not resolve, no route, no answer.
    #[error("{address} cannot be reached ({source}); check the name, the port and the network")]
    Unreachable {
        /// What was asked for.
        address: DeviceAddress,
        /// What the operating system says.
        source: io::Error,
    },
}
