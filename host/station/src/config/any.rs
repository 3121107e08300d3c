//! A file of either sort.

use std::path::Path;

use super::fault::ConfigFault;
use super::sim::SimConfig;
use super::source::{self, Setting, Source};
use super::station::StationConfig;

/// A configuration, whose sort its `role` tells.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyConfig {
    /// A station's.
    Station(Box<StationConfig>),
    /// The simulated light's.
    Sim(Box<SimConfig>),
}

impl AnyConfig {
    /// Reads a file and checks everything in it.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn load(path: &Path) -> Result<AnyConfig, ConfigFault> {
        AnyConfig::parse(path, &source::read(path)?)
    }

    /// The same of a text; `path` stands in faults, and relative folders begin at its folder.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<AnyConfig, ConfigFault> {
        let tree = Source::new(path, text).parse(text)?;
        match source::written_role(&tree) {
            Some("sim") => SimConfig::parse(path, text).map(Box::new).map(AnyConfig::Sim),
            Some("alice" | "bob") => {
                StationConfig::parse(path, text).map(Box::new).map(AnyConfig::Station)
            }
            _ => {
                let complaint = "`role` says whose file this is; write role = \"alice\", \"bob\" \
                                 or \"sim\" at its top";
                Err(ConfigFault::content(path, None, complaint))
            }
        }
    }

    /// Every value in force, defaults included.
    pub fn settings(&self) -> &[Setting] {
        match self {
            AnyConfig::Station(station) => station.settings(),
            AnyConfig::Sim(sim) => sim.settings(),
        }
    }
}
