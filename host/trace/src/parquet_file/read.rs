//! Reads the columns, some thousand rows at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::{Compression, Type as Physical};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, Length, SerializedFileReader};

use super::input::Whole;
use super::pages::Honest;
use super::{DTIME_UNIT, STARTS_AT_ZERO, TICK};
use crate::columnar::{self, BATCH_ROWS, ColumnarReader};
use crate::table::{Row, Rows, Table, Time, channel_of};
use crate::units::{CsvUnit, named_unit, time_column};
use crate::{Chunk, Meta, ReadOptions, TraceError, TraceFormat};

/// What the reader's library says it may do on damaged files, and this crate may not: panic.
const PANICKED: &str = "a page that cannot be decoded";

pub(crate) type ParquetReader = ColumnarReader<Groups>;

/// Groups of rows, one after the other.
pub(crate) struct Groups {
    file: SerializedFileReader<Whole>,
    bytes: u64,
    columns: Columns,
    /// The group that is read next.
    group: usize,
    open: Option<Group>,
}

/// Where the columns of a table stand among those of the file.
#[derive(Clone, Copy, Debug)]
struct Columns {
    time: usize,
    channel: Option<usize>,
    dtime: Option<usize>,
    kind: Option<usize>,
    missed: Option<usize>,
}

/// A group of rows that is being read.
struct Group {
    time: Column,
    /// Channel, dtime, kind, missed.
    small: [Option<Column>; 4],
    rows: u64,
    /// Where its pages begin.
    offset: u64,
}

struct Column {
    reader: ColumnReader,
    values: Vec<i64>,
}

/// Opens a file.
pub(crate) fn open(file: Whole, options: &ReadOptions) -> Result<ParquetReader, TraceError> {
    let bytes = file.len();
    let bad = |what| TraceError::BadRecord { offset: bytes.saturating_sub(8), what };
    let file = guarded(|| SerializedFileReader::new(file))
        .map_err(|_| bad("no index that can be understood"))?;
    let metadata = file.metadata().file_metadata();
    let schema = metadata.schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|c| c.name().to_lowercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let time = time_column(&names).ok_or_else(|| bad("no column with times"))?;
    let named = |name: &str| names.iter().position(|n| *n == name).filter(|at| *at != time);
    let columns = Columns {
        time,
        channel: names.iter().position(|n| n.starts_with("ch")).filter(|at| *at != time),
        dtime: named("dtime"),
        kind: named("kind"),
        missed: named("missed"),
    };
    let all = [Some(time), columns.channel, columns.dtime, columns.kind, columns.missed];
    for at in all.into_iter().flatten() {
        let column = schema.column(at);
        let whole = matches!(column.physical_type(), Physical::INT32 | Physical::INT64);
        if !whole || column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Err(bad("a column that holds no whole numbers"));
        }
    }
    let pairs = metadata.key_value_metadata();
    let value = |key: &str| {
        let pair = pairs?.iter().find(|pair| pair.key == key)?;
        pair.value.clone()
    };
    let tick_of = |key| value(key).and_then(|text| text.parse().ok()).and_then(CsvUnit::whole_tick);
    let own = tick_of(TICK);
    let unit = options.csv_unit.or_else(|| named_unit(names[time])).unwrap_or(CsvUnit::PICOSECONDS);
    let tick = own.or_else(|| unit.whole_tick());
    let tick = tick.ok_or_else(|| bad("a unit of time that is no tick"))?;
    let table = Table {
        time: match names[time] {
            "sync" => Time::Syncs,
            "time_ps" if own.is_some() && tick.denominator() == 1 => Time::Picoseconds,
            _ => Time::Ticks,
        },
        tick,
        dtime: columns.dtime.map(|_| tick_of(DTIME_UNIT)),
        kind: columns.kind.is_some(),
        missed: columns.missed.is_some(),
    };
    let meta = Meta {
        version: metadata.version().to_string(),
        header_bytes: 4,
        dtime: table.dtime_meaning(),
        claimed_records: u64::try_from(metadata.num_rows()).ok(),
        starts_at_zero: value(STARTS_AT_ZERO).as_deref() == Some("true"),
        table: Some(table),
        ..Meta::headless(TraceFormat::Parquet, tick)
    };
    let groups = Groups { file, bytes, columns, group: 0, open: None };
    Ok(ColumnarReader::new(meta, &table, options, groups))
}

/// Calls the library, whose panics on damaged files are errors here.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(ParquetError::General(PANICKED.into())))
}

