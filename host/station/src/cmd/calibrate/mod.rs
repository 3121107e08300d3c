//! `helio calibrate`: what Bob's detectors are like, for the station's `[detectors]`.

mod report;

use std::path::PathBuf;

use clap::Args;
use helio_tune::Measured;

use crate::cli::Global;
use crate::cmd::desk_args::DeskArgs;
use crate::cmd::link_args::within;
use crate::cmd::trace::Output;
use crate::desk::calibrate::Calibration;
use crate::exit::{Exit, Failure, check_writable};
use crate::quantity::Share;
use crate::shutdown::Shutdown;
use crate::status::unix_now_s;
use crate::unfinished;
use report::Report;

/// Calibrate Bob's detectors: dark counts, dead time, afterpulses, efficiencies, delays, window and mean
/// photon numbers, into a dated file that stations load
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  helio calibrate                               the simulated desk
  helio calibrate --bob usb:B-0001 --alice usb:A-0001 --config bob.toml --unseen 3% --out cal.toml
  helio calibrate --transmittance 0.0213 --transmittance-error 0.0004

First without light, then with it; both devices stand on this desk. Write file = \"cal.toml\" alone under \
[detectors] at both stations. A real station takes it for valid_days and from this device only. What the \
calibration cannot see, other wavelengths, modes and polarizations than the light that was there, is \
yours to bound with --unseen; a real device's file is not written without it.")]
pub struct Calibrate {
    #[command(flatten)]
    desk: DeskArgs,
    /// At least so many seconds in the dark; whole batches of the device's are counted
    #[arg(long, default_value_t = 20.0, value_name = "S")]
    dark_seconds: f64,
    /// Seconds of light
    #[arg(long, default_value_t = 10.0, value_name = "S")]
    light_seconds: f64,
    /// Photons counted for one at Alice's output: the optics' transmittance, measured with a power meter, times
    /// the detectors' efficiency, without the window's share; 0 to 1
    #[arg(long, value_name = "T", requires = "transmittance_error")]
    transmittance: Option<f64>,
    /// Its standard error
    #[arg(long, value_name = "T", requires = "transmittance")]
    transmittance_error: Option<f64>,
    /// Share by which efficiencies may differ where this light does not go, such as 3%
    #[arg(long, value_name = "SHARE")]
    unseen: Option<Share>,
    /// So many standard errors are taken as certain
    #[arg(long, default_value_t = 5.0)]
    sigmas: f64,
    /// The calibration is taken for so many days
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    valid_days: u32,
    /// Write the calibration into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Calibrates.
///
/// # Errors
/// The devices, the light, the command line or a file is at fault.
pub fn run(args: &Calibrate, global: &Global) -> Result<(), Failure> {
    within("dark-seconds", args.dark_seconds, 0.1, 1e5)?;
    within("light-seconds", args.light_seconds, 0.1, 1e5)?;
    within("sigmas", args.sigmas, 3.0, 20.0)?;
    let transmittance = args.transmittance.zip(args.transmittance_error);
    if let Some((value, error)) = transmittance {
        within("transmittance", value, 1e-12, 1.0)?;
        within("transmittance-error", error, 1e-15, 1.0)?;
        if value - args.sigmas * error <= 0.0 {
            return Err(Failure::usage(format!(
                "--transmittance may be zero, as {} of its standard errors reach that far; measure it better",
                args.sigmas
            )));
        }
    }
    args.output.check(global)?;
    if let Some(path) = &args.out {
        check_writable(path)?;
    }
    let shutdown = Shutdown::install();
    let plan = args.desk.plan()?;
    let mut desk = args.desk.open()?;
    if args.out.is_some() && args.unseen.is_none() && !desk.is_simulated() {
        return Err(Failure::usage(
            "a calibration of a real device needs --unseen, the share by which efficiencies may differ \
             at wavelengths, modes and polarizations that this light has not; choose it from the \
             detectors' data",
        ));
    }
    let unseen = args.unseen.map_or(0.0, |share| share.0 as f64 / 1e9);
    within("unseen", unseen, 0.0, 1.0)?;
    let transmittance = transmittance.map(|(value, error)| Measured::new(value, error));
    let calibration = Calibration {
        dark_s: args.dark_seconds,
        light_s: args.light_seconds,
        transmittance,
        unseen,
        sigmas: args.sigmas,
    };
    let findings = calibration.make(&mut desk, &plan, &shutdown)?;
    let report = Report {
        findings,
        device: desk.bob().serial.clone(),
        simulated: desk.is_simulated(),
        made_unix_s: unix_now_s(),
        valid_days: args.valid_days,
        asked: calibration,
    };
    if let Some(path) = &args.out {
        if let Some(why) = report.findings.unfit.first() {
            return Err(Failure::new(Exit::Device, format!("{why}; nothing was written")));
        }
        if path.is_file() {
            eprintln!("helio: {} replaces an older file", path.display());
        }
        // A station may load it at any time: it is there whole, or as it was.
        unfinished::write(path, report.file().as_bytes())
            .map_err(|err| Failure::unwritable(path, err))?;
    }
    args.output.give(global, &report)
}
