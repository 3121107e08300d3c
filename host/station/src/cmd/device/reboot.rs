//! `helio device reboot`: a device started anew, or into its boot loader.

use std::time::{Duration, Instant};

use helio_link::picoboot::boot_loaders;
use helio_wire::{HostMessage, RebootMode};
use serde_json::json;

use super::run_log::RunLog;
use super::session::Session;
use super::target::{Target, open};
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};

/// Arguments of `helio device reboot`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device reboot
  helio device reboot --bootloader && helio device flash alice.uf2
  helio device reboot --device serial:/dev/ttyACM0 --json

Starts the device anew, if it is dark, and waits until it is back: its boot nonce tells that it did. Exit code 5 if \
it refuses or does not come back within 10 s.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Into the boot loader of its ROM, which takes new firmware
    #[arg(long)]
    bootloader: bool,
}

/// How long a device may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Reboots.
///
/// # Errors
/// The device refuses or stays away.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let mut session = args.target.open()?;
    session.log.check()?;
    let address = session.address.clone();
    let before = session.connection.nonce();
    let mode = if args.bootloader { RebootMode::BootLoader } else { RebootMode::Firmware };
    // The others that are in their boot loaders already.
    let waiting = chips();
    session.command("to reboot", &HostMessage::Reboot(mode))?;
    session.log.write("reboot", json!({ "bootloader": args.bootloader }))?;
    let begun = Instant::now();
    let simulated = session.is_simulated();
    let away = |what: &str| {
        let remedy = match simulated {
            true => "a simulated device is started anew with the program that serves it",
            false => "replug it",
        };
        let sentence = format!("{address} did not come back{what} within 10 s; {remedy}");
        Failure::new(Exit::Device, sentence)
    };
    if args.bootloader {
        // A device without USB of its own cannot be looked for.
        let chip = loop {
            if let Some(chip) = chips().into_iter().find(|chip| !waiting.contains(chip)) {
                break chip;
            }
            if begun.elapsed() > PATIENCE {
                return Err(away(" in its boot loader"));
            }
            std::thread::sleep(LOOK);
        };
        let chosen = chip.as_ref().map(|chip| format!(" --chip {chip}")).unwrap_or_default();
        return match global.json {
            true => print_json(&json!({
                "address": address.to_string(),
                "state": "boot loader",
                "chip": chip,
            })),
            false => print(format_args!(
                "{address}: in its boot loader; helio device flash FILE.uf2{chosen}\n"
            )),
        };
    }
    let after = match session.bench.is_some() {
        true => wait_here(&mut session, before, begun),
        false => {
            drop(session);
            wait_again(&args.target, &address, before, begun)
        }
    };
    let after = after.ok_or_else(|| away(""))?;
    match global.json {
        true => print_json(
            &json!({ "address": address.to_string(), "state": "started", "boot": after }),
        ),
        false => print(format_args!("{address}: started anew (boot {after:#010x})\n")),
    }
}

/// Serial numbers of the chips in their boot loaders; none where USB cannot be listed.
fn chips() -> Vec<Option<String>> {
    boot_loaders().map_or(Vec::new(), |found| found.into_iter().map(|b| b.serial).collect())
}

/// On the cable that stays.
fn wait_here(session: &mut Session, before: Option<u32>, begun: Instant) -> Option<u32> {
    while begun.elapsed() < PATIENCE {
        let _ = session.order(&HostMessage::Hello, |_| {});
        let now = session.connection.nonce();
        if now != before {
            return now;
        }
        std::thread::sleep(LOOK);
    }
    None
}

/// On a port that goes with the device.
fn wait_again(
    target: &Target,
    address: &helio_link::DeviceAddress,
    before: Option<u32>,
    begun: Instant,
) -> Option<u32> {
    while begun.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
        let greeted = open(address)
            .and_then(|port| Session::greet(port, address.clone(), None, RunLog::new(&target.log)));
        if let Ok(session) = greeted
            && session.connection.nonce() != before
        {
            return session.connection.nonce();
        }
    }
    None
}
