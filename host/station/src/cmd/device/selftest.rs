//! `helio device selftest`: a sender's pulses straight into a tagger, by a loopback cable.

use std::fmt::Write;

use helio_link::DeviceAddress;
use helio_units::{Decibel, Picoseconds};
use helio_wire::{Configure, Role};
use serde_json::json;

use super::fire::{Pattern, fire, latency, partner};
use super::loopback::{Loopback, measure};
use super::slots::{ALL, configure, source_name, source_words};
use super::target::Target;
use crate::bench::Scenario;
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::term::grouped;

/// Arguments of `helio device selftest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device selftest --device sim
  helio device selftest --device usb:A-0001 --with usb:B-0001 --arm
  helio device selftest --device sim --slots 1000000 --json

Wire the sender's trigger output to a channel of the tagger, and take the laser driver off. Plays one pulse a \
slot and measures, of the tags that come back: the tagger's jitter together with the sender's, the longest \
excursion, pulses without a tag, tags without a pulse, and the length of a slot by the tagger's clock. With \
--device sim light without loss into detectors that see everything takes the cable's place. Exit code 5 if a \
device fails, or if pulses or tags are missing.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The tagger
    #[arg(long, value_name = "ADDRESS")]
    with: Option<DeviceAddress>,
    /// How many slots
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=3_000_000))]
    slots: u64,
    /// Yes: the trigger output leads to the tagger and to no laser
    #[arg(long)]
    arm: bool,
}

/// Light that every detector sees: 30 photons a pulse miss one in 10¹³.
const BRIGHT_NANO: u64 = 30_000_000_000;

/// Light in place of a cable.
fn cable() -> Scenario {
    let [_, weak, dark] = Scenario::default().mu_nano;
    Scenario {
        path: helio_sim::Path::Fixed { loss: Decibel(0.0), delay: Picoseconds(0) },
        receiver_loss: Decibel(0.0),
        efficiency: 1.0,
        efficiency_mismatch: 0.0,
        dark_rate_hz: 0.0,
        dark_mismatch: 0.0,
        rotation_rad: 0.0,
        clock_drift_ppb_per_s: 0.0,
        mu_nano: [BRIGHT_NANO, weak, dark],
        ..Scenario::default()
    }
}

/// Tests.
///
/// # Errors
/// A device fails, or edges are missing.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let mut sender = args.target.open_on(&cable())?;
    let simulated = sender.bench.is_some();
    let Some(mut tagger) = partner(&args.target, &mut sender, args.with.as_ref())? else {
        return Err(Failure::usage("a loopback has two ends; name the tagger too: --with ADDRESS"));
    };
    if sender.identity.role == Role::Bob {
        std::mem::swap(&mut sender, &mut tagger);
    }
    if !args.arm && !simulated {
        return Err(Failure::usage(format!(
            "{} would send a trigger in every slot; see that it leads to the tagger and to no laser, and add --arm",
            sender.address
        )));
    }
    sender.log.check()?;
    // One basis: each pulse meets one detector.
    let told = configure(&sender, Some(&tagger))?;
    let told = told.map(|told| Configure { key_basis_weight: ALL, ..told });
    // The cable comes from one output of a board: that one plays. Simulated light needs none.
    let pattern = (!simulated).then(|| Pattern(vec![0]));
    let (sent, received) =
        fire(&mut sender, Some(&mut tagger), told, args.slots, pattern.as_ref())?;
    // Slots by the tagger's clock, whose ticks may be others.
    let [Configure { sync_spacing, .. }, Configure { slot_ticks, .. }] = told;
    let played = sent.end.unwrap_or(0);
    let channels = tagger.identity.channels;
    let mut ticks: Vec<u64> = received
        .iter()
        .flat_map(|played| &played.edges)
        .filter(|(_, channel)| *channel < channels)
        .map(|(tick, _)| *tick)
        .collect();
    if simulated {
        // Two detectors stand for one channel: what leaks into the other one is no second edge.
        let apart = u64::from(slot_ticks / 2);
        ticks.dedup_by(|tick, before| tick.saturating_sub(*before) < apart);
    }
    // Sync slots are dark.
    let pulses = played - played.div_ceil(u64::from(sync_spacing));
    let found = measure(&ticks, f64::from(slot_ticks), pulses).ok_or_else(|| {
        Failure::new(Exit::Device, format!(
            "{} tagged {} of {} pulses; check the cable, its ends and the threshold of the channel",
            tagger.address, ticks.len(), pulses
        ))
    })?;
    let tick_ps = tagger.identity.tick_length.as_ps_f64();
    match global.json {
        true => print_json(&json!({
            "sender": sender.address.to_string(),
            "tagger": tagger.address.to_string(),
            "source": source_name(&sender.identity, sent.source),
            "pulses": pulses,
            "found": found.found,
            "missed": found.missed,
            "extra": found.extra,
            "jitter_rms_ps": found.rms_ticks * tick_ps,
            "longest_ps": found.longest_ticks * tick_ps,
            "tick_ps": tick_ps,
            "slot_ticks": found.period_ticks,
            "lost_tags": received.as_ref().map_or(0, |played| played.lost),
            "latency": latency(&tagger),
        })),
        false => {
            let source = sent.source.map(|source| source_words(&sender.identity, source));
            print(text(&found, source, pulses, tick_ps, slot_ticks))
        }
    }?;
    match found.missed + found.extra {
        0 => Ok(()),
        _ => Err(Failure::new(
            Exit::Device,
            format!(
                "{} pulses have no tag and {} tags no pulse; check the threshold, the cable and its termination",
                found.missed, found.extra
            ),
        )),
    }
}

fn text(
    found: &Loopback,
    source: Option<String>,
    pulses: u64,
    tick_ps: f64,
    slot_ticks: u32,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| _ = writeln!(text, "{name:<16}{value}");
    if let Some(source) = source {
        line("settings", source);
    }
    line("pulses", grouped(pulses));
    line(
        "found",
        format!("{}, {} missed, {} extra", grouped(found.found), found.missed, found.extra),
    );
    let rms = found.rms_ticks * tick_ps;
    line(
        "jitter",
        format!(
            "{rms:.0} ps rms ({:.3} ticks; a tick alone makes {:.3})",
            found.rms_ticks,
            1.0 / 12f64.sqrt()
        ),
    );
    line("longest", format!("{:.0} ps off", found.longest_ticks * tick_ps));
    let ppm = (found.period_ticks / f64::from(slot_ticks) - 1.0) * 1e6;
    line("slot", format!("{:.6} ticks, {ppm:+.3} ppm by the tagger's clock", found.period_ticks));
    text
}
