//! `helio optimise`: the intensities and probabilities that leave the longest key.

use std::time::Instant;

use clap::Args;
use helio_distill::bound::Acceptance;
use helio_distill::channel_model::Prospect;
use helio_distill::optimise::{Bias, Optimum, Problem, Settings, Weakest, optimise};
use helio_sim::Path;
use helio_units::{Decibel, MeanPhotons};
use serde_json::json;

use crate::bench::{Scenario, defaults};
use crate::cli::Global;
use crate::cmd::bound_arg::BoundArg;
use crate::engine::block_size::{self, Choice, Limits, Wait};
use crate::engine::link::MOST_SLOTS;
use crate::exit::{Exit, Failure, print, print_json};
use crate::quantity::Share;
use crate::term::{grouped, si, trimmed};

const EXAMPLES: &str = "Examples:
  helio optimise                      the default link; finds the program's default intensities
  helio optimise --km 80 --block 100000000
  helio optimise --no-swap --mismatch 0.05 --json
  helio optimise --bound wiesemann    one decoy; with the acceptance to write into both stations' files";

/// Find the intensities and probabilities that leave the longest key on a link
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Optimise {
    /// Length of the fibre in km, at 0.2 dB/km
    #[arg(long, default_value_t = 25.0)]
    km: f64,
    /// Emitted slots of a block
    #[arg(long, default_value_t = defaults::SLOTS_PER_BLOCK, value_name = "SLOTS")]
    block: u32,
    /// What gives the length of a key, and so how many decoys are looked for
    #[arg(long, default_value = "varlen2d")]
    bound: BoundArg,
    /// Detector efficiencies differ by ± this fraction: 0.01 by default, and 0 with wiesemann, which
    /// has no term for it
    #[arg(long, value_name = "FRACTION")]
    mismatch: Option<f64>,
    /// Without the random swap of Bob's detectors
    #[arg(long)]
    no_swap: bool,
}

/// Searches for `scenario`'s best settings. The weakest intensity stays as it is: it is what the
/// modulator's extinction leaves, not a choice.
///
/// # Errors
/// A number outside the model's range, in words.
pub fn search(scenario: &Scenario) -> Result<Optimum, String> {
    let weakest = scenario.mu_nano[2] as f64 / 1e9;
    let problem = Problem {
        channel: scenario.channel(),
        slots: u64::from(scenario.slots_per_block),
        sync_fraction: 1.0 / f64::from(scenario.sync_spacing),
        eps_total: scenario.epsilon_total,
        mismatch: scenario.mismatch().map_err(|e| e.to_string())?,
        weakest: Weakest::Fixed(MeanPhotons::new(weakest).ok_or("the weakest intensity")?),
        bias: Bias::Shared,
    };
    optimise(&problem, |n, q| scenario.expected_leak(n, q)).map_err(|e| e.to_string())
}

/// What was found, of either kind of source.
struct Found {
    settings: Settings,
    prospect: Prospect,
    evaluations: u32,
    /// Of a fixed length.
    acceptance: Option<Acceptance>,
}

fn find(scenario: &Scenario, bound: BoundArg) -> Result<Found, String> {
    if bound == BoundArg::Varlen2d {
        let Optimum { settings, prospect, evaluations } = search(scenario)?;
        return Ok(Found { settings, prospect, evaluations, acceptance: None });
    }
    let found = scenario.optimum_of_one_decoy().map_err(|e| e.to_string())?;
    Ok(Found {
        settings: found.settings,
        prospect: found.prospect.prospect(),
        evaluations: found.evaluations,
        acceptance: Some(found.prospect.bound.acceptance),
    })
}

/// What is gained by waiting for longer blocks, each with settings of its own.
fn waits(scenario: &Scenario, bound: BoundArg) -> Result<Option<Choice>, String> {
    let limits = Limits { least_seconds: 0.0, most_bits: f64::INFINITY, most_slots: MOST_SLOTS };
    block_size::choose(&limits, |seconds| {
        let slots = seconds * scenario.slot_rate_hz();
        let slots_per_block = slots.clamp(1.0, MOST_SLOTS as f64) as u32;
        let prospect = find(&Scenario { slots_per_block, ..scenario.clone() }, bound)?.prospect;
        let (sifted_bits, key_bits) = (prospect.counts.sifted(), prospect.length.ell);
        Ok(Wait { seconds, slots: slots as u64, sifted_bits, key_bits })
    })
}

