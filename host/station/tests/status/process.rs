//! `helio status` as a process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use helio_distill::pads::{Purpose, Way};
use helio_distill::release::StationStore;
use helio_keys::Simulated;
use helio_station::status::StatusServer;
use helio_station::store::DiskStore;
use serde_json::Value;

use crate::filled::filled;

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
    command.args(args).current_dir(folder);
    command
}

fn helio(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("helio runs")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).expect("JSON")
}

/// One sentence on standard error that has all of these words.
fn complaint(output: &Output, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

fn pair(at: &Path) {
    let args =
        ["pair", "--simulated", "--alice", "a", "--bob", "b", "--pads", "20", "--reserve", "5"];
    assert!(helio(at, &args).status.success());
}

#[test]
fn a_station_that_does_not_run_is_read_from_its_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    pair(at);
    let page = text(&helio(at, &["status", "a"]));
    for words in [
        "Alice with \"bob\", SIMULATED: stopped\n",
        "waiting  it does not run; start it with `helio alice`",
        "20 of 20 left for blocks",
        "5 of 5 for contact",
        "0 of 1e-6 spent",
    ] {
        assert!(page.contains(words), "{words:?} is missing in:\n{page}");
    }
    let found = json(&helio(&at.join("b"), &["status", "--json"]));
    assert_eq!((&found["station"]["role"], &found["phase"]), (&"bob".into(), &"stopped".into()));
    assert_eq!((&found["pads"]["block_left"], &found["ready"]), (&20.into(), &false.into()));

    let mut store = DiskStore::<Simulated>::open(&at.join("a"), None).expect("opens");
    store.spend_pads(Way::In, Purpose::Block, 20).expect("spent");
    store.spend_pads(Way::Out, Purpose::Recovery, 2).expect("spent");
    store.record_epsilon(1e-6).expect("recorded");
    store.void_pads().expect("void");
    complaint(&helio(at, &["status", "a"]), &["in use", "answers no question", "ask again"]);
    drop(store);
    let found = json(&helio(at, &["status", "a", "--json"]));
    assert_eq!((&found["pads"]["block_left"], &found["pads"]["void"]), (&0.into(), &true.into()));
    let words = found["waiting_for"].as_str().expect("words").to_owned();
    for word in ["void", "no pads are left for blocks", "3 pads", "ε is spent", "--renew"] {
        assert!(words.contains(word), "{word:?} is missing in {words}");
    }
}

#[test]
fn a_folder_without_a_station_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    complaint(&helio(at, &["status"]), &["this folder holds no station", "helio status DIR"]);
    complaint(&helio(at, &["status", "x", "--watch"]), &["holds no station", "helio pair"]);
}

#[test]
fn a_running_station_is_asked_while_its_store_is_locked() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    pair(at);
    let _store = DiskStore::<Simulated>::open(&at.join("b"), None).expect("opens");
    let shared = Arc::new(Mutex::new(filled()));
    let server = StatusServer::start(&at.join("b"), shared).expect("serves");
    let page = text(&helio(at, &["status", "b"]));
    assert!(page.contains("Bob with \"alice\", SIMULATED: running"), "{page}");
    assert_eq!(json(&helio(at, &["status", "b", "--json"]))["station"]["pid"], 4_242);
    for (args, begin) in [
        (&["status", "b", "--watch", "--json"][..], "{\"blocks\":"),
        (&["status", "b", "--watch"], "Bob running for"),
    ] {
        let mut child =
            command(at, args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        for _ in 0..2 {
            let line = lines.next().expect("a line").expect("text");
            assert!(line.starts_with(begin), "{line}");
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    drop(server);
    assert!(!fs::exists(at.join("b/status.sock")).expect("looked"));
}
