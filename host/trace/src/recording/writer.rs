//! Writes a recording, or goes on with one.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use helio_units::{TickLength, Ticks};

use super::bits::Level;
use super::block::BlockCoder;
use super::file::{Blocks, RecordingFile};
use super::head::MAX_RECORDS;
use super::header;
use super::index::{self, BlockEntry};
use super::records::{Part, Records};
use crate::{
    Chunk, Meta, TraceError, TraceFormat, TraceWriter, Unkept, WriteError, WriteSettings, Written,
};

/// How a recording is cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingOptions {
    /// Records of one kind that fill a block, 1 to 65536. A block is read as a whole: at 16384
    /// detections of 16 bytes it stays in the second cache.
    pub block_records: usize,
}

impl Default for RecordingOptions {
    fn default() -> RecordingOptions {
        RecordingOptions { block_records: 1 << 14 }
    }
}

/// What was found when a recording was opened to go on with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reopened {
    /// The length of what was kept.
    pub kept_bytes: u64,
    /// What was cut off behind it.
    pub cut_bytes: u64,
    /// Why.
    pub damage: Option<TraceError>,
}

/// Writes a recording. All that a chunk holds is kept as it is, whatever the order of its ticks.
///
/// Each block is given to the output in one piece, and nothing that was written is touched again, so
/// that a file can be read while it grows. What was not yet given to the output is lost in a crash:
/// at most one block less a record, or what came since [`RecordingWriter::flush`].
/// Without [`RecordingWriter::finish`] the file lacks its last block and its index and can be read.
pub struct RecordingWriter<W: Write> {
    out: W,
    level: Level,
    coder: BlockCoder,
    options: RecordingOptions,
    /// Records that do not fill a block yet.
    pending: Records,
    /// A block, as bytes.
    block: Vec<u8>,
    entries: Vec<BlockEntry>,
    offset: u64,
    records: u64,
    /// What the last block says was reached.
    reached: Ticks,
    /// A block may have been written in part: another one behind it would be lost too.
    failed: bool,
    /// Whether the header says that each detection has a dtime.
    has_dtimes: bool,
    /// Whether markers, sync edges and losses are wanted.
    all_kinds: bool,
    unkept: Unkept,
    tick: TickLength,
}

impl<W: Write> RecordingWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// `out` fails, or the fields are longer than 16 MiB.
    pub fn new(
        mut out: W,
        settings: &WriteSettings,
        options: RecordingOptions,
    ) -> Result<RecordingWriter<W>, WriteError> {
        let meta = Meta {
            tags: header::fields(settings),
            dtime: settings.dtime,
            starts_at_zero: settings.starts_at_zero,
            ..Meta::headless(TraceFormat::Recording, settings.tick)
        };
        let header = header::to_bytes(&meta).ok_or(WriteError::HeaderTooLong)?;
        out.write_all(&header)?;
        let writer = RecordingWriter::at(out, &meta, header.len() as u64, options);
        Ok(RecordingWriter { all_kinds: settings.all_kinds, ..writer })
    }

    fn at(out: W, meta: &Meta, offset: u64, options: RecordingOptions) -> RecordingWriter<W> {
        let has_dtimes = meta.dtime.is_some();
        let block_records = options.block_records.clamp(1, MAX_RECORDS);
        RecordingWriter {
            out,
            level: Level::detect(),
            coder: BlockCoder::new(Level::detect()),
            options: RecordingOptions { block_records },
            pending: Records::default(),
            block: Vec::new(),
            entries: Vec::new(),
            offset,
            records: 0,
            reached: Ticks(0),
            failed: false,
            has_dtimes,
            all_kinds: true,
            unkept: Unkept::default(),
            tick: meta.tick,
        }
    }

    /// Appends what `chunk` holds.
    ///
    /// # Errors
    /// The output fails, now or earlier; another number of dtimes than of detections, unless
    /// [`WriteSettings::dtime`] says that there are none: then they are left out and counted.
    pub fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WriteError> {
        let (dtimes, photons) = (chunk.dtimes.len(), chunk.photons.len());
        let wanted = if self.has_dtimes { photons } else { 0 };
        if dtimes != wanted && (self.has_dtimes || dtimes != photons) {
            return Err(WriteError::Dtimes { dtimes, photons });
        }
        let mut rest = Part::of(chunk);
        if !self.has_dtimes {
            self.unkept.dtimes += rest.leave_dtimes();
        }
        if !self.all_kinds {
            let (markers, syncs, losses) = rest.leave_photons();
            self.unkept.markers += markers;
            self.unkept.syncs += syncs;
            self.unkept.losses += losses;
        }
        while !rest.is_empty() {
            let part = rest.split_off(&self.pending, self.options.block_records);
            self.pending.append(&part, self.level);
            let reached = match rest.is_empty() {
                true => chunk.reached,
                false => part.last().unwrap_or_default().min(chunk.reached),
            };
            self.pending.reached = self.pending.reached.max(reached);
            if self.pending.fill(self.options.block_records) {
                self.end_block()?;
            }
        }
        self.pending.reached = self.pending.reached.max(chunk.reached);
        Ok(())
    }

    /// Writes what there is although it fills no block, and has the output pass it on: others see it
    /// then, and a crash loses no more.
    ///
    /// # Errors
    /// The output fails, now or earlier.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.end_block()?;
        Ok(self.out.flush()?)
    }

    /// Writes the rest and the index, and says what became of it.
    ///
    /// # Errors
    /// The output fails, now or earlier.
    pub fn finish(mut self) -> Result<Written, WriteError> {
        self.end_block()?;
        if let Some(index) = index::to_block(&self.entries, self.offset) {
            self.block = index;
            self.put_bytes()?;
        }
        self.out.flush()?;
        let Self { records, offset: bytes, unkept, tick, .. } = self;
        Ok(Written { records, bytes, unkept, tick })
    }

    /// Writes what is pending as a block, if there is anything.
    fn end_block(&mut self) -> Result<(), WriteError> {
        if self.pending.is_empty() && self.pending.reached <= self.reached {
            return Ok(());
        }
        self.block.clear();
        let head = self.coder.put(&self.pending, self.entries.len() as u32, &mut self.block);
        self.pending.clear();
        let entry = BlockEntry::of(&head, self.offset);
        self.put_bytes()?;
        self.entries.push(entry);
        self.records += head.records();
        self.reached = head.reached;
        Ok(())
    }

    fn put_bytes(&mut self) -> Result<(), WriteError> {
        if self.failed {
            return Err(WriteError::FailedEarlier);
        }
        self.failed = true;
        self.out.write_all(&self.block)?;
        self.failed = false;
        self.offset += self.block.len() as u64;
        Ok(())
    }
}

