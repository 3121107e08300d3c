//! From a file of any format to its reader.

use std::fs::File;
use std::io::{BufReader, Cursor, ErrorKind, Read, Seek};
use std::path::Path;

use helio_units::{Picoseconds, TickLength, Ticks};

use crate::format::{RECORDING_MAGIC, describe_head};
#[cfg(feature = "hdf5")]
use crate::hdf5_file;
use crate::live::{self, Live};
use crate::order::Absolute;
#[cfg(feature = "parquet")]
use crate::parquet_file::{self, Whole};
use crate::periods::Sorted;
use crate::picoquant::record::{Decoder, Layout};
use crate::picoquant::{legacy, ptu};
use crate::recording::{RecordingFile, RecordingReader};
use crate::sfifteen::Words;
use crate::stream::{BlockReader, Decode, Input};
use crate::{Meta, PhotonTime, ReadOptions, TraceError, TraceFormat, TraceReader};
use crate::{csv, npy, qutag, spc, swabian};

/// What is looked at to find the format.
const HEAD_BYTES: u64 = 1 << 16;
/// Ordered by channel, quTAG files step back by tens of nanoseconds.
const QUTAG_WINDOW: Picoseconds = Picoseconds(1_000_000);

/// Opens a file of any format.
///
/// # Errors
/// The file cannot be opened, has no known format, or its header is damaged.
pub fn open(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Box<dyn TraceReader>, TraceError> {
    let mut file = File::open(path).map_err(TraceError::Open)?;
    let metadata = file.metadata();
    // Reading a directory fails only later, with a message that speaks of a disk.
    if metadata.as_ref().is_ok_and(|m| m.is_dir()) {
        return Err(TraceError::Open(ErrorKind::IsADirectory.into()));
    }
    // The formats with an index; a pipe cannot be asked for another place.
    if metadata.is_ok_and(|m| m.is_file()) && options.format.is_none_or(TraceFormat::has_an_index) {
        let mut head = Vec::new();
        let read = file.by_ref().take(RECORDING_MAGIC.len() as u64).read_to_end(&mut head);
        read.and_then(|_| file.rewind())
            .map_err(|source| TraceError::Read { offset: 0, source })?;
        if head == RECORDING_MAGIC {
            let reader = RecordingFile::new(file, options.salvage)?;
            return Ok(in_time(Box::new(reader), options));
        }
        #[cfg(feature = "parquet")]
        if head.starts_with(crate::format::PARQUET_MAGIC) {
            let whole = Whole::of(file).map_err(TraceError::Open)?;
            return Ok(in_time(Box::new(parquet_file::open(whole, options)?), options));
        }
        #[cfg(feature = "hdf5")]
        if head == crate::format::HDF5_MAGIC {
            return Ok(in_time(Box::new(hdf5_file::open(file, options)?), options));
        }
    }
    from_read(file, options)
}

/// Reads a trace of any format from `input`, which stands at its first byte.
///
/// # Errors
/// As [`open`].
pub fn from_read<'a>(
    input: impl Read + Send + 'a,
    options: &ReadOptions,
) -> Result<Box<dyn TraceReader + 'a>, TraceError> {
    let mut input: Box<dyn Read + Send + 'a> = Box::new(input);
    let mut head = Vec::new();
    let read = input.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
    read.map_err(|source| TraceError::Read { offset: head.len() as u64, source })?;
    let whole = (head.len() as u64) < HEAD_BYTES;
    reader(head, whole, input, options)
}

/// Reads a trace of any format that is still being written, from a source that answers
/// [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`] where it has nothing for now.
///
/// The reader then gives what it has got, which may be an empty chunk: a record that has come in part waits
/// for the rest. To know the format, and to read a header, more is waited for: `wait` is called between
/// two tries, should rest a little, and says whether to go on. Of a recording of Heliograph's own it is
/// called wherever a block has not come whole.
///
/// # Errors
/// As [`open`]; what has not come when `wait` gives up counts as missing.
pub fn from_live<'a>(
    input: impl Read + Send + 'a,
    options: &ReadOptions,
    wait: impl FnMut() -> bool + Send + 'a,
) -> Result<Box<dyn TraceReader + 'a>, TraceError> {
    let (mut input, opening) = Live::new(input, wait);
    let mut head = Vec::new();
    let whole = loop {
        let left = HEAD_BYTES - head.len() as u64;
        match input.arrived(&mut head, left) {
            Ok(0) => break left > 0,
            Ok(_) => {}
            Err(e) if live::is_pause(&e) => {
                if tells_format(&head, options) {
                    break false;
                }
                if !input.rest() {
                    break true;
                }
            }
            Err(source) => return Err(live::fault(head.len() as u64, source)),
        }
    };
    let reader = reader(head, whole, Box::new(input), options)?;
    // Blocks of a recording of Heliograph's own are read whole: for these `wait` goes on being asked.
    if reader.meta().format != TraceFormat::Recording {
        opening.finish();
    }
    Ok(reader)
}

/// Whether a beginning says enough to read on by it.
fn tells_format(head: &[u8], options: &ReadOptions) -> bool {
    if let Some(format) = options.format {
        let magic = format.magic().map_or(0, <[u8]>::len);
        return head.len() >= magic && (format != TraceFormat::Csv || head.contains(&b'\n'));
    }
    match TraceFormat::candidates(head, false)[..] {
        // The first line of a text says what its columns are.
        [TraceFormat::Csv] => head.contains(&b'\n'),
        [_] => true,
        _ => false,
    }
}

