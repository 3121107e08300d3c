//! `helio device` as a user meets it.

use assert_cmd::Command;
use serde_json::Value;

#[test]
fn list_always_answers_whatever_is_plugged_in() {
    let list = |args: &[&str]| {
        let mut helio = Command::cargo_bin("helio").unwrap();
        helio.env_remove("HELIO_LOG").args(["device", "list"]).args(args).output().unwrap()
    };
    let output = list(&[]);
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    let said: Value = serde_json::from_slice(&list(&["--json"]).stdout).unwrap();
    assert!(said["usb"].is_array() && said["serial"].is_array(), "{said}");
}
