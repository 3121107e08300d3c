//! Two stations when all is well.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use serialport::SerialPort;

use crate::desk::{Desk, complaint, entries, helio, text};

#[test]
fn three_processes_make_key_stop_and_go_on() {
    let desk = Desk::new("2x");
    let mut sim = desk.start("sim");
    let mut bob = desk.start("bob");
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 3);
    bob.wait_for("bits of key", 3);

    desk.wait_for_phase("bob", "running");
    let keys = |status: &Value| status["keys"]["usable"].as_u64().is_some_and(|keys| keys >= 2);
    let status = desk.wait_for_status("bob", "with two keys", keys);
    assert_eq!(status["ready"], true, "{status}");
    assert_eq!(status["station"]["origin"], "SIMULATED");
    assert!(status["pads"]["block_left"].as_u64().unwrap() < 10_000);
    assert!(status["epsilon"]["spent"].as_f64().unwrap() >= 2e-10);
    assert_eq!(status["device"]["locked"], true);
    let last = &status["last_blocks"][0];
    let qber = last["test_qber"]["rate"].as_f64().unwrap();
    assert!((0.005..0.02).contains(&qber), "{last}");
    let detectors = last["detectors"].as_array().unwrap();
    assert_eq!(detectors.len(), 3, "two and the double clicks: {last}");
    assert_eq!(detectors[0]["detector"], "SPAD 1");
    assert!(detectors[1]["key"]["rate"].as_f64().unwrap() < 0.02, "{last}");
    let offset = status["window"]["detectors"][0]["mean_offset_ps"].as_f64().unwrap();
    assert!(offset.abs() < 5_000.0, "{}", status["window"]);
    let words = helio(&["status", desk.path("alice").to_str().unwrap()]);
    assert!(text(&words.stdout).contains("running"), "{}", text(&words.stdout));

    // A graceful end leaves nothing unresolved, and says where to go on.
    let (status, log) = alice.terminate();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    let farewell = |line: &String| line.contains("start the same command again to go on");
    assert!(log.iter().any(farewell), "{}", log.join("\n"));
    bob.wait_for("the other station ends the line: it is shutting down", 1);
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 2);
    sim.wait_for("Alice", 2);
    let (status, log) = bob.terminate();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    let (status, _) = alice.terminate();
    assert_eq!(status.code(), Some(0));
    let (status, _) = sim.terminate();
    assert_eq!(status.code(), Some(0));

    assert!(desk.equal_keys() >= 5);
    let unresolved = |name| {
        let blocks = desk.blocks(name);
        let pending = helio_distill::release::BlockState::Pending;
        blocks.values().filter(|(state, _)| *state == pending).count()
    };
    assert_eq!((unresolved("alice"), unresolved("bob")), (0, 0));

    // Each run left a folder.
    let runs = entries(&desk.path("runs"));
    assert_eq!(runs.len(), 4, "{runs:?}");
    for run in &runs {
        let read = |name: &str| std::fs::read_to_string(run.join(name)).expect(name);
        let record: serde_json::Value = serde_json::from_str(&read("station.json")).unwrap();
        assert!(record["ended"].is_string() && record["program"].is_string(), "{record}");
        assert!(record["calibration"]["delta1"].is_f64() || record["calibration"].is_object());
        assert!(read("station.toml").contains("slots_per_block = 2_500_000"));
        assert!(read("events.log").contains("bits of key"));
        assert!(read("run.svg").contains("QBER"));
        for line in read("certificates.jsonl").lines() {
            let public = serde_json::from_str(line).expect("the public part of a certificate");
            helio_distill::certificate::recompute(&public).expect("a certificate that stands");
        }
        assert!(!read("blocks.jsonl").is_empty());
    }
    // What is stopped is still told, from the disk.
    let status = desk.status("alice");
    assert_eq!(status["phase"], "stopped");
    assert!(status["keys"]["usable"].as_u64().unwrap() >= 5);
}

#[test]
fn a_line_that_is_cut_costs_the_block_in_progress_and_no_run() {
    let desk = Desk::new("2x");
    let tap = crate::tap::Tap::between(&desk);
    let _sim = desk.start("sim");
    let mut bob = desk.start("bob");
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 2);
    for cuts in 1..=3 {
        let keys = alice.count("bits of key");
        tap.cut();
        alice.wait_for("line lost", cuts);
        alice.wait_for("bits of key", keys + 2);
    }
    // The light went on all the time.
    assert_eq!((alice.count("light on"), bob.count("listening for")), (1, 1));
    bob.wait_for("contact with", 4);
    alice.terminate();
    bob.terminate();
    assert!(desk.equal_keys() >= 6);
}

