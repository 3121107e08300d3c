//! `helio replay`: the same keys again from a recorded run.

use std::path::PathBuf;

use clap::Args;
use helio_distill::BlockReport;
use serde_json::json;

use crate::bench::{RunFault, Update};
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::recording::{self, Replay, ReplayFault, StationReplay};
use crate::term::{grouped, si, trimmed};

const EXAMPLES: &str = "Examples:
  helio demo --record run && helio replay run
  helio replay runs/2026-11-26T12-30-05Z-bob-4f1c02aa    one station, recorded by helio bob --record
  helio replay run --json";

/// Make the same keys again from a recorded run
///
/// Checks the recorded trace first, and says what is wrong where it was cut, shifted or had channels
/// exchanged. Then both stations run on the recorded clicks and settings, and their keys are compared with
/// the recorded ones. The recording of one station (helio alice or bob --record) is told again what the
/// other one said, and every word and every key is compared.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Replayed {
    /// The folder that helio demo --record has written, or a run's folder of a station that recorded
    folder: PathBuf,
}

/// Replays a run.
///
/// # Errors
/// A recording that is not whole, and keys that differ from the recorded ones.
pub fn run(args: &Replayed, global: &Global) -> Result<(), Failure> {
    let mut shown = Ok(());
    let mut show = |report: &BlockReport| {
        if !global.json && shown.is_ok() {
            shown = print(format_args!(
                "block {:>3}   {:>10} sifted, {:>9} bits of key  {}\n",
                report.id.block,
                grouped(report.sifted_key),
                grouped(report.length),
                report.fingerprint.as_deref().unwrap_or("-")
            ));
        }
    };
    if recording::is_station(&args.folder) {
        let replay = recording::replay_station(&args.folder, show);
        shown?;
        return one_station(args, global, &replay.map_err(failure)?);
    }
    if recording::is_unrecorded(&args.folder) {
        return Err(Failure::file(
            &args.folder,
            "is the folder of a run that was not recorded; start the station with --record to have \
             the next one",
        ));
    }
    let replay = recording::replay(&args.folder, |update| {
        if let Update::Block(helio_wire::Role::Bob, report) = update {
            show(&report);
        }
    });
    shown?;
    let replay = replay.map_err(failure)?;
    if global.json {
        print_json(&object(&replay))?;
    } else {
        print(words(&replay))?;
    }
    if replay.same_keys() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::File,
        format!(
            "{} gives other keys than were recorded; the recording was changed, or made by another \
             version of helio ({})",
            args.folder.display(),
            replay.run.program
        ),
    ))
}

fn failure(fault: ReplayFault) -> Failure {
    let exit = match &fault {
        ReplayFault::Recording(_) | ReplayFault::Run(RunFault::Recording(_)) => Exit::File,
        ReplayFault::Run(_) => Exit::Configuration,
    };
    Failure::new(exit, fault)
}

fn one_station(args: &Replayed, global: &Global, replay: &StationReplay) -> Result<(), Failure> {
    let all = (replay.times.check + replay.times.talk).as_secs_f64();
    let bits: u64 = replay.made.iter().map(|key| key.bits).sum();
    if global.json {
        print_json(&json!({
            "simulated": true,
            "role": replay.role,
            "clicks": replay.times.clicks,
            "recorded_s": replay.recorded_s,
            "check_s": replay.times.check.as_secs_f64(),
            "talk_s": replay.times.talk.as_secs_f64(),
            "messages": replay.messages,
            "differs_at_message": replay.differs_at,
            "same_keys": replay.is_the_same(),
            "recorded": { "keys": replay.recorded },
            "made": { "keys": replay.made },
        }))?;
    } else {
        let rate = |stage: std::time::Duration| {
            trimmed(replay.times.clicks as f64 / 1e6 / stage.as_secs_f64(), 3)
        };
        let clicks = match replay.times.clicks {
            0 => String::new(),
            clicks => format!(
                "trace       {} clicks, whole\nread        {} M clicks/s\nkeys        {} M clicks/s \
                 from clicks to keys\n",
                grouped(clicks),
                rate(replay.times.check),
                rate(replay.times.talk)
            ),
        };
        print(format_args!(
            "\n{} alone, {} of its life\n{clicks}messages    {}, {}\nspeed       {} times real \
             time\nkey         {} bits in {} keys, {}\n",
            replay.role,
            si(replay.recorded_s, "s", 3),
            grouped(replay.messages),
            match replay.differs_at {
                None => "every one as recorded".to_owned(),
                Some(at) => format!("number {at} is the first that differs"),
            },
            trimmed(replay.recorded_s / all, 3),
            grouped(bits),
            replay.made.len(),
            if replay.is_the_same() { "the same as recorded" } else { "NOT the same as recorded" }
        ))?;
    }
    if replay.is_the_same() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::File,
        format!(
            "{} gives other words or keys than were recorded; the recording was changed, or made by \
             another version of helio",
            args.folder.display()
        ),
    ))
}

/// Simulated or measured time that the recording spans, in seconds.
fn recorded_s(replay: &Replay) -> f64 {
    let tick_s = replay.run.tick_ps.0 as f64 / f64::from(replay.run.tick_ps.1) * 1e-12;
    let ticks = replay.run.channels.iter().map(|c| c.last_tick).max().unwrap_or(0)
        - replay.run.channels.iter().map(|c| c.first_tick).min().unwrap_or(0);
    ticks as f64 * tick_s
}

fn words(replay: &Replay) -> String {
    let bits: u64 = replay.made.keys.iter().map(|(_, bits, _)| bits).sum();
    let times = &replay.times;
    let seconds = recorded_s(replay);
    let all = times.check + times.talk;
    format!(
        "\ntrace       {} clicks in {}, whole\nread        {} M clicks/s\nkeys        {} M clicks/s \
         from clicks to keys\nspeed       {} times real time\nkey         {} bits in {} keys, {}\n",
        grouped(times.clicks),
        si(seconds, "s", 3),
        trimmed(times.clicks as f64 / 1e6 / times.check.as_secs_f64(), 3),
        trimmed(times.clicks as f64 / 1e6 / times.talk.as_secs_f64(), 3),
        trimmed(seconds / all.as_secs_f64(), 3),
        grouped(bits),
        replay.made.keys.len(),
        if replay.same_keys() { "the same as recorded" } else { "NOT the same as recorded" }
    )
}

fn object(replay: &Replay) -> serde_json::Value {
    json!({
        "simulated": true,
        "clicks": replay.times.clicks,
        "recorded_s": recorded_s(replay),
        "check_s": replay.times.check.as_secs_f64(),
        "talk_s": replay.times.talk.as_secs_f64(),
        "same_keys": replay.same_keys(),
        "recorded": replay.recorded,
        "made": replay.made,
    })
}
