//! Why a bench cannot be served.

use std::io;

use helio_virt::InvalidBench;
use helio_wire::Role;

/// Each is one sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SimFault {
    /// No `HOST:PORT`.
    #[error("{text:?} for {role:?}'s device {complaint}; write HOST:PORT, as in 127.0.0.1:7001")]
    Address {
        /// Whose device.
        role: Role,
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        complaint: &'static str,
    },
    /// Another program listens there, or the other device.
    #[error(
        "the port {address} for {role:?}'s device is in use; end the program that uses it or \
         choose another port"
    )]
    InUse {
        /// Whose device.
        role: Role,
        /// `HOST:PORT`.
        address: String,
    },
    /// The operating system refuses the port.
    #[error(
        "the port {address} for {role:?}'s device cannot be opened ({source}); choose an address \
         of this computer and a port that this user may open"
    )]
    Port {
        /// Whose device.
        role: Role,
        /// `HOST:PORT`.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The optics.
    #[error(transparent)]
    Bench(#[from] InvalidBench),
    /// A factor that no clock follows.
    #[error("{0} times real time is no speed; choose a factor between 0.001 and 1000")]
    Speed(f64),
    /// A thread for a port.
    #[error("this computer starts no further thread ({0}); end other programs")]
    Thread(io::Error),
}
