//! A key leaves its station by `helio keys export`, once.

use std::path::Path;
use std::process::{Command, Output};

use helio_distill::release::StationStore;

use crate::support::{certificate, create, id, key};

fn export(station: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio"))
        .args(["keys", "export", "--state", ".", "--block"])
        .args(more)
        .current_dir(station)
        .output()
        .expect("helio runs")
}

#[test]
fn a_simulated_key_is_marked_and_delivered_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    for block in [1, 2] {
        store.hold(id(block), key(block), certificate()).expect("held");
    }
    store.release(id(1)).expect("released");
    drop(store);
    let made = export(folder.path(), &["1", "--out", "key"]);
    assert!(made.status.success(), "{made:?}");
    let path = folder.path().join("key.SIMULATED");
    let text = std::fs::read_to_string(&path).expect("the key's file");
    let (header, hex) = text.split_once("\n\n").expect("a header and a key");
    assert!(header.contains("origin: SIMULATED") && header.contains("bits: 301"), "{header}");
    // What the key takes on trust is printed on it.
    let assumed = header.lines().find(|line| line.starts_with("assumed: ")).expect("a line");
    for words in ["source assumed ideal", "detectors assumed matched"] {
        assert!(assumed.contains(words), "{assumed}");
    }
    let bytes = key(1).bits().to_bytes();
    let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex.trim_end(), expected);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    for (more, word) in [
        (&["1", "--out", "key"][..], "is there already"),
        (&["1", "--out", "second"], "--again"),
        (&["2", "--out", "second"], "has not proven"),
    ] {
        let refused = export(folder.path(), more);
        assert_eq!(refused.status.code(), Some(3));
        let sentence = String::from_utf8_lossy(&refused.stderr);
        assert!(sentence.contains(word) && sentence.lines().count() == 1, "{sentence}");
        assert!(!folder.path().join("second.SIMULATED").exists());
    }
    assert!(export(folder.path(), &["1", "--out", "second", "--again"]).status.success());
}
