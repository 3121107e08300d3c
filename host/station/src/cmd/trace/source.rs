//! A trace read from end to end, with progress, and its errors as the program tells them.

use std::path::{Path, PathBuf};

use helio_timetag::analysis::{OutOfOrder, Uncounted};
use helio_trace::{
    Chunk, CsvUnit, DatasetPath, Datasets, PhotonTime, ReadOptions, Summary, TraceFormat,
    TraceReader,
};
use helio_units::{TickLength, Ticks};
use serde_json::{Value, json};

use super::notes;
use super::select::{Selection, Stage};
use crate::exit::Failure;
use crate::quantity::Span;
use crate::term::Progress;

/// The trace and how it is read: arguments of every command about traces.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Source {
    /// The trace, of any format of docs/traces.md; the content tells which. - is standard input
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) selection: Selection,
}

/// A trace that was read to the end of what was selected.
pub(super) struct Scanned {
    pub(super) reader: Box<dyn TraceReader>,
    /// Where the selected part begins.
    pub(super) begin: Ticks,
    /// Whether the dtimes of T3 have been added to the times.
    pub(super) in_picoseconds: bool,
    /// What is worth a word about the trace, a sentence each.
    pub(super) notes: Vec<String>,
}

impl Scanned {
    pub(super) fn tick(&self) -> TickLength {
        self.reader.tick_length()
    }
}

/// How traces are read.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cmd) struct Reading {
    /// The format, where the content does not tell it, such as qutag
    #[arg(long, value_name = "NAME")]
    format: Option<TraceFormat>,
    /// Read a damaged trace up to the damage, and say what it is
    #[arg(long)]
    salvage: bool,
    /// What a 1 in a CSV file's time column means: ps, ns, us, ms, s, or a tick such as 125/32ps
    /// [default: what its header line says, else ps]
    #[arg(long, value_name = "UNIT")]
    unit: Option<CsvUnit>,
    /// How far back a detection may step and is sorted in, such as 1us [default: 1us for quTAG,
    /// else none]
    #[arg(long, value_name = "TIME")]
    window: Option<Span>,
    /// Of an HDF5 file the dataset of times, such as run1/timestamps [default: the first whose name begins
    /// with time]
    #[arg(long, value_name = "PATH")]
    time_dataset: Option<DatasetPath>,
    /// Of an HDF5 file the dataset of channels [default: the first beside the times whose name begins with ch]
    #[arg(long, value_name = "PATH")]
    channel_dataset: Option<DatasetPath>,
}

impl Reading {
    /// Whether a damaged trace is no fault.
    pub(super) fn salvages(&self) -> bool {
        self.salvage
    }

    /// The same for the reader.
    pub(in crate::cmd) fn options(&self, photon_time: PhotonTime) -> ReadOptions {
        ReadOptions {
            format: self.format,
            salvage: self.salvage,
            photon_time,
            csv_unit: self.unit,
            window: self.window.map(Span::picoseconds),
            datasets: Datasets { time: self.time_dataset, channel: self.channel_dataset },
        }
    }
}

impl Source {
    /// A trace that is read as others are.
    pub(super) fn of(file: &Path, reading: &Reading) -> Source {
        Source { file: file.to_owned(), reading: reading.clone(), selection: Selection::default() }
    }

    /// The same with times as they are.
    pub(super) fn undelayed(&self) -> Source {
        Source { selection: self.selection.undelayed(), ..self.clone() }
    }

    /// Whether the trace comes through a pipe and can be read only once.
    pub(super) fn is_pipe(&self) -> bool {
        self.file == Path::new("-")
    }