#[test]
fn a_light_that_goes_away_comes_back() {
    let desk = Desk::new("2x");
    let mut sim = desk.start("sim");
    let mut bob = desk.start("bob");
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 1);
    sim.kill();
    alice.wait_for("nothing listens on tcp:127.0.0.1", 1);
    bob.wait_for("nothing listens on tcp:127.0.0.1", 1);
    let status = desk.wait_for_phase("alice", "waiting-for-device");
    assert!(status["waiting_for"].as_str().unwrap().contains("tcp:127.0.0.1"), "{status}");
    let _sim = desk.start("sim");
    let keys = alice.count("bits of key");
    alice.wait_for("bits of key", keys + 2);
    bob.terminate();
    let (status, log) = alice.terminate();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    assert!(desk.equal_keys() >= 3);
}

#[test]
fn the_end_of_the_pads_stops_both_with_the_remedy_and_the_reserve_intact() {
    let desk = Desk::with("4x", &["--pads", "4", "--reserve", "50"]);
    let _sim = desk.start("sim");
    let bob = desk.start("bob");
    let alice = desk.start("alice");
    let (status, log) = bob.ended();
    assert_eq!(status.code(), Some(7), "{}", log.join("\n"));
    assert!(complaint(&log).contains("no pads left"), "{}", complaint(&log));
    assert!(complaint(&log).contains("pair the stations again"));
    drop(alice);
    let status = desk.status("bob");
    assert_eq!(status["pads"]["block_left"], 0);
    assert!(status["pads"]["recovery_left"].as_u64().unwrap() >= 40, "{status}");
    assert!(status["waiting_for"].as_str().unwrap().contains("pair"), "{status}");
    assert!(desk.equal_keys() >= 3);

    // A new secret, and both go on; the old keys stay.
    let (a, b) = (desk.path("alice"), desk.path("bob"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let renewed = helio(&["pair", "--simulated", "--renew", "--alice", a, "--bob", b]);
    assert!(renewed.status.success(), "{}", text(&renewed.stderr));
    let mut bob = desk.start("bob");
    let alice = desk.start("alice");
    bob.wait_for("bits of key", 1);
    alice.terminate();
    bob.terminate();
    assert!(desk.equal_keys() >= 4);
}

#[test]
fn the_end_of_epsilon_stops_both_with_the_remedy() {
    let desk = Desk::new("4x");
    for name in ["alice", "bob"] {
        desk.edit(name, "epsilon = 1e-10", "epsilon = 2e-7");
    }
    let _sim = desk.start("sim");
    let bob = desk.start("bob");
    let _alice = desk.start("alice");
    let (status, log) = bob.ended();
    assert_eq!(status.code(), Some(7), "{}", log.join("\n"));
    let sentence = complaint(&log);
    assert!(sentence.contains("would pass 1e-6; pair the stations again"), "{sentence}");
    let status = desk.status("bob");
    assert!(status["epsilon"]["spent"].as_f64().unwrap() <= 1e-6, "{status}");
    assert!(status["waiting_for"].as_str().unwrap().contains("pair"), "{status}");
}

#[test]
fn a_backup_that_was_put_back_is_noticed_and_its_pads_are_void() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    let copy = |from: &str, to: &str| {
        let status = Command::new("cp").arg("-a").args([desk.path(from), desk.path(to)]).status();
        assert!(status.expect("cp").success());
    };
    copy("bob", "backup");
    let bob = desk.start("bob");
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 2);
    bob.terminate();
    alice.terminate();
    std::fs::rename(desk.path("bob"), desk.path("lost")).expect("moved");
    copy("backup", "bob");
    let bob = desk.start("bob");
    let mut alice = desk.start("alice");
    let (status, log) = bob.ended();
    assert_eq!(status.code(), Some(3), "{}", log.join("\n"));
    let sentence = complaint(&log);
    assert!(sentence.contains("a restored backup") && sentence.contains("void"), "{sentence}");
    // Alice notices it herself or hears it of Bob, whichever is first.
    alice.wait_for("restored backup", 1);
    let status = desk.status("bob");
    assert_eq!(status["pads"]["void"], true, "{status}");
    // Void for good, whatever is started again.
    let (status, log) = desk.start("bob").ended();
    assert_eq!(status.code(), Some(3), "{}", log.join("\n"));
}

