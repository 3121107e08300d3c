//! Stations that record: each one's talk again from its own folder, word for word.

use std::path::{Path, PathBuf};

use helio_trace::TimeTag;
use helio_units::Ticks;
use serde_json::Value;

use crate::clicks::rewrite;
use crate::desk::{Desk, entries, helio, text};
use crate::tap::{Tap, pass, talk};

/// The talk in a run's folder, told again.
pub fn replay(folder: &Path) -> Value {
    let output = helio(&["replay", folder.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}: {}", folder.display(), text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn runs(desk: &Desk, role: &str) -> Vec<PathBuf> {
    let mut runs = entries(&desk.path("runs"));
    runs.retain(|run| run.to_string_lossy().contains(&format!("-{role}-")));
    runs
}

#[test]
fn what_two_stations_said_is_said_again_to_the_bit() {
    let desk = Desk::new("4x");
    let tap = Tap::between(&desk);
    let _sim = desk.start("sim");
    let mut bob = desk.start_with("bob", &["--record"]);
    let mut alice = desk.start_with("alice", &["--record"]);
    alice.wait_for("bits of key", 2);
    // A line cut, a message altered: the tape has it all.
    tap.cut();
    alice.wait_for("contact with", 2);
    alice.wait_for("bits of key", 4);
    tap.meddle(|_, mut frame| {
        if talk(&frame).is_some_and(|(open, _)| open.sequence == 3 && open.block.is_some()) {
            let last = frame.len() - 1;
            frame[last] ^= 4;
        }
        pass(frame)
    });
    bob.wait_for("failed and is burnt", 1);
    tap.leave();
    let keys = alice.count("bits of key");
    alice.wait_for("bits of key", keys + 2);
    alice.terminate();
    bob.terminate();

    let (mut made, mut words) = (0, 0);
    for role in ["alice", "bob"] {
        let runs = runs(&desk, role);
        assert_eq!(runs.len(), 1, "{runs:?}");
        let again = replay(&runs[0]);
        assert_eq!((&again["role"], &again["same_keys"]), (&role.into(), &true.into()));
        assert_eq!(again["recorded"], again["made"]);
        assert!(again["recorded_s"].as_f64().unwrap() > 0.5, "{again}");
        made += again["made"]["keys"].as_array().unwrap().len();
        words += again["messages"].as_u64().unwrap();
    }
    assert!(made >= 10, "only {made} keys on both sides");
    println!("{made} keys and {words} messages, all the same again");

    // What was done to Bob's clicks is told, as for a run of both.
    let bob = &runs(&desk, "bob")[0];
    let info = helio(&["trace", "info", bob.join("clicks.ptu").to_str().expect("UTF-8"), "--json"]);
    assert!(info.status.success(), "other programs open it: {}", text(&info.stderr));
    let clicks = bob.join("clicks.ptu");
    let bytes = std::fs::read(&clicks).expect("clicks");
    std::fs::write(&clicks, &bytes[..bytes.len() - 4096]).expect("cut");
    let cut = helio(&["replay", bob.to_str().expect("UTF-8")]);
    assert_eq!(cut.status.code(), Some(3));
    assert!(text(&cut.stderr).contains("clicks.ptu"), "{}", text(&cut.stderr));
    let told = |change: &dyn Fn(TimeTag) -> TimeTag| {
        std::fs::write(&clicks, &bytes).expect("whole again");
        rewrite(bob, |_, click| Some(change(click)));
        let output = helio(&["replay", bob.to_str().expect("UTF-8")]);
        assert_eq!(output.status.code(), Some(3));
        text(&output.stderr)
    };
    let shifted = told(&|click| TimeTag { tick: Ticks(click.tick.0 + 50), ..click });
    assert!(shifted.contains("shifted in time by +50 ticks"), "{shifted}");
    let swapped = told(&|click| TimeTag { channel: 1 - click.channel, ..click });
    assert!(swapped.contains("channels 0 and 1 exchanged"), "{swapped}");
    std::fs::write(&clicks, &bytes).expect("whole again");

    // One bit of the tape changed is found.
    let tape = bob.join("SECRET-talk.tape");
    let mut bytes = std::fs::read(&tape).expect("a tape");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&tape, &bytes).expect("changed");
    let changed = helio(&["replay", bob.to_str().expect("UTF-8")]);
    assert_eq!(changed.status.code(), Some(3), "{}", text(&changed.stdout));
}

#[test]
fn secrets_of_a_recording_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new("4x");
    let _sim = desk.start("sim");
    let bob = desk.start_with("bob", &["--record"]);
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 1);
    alice.terminate();
    bob.terminate();
    let run = &runs(&desk, "bob")[0];
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(run), 0o700);
    for entry in entries(run) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if name.starts_with("SECRET") || name.ends_with(".json") || name.ends_with(".jsonl") {
            let public = ["batches.jsonl"].contains(&name.as_str());
            assert!(public || mode(&entry) == 0o600, "{name}: {:o}", mode(&entry));
        }
    }
    // Alice did not record: no secrets of hers.
    let alice = &runs(&desk, "alice")[0];
    assert!(entries(alice).iter().all(|e| !e.to_string_lossy().contains("SECRET")));
}
