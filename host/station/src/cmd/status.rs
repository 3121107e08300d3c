//! `helio status`: a look at a station, running or not.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::cli::Global;
use crate::config::StationConfig;
use crate::exit::{Exit, Failure, print, print_json};
use crate::status::view::{self, live};
use crate::status::{AskFault, Seen, Status, look, watch};
use crate::store::StoreFault;
use crate::term::{Screen, grouped};

/// Look at a station, running or not: phase, keys, pads, error rates, device, line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  helio status alice                 a page on the station of this folder
  helio status alice --watch         the same, live in the terminal; q leaves
  helio status alice --watch | cat   a line each second, for a log
  helio status alice --json          one object, for scripts; with --watch one a line

A station that runs is asked through the socket in its folder; one that does not is read from its \
store. Both are for the station's owner only, and neither changes anything.")]
pub struct Asked {
    /// The station's folder
    #[arg(value_name = "DIR", default_value = ".")]
    state: PathBuf,
    /// The station's configuration, in place of its folder
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    config: Option<PathBuf>,
    /// Keep looking until interrupted
    #[arg(long)]
    watch: bool,
}

/// How often the live view looks for keys and news.
const TURN: Duration = Duration::from_millis(100);
/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Looks.
///
/// # Errors
/// The folder holds no station, the station does not answer, or the output is at fault.
pub fn run(args: &Asked, global: &Global) -> Result<(), Failure> {
    let folder = &match &args.config {
        Some(path) => StationConfig::load(path)?.state().to_owned(),
        None => args.state.clone(),
    };
    let first = look(folder);
    if !args.watch {
        let status = first.map_err(|fault| failure(fault, args))?;
        return match global.json {
            true => print_json(&to_json(&status)?),
            false => print(view::page(&status)),
        };
    }
    // A station that hangs or just starts is worth watching; a folder without one is not.
    let first = match first {
        Err(fault @ (AskFault::Store(_) | AskFault::Version { .. } | AskFault::Io { .. })) => {
            return Err(failure(fault, args));
        }
        first => first.ok(),
    };
    let seen = watch(folder).map_err(|e| {
        Failure::new(Exit::Internal, format!("no thread to watch with ({e}); free some memory"))
    })?;
    if global.json || !std::io::stdout().is_terminal() {
        return tell(first, &seen, global.json);
    }
    show(first, &seen)
}

/// A line each second, or an object for each look.
fn tell(first: Option<Status>, seen: &Receiver<Seen>, json: bool) -> Result<(), Failure> {
    let say = |status: &Status| match json {
        true => print(format_args!("{}\n", to_json(status)?)),
        false => print(format_args!("{}\n", view::line(status))),
    };
    // The socket brings a running station's status at once; a stopped one is told only here.
    if let Some(status) = first.filter(|s| s.station.pid.is_none()) {
        say(&status)?;
    }
    let mut told: Option<Instant> = None;
    let mut away: Option<AskFault> = None;
    for seen in seen {
        match seen {
            Seen::Status(status) => {
                away = None;
                if json || told.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
                    say(&status)?;
                    told = Some(Instant::now());
                }
            }
            Seen::Away(fault) if away.as_ref() != Some(&fault) => {
                eprintln!("helio: {fault}; it is tried again");
                away = Some(fault);
            }
            Seen::Away(_) => {}
        }
    }
    Ok(())
}

/// The live view.
fn show(first: Option<Status>, seen: &Receiver<Seen>) -> Result<(), Failure> {
    let fault = |e: std::io::Error| {
        Failure::new(
            Exit::File,
            format!("the terminal cannot be used ({e}); leave out --watch, or pipe it: | cat"),
        )
    };
    let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut screen = Screen::open().map_err(fault)?;
    let mut last = first;
    let mut away: Option<(AskFault, Instant)> = None;
    loop {
        match seen.recv_timeout(TURN) {
            Ok(Seen::Status(status)) => (last, away) = (Some(*status), None),
            Ok(Seen::Away(fault)) => {
                let since = away.map_or(Instant::now(), |(_, since)| since);
                away = Some((fault, since));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        let words = away.as_ref().map(|(fault, since)| {
            let seconds = grouped(since.elapsed().as_secs());
            format!("{fault}; away for {seconds} s, tried again twice a second")
        });
        let scene = live::Scene { status: last.as_ref(), away: words.as_deref(), colours };
        screen.terminal.draw(|frame| live::draw(frame, &scene)).map_err(fault)?;
        while event::poll(Duration::ZERO).map_err(fault)? {
            if leaves(&event::read().map_err(fault)?) {
                return Ok(());
            }
        }
    }
}

fn leaves(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let quit = matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc);
    key.kind == KeyEventKind::Press && (interrupt || quit)
}

fn to_json(status: &Status) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(status)
        .map_err(|e| Failure::new(Exit::Internal, format!("the status is no JSON ({e})")))
}

fn failure(fault: AskFault, args: &Asked) -> Failure {
    match fault {
        AskFault::Store(StoreFault::Missing(_)) if args.state.as_os_str() == "." => Failure::new(
            Exit::File,
            "this folder holds no station; name the folder of one: `helio status DIR`",
        ),
        fault => Failure::new(Exit::File, fault),
    }
}
