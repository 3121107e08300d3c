//! `helio sim`: the light alone, for stations that are processes of their own.

use std::path::PathBuf;

use clap::Args;
use helio_bench::{InterlockState, TripCause};
use helio_wire::Role;
use serde_json::{Value, json};

use crate::bench::Scenario;
use crate::cli::Global;
use crate::cmd::link_args::LinkArgs;
use crate::config::SimConfig;
use crate::exit::{Exit, Failure, print};
use crate::shutdown::Shutdown;
use crate::sim::{Departure, SimFault, SimNote, SimSetup, Speed, serve};
use crate::term::{grouped, si, trimmed};

const EXAMPLES: &str = "Examples:
  helio sim                                   25 km; devices at tcp:127.0.0.1:7001 and 7002
  helio sim --config sim.toml                 as helio config init wrote it
  helio sim --speed fastest --loss 12         as fast as the stations take it
  helio sim --alice-port 127.0.0.1:0 --json   any free port, told in a line of JSON

Time stands until both devices run. It passes while one does, and waits for hosts that are slow; a \
host that takes or says nothing for 3 s loses its device. Ctrl-C or SIGTERM ends the light.

Whoever reaches a port commands that device: serve on the loopback address, or on a cable of its own.";

/// Simulate the light between two stations, each of which finds its device on a port of its own
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Sim {
    /// All of it from a file
    #[arg(long, value_name = "FILE", exclusive = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    link: LinkArgs,
    /// Where Alice's station finds her device; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:7001", value_name = "HOST:PORT")]
    alice_port: String,
    /// Where Bob's station finds his device
    #[arg(long, default_value = "127.0.0.1:7002", value_name = "HOST:PORT")]
    bob_port: String,
    /// How fast time passes: real-time, a factor such as 2x, or fastest
    #[arg(long, default_value_t = Speed::RealTime(1.0))]
    speed: Speed,
    /// The one seed of optics and devices; a fresh one if none is given
    #[arg(long)]
    seed: Option<u64>,
}

/// What is asked for, whoever asks: the scenario is what is shown of it.
struct Asked {
    scenario: Scenario,
    setup: SimSetup,
}

impl Sim {
    fn asked(&self) -> Result<Asked, Failure> {
        if let Some(path) = &self.config {
            let config = SimConfig::load(path)?;
            let scenario = config.scenario();
            let (ports, speed) = (config.ports(), config.speed());
            let setup = SimSetup { bench: scenario.bench(), ports, speed };
            return Ok(Asked { scenario, setup });
        }
        let seed = match self.seed {
            Some(seed) => seed,
            // Two runs of stations that remember each other must not repeat.
            None => getrandom::u64().map_err(|fault| {
                Failure::new(
                    Exit::Internal,
                    format!("this computer gives no random seed ({fault}); give one with --seed"),
                )
            })?,
        };
        // A drift that goes on for as long as the light does leaves the range of any receiver.
        let steady = Scenario { seed, clock_drift_ppb_per_s: 0.0, ..Scenario::default() };
        let scenario = self.link.apply(steady)?;
        let setup = SimSetup {
            bench: scenario.bench(),
            ports: [self.alice_port.clone(), self.bob_port.clone()],
            speed: self.speed,
        };
        Ok(Asked { scenario, setup })
    }
}

/// Serves the light until Ctrl-C or SIGTERM.
///
/// # Errors
/// Options that cannot be meant, and ports that cannot be opened.
pub fn run(args: &Sim, global: &Global) -> Result<(), Failure> {
    let Asked { scenario, setup } = args.asked()?;
    let shutdown = Shutdown::install();
    if global.json {
        print_line(&opening(&scenario, &setup))?;
    } else {
        print(words(&scenario, &setup))?;
    }
    let mut shown = Ok(());
    serve(setup, shutdown.receiver(), |note| {
        log_note(&note);
        if global.json && shown.is_ok() {
            shown = print_line(&object(&note));
            if shown.is_err() {
                shutdown.request();
            }
        }
    })
    .map_err(failure)?;
    shown
}

fn failure(fault: SimFault) -> Failure {
    let exit = match fault {
        SimFault::Address { .. } | SimFault::Speed(_) => Exit::Usage,
        SimFault::InUse { .. } | SimFault::Port { .. } => Exit::Device,
        SimFault::Bench(_) => Exit::Configuration,
        SimFault::Thread(_) => Exit::Internal,
    };
    let option = match fault {
        SimFault::InUse { role, .. } => {
            format!(" with --{}-port, or under [ports]", lower(role))
        }
        _ => String::new(),
    };
    Failure::new(exit, format!("{fault}{option}"))
}

