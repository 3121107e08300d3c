//! Tables of counts: blocks that somebody measured or planned, as CSV or JSON, to compute lengths of.
//!
//! The columns are those of the finite-key vectors; columns with other names are passed over. CSV and
//! JSON become the same [`Row`] of texts, so that a number is read in one way only. What is wrong
//! with the file as a whole is a [`TableFault`]; what is wrong with one row is that row's
//! [`RowFault`], and the other rows stand. Nothing here computes: the bounds are in
//! `helio_distill::bound`.

mod csv_table;
mod json_table;
mod row;

pub use row::{CellFault, Row, RowFault};

/// Largest file that is read. A row takes 400 bytes, so that [`MAX_ROWS`] fit.
pub const MAX_BYTES: usize = 64 << 20;

/// Most rows that are read.
pub const MAX_ROWS: usize = 100_000;

/// The columns that are read, in the order of the finite-key vectors. Lists are by intensity,
/// the brightest first.
pub const COLUMNS: [&str; 31] = [
    "id", "bound", "mu1", "mu2", "mu3", "p1", "p2", "p3", "nk1", "nk2", "nk3", "mk1", "mk2", "mk3",
    "nt1", "nt2", "nt3", "mt1", "mt2", "mt3", "leak", "eps_sec", "eps_cor", "eps_d", "eps_a",
    "eps_b", "eps_c", "eps_pa", "eps_ev", "delta1", "delta2",
];

/// Columns that every bound takes: a table without one of them is no table of counts.
const NEEDED: [&str; 11] =
    ["mu1", "mu2", "p1", "p2", "nk1", "nk2", "nt1", "nt2", "mt1", "mt2", "leak"];

/// Why a file is no table of counts. Goes on where the file's name stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    /// More than [`MAX_BYTES`].
    #[error("is longer than 64 MiB; split it")]
    TooLarge,
    /// More than [`MAX_ROWS`].
    #[error("has more than 100 000 rows; split it")]
    TooManyRows,
    /// Nothing to compute.
    #[error("has no rows; write a line of column names and a line for each block")]
    Empty,
    /// Bytes that are no text.
    #[error("is not UTF-8 text from line {line} on; save the table as UTF-8")]
    NotText {
        /// Counted from 1.
        line: u64,
    },
    /// Columns that every bound takes are not in the head.
    #[error(
        "has no column {} in its first line; name the columns as in the finite-key vectors, \
         separated by commas",
        .0.join(", ")
    )]
    ColumnsMissing(Vec<&'static str>),
    /// Two columns, or two fields of an object, of one name.
    #[error("has the column {0} twice; leave one of them out")]
    ColumnTwice(&'static str),
    /// A line with more or fewer cells than the head.
    #[error(
        "has {found} cells in line {line} and {expected} in its first line; give every line a cell \
         for each column"
    )]
    Uneven {
        /// Counted from 1.
        line: u64,
        /// Cells of that line.
        found: u64,
        /// Cells of the first line.
        expected: u64,
    },
    /// Not JSON, or JSON of another shape.
    #[error(
        "is no JSON table in line {line}, column {column} ({why}); write an array with an object \
         for each block, its fields named as the columns of the finite-key vectors"
    )]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The parser's words.
        why: String,
    },
}

/// Reads a table and gives each of its rows to `each`, in order. CSV or JSON is told by the first
/// byte that is not white space: `[` or `{` begins JSON. Memory beyond `bytes` is one row.
///
/// # Errors
/// The file as a whole cannot be read; rows before the fault have been given then.
pub fn read(bytes: &[u8], each: &mut dyn FnMut(Row)) -> Result<(), TableFault> {
    if bytes.len() > MAX_BYTES {
        return Err(TableFault::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        let before = bytes.iter().take(fault.valid_up_to());
        TableFault::NotText { line: 1 + before.filter(|&&b| b == b'\n').count() as u64 }
    })?;
    let mut rows = 0usize;
    let mut counted = |row: Row| {
        rows += 1;
        if rows > MAX_ROWS {
            return Err(TableFault::TooManyRows);
        }
        each(row);
        Ok(())
    };
    match text.trim_start().bytes().next() {
        Some(b'[' | b'{') => json_table::read(text, &mut counted)?,
        _ => csv_table::read(text, &mut counted)?,
    }
    if rows == 0 { Err(TableFault::Empty) } else { Ok(()) }
}

/// Place of a column in [`COLUMNS`]; `None` for one that is passed over.
fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|known| *known == name)
}

#[cfg(test)]
mod tests;
