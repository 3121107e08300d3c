//! `helio demo --record` and `helio replay`: the same keys again, and what is said of a recording that
//! is not what it was.

use std::fs::{File, read_to_string, write};
use std::path::Path;
use std::process::{Command, Output};

use helio_trace::{TimeTag, TraceFormat};
use helio_units::Ticks;
use serde_json::Value;

#[path = "support/clicks.rs"]
mod clicks;

use clicks::rewrite;

fn helio(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio")).args(args).output().expect("helio runs")
}

fn record(folder: &Path, options: &[&str]) {
    let mut args = vec!["demo", "--record", folder.to_str().unwrap()];
    args.extend(options);
    let output = helio(&args);
    assert!(
        matches!(output.status.code(), Some(0 | 7 | 8)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn replay(folder: &Path) -> (Value, Option<i32>) {
    let output = helio(&["replay", folder.to_str().unwrap(), "--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    (serde_json::from_str(&text).expect("one JSON object"), output.status.code())
}

/// The one sentence with which a replay fails.
fn complaint(folder: &Path) -> String {
    let output = helio(&["replay", folder.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert_eq!(text.lines().count(), 1, "one sentence: {text}");
    text
}

#[test]
fn twenty_recorded_runs_give_the_same_keys_again() {
    let home = tempfile::tempdir().unwrap();
    let mut keys = 0;
    for seed in 1..=20u32 {
        let folder = home.path().join(seed.to_string());
        let seed_text = seed.to_string();
        let mut options = vec!["--seed", &seed_text, "--km", "0", "--seconds", "1"];
        // Faults of all kinds: somebody listens, unequal detectors, other engines, short blocks.
        match seed % 5 {
            0 => options.extend(["--eve", "intercept-resend=0.05"]),
            1 => options.extend(["--mismatch", "0.05"]),
            2 => options.extend(["--block", "2500000"]),
            3 => options.extend(["--no-swap", "--mismatch", "0"]),
            _ => {}
        }
        record(&folder, &options);
        let (replay, code) = replay(&folder);
        assert_eq!(code, Some(0), "{replay}");
        assert_eq!(replay["recorded"], replay["made"]);
        assert_eq!(replay["same_keys"], true);
        let made = replay["made"]["keys"].as_array().unwrap().len();
        if made > 0 {
            let output = helio(&["certify", folder.to_str().unwrap()]);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && text.matches(": stands\n").count() == made,
                "{output:?}"
            );
        }
        keys += made;
    }
    assert!(keys >= 10, "only {keys} keys: equality would say little");
    println!("20 runs, {keys} keys, all the same again");
}

/// Every file of a recording but the clicks is the same whatever these are kept as, and so are the keys.
#[test]
fn each_format_of_the_clicks_gives_the_same_keys() {
    let home = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for format in TraceFormat::written() {
        let folder = home.path().join(format.word());
        record(&folder, &["--km", "0", "--seconds", "1", "--record-format", format.word()]);
        assert!(folder.join(format!("clicks.{}", format.ending())).exists());
        let (replay, code) = replay(&folder);
        assert_eq!((code, &replay["same_keys"]), (Some(0), &true.into()), "{format:?}: {replay}");
        made.push((replay["made"].clone(), read_to_string(folder.join("run.json")).unwrap()));
    }
    assert!(!made[0].0["keys"].as_array().unwrap().is_empty());
    assert!(made.iter().all(|other| other == &made[0]));

    // Two traces in one folder: which one is meant?
    let [first, second] = ["npy", "csv"].map(|format| home.path().join(format));
    std::fs::copy(second.join("clicks.csv"), first.join("clicks.csv")).unwrap();
    assert!(complaint(&first).contains("is not the only trace here"));
    // A table that counts something else.
    let clicks = second.join("clicks.csv");
    let text = read_to_string(&clicks).unwrap();
    write(&clicks, text.replacen("tick (20000/3ps)", "time_ps", 1)).unwrap();
    assert!(complaint(&second).contains("clicks.csv counts other ticks than the run's"));
}

#[test]
fn a_changed_recording_is_told_by_what_was_done_to_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("run");
    let fresh = || {
        let _ = std::fs::remove_dir_all(&folder);
        record(&folder, &["--km", "0", "--seconds", "0.2"]);
    };

    fresh();
    rewrite(&folder, |i, click| (i < 1000).then_some(click));
    assert!(complaint(&folder).contains("was cut: 1000 of"));

    fresh();
    rewrite(&folder, |_, click| Some(TimeTag { tick: Ticks(click.tick.0 + 77), ..click }));
    assert!(complaint(&folder).contains("shifted in time by +77 ticks"));

    fresh();
    rewrite(&folder, |_, click| Some(TimeTag { channel: 1 - click.channel, ..click }));
    assert!(complaint(&folder).contains("channels 0 and 1 exchanged"));

    fresh();
    rewrite(&folder, |i, click| {
        let tick = if i == 500 { Ticks(click.tick.0 + 1) } else { click.tick };
        Some(TimeTag { tick, ..click })
    });
    assert!(complaint(&folder).contains("not the trace that was recorded"));

    fresh();
    let ptu = folder.join("clicks.ptu");
    let length = ptu.metadata().unwrap().len();
    File::options().write(true).open(&ptu).unwrap().set_len(length - 2).unwrap();
    assert!(complaint(&folder).contains("clicks.ptu"));

    fresh();
    let secret = folder.join("SECRET-alice.settings");
    let length = secret.metadata().unwrap().len();
    File::options().write(true).open(&secret).unwrap().set_len(length / 2).unwrap();
    assert!(complaint(&folder).contains("SECRET-alice.settings"));

    fresh();
    let run = folder.join("run.json");
    let text = read_to_string(&run).unwrap();
    write(&run, text.replacen("\"version\": 2", "\"version\": 9", 1)).unwrap();
    assert!(complaint(&folder).contains("version 9"));
    write(&run, "{").unwrap();
    assert!(complaint(&folder).contains("run.json"));
    assert!(complaint(&home.path().join("nothing")).contains("name a folder"));
}

#[cfg(unix)]
#[test]
fn secrets_of_a_recording_are_for_their_owner_and_a_folder_is_not_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("run");
    record(&folder, &["--km", "0", "--seconds", "0.1", "--block", "500000"]);
    let mode = |name: &str| folder.join(name).metadata().unwrap().permissions().mode() & 0o777;
    for secret in ["SECRET-alice.settings", "SECRET-bob.settings", "run.json"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let again = helio(&["demo", "--record", folder.to_str().unwrap(), "--seconds", "0.1"]);
    assert_eq!(again.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds something already"));
}
