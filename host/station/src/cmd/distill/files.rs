//! `helio distill ALICE_FILE BOB_FILE`: two strings of sifted bits made one.

use std::path::Path;

use helio_distill::bound::Epsilon;
use serde_json::json;

use super::{Distill, failure, json, text};
use crate::cli::Global;
use crate::cmd::link_args::within;
use crate::engine::strings::{self, Outcome, Setup, error_rate};
use crate::exit::{Exit, Failure, print, print_json};
use crate::term::{Progress, grouped, trimmed};

/// Bits of a block where none are asked for.
const BLOCK: f64 = 1e6;

/// Reads both files and runs the two parties.
///
/// # Errors
/// Files that cannot be used, options that cannot be meant, or no block that came to its end.
pub fn run(args: &Distill, [alice, bob]: [&Path; 2], global: &Global) -> Result<(), Failure> {
    let cores = args.check()?;
    if let Some(share) = args.secret_fraction {
        within("secret-fraction", share, 1e-6, 1.0)?;
    }
    let strings = [strings::read(alice)?, strings::read(bob)?];
    let [of_alice, of_bob] = strings.each_ref().map(|bits| bits.len() as u64);
    if of_alice != of_bob {
        return Err(Failure::new(
            Exit::File,
            format!(
                "{} has {} bits and {} has {}; give two files of the same length",
                alice.display(),
                grouped(of_alice),
                bob.display(),
                grouped(of_bob)
            ),
        ));
    }
    let measured = error_rate(&strings);
    let setup = Setup {
        qber: args.qber.unwrap_or(measured),
        strings,
        block: args.block.unwrap_or(BLOCK) as u64,
        code: args.code_choice(f64::INFINITY),
        epsilon_ev: Epsilon::split(args.epsilon, false).ev,
        secret_fraction: args.secret_fraction,
        round_trip: args.round_trip(),
        seed: args.seed,
        cores,
    };
    let refused = |why| Failure::new(Exit::NoKey, format!("{why}; choose other files or --block"));
    let most = setup.most_secret().map_err(refused)?;
    if let Some(share) = args.secret_fraction
        && share > most
    {
        return Err(Failure::new(
            Exit::NoKey,
            format!(
                "--secret-fraction {share} is more than the {most:.3} that reconciliation and \
                 verification may leave; choose a smaller one"
            ),
        ));
    }
    let about = json!({
        "qber_planned": setup.qber,
        "qber": measured,
        "qber_source": if args.qber.is_some() { "given" } else { "counted from both files" },
        "code": setup.code,
        "rtt_ms": args.rtt_ms,
        "secret_fraction_assumed": args.secret_fraction,
        "most_secret_fraction": most,
    });
    if !global.json {
        let source = if args.qber.is_some() { "as given" } else { "counted from both files" };
        print(format_args!(
            "strings     {} bits each, QBER {:.3} %; planned for {:.3} %, {source}\n",
            grouped(of_alice),
            100.0 * measured,
            100.0 * setup.qber,
        ))?;
    }
    let blocks = (of_alice as f64 / setup.block as f64).round().max(1.0) as u64;
    let mut bar = Progress::of_blocks("distilling", blocks);
    let outcome = strings::run(setup, |done| bar.at(done));
    drop(bar);
    let outcome = outcome.map_err(failure)?;
    match global.json {
        true => print_json(&object(about, &outcome))?,
        false => print(closing(args, &outcome))?,
    }
    match outcome.totals.blocks[1] {
        0 => {
            let why = outcome.totals.failures.first().map_or("no block", |(_, why)| why.as_str());
            Err(Failure::new(Exit::NoKey, format!("no block came to its end: {why}")))
        }
        _ => Ok(()),
    }
}

fn object(mut about: serde_json::Value, outcome: &Outcome) -> serde_json::Value {
    let totals = &outcome.totals;
    let seconds = outcome.wall.as_secs_f64();
    let mut stages = json::stages(&outcome.stations);
    // What bare strings do not pass through.
    stages.retain(|name, _| {
        matches!(name.as_str(), "reconcile" | "verify" | "amplify" | "transport")
    });
    let reconciled = json::Reconciled {
        leak: totals.leak,
        shannon: totals.shannon,
        frames: totals.frames,
        round_trips: outcome.round_trips,
    };
    reconciled.insert(&mut stages);
    let failures = totals.failures.iter();
    let failures: Vec<_> = failures.map(|(b, why)| json!({"block": b, "why": why})).collect();
    let figures = json!({
        "input": "files",
        "sifted_bits": outcome.bits,
        "blocks": totals.blocks[0],
        "verified_blocks": totals.blocks[1],
        "failed_blocks": failures,
        "corrected_errors": totals.errors[0],
        "key_bits": totals.key_bits,
        "keys_equal": totals.key_bits > 0,
        "secret_fraction": totals.key_bits as f64 / outcome.bits as f64,
        "wall_s": seconds,
        "sifted_mbit_per_s": outcome.bits as f64 / 1e6 / seconds,
        "secret_mbit_per_s": totals.key_bits as f64 / 1e6 / seconds,
        "stations": outcome.stations,
        "stages": stages,
        "peak_rss_mib": outcome.peak_rss_mib,
    });
    if let (Some(about), serde_json::Value::Object(figures)) = (about.as_object_mut(), figures) {
        about.extend(figures);
    }
    about
}

fn closing(args: &Distill, outcome: &Outcome) -> String {
    let totals = &outcome.totals;
    let seconds = outcome.wall.as_secs_f64();
    let over = |bits: u64| if totals.shannon > 0.0 { bits as f64 / totals.shannon } else { 0.0 };
    let mut lines = text::table(&outcome.stations);
    lines += &format!(
        "\nreconcile   f_charged {:.3}, f_alice {:.3}, {} of {} frames failed, {:.1} round trips a \
         block\nverified    {} of {} blocks, {} errors corrected\n",
        over(totals.leak[2]),
        over(totals.leak[0]),
        totals.frames[1],
        grouped(totals.frames[0]),
        outcome.round_trips,
        totals.blocks[1],
        totals.blocks[0],
        grouped(totals.errors[0]),
    );
    for (block, why) in totals.failures.iter().take(3) {
        lines += &format!("block {block}     {why}\n");
    }
    lines += &match args.secret_fraction {
        Some(share) => format!(
            "key         {} bits, equal on both sides, on the word of --secret-fraction {share}: bare \
             strings do not tell what is secret\n",
            grouped(totals.key_bits)
        ),
        None => {
            "key         none: bare strings do not tell what is secret; --secret-fraction says it\n"
                .to_owned()
        }
    };
    lines += &format!(
        "whole       {} Mbit/s sifted, {} Mbit/s key, in {seconds:.2} s\n",
        trimmed(outcome.bits as f64 / 1e6 / seconds, 4),
        trimmed(totals.key_bits as f64 / 1e6 / seconds, 4),
    );
    lines
}