fn reader<'a>(
    head: Vec<u8>,
    whole: bool,
    input: Box<dyn Read + Send + 'a>,
    options: &ReadOptions,
) -> Result<Box<dyn TraceReader + 'a>, TraceError> {
    let format = format(&head, whole, options)?;
    let columns = csv::columns(&head);
    let mut input = BufReader::new(Cursor::new(head).chain(input));
    let salvage = options.salvage;
    let read = |tick: TickLength| window(tick, options.window.unwrap_or(Picoseconds(0)));
    let reader: Box<dyn TraceReader + 'a> = match format {
        TraceFormat::PicoQuantPtu => {
            let meta = ptu::read(&mut input)?;
            let Some(kind) = meta.record_type else {
                return Err(TraceError::UnsupportedRecordType { code: 0 });
            };
            records(input, meta, Decoder::new(Layout::Typed(kind)), salvage)
        }
        TraceFormat::PicoQuantPhu => {
            return Err(TraceError::NoTags { format });
        }
        TraceFormat::HydraHarp | TraceFormat::PicoHarp300 | TraceFormat::TimeHarp200 => {
            let (meta, layout) = legacy::read(&mut input, format)?;
            records(input, meta, Decoder::new(layout), salvage)
        }
        TraceFormat::Swabian => {
            let meta = Meta::headless(format, ps(1, 1));
            let decoder = Absolute::new(swabian::Swabian, read(meta.tick));
            records(input, meta, decoder, salvage)
        }
        TraceFormat::QuTag => {
            let meta = qutag::read(&mut input, ps(1, 1))?;
            let window = window(meta.tick, options.window.unwrap_or(QUTAG_WINDOW));
            records(input, meta, Absolute::new(qutag::QuTag, window), salvage)
        }
        TraceFormat::SFifteen | TraceFormat::SFifteenLegacy | TraceFormat::QCrypto => {
            let tick = if format == TraceFormat::QCrypto { ps(125, 1) } else { ps(125, 32) };
            let decoder = Absolute::new(Words::new(format), read(tick));
            records(input, Meta::headless(format, tick), decoder, salvage)
        }
        TraceFormat::Csv => {
            let unit = columns.unit(options.csv_unit);
            let decoder = csv::Csv::new(columns, options.csv_unit, read(unit.tick()));
            records(input, columns.meta(unit), decoder, salvage)
        }
        TraceFormat::Npy => {
            let (meta, header) = npy::read(&mut input, options.csv_unit)?;
            let decoder = npy::Npy::new(&header, read(meta.tick));
            records(input, meta, decoder, salvage)
        }
        TraceFormat::BeckerHickl => {
            let meta = spc::read(&mut input)?;
            records(input, meta, spc::Spc::default(), salvage)
        }
        #[cfg(feature = "parquet")]
        TraceFormat::Parquet => {
            Box::new(parquet_file::open(Whole::Memory(in_memory(input, format)?.into()), options)?)
        }
        #[cfg(feature = "hdf5")]
        TraceFormat::Hdf5 => Box::new(hdf5_file::open_bytes(in_memory(input, format)?, options)?),
        #[allow(unreachable_patterns, reason = "with all features")]
        TraceFormat::Parquet | TraceFormat::Hdf5 => return Err(TraceError::NotBuiltIn { format }),
        TraceFormat::Recording => Box::new(RecordingReader::new(input, salvage)?),
    };
    Ok(in_time(reader, options))
}

/// All of a file whose index stands where it cannot be reached.
#[cfg(any(feature = "parquet", feature = "hdf5"))]
fn in_memory(input: Input<'_>, format: TraceFormat) -> Result<Vec<u8>, TraceError> {
    /// More is not held.
    const LIMIT: u64 = 1 << 28;
    let mut bytes = Vec::new();
    let read = input.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|source| TraceError::Read { offset: bytes.len() as u64, source })?;
    if bytes.len() as u64 > LIMIT {
        return Err(TraceError::NeedsFile { format, limit: LIMIT });
    }
    Ok(bytes)
}

/// With the times and in the order that were asked for.
fn in_time<'a>(
    reader: Box<dyn TraceReader + 'a>,
    options: &ReadOptions,
) -> Box<dyn TraceReader + 'a> {
    let asked = options.window.filter(|window| window.0 > 0);
    let reader = match asked.filter(|_| !reader.meta().format.sorts_by_itself()) {
        None => reader,
        Some(asked) => {
            let window = window(reader.tick_length(), asked);
            Sorted::within(reader, window, options.salvage)
        }
    };
    match options.photon_time {
        PhotonTime::SyncPeriods => reader,
        PhotonTime::Picoseconds => Sorted::in_picoseconds(reader, options.salvage),
    }
}

/// The one format that the content or the user says it is.
fn format(head: &[u8], whole: bool, options: &ReadOptions) -> Result<TraceFormat, TraceError> {
    let found = || describe_head(head);
    if let Some(format) = options.format {
        return match format.magic() {
            Some(magic) if !head.starts_with(magic) => {
                Err(TraceError::NotFormat { format, found: found() })
            }
            _ => Ok(format),
        };
    }
    match TraceFormat::candidates(head, whole)[..] {
        [format] => Ok(format),
        [] => Err(TraceError::UnknownFormat { found: found() }),
        [first, second, ..] => Err(TraceError::Ambiguous { first, second }),
    }
}

fn records<'a, D: Decode + 'a>(
    input: Input<'a>,
    meta: Meta,
    decoder: D,
    salvage: bool,
) -> Box<dyn TraceReader + 'a> {
    Box::new(BlockReader::new(input, meta, decoder, salvage))
}

fn window(tick: TickLength, window: Picoseconds) -> Ticks {
    tick.ticks_covering(window)
}

fn ps(numerator: u64, denominator: u32) -> TickLength {
    TickLength::new(numerator, denominator).expect("a length from the table above")
}
