//! What tests say of the machine they run on.

use std::io::Write;

/// Says on standard error which levels of vector instructions were compared and which the machine has not:
/// past the harness, which keeps the words of tests that pass to itself.
pub(crate) fn aloud(what: &str, levels: &str) {
    let _ = writeln!(std::io::stderr(), "levels of {what}: {levels}");
}
