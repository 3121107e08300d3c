//! The firmware of both stations, unchanged, on one simulated bench: `no_std`, no allocation.
//!
//! A [`Rig`] is two devices and the light between them. Who owns it moves the bytes and lets time
//! pass: the bench in a process (`helio-virt`), an emulated board, tests of faults. Which word of a
//! host reaches a device at which instant of its time is what a [`Watch`] says, so that owners that
//! follow it get the same bytes for the same seed, on whatever processor.
//!
//! [`Plan`] is the little that an owner far away has to be told to make the same bench, and a
//! [`Hand`] what a person at the bench does to it; both have a form as a line of text.
#![no_std]

mod board;
mod device;
mod hand;
mod plan;
mod rig;
mod watch;

pub use board::{AliceBoard, BobBoard};
pub use device::{Device, SimAlice, SimBob, WORDS};
pub use hand::{Hand, Light, Nonsense};
pub use plan::Plan;
pub use rig::Rig;
pub use watch::Watch;
