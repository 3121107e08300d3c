//! `helio device info`: who a device is and how it stands.

use std::fmt::Write;
use std::time::{Duration, Instant};

use helio_bench::{PhaseRandomisation, RandomClass};
use helio_link::DeviceAddress;
use helio_wire::{Capabilities, HostMessage, Role};
use serde_json::{Value, json};

use super::session::Session;
use super::target::Target;
use crate::bench::device::interlock_words;
use crate::cli::Global;
use crate::exit::{Failure, print, print_json};

/// Arguments of `helio device info`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device info                            the only board that is plugged in
  helio device info --device usb:E6614103E7
  helio device info --device sim --role bob --json

Asks the device who it is, how it stands, and how fast it answers. Changes nothing; the device's other \
host, if it has one, loses it. Exit code 5 if the device does not answer.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

/// Answers that are timed.
const ROUND_TRIPS: usize = 20;
/// Reports of health come twice a second.
const HEALTH: Duration = Duration::from_millis(600);

/// Asks.
///
/// # Errors
/// The device is at fault, or the output.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let mut session = args.target.open()?;
    let mut trips: Vec<f64> = Vec::new();
    // A recording has answers to what was asked then only, in no time at all.
    let live = !matches!(session.address, DeviceAddress::Replay(_));
    for _ in 0..if live { ROUND_TRIPS } else { 0 } {
        let begun = Instant::now();
        session.command("a heartbeat", &HostMessage::Heartbeat)?;
        trips.push(begun.elapsed().as_secs_f64());
    }
    trips.sort_by(f64::total_cmp);
    let begun = Instant::now();
    // A simulated device whose time stands still says nothing by itself.
    while live && session.health.is_none() && begun.elapsed() < HEALTH {
        session.listen(|_| {})?;
    }
    match global.json {
        true => print_json(&to_json(&session, &trips)),
        false => print(text(&session, &trips)),
    }
}

fn capabilities(capabilities: Capabilities) -> Vec<&'static str> {
    [
        (Capabilities::SIMULATED, "simulated light"),
        (Capabilities::ACTIVE_RECEIVER, "active receiver"),
        (Capabilities::PASSIVE_RECEIVER, "passive receiver"),
        (Capabilities::REPORTS_SETTINGS, "reports its settings"),
        (Capabilities::GATES, "gates"),
        (Capabilities::BURSTS, "bursts"),
        (Capabilities::BOOT_LOADER, "boot loader"),
    ]
    .into_iter()
    .filter(|(bit, _)| capabilities.has(*bit))
    .map(|(_, words)| words)
    .collect()
}

fn class(class: RandomClass) -> &'static str {
    match class {
        RandomClass::Seeded => "seeded, for simulation only",
        RandomClass::Computational => "computational",
        RandomClass::TrueRandom => "true random",
    }
}

fn phase(phase: PhaseRandomisation) -> &'static str {
    match phase {
        PhaseRandomisation::Unknown => "unknown",
        PhaseRandomisation::GainSwitched => "random, by gain switching",
        PhaseRandomisation::Active => "random, by an active modulator",
        PhaseRandomisation::AssumedIdeal => "assumed ideal",
    }
}

fn text(session: &Session, trips: &[f64]) -> String {
    let id = &session.identity;
    let mut text = String::new();
    let mut line = |name: &str, value: String| _ = writeln!(text, "{name:<16}{value}");
    line("device", session.address.to_string());
    line("role", format!("{:?}", id.role));
    line("board", id.board.clone());
    line("firmware", id.firmware.clone());
    line("serial", id.serial.clone());
    line("boot nonce", format!("{:#010x}", session.connection.nonce().unwrap_or(0)));
    let (n, d) = (id.tick_length.numerator_ps(), id.tick_length.denominator());
    let exact = if d == 1 { String::new() } else { format!(" ({n}/{d})") };
    line("tick", format!("{:.6} ps{exact}", id.tick_length.as_ps_f64()));
    line("slot rate", format!("at most {} Hz", id.max_slot_rate.0));
    line("can", capabilities(id.capabilities).join(", "));
    line("random source", format!("{} ({})", id.random_name, class(id.random_class)));
    match id.role {
        Role::Bob => line("channels", id.channels.to_string()),
        Role::Alice => {
            let levels = id.levels_nano.iter().filter(|level| **level > 0);
            let levels: Vec<String> = levels.map(|l| format!("{:.4}", *l as f64 / 1e9)).collect();
            line("levels", format!("{} photons a pulse", levels.join(", ")));
            let within = id.intensity_uncertainty_ppm;
            let within = within.map_or("never measured".into(), |ppm| format!("{ppm} ppm"));
            line("levels within", within);
            line("phase", phase(id.phase).into());
        }
    }
    match &session.health {
        None => line("interlock", "not told".into()),
        Some(health) => {
            line("interlock", interlock_words(health.interlock));
            line("slots", format!("{} played, {} starved", health.slots, health.starved_slots));
            line("edges", format!("{} tagged, {} lost", health.edges, health.lost_edges));
            let (bad, missing) = (health.bad_frames, health.missing_frames);
            line("cable", format!("{bad} damaged frames, {missing} missing at the device"));
        }
    }
    if let (Some(longest), Some(median)) = (trips.last(), trips.get(trips.len() / 2)) {
        line("answers within", format!("{:.3} ms (median {:.3} ms)", 1e3 * longest, 1e3 * median));
    }
    text
}

fn to_json(session: &Session, trips: &[f64]) -> Value {
    let id = &session.identity;
    let health = session.health.map(|health| {
        json!({
            "interlock": interlock_words(health.interlock),
            "slots": health.slots,
            "starved_slots": health.starved_slots,
            "edges": health.edges,
            "lost_edges": health.lost_edges,
            "lost_settings": health.lost_settings,
            "bad_frames": health.bad_frames,
            "missing_frames": health.missing_frames,
            "locked": health.locked,
            "lock_losses": health.lock_losses,
        })
    });
    json!({
        "address": session.address.to_string(),
        "role": format!("{:?}", id.role).to_lowercase(),
        "board": id.board,
        "firmware": id.firmware,
        "serial": id.serial,
        "boot_nonce": session.connection.nonce(),
        "tick_ps": { "numerator": id.tick_length.numerator_ps(), "denominator": id.tick_length.denominator() },
        "max_slot_rate_hz": id.max_slot_rate.0,
        "channels": id.channels,
        "capabilities": capabilities(id.capabilities),
        "random": { "name": id.random_name, "class": class(id.random_class) },
        "levels_nanophotons": id.levels_nano,
        "intensity_uncertainty_ppm": id.intensity_uncertainty_ppm,
        "phase": phase(id.phase),
        "health": health,
        "answer_s": { "median": trips.get(trips.len() / 2), "longest": trips.last() },
    })
}
