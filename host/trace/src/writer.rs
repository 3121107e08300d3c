//! The one way to write a trace, whatever its format.

use std::fmt::{self, Debug};
use std::io::{self, Seek, Write};
use std::path::Path;

use helio_units::{TickLength, Ticks};

use crate::csv::CsvSink;
use crate::npy::NpySink;
use crate::picoquant::ptu::PtuWriter;
use crate::table::{Table, TableWriter};
use crate::{
    Chunk, Dtime, LossKind, Meta, RecordType, RecordingOptions, RecordingWriter, Tag, TraceFormat,
};

/// A trace that is written from its beginning to its end, in bounded memory.
///
/// A format keeps all that it has a place for; what it has none for is left out and counted, never
/// silently.
pub trait TraceWriter: Send + Debug {
    /// Appends what `chunk` holds, its kinds of record merged by time. Detections come in order of
    /// time, from chunk to chunk.
    ///
    /// # Errors
    /// The output fails, or the format cannot hold a value. The file is of no use then.
    fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WriteError>;

    /// Gives what has come so far to the output, where the format can be read before it is complete.
    ///
    /// # Errors
    /// The output fails.
    fn flush(&mut self) -> Result<(), WriteError> {
        Ok(())
    }

    /// Completes the file and says what became of it.
    ///
    /// # Errors
    /// The output fails.
    fn finish(self: Box<Self>) -> Result<Written, WriteError>;
}

/// What has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Detections, markers, sync edges and losses in the file.
    pub records: u64,
    /// Length of the file.
    pub bytes: u64,
    /// What the format has no place for.
    pub unkept: Unkept,
    /// The tick as a reader finds it. Other than the trace's own only for a sync period that a PTU
    /// header rounds, to 16 digits.
    pub tick: TickLength,
}

impl Written {
    pub(crate) fn begun(tick: TickLength, unkept: Unkept) -> Written {
        Written { records: 0, bytes: 0, unkept, tick }
    }
}

/// Records and fields that a format has no place for, by kind. Displayed as the object of a sentence;
/// empty where nothing was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unkept {
    /// Marker edges.
    pub markers: u64,
    /// Sync edges.
    pub syncs: u64,
    /// Losses.
    pub losses: u64,
    /// Times within the sync period, whose detections were kept.
    pub dtimes: u64,
    /// Fields of the header.
    pub fields: u64,
}

impl Unkept {
    /// A record that is left out.
    pub(crate) fn count(&mut self, event: Event) {
        match event {
            Event::Sync => self.syncs += 1,
            Event::Marker(_) => self.markers += 1,
            Event::Loss(_) => self.losses += 1,
            // Detections have a place in every format.
            Event::Photon(..) => {}
        }
    }

    /// By name, for programs.
    pub fn by_name(&self) -> [(&'static str, u64); 5] {
        let Unkept { markers, syncs, losses, dtimes, fields } = *self;
        [
            ("markers", markers),
            ("syncs", syncs),
            ("losses", losses),
            ("dtimes", dtimes),
            ("header_fields", fields),
        ]
    }
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |name: &str| match name {
            "syncs" => "sync edges".into(),
            "dtimes" => "times within the sync period".into(),
            name => name.replace('_', " "),
        };
        let lost: Vec<String> = self
            .by_name()
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {}", words(name)))
            .collect();
        f.write_str(&lost.join(", "))
    }
}

/// Why a trace cannot be written. Displayed as the end of a sentence that begins with the file's
/// name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The operating system does not write.
    #[error("cannot be written ({0}); check the disk's space and the permissions")]
    Io(#[from] io::Error),
    /// A format that is read only.
    #[error("cannot be written as {}; choose from {}", .0.name(), written())]
    ReadOnly(TraceFormat),
    /// A layout that is read only.
    #[error("cannot be written with {} records; write HydraHarp V2 or generic ones", .0.name())]
    RecordType(RecordType),
    /// A tick that the format rounds.
    #[error(
        "cannot hold a tick of {}/{} ps exactly; round times to another tick", .0.numerator_ps(),
        .0.denominator()
    )]
    Tick(TickLength),
    /// A time that the format cannot hold.
    #[error("cannot hold the time of tick {tick}; count time from the first event")]
    TimeBeyond {
        /// The event's time.
        tick: u64,
    },
    /// An event before its predecessor.
    #[error("cannot take an event at tick {tick} after one at tick {last}; sort the events first")]
    TimeWentBack {
        /// The event's time.
        tick: u64,
        /// Its predecessor's.
        last: u64,
    },
    /// An event so far after its predecessor that overflow records would fill the disk.
    #[error(
        "cannot take an event at tick {tick} after one at tick {last}, a gap that overflow records \
         would fill the disk with; count time from the first event"
    )]
    GapTooLong {
        /// The event's time.
        tick: u64,
        /// Its predecessor's.
        last: u64,
    },
    /// Header fields that a reader would take for damage.
    #[error(
        "cannot hold header fields of more than 16 MiB, or names of more than 64 KiB; leave some out"
    )]
    HeaderTooLong,
    /// A chunk that is not what it should be.
    #[error("cannot take {dtimes} dtimes for {photons} detections; give one each, or none")]
    Dtimes {
        /// How many dtimes.
        dtimes: usize,
        /// For how many detections.
        photons: usize,
    },
    /// The output failed before: what is written behind that could not be read.
    #[error("cannot be written any more, because it failed earlier; append to what there is")]
    FailedEarlier,
    /// A channel, marker or dtime that a record cannot name.
    #[error(
        "cannot take {what} {value}; a record holds channels 0 to 63, markers 1 to 15 and dtimes \
         below 2^15"
    )]
    OutOfRange {
        /// `channel`, `marker` or `dtime`.
        what: &'static str,
        /// Its number.
        value: u16,
    },
}

