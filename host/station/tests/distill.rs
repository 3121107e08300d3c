//! `helio distill` as a user runs it: small blocks, real sessions over TCP, files of bits.

#[path = "support/command.rs"]
mod command;

use std::path::Path;

use command::{complaint, helio};
use serde_json::Value;

fn json(folder: &Path, args: &[&str]) -> Value {
    let output = helio(folder, &[&["distill", "--json"], args].concat());
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}");
    serde_json::from_slice(&output.stdout).expect("one JSON object on stdout")
}

fn number(value: &Value, path: &str) -> f64 {
    let found = value.pointer(path).unwrap_or_else(|| panic!("{path} is missing"));
    found.as_f64().unwrap_or_else(|| panic!("{path} is {found}"))
}

/// Fields that hang together, whatever the machine.
fn check_figures(run: &Value) {
    let [sifted, secret] = ["/sifted_mbit_per_s", "/secret_mbit_per_s"].map(|p| number(run, p));
    assert!(sifted > 0.0 && secret > 0.0 && secret < sifted);
    let fraction = number(run, "/secret_fraction");
    assert!((secret / sifted / fraction - 1.0).abs() < 1e-9, "{secret} {sifted} {fraction}");
    assert!(number(run, "/peak_rss_mib") > 1.0);
    for stage in ["reconcile", "verify", "amplify", "transport"] {
        let wall = number(run, &format!("/stages/{stage}/mbit_per_s"));
        for station in ["alice", "bob"] {
            let own = number(run, &format!("/stages/{stage}/{station}/mbit_per_s"));
            assert!(own >= wall, "{stage} {station}");
            assert!(number(run, &format!("/stages/{stage}/{station}/wall_s")) > 0.0);
        }
        assert!(number(run, &format!("/stages/{stage}/cpu_mbit_per_s")) > 0.0);
    }
    let f = ["efficiency", "f_charged", "f_alice"]
        .map(|f| number(run, &format!("/stages/reconcile/{f}")));
    assert!(f[0] == f[1] && f[1] >= f[2] && f[2] > 1.0, "{f:?}");
    let failed = number(run, "/stages/reconcile/frame_failure");
    assert!((0.0..=1.0).contains(&failed));
    assert!(number(run, "/stages/reconcile/round_trips") >= 1.0);
}

#[test]
fn a_synthetic_run_makes_equal_keys_of_the_predicted_length() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--synthetic", "--qber", "0.02", "--block", "500000", "--blocks", "2"];
    let run = json(folder.path(), &args);
    check_figures(&run);
    assert_eq!(run["simulated"], true);
    assert_eq!((run["blocks"].as_u64(), run["blocks_with_key"].as_u64()), (Some(2), Some(2)));
    let made = number(&run, "/secret_fraction");
    assert_eq!(made, number(&run, "/predicted_secret_fraction"));
    assert!((made / number(&run, "/expected_secret_fraction") - 1.0).abs() < 0.1);
    assert!((number(&run, "/qber") / 0.02 - 1.0).abs() < 0.1);
    for stage in ["intake", "sift", "estimate", "release"] {
        assert!(number(&run, &format!("/stages/{stage}/bob/wall_s")) > 0.0, "{stage}");
        assert!(number(&run, &format!("/stages/{stage}/bob/queue_mean")) >= 0.0);
    }
    // Bob's time is his own: stages, line and what has no name are not more than the run's.
    let bob = &run["stations"][1];
    let stages = bob["stages"].as_array().unwrap();
    let busy: f64 = stages.iter().map(|s| s["wall_s"].as_f64().unwrap()).sum();
    let idle = number(bob, "/idle_s");
    assert!(busy + idle < 1.1 * number(&run, "/wall_s") + 0.5, "{busy} {idle}");

    let again = json(folder.path(), &args);
    for field in ["fingerprint_of_last_key", "key_bits", "sifted_bits"] {
        assert_eq!(run[field], again[field], "{field}");
    }
    let other = json(folder.path(), &[&args[..], &["--seed", "2"]].concat());
    assert_ne!(run["fingerprint_of_last_key"], other["fingerprint_of_last_key"]);
}

#[test]
fn a_rate_a_delay_and_the_other_code_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "--synthetic",
        "--rate",
        "500kbit",
        "--block",
        "500000",
        "--seconds",
        "1.5",
        "--code",
        "cascade",
        "--rtt-ms",
        "2",
    ];
    let run = json(folder.path(), &args);
    check_figures(&run);
    assert_eq!(run["code"], "cascade");
    assert_eq!(number(&run, "/offered_mbit_per_s"), 0.5);
    // What is not offered cannot be distilled: one block a second.
    assert!(number(&run, "/sifted_mbit_per_s") < 0.51);
    assert!(number(&run, "/stages/reconcile/round_trips") > 2.0);
    assert!(number(&run, "/device_most_late_s") >= 0.0);
}

