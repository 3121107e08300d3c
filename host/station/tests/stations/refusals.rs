//! What cannot work: one sentence with the remedy, a documented exit code, and nothing is lost.

use std::net::TcpListener;
use std::process::Command;

use helio_distill::parameters::PROTOCOL_VERSION;

use crate::desk::{Desk, Process, complaint, helio, text};
use crate::tap::{read, write};

/// How a process ended: its code and its one sentence with all of these words.
fn ended(process: Process, code: i32, words: &[&str]) {
    let (status, log) = process.ended();
    assert_eq!(status.code(), Some(code), "{}", log.join("\n"));
    let sentence = complaint(&log);
    for word in words {
        assert!(sentence.contains(word), "{word:?} is missing in: {sentence}");
    }
}

#[test]
fn another_secret_is_named_on_both_sides() {
    let (desk, other) = (Desk::new("4x"), Desk::with("4x", &["--seed", "2"]));
    let _sim = desk.start("sim");
    // Alice of another pair, with the right line and the right light.
    std::fs::rename(other.path("alice"), desk.path("stranger")).expect("moved");
    desk.edit("alice", "state = \"alice\"", "state = \"stranger\"");
    let mut bob = desk.start("bob");
    bob.wait_for("is ready at", 1);
    ended(desk.start("alice"), 6, &["another secret", "helio pair"]);
    // Anybody can call him: he says what was wrong, and goes on.
    bob.wait_for("another secret", 1);
    let (status, log) = bob.terminate();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
}

#[test]
fn two_stations_of_one_role_and_the_wrong_peer_are_named() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    // Bob's address in Alice's hand leads to Alice herself.
    let mut listening = desk.start("bob");
    listening.wait_for("is ready at", 1);
    desk.edit("alice", "peer = \"bob\"", "peer = \"carol\"");
    ended(desk.start("alice"), 3, &["paired with \"bob\", not with \"carol\""]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
    command.args(["bob", "--config"]).arg(desk.path("alice.toml"));
    ended(Process::start("bob", command), 4, &["configuration of Alice", "helio alice"]);
}

#[test]
fn parameters_that_differ_are_each_named() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    desk.edit("alice", "hold_off = \"100 ns\"", "hold_off = \"120 ns\"");
    desk.edit("alice", "epsilon = 1e-10", "epsilon = 2e-10");
    desk.edit("alice", "slots_per_block = 2_500_000", "slots_per_block = 2_600_000");
    let mut bob = desk.start("bob");
    bob.wait_for("is ready at", 1);
    let words = ["hold-off (ps): here 120000, there 100000", "slots per block", "epsilon total"];
    ended(desk.start("alice"), 4, &words);
    bob.wait_for("hold-off (ps): here 100000, there 120000", 1);
    bob.terminate();
    let files = ["alice.toml", "bob.toml"].map(|name| desk.path(name).display().to_string());
    let check = helio(&["config", "check", &files[0], &files[1]]);
    assert_eq!(check.status.code(), Some(4));
    assert!(text(&check.stderr).contains("protocol.hold_off"), "{}", text(&check.stderr));
}

/// What another program at Bob's address says to Alice.
fn imposter(desk: &Desk, reply: impl Fn(&str) -> String + Send + 'static) {
    let listener = TcpListener::bind(("127.0.0.1", desk.line)).expect("Bob's port");
    std::thread::spawn(move || {
        for mut alice in listener.incoming().map_while(Result::ok) {
            let Some(opening) = read(&mut alice) else { continue };
            let theirs = String::from_utf8_lossy(&opening[1..]).into_owned();
            let mut frame = vec![1];
            frame.extend(reply(&theirs).into_bytes());
            let _ = write(&mut alice, &frame);
            while read(&mut alice).is_some() {}
        }
    });
}

#[test]
fn another_version_of_line_or_protocol_is_named() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    imposter(&desk, |_| "heliograph line 2\n{}".into());
    ended(desk.start("alice"), 6, &["version 2 of the line, this one 1", "same release on both"]);
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    let own = format!("\"protocol\":{PROTOCOL_VERSION}");
    imposter(&desk, move |alice| alice.replace(&own, "\"protocol\":99"));
    let differs = format!("version 99 of the protocol, this one {PROTOCOL_VERSION}");
    ended(desk.start("alice"), 6, &[&differs, "same release"]);
}

