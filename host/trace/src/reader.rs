//! The one way to read a trace, whatever its format.

use std::fmt::Debug;

use helio_units::{Picoseconds, TickLength, Ticks};

use crate::units::CsvUnit;
use crate::{Chunk, Counts, Datasets, Meta, RecordingInfo, TraceError, TraceFormat};

/// A trace that is read from its beginning to its end, in bounded memory.
///
/// Records are read to the end of the file, whatever number the header claims; [`Meta`] and
/// [`Counts`] tell both. Of a NumPy array the claim is its shape: another number of rows is a fault.
pub trait TraceReader: Send + Debug {
    /// What the file says of itself.
    fn meta(&self) -> &Meta;

    /// Replaces the content of `chunk` by the next records; `false` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, ends inside a record, or holds what its format forbids. Everything
    /// before the fault has been delivered by then, and after it the file is at its end. With
    /// [`ReadOptions::salvage`] there is no such error; [`TraceReader::damage`] tells it.
    fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError>;

    /// What has been read so far.
    fn counts(&self) -> Counts;

    /// Bytes of the file that have been read so far.
    fn position(&self) -> u64;

    /// What ended the reading early, when salvaging.
    fn damage(&self) -> Option<&TraceError>;

    /// Goes on at the block that holds the first record at or after `time`, in the trace's ticks, so
    /// that all records of later times follow, and some of earlier ones may; counts are of what is
    /// read. `false`: the trace can only be read in order, and goes on where it was.
    ///
    /// # Errors
    /// The file cannot be read.
    fn seek(&mut self, time: Ticks) -> Result<bool, TraceError> {
        _ = time;
        Ok(false)
    }

    /// What has been read of a recording's blocks; `None` of other formats.
    fn recording(&self) -> Option<RecordingInfo> {
        None
    }

    /// The exact length of a tick.
    fn tick_length(&self) -> TickLength {
        self.meta().tick
    }
}

/// What the ticks of T3 records count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhotonTime {
    /// Sync periods, as in the file; the time within the period stands in [`Chunk::dtimes`].
    #[default]
    SyncPeriods,
    /// Picoseconds, rounded down once: sync periods times their length and the time within the
    /// period. Detections are put into order of time. Traces without sync periods keep their ticks.
    Picoseconds,
}

/// How a trace is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format, where the content alone does not tell it.
    pub format: Option<TraceFormat>,
    /// Whether a damaged trace is read up to the damage without an error.
    pub salvage: bool,
    /// What the ticks of T3 records count.
    pub photon_time: PhotonTime,
    /// What a 1 in the time column of a CSV file means, where its header line does not say it.
    pub csv_unit: Option<CsvUnit>,
    /// How far back a detection may step to be sorted in. `None`: 1 µs for quTAG, whose files are
    /// ordered by channel only; in the others with absolute times a step back is an error, and
    /// PicoQuant's, Becker & Hickl's and Heliograph's own come as they are in the file.
    pub window: Option<Picoseconds>,
    /// Which datasets of an HDF5 file are the columns.
    pub datasets: Datasets,
}
