//! What a run of the engine showed, as one JSON object.

use serde_json::{Map, Value, json};

use crate::engine::block_size::{Choice, Wait};
use crate::engine::figures::{StageFigures, StationFigures};
use crate::engine::{Outcome, Setup};

/// Stages side by side for both stations. A stage is as fast as the slower of the two.
pub fn stages([alice, bob]: &[StationFigures; 2]) -> Map<String, Value> {
    let slower = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let both = alice.stages.iter().zip(&bob.stages);
    let stage = |(a, b): (&StageFigures, &StageFigures)| {
        let value = json!({
            "mbit_per_s": slower(a.mbit_per_s, b.mbit_per_s),
            "cpu_mbit_per_s": slower(a.cpu_mbit_per_s, b.cpu_mbit_per_s),
            "alice": a,
            "bob": b,
        });
        (a.stage.to_owned(), value)
    };
    both.map(stage).collect()
}

/// What reconciliation cost, over all blocks with a key.
pub struct Reconciled {
    /// Disclosed by Alice, by Bob, and what the lengths paid.
    pub leak: [u64; 3],
    /// n·h(QBER).
    pub shannon: f64,
    /// Frames and those that did not decode.
    pub frames: [u64; 2],
    /// A block.
    pub round_trips: f64,
}

impl Reconciled {
    /// Adds it to the stage.
    pub fn insert(&self, stages: &mut Map<String, Value>) {
        let Some(Value::Object(stage)) = stages.get_mut("reconcile") else { return };
        let over = |bits: u64, of: f64| (of > 0.0).then(|| bits as f64 / of);
        let [frames, failed] = self.frames;
        for (name, value) in [
            ("efficiency", json!(over(self.leak[2], self.shannon))),
            ("f_charged", json!(over(self.leak[2], self.shannon))),
            ("f_alice", json!(over(self.leak[0], self.shannon))),
            ("frame_failure", json!(over(failed, frames as f64))),
            ("frames", json!(frames)),
            ("round_trips", json!(self.round_trips)),
        ] {
            stage.insert(name.to_owned(), value);
        }
    }
}

/// A block's length and what it leaves.
fn wait(wait: &Wait) -> Value {
    json!({
        "seconds": wait.seconds,
        "slots": wait.slots,
        "sifted_bits": wait.sifted_bits,
        "key_bits": wait.key_bits,
        "secret_fraction": wait.secret_fraction(),
    })
}

/// Everything a script may want.
pub fn object(setup: &Setup, choice: Option<&Choice>, outcome: &Outcome) -> Value {
    let (link, totals) = (&setup.link, &outcome.totals);
    let parameters = &link.parameters;
    let seconds = outcome.wall.as_secs_f64();
    let per_s = |bits: u64| bits as f64 / 1e6 / seconds;
    let fraction = |bits: u64, of: u64| (of > 0).then(|| bits as f64 / of as f64);
    let expected = &link.prospect;
    let mut stages = stages(&outcome.stations);
    let reconciled = Reconciled {
        leak: totals.leak,
        shannon: totals.shannon,
        frames: totals.frames,
        round_trips: outcome.round_trips,
    };
    reconciled.insert(&mut stages);
    json!({
        "simulated": true,
        "input": "synthetic",
        "seed": setup.seed,
        "code": parameters.code,
        "rtt_ms": setup.round_trip.as_secs_f64() * 1e3,
        "blocks_in_flight": setup.blocks_in_flight,
        "offered_mbit_per_s": setup.rate.map(|rate| rate / 1e6),
        "parameters": parameters,
        "loss_db": link.channel.loss.0,
        "block": {
            "slots": parameters.slots_per_block,
            "sifted_bits": expected.counts.sifted(),
            "choice": choice.map(|choice| choice.waits.iter().map(wait).collect::<Vec<_>>()),
        },
        "blocks": totals.blocks,
        "blocks_with_key": totals.with_key,
        "failed_blocks": totals.failures.iter().map(|(block, why)| json!({"block": block, "why": why})).collect::<Vec<_>>(),
        "qber": fraction(totals.key_errors, totals.sifted_with_key),
        "sifted_bits": totals.sifted[0],
        "test_bits": totals.sifted[1],
        "key_bits": totals.key_bits,
        "keys_equal": totals.key_bits > 0,
        "fingerprint_of_last_key": totals.fingerprint,
        "secret_fraction": fraction(totals.key_bits, totals.sifted[0]),
        "predicted_secret_fraction": fraction(totals.predicted_bits, totals.sifted[0]),
        "predicted_secret_fraction_at_f_1_16": fraction(totals.predicted_at_116, totals.sifted[0]),
        "expected_secret_fraction": link.secret_fraction(),
        "wall_s": seconds,
        "sifted_mbit_per_s": per_s(totals.sifted[0]),
        "secret_mbit_per_s": per_s(totals.key_bits),
        "alice_cpu_mbit_per_s": outcome.stations[0].cpu_mbit_per_s,
        "bob_cpu_mbit_per_s": outcome.stations[1].cpu_mbit_per_s,
        "stations": outcome.stations,
        "stages": stages,
        "device_cpu_s": outcome.device_cpu.as_secs_f64(),
        "device_most_late_s": setup.rate.map(|_| outcome.late.as_secs_f64()),
        "cores": setup.cores,
        "data_mib": outcome.data_bytes as f64 / f64::from(1 << 20),
        "peak_rss_mib": outcome.peak_rss_mib,
        "rss_mib_by_second": outcome.memory,
    })
}
