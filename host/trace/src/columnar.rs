//! Files of columns, read some thousand rows at a time: what HDF5 and Parquet share.

use std::fmt::{self, Debug};

use helio_units::Ticks;

use crate::table::{Rows, Table};
use crate::{Chunk, Counts, Meta, ReadOptions, TraceError, TraceReader};

/// Rows of a batch.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Columns that a library reads.
pub(crate) trait Columns {
    /// Takes the next rows; `false` behind the last.
    ///
    /// # Errors
    /// Damage; the rows before it have been taken.
    fn step(&mut self, rows: &mut Rows, chunk: &mut Chunk) -> Result<bool, TraceError>;

    /// How far into the file reading has come, in bytes; `finished` when there will be no step.
    fn position(&self, finished: bool) -> u64;
}

/// Reads a trace from columns, up to their end or the first damage.
pub(crate) struct ColumnarReader<C> {
    meta: Meta,
    columns: C,
    rows: Rows,
    salvage: bool,
    fault: Option<TraceError>,
    finished: bool,
}

impl<C: Columns> ColumnarReader<C> {
    pub(crate) fn new(meta: Meta, table: &Table, options: &ReadOptions, columns: C) -> Self {
        let window = options.window.map_or(Ticks(0), |window| table.tick.ticks_covering(window));
        ColumnarReader {
            meta,
            columns,
            rows: Rows::new(table, window),
            salvage: options.salvage,
            fault: None,
            finished: false,
        }
    }
}

impl<C: Columns + Send> TraceReader for ColumnarReader<C> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError> {
        chunk.clear();
        while !self.finished {
            let step = self.columns.step(&mut self.rows, chunk);
            let last = !matches!(step, Ok(true));
            self.finished = last;
            self.fault = step.err();
            self.rows.line.end_block(last, chunk);
            if !chunk.is_empty() {
                return Ok(true);
            }
        }
        match self.salvage {
            true => Ok(false),
            false => self.fault.take().map_or(Ok(false), Err),
        }
    }

    fn counts(&self) -> Counts {
        self.rows.counts()
    }

    fn position(&self) -> u64 {
        self.columns.position(self.finished)
    }

    fn damage(&self) -> Option<&TraceError> {
        self.fault.as_ref().filter(|_| self.salvage)
    }
}

impl<C> Debug for ColumnarReader<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ColumnarReader");
        shown.field("meta", &self.meta).field("finished", &self.finished).finish_non_exhaustive()
    }
}