#[test]
fn a_station_finds_its_device_on_a_serial_port() {
    let desk = Desk::new("2x");
    let _sim = desk.start("sim");
    let config = std::fs::read_to_string(desk.path("bob.toml")).expect("a configuration");
    let (_, rest) = config.split_once("tcp:127.0.0.1:").expect("an address");
    let port: u16 = rest.split('"').next().expect("a port").parse().expect("a number");
    let (near, far) = serialport::TTYPort::pair().expect("a pseudo-terminal");
    let name = serialport::SerialPort::name(&far).expect("a name");
    let device = format!("serial:{name}");
    // The cable: what the light serves by TCP comes to the station by the serial port.
    let light = TcpStream::connect(("127.0.0.1", port)).expect("the light");
    let (mut from_light, mut to_light) = (light.try_clone().expect("a socket"), light);
    let (mut from_station, mut to_station) = (near.try_clone_native().expect("a port"), near);
    // A busy machine may leave the port's buffer full for a while: that must not end the cable.
    for port in [&mut from_station, &mut to_station] {
        port.set_timeout(Duration::from_secs(3600)).expect("a timeout");
    }
    std::thread::spawn(move || std::io::copy(&mut from_light, &mut to_station));
    std::thread::spawn(move || std::io::copy(&mut from_station, &mut to_light));
    let mut bob = desk.start_with("bob", &["--device", &device]);
    let alice = desk.start("alice");
    bob.wait_for(&format!("is ready at {device}"), 1);
    bob.wait_for("bits of key", 2);
    bob.terminate();
    alice.terminate();
    assert!(desk.equal_keys() >= 2);
    drop(far);
}

/// One decoy: both files take what `helio optimise` prints for the link, and all keys have one length.
#[test]
fn stations_with_one_decoy_make_keys_of_one_length() {
    let desk = Desk::new("2x");
    let options = ["optimise", "--bound", "wiesemann", "--km", "0", "--block", "2500000", "--json"];
    let found: serde_json::Value =
        serde_json::from_slice(&helio(&options).stdout).expect("one JSON object");
    let number = |path: &str| found.pointer(path).and_then(|n| n.as_u64()).expect("a number");
    let mu = |i| format!("{} photons", number(&format!("/mu_nano/{i}")) as f64 / 1e9);
    let parts = |path: &str| format!("{}/4096", number(path));
    let acceptance = format!(
        "bound = \"wiesemann\"\n[protocol.acceptance]\nsingle_photons = {}\nphase_error = \"{} %\"\n\
         leak_bits = {}\n",
        number("/acceptance/single_photons"),
        number("/acceptance/phase_error_nano") as f64 / 1e7,
        number("/acceptance/lambda_max"),
    );
    for name in ["alice", "bob"] {
        desk.edit(name, "bound = \"varlen2d\"", &acceptance);
        let third =
            "[[protocol.intensity]]\nmu = \"0.0005 photons\"\nprobability = \"1004/4096\"\n";
        desk.edit(name, third, "");
        for (from, to) in [
            ("0.6278 photons", mu(0)),
            ("0.2734 photons", mu(1)),
            ("1035/4096", parts("/intensity_weights/0")),
            ("2057/4096", parts("/intensity_weights/1")),
            ("3028/4096", parts("/key_weights/0")),
        ] {
            desk.edit(name, from, &to);
        }
        let path = desk.path(&format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).expect("the configuration");
        let (before, after) = text.split_once("match = \"calibrated\"").expect("[detectors]");
        let (_, after) = after.split_once("\nlongest_dead_time").expect("the dead time");
        let text = format!("{before}match = \"assumed\"\nlongest_dead_time{after}");
        std::fs::write(&path, text).expect("the configuration");
    }
    let levels = "[\"0.6278 photons\", \"0.2734 photons\", \"0.0005 photons\"]";
    desk.edit("sim", levels, &format!("[{:?}, {:?}]", mu(0), mu(1)));
    let files = ["alice.toml", "bob.toml", "sim.toml"].map(|name| desk.path(name));
    let files = files.each_ref().map(|path| path.to_str().expect("UTF-8"));
    let checked = helio(&[&["config", "check"], &files[..]].concat());
    assert!(checked.status.success(), "{}", text(&checked.stderr));

    let sim = desk.start("sim");
    let mut bob = desk.start("bob");
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 3);
    bob.wait_for("bits of key", 3);
    for process in [alice, bob, sim] {
        let (status, log) = process.terminate();
        assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    }
    assert!(desk.equal_keys() >= 3);
    let judged = helio(&["certify", desk.path("bob").to_str().expect("UTF-8"), "--json"]);
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).expect("JSON");
    for one in judged["certificates"].as_array().expect("certificates") {
        assert_eq!(one["bound"], "wiesemann");
        assert_eq!(one["length"].as_u64(), Some(number("/key_bits")));
    }
}
