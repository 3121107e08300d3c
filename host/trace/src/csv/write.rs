//! Writes a table as text.

use std::io::{self, BufWriter, Seek, Write};

use crate::table::{Row, RowSink, Table, Time};
use crate::units::tick_text;
use crate::writer::Output;

#[derive(Debug)]
pub(crate) struct CsvSink<W: Output> {
    out: BufWriter<W>,
    table: Table,
}

/// The names of the columns, with their units.
pub(super) fn names(table: &Table) -> Vec<String> {
    let time = match table.time {
        Time::Picoseconds => table.time_name().into(),
        Time::Ticks | Time::Syncs => format!("{} ({})", table.time_name(), tick_text(table.tick)),
    };
    let dtime = table.dtime.map(|unit| match unit {
        Some(unit) => format!("dtime ({})", tick_text(unit)),
        None => "dtime".into(),
    });
    let mut names = vec![time, "channel".into()];
    names.extend(dtime);
    names.extend(table.kind.then(|| "kind".into()));
    names.extend(table.missed.then(|| "missed".into()));
    names
}

impl<W: Output> CsvSink<W> {
    pub(crate) fn new(out: W, table: Table) -> io::Result<CsvSink<W>> {
        let mut out = BufWriter::new(out);
        writeln!(out, "{}", names(&table).join(","))?;
        Ok(CsvSink { out, table })
    }
}

impl<W: Output> RowSink for CsvSink<W> {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        write!(self.out, "{},{}", row.time, row.channel)?;
        if self.table.dtime.is_some() {
            write!(self.out, ",{}", row.dtime)?;
        }
        if self.table.kind {
            write!(self.out, ",{}", row.kind)?;
        }
        if self.table.missed {
            write!(self.out, ",{}", row.missed)?;
        }
        self.out.write_all(b"\n")
    }

    fn finish(mut self, _rows: u64) -> io::Result<u64> {
        let bytes = self.out.stream_position()?;
        self.out.flush()?;
        Ok(bytes)
    }
}
