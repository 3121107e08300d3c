//! `helio device arm` and `disarm`: the interlock by hand.

use std::time::{Duration, Instant};

use helio_bench::{InterlockState, SettingsSource, TripCause};
use helio_units::Ticks;
use helio_wire::HostMessage;
use serde_json::json;

use super::session::{NoAnswer, Session};
use super::slots::{configure, source_name, source_words};
use super::target::Target;
use crate::bench::device::interlock_words;
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::shutdown::Shutdown;

/// Arguments of `helio device arm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device arm                       until Ctrl-C; then it is disarmed
  helio device arm --seconds 3 --json
  helio device arm --device sim --seconds 1

Arms the device, which makes light possible and does not make any, and keeps it armed by being there: \
the interlock trips 250 ms after its host is gone. So arming ends with this command. It is armed for slots of \
1 µs, with settings of ChaCha20 keyed by its generator; none is played. Exit code 5 if the device refuses or \
trips meanwhile.")]
pub struct Arm {
    #[command(flatten)]
    target: Target,
    /// Disarm after so many seconds [default: when interrupted]
    #[arg(long, value_name = "S")]
    seconds: Option<u32>,
}

/// Arguments of `helio device disarm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device disarm
  helio device disarm --clear            also out of a latched trip

Makes the device dark, whatever it does. A trip is latched: --clear says that its cause was seen to. Exit \
code 5 if it stays tripped.")]
pub struct Disarm {
    #[command(flatten)]
    target: Target,
    /// Clear what the interlock has tripped of
    #[arg(long)]
    clear: bool,
}

/// Arms until told to end.
///
/// # Errors
/// The device refuses, trips or fails.
pub(super) fn arm(args: &Arm, global: &Global) -> Result<(), Failure> {
    let mut session = args.target.open()?;
    session.log.check()?;
    let shutdown = Shutdown::install();
    ready(&mut session)?;
    let source = session.identity.drawn();
    let held = hold(&mut session, source, args, global, &shutdown);
    // Also where it failed: the next one is drawn by the device's own generator again.
    let back = session.own_source(source);
    let Held { tick, disarmed, seconds } = held?;
    back?;
    match global.json {
        true => print_json(&json!({
            "address": session.address.to_string(),
            "armed_at_tick": tick.0,
            "armed_s": seconds,
            "source": source_name(&session.identity, source),
            "disarmed": disarmed,
        })),
        false => print(format_args!("{}: disarmed after {seconds:.1} s\n", session.address)),
    }
}

/// How long a device was armed.
struct Held {
    tick: Ticks,
    disarmed: bool,
    seconds: f64,
}

fn hold(
    session: &mut Session,
    source: Option<SettingsSource>,
    args: &Arm,
    global: &Global,
    shutdown: &Shutdown,
) -> Result<Held, Failure> {
    let [configure, _] = configure(session, None)?;
    let tick = session.arm(configure, source)?;
    let begun = Instant::now();
    if !global.json {
        let from = source.map(|source| source_words(&session.identity, source));
        let from = from.map(|from| format!(", settings from {from}")).unwrap_or_default();
        print(format_args!("{}: armed{from}; Ctrl-C disarms\n", session.address))?;
    }
    let limit = args.seconds.map(|s| Duration::from_secs(s.into()));
    while !shutdown.is_requested() && limit.is_none_or(|limit| begun.elapsed() < limit) {
        session.listen(|_| {})?;
        if let Some(state @ InterlockState::Tripped(_)) = session.health.map(|h| h.interlock) {
            let words = interlock_words(state);
            session.log.write("trip", json!({ "state": words }))?;
            return Err(Failure::new(
                Exit::Device,
                format!(
                    "{} went dark, {words}; see to it, then helio device disarm --clear",
                    session.address
                ),
            ));
        }
    }
    let disarmed = session.disarm()?;
    Ok(Held { tick, disarmed, seconds: begun.elapsed().as_secs_f64() })
}

/// Brings a device to safe from whatever a host before it left, but not out of what a person must
/// see to.
pub(super) fn ready(session: &mut Session) -> Result<(), Failure> {
    for cause in [TripCause::LinkReset, TripCause::HeartbeatLost, TripCause::BadFrames] {
        match session.order(&HostMessage::Clear { cause }, |_| {}) {
            Ok(_) | Err(NoAnswer::Refused(..)) => {}
            Err(no) => return Err(session.failure("to be made ready", no)),
        }
    }
    // No change that somebody asked for: it is not written down.
    match session.order(&HostMessage::Disarm, |_| {}) {
        Ok(_) | Err(NoAnswer::Refused(..)) => Ok(()),
        Err(no) => Err(session.failure("to be made ready", no)),
    }
}

/// Disarms.
///
/// # Errors
/// The device fails or stays tripped.
pub(super) fn disarm(args: &Disarm, global: &Global) -> Result<(), Failure> {
    let mut session = args.target.open()?;
    session.log.check()?;
    let mut disarmed = session.disarm()?;
    let mut cleared = None;
    if !disarmed && args.clear {
        for cause in TripCause::ALL {
            match session.order(&HostMessage::Clear { cause }, |_| {}) {
                Ok(tick) => {
                    let words = interlock_words(InterlockState::Tripped(cause));
                    session.log.write("clear", json!({ "cause": words, "tick": tick.0 }))?;
                    cleared = Some(words);
                    disarmed = true;
                    break;
                }
                Err(NoAnswer::Refused(..)) => {}
                Err(no) => return Err(session.failure("to be cleared", no)),
            }
        }
    }
    let address = session.address.to_string();
    if !disarmed {
        let state = session.health.map(|health| interlock_words(health.interlock));
        let state = state.unwrap_or_else(|| "tripped".into());
        return Err(Failure::new(
            Exit::Device,
            format!(
                "{address} is dark and {state}; see to the cause, then: helio device disarm --clear"
            ),
        ));
    }
    match (global.json, cleared) {
        (true, cleared) => {
            print_json(&json!({ "address": address, "state": "safe", "cleared": cleared }))
        }
        (false, Some(cause)) => print(format_args!("{address}: safe; it was {cause}\n")),
        (false, None) => print(format_args!("{address}: safe\n")),
    }
}
