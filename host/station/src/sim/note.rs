//! What happens while a bench is served.

use std::time::Duration;

use helio_bench::InterlockState;
use helio_link::DeviceAddress;
use helio_wire::Role;

/// An event worth a line.
#[derive(Clone, Debug, PartialEq)]
pub enum SimNote {
    /// A device can be opened there.
    PortOpen {
        /// Whose device.
        role: Role,
        /// What a host on this computer opens; with the port's number, if it was 0.
        address: DeviceAddress,
    },
    /// A device has a host.
    HostConnected {
        /// Whose device.
        role: Role,
        /// Address of the host's end.
        from: String,
    },
    /// A device has none any more; it is dark.
    HostGone {
        /// Whose device.
        role: Role,
        /// How it went.
        why: Departure,
    },
    /// A device stands differently than before.
    Device {
        /// Whose.
        role: Role,
        /// Its interlock.
        interlock: InterlockState,
        /// Whether a run is on.
        running: bool,
    },
    /// Once a minute of the wall clock, and at the end.
    Progress {
        /// Simulated time since the beginning.
        simulated: Duration,
        /// Slots since the beginning.
        slots: u64,
        /// Simulated time over the wall clock's, since the last such note.
        speed: f64,
    },
}

/// How a host went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It closed its connection, or its process ended.
    Left,
    /// Time had to wait for a word of it, and none came that a device knows.
    Silent,
    /// It did not take what its device said.
    NotReading,
}
