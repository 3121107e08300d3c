//! `helio device fire`: a few slots by hand.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use helio_bench::{Polarization, SettingsSource};
use helio_link::DeviceAddress;
use helio_wire::{Configure, HostMessage, Role};
use serde_json::{Value, json};

use super::play::{Played, SYNC, play};
use super::run_log::RunLog;
use super::session::Session;
use super::slots::{configure, source_name, source_words};
use super::target::{Target, open};
use crate::cli::Global;
use crate::exit::{Failure, print, print_json};
use crate::term::grouped;

/// Arguments of `helio device fire`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device fire --device sim --slots 100000 --pattern hvda --arm
  helio device fire --slots 1000 --pattern h --arm                     one state, on an oscilloscope
  helio device fire --device usb:A-0001 --with usb:B-0001 --slots 1000000 --pattern h0h1h2 --arm
  helio device fire --device usb:A-0001 --slots 1000 --arm             settings that the device draws

Arms the device, plays the slots, and makes it dark again: the laser FIRES. A pattern is public and repeats: h, \
v, d, a, each with the digit of its level where it is not the brightest one (0). Every slot whose index is a \
multiple of 64 is a dark sync slot. What the device draws comes from ChaCha20 keyed by its generator, as that \
alone may be too slow for slots of 1 µs, and never makes key. With a receiver (--with, or --device sim) its tags \
are counted, with their time from edge to host. Exit code 5 if the device refuses, trips or fails.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The receiver at the other end of the fibre, whose tags are told too
    #[arg(long, value_name = "ADDRESS")]
    with: Option<DeviceAddress>,
    /// How many slots
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    slots: u64,
    /// What is sent, over and over
    #[arg(long)]
    pattern: Option<Pattern>,
    /// Yes: light may leave the device, nobody looks into the fibre
    #[arg(long)]
    arm: bool,
}

/// Codes of slots, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(pub Vec<u8>);

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let complaint = || {
            format!(
                "{text:?} is no pattern; write up to {} of h, v, d, a, each with a level 0 to 3: hvda or h0v1",
                helio_wire::MAX_PATTERN
            )
        };
        let mut codes = Vec::new();
        for letter in text.chars() {
            match "hvda".find(letter.to_ascii_lowercase()) {
                Some(state) => codes.push(state as u8),
                None => {
                    let level = letter.to_digit(4).ok_or_else(complaint)? as u8;
                    let last = codes.last_mut().filter(|code| **code < 4).ok_or_else(complaint)?;
                    // Sixteen marks that this one has its level.
                    *last |= level << 2 | 16;
                }
            }
        }
        codes.iter_mut().for_each(|code| *code &= 15);
        match codes.len() {
            0 => Err(complaint()),
            length if length > helio_wire::MAX_PATTERN => Err(complaint()),
            _ => Ok(Pattern(codes)),
        }
    }
}

/// Codes as they are written in a pattern; a sync slot is a dot.
pub(super) fn letters(codes: &[u8]) -> String {
    let mut text = String::new();
    for code in codes {
        if *code == SYNC {
            text.push('.');
            continue;
        }
        text.push_str(match Polarization::from_code(*code) {
            Polarization::H => "h",
            Polarization::V => "v",
            Polarization::D => "d",
            Polarization::A => "a",
        });
        if code >> 2 > 0 {
            _ = write!(text, "{}", code >> 2);
        }
    }
    text
}

/// Fires.
///
/// # Errors
/// A device refuses, trips or fails.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let mut sender = args.target.open()?;
    let mut receiver = partner(&args.target, &mut sender, args.with.as_ref())?;
    if sender.identity.role == Role::Bob {
        // The other one sends, if it is there.
        match &mut receiver {
            Some(other) => std::mem::swap(&mut sender, other),
            None => {
                return Err(Failure::usage(format!(
                    "{} is a receiver and fires nothing; choose the sender's device, and name this one with --with",
                    sender.address
                )));
            }
        }
    }
    if !args.arm {
        return Err(Failure::usage(format!(
            "{} would fire its laser; see that nobody looks into the fibre, and add --arm",
            sender.address
        )));
    }
    sender.log.check()?;
    let configure = configure(&sender, receiver.as_ref())?;
    let (sent, received) =
        fire(&mut sender, receiver.as_mut(), configure, args.slots, args.pattern.as_ref())?;
    match global.json {
        true => print_json(&to_json(&sender, &sent, receiver.as_ref().zip(received.as_ref()))),
        false => print(text(&sender, &sent, receiver.as_ref().zip(received.as_ref()))),
    }
}

/// The device at the other end of the light: the one that is named, or the simulated one.
pub(super) fn partner(
    target: &Target,
    device: &mut Session,
    with: Option<&DeviceAddress>,
) -> Result<Option<Session>, Failure> {
    let log = RunLog::new(&target.log);
    if let Some(bench) = &mut device.bench {
        let Some(port) = bench.other.take() else { return Ok(None) };
        return Session::greet(Box::new(port), DeviceAddress::Sim, None, log).map(Some);
    }
    with.map(|address| Session::greet(open(address)?, address.clone(), None, log)).transpose()
}