#[test]
fn a_clock_far_off_is_named() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    imposter(&desk, |alice| {
        let bob = alice.replace("\"role\":\"alice\"", "\"role\":\"bob\"");
        let (head, clock) = bob.rsplit_once("\"unix_s\":").expect("a clock");
        let clock: u64 = clock.trim_end_matches('}').parse().expect("seconds");
        format!("{head}\"unix_s\":{}}}", clock + 7200)
    });
    ended(desk.start("alice"), 6, &["clock is 7200 s ahead", "NTP"]);
}

#[test]
fn a_station_that_is_no_station_is_waited_out() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    imposter(&desk, |_| "HTTP/1.1 400 Bad Request".into());
    let mut alice = desk.start("alice");
    alice.wait_for("what no station sends", 1);
    let (status, log) = alice.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(log.len() < 20, "repeated in the log:\n{}", log.join("\n"));
}

#[test]
fn a_port_in_use_and_a_typo_are_named_before_anything_begins() {
    let desk = Desk::new("4x");
    let taken = TcpListener::bind(("127.0.0.1", desk.line)).expect("Bob's port");
    let words = ["cannot listen on", "another program has this port"];
    ended(desk.start("bob"), 6, &words);
    drop(taken);
    desk.edit("bob", "slots_per_block", "slots_per_blok");
    ended(desk.start("bob"), 4, &["slots_per_blok", "slots_per_block", "bob.toml"]);
    desk.edit("bob", "slots_per_blok", "slots_per_block");
    desk.edit("bob", "window = \"40 ns\"", "window = 40");
    ended(desk.start("bob"), 4, &["protocol.window", "a time needs a unit"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
    command.args(["alice", "--config", "/no/such/alice.toml"]);
    ended(Process::start("alice", command), 3, &["/no/such/alice.toml"]);
}

#[test]
fn a_second_station_on_one_folder_is_refused() {
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    let mut alice = desk.start("alice");
    alice.wait_for("is ready at", 1);
    ended(desk.start("alice"), 3, &["in use by another process", "stop that station first"]);
}

/// Runs a station after a change of its surroundings that needs a mount of its own.
fn mounted(desk: &Desk, name: &'static str, mount: &str) -> Option<Process> {
    let allowed = Command::new("unshare").args(["-m", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        println!(
            "SKIPPED: {mount:?} needs a mount namespace: run as root on Linux, with util-linux"
        );
        return None;
    }
    let script = format!(
        "set -e; cd {}; {mount}; exec {} {name} --config {name}.toml",
        desk.path("").display(),
        env!("CARGO_BIN_EXE_helio")
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]);
    Some(Process::start(name, command))
}

#[test]
fn a_read_only_disk_is_named_and_nothing_is_lost() {
    let desk = Desk::new("4x");
    let read_only = "mount --bind bob bob; mount -o remount,ro,bind bob";
    let Some(bob) = mounted(&desk, "bob", read_only) else { return };
    ended(bob, 3, &["read-only", "mount it for writing"]);
    desk.store("bob");
}

#[test]
fn a_full_disk_ends_the_station_with_a_sentence_and_loses_nothing() {
    let desk = Desk::with("4x", &["--pads", "1000", "--reserve", "200"]);
    let _sim = desk.start("sim");
    // Room for a few keys and no more.
    let small = "mkdir -p disk; mount -t tmpfs -o size=2m,mode=700 tmpfs disk; cp -a bob/. disk/; \
                 chmod 700 disk; mount --bind disk bob; mkdir runs2; \
                 dd if=/dev/zero of=bob/ballast bs=1k count=100000 2>/dev/null || true; \
                 dd if=/dev/null of=bob/ballast bs=1k seek=$(($(stat -c %s bob/ballast)/1024-60)) \
                 2>/dev/null";
    let Some(mut bob) = mounted(&desk, "bob", small) else { return };
    let mut alice = desk.start("alice");
    bob.wait_for("bits of key", 1);
    let keys = bob.count("bits of key");
    ended(bob, 3, &["disk is full", "free some space", "nothing that was kept is lost"]);
    assert!(keys >= 1);
    alice.wait_for("bits of key", 1);
    alice.terminate();
}