impl<W: Write + Send> TraceWriter for RecordingWriter<W> {
    fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WriteError> {
        RecordingWriter::write_chunk(self, chunk)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        RecordingWriter::flush(self)
    }

    fn finish(self: Box<Self>) -> Result<Written, WriteError> {
        RecordingWriter::finish(*self)
    }
}

impl RecordingWriter<File> {
    /// Goes on behind the last good block of a recording; a block that was written in part is cut
    /// off. What is appended counts its ticks as the file does: [`RecordingFile`] tells how.
    ///
    /// The file is locked ([`lock_for_writing`]) until the writer is dropped.
    ///
    /// # Errors
    /// The file cannot be opened or is no recording, another program writes it, or it is damaged in
    /// another way than by a recording that was broken off: something good would be lost with the
    /// damage.
    pub fn append(
        path: impl AsRef<Path>,
        options: RecordingOptions,
    ) -> Result<(RecordingWriter<File>, Reopened), TraceError> {
        let file = open_for_writing(path.as_ref())?;
        // Nothing that is found may change before it is gone on with.
        lock_for_writing(&file)?;
        let mut file = RecordingFile::new(file, false)?;
        let Blocks { entries, end, reached, damage } = file.good_end()?;
        let (mut out, meta) = file.into_file();
        let length = out.metadata().map_err(TraceError::Open)?.len();
        out.set_len(end).map_err(TraceError::Open)?;
        out.seek(SeekFrom::Start(end)).map_err(TraceError::Open)?;
        let mut writer = RecordingWriter::at(out, &meta, end, options);
        writer.records = entries.iter().map(|e| u64::from(e.photons) + u64::from(e.others)).sum();
        writer.entries = entries;
        writer.reached = reached;
        writer.pending.reached = reached;
        Ok((writer, Reopened { kept_bytes: end, cut_bytes: length - end, damage }))
    }
}

/// Opens a file that is there, to be read and gone on with.
fn open_for_writing(path: &Path) -> Result<File, TraceError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        /// `FILE_SHARE_READ`: others may read and none may write. A lock would keep readers out too.
        const SHARE_READ: u32 = 1;
        options.share_mode(SHARE_READ);
    }
    options.open(path).map_err(TraceError::Open)
}

/// Keeps other writers that ask so too off a file, for as long as it is open. Readers are not
/// kept off, and a file system without locks is no reason to refuse.
///
/// # Errors
/// Another one has it.
pub fn lock_for_writing(file: &File) -> Result<(), TraceError> {
    if cfg!(windows) {
        return Ok(());
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(TraceError::InUse),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

impl<W: Write> fmt::Debug for RecordingWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RecordingWriter");
        shown.field("offset", &self.offset).field("records", &self.records).finish_non_exhaustive()
    }
}