/// Runs the search and prints what it found.
///
/// # Errors
/// Impossible options, or a link on which no settings give a key.
pub fn run(args: &Optimise, global: &Global) -> Result<(), Failure> {
    if !(0.0..=1000.0).contains(&args.km) {
        return Err(Failure::usage(format!(
            "--km {} is outside 0 to 1000; choose a number within",
            args.km
        )));
    }
    let one_decoy = args.bound == BoundArg::Wiesemann;
    if one_decoy && (args.mismatch.is_some_and(|mismatch| mismatch > 0.0) || args.no_swap) {
        return Err(Failure::usage(
            "--bound wiesemann has no term for detectors that differ; leave --mismatch and --no-swap \
             out, or take varlen2d",
        ));
    }
    let base = Scenario::default();
    let efficiency_mismatch = if one_decoy { 0.0 } else { base.efficiency_mismatch };
    let scenario = Scenario {
        path: Path::Fibre {
            length_km: args.km,
            attenuation_per_km: Decibel(0.2),
            group_index: 1.468,
        },
        slots_per_block: args.block,
        efficiency_mismatch: args.mismatch.unwrap_or(efficiency_mismatch),
        random_swap: !args.no_swap,
        ..base
    };
    let begun = Instant::now();
    let optimum = find(&scenario, args.bound).map_err(Failure::usage)?;
    let searched_s = begun.elapsed().as_secs_f64();
    let (settings, prospect) = (&optimum.settings, &optimum.prospect);
    let waits = waits(&scenario, args.bound).map_err(Failure::usage)?;
    let mu_nano = settings.mu.map(|mu| (mu * 1e9).round() as u64);
    if global.json {
        print_json(&json!({
            "km": args.km,
            "bound": args.bound.bound().name(),
            "slots_per_block": args.block,
            "acceptance": optimum.acceptance,
            "mu_nano": mu_nano,
            "intensity_weights": settings.intensity_parts,
            "key_weights": settings.key_basis_parts,
            "sifted_bits": prospect.counts.sifted(),
            "qber": prospect.counts.qber_test(),
            "leak_bits": prospect.disclosed.leak,
            "key_bits": prospect.length.ell,
            "evaluations": optimum.evaluations,
            "chosen_block": waits.as_ref().map(|waits| json!({
                "slots": waits.block().slots,
                "seconds": waits.block().seconds,
            })),
            "waits": waits.iter().flat_map(|waits| &waits.waits).map(|wait| json!({
                "seconds": wait.seconds,
                "slots": wait.slots,
                "key_bits_per_s": wait.key_rate(),
                "secret_fraction": wait.secret_fraction(),
            })).collect::<Vec<_>>(),
        }))?;
    } else {
        let used = args.bound.bound().intensities();
        let parts = |p: u16| format!("{:.1}", f64::from(p) / 40.96);
        print(format_args!(
            "mu          {} photons\nchosen      {} % ({:?} of 4096)\nkey basis   {} % ({:?} of 4096)\n\
             expected    {} sifted bits, QBER {:.2} %, {} bits of key a block of {} slots\n\
             search      {} points in {:.1} s\n",
            settings.mu.map(|mu| trimmed(mu, 4))[..used].join(" / "),
            settings.intensity_parts.map(parts)[..used].join(" / "),
            &settings.intensity_parts[..used],
            parts(settings.key_basis_parts[0]),
            settings.key_basis_parts,
            grouped(prospect.counts.sifted() as u64),
            100.0 * prospect.counts.qber_test(),
            grouped(prospect.length.ell),
            grouped(u64::from(args.block)),
            optimum.evaluations,
            searched_s,
        ))?;
        if let Some(acceptance) = optimum.acceptance {
            print(format_args!(
                "\n[protocol.acceptance]\nsingle_photons = {}\nphase_error = \"{}\"\nleak_bits = {}\n\n",
                acceptance.single_photons,
                Share(acceptance.phase_error_nano.into()),
                acceptance.lambda_max,
            ))?;
        }
        if let Some(waits) = &waits {
            let one = |wait: &Wait| {
                format!("{} s {}", trimmed(wait.seconds, 3), si(wait.key_rate(), "bit/s", 3))
            };
            let some: Vec<_> = waits.waits.iter().filter(|w| w.key_bits > 0).map(one).collect();
            print(format_args!(
                "waiting     {}\n            a block of {} slots, {} s, is enough: {:.0} % of the most\n",
                some.join(", "),
                grouped(waits.block().slots),
                trimmed(waits.block().seconds, 3),
                100.0 * waits.share(),
            ))?;
        }
    }
    if prospect.length.ell == 0 {
        return Err(Failure::new(
            Exit::NoKey,
            "no settings leave a key on this link; shorten it or give the block more slots",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_optimum_of_the_default_link() {
        let found = search(&Scenario::default()).unwrap().settings;
        let mu = found.mu.map(|mu| (mu * 1e9).round() as u64);
        assert_eq!(mu, defaults::MU_NANO);
        assert_eq!(found.intensity_parts, defaults::INTENSITY_WEIGHTS);
        assert_eq!(found.key_basis_parts, [defaults::KEY_WEIGHT; 2]);
    }
}
