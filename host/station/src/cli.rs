//! The command line: what is asked for, and how the answer ends.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, Parser, Subcommand};
use helio_distill::Role;

use crate::cmd;
use crate::exit::{Exit, Failure};
use crate::shutdown;
use crate::status::unix_now_s;
use crate::term::utc;

/// Runs a quantum-key-distribution station, its bench in software and its tools.
#[derive(Debug, Parser)]
#[command(name = "helio", version, after_help = help_end(), max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  helio demo                        two stations and simulated light; ends with one key
  helio demo --km 50 --plot k.svg   a longer fibre, with a picture
  helio sim                         the light alone, for stations in processes of their own
  helio optimise --km 60            the best intensities for a link
  helio length counts.csv           key lengths from a table of counts
  helio certify certificate.json    a key's length again, from its certificate alone
  helio distill --synthetic         how much key this machine could make a second
  helio config init                 the files of a simulated pair on this computer
  helio alice --config alice.toml   a station that lives on; helio bob is the other
  helio status bob --watch          a look at a station while it runs
  helio watch                       rates, visibilities and QBER while you align
  helio trace g2 recording.ptu      correlation in a recorded trace
  helio help demo                   everything that a command takes";

fn help_end() -> String {
    format!("{EXAMPLES}\n\n{}", Exit::HELP)
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print one JSON object on standard output instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(cmd::demo::Demo),
    Replay(cmd::replay::Replayed),
    Sim(cmd::sim::Sim),
    /// Run the station that sends the pulses
    Alice(cmd::node::Station),
    /// Run the station that receives them
    Bob(cmd::node::Station),
    Optimise(cmd::optimise::Optimise),
    Length(cmd::length::Length),
    Certify(cmd::certify::Certify),
    Distill(cmd::distill::Distill),
    /// Look at devices on the desk, try them by hand, change their firmware
    #[command(subcommand)]
    Device(cmd::device::Command),
    /// Write, check and show the files that stations and simulated light are run from
    #[command(subcommand)]
    Config(cmd::config::Command),
    Pair(cmd::pair::Pair),
    /// List a station's keys, or deliver one
    #[command(subcommand)]
    Keys(cmd::keys::Command),
    Status(cmd::status::Asked),
    Watch(cmd::watch::Watch),
    Scan(cmd::scan::Scan),
    Calibrate(cmd::calibrate::Calibrate),
    /// Look at recorded time-tag traces
    #[command(subcommand)]
    Trace(cmd::trace::Command),
}

impl Command {
    /// Whether it runs until it is told to end, and its log is what there is to see of it.
    fn is_long(&self) -> bool {
        matches!(self, Command::Sim(_) | Command::Alice(_) | Command::Bob(_))
    }
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(err) => return explain(&err),
    };
    log_to_stderr(cli.global.verbose, cli.command.is_long());
    shutdown::listen();
    let end = match &cli.command {
        Command::Demo(demo) => cmd::demo::run(demo, &cli.global),
        Command::Replay(args) => cmd::replay::run(args, &cli.global),
        Command::Sim(args) => cmd::sim::run(args, &cli.global),
        Command::Alice(args) => cmd::node::run(Role::Alice, args, &cli.global),
        Command::Bob(args) => cmd::node::run(Role::Bob, args, &cli.global),
        Command::Device(command) => cmd::device::run(command, &cli.global),
        Command::Length(args) => cmd::length::run(args, &cli.global),
        Command::Certify(args) => cmd::certify::run(args, &cli.global),
        Command::Optimise(args) => cmd::optimise::run(args, &cli.global),
        Command::Distill(args) => cmd::distill::run(args, &cli.global),
        Command::Config(command) => cmd::config::run(command, &cli.global),
        Command::Pair(args) => cmd::pair::run(args, &cli.global),
        Command::Keys(command) => cmd::keys::run(command, &cli.global),
        Command::Status(args) => cmd::status::run(args, &cli.global),
        Command::Watch(args) => cmd::watch::run(args, &cli.global),
        Command::Scan(args) => cmd::scan::run(args, &cli.global),
        Command::Calibrate(args) => cmd::calibrate::run(args, &cli.global),
        Command::Trace(command) => cmd::trace::run(command, &cli.global),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn complain(failure: &Failure) {
    if failure.exit != Exit::Success {
        eprintln!("helio: {failure}");
    }
}

/// Prints help, version or a usage error. A value that does not parse is told in one sentence, as
/// every other failure; for a misspelt option the parser's own text has the better advice.
fn explain(err: &clap::Error) -> ExitCode {
    let value = matches!(err.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    if value {
        let text = err.to_string();
        let first = text.split("\n\n").next().unwrap_or(&text).trim_start_matches("error: ");
        let words: Vec<&str> = first.split_whitespace().collect();
        let mut sentence = words.join(" ");
        // The parser of plain numbers knows what is wrong but not where the remedy stands.
        if err.kind() == ErrorKind::ValueValidation && !told_remedy(&sentence) {
            sentence.push_str("; --help says what is allowed");
        }
        complain(&Failure::usage(sentence));
    } else if let Err(io) = err.print() {
        log::debug!("help could not be printed: {io}");
    }
    ExitCode::from(err.exit_code() as u8)
}

/// Our own parsers end with what to write.
fn told_remedy(sentence: &str) -> bool {
    ["write ", "choose ", "round "].iter().any(|word| sentence.contains(word))
}

/// A line a message: of a command that runs for long with its time, for whoever reads it at 3 a.m.
fn log_to_stderr(verbose: u8, long: bool) {
    let verbose = verbose.saturating_add(long.into());
    let level = ["warn", "info", "debug"][usize::from(verbose.min(2))];
    let env = env_logger::Env::new().filter_or("HELIO_LOG", level);
    let mut builder = env_logger::Builder::from_env(env);
    if long {
        builder.format(|out, record| {
            let time = utc(unix_now_s());
            let level = match record.level() {
                log::Level::Error => "error  ",
                log::Level::Warn => "warning",
                log::Level::Info => "       ",
                log::Level::Debug | log::Level::Trace => "debug  ",
            };
            writeln!(out, "{time} {level} {}", record.args())
        });
    }
    builder.init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
