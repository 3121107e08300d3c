//! Reads the columns, some thousand rows at a time.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hdf5_reader::error::Error;
use hdf5_reader::{FileStorage, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};

use super::find::{Column, columns};
use crate::columnar::{BATCH_ROWS, ColumnarReader, Columns};
use crate::table::{Row, Rows, Table, Time, channel_of};
use crate::units::{CsvUnit, named_unit};
use crate::{Chunk, Meta, ReadOptions, TraceError, TraceFormat};

/// A longer chunk is not held in memory; h5py's own are at most 1 MiB.
const LONGEST_CHUNK: usize = 1 << 25;
/// Chunks that were read last, of both columns.
const CACHE_BYTES: usize = 2 * LONGEST_CHUNK;
const CACHE_SLOTS: usize = 64;
const LONGEST_OBJECT_HEADER: usize = 1 << 20;

/// Reads a file of arrays.
pub(crate) type Hdf5Reader = ColumnarReader<Arrays>;

/// The arrays that hold times and channels.
pub(crate) struct Arrays {
    bytes: u64,
    time: Column,
    channel: Option<Column>,
    /// The row that is read next.
    at: u64,
}

fn limits() -> OpenOptions {
    OpenOptions::default()
        .with_max_chunk_bytes(LONGEST_CHUNK)
        .with_max_read_bytes(BATCH_ROWS * 8)
        .with_max_object_header_bytes(LONGEST_OBJECT_HEADER)
        .with_chunk_cache_bytes(CACHE_BYTES)
        .with_chunk_cache_slots(CACHE_SLOTS)
}

/// Opens a file on the disk.
pub(crate) fn open(file: File, options: &ReadOptions) -> Result<Hdf5Reader, TraceError> {
    let length = file.metadata().map_err(TraceError::Open)?.len();
    let file = guarded(|| {
        // Read at its places, not mapped: a mapped file that becomes shorter ends the program.
        let storage = Arc::new(FileStorage::from_file(file)?);
        Hdf5File::from_storage_with_options(storage, limits())
    });
    reader(file, length, options)
}

/// Opens a file in memory.
pub(crate) fn open_bytes(bytes: Vec<u8>, options: &ReadOptions) -> Result<Hdf5Reader, TraceError> {
    let length = bytes.len() as u64;
    let file = guarded(|| Hdf5File::from_vec_with_options(bytes, limits()));
    reader(file, length, options)
}

/// Calls the library, which is not known to panic on damaged files; if it does, that is an error.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, ()> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

fn reader(
    file: Result<Hdf5File, ()>,
    bytes: u64,
    options: &ReadOptions,
) -> Result<Hdf5Reader, TraceError> {
    let bad = |(offset, what)| TraceError::BadRecord { offset, what };
    let file = file.map_err(|()| bad((0, "a superblock that cannot be understood")))?;
    let (time, channel) = columns(&file, bytes, &options.datasets).map_err(bad)?;
    let unit = options.csv_unit.or_else(|| named_unit(&time.name));
    let tick = unit.unwrap_or(CsvUnit::PICOSECONDS).whole_tick();
    let tick =
        tick.ok_or_else(|| bad((time.dataset.address(), "a unit of time that is no tick")))?;
    let table = Table { time: Time::Ticks, tick, dtime: None, kind: false, missed: false };
    let meta = Meta {
        header_bytes: time.dataset.address(),
        claimed_records: Some(time.rows),
        table: Some(table),
        ..Meta::headless(TraceFormat::Hdf5, tick)
    };
    let arrays = Arrays { bytes, time, channel, at: 0 };
    Ok(ColumnarReader::new(meta, &table, options, arrays))
}

impl Columns for Arrays {
    fn step(&mut self, taken: &mut Rows, chunk: &mut Chunk) -> Result<bool, TraceError> {
        let (begin, end) = (self.at, self.time.rows.min(self.at + BATCH_ROWS as u64));
        if begin == end {
            return Ok(false);
        }
        let offset = self.time.dataset.address();
        let bad = |what| TraceError::BadRecord { offset, what };
        let times = self.time.read(begin, end)?;
        let channels = self.channel.as_ref().map(|c| c.read(begin, end)).transpose()?;
        for (index, time) in times.into_iter().enumerate() {
            let time = time.ok_or_else(|| bad("a time beyond 2^63"))?;
            let channel = match &channels {
                None => 0,
                Some(channels) => channels[index]
                    .and_then(channel_of)
                    .ok_or_else(|| bad("an impossible channel"))?,
            };
            let time = u64::try_from(time).map_err(|_| bad("a time before zero"))?;
            let row = Row { time, channel, ..Row::default() };
            taken.take(&row, offset, chunk)?;
        }
        self.at = end;
        Ok(true)
    }

    /// As far into the file as into its rows: where these stand is not told.
    fn position(&self, _finished: bool) -> u64 {
        let share = u128::from(self.bytes) * u128::from(self.at);
        (share / u128::from(self.time.rows.max(1))) as u64
    }
}

impl Column {
    /// Values of the rows from `begin` up to `end`; `None` where one is beyond 63 bits.
    fn read(&self, begin: u64, end: u64) -> Result<Vec<Option<i64>>, TraceError> {
        match (self.bytes, self.signed) {
            (1, true) => self.rows_of::<i8>(begin, end),
            (1, false) => self.rows_of::<u8>(begin, end),
            (2, true) => self.rows_of::<i16>(begin, end),
            (2, false) => self.rows_of::<u16>(begin, end),
            (4, true) => self.rows_of::<i32>(begin, end),
            (4, false) => self.rows_of::<u32>(begin, end),
            (_, true) => self.rows_of::<i64>(begin, end),
            (_, false) => self.rows_of::<u64>(begin, end),
        }
    }

    fn rows_of<T: H5Type + Copy + TryInto<i64>>(
        &self,
        begin: u64,
        end: u64,
    ) -> Result<Vec<Option<i64>>, TraceError> {
        let part = SliceInfoElem::Slice { start: begin, end, step: 1 };
        let part = SliceInfo { selections: vec![part] };
        let values = guarded(|| self.dataset.read_slice::<T>(&part));
        let values: Vec<Option<i64>> = match values {
            Ok(values) => values.iter().map(|value| (*value).try_into().ok()).collect(),
            Err(()) => Vec::new(),
        };
        match values.len() as u64 == end - begin {
            true => Ok(values),
            false => Err(TraceError::BadRecord {
                offset: self.dataset.address(),
                what: "a dataset whose rows cannot be read",
            }),
        }
    }
}
