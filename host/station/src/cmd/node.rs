//! `helio alice` and `helio bob`: a station that lives on.

use std::path::PathBuf;

use clap::Args;
use helio_distill::Role;
use helio_link::DeviceAddress;

use crate::cli::Global;
use crate::config::StationConfig;
use crate::exit::{Exit, Failure};
use crate::node::{self, Options};
use crate::shutdown::Shutdown;

const EXAMPLES: &str = "Examples:
  helio config init && helio pair --alice alice --bob bob --simulated
  helio sim --config sim.toml &  helio bob --config bob.toml &  helio alice --config alice.toml
  helio status bob --watch

Ctrl-C or SIGTERM brings the block in progress to its end and stops; whatever happens to the program, \
the same command goes on where it was.";

/// Options of a station.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Station {
    /// The station's configuration; by default alice.toml or bob.toml here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Another device than the configuration names: usb:SERIAL, serial:/dev/ttyACM0, tcp:HOST:PORT, or sim
    #[arg(long, value_name = "ADDRESS")]
    device: Option<DeviceAddress>,
    /// Record each run into its folder, clicks as PTU and secrets too; helio replay makes the same keys
    /// again. For SIMULATED stations
    #[arg(long)]
    record: bool,
}

/// Runs the station of this role.
///
/// # Errors
/// Why it cannot begin or go on, with the remedy.
pub fn run(role: Role, args: &Station, _: &Global) -> Result<(), Failure> {
    let name = role.to_string().to_lowercase();
    let path = args.config.clone().unwrap_or_else(|| format!("{name}.toml").into());
    let mut config = StationConfig::load(&path)?;
    if config.role() != role {
        return Err(Failure::new(
            Exit::Configuration,
            format!(
                "{} is the configuration of {}; start it with helio {}",
                path.display(),
                config.role(),
                config.role().to_string().to_lowercase()
            ),
        ));
    }
    if let Some(address) = &args.device {
        config.use_device(address.clone());
    }
    if let device @ DeviceAddress::Replay(_) = config.device() {
        // Light that is over was keyed once, and others may have the recording.
        return Err(Failure::new(
            Exit::Configuration,
            format!(
                "{device} is a recording, of which no key is made; name a device, or play a run \
                 again with helio replay"
            ),
        ));
    }
    let shutdown = Shutdown::install();
    node::run(config, Options { record: args.record }, &shutdown)
}
