//! `helio config` as a user runs it.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

#[path = "support/command.rs"]
mod command;

use command::{complaint, helio};

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn edit(file: &Path, from: &str, to: &str) {
    let old = fs::read_to_string(file).expect("readable");
    assert!(old.contains(from), "{from:?}");
    fs::write(file, old.replacen(from, to, 1)).expect("writable");
}

const ALL: [&str; 5] = ["config", "check", "alice.toml", "bob.toml", "sim.toml"];

#[test]
fn what_init_writes_is_right_and_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let written = text(&helio(at, &["config", "init"]));
    for word in ["alice.toml", "bob.toml", "sim.toml", "helio pair", "--simulated", "helio sim"] {
        assert!(written.contains(word), "{word:?} is missing in: {written}");
    }
    let checked = text(&helio(at, &ALL));
    for word in ["30 ticks of 20000/3 ps", "20 000 000 slots = 4 s", "tcp:127.0.0.1:7001", "equal"]
    {
        assert!(checked.contains(word), "{word:?} is missing in: {checked}");
    }
    edit(&at.join("bob.toml"), "SPAD 1", "mine");
    let before = fs::read(at.join("bob.toml")).expect("readable");
    complaint(&helio(at, &["config", "init"]), 3, &["alice.toml is there already", "--dir"]);
    complaint(&helio(at, &["config", "init", "bob"]), 3, &["bob.toml is there already"]);
    assert_eq!(fs::read(at.join("bob.toml")).expect("readable"), before);
    // All or none.
    fs::remove_file(at.join("alice.toml")).expect("removed");
    complaint(&helio(at, &["config", "init"]), 3, &["bob.toml is there already"]);
    assert!(!at.join("alice.toml").exists());
    text(&helio(at, &["config", "init", "alice"]));
    text(&helio(at, &["config", "init", "--dir", "new/one", "sim"]));
    assert!(at.join("new/one/sim.toml").exists() && !at.join("new/one/bob.toml").exists());
    let all: Value =
        serde_json::from_slice(&helio(at, &[&ALL[..], &["--json"]].concat()).stdout).expect("JSON");
    assert_eq!(all["files"]["bob.toml"]["slot_ticks"], 30);
    assert_eq!(
        (&all["faults"], &all["differences"]),
        (&Value::from([""; 0]), &Value::from([""; 0]))
    );
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    text(&helio(at, &["config", "init"]));
    let alice = at.join("alice.toml");
    let check = || helio(at, &["config", "check", "alice.toml"]);
    edit(&alice, "\nslot_rate", "\nslot_rat");
    let line = fs::read_to_string(&alice).expect("readable");
    let line = 1 + line[..line.find("\nslot_rat").expect("there") + 1].matches('\n').count();
    let place = format!("alice.toml line {line}: unknown key `slot_rat`");
    complaint(&check(), 4, &[&place, "did you mean `slot_rate`?"]);
    edit(&alice, "\nslot_rat", "\nslot_rate");
    edit(&alice, "\"40 ns\"", "\"40 nm\"");
    complaint(&check(), 4, &["`protocol.window`", "a unit of ps, ns", "write for example"]);
    complaint(&helio(at, &["config", "show", "alice.toml"]), 4, &["`protocol.window`"]);
    complaint(&helio(at, &["config", "check", "none.toml"]), 3, &["none.toml", "config init"]);
    complaint(&helio(at, &["config", "check", "."]), 3, &["is a folder"]);
    fs::write(&alice, [0xFF, 0xFE]).expect("writable");
    complaint(&check(), 3, &["UTF-8"]);
    fs::write(&alice, "").expect("writable");
    complaint(&check(), 4, &["`role`", "\"sim\""]);
    // Each file's fault has its line.
    let both = helio(at, &["config", "check", "alice.toml", "none.toml", "bob.toml"]);
    assert_eq!(String::from_utf8_lossy(&both.stderr).lines().count(), 2, "{both:?}");
    assert!(String::from_utf8_lossy(&both.stdout).contains("bob.toml: no fault"));
}

#[test]
fn a_pair_that_differs_is_told_every_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    text(&helio(at, &["config", "init"]));
    edit(&at.join("bob.toml"), "\"40 ns\"", "\"41 ns\"");
    edit(&at.join("bob.toml"), "20_000_000", "30_000_000");
    text(&helio(at, &["config", "check", "bob.toml", "sim.toml"]));
    complaint(
        &helio(at, &ALL),
        4,
        &[
            "2 values",
            "`protocol.window` is 40 ns in alice.toml line",
            "41 ns in bob.toml line",
            "`protocol.slots_per_block` is 20000000",
        ],
    );
    edit(&at.join("sim.toml"), "slot_rate = \"5 MHz\"", "slot_rate = \"2 MHz\"");
    edit(&at.join("sim.toml"), "kind = \"active\"", "kind = \"passive\"");
    let light = helio(at, &["config", "check", "bob.toml", "sim.toml"]);
    complaint(&light, 4, &["2 values", "30 ticks", "75", "the receiver is active"]);
}

#[test]
fn every_value_in_force_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    text(&helio(at, &["config", "init"]));
    edit(&at.join("bob.toml"), "\nepsilon = 1e-10\n", "\n");
    let shown = text(&helio(at, &["config", "show", "bob.toml"]));
    let line = |key: &str| shown.lines().find(|l| l.starts_with(key)).expect("shown").to_owned();
    assert!(
        line("protocol.epsilon").contains("1e-10") && line("protocol.epsilon").contains("default")
    );
    assert!(line("protocol.window").contains("40 ns") && line("protocol.window").contains("line "));
    let json = helio(at, &["config", "show", "bob.toml", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["values"]["protocol.epsilon"]["default"], true);
    assert_eq!(json["values"]["channel[0].name"]["value"], "SPAD 1");
    assert!(text(&helio(at, &["config", "show", "sim.toml"])).contains("real time"));
    let help = text(&helio(at, &["config", "--help"]));
    assert!(help.contains("helio pair --alice alice --bob bob --simulated"), "{help}");
}
