//! `helio device`: devices on the desk.

mod list;

use clap::Subcommand;

use crate::cli::Global;
use crate::exit::Failure;

/// What is asked about devices.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List boards on USB and serial ports, each with its address
    List(list::Args),
}

/// Answers.
///
/// # Errors
/// The device or the output is at fault.
pub fn run(command: &Command, global: &Global) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(args, global),
    }
}
