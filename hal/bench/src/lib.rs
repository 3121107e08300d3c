//! Traits of the optical parts of a QKD bench: what hardware must do for the firmware, and what
//! the firmware may rely on.
//!
//! Control and data stand apart. Control parts ([`PulseSource`], [`Modulator`], [`SlotClock`],
//! [`RandomSource`], [`Stopwatch`]) are called at human rates; data parts ([`SlotPlayer`],
//! [`EdgeSource`]) move batches, never single slots, because at a million slots a second a slot is
//! 150 cycles.
//!
//! Promises about time are one-sided: a delay is "at least", a pulse train is "never longer than".
//! `embedded-hal` has no traits for any of this; it serves the drivers of single chips.
//!
//! For authors of a board: implement the traits, hand the parts to the firmware. For authors of
//! firmware: take the parts by generic, never by trait object, and never assume a part beyond its
//! documentation. The simulated bench implements the same traits, so the firmware cannot tell.
#![no_std]

mod board;
mod edges;
mod interlock;
mod random;
mod slots;
mod source;
mod stopwatch;
mod table;

pub use board::{Board, BootCause, KEPT_LENGTH, NoBoard, PartFault};
pub use edges::{ClockInput, Drained, Edge, EdgeSource, Loss, ReferenceEdges};
pub use interlock::{InterlockState, TripCause};
pub use random::{NoiseSource, RandomClass, RandomFault, RandomSource, SettingsSource};
pub use slots::{
    Basis, GateLimits, GateWindow, Intensity, PlayerError, Polarization, ReceiverSetting,
    SlotClock, SlotClockMode, SlotPlayer, SlotTiming, SlotWord, SteerError,
};
pub use source::{Modulator, PhaseRandomisation, PulseSource, SourceStatement};
pub use stopwatch::{Laps, MAX_STOPS, Stopwatch, StopwatchRange, TooManyStops};
pub use table::{Access, Entry, MAX_NAME, Unit};
