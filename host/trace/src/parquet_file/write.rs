//! Writes the columns, a group of rows at a time.

use std::io;
use std::sync::Arc;

use parquet::basic::{Encoding, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::{DTIME_UNIT, STARTS_AT_ZERO, TICK};
use crate::table::{Row, RowSink, Table};
use crate::units::tick_text;
use crate::writer::{Output, WriteSettings};

/// Rows of a group: a writer's memory is some 30 MB, a reader skips what it does not need.
const GROUP_ROWS: usize = 1 << 20;

pub(crate) struct ParquetSink<W: Output> {
    out: SerializedFileWriter<W>,
    times: Vec<i64>,
    /// The other columns, in their order.
    small: Vec<Vec<i32>>,
    table: Table,
}

impl<W: Output> ParquetSink<W> {
    pub(crate) fn new(out: W, table: Table, settings: &WriteSettings) -> io::Result<Self> {
        let properties = properties(&table, settings);
        let out = SerializedFileWriter::new(out, schema(&table).map_err(failed)?, properties);
        let out = out.map_err(failed)?;
        let small = vec![Vec::new(); small_columns(&table).len()];
        Ok(ParquetSink { out, times: Vec::new(), small, table })
    }

    fn group(&mut self) -> Result<()> {
        let missing = || ParquetError::General("a column less than the schema has".into());
        let mut group = self.out.next_row_group()?;
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<Int64Type>().write_batch(&self.times, None, None)?;
        column.close()?;
        for values in &mut self.small {
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column.typed::<Int32Type>().write_batch(values, None, None)?;
            column.close()?;
            values.clear();
        }
        self.times.clear();
        group.close()?;
        Ok(())
    }
}

impl<W: Output> RowSink for ParquetSink<W> {
    #[inline]
    fn row(&mut self, row: &Row) -> io::Result<()> {
        // No time is beyond 63 bits.
        self.times.push(row.time.cast_signed());
        let Table { dtime, kind, missed, .. } = self.table;
        let values = [
            Some(i32::from(row.channel)),
            dtime.map(|_| i32::from(row.dtime)),
            kind.then_some(i32::from(row.kind)),
            missed.then_some(i32::from(row.missed)),
        ];
        for (column, value) in self.small.iter_mut().zip(values.into_iter().flatten()) {
            column.push(value);
        }
        match self.times.len() == GROUP_ROWS {
            true => self.group().map_err(failed),
            false => Ok(()),
        }
    }

    fn finish(mut self, _rows: u64) -> io::Result<u64> {
        if !self.times.is_empty() {
            self.group().map_err(failed)?;
        }
        let mut out = self.out.into_inner().map_err(failed)?;
        let bytes = out.stream_position()?;
        out.flush()?;
        Ok(bytes)
    }
}

impl<W: Output> std::fmt::Debug for ParquetSink<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetSink").field("table", &self.table).finish_non_exhaustive()
    }
}

/// Names of the columns beside the time, and their bits.
fn small_columns(table: &Table) -> Vec<(&'static str, i8)> {
    let all = [
        Some(("channel", 8)),
        table.dtime.map(|_| ("dtime", 16)),
        table.kind.then_some(("kind", 8)),
        table.missed.then_some(("missed", 16)),
    ];
    all.into_iter().flatten().collect()
}

fn schema(table: &Table) -> Result<TypePtr> {
    let time = Type::primitive_type_builder(table.time_name(), Physical::INT64)
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    let mut fields = vec![Arc::new(time)];
    for (name, bits) in small_columns(table) {
        let column = Type::primitive_type_builder(name, Physical::INT32)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::integer(bits, false)))
            .build()?;
        fields.push(Arc::new(column));
    }
    Ok(Arc::new(Type::group_type_builder("trace").with_fields(fields).build()?))
}

fn properties(table: &Table, settings: &WriteSettings) -> Arc<WriterProperties> {
    let pair = |key: &str, value: String| KeyValue::new(key.into(), value);
    let mut pairs = vec![
        pair(TICK, tick_text(table.tick)),
        pair(STARTS_AT_ZERO, settings.starts_at_zero.to_string()),
    ];
    if let Some(Some(unit)) = table.dtime {
        pairs.push(pair(DTIME_UNIT, tick_text(unit)));
    }
    let time = ColumnPath::from(table.time_name());
    Arc::new(
        WriterProperties::builder()
            .set_created_by("helio".into())
            .set_key_value_metadata(Some(pairs))
            .set_column_dictionary_enabled(time.clone(), false)
            .set_column_encoding(time, Encoding::DELTA_BINARY_PACKED)
            .build(),
    )
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
