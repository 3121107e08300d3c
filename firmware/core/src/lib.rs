//! The firmware of a QKD station, without a board: `no_std`, no allocation, sans-IO.
//!
//! Two planes. [`Control`] talks with the host and decides whether light is allowed
//! ([`interlock`]); [`AliceData`] and [`BobData`] move slots and edges in batches. They pass
//! [`Orders`] and [`Event`]s and share nothing else.
//!
//! On one thread, [`Alice`] and [`Bob`] hold both planes:
//!
//! ```text
//! loop { device.poll(now, rx, tx); device.run(now, tx); }      at least once a millisecond
//! ```
//!
//! On two cores, core 0 polls [`Control`] and owns cable and enable line, core 1 runs the data
//! plane. Two `heapless::spsc` queues join them, one of [`Orders`] (16 deep; a full one means that
//! core 1 hangs: drop the enable line) and one of [`Event`]s (64 deep); a third one carries core
//! 1's frames to the cable and is what core 1 sees as [`Transmit`]; [`pipe`] has their ends. What the host gives for settings
//! ([`Control::supply`]) goes through one more, before the orders of its poll. Core 0 keeps
//! [`CONTROL_HEADROOM`] of the cable free when it moves frames from there.
//!
//! What leaves the device: settings go to this station's own host and nowhere else.
#![no_std]

mod alice;
mod bob;
mod cable;
mod clock_edges;
mod control;
mod device;
#[cfg(test)]
mod fakes;
mod identity;
pub mod interlock;
mod kept;
pub mod pipe;
mod planes;
pub mod prbs;
pub mod random;
mod receiver;
mod sequencer;
mod settings;
pub mod sync;
mod tags;
#[cfg(feature = "usb")]
pub mod usb;

pub use alice::{AliceData, PulseWords};
pub use bob::{BobData, STEER_DEADLINE, STEER_INTERVAL, STEER_LEAD};
pub use cable::{CONTROL_HEADROOM, DataLane, Transmit};
pub use control::{Control, HEALTH_INTERVAL, RUN_ORDER_DEADLINE, TELEMETRY_INTERVAL};
pub use device::{Alice, AliceParts, AlicePartsMut, Bob, BobParts, BobPartsMut};
pub use identity::{Identity, Profile, Text, text};
pub use kept::Kept;
pub use planes::{Counters, DEAD_TIMES, EVENTS, Event, Events, Orders, RunOrder};
pub use receiver::{ActiveReceiver, PassiveReceiver, Receiver};
pub use sequencer::{FLUSH_INTERVAL, QUEUE};
