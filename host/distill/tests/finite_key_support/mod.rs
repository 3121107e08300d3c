//! Reading the fixtures in `tests/finite-key`.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/finite-key").join(name)
}

pub fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub fn json(name: &str) -> serde_json::Value {
    serde_json::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A line of a table, by column name.
pub struct Row(HashMap<String, String>);

impl Row {
    pub fn text(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    pub fn number(&self, column: &str) -> f64 {
        self.given(column).unwrap_or_else(|| panic!("{column} is empty"))
    }

    /// `None` for an empty cell.
    pub fn given(&self, column: &str) -> Option<f64> {
        let cell = self.text(column);
        (!cell.is_empty()).then(|| cell.parse().unwrap_or_else(|_| panic!("{column} = {cell}")))
    }

    pub fn count(&self, column: &str) -> u64 {
        self.text(column).parse().unwrap_or_else(|_| panic!("{column}: {}", self.text(column)))
    }
}

pub fn table(name: &str) -> Vec<Row> {
    let text = text(name);
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap_or_else(|| panic!("{name} is empty"));
    lines
        .map(|cells| {
            assert_eq!(cells.len(), header.len(), "{name}: {cells:?}");
            Row(header.iter().cloned().zip(cells).collect())
        })
        .collect()
}

/// Cells of a comma-separated line, quoted ones without their quotes.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

/// Asserts `found` within a relative `tolerance` of `expected`.
#[track_caller]
pub fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let allowed = tolerance * expected.abs();
    assert!((found - expected).abs() <= allowed, "{what}: {found}, expected {expected}");
}
