//! What is seen of devices.

use std::process::Stdio;

use helio_station::bench::Scenario;

use super::support::{Running, helio, lines, run};

#[test]
fn the_simulated_bench_shows_what_it_is() {
    let args = ["watch", "--json", "--seconds", "1.5", "--span", "1s", "--speed", "fastest"];
    let output = run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = lines(&output.stdout);
    assert!(seen.len() >= 5, "{} refreshes", seen.len());
    let last = &seen[seen.len() - 1];
    assert_eq!((last["simulated"].as_bool(), last["locked"].as_bool()), (Some(true), Some(true)));
    // sin² of the rotation and the splitter's leak of 30 dB.
    let rotated = Scenario::default().rotation_rad.sin().powi(2);
    let truth = rotated * (1.0 - 1e-3) + (1.0 - rotated) * 1e-3;
    for basis in ["key", "test"] {
        let qber = &last["bases"][basis]["qber"];
        let (value, error) = (qber["value"].as_f64().unwrap(), qber["error"].as_f64().unwrap());
        assert!((value - truth).abs() < 5.0 * error && error < 0.002, "{basis}: {value} ± {error}");
    }
    let window = &last["window"];
    for detector in window["detectors"].as_array().unwrap() {
        let offset = detector["offset_ps"].as_f64().unwrap();
        let error = detector["offset_error_ps"].as_f64().unwrap();
        assert!(offset.abs() < 5.0 * error + 200.0, "{detector}");
        assert!(detector["inside"].as_f64().unwrap() > 0.99, "{detector}");
    }
    let matrix = last["matrix"].as_array().unwrap();
    assert!(matrix[0][0].as_u64().unwrap() > 50 * matrix[0][1].as_u64().unwrap());
    assert!(last["best_visibility"][0].as_f64().unwrap() > 0.97);
}

/// Devices at their ports, as on a desk: the same figures, and Bob alone.
#[test]
fn devices_are_watched_over_their_ports() {
    let mut sim = Running::start(&[
        "sim",
        "--json",
        "--alice-port",
        "127.0.0.1:0",
        "--bob-port",
        "127.0.0.1:0",
        "--speed",
        "fastest",
    ]);
    let out = std::io::BufReader::new(sim.0.stdout.take().unwrap());
    let mut ports = std::io::BufRead::lines(out).filter_map(|line| {
        let note: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        note["address"].as_str().map(str::to_owned)
    });
    let [alice, bob] = [ports.next().unwrap(), ports.next().unwrap()];
    let notes = std::thread::spawn(move || ports.count());
    let output = run(&["watch", "--json", "--seconds", "1", "--alice", &alice, "--bob", &bob]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = lines(&output.stdout);
    let last = &seen[seen.len() - 1];
    assert!(last["source"].as_str().unwrap().contains("virtual Bob"), "{last}");
    assert!(last["bases"]["key"]["qber"]["value"].as_f64().unwrap() < 0.02, "{last}");

    // A setting that no device has is refused, and nobody is there.
    let refused = run(&["scan", "rotation", "--from", "0", "--to", "1", "--bob", &bob]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("helio scan command"));
    drop(sim);
    notes.join().unwrap();
    let gone = run(&["watch", "--bob", &bob]);
    assert_eq!(gone.status.code(), Some(5), "{}", String::from_utf8_lossy(&gone.stderr));
}

#[test]
fn lines_are_for_pipes_and_a_reader_that_goes_ends_it() {
    let mut watch = Running::start(&["watch", "--speed", "fastest"]);
    let mut out = std::io::BufReader::new(watch.0.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert!(line.contains("QBER key") && line.contains("Hz"), "{line}");
    drop(out);
    assert!(watch.end().status.success());
    let usage = helio().args(["watch", "--every", "1us"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn ctrl_c_ends_it_in_order() {
    let mut watch = Running::start(&["watch", "--json"]);
    let mut out = std::io::BufReader::new(watch.0.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    watch.interrupt();
    let rest = std::thread::spawn(move || std::io::BufRead::lines(out).count());
    assert!(watch.end().status.success());
    rest.join().unwrap();
}