    /// Opens the trace, whose ticks are known then.
    pub(super) fn open(&self, photon_time: PhotonTime) -> Result<Opened<'_>, Failure> {
        let photon_time = self.selection.photon_time(photon_time);
        let options = self.reading.options(photon_time);
        let reader = match self.is_pipe() {
            true => helio_trace::from_read(std::io::stdin(), &options),
            false => helio_trace::open(&self.file, &options),
        };
        let reader = reader.map_err(|err| Failure::file(&self.file, err))?;
        let stage = self.selection.stage(&self.file, reader.tick_length())?;
        let adds = reader.meta().dtime.is_some_and(|dtime| dtime.adds && dtime.unit.is_some());
        Ok(Opened {
            source: self,
            in_picoseconds: adds && photon_time == PhotonTime::Picoseconds,
            reader,
            stage,
            to_the_end: false,
            seeks: true,
            reads_all: true,
            state: State::Reading,
            reached: Ticks(0),
        })
    }

    /// Whether less than the whole trace is selected.
    pub(super) fn is_part(&self) -> bool {
        self.selection.is_part()
    }

    /// Reads the selected part of the trace and gives each chunk of it to `each`, with the
    /// tick at which that part begins.
    pub(super) fn scan(
        &self,
        photon_time: PhotonTime,
        each: impl FnMut(Ticks, &Chunk) -> Result<(), OutOfOrder>,
    ) -> Result<Scanned, Failure> {
        self.open(photon_time)?.read(false, ordered(each))
    }

    /// As [`Source::scan`], but goes on to the end of the file behind the selected part, so that
    /// all its records are counted.
    pub(super) fn scan_to_the_end(
        &self,
        photon_time: PhotonTime,
        each: impl FnMut(Ticks, &Chunk) -> Result<(), OutOfOrder>,
    ) -> Result<Scanned, Failure> {
        self.open(photon_time)?.read(true, ordered(each))
    }

    /// Says on standard error what is worth a word about the trace.
    pub(super) fn tell(&self, scanned: &Scanned) {
        notes::tell(&self.file, &scanned.notes);
    }

    /// The summary of the selected part for a command that reads the trace again after it. What is
    /// worth a word about the trace is said on standard error, so that no command needs to.
    pub(super) fn summary(&self, photon_time: PhotonTime) -> Result<(Scanned, Summary), Failure> {
        if self.is_pipe() {
            return Err(Failure::usage(
                "standard input can be read only once, and this reads the trace twice; write it \
                 into a file first",
            ));
        }
        let mut summary = Summary::default();
        let mut scanned = self.scan(photon_time, |_, chunk| {
            summary.add(chunk);
            Ok(())
        })?;
        scanned.notes.extend(notes::of_order(&summary));
        self.tell(&scanned);
        Ok((scanned, summary))
    }
}

/// A trace that is being read.
pub(super) struct Opened<'a> {
    source: &'a Source,
    pub(super) reader: Box<dyn TraceReader>,
    stage: Stage,
    /// Whether the dtimes of T3 have been added to the times.
    pub(super) in_picoseconds: bool,
    to_the_end: bool,
    /// Whether what is not selected may still be jumped over.
    seeks: bool,
    /// Whether no record was jumped over so far, or left behind what was selected.
    reads_all: bool,
    state: State,
    reached: Ticks,
}

/// How far a trace has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// Behind what was selected; what waits for its delay is still to come.
    Cut,
    Ended,
}

