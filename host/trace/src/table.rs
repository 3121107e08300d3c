//! Records as rows of a table: what CSV, NPY and Parquet share, and HDF5 in part.
//!
//! | column | type | what it holds |
//! |---|---|---|
//! | `time_ps`, `tick` or `sync` | int64 | picoseconds where a tick is whole ones, else ticks; of T3 the number of the sync period |
//! | `channel` | uint8 | the input; of a marker its bits |
//! | `dtime` | uint16 | time after the sync pulse, where the trace has it |
//! | `kind` | uint8 | what the row is, where it may be something else than a detection |
//! | `missed` | uint16 | how many detections a loss stands for, where the trace may say it |

use std::fmt::Debug;
use std::io;

use helio_units::{TickLength, Ticks};

use crate::chunk::edge_channel;
use crate::order::Timeline;
use crate::writer::{Event, Unkept, WriteSettings, Written, in_order};
use crate::{Chunk, Counts, Dtime, Loss, LossKind, Marker, TraceError, TraceWriter, WriteError};

/// What the numbers in the time column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// Picoseconds, a whole multiple of the tick's.
    Picoseconds,
    /// Ticks.
    Ticks,
    /// Sync periods, to which a dtime is added.
    Syncs,
}

/// Which columns there are, and their units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) time: Time,
    pub(crate) tick: TickLength,
    /// There is a column `dtime`, of this unit.
    pub(crate) dtime: Option<Option<TickLength>>,
    pub(crate) kind: bool,
    pub(crate) missed: bool,
}

impl Table {
    /// Whether there are columns beside time and channel, as hardly anybody else writes them.
    pub(crate) fn is_beyond_photons(&self) -> bool {
        self.dtime.is_some() || self.kind || self.missed
    }
}

/// A record in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) time: u64,
    pub(crate) channel: u8,
    pub(crate) dtime: u16,
    pub(crate) kind: u8,
    pub(crate) missed: u16,
}

/// The numbers in the column `kind`.
mod kind {
    pub const PHOTON: u8 = 0;
    pub const MARKER: u8 = 1;
    pub const SYNC: u8 = 2;
    pub const LOSS_BEGINS: u8 = 3;
    pub const LOSS_ENDS: u8 = 4;
    pub const MISSED: u8 = 5;
    pub const GAP: u8 = 6;
    pub const CLOCK_ERROR: u8 = 7;
}

impl Table {
    pub(crate) fn of(settings: &WriteSettings) -> Table {
        let time = match settings.dtime {
            Some(Dtime { adds: true, .. }) => Time::Syncs,
            _ if settings.tick.denominator() == 1 => Time::Picoseconds,
            _ => Time::Ticks,
        };
        Table {
            time,
            tick: settings.tick,
            dtime: settings.dtime.map(|dtime| dtime.unit),
            kind: settings.all_kinds,
            missed: settings.all_kinds && settings.counts_missed,
        }
    }

    /// The time column's name.
    pub(crate) fn time_name(&self) -> &'static str {
        match self.time {
            Time::Picoseconds => "time_ps",
            Time::Ticks => "tick",
            Time::Syncs => "sync",
        }
    }

    /// What a 1 in the column `dtime` means to a reader.
    pub(crate) fn dtime_meaning(&self) -> Option<Dtime> {
        self.dtime.map(|unit| Dtime { unit, adds: self.time == Time::Syncs })
    }

    fn row(&self, tick: Ticks, event: Event) -> Result<Option<Row>, WriteError> {
        let row = |channel, kind| Row { channel, kind, ..Row::default() };
        let row = match event {
            Event::Photon(channel, dtime) => Row { dtime, ..row(channel, kind::PHOTON) },
            _ if !self.kind => return Ok(None),
            Event::Marker(bits) => row(bits, kind::MARKER),
            Event::Sync => row(0, kind::SYNC),
            Event::Loss(LossKind::Begin) => row(0, kind::LOSS_BEGINS),
            Event::Loss(LossKind::End) => row(0, kind::LOSS_ENDS),
            Event::Loss(LossKind::Gap) => row(0, kind::GAP),
            Event::Loss(LossKind::ClockError) => row(0, kind::CLOCK_ERROR),
            Event::Loss(LossKind::Missed { .. }) if !self.missed => return Ok(None),
            Event::Loss(LossKind::Missed { channel, count }) => {
                Row { missed: count, ..row(channel, kind::MISSED) }
            }
        };
        let beyond = WriteError::TimeBeyond { tick: tick.0 };
        let scale = match self.time {
            Time::Picoseconds => self.tick.numerator_ps(),
            Time::Ticks | Time::Syncs => 1,
        };
        // Signed numbers are what the readers of tables subtract without surprises.
        let time = tick.0.checked_mul(scale).filter(|time| *time <= i64::MAX as u64);
        Ok(Some(Row { time: time.ok_or(beyond)?, ..row }))
    }
}

