//! Proposals against the simulator's truth.

use serde_json::Value;

use super::support::{json, run};

pub(super) fn best(found: &Value) -> (f64, f64) {
    let of = |key: &str| found["best"][key].as_f64().unwrap_or_else(|| panic!("{found}"));
    (of("value"), of("error"))
}

#[test]
fn a_polarization_controller_finds_the_rotation() {
    for (rotation, seed) in [("0.095", "1"), ("-0.2", "2"), ("0.31", "3")] {
        let found = json(&[
            "scan",
            "rotation",
            "--from",
            "-0.6",
            "--to",
            "0.6",
            "--steps",
            "9",
            "--seconds",
            "0.2",
            "--rotation",
            rotation,
            "--seed",
            seed,
            "--json",
        ]);
        let (value, error) = best(&found);
        let truth = -rotation.parse::<f64>().unwrap();
        assert!((value - truth).abs() < 4.0 * error && error < 0.01, "{value} ± {error}, {truth}");
        assert_eq!(
            (found["verdict"].as_str(), found["points"].as_array().unwrap().len()),
            (Some("good"), 9)
        );
    }
}

#[test]
fn a_modulator_and_a_delay_are_found() {
    let found = json(&[
        "scan",
        "modulator:D",
        "--from",
        "-0.7",
        "--to",
        "0.5",
        "--steps",
        "9",
        "--seconds",
        "0.4",
        "--json",
    ]);
    let (value, error) = best(&found);
    assert!((value + 0.095).abs() < 4.0 * error && error < 0.02, "{value} ± {error}");
    // The window's flanks are not a Gaussian's: the error is widened, the middle is the truth.
    let found = json(&[
        "scan",
        "delay:1",
        "--from",
        "-40",
        "--to",
        "40",
        "--steps",
        "17",
        "--seconds",
        "0.2",
        "--json",
    ]);
    let (value, error) = best(&found);
    assert!(value.abs() < 4.0 * error && error < 3.0, "{value} ± {error} ns");
}

#[test]
fn an_attenuator_is_set_to_a_target() {
    // 5 dB of fibre, 2 dB of optics, 80 % of efficiency; the mean over levels and their weights.
    let mean = (1035.0 * 0.6278 + 2057.0 * 0.2734 + 1004.0 * 0.0005) / 4096.0;
    let counted = mean * 0.8 * 10f64.powf(-0.7);
    let target = counted / 2.0;
    let found = json(&[
        "scan",
        "loss",
        "--from",
        "0",
        "--to",
        "6",
        "--steps",
        "7",
        "--seconds",
        "0.3",
        "--target",
        &target.to_string(),
        "--json",
    ]);
    let (value, error) = best(&found);
    // A pulse of two levels is not quite one Poissonian: the measure's own curvature is below this.
    assert!((value - 3.0103).abs() < 4.0 * error + 0.05 && error < 0.1, "{value} ± {error} dB");
}

#[test]
fn an_edge_is_no_optimum() {
    let found = json(&[
        "scan",
        "rotation",
        "--from",
        "0.1",
        "--to",
        "0.5",
        "--steps",
        "7",
        "--seconds",
        "0.1",
        "--json",
    ]);
    assert_eq!(found["verdict"], "outside", "{found}");
}

#[test]
fn a_program_sets_the_value_and_its_faults_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let touch = format!("touch {}-{{}}", said.display());
    let found = json(&[
        "scan",
        "command",
        "--set",
        &touch,
        "--from",
        "0",
        "--to",
        "4",
        "--steps",
        "5",
        "--seconds",
        "0.05",
        "--json",
    ]);
    assert_eq!(found["points"].as_array().unwrap().len(), 5);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
    // The end, after a failure too, is where --back says.
    let folder = tempfile::tempdir().unwrap();
    let stage = folder.path().join("stage");
    let script = "#!/bin/sh\necho \"$1\" >> \"$0.said\"\n[ \"$1\" != 4 ]\n";
    std::fs::write(&stage, script).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&stage, std::fs::Permissions::from_mode(0o755)).unwrap();
    let set = format!("{} {{}}", stage.display());
    let scan = |to: &str| {
        let asked = ["scan", "command", "--set", &set, "--from", "0", "--to", to, "--back", "-1"];
        run(&[&asked[..], &["--steps", "5", "--seconds", "0.05"]].concat()).status.code()
    };
    let said = || std::fs::read_to_string(folder.path().join("stage.said")).unwrap();
    assert_eq!(scan("2"), Some(0));
    assert_eq!(said(), "0\n0.5\n1\n1.5\n2\n-1\n");
    assert_eq!(scan("4"), Some(2));
    assert!(said().ends_with("4\n-1\n"), "{}", said());
    let failing = ["scan", "command", "--set", "false {}", "--from", "0", "--to", "1"];
    assert_eq!(run(&failing).status.code(), Some(2));
    assert_eq!(run(&["scan", "bias", "--from", "0", "--to", "1"]).status.code(), Some(2));
    assert_eq!(run(&["scan", "command", "--from", "0", "--to", "1"]).status.code(), Some(2));
}