/// Plays a pattern, or what the sender draws, and leaves all dark. Each device is told its own.
pub(super) fn fire(
    sender: &mut Session,
    receiver: Option<&mut Session>,
    [configure, listen]: [Configure; 2],
    slots: u64,
    pattern: Option<&Pattern>,
) -> Result<(Played, Option<Played>), Failure> {
    super::arm::ready(sender)?;
    if let Some(Pattern(codes)) = pattern {
        sender.command("a pattern", &HostMessage::Pattern(codes))?;
    }
    let source = match pattern {
        Some(_) => Some(SettingsSource::Pattern),
        None => sender.identity.drawn(),
    };
    sender.log.write(
        "fire",
        json!({
            "slots": slots,
            "pattern": pattern.map(|p| letters(&p.0)),
            "source": source_name(&sender.identity, source),
            "slot_ticks": configure.slot_ticks,
            "sync_spacing": configure.sync_spacing,
        }),
    )?;
    let over = AtomicBool::new(false);
    let played = std::thread::scope(|scope| {
        let receiving = receiver.map(|receiver| {
            let over = &over;
            let source = receiver.identity.drawn();
            scope.spawn(move || play(receiver, listen, source, 0, over))
        });
        let sent = play(sender, configure, source, slots, &over);
        let received = receiving.map(|thread| {
            let failed =
                || Failure::new(crate::exit::Exit::Internal, "a thread failed; please report it");
            thread.join().map_err(|_| failed())?
        });
        (sent, received.transpose())
    });
    Ok((played.0?, played.1?))
}

fn text(sender: &Session, sent: &Played, received: Option<(&Session, &Played)>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| _ = writeln!(text, "{name:<16}{value}");
    line("device", format!("{}, dark again", sender.address));
    line("slots", format!("{} played, {} starved", grouped(sent.end.unwrap_or(0)), sent.starved));
    if let Some(source) = sent.source {
        line("settings", source_words(&sender.identity, source));
    }
    line("played", format!("{} ...", letters(&sent.shown)));
    for (code, count) in sent.settings.iter().enumerate().filter(|(_, count)| **count > 0) {
        line("", format!("{:<4}{}", letters(&[code as u8]), grouped(*count)));
    }
    let Some((receiver, played)) = received else { return text };
    line("receiver", receiver.address.to_string());
    if let Some(source) = played.source {
        line("", format!("settings from {}", source_words(&receiver.identity, source)));
    }
    for (channel, count) in played.channels.iter().enumerate().filter(|(_, count)| **count > 0) {
        let name = match usize::from(receiver.identity.channels) > channel {
            true => format!("channel {channel}"),
            false => format!("channel {channel} (sync)"),
        };
        line("", format!("{name:<20}{} tags", grouped(*count)));
    }
    line(
        "lost",
        format!("{} tags in the device, {} ticks on the cable", played.lost, played.missing_ticks),
    );
    let us = |share| receiver.latency.quantile_ns(share).map_or(0.0, |ns| ns / 1e3);
    if receiver.latency.count() > 0 {
        let within = receiver.latency.longest_ns() as f64 / 1e3;
        // Simulated time goes as fast as its hosts let it.
        let whose = if receiver.is_simulated() { " (simulated time)" } else { "" };
        let (median, most) = (us(0.5), us(0.99));
        line(
            "edge to host",
            format!(
                "median {median:.0} µs, 99 % within {most:.0} µs, all within {within:.0} µs{whose}"
            ),
        );
    }
    text
}

/// What came of a run, for scripts.
fn to_json(sender: &Session, sent: &Played, received: Option<(&Session, &Played)>) -> Value {
    let counts: serde_json::Map<String, Value> = sent
        .settings
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(code, count)| (letters(&[code as u8]), json!(count)))
        .collect();
    let received = received.map(|(receiver, played)| {
        json!({
            "address": receiver.address.to_string(),
            "source": source_name(&receiver.identity, played.source),
            "tags": played.channels[..usize::from(receiver.identity.channels).min(16)],
            "sync": played.channels.get(usize::from(receiver.identity.channels)),
            "lost_tags": played.lost,
            "missing_ticks": played.missing_ticks,
            "latency": latency(receiver),
        })
    });
    json!({
        "address": sender.address.to_string(),
        "slots": sent.end,
        "starved_slots": sent.starved,
        "source": source_name(&sender.identity, sent.source),
        "played": letters(&sent.shown),
        "settings": counts,
        "receiver": received,
    })
}

/// From edge to host.
pub(super) fn latency(session: &Session) -> Value {
    let latency = &session.latency;
    json!({
        "edges": latency.count(),
        "median_ns": latency.quantile_ns(0.5),
        "p99_ns": latency.quantile_ns(0.99),
        "longest_ns": latency.longest_ns(),
        "uncertainty_ns": latency.uncertainty_ns(session.now_ns()),
        "histogram": latency.buckets().map(|(upper, count)| json!([upper, count])).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_written_as_it_is_read() {
        for (text, codes) in
            [("hvda", vec![0, 1, 2, 3]), ("h1", vec![4]), ("a3v2h", vec![15, 9, 0])]
        {
            assert_eq!(text.parse(), Ok(Pattern(codes.clone())));
            assert_eq!(letters(&codes), text);
        }
        assert_eq!("H0D".parse(), Ok(Pattern(vec![0, 2])));
        for wrong in ["", "x", "1h", "h4", "h00", "h12", "h v", &"h".repeat(257)] {
            let said = wrong.parse::<Pattern>().unwrap_err();
            assert!(said.contains("write up to"), "{said}");
        }
    }
}
