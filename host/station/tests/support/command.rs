//! The program in a folder, as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

/// One run of it, to its end.
pub fn helio(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("helio runs")
}

/// One sentence on standard error that has all of these words.
pub fn complaint(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}
