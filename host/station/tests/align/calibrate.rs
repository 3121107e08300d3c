//! Calibrations against the simulator's truth, and the file against the station that loads it.

use helio_station::bench::Scenario;
use helio_station::config::StationConfig;
use helio_station::desk::calibrate::{Calibration, Findings};
use helio_station::desk::{Desk, DeskPlan};
use helio_station::shutdown::Shutdown;
use helio_tune::Measured;
use helio_units::Picoseconds;

use super::support::{json, run};

/// Delays of the two detectors, in ps.
const DELAYS: [i64; 2] = [1_500, -700];

fn calibrate(scenario: &Scenario, dark_s: f64) -> Findings {
    let mut bench = scenario.bench();
    for (detector, delay) in bench.receiver.detectors.iter_mut().zip(DELAYS) {
        // The simulator's delays are not negative: both are shifted.
        detector.delay = Picoseconds(delay + 1_000);
    }
    let transmittance =
        scenario.efficiency * (scenario.path.loss() + scenario.receiver_loss).transmittance();
    let calibration = Calibration {
        dark_s,
        light_s: 2.0,
        transmittance: Some(Measured::new(transmittance, 0.001 * transmittance)),
        unseen: 0.0,
        sigmas: 5.0,
    };
    let mut desk = Desk::simulated(bench).unwrap();
    let plan = DeskPlan::Scenario(Box::new(scenario.clone()));
    calibration.make(&mut desk, &plan, &Shutdown::install()).unwrap()
}

fn near(what: &str, found: Measured, truth: f64) {
    assert!(found.error > 0.0 && found.sigmas_from(truth) < 4.5, "{what}: {found:?}, {truth}");
}

#[test]
fn the_simulators_truth_is_recovered() {
    let base = Scenario { clock_drift_ppb_per_s: 0.0, ..Scenario::default() };
    let grid = [
        Scenario { seed: 11, ..base.clone() },
        Scenario {
            seed: 12,
            efficiency: 0.5,
            efficiency_mismatch: 0.05,
            dark_rate_hz: 20_000.0,
            dark_mismatch: 0.3,
            ..base.clone()
        },
        Scenario {
            seed: 13,
            afterpulse: 0.04,
            dark_rate_hz: 5_000.0,
            dead_time: Picoseconds(90_000),
            ..base
        },
    ];
    for scenario in grid {
        let found = calibrate(&scenario, 4.0);
        let bench = scenario.bench();
        let detectors = &bench.receiver.detectors[..2];
        let (afterpulse, dead_s) = (scenario.afterpulse, scenario.dead_time.0 as f64 * 1e-12);
        for (seen, truth) in found.dark.iter().zip(detectors) {
            // Each count, an afterpulse too, may bring one; what falls into a dead time is lost.
            let primary = truth.dark_rate_hz;
            let counted = primary / (1.0 + primary * dead_s) / (1.0 - afterpulse);
            near("dark rate", seen.rate_hz, counted);
            if let Some(p) = seen.afterpulse {
                near("afterpulse", p, afterpulse);
            }
            if let Some(dead) = seen.dead_time_s {
                // The device's tick is 6.7 ns.
                near("dead time", Measured::new(dead.value, dead.error.hypot(3e-9)), dead_s);
            }
        }
        let mean = (detectors[0].efficiency + detectors[1].efficiency) / 2.0;
        for (seen, truth) in found.light.efficiency.iter().zip(detectors) {
            near("efficiency", *seen, truth.efficiency / mean);
        }
        let worst = scenario.efficiency_mismatch;
        assert!(found.tolerance.efficiency >= worst && found.tolerance.efficiency < worst + 0.03);
        assert!(found.tolerance.dark >= scenario.dark_mismatch, "{:?}", found.tolerance);
        assert!(
            found.longest_dead_time_ps.unwrap() as f64 >= dead_s * 1e12,
            "{:?}",
            found.longest_dead_time_ps
        );

        let delays = found.quantities.iter().filter(|q| q.name == "delay");
        for (seen, truth) in delays.zip(DELAYS) {
            near(
                "delay",
                Measured::new(seen.value.value - 1_000.0, seen.value.error),
                truth as f64,
            );
            assert!(seen.value.error < 150.0, "{seen:?}");
        }
        let means = found.quantities.iter().filter(|q| q.name == "mean photon number");
        let stated = scenario.mu_nano.map(|nano| nano as f64 / 1e9);
        assert_eq!(means.clone().count(), 3);
        for (seen, truth) in means.zip(stated) {
            near("photons", seen.value, truth);
        }
        for (level, [low, high]) in found.photons_nano.unwrap() {
            let truth = scenario.mu_nano[level];
            assert!(low <= truth && truth <= high, "level {level}: {low} to {high}");
        }
        let ppm = found.intensity_uncertainty_ppm.unwrap();
        assert!((5_000..100_000).contains(&ppm), "{ppm}");
    }
}

