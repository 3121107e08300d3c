//! Why a device could not be opened, for the person who typed its address.

use crate::address::DeviceAddress;
use crate::record::NotARecording;
use std::io;

/// Why there is no transport to an address; rich where [`TransportError`](crate::TransportError)
/// is small, because it is read once and by a person. Each is one sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such device or port is plugged in.
    #[error("{address} is not plugged in; {}", there(present))]
    NotFound {
        /// What was asked for.
        address: DeviceAddress,
        /// What there is instead.
        present: Vec<DeviceAddress>,
    },
    /// Another program has it.
    #[error("{address} is used by another program; close that program")]
    Busy {
        /// What was asked for.
        address: DeviceAddress,
    },
    /// This user may not.
    #[error("this user may not open {address}; {}", remedy(address))]
    Permission {
        /// What was asked for.
        address: DeviceAddress,
    },
    /// Several boards answer to the serial number.
    #[error("{count} devices answer to {address}; unplug all but one")]
    Ambiguous {
        /// What was asked for.
        address: DeviceAddress,
        /// How many.
        count: usize,
    },
    /// The bench in software has no port.
    #[error("the simulated bench has no port to open; run helio demo, or serve a device over TCP")]
    NoPort,
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
    /// The file is no recording, or not there; goes on where the file's name stops.
    #[error("{address} {source}")]
    Recording {
        /// What was asked for.
        address: DeviceAddress,
        /// What is wrong with the file.
        source: NotARecording,
    },
    /// Anything else that the operating system or the device refuses.
    #[error("{address} cannot be opened: {complaint}; unplug and replug it")]
    Failed {
        /// What was asked for.
        address: DeviceAddress,
        /// What was refused.
        complaint: String,
    },
}

fn there(present: &[DeviceAddress]) -> String {
    let names: Vec<String> = present.iter().map(ToString::to_string).collect();
    match names.is_empty() {
        true => "no other device or port is; check the cable and the power".into(),
        false => format!("choose from {}", names.join(", ")),
    }
}

/// What gives a user the right to open a device.
fn remedy(address: &DeviceAddress) -> &'static str {
    match address {
        _ if !cfg!(target_os = "linux") => "ask this computer's administrator",
        DeviceAddress::Serial(_) => {
            "install host/link/udev/70-heliograph.rules in /etc/udev/rules.d and replug it, or join \
             the port's group (usually: sudo usermod -aG dialout $USER) and log in anew"
        }
        _ => {
            "install host/link/udev/70-heliograph.rules in /etc/udev/rules.d, run sudo udevadm \
             control --reload, and replug it"
        }
    }
}
