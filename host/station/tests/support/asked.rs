//! `helio` asked about a trace: what it says, and what it complains of.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

pub fn recording() -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/data");
    data.join("lpq_hydraharp_v30_t2.ptu")
}

pub fn helio<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    Command::cargo_bin("helio").unwrap().env_remove("HELIO_LOG").args(args).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn json(args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&helio(args))).unwrap()
}

/// The one sentence on standard error of a run that fails with this code and prints nothing else.
pub fn complaint(args: &[&str], code: i32) -> String {
    let output = helio(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "one sentence: {text}");
    line.strip_prefix("helio: ").unwrap_or_else(|| panic!("{text}")).to_owned()
}
