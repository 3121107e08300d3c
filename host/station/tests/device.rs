//! `helio device` as a user meets it.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// `helio device` with its run logs in a folder.
fn device(logs: &Path, args: &[&str]) -> Output {
    let mut helio = Command::cargo_bin("helio").unwrap();
    helio.env_remove("HELIO_LOG").env("XDG_STATE_HOME", logs).arg("device").args(args);
    helio.output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// One sentence on standard error, and this code.
fn refused(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.starts_with("helio: ") && said.contains(says), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn list_always_answers_whatever_is_plugged_in() {
    let here = Path::new(".");
    let output = device(here, &["list"]);
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    let said = json(&device(here, &["list", "--json"]));
    assert!(said["usb"].is_array() && said["serial"].is_array(), "{said}");
    assert!(said["boot_loaders"].is_array(), "{said}");
}

#[test]
fn a_simulated_device_is_asked_armed_and_recorded_and_the_recording_is_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path();
    let told = json(&device(logs, &["info", "--device", "sim", "--role", "bob", "--json"]));
    assert_eq!((&told["role"], &told["health"]["interlock"]), (&"bob".into(), &"safe".into()));

    let cable = logs.join("arm.cable");
    let cable = cable.to_str().unwrap();
    let arm = ["arm", "--device", "sim", "--seconds", "1", "--json", "--record", cable];
    assert_eq!(json(&device(logs, &arm))["disarmed"], true);
    let log = std::fs::read_to_string(logs.join("helio/devices/virtual_Alice.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["arm", "disarm"]);
    assert_eq!((&lines[0]["device"], &lines[0]["boot"]), (&"virtual Alice".into(), &2.into()));

    let replay = format!("replay:{cable}");
    let again = json(&device(logs, &["info", "--device", &replay, "--json"]));
    assert_eq!((&again["role"], &again["serial"]), (&"alice".into(), &"virtual Alice".into()));
    let said = device(logs, &["logs", "--device", &replay]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("interlock: safe"), "{said:?}");
    // Recorded once: a second recording does not overwrite it.
    refused(&device(logs, &arm), 3, "arm.cable");
}

#[test]
fn an_image_is_flashed_and_what_is_none_is_refused() {
    let here = tempfile::tempdir().unwrap();
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/uf2_read");
    let image = |name: &str| format!("{corpus}/{name}");
    let flash =
        |name: &str| device(here.path(), &["flash", &image(name), "--device", "sim", "--json"]);
    let told = json(&flash("image"));
    assert_eq!((&told["bytes"], &told["verified"]), (&768.into(), &true.into()));
    let log = here.path().join("helio/devices/a_board_in_memory.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let line: Value = serde_json::from_str(&log).unwrap();
    assert_eq!((&line["event"], &line["crc32"]), (&"flash".into(), &told["crc32"]));
    refused(&flash("rp2040"), 3, "RP2040");
    refused(&flash("no such file"), 3, "check its name");
}

#[test]
fn what_is_not_there_is_told_with_its_remedy() {
    let here = tempfile::tempdir().unwrap();
    let ask = |address: &str| device(here.path(), &["info", "--device", address]);
    refused(&ask("serial:/dev/no-such-port"), 5, "not plugged in");
    refused(&ask("replay:no-such.cable"), 3, "cannot be read");
    refused(&ask("nonsense"), 2, "usb:SERIAL");
}

#[test]
fn simulated_slots_are_fired_on_demand_only_and_a_loopback_is_measured() {
    let here = tempfile::tempdir().unwrap();
    let fire = ["fire", "--device", "sim", "--slots", "20000", "--json"];
    refused(&device(here.path(), &fire), 2, "add --arm");
    let told = json(&device(here.path(), &[&fire[..], &["--arm"]].concat()));
    assert_eq!((&told["slots"], &told["starved_slots"]), (&20_000.into(), &0.into()));
    // Each 64th slot is a dark one for the slot clock.
    let settings = told["settings"].as_object().unwrap().values().filter_map(Value::as_u64);
    assert_eq!(settings.sum::<u64>(), 20_000 - 313);
    assert!(told["receiver"]["tags"][0].as_u64().is_some_and(|tags| tags > 100), "{told}");
    let log =
        std::fs::read_to_string(here.path().join("helio/devices/virtual_Alice.jsonl")).unwrap();
    assert!(log.contains("\"event\":\"fire\""), "{log}");
    let wrong = ["fire", "--device", "sim", "--slots", "9", "--pattern", "hx"];
    refused(&device(here.path(), &wrong), 2, "hvda or h0v1");

    // Detectors of 100 ps jitter, a tick of 6667 ps.
    let test = ["selftest", "--device", "sim", "--slots", "20000", "--json"];
    let told = json(&device(here.path(), &test));
    assert_eq!((&told["pulses"], &told["missed"]), (&(20_000 - 313).into(), &0.into()));
    let jitter = told["jitter_rms_ps"].as_f64().unwrap();
    assert!((1_500.0..3_000.0).contains(&jitter), "{told}");
}
