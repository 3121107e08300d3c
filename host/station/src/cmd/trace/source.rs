//! A trace read from end to end, with progress, and its errors as the program tells them.

use std::fs::File;
use std::path::Path;

use helio_timetag::analysis::OutOfOrder;
use helio_trace::{Chunk, PtuReader};
use helio_units::{TickLength, Ticks};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::term::Progress;

/// Reads a whole trace and gives each chunk to `each`; returns the reader at its end, for what it
/// counted.
pub(super) fn scan(
    path: &Path,
    mut each: impl FnMut(&Chunk) -> Result<(), OutOfOrder>,
) -> Result<PtuReader<File>, Failure> {
    let fault = |err| Failure::file(path, err);
    let mut reader = PtuReader::open(path).map_err(fault)?;
    let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
    let mut progress = Progress::of_bytes(format!("reading {}", path.display()), bytes);
    let mut chunk = Chunk::default();
    while reader.read_chunk(&mut chunk).map_err(fault)? {
        each(&chunk).map_err(|err| Failure::file(path, format!("is not in time order: {err}")))?;
        progress.at(reader.bytes_read());
    }
    Ok(reader)
}

/// A time in seconds, for people and for statistics.
pub(super) fn seconds(tick: TickLength, ticks: Ticks) -> f64 {
    ticks.0 as f64 * tick.as_ps_f64() * 1e-12
}

/// A time in picoseconds where it is a whole number of them, else `null`.
pub(super) fn exact_ps(tick: TickLength, ticks: Ticks) -> Value {
    let scaled = u128::from(ticks.0) * u128::from(tick.numerator_ps());
    let whole = scaled % u128::from(tick.denominator()) == 0;
    match (whole, u64::try_from(scaled / u128::from(tick.denominator()))) {
        (true, Ok(ps)) => json!(ps),
        _ => Value::Null,
    }
}

/// The exact length of a tick, in words.
pub(super) fn tick_text(tick: TickLength) -> String {
    match tick.denominator() {
        1 => format!("{} ps", tick.numerator_ps()),
        d => format!("{}/{d} ps", tick.numerator_ps()),
    }
}

/// The exact length of a tick, for programs.
pub(super) fn tick_json(tick: TickLength) -> Value {
    json!({ "numerator_ps": tick.numerator_ps(), "denominator": tick.denominator() })
}

/// The file's name without its folder.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
