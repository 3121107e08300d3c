//! Rows of comma-separated text. The first line names the columns.

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::row::{Place, Row};
use super::{COLUMNS, NEEDED, TableFault, column};

pub(super) fn read(
    text: &str,
    each: &mut dyn FnMut(Row) -> Result<(), TableFault>,
) -> Result<(), TableFault> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|fault| told(&fault))?;
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
    while reader.read_record(&mut record).map_err(|fault| told(&fault))? {
        number += 1;
        let line = record.position().map_or(0, csv::Position::line);
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

/// The text is in memory and UTF-8: what is left is a line of the wrong length.
fn told(fault: &csv::Error) -> TableFault {
    match fault.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => TableFault::Uneven {
            line: pos.as_ref().map_or(0, csv::Position::line),
            found: *len,
            expected: *expected_len,
        },
        _ => TableFault::NotText { line: fault.position().map_or(0, csv::Position::line) },
    }
}
