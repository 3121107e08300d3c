//! Options that say which devices stand on the desk, shared by the commands that align them.

use std::path::PathBuf;

use clap::Args;
use helio_link::DeviceAddress;
use helio_sim::BenchConfig;

use crate::bench::Scenario;
use crate::cmd::link_args::LinkArgs;
use crate::config::StationConfig;
use crate::desk::{Desk, DeskPlan};
use crate::exit::Failure;

/// The devices: simulated ones in this process where none are named.
#[derive(Clone, Debug, Args)]
pub struct DeskArgs {
    /// Bob's device: usb:SERIAL, serial:/dev/ttyACM0 or tcp:HOST:PORT [default: a simulated desk]
    #[arg(long, value_name = "ADDRESS")]
    pub bob: Option<DeviceAddress>,
    /// Alice's device, where it stands on this desk too
    #[arg(long, value_name = "ADDRESS", requires = "bob")]
    pub alice: Option<DeviceAddress>,
    /// Bob's configuration, for slots, window, delays and names [default: those of helio demo]
    #[arg(long, value_name = "FILE", requires = "bob")]
    pub config: Option<PathBuf>,
    /// The simulated link.
    #[command(flatten)]
    pub link: LinkArgs,
    /// Of the simulated desk: rotation of the polarization in radians
    #[arg(long, value_name = "RAD", default_value_t = 0.095, allow_negative_numbers = true)]
    pub rotation: f64,
    /// Of the simulated desk: errors of the states' angles in radians, in the order H,V,D,A
    #[arg(
        long,
        value_name = "RAD,RAD,RAD,RAD",
        value_delimiter = ',',
        num_args = 1,
        allow_hyphen_values = true
    )]
    pub state_errors: Vec<f64>,
    /// Of the simulated desk: the one seed of optics and devices
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl DeskArgs {
    /// The simulated desk's numbers.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn scenario(&self) -> Result<Scenario, Failure> {
        super::link_args::within("rotation", self.rotation, -6.0, 6.0)?;
        let still = Scenario {
            seed: self.seed,
            rotation_rad: self.rotation,
            clock_drift_ppb_per_s: 0.0,
            ..Scenario::default()
        };
        self.link.apply(still)
    }

    /// What the devices are told.
    ///
    /// # Errors
    /// A configuration that is none, or is Alice's.
    pub fn plan(&self) -> Result<DeskPlan, Failure> {
        let Some(path) = &self.config else {
            return Ok(DeskPlan::Scenario(Box::new(self.scenario()?)));
        };
        let config = StationConfig::load(path)?;
        if config.role() != helio_distill::Role::Bob {
            return Err(Failure::file(path, "is Alice's; name Bob's, it has the detectors"));
        }
        Ok(DeskPlan::Station(Box::new(config)))
    }

    /// Whether devices are named.
    pub fn is_named(&self) -> bool {
        self.bob.is_some()
    }

    /// The simulated desk.
    ///
    /// # Errors
    /// As [`DeskArgs::scenario`].
    pub fn bench(&self) -> Result<BenchConfig, Failure> {
        let mut bench = self.scenario()?.bench();
        bench.source.state_error_rad = match self.state_errors[..] {
            [] => [0.0; 4],
            [h, v, d, a] => [h, v, d, a],
            _ => return Err(Failure::usage("--state-errors takes four angles, for H, V, D and A")),
        };
        Ok(bench)
    }

    /// Opens the named devices, or a simulated desk.
    ///
    /// # Errors
    /// A device that is not there, or a bench that cannot be.
    pub fn open(&self) -> Result<Desk, Failure> {
        match &self.bob {
            Some(bob) => Desk::open(self.alice.as_ref(), bob),
            None => Desk::simulated(self.bench()?),
        }
    }
}
