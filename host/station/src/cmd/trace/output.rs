//! Where the answer about a trace goes: text, JSON, pictures and tables.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Global;
use crate::exit::{Failure, check_writable, print, print_json};
use crate::plot::{self, Figure};
use crate::unfinished;

/// Where the answer goes: arguments of every command about traces.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cmd) struct Output {
    /// Draw into this file; .svg or .png, repeatable
    #[arg(long, value_name = "FILE")]
    plot: Vec<PathBuf>,
    /// Write the numbers as a table into this file; - is standard output, instead of the text
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// A command's answer in all its forms; only those that are asked for are made.
pub(in crate::cmd) trait Answer {
    /// For people.
    fn text(&self) -> String;
    /// For programs.
    fn json(&self) -> Value;
    /// For the eye.
    fn figure(&self) -> Figure;
    /// For spreadsheets.
    fn table(&self) -> Table;
}

impl Output {
    /// Whether the files can be written; told before hours of counting.
    pub(in crate::cmd) fn check(&self, global: &Global) -> Result<(), Failure> {
        self.check_beside(global, &[])
    }

    /// As [`Output::check`], and whether they are none of the files that are read.
    pub(super) fn check_beside(&self, global: &Global, inputs: &[&Path]) -> Result<(), Failure> {
        if global.json && self.csv.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage(
                "--json and --csv - both go to standard output; write the table into a file",
            ));
        }
        let csv = self.csv.as_deref().filter(|path| *path != Path::new("-"));
        let plots = self.plot.iter().map(|path| ("--plot", path.as_path()));
        for (option, path) in plots.chain(csv.map(|path| ("--csv", path))) {
            if inputs.iter().any(|input| is_same_file(input, path)) {
                return Err(Failure::usage(format!(
                    "{option} {} is the trace that is read; name another file",
                    path.display()
                )));
            }
        }
        self.plot.iter().try_for_each(|path| plot::check(path))?;
        csv.map_or(Ok(()), check_writable)
    }

    /// Gives the answer.
    pub(in crate::cmd) fn give(
        &self,
        global: &Global,
        answer: &impl Answer,
    ) -> Result<(), Failure> {
        if !self.plot.is_empty() {
            let figure = answer.figure();
            self.plot.iter().try_for_each(|path| plot::save(&figure, path))?;
        }
        if let Some(path) = &self.csv {
            answer.table().save(path)?;
            if path == Path::new("-") {
                return Ok(());
            }
        }
        match global.json {
            true => print_json(&answer.json()),
            false => print(answer.text()),
        }
    }

    /// Gives the answer about a trace, of which `notes` have been said on standard error: they are
    /// `notes` in JSON.
    pub(super) fn give_noted(
        &self,
        global: &Global,
        answer: &impl Answer,
        notes: &[String],
    ) -> Result<(), Failure> {
        self.give(global, &Noted { answer, notes })
    }
}

/// An answer, and what is worth a word about the trace that gave it.
struct Noted<'a, A> {
    answer: &'a A,
    notes: &'a [String],
}

impl<A: Answer> Answer for Noted<'_, A> {
    fn text(&self) -> String {
        self.answer.text()
    }

    fn json(&self) -> Value {
        let mut value = self.answer.json();
        value["notes"] = self.notes.into();
        value
    }

    fn figure(&self) -> Figure {
        self.answer.figure()
    }

    fn table(&self) -> Table {
        self.answer.table()
    }
}

/// Whether two names are those of one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let known = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    known(one).is_some_and(|one| known(other) == Some(one))
}

/// What stands in a table.
pub(in crate::cmd) trait Cell {
    /// As it is written.
    fn cell(&self) -> String;
}

impl Cell for f64 {
    /// Fifteen digits, beyond which the conversion of units shows, and a power of ten where there would
    /// be many zeros.
    fn cell(&self) -> String {
        let short: f64 = format!("{self:.14e}").parse().unwrap_or(*self);
        match short.abs() {
            0.0 => "0".into(),
            1e-4..1e15 => short.to_string(),
            _ => format!("{short:e}"),
        }
    }
}

macro_rules! as_displayed {
    ($($kind:ty),*) => {
        $(impl Cell for $kind {
            fn cell(&self) -> String {
                self.to_string()
            }
        })*
    };
}

as_displayed!(u8, u16, u32, u64, usize, i32, i64, str, String);

impl<T: Cell + ?Sized> Cell for &T {
    fn cell(&self) -> String {
        (**self).cell()
    }
}

/// Columns of equal length, each with a name that ends in its unit.
#[derive(Clone, Debug, Default)]
pub(in crate::cmd) struct Table {
    names: Vec<String>,
    columns: Vec<Vec<String>>,
}

impl Table {
    /// Adds a column.
    pub(in crate::cmd) fn with<T: Cell>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Table {
        self.names.push(name.into());
        self.columns.push(values.into_iter().map(|value| value.cell()).collect());
        self
    }

    /// Adds a column in which a value may be missing.
    pub(in crate::cmd) fn with_known<T: Cell>(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Table {
        self.with(
            name,
            values.into_iter().map(|value| value.map_or_else(String::new, |v| v.cell())),
        )
    }

    fn save(&self, path: &Path) -> Result<(), Failure> {
        let mut text = Vec::new();
        self.write(&mut text).map_err(|err| Failure::unwritable(path, err))?;
        if path == Path::new("-") {
            return print(String::from_utf8_lossy(&text));
        }
        unfinished::write(path, &text).map_err(|err| Failure::unwritable(path, err))
    }

    fn write(&self, to: impl Write) -> csv::Result<()> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(&self.names)?;
        let rows = self.columns.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..rows {
            let cell = |column: &Vec<String>| column.get(row).cloned().unwrap_or_default();
            writer.write_record(self.columns.iter().map(cell))?;
        }
        writer.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_without_zeros_and_without_what_units_left_behind() {
        let cells =
            [1.000_000_023e-12, 0.1 + 0.2, -0.0, 1e-3, 44_920_000.0, 1e15].map(|n| n.cell());
        assert_eq!(cells, ["1.000000023e-12", "0.3", "0", "0.001", "44920000", "1e15"]);
        assert_eq!(f64::NAN.cell(), "NaN");
    }

    #[test]
    fn a_table_has_a_name_above_each_column_and_blanks_for_what_is_unknown() {
        let table =
            Table::default().with("delay_ps", [1, 2]).with_known("g2", [Some(0.5), None::<f64>]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "delay_ps,g2\n1,0.5\n2,\n");
    }
}
