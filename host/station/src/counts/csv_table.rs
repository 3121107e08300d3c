//! Rows of comma-separated text. The first line names the columns.

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::row::{Place, Row};
use super::{COLUMNS, NEEDED, TableFault, column};

pub(super) fn read(
    text: &str,
    each: &mut dyn FnMut(Row) -> Result<(), TableFault>,
) -> Result<(), TableFault> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let mut lines = Lines { text, at: 0, line: 1 };
    let head = reader.headers().map_err(|fault| told(&fault, &mut lines))?;
    let columns: Vec<Option<usize>> = head.iter().map(column).collect();
    for (i, name) in COLUMNS.iter().enumerate() {
        if columns.iter().filter(|&&c| c == Some(i)).count() > 1 {
            return Err(TableFault::ColumnTwice(name));
        }
    }
    let missing: Vec<&str> =
        NEEDED.into_iter().filter(|name| !columns.contains(&column(name))).collect();
    if !missing.is_empty() {
        return Err(TableFault::ColumnsMissing(missing));
    }
    let mut record = StringRecord::new();
    let mut number = 0;
    while reader.read_record(&mut record).map_err(|fault| told(&fault, &mut lines))? {
        number += 1;
        let line = lines.of(record.position());
        let mut row = Row::new(number, Place::Line(line));
        for (column, cell) in columns.iter().zip(&record) {
            if let Some(column) = *column {
                row.set(column, cell);
            }
        }
        each(row)?;
    }
    Ok(())
}

/// Lines of a text, counted from where the last record began.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line in which a record begins. The reader's own count is of where the record before ended,
    /// one or two bytes of a line's end earlier.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let bytes = self.text.as_bytes();
        let mut end = position.map_or(0, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX));
        while matches!(bytes.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        let passed = bytes.get(self.at..end).unwrap_or_default();
        self.line += passed.iter().filter(|&&b| b == b'\n').count() as u64;
        self.at = self.at.max(end);
        self.line
    }
}

/// The text is in memory and UTF-8: what is left is a line of the wrong length.
fn told(fault: &csv::Error, lines: &mut Lines<'_>) -> TableFault {
    match fault.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => TableFault::Uneven {
            line: lines.of(pos.as_ref()),
            found: *len,
            expected: *expected_len,
        },
        _ => TableFault::NotText { line: lines.of(fault.position()) },
    }
}