/// Where rows go.
pub(crate) trait RowSink: Send + Debug {
    /// Appends a row.
    fn row(&mut self, row: &Row) -> io::Result<()>;

    /// Completes the file, which has so many rows; gives its length.
    fn finish(self, rows: u64) -> io::Result<u64>;
}

/// Writes a trace as a table.
#[derive(Debug)]
pub(crate) struct TableWriter<S> {
    table: Table,
    sink: S,
    written: Written,
}

impl<S: RowSink> TableWriter<S> {
    pub(crate) fn new(table: Table, settings: &WriteSettings, sink: S) -> TableWriter<S> {
        let unkept = Unkept { fields: settings.tags.len() as u64, ..Unkept::default() };
        TableWriter { table, sink, written: Written::begun(settings.tick, unkept) }
    }
}

impl<S: RowSink> TraceWriter for TableWriter<S> {
    fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WriteError> {
        if self.table.dtime.is_none() {
            self.written.unkept.dtimes += chunk.dtimes.len() as u64;
        }
        in_order(chunk, |tick, event| {
            match self.table.row(tick, event)? {
                Some(row) => {
                    self.sink.row(&row)?;
                    self.written.records += 1;
                }
                None => self.written.unkept.count(event),
            }
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        self.written.bytes = self.sink.finish(self.written.records)?;
        Ok(self.written)
    }
}

/// Turns rows back into records.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Ticks of one in the time column.
    divisor: u64,
    pub(crate) line: Timeline,
}

impl Rows {
    pub(crate) fn new(table: &Table, window: Ticks) -> Rows {
        let divisor = match table.time {
            Time::Picoseconds => table.tick.numerator_ps(),
            Time::Ticks | Time::Syncs => 1,
        };
        Rows { divisor, line: Timeline::new(window).with_dtimes(table.dtime.is_some()) }
    }

    /// Takes the row that stands at byte `offset`.
    #[inline]
    pub(crate) fn take(
        &mut self,
        row: &Row,
        offset: u64,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        let bad = |what| Err(TraceError::BadRecord { offset, what });
        let tick = match self.divisor {
            1 => row.time,
            divisor if row.time.is_multiple_of(divisor) => row.time / divisor,
            _ => return bad("a time that is no whole number of ticks"),
        };
        let tick = Ticks(tick);
        let kind = match row.kind {
            kind::PHOTON => {
                return self.line.detection(tick, row.channel, row.dtime, offset, chunk);
            }
            kind::MARKER => {
                self.line.marker(Marker { tick, bits: row.channel & 15 });
                return Ok(());
            }
            kind::SYNC => {
                self.line.sync(tick);
                return Ok(());
            }
            kind::LOSS_BEGINS => LossKind::Begin,
            kind::LOSS_ENDS => LossKind::End,
            kind::MISSED => LossKind::Missed { channel: row.channel, count: row.missed },
            kind::GAP => LossKind::Gap,
            kind::CLOCK_ERROR => LossKind::ClockError,
            _ => return bad("a kind of row beyond 7"),
        };
        self.line.loss(Loss { tick, kind });
        Ok(())
    }

    pub(crate) fn counts(&self) -> Counts {
        self.line.counts
    }
}

/// A channel from a column of any whole numbers; negative ones are falling edges.
pub(crate) fn channel_of(number: i64) -> Option<u8> {
    match u8::try_from(number) {
        Ok(channel) => Some(channel),
        Err(_) => i32::try_from(number).ok().and_then(edge_channel),
    }
}