impl Groups {
    /// Begins the next group; `None` behind the last.
    fn next_group(&mut self) -> Result<Option<Group>, TraceError> {
        let metadata = self.file.metadata();
        if self.group == metadata.num_row_groups() {
            return Ok(None);
        }
        let group = metadata.row_group(self.group);
        let known = |at: usize| group.columns().get(at);
        let offset = known(self.columns.time)
            .and_then(|column| u64::try_from(column.data_page_offset()).ok())
            .unwrap_or(0);
        let bad = |what| TraceError::BadRecord { offset, what };
        let rows = u64::try_from(group.num_rows()).map_err(|_| bad("a negative number of rows"))?;
        let column = |at: usize| {
            let described = known(at).ok_or_else(|| bad("a group of rows without its columns"))?;
            // The library panics on these.
            let begins = described.dictionary_page_offset().unwrap_or(described.data_page_offset());
            if begins < 0 || described.compressed_size() < 0 {
                return Err(bad("a column before the beginning of the file"));
            }
            if described.compression() != Compression::UNCOMPRESSED {
                return Err(bad("compressed columns; write them without compression"));
            }
            let reader = guarded(|| {
                let pages = self.file.get_row_group(self.group)?.get_column_page_reader(at)?;
                Ok(get_column_reader(described.column_descr_ptr(), Box::new(Honest(pages))))
            });
            let reader = reader.map_err(|_| bad("columns that cannot be understood"))?;
            Ok(Column { reader, values: Vec::new() })
        };
        let Columns { time, channel, dtime, kind, missed } = self.columns;
        let mut small = [None, None, None, None];
        for (place, at) in small.iter_mut().zip([channel, dtime, kind, missed]) {
            *place = at.map(&column).transpose()?;
        }
        let time = column(time)?;
        self.group += 1;
        Ok(Some(Group { time, small, rows, offset }))
    }
}

impl columnar::Columns for Groups {
    fn step(&mut self, taken: &mut Rows, chunk: &mut Chunk) -> Result<bool, TraceError> {
        if self.open.as_ref().is_none_or(|group| group.rows == 0) {
            self.open = self.next_group()?;
        }
        let Some(group) = &mut self.open else { return Ok(false) };
        let wanted = group.rows.min(BATCH_ROWS as u64) as usize;
        let bad = |what| TraceError::BadRecord { offset: group.offset, what };
        let [channel, dtime, kind, missed] = &mut group.small;
        let columns = [channel.as_mut(), dtime.as_mut(), kind.as_mut(), missed.as_mut()];
        for column in [Some(&mut group.time)].into_iter().chain(columns).flatten() {
            column.read(wanted).map_err(bad)?;
        }
        group.rows -= wanted as u64;
        let small = |column: &Option<Column>, at: usize| {
            let number = column.as_ref().map_or(0, |column| column.values[at]);
            u16::try_from(number).map_err(|_| bad("a number beyond its column's range"))
        };
        for at in 0..wanted {
            let channel = channel.as_ref().map_or(0, |column| column.values[at]);
            let row = Row {
                time: u64::try_from(group.time.values[at])
                    .map_err(|_| bad("a time before zero"))?,
                channel: channel_of(channel).ok_or_else(|| bad("an impossible channel"))?,
                dtime: small(dtime, at)?,
                kind: small(kind, at)?.min(255) as u8,
                missed: small(missed, at)?,
            };
            taken.take(&row, group.offset, chunk)?;
        }
        Ok(true)
    }

    fn position(&self, finished: bool) -> u64 {
        match &self.open {
            Some(group) => group.offset.min(self.bytes),
            None if finished => self.bytes,
            None => 0,
        }
    }
}

impl Column {
    /// Replaces the values by the next ones, exactly so many.
    fn read(&mut self, wanted: usize) -> Result<(), &'static str> {
        self.values.clear();
        while self.values.len() < wanted {
            let room = wanted - self.values.len();
            let before = self.values.len();
            let mut levels = Vec::new();
            let values = &mut self.values;
            let read = guarded(|| match &mut self.reader {
                ColumnReader::Int64ColumnReader(reader) => {
                    reader.read_records(room, Some(&mut levels), None, values)
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    let mut narrow = Vec::new();
                    let read = reader.read_records(room, Some(&mut levels), None, &mut narrow)?;
                    values.extend(narrow.into_iter().map(i64::from));
                    Ok(read)
                }
                _ => Err(ParquetError::General("a column of another type".into())),
            });
            let (records, ..) = read.map_err(|_| PANICKED)?;
            if records == 0 {
                return Err("fewer rows than the index claims");
            }
            if self.values.len() != before + records {
                return Err("a row without a value");
            }
        }
        Ok(())
    }
}
