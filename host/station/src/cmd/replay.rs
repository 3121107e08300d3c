//! `helio replay`: the same keys again from a recorded run.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::bench::{RunFault, Update};
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::recording::{self, Replay, ReplayFault};
use crate::term::{grouped, si, trimmed};

const EXAMPLES: &str = "Examples:
  helio demo --record run && helio replay run
  helio replay run --json";

/// Make the same keys again from a recorded run
///
/// Checks the recorded trace first, and says what is wrong where it was cut, shifted or had channels
/// exchanged. Then both stations run on the recorded clicks and settings, and their keys are compared with
/// the recorded ones.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Replayed {
    /// The folder that helio demo --record has written
    folder: PathBuf,
}

/// Replays a run.
///
/// # Errors
/// A recording that is not whole, and keys that differ from the recorded ones.
pub fn run(args: &Replayed, global: &Global) -> Result<(), Failure> {
    let mut shown = Ok(());
    let replay = recording::replay(&args.folder, |update| {
        if let Update::Block(helio_wire::Role::Bob, report) = update
            && !global.json
            && shown.is_ok()
        {
            shown = print(format_args!(
                "block {:>3}   {:>10} sifted, {:>9} bits of key  {}\n",
                report.id.block,
                grouped(report.sifted_key),
                grouped(report.length),
                report.fingerprint.as_deref().unwrap_or("-")
            ));
        }
    });
    shown?;
    let replay = replay.map_err(|fault| {
        let exit = match &fault {
            ReplayFault::Recording(_) | ReplayFault::Run(RunFault::Recording(_)) => Exit::File,
            ReplayFault::Run(_) => Exit::Configuration,
        };
        Failure::new(exit, fault)
    })?;
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