fn written() -> String {
    TraceFormat::written().map(TraceFormat::word).collect::<Vec<_>>().join(", ")
}

/// What is known of a trace before its first record.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteSettings {
    /// The exact length of a tick; of detections with a dtime that of the sync period.
    pub tick: TickLength,
    /// The time within a sync period, where chunks have it.
    pub dtime: Option<Dtime>,
    /// Whether tick zero is when the measurement began.
    pub starts_at_zero: bool,
    /// Whether losses may say how many detections were missed, which costs columns a column.
    pub counts_missed: bool,
    /// Whether markers, sync edges and losses are wanted too, where the format has a place for them.
    pub all_kinds: bool,
    /// The layout of a PTU file's records, [`RecordType::HydraHarpV2T2`] or
    /// [`RecordType::GenericT2`] (with dtimes their T3); `None` for the former.
    pub record_type: Option<RecordType>,
    /// Fields of a source's header, kept where the format has a header and does not write a field
    /// of that name itself.
    pub tags: Vec<Tag>,
    /// A number that no other recording has.
    pub guid: [u8; 16],
    /// When the recording began, in seconds since 1970-01-01 UTC, where known.
    pub created_unix_s: Option<f64>,
    /// The program that writes.
    pub creator: String,
    /// Its version.
    pub creator_version: String,
    /// The instrument that took the data; empty where unknown.
    pub hardware: String,
    /// A line for the reader; empty for none.
    pub comment: String,
}

impl WriteSettings {
    /// For a trace of detections alone.
    pub fn new(tick: TickLength) -> WriteSettings {
        WriteSettings {
            tick,
            dtime: None,
            starts_at_zero: true,
            counts_missed: false,
            all_kinds: true,
            record_type: None,
            tags: Vec::new(),
            guid: [0; 16],
            created_unix_s: None,
            creator: String::new(),
            creator_version: String::new(),
            hardware: String::new(),
            comment: String::new(),
        }
    }

    /// For the records of a trace that was read.
    pub fn of(meta: &Meta) -> WriteSettings {
        use RecordType::*;
        let written = |kind: &RecordType| {
            matches!(kind, HydraHarpV2T2 | HydraHarpV2T3 | GenericT2 | GenericT3)
        };
        WriteSettings {
            record_type: meta.record_type.filter(written),
            dtime: meta.dtime,
            starts_at_zero: meta.starts_at_zero,
            counts_missed: meta.counts_missed(),
            all_kinds: meta.has_other_kinds(),
            tags: meta.tags.clone(),
            hardware: meta.hardware().unwrap_or_default().to_owned(),
            ..WriteSettings::new(meta.tick)
        }
    }
}

/// Where a trace is written to: it stands at its beginning, and numbers that are known only at the
/// end are put there then.
pub trait Output: Write + Seek + Send + Debug {}

impl<T: Write + Seek + Send + Debug> Output for T {}

/// Begins a trace in a format that is written ([`TraceFormat::written`]).
///
/// # Errors
/// A format that is read only, settings that it cannot hold, or `out` fails.
pub fn writer<'a>(
    out: impl Output + 'a,
    format: TraceFormat,
    settings: &WriteSettings,
) -> Result<Box<dyn TraceWriter + 'a>, WriteError> {
    match format {
        TraceFormat::PicoQuantPtu => Ok(Box::new(PtuWriter::new(out, settings)?)),
        TraceFormat::Recording => {
            Ok(Box::new(RecordingWriter::new(out, settings, RecordingOptions::default())?))
        }
        TraceFormat::Npy => {
            let table = Table::of(settings);
            let sink = NpySink::new(out, table)?;
            Ok(Box::new(TableWriter::new(table, settings, sink)))
        }
        #[cfg(feature = "parquet")]
        TraceFormat::Parquet => {
            let table = Table::of(settings);
            let sink = crate::parquet_file::ParquetSink::new(out, table, settings)?;
            Ok(Box::new(TableWriter::new(table, settings, sink)))
        }
        TraceFormat::Csv => {
            let table = Table::of(settings);
            let sink = CsvSink::new(out, table)?;
            Ok(Box::new(TableWriter::new(table, settings, sink)))
        }
        _ => Err(WriteError::ReadOnly(format)),
    }
}

