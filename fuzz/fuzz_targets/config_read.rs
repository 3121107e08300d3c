//! Any text as a configuration: read, or refused in one line.
#![no_main]

use std::path::Path;

use helio_station::config::{SimConfig, StationConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("fuzz.toml");
    for fault in [StationConfig::parse(path, text).err(), SimConfig::parse(path, text).err()] {
        if let Some(fault) = fault {
            assert_eq!(fault.to_string().lines().count(), 1, "{fault}");
        }
    }
});
