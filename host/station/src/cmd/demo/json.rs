//! The demo's outcome as one JSON object.

use helio_distill::BlockReport;
use serde_json::{Value, json};

use super::outlook::Outlook;
use crate::bench::{RunOutcome, Scenario};

/// Everything a script may want; `blocks` holds Bob's reports, whose fields are those of the block
/// report.
pub fn object(scenario: &Scenario, outlook: &Outlook, outcome: &RunOutcome) -> Value {
    let (alice, bob) = (&outcome.alice, &outcome.bob);
    let sum = |f: fn(&BlockReport) -> u64| bob.reports.iter().map(f).sum::<u64>();
    let errors = sum(|r| r.test_qber.errors);
    let tested = sum(|r| r.test_qber.bits);
    let wall_s = outcome.wall.as_secs_f64();
    json!({
        "simulated": true,
        "seed": scenario.seed,
        "km": scenario.km(),
        "loss_db": scenario.path.loss().0,
        "seconds": scenario.seconds(),
        "slots": scenario.slots(),
        "slots_per_block": scenario.slots_per_block,
        "eve_share": scenario.intercepted,
        "epsilon_total": scenario.epsilon_total,
        "bound": scenario.bound,
        "detections": sum(|r| r.announced.detections),
        "sifted_bits": sum(|r| r.sifted_key + r.sifted_test),
        "sifted_key_bits": sum(|r| r.sifted_key),
        "qber": if tested > 0 { Some(errors as f64 / tested as f64) } else { None },
        "leak_bits": sum(|r| r.leak_charged),
        "key_bits": bob.key_bits,
        "expected_key_bits": outlook.key_bits * u64::from(scenario.blocks),
        "keys_equal": outcome.keys_equal(),
        "alice_fingerprint": alice.fingerprint,
        "bob_fingerprint": bob.fingerprint,
        "lost_tags": bob.cable.health.lost_edges,
        "lost_slots": sum(|r| r.lost_slots),
        "failed_blocks": bob.failures.iter().map(|(b, why)| json!({"block": b, "why": why})).collect::<Vec<_>>(),
        "blocks": bob.reports,
        "light_s": outcome.light.as_secs_f64(),
        "wall_s": wall_s,
        "million_slots_per_s": scenario.slots() as f64 / 1e6 / outcome.light.as_secs_f64(),
    })
}