impl TraceFormat {
    /// All formats that [`writer`] takes.
    pub fn written() -> impl Iterator<Item = TraceFormat> {
        use TraceFormat::{Csv, Npy, Parquet, PicoQuantPtu, Recording};
        let built_in = |format: &TraceFormat| *format != Parquet || cfg!(feature = "parquet");
        [PicoQuantPtu, Recording, Npy, Csv, Parquet].into_iter().filter(built_in)
    }

    /// The format that is written and has this word on a command line.
    ///
    /// # Errors
    /// A sentence with those that are.
    pub fn written_by_name(word: &str) -> Result<TraceFormat, String> {
        TraceFormat::written()
            .find(|format| format.word() == word)
            .ok_or_else(|| format!("no format that is written; choose from {}", written()))
    }

    /// The format that is written into a file of this name, by its ending.
    pub fn of_ending(path: &Path) -> Option<TraceFormat> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        TraceFormat::written().find(|format| format.ending() == ending)
    }

    /// The ending of files of this format, without the point.
    pub fn ending(self) -> &'static str {
        self.word()
    }
}

/// A record of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Sync,
    Marker(u8),
    Loss(LossKind),
    /// Channel and dtime; zero where the trace has none.
    Photon(u8, u16),
}

/// Gives all records of a chunk in order of time, and of one instant in the order of [`Event`].
pub(crate) fn in_order(
    chunk: &Chunk,
    mut each: impl FnMut(Ticks, Event) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let (mut syncs, mut markers) = (chunk.syncs.iter().peekable(), chunk.markers.iter().peekable());
    let mut losses = chunk.losses.iter().peekable();
    let mut others_before = |tick: Ticks, each: &mut dyn FnMut(_, _) -> _| {
        loop {
            let next = [
                syncs.peek().map(|sync| **sync),
                markers.peek().map(|marker| marker.tick),
                losses.peek().map(|loss| loss.tick),
            ];
            let earliest = next.iter().flatten().min().filter(|earliest| **earliest <= tick);
            let Some(&earliest) = earliest else { return Ok(()) };
            let event = if next[0] == Some(earliest) {
                syncs.next().map(|_| Event::Sync)
            } else if next[1] == Some(earliest) {
                markers.next().map(|marker| Event::Marker(marker.bits))
            } else {
                losses.next().map(|loss| Event::Loss(loss.kind))
            };
            event.map_or(Ok(()), |event| each(earliest, event))?;
        }
    };
    let alone = chunk.syncs.is_empty() && chunk.markers.is_empty() && chunk.losses.is_empty();
    for (index, tag) in chunk.photons.iter().enumerate() {
        if !alone {
            others_before(tag.tick, &mut each)?;
        }
        let dtime = chunk.dtimes.get(index).copied().unwrap_or(0);
        each(tag.tick, Event::Photon(tag.channel, dtime))?;
    }
    others_before(Ticks(u64::MAX), &mut each)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{Loss, Marker, TimeTag};

    #[test]
    fn kinds_of_record_are_merged_by_time() {
        let photon = |tick, channel| TimeTag { tick: Ticks(tick), channel };
        let chunk = Chunk {
            photons: vec![photon(3, 0), photon(3, 1), photon(9, 2)],
            markers: vec![Marker { tick: Ticks(3), bits: 4 }, Marker { tick: Ticks(10), bits: 1 }],
            syncs: vec![Ticks(3), Ticks(5)],
            losses: vec![Loss { tick: Ticks(5), kind: LossKind::Gap }],
            ..Chunk::default()
        };
        let mut seen = Vec::new();
        in_order(&chunk, |tick, event| {
            seen.push((tick.0, event));
            Ok(())
        })
        .unwrap();
        let expected = [
            (3, Event::Sync),
            (3, Event::Marker(4)),
            (3, Event::Photon(0, 0)),
            (3, Event::Photon(1, 0)),
            (5, Event::Sync),
            (5, Event::Loss(LossKind::Gap)),
            (9, Event::Photon(2, 0)),
            (10, Event::Marker(1)),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_is_left_out_is_told_by_kind() {
        let unkept = Unkept { markers: 2, dtimes: 7, ..Unkept::default() };
        assert_eq!(unkept.to_string(), "2 markers, 7 times within the sync period");
        assert_eq!(Unkept::default().to_string(), "");
    }

    #[test]
    fn a_format_that_is_read_only_is_refused_with_those_that_are_not() {
        let settings = WriteSettings::new(TickLength::CYCLE_150_MHZ);
        let out = Cursor::new(Vec::new());
        let refused = writer(out, TraceFormat::QuTag, &settings).unwrap_err();
        assert!(
            refused.to_string().starts_with("cannot be written as quTAG binary; choose from ptu")
        );
        assert_eq!(TraceFormat::of_ending(Path::new("a.b/x.PTU")), Some(TraceFormat::PicoQuantPtu));
        assert_eq!(TraceFormat::of_ending(Path::new("ptu")), None);
    }
}
