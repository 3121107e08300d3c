//! Recordings with known figures, and whether what is said of one includes them.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Files with figures: those kept here, and those of the shared data where they lie beside the
/// checkout.
pub fn recordings() -> Vec<PathBuf> {
    // Both crates that ask lie beside each other.
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in [crates.join("trace/tests/data"), crates.join("../../shared/data/timetags")] {
        match std::fs::read_dir(&folder) {
            Ok(entries) => found.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => println!("skipped: {} is not there", folder.display()),
        }
    }
    let name =
        |path: &PathBuf| path.to_str().unwrap().strip_suffix(".expected.json").map(PathBuf::from);
    found.iter().filter_map(name).collect()
}

/// Everything in `known` is in `said`; objects may say more. Numbers are equal as numbers.
pub fn assert_includes(said: &Value, known: &Value, path: &str) {
    match (said, known) {
        (_, Value::Object(fields)) => {
            for (key, value) in fields {
                assert_includes(&said[key], value, &format!("{path}.{key}"));
            }
        }
        (Value::Number(_), Value::Number(_)) => assert_eq!(said.as_f64(), known.as_f64(), "{path}"),
        _ => assert_eq!(said, known, "{path}"),
    }
}