#[test]
fn the_block_is_chosen_from_the_rate_and_people_see_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let output = helio(
        folder.path(),
        &["distill", "--synthetic", "--rate", "1Mbit", "--seconds", "0.1", "--loss", "5"],
    );
    let text = String::from_utf8_lossy(&output.stdout);
    for word in ["SIMULATED", "waiting", "(chosen)", "reconcile", "secret", "memory", "whole"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
}

/// Two files with these many errors, as text and packed.
fn write_files(folder: &Path, bits: usize, errors: usize) {
    let mut state = 7u64;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let alice: Vec<bool> = (0..bits).map(|_| draw() & 1 == 1).collect();
    let mut bob = alice.clone();
    (0..errors).for_each(|i| bob[i * 7919 % bits] ^= true);
    let packed = |bits: &[bool]| -> Vec<u8> {
        bits.chunks(8)
            .map(|c| c.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
            .collect()
    };
    let text: String = bob.iter().map(|&bit| if bit { '1' } else { '0' }).collect();
    std::fs::write(folder.join("alice.bits"), packed(&alice)).unwrap();
    std::fs::write(folder.join("bob.txt"), text + "\n").unwrap();
}

#[test]
fn files_become_equal_and_a_key_only_on_the_callers_word() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), 80_000, 1600);
    let files = ["alice.bits", "bob.txt", "--block", "40000"];
    let run = json(folder.path(), &[&files[..], &["--secret-fraction", "0.3"]].concat());
    check_figures(&run);
    assert_eq!((run["blocks"].as_u64(), run["verified_blocks"].as_u64()), (Some(2), Some(2)));
    assert_eq!(
        (run["corrected_errors"].as_u64(), run["key_bits"].as_u64()),
        (Some(1600), Some(24_000))
    );
    assert_eq!(number(&run, "/qber"), 0.02);
    assert!(run["stages"].get("sift").is_none(), "nothing is sifted");
    assert!(run.get("fingerprint_of_last_key").is_none(), "files may hold real bits");

    let without = json(folder.path(), &[&files[..], &["--qber", "0.025"]].concat());
    assert_eq!(without["key_bits"].as_u64(), Some(0));
    assert_eq!(without["qber_source"], "given");
    let greedy =
        helio(folder.path(), &[&["distill"], &files[..], &["--secret-fraction", "0.95"]].concat());
    complaint(&greedy, 7, &["--secret-fraction 0.95", "choose a smaller one"]);
}

#[test]
fn what_cannot_be_distilled_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let at = |args: &[&str]| helio(folder.path(), &[&["distill"], args].concat());
    write_files(folder.path(), 8_000, 10);
    std::fs::write(folder.path().join("short"), [1, 2, 3]).unwrap();
    std::fs::write(folder.path().join("empty"), []).unwrap();
    std::fs::write(folder.path().join("blank"), " \n").unwrap();
    complaint(&at(&["alice.bits", "short"]), 3, &["8 000", "24", "same length"]);
    complaint(&at(&["empty", "empty"]), 3, &["empty", "no bits"]);
    complaint(&at(&["alice.bits", "blank"]), 3, &["blank", "no bits"]);
    complaint(&at(&["alice.bits", "nowhere"]), 3, &["nowhere", "cannot be read"]);
    complaint(&at(&["--synthetic", "--qber", "0.7"]), 2, &["--qber 0.7"]);
    complaint(&at(&["--synthetic", "--qber", "nan"]), 2, &["--qber"]);
    complaint(&at(&["--synthetic", "--rate", "100"]), 2, &["100Mbit"]);
    complaint(&at(&["--synthetic", "--block", "10"]), 2, &["--block 10"]);
    complaint(&at(&["--synthetic", "--blocks", "0"]), 2, &["--blocks 0"]);
    complaint(&at(&["--synthetic", "--cores", "0"]), 2, &["--cores"]);
    complaint(&at(&["--synthetic", "--qber", "0.11"]), 7, &["no block of this link"]);
    complaint(&at(&["--synthetic", "--block", "10000"]), 7, &["longer --block"]);
    let usage = |args: &[&str]| assert_eq!(at(args).status.code(), Some(2), "{args:?}");
    usage(&[]);
    usage(&["alice.bits"]);
    usage(&["alice.bits", "bob.txt", "--synthetic"]);
    usage(&["alice.bits", "bob.txt", "--rate", "1Mbit"]);
    usage(&["--synthetic", "--secret-fraction", "0.3"]);
}
