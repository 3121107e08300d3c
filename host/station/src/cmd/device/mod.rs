//! `helio device`: devices on the desk.

mod arm;
#[cfg(test)]
mod examples;
mod fire;
mod flash;
mod info;
mod list;
mod logs;
mod loopback;
mod play;
mod reboot;
mod replay_log;
mod run_log;
mod selftest;
mod session;
mod settings;
mod slots;
mod target;

use clap::Subcommand;

pub(super) use run_log::{RunLog, RunLogArgs};
pub(super) use session::Session;
pub(super) use settings::{Setting, no_such};

use crate::cli::Global;
use crate::exit::Failure;

/// What is asked about devices.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List boards on USB, boards in their boot loaders and serial ports, each with its address
    List(list::Args),
    /// Ask a device who it is and how it stands
    Info(info::Args),
    /// Show what a device can be set to, what it senses and what it counts
    Get(settings::Get),
    /// Change a setting of a device
    Set(settings::Set),
    /// Make the changes of a run log again
    ReplayLog(replay_log::Args),
    /// Arm a device for as long as this command runs
    Arm(arm::Arm),
    /// Make a device dark
    Disarm(arm::Disarm),
    /// Play slots by hand: the laser fires
    Fire(fire::Args),
    /// Measure jitter and missed edges over a loopback cable
    Selftest(selftest::Args),
    /// Show what a device says for people
    Logs(logs::Args),
    /// Start a device anew, or into its boot loader
    Reboot(reboot::Args),
    /// Bring new firmware into an RP2350 board
    Flash(flash::Args),
}

/// Answers.
///
/// # Errors
/// The device or the output is at fault.
pub fn run(command: &Command, global: &Global) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(args, global),
        Command::Info(args) => info::run(args, global),
        Command::Get(args) => settings::get(args, global),
        Command::Set(args) => settings::set(args, global),
        Command::ReplayLog(args) => replay_log::run(args, global),
        Command::Arm(args) => arm::arm(args, global),
        Command::Disarm(args) => arm::disarm(args, global),
        Command::Fire(args) => fire::run(args, global),
        Command::Selftest(args) => selftest::run(args, global),
        Command::Logs(args) => logs::run(args, global),
        Command::Reboot(args) => reboot::run(args, global),
        Command::Flash(args) => flash::run(args, global),
    }
}
