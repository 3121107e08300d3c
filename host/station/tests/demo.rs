//! `helio demo` and `helio optimise` as a user runs them.

use std::process::Command;

use assert_cmd::prelude::*;
use serde_json::Value;

fn helio(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_helio")).args(args).output().expect("helio runs")
}

fn demo_json(args: &[&str]) -> (Value, Option<i32>) {
    let mut all = vec!["demo", "--json"];
    all.extend(args);
    let output = helio(&all);
    let value = serde_json::from_slice(&output.stdout).expect("one JSON object on stdout");
    (value, output.status.code())
}

/// One sentence on standard error that has all of these words.
fn complaint(output: &std::process::Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[test]
fn one_block_gives_equal_keys_and_the_same_ones_again() {
    let (first, code) = demo_json(&["--seconds", "4", "--seed", "11"]);
    assert_eq!(code, Some(0));
    for key in [
        "seed",
        "km",
        "detections",
        "sifted_bits",
        "qber",
        "leak_bits",
        "key_bits",
        "keys_equal",
        "alice_fingerprint",
        "bob_fingerprint",
        "lost_tags",
        "wall_s",
    ] {
        assert!(!first[key].is_null(), "{key} is missing");
    }
    assert_eq!(first["keys_equal"], true);
    assert_eq!(first["alice_fingerprint"], first["bob_fingerprint"]);
    let made = first["key_bits"].as_f64().unwrap();
    let expected = first["expected_key_bits"].as_f64().unwrap();
    assert!((made / expected - 1.0).abs() < 0.1, "{made} against {expected}");
    let (again, _) = demo_json(&["--seconds", "4", "--seed", "11"]);
    for key in ["detections", "sifted_bits", "qber", "leak_bits", "key_bits", "alice_fingerprint"] {
        assert_eq!(first[key], again[key], "{key}");
    }
    let (other, _) = demo_json(&["--seconds", "4", "--seed", "12"]);
    assert_ne!(first["alice_fingerprint"], other["alice_fingerprint"]);
}

/// One decoy: every block that is accepted has the length that was agreed before; an eavesdropper's
/// block is not accepted; detectors that differ are refused.
#[test]
fn one_decoy_makes_keys_of_one_length() {
    let args = ["--bound", "wiesemann", "--seconds", "8", "--compare"];
    let (run, code) = demo_json(&args);
    assert_eq!((code, &run["keys_equal"]), (Some(0), &true.into()));
    assert_eq!(run["bound"]["kind"], "wiesemann");
    let lengths = [0, 1].map(|i| run["blocks"][i]["length"].as_u64().expect("a length"));
    assert!(lengths[0] > 50_000 && lengths[0] == lengths[1], "{lengths:?}");
    assert_eq!(run["expected_key_bits"].as_u64(), Some(2 * lengths[0]));
    assert_eq!(run["blocks"][0]["leak_charged"], run["bound"]["lambda_max"]);
    let compared = &run["compared"];
    assert!(compared["label"].as_str().is_some_and(|label| label.contains("comparison only")));
    for block in compared["blocks"].as_array().expect("blocks") {
        let of = |name: &str| block["as_published"][name].as_u64().expect("a length");
        assert!(of("rusca2018") > of("rusca2018-serfling"));
        assert_eq!(block["key_bits"].as_u64(), Some(lengths[0]));
    }
    let eve =
        helio(&["demo", "--bound", "wiesemann", "--seconds", "4", "--eve", "intercept-resend=0.2"]);
    complaint(&eve, 7, &["no key"]);
    for refused in [&["--mismatch", "0.01"][..], &["--no-swap"]] {
        let args = [&["demo", "--bound", "wiesemann"], refused].concat();
        complaint(&helio(&args), 2, &["no term for detectors that differ"]);
        let args = [&["optimise", "--bound", "wiesemann"], refused].concat();
        complaint(&helio(&args), 2, &["no term for detectors that differ"]);
    }
}

/// What the bounds of papers give for the same counts stands beside the keys, marked as such.
#[test]
fn published_bounds_stand_beside_the_blocks_of_a_run() {
    let (run, code) = demo_json(&["--seconds", "8", "--compare"]);
    assert_eq!(code, Some(0));
    assert!(run["compared"]["label"].as_str().is_some_and(|l| l.contains("no key is made")));
    let blocks = run["compared"]["blocks"].as_array().expect("blocks");
    assert_eq!(blocks.len(), 2);
    for (block, report) in blocks.iter().zip(run["blocks"].as_array().expect("reports")) {
        assert_eq!(block["key_bits"], report["length"]);
        let [lim, serfling] = ["lim2014", "lim2014-serfling"]
            .map(|name| block["as_published"][name].as_u64().expect("a length"));
        assert!(lim >= serfling && serfling > report["length"].as_u64().unwrap(), "{block}");
    }
    let (plain, _) = demo_json(&["--seconds", "4"]);
    assert!(plain["compared"].is_null());
    let text = helio(&["demo", "--seconds", "4", "--compare"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let (_, table) = text.split_once("comparison only, as published").expect("a table");
    assert!(table.contains("lim2014-serfling") && table.contains("  all "), "{table}");
}

#[test]
fn an_eavesdropper_leaves_no_key_and_an_exit_code_of_its_own() {
    let (all, code) = demo_json(&["--seconds", "4", "--eve", "intercept-resend=1"]);
    assert_eq!(code, Some(7));
    assert_eq!((&all["key_bits"], &all["keys_equal"]), (&0.into(), &true.into()));
    let qber = all["qber"].as_f64().unwrap();
    assert!((qber - 0.255).abs() < 0.01, "{qber}");
}

#[test]
fn a_passive_receiver_is_measured_and_makes_no_key() {
    let (all, code) = demo_json(&["--seconds", "4", "--receiver", "passive"]);
    assert_eq!(code, Some(7));
    assert_eq!(all["key_bits"], 0);
    assert!(all["qber"].as_f64().unwrap() < 0.02);
}

#[test]
fn a_picture_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("key.svg");
    let png = folder.path().join("key.png");
    let (svg_name, png_name) = (svg.to_str().unwrap(), png.to_str().unwrap());
    let run = ["demo", "--seconds", "4", "--plot", svg_name, "--plot", png_name];
    Command::new(env!("CARGO_BIN_EXE_helio")).args(run).assert().success();
    let drawing = std::fs::read_to_string(svg).unwrap();
    for words in ["QBER", "key rate", "simulated time (s)"] {
        assert!(drawing.contains(words), "{words}");
    }
    assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn impossible_options_are_one_sentence() {
    complaint(&helio(&["demo", "--km", "2000"]), 2, &["--km 2000", "0 to 1000"]);
    complaint(&helio(&["demo", "--km", "-3"]), 2, &["--km -3", "choose a number"]);
    complaint(&helio(&["demo", "--km", "nan"]), 2, &["--km NaN", "0 to 1000"]);
    complaint(&helio(&["demo", "--km", "far"]), 2, &["'far'", "--km", "--help"]);
    complaint(&helio(&["demo", "--seconds", "0"]), 2, &["--seconds", "0.01"]);
    let many = ["demo", "--block", "10000", "--seconds", "1000"];
    complaint(&helio(&many), 2, &["500000 blocks", "choose longer blocks"]);
    complaint(&helio(&["demo", "--block", "5"]), 2, &["--block", "10000"]);
    complaint(&helio(&["demo", "--eve", "pns"]), 2, &["intercept-resend=SHARE"]);
    complaint(&helio(&["demo", "--mismatch", "0.9"]), 2, &["--mismatch", "0.5"]);
    complaint(&helio(&["demo", "--plot", "key.bmp"]), 2, &["key.bmp", "svg"]);
    complaint(&helio(&["optimise", "--km", "5000"]), 2, &["--km 5000"]);
}

#[test]
fn a_block_too_small_for_any_key_says_so() {
    complaint(&helio(&["demo", "--seconds", "0.1"]), 8, &["too small", "--block", "--seconds"]);
}

#[test]
fn optimising_reports_a_key() {
    let output = helio(&["optimise", "--json"]);
    assert!(output.status.success());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["key_bits"].as_u64().unwrap() > 20_000);
    complaint(&helio(&["optimise", "--km", "400"]), 7, &["no settings", "shorten"]);
}

/// Blocks of few slots or few photons end although no buffer on their way fills up.
#[test]
fn small_blocks_and_dark_links_come_to_an_end() {
    for (args, code) in [
        (["--loss", "200", "--block", "1000000", "--seconds", "1"], 7),
        (["--km", "25", "--block", "10000", "--seconds", "0.2"], 8),
    ] {
        let (all, end) = demo_json(&args);
        assert_eq!(end, Some(code), "{args:?}");
        let blocks = all["slots"].as_u64().unwrap() / all["slots_per_block"].as_u64().unwrap();
        assert_eq!(all["blocks"].as_array().unwrap().len() as u64, blocks, "{args:?}");
        assert_eq!(all["failed_blocks"].as_array().unwrap().len(), 0, "{args:?}");
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_told_before_the_run() {
    let output = helio(&["demo", "--plot", "/no/such/folder/key.svg"]);
    complaint(&output, 3, &["/no/such/folder/key.svg", "check the folder"]);
    assert!(output.stdout.is_empty(), "nothing has run");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_run_with_a_word_and_130() {
    use std::process::Stdio;
    let mut run = Command::new(env!("CARGO_BIN_EXE_helio"))
        .args(["demo", "--seconds", "2000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("helio starts");
    // The first line of output says that the handler stands.
    let mut first = [0];
    std::io::Read::read_exact(run.stdout.as_mut().unwrap(), &mut first).unwrap();
    Command::new("kill").args(["-INT", &run.id().to_string()]).assert().success();
    complaint(&run.wait_with_output().unwrap(), 130, &["helio: interrupted"]);
}
