//! A station as a program that lives on: `helio alice` and `helio bob`.
//!
//! | thread | what it does |
//! |---|---|
//! | station | the talk: its device's data and the other station's messages in, keys into the store |
//! | device | the port: opens it, carries runs, opens it again |
//! | line, line-out | the other station: meets it, first words, frames both ways, meets it again |
//! | status | answers whoever asks how the station is |
//!
//! A *run* is a stretch of light with slots counted from 0, named by halves that both stations
//! drew. When a line is lost the devices go on, and the same run is taken up at the next contact;
//! when a device or a program is lost, both stations agree on a new run. Nothing is decided here
//! about keys: that is the talk's ([`helio_distill`]) and the store's.

mod begin;
mod device;
mod events;
mod faults;
mod light;
mod line;
mod pause;
mod publish;
mod run_folder;
mod station;
mod taped;
mod words;

pub use begin::{Options, run};