impl Opened<'_> {
    pub(super) fn tick(&self) -> TickLength {
        self.reader.tick_length()
    }

    /// As [`Source::scan`], for what can also be too much to count.
    pub(super) fn scan(
        self,
        each: impl FnMut(Ticks, &Chunk) -> Result<(), Uncounted>,
    ) -> Result<Scanned, Failure> {
        self.read(false, each)
    }

    fn read(
        mut self,
        to_the_end: bool,
        mut each: impl FnMut(Ticks, &Chunk) -> Result<(), Uncounted>,
    ) -> Result<Scanned, Failure> {
        self.to_the_end = to_the_end;
        self.seeks = !to_the_end;
        let path = &self.source.file;
        let mut progress = self.progress(format!("reading {}", path.display()));
        let mut chunk = Chunk::default();
        while self.next(&mut chunk)? {
            each(self.stage.begin(), &chunk).map_err(|err| match err {
                Uncounted::OutOfOrder(err) => {
                    Failure::file(path, format!("is not in time order: {err}"))
                }
                Uncounted::TooDense => Failure::usage(err),
            })?;
            progress.at(self.reader.position());
        }
        Ok(Scanned {
            begin: self.stage.begin(),
            in_picoseconds: self.in_picoseconds,
            notes: self.notes(),
            reader: self.reader,
        })
    }

    /// The next chunk of the selected part; `false` behind its end.
    pub(super) fn next(&mut self, chunk: &mut Chunk) -> Result<bool, Failure> {
        if self.state == State::Ended {
            return Ok(false);
        }
        let fault = |err| Failure::file(&self.source.file, err);
        if self.state == State::Reading && self.reader.read_chunk(chunk).map_err(fault)? {
            let more = self.stage.apply(self.reader.meta(), chunk)?;
            // The first chunk has told what times are counted from; if nothing of it is selected,
            // nothing of it comes again.
            if std::mem::take(&mut self.seeks) && !self.stage.has_selected() && more {
                let jumped = self.reader.seek(self.stage.begin()).map_err(fault)?;
                self.reads_all &= !jumped;
            }
            if !more && !self.to_the_end {
                self.state = State::Cut;
                self.reads_all = false;
            }
            self.reached = chunk.reached;
        } else {
            self.state = State::Ended;
            chunk.reached = self.reached;
            self.stage.finish(chunk);
        }
        Ok(true)
    }

    /// How far the reading has come, for people.
    pub(super) fn progress(&self, task: String) -> Progress {
        match self.source.is_pipe() {
            true => Progress::of_stream(task),
            false => Progress::of_bytes(task, self.bytes()),
        }
    }

    /// The file's length; zero where it has none, as a pipe.
    pub(super) fn bytes(&self) -> u64 {
        std::fs::metadata(&self.source.file).map_or(0, |m| m.len())
    }

    pub(super) fn path(&self) -> &Path {
        &self.source.file
    }

    /// What is worth a word when it has been read, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        notes::of(&*self.reader, self.reads_all)
    }
}

/// What only fails where the order of time does.
fn ordered(
    mut each: impl FnMut(Ticks, &Chunk) -> Result<(), OutOfOrder>,
) -> impl FnMut(Ticks, &Chunk) -> Result<(), Uncounted> {
    move |begin, chunk| each(begin, chunk).map_err(Uncounted::from)
}

/// The photons of a chunk as the analyses take them.
pub(super) fn tags(chunk: &Chunk) -> impl Iterator<Item = (Ticks, u8)> {
    chunk.photons.iter().map(|tag| (tag.tick, tag.channel))
}

/// How many threads count beside the one that reads.
pub(super) fn helpers() -> usize {
    const ENOUGH: usize = 8;
    std::thread::available_parallelism().map_or(0, |cores| cores.get().min(ENOUGH) - 1)
}

/// A time in seconds, for people and for statistics.
pub(super) fn seconds(tick: TickLength, ticks: Ticks) -> f64 {
    ticks.0 as f64 * tick.as_ps_f64() * 1e-12
}

/// A time in picoseconds where it is a whole number of them, else `null`.
pub(super) fn exact_ps(tick: TickLength, ticks: Ticks) -> Value {
    let scaled = u128::from(ticks.0) * u128::from(tick.numerator_ps());
    let whole = scaled % u128::from(tick.denominator()) == 0;
    match (whole, u64::try_from(scaled / u128::from(tick.denominator()))) {
        (true, Ok(ps)) => json!(ps),
        _ => Value::Null,
    }
}

/// The exact length of a tick, in words.
pub(super) fn tick_text(tick: TickLength) -> String {
    match tick.denominator() {
        1 => format!("{} ps", tick.numerator_ps()),
        d => format!("{}/{d} ps", tick.numerator_ps()),
    }
}

/// The exact length of a tick, for programs.
pub(super) fn tick_json(tick: TickLength) -> Value {
    json!({ "numerator_ps": tick.numerator_ps(), "denominator": tick.denominator() })
}

/// The file's name without its folder.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
