//! Scans of what a device keeps in its own table.

use std::f64::consts::FRAC_PI_2;
use std::path::Path;

use serde_json::Value;

use super::scan::best;
use super::support::{Running, json, run};

/// A scan whose changes are written down in `log`.
fn scan(log: &Path, args: &[&str]) -> Value {
    json(&with(log, args))
}

fn with<'a>(log: &'a Path, args: &[&'a str]) -> Vec<&'a str> {
    let log = log.to_str().unwrap();
    [&["scan"], args, &["--log-dir", log, "--json"]].concat()
}

/// What the run log says was set, in its order.
fn written(log: &Path, serial: &str) -> Vec<(String, i64, i64)> {
    let text = std::fs::read_to_string(log.join(serial)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let set = lines.filter(|line| line["event"] == "set");
    set.map(|line| {
        let of = |key: &str| line[key].as_i64().unwrap();
        (line["name"].as_str().unwrap().to_owned(), of("old"), of("new"))
    })
    .collect()
}

#[test]
fn a_voltage_that_cancels_the_error_of_a_state_is_found_and_what_was_there_put_back() {
    let log = tempfile::tempdir().unwrap();
    let args = ["device:modulator.voltage.d", "--from", "0.4V", "--to", "3V", "--steps", "9"];
    let bench = ["--rotation", "0", "--state-errors", "0,0,0.12,0", "--seconds", "0.2"];
    let args = [&args[..], &bench[..]].concat();
    let found = scan(log.path(), &args);
    let (value, error) = best(&found);
    // A right angle is 4 V.
    let truth = 2000.0 - 0.12 * 4000.0 / FRAC_PI_2;
    assert!((value - truth).abs() < 4.0 * error && error < 25.0, "{value} ± {error}, {truth}");
    assert_eq!((&found["verdict"], &found["unit"]), (&"good".into(), &"mV".into()));
    assert_eq!(found["points"][1]["x"], 725.0);
    let device = &found["device"];
    assert_eq!(
        (&device["role"], &device["name"]),
        (&"alice".into(), &"modulator.voltage.d".into())
    );
    assert_eq!((&device["before"], &device["after"]), (&2000.into(), &2000.into()));
    let changes = written(log.path(), "virtual_Alice.jsonl");
    assert_eq!(changes.len(), 10);
    let name = "modulator.voltage.d".to_owned();
    assert_eq!(changes[0], (name.clone(), 2000, 400));
    assert_eq!(changes[9], (name, 3000, 2000));
    assert!(written(log.path(), "virtual_Bob.jsonl").is_empty());

    // The same, left at the best.
    let applied = scan(log.path(), &[&args[..], &["--apply"]].concat());
    let (value, _) = best(&applied);
    assert_eq!(applied["device"]["after"].as_i64(), Some(value.round() as i64));
    assert_eq!(written(log.path(), "virtual_Alice.jsonl").last().unwrap().2, value.round() as i64);
}

#[test]
fn a_bias_buys_clicks_with_darks() {
    let log = tempfile::tempdir().unwrap();
    let bias = ["device:detector.bias.0", "--from", "1V", "--to", "6V", "--steps", "6"];
    let ys = |measure: &str| -> Vec<f64> {
        let args = [&bias[..], &["--seconds", "0.2", "--measure", measure]].concat();
        let found = scan(log.path(), &args);
        assert_eq!(found["device"]["after"], 3000);
        found["points"].as_array().unwrap().iter().map(|p| p["y"].as_f64().unwrap()).collect()
    };
    let rates = ys("rate:0");
    assert!(rates.is_sorted(), "{rates:?}");
    // From 1 V to 6 V light is counted twice as often, and darks 22 000 times.
    let qber = ys("qber");
    assert!(qber[5] > 1.5 * qber[2], "{qber:?}");
    // What a key goes with has its best in between.
    let yields = ys("yield");
    let most = yields.iter().copied().fold(0.0, f64::max);
    assert!(yields[0] < 0.9 * most && yields[5] < 0.95 * most, "{yields:?}");
}

#[test]
fn an_attenuator_of_a_device_is_set_to_a_target() {
    let log = tempfile::tempdir().unwrap();
    let args = ["alice:laser.attenuation", "--from", "0", "--to", "6", "--steps", "7"];
    let found = scan(
        log.path(),
        &[&args[..], &["--seconds", "0.3", "--target", "0.0234", "--apply"]].concat(),
    );
    let (value, error) = best(&found);
    // Half of what is counted without it, see the scan of the channel's loss.
    assert!((value - 3.01).abs() < 4.0 * error + 0.1, "{value} ± {error} dB");
    assert_eq!(found["unit"], "dB");
    assert_eq!(found["device"]["after"].as_i64(), Some((value * 1000.0).round() as i64));
}

#[test]
fn what_cannot_be_stepped_is_refused_before_anything_is_changed() {
    let log = tempfile::tempdir().unwrap();
    let refused = |args: &[&str], code: i32, part: &str| {
        let output = run(&with(log.path(), args));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(code), 0),
            "{args:?}: {words}"
        );
        assert!(words.contains(part), "{args:?}: “{part}” in {words}");
    };
    let of = |name, from, to| [name, "--from", from, "--to", to];
    refused(&of("device:detector.bias.0", "1V", "7V"), 2, "choose a value of 500 mV to 6 V");
    refused(&of("device:detector.bias.0", "-1V", "5V"), 2, "choose a value of 500 mV to 6 V");
    refused(&of("device:detector.bias.0", "1", "5"), 2, "mV");
    refused(&of("device:detector.bias.0", "1ns", "5ns"), 2, "detector.bias.0");
    refused(&of("device:detector.bias.0", "1V", "1.003V"), 2, "4 values");
    refused(&of("device:detector.bais.0", "1V", "5V"), 2, "choose detector.bias.0");
    refused(&of("alice:detector.bias.0", "1V", "5V"), 2, "no setting");
    refused(&of("device:modulator.half_wave", "1V", "5V"), 2, "read only");
    refused(&of("device:count.boots", "1", "50"), 2, "both devices have a count.boots");
    refused(&of("bob:count.boots", "1", "50"), 2, "read only");
    refused(&of("device:", "1", "5"), 2, "device:NAME");
    refused(&[&of("rotation", "0", "1")[..], &["--apply"]].concat(), 2, "--apply");
    refused(&of("rotation", "0", "1V"), 2, "no number");
    for serial in ["virtual_Alice.jsonl", "virtual_Bob.jsonl"] {
        assert!(written(log.path(), serial).is_empty(), "{serial}");
    }
    // A log that cannot be written.
    let file = log.path().join("virtual_Alice.jsonl");
    let output = run(&with(&file, &of("device:detector.bias.0", "1V", "5V")));
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ctrl_c_and_a_scan_without_a_result_put_back_what_was_there() {
    let log = tempfile::tempdir().unwrap();
    let args = ["device:modulator.voltage.h", "--from", "0V", "--to", "4V", "--steps", "1000"];
    let running = Running::start(&with(log.path(), &args));
    let begun = std::time::Instant::now();
    let file = log.path().join("virtual_Alice.jsonl");
    while std::fs::metadata(&file).map_or(0, |m| m.len()) < 500 {
        assert!(begun.elapsed().as_secs() < 100, "nothing is stepped");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.interrupt();
    let output = running.end();
    assert!(!output.status.success() && output.stdout.is_empty());
    let changes = written(log.path(), "virtual_Alice.jsonl");
    assert!(changes.len() > 1 && changes.len() < 1001);
    assert_eq!(changes.last().unwrap().2, 0);

    // There is no detector 7, so that nothing is measured at all.
    let log = tempfile::tempdir().unwrap();
    let away =
        ["device:detector.delay.0", "--from", "10ns", "--to", "20ns", "--measure", "inside:7"];
    let output =
        run(&with(log.path(), &[&away[..], &["--steps", "5", "--seconds", "0.05"]].concat()));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert_eq!(written(log.path(), "virtual_Bob.jsonl").last().unwrap().2, 0);
}