#[test]
fn a_station_loads_the_file_and_refuses_what_is_stale_or_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cal.toml");
    let made = json(&[
        "calibrate",
        "--dark-seconds",
        "3",
        "--light-seconds",
        "1",
        "--valid-days",
        "7",
        "--unseen",
        "1%",
        "--out",
        file.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(made["device"], "virtual Bob");
    // The time that was counted, not the time that was asked for.
    let dark_s = made["dark_s"].as_f64().unwrap();
    assert!(dark_s > 3.0, "{dark_s}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("#   dark count rate H") && text.contains("valid_days = 7"), "{text}");
    assert!(text.contains(&format!("; {dark_s:.1} s in the dark")), "{text}");

    let written = run(&["config", "init", "--dir", folder.path().to_str().unwrap()]);
    let config = folder.path().join("bob.toml");
    if !written.status.success() {
        panic!("{}", String::from_utf8_lossy(&written.stderr));
    }
    // So short a light bounds the dead time by some slots only.
    let text = std::fs::read_to_string(&config).unwrap();
    let longest = made["longest_dead_time_ps"].as_u64().unwrap();
    let hold_off = format!("hold_off = \"{} ns\"", longest.div_ceil(1000));
    let text = text.replace("hold_off = \"100 ns\"", &hold_off);
    let (before, section) = text.split_once("[detectors]\n").unwrap();
    let after = section.split_once("[[channel]]").unwrap().1;
    let with = |detectors: &str| format!("{before}[detectors]\n{detectors}\n\n[[channel]]{after}");
    std::fs::write(&config, with("file = \"cal.toml\"")).unwrap();
    let station = StationConfig::load(&config).unwrap();
    assert_eq!(station.calibrated_device(), Some("virtual Bob"));
    assert!(
        station.text().contains("# efficiency_tolerance"),
        "both files go into the run's folder"
    );
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(station.check_calibration(now), Ok(()));
    let stale = station.check_calibration(now + 9 * 86_400).unwrap_err().to_string();
    assert!(stale.contains("cal.toml") && stale.contains("calibrate again"), "{stale}");

    // What stands beside the file, a file that is none, and one that leads on, are refused.
    for bad in
        ["file = \"cal.toml\"\nvalid_days = 3650", "file = \"none.toml\"", "file = \"bob.toml\""]
    {
        std::fs::write(&config, with(bad)).unwrap();
        assert!(StationConfig::load(&config).is_err(), "{bad}");
    }
}

#[test]
fn a_transmittance_that_may_be_zero_is_refused_before_anything_is_measured() {
    let refused = |args: &[&str], part: &str| {
        let output = run(&[&["calibrate"], args].concat());
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}: {words}");
        assert!(words.contains(part), "{args:?}: “{part}” in {words}");
    };
    let given = |value, error| ["--transmittance", value, "--transmittance-error", error];
    refused(
        &given("0.02", "0.004"),
        "--transmittance may be zero, as 5 of its standard errors reach",
    );
    refused(&given("0.02", "0.01"), "measure it better");
    refused(&[&given("0.02", "0.001")[..], &["--sigmas", "20"]].concat(), "may be zero, as 20 of");
    refused(&given("0", "0.001"), "--transmittance");
    refused(&given("1.5", "0.001"), "--transmittance");
    refused(&given("nan", "0.001"), "--transmittance");
    refused(&given("0.02", "0"), "--transmittance-error");
    refused(&["--transmittance", "0.02"], "--transmittance-error");
    refused(&["--sigmas", "2"], "--sigmas");
}
