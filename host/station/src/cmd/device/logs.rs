//! `helio device logs`: what a device says for people.

use std::time::{Duration, Instant};

use helio_link::{Connection, DeviceAddress, Event, Reopening, TransportError};
use helio_wire::{DeviceMessage, HostMessage, LogLevel};
use serde_json::{Value, json};

use super::target::{Port, Target, open};
use crate::bench::device::interlock_words;
use crate::cli::Global;
use crate::exit::{Exit, Failure, print};
use crate::shutdown::Shutdown;
use crate::status::unix_now_s;
use crate::term::utc;

/// Arguments of `helio device logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device logs                      what it says within two seconds
  helio device logs --follow             until Ctrl-C, over unplugging and reboots
  helio device logs --device replay:night.cable
  helio device logs --follow --json      one object a line

Lines of the firmware, changes of the interlock, reboots, and what the cable lost. A device does not keep \
its lines: what it said before nobody listened is gone. Exit code 5 if the device is not there.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Go on until interrupted, and wait for the device where it goes away
    #[arg(long, short)]
    follow: bool,
    /// How long to listen
    #[arg(long, value_name = "S", default_value_t = 2, conflicts_with = "follow")]
    seconds: u32,
}

const TURN: Duration = Duration::from_millis(100);

/// Listens.
///
/// # Errors
/// The device is not there, or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let address = args.target.address()?;
    let (port, bench) = match &address {
        DeviceAddress::Sim => {
            let (session_port, bench) = args.target.simulated()?;
            (session_port, Some(bench))
        }
        DeviceAddress::Replay(_) => (open(&address)?, None),
        real => {
            let (real, first) = (real.clone(), open(real)?);
            let mut first = Some(first);
            let reopening = Reopening::open(move || match first.take() {
                Some(port) => Ok(port),
                None => helio_link::open(&real),
            });
            (Box::new(reopening.map_err(|why| Failure::new(Exit::Device, why))?) as Port, None)
        }
    };
    let mut connection = Connection::new(args.target.recorded(port)?);
    let shutdown = Shutdown::install();
    let failed = |why: TransportError| {
        Failure::new(Exit::Device, format!("{address}: {why}; check the cable and the power"))
    };
    connection.send(&HostMessage::Hello).map_err(failed)?;
    let begun = Instant::now();
    let limit = Duration::from_secs(args.seconds.into());
    let (mut interlock, mut heard, mut printed) = (None, false, Ok(()));
    while !shutdown.is_requested() && (args.follow || begun.elapsed() < limit) {
        let received = connection.receive(TURN, |event| {
            heard = true;
            let Some((level, text)) = words(&event, &mut interlock) else { return };
            let time = utc(unix_now_s());
            let line = match global.json {
                true => json!({ "time": time, "level": level, "text": text }).to_string(),
                false => format!("{time} {level:<8}{text}"),
            };
            if printed.is_ok() {
                printed = print(format_args!("{line}\n"));
            }
        });
        std::mem::replace(&mut printed, Ok(()))?;
        match received {
            Ok(()) | Err(TransportError::TimedOut) => {}
            // A recording has an end.
            Err(TransportError::Closed) if matches!(address, DeviceAddress::Replay(_)) => break,
            Err(why) => return Err(failed(why)),
        }
    }
    drop(bench);
    match heard {
        true => Ok(()),
        false => Err(Failure::new(
            Exit::Device,
            format!(
                "{address} said nothing; unplug and replug it, or end the other program that has it"
            ),
        )),
    }
}

/// What an event is in words, if it is worth any.
fn words(event: &Event<'_>, interlock: &mut Option<Value>) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Message(_, DeviceMessage::Log { level, text }) => {
            let level = match level {
                LogLevel::Error => "error",
                LogLevel::Warn => "warning",
                LogLevel::Info => "info",
            };
            (level, visible(text))
        }
        Event::Message(_, DeviceMessage::Health(health)) => {
            let state = interlock_words(health.interlock);
            let before = interlock.replace(Value::from(state.as_str()));
            if before == *interlock {
                return None;
            }
            ("info", format!("interlock: {state}"))
        }
        Event::Message(_, DeviceMessage::Hello { hello, .. }) => {
            let (board, firmware) = (visible(hello.board), visible(hello.firmware));
            ("info", format!("{board}, firmware {firmware}, serial {}", visible(hello.serial)))
        }
        Event::Message(_, DeviceMessage::Stopped { end, .. }) => {
            ("info", format!("the run ended before slot {}", end.0))
        }
        Event::Rebooted { nonce } => ("warning", format!("started anew (boot {nonce:#010x})")),
        Event::Replugged => ("warning", "the port was away and is open again".into()),
        Event::Lost { stream, frames } => {
            ("warning", format!("{frames} frames of {stream:?} are missing on the cable"))
        }
        Event::BadFrame(why) => ("warning", format!("damaged bytes on the cable: {why}")),
        Event::Unknown(why) => ("error", format!("a frame of another version: {why}")),
        Event::Message(..) | Event::MissingTicks { .. } | Event::MissingSlots { .. } => {
            return None;
        }
    })
}

/// Text of a device on one line: it may hold anything.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
