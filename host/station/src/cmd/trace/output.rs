//! Where the answer about a trace goes: text, JSON, pictures and tables.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Global;
use crate::exit::{Failure, check_writable, print, print_json};
use crate::plot::{self, Figure};

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
        if global.json && self.csv.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage(
                "--json and --csv - both go to standard output; write the table into a file",
            ));
        }
        self.plot.iter().try_for_each(|path| plot::check(path))?;
        match &self.csv {
            Some(path) if path != Path::new("-") => check_writable(path),
            _ => Ok(()),
        }
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
}

/// Columns of equal length, each with a name that ends in its unit.
#[derive(Clone, Debug, Default)]
pub(in crate::cmd) struct Table {
    names: Vec<String>,
    columns: Vec<Vec<String>>,
}

impl Table {
    /// Adds a column.
    pub(in crate::cmd) fn with<T: Display>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Table {
        self.names.push(name.into());
        self.columns.push(values.into_iter().map(|value| value.to_string()).collect());
        self
    }

    /// Adds a column in which a value may be missing.
    pub(in crate::cmd) fn with_known<T: Display>(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Table {
        self.with(
            name,
            values.into_iter().map(|value| value.map_or_else(String::new, |v| v.to_string())),
        )
    }

    fn save(&self, path: &Path) -> Result<(), Failure> {
        if path == Path::new("-") {
            let mut text = Vec::new();
            self.write(&mut text).map_err(|err| Failure::unwritable(path, err))?;
            return print(String::from_utf8_lossy(&text));
        }
        let file = std::fs::File::create(path).map_err(|err| Failure::unwritable(path, err))?;
        self.write(io::BufWriter::new(file)).map_err(|err| Failure::unwritable(path, err))
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
    fn a_table_has_a_name_above_each_column_and_blanks_for_what_is_unknown() {
        let table =
            Table::default().with("delay_ps", [1, 2]).with_known("g2", [Some(0.5), None::<f64>]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "delay_ps,g2\n1,0.5\n2,\n");
    }
}