fn words(scenario: &Scenario, setup: &SimSetup) -> String {
    let fibre =
        scenario.km().map_or(String::new(), |km| format!("{} km of fibre, ", trimmed(km, 6)));
    let eve = match scenario.intercepted {
        0.0 => String::new(),
        share => format!("; {} % of the pulses intercepted", trimmed(100.0 * share, 3)),
    };
    format!(
        "Heliograph  the light between two stations, in software: SIMULATED\n\
         link        {fibre}{} dB{eve}\n\
         slots       {}, {}; seed {}\n",
        trimmed(scenario.path.loss().0, 4),
        si(scenario.slot_rate_hz(), "Hz", 4),
        setup.speed,
        scenario.seed,
    )
}

fn opening(scenario: &Scenario, setup: &SimSetup) -> Value {
    json!({
        "note": "bench",
        "simulated": true,
        "seed": scenario.seed,
        "km": scenario.km(),
        "loss_db": scenario.path.loss().0,
        "intercepted": scenario.intercepted,
        "slot_rate_hz": scenario.slot_rate_hz(),
        "speed": setup.speed.to_string(),
    })
}

fn print_line(value: &Value) -> Result<(), Failure> {
    print(format_args!("{value}\n"))
}

fn lower(role: Role) -> &'static str {
    match role {
        Role::Alice => "alice",
        Role::Bob => "bob",
    }
}

fn log_note(note: &SimNote) {
    match note {
        SimNote::PortOpen { role, address } => log::info!("{role:?}'s device is at {address}"),
        SimNote::HostConnected { role, from } => log::info!("{role:?}'s host came from {from}"),
        SimNote::HostGone { role, why: Departure::Left } => log::info!("{role:?}'s host has gone"),
        SimNote::HostGone { role, why: Departure::Silent } => log::warn!(
            "{role:?}'s host was dropped: the light waited 3 s for a word of it; if it does not come back, \
             look at that station"
        ),
        SimNote::HostGone { role, why: Departure::NotReading } => {
            log::warn!(
                "{role:?}'s host was dropped: it took nothing for 3 s; if it does not come \
                 back, look at that station"
            )
        }
        SimNote::Device { role, interlock, running } => {
            let runs = if *running { ", runs" } else { "" };
            let state = crate::bench::device::interlock_words(*interlock);
            log::info!("{role:?}'s device: {state}{runs}");
        }
        SimNote::Progress { simulated, slots, speed } => log::info!(
            "{} of light, {} slots, {} times real time",
            si(simulated.as_secs_f64(), "s", 6),
            grouped(*slots),
            trimmed(*speed, 3)
        ),
    }
}

fn object(note: &SimNote) -> Value {
    match note {
        SimNote::PortOpen { role, address } => {
            json!({ "note": "port_open", "station": lower(*role), "address": address.to_string() })
        }
        SimNote::HostConnected { role, from } => {
            json!({ "note": "host_connected", "station": lower(*role), "from": from })
        }
        SimNote::HostGone { role, why } => {
            let why = match why {
                Departure::Left => "left",
                Departure::Silent => "silent",
                Departure::NotReading => "not_reading",
            };
            json!({ "note": "host_gone", "station": lower(*role), "why": why })
        }
        SimNote::Device { role, interlock, running } => {
            let (state, cause) = match interlock {
                InterlockState::Safe => ("safe", None),
                InterlockState::Armed => ("armed", None),
                InterlockState::Emitting => ("emitting", None),
                InterlockState::Tripped(cause) => ("tripped", Some(cause_name(*cause))),
            };
            json!({
                "note": "device",
                "station": lower(*role),
                "interlock": state,
                "cause": cause,
                "running": running,
            })
        }
        SimNote::Progress { simulated, slots, speed } => json!({
            "note": "progress",
            "simulated_s": simulated.as_secs_f64(),
            "slots": slots,
            "speed": speed,
        }),
    }
}

fn cause_name(cause: TripCause) -> &'static str {
    match cause {
        TripCause::HeartbeatLost => "heartbeat_lost",
        TripCause::BadFrames => "bad_frames",
        TripCause::UnknownCommand => "unknown_command",
        TripCause::RandomFault => "random_fault",
        TripCause::LinkReset => "link_reset",
        TripCause::PlayerFault => "player_fault",
        TripCause::External => "external",
    }
}
