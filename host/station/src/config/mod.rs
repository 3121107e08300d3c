//! The configuration of stations and of the simulated light between them, in TOML.
//!
//! A station has a file ([`StationConfig`]), and so has the light of a simulated pair
//! ([`SimConfig`]). Reading one checks everything that can be checked without a device; what is
//! wrong is told in one sentence with file, line, key and remedy ([`ConfigFault`]). Values carry
//! their units ([`crate::quantity`]); keys that nobody knows are refused.
//!
//! Nothing is written here but by [`templates`], and nothing is opened but the file itself.

mod any;
mod calibration;
mod channels;
mod compare;
mod fault;
mod line;
mod protocol;
mod receiving;
mod section;
mod settings_source;
mod sim;
mod source;
mod station;
pub mod templates;
mod value;

#[cfg(test)]
mod tests;

pub use any::AnyConfig;
pub use channels::ChannelConfig;
pub use compare::{differences, unlike_light};
pub use fault::ConfigFault;
pub use line::{Endpoint, LineConfig};
pub use settings_source::SettingsChoice;
pub use sim::SimConfig;
pub use source::Setting;
pub use station::StationConfig;

/// Where `helio sim` serves the devices of Alice and Bob if nothing else is written: these ports of
/// this computer.
pub const SIM_PORTS: [u16; 2] = [7001, 7002];

/// Version of the files.
const VERSION: i64 = 1;
