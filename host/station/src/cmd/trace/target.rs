//! A trace that is written: its format, and a file that appears whole or not at all.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use helio_trace::{
    Chunk, CsvUnit, Retick, TraceFormat, TraceWriter, Unkept, WriteError, WriteSettings, Written,
    writer,
};
use serde_json::{Map, Value, json};

use super::source::{tick_json, tick_text};
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::term::grouped;
use crate::unfinished::Unfinished;

/// How a trace is written: arguments of every command that writes one.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Writing {
    /// The format to write [default: as the new file's name ends]
    #[arg(long = "as", id = "as", value_name = "FORMAT", value_parser = TraceFormat::written_by_name)]
    format: Option<TraceFormat>,
    /// Count times in this tick, such as 1ps or 125/32ps, and round down what falls between
    #[arg(long, value_name = "TICK")]
    tick: Option<CsvUnit>,
    /// Leave out markers, sync edges and losses; a table has two columns less then
    #[arg(long)]
    photons_only: bool,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

impl Writing {
    /// The format: the one that was asked for, else that of the file's ending, else `otherwise`.
    pub(super) fn format(
        &self,
        path: &Path,
        otherwise: Option<TraceFormat>,
    ) -> Result<TraceFormat, Failure> {
        let ending = path.extension().is_some();
        let otherwise = otherwise
            .filter(|format| !ending && TraceFormat::written().any(|written| written == *format));
        self.format.or_else(|| TraceFormat::of_ending(path)).or(otherwise).ok_or_else(|| {
            let words: Vec<&str> = TraceFormat::written().map(TraceFormat::word).collect();
            Failure::usage(format!(
                "{} does not end as a format that is written; add --as {}",
                path.display(),
                words.join(", --as ")
            ))
        })
    }

    /// Whether a file may be written there; told before hours of reading.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        match path.symlink_metadata() {
            Ok(there) if there.is_file() && !self.force => Err(exists(path)),
            Ok(there) if !there.is_file() => {
                Err(Failure::usage(format!("{} is no file; name one", path.display())))
            }
            _ => Ok(()),
        }
    }

    /// Begins the file.
    pub(super) fn begin(
        &self,
        path: &Path,
        format: TraceFormat,
        settings: WriteSettings,
    ) -> Result<Target, Failure> {
        self.check(path)?;
        let tick = match self.tick {
            None => settings.tick,
            Some(unit) => unit.whole_tick().ok_or_else(|| {
                Failure::usage("--tick is a time below 1 s; write for example --tick 1ps")
            })?,
        };
        if tick != settings.tick && settings.dtime.is_some_and(|dtime| dtime.adds) {
            return Err(Failure::usage(
                "--tick would round sync periods, of which a dtime counts; add --absolute",
            ));
        }
        let mut guid = [0; 16];
        getrandom::fill(&mut guid).map_err(|fault| {
            Failure::new(Exit::Internal, format!("the system gives no random numbers ({fault})"))
        })?;
        let retick = Retick::new(settings.tick, tick);
        let settings = WriteSettings {
            all_kinds: settings.all_kinds && !self.photons_only,
            tick,
            guid,
            creator: "helio".into(),
            creator_version: env!("CARGO_PKG_VERSION").into(),
            ..settings
        };
        if path.file_name().is_none() {
            return Err(Failure::usage(format!("{} is no file; name one", path.display())));
        }
        let part = Unfinished::begin(path).map_err(|why| unwritable(path, &why.into()))?;
        let file = part.file().map_err(|why| unwritable(path, &why.into()))?;
        let writer = writer(file, format, &settings).map_err(|err| unwritable(path, &err))?;
        Ok(Target { part, writer, format, settings, retick, replace: self.force })
    }
}

/// A trace on its way into a file.
pub(super) struct Target {
    part: Unfinished,
    writer: Box<dyn TraceWriter>,
    format: TraceFormat,
    settings: WriteSettings,
    retick: Retick,
    replace: bool,
}

/// A file that was written.
pub(super) struct Kept {
    place: PathBuf,
    format: TraceFormat,
    settings: WriteSettings,
    written: Written,
    rounded: bool,
}

impl Target {
    /// Appends a chunk, whose times may be turned into others.
    pub(super) fn write(&mut self, chunk: &mut Chunk) -> Result<(), Failure> {
        let result = self.retick.chunk(chunk).and_then(|()| self.writer.write_chunk(chunk));
        result.map_err(|err| unwritable(self.part.place(), &err))
    }

    /// Completes the file and puts it into its place.
    pub(super) fn finish(self) -> Result<Kept, Failure> {
        let place = self.part.place().to_owned();
        let written = self.writer.finish().map_err(|err| unwritable(&place, &err))?;
        self.part.keep(self.replace).map_err(|why| match why.kind() {
            ErrorKind::AlreadyExists => exists(&place),
            _ => unwritable(&place, &why.into()),
        })?;
        let rounded = !self.retick.is_exact();
        Ok(Kept { place, format: self.format, settings: self.settings, written, rounded })
    }
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists; add --force to replace it", path.display()))
}

fn unwritable(path: &Path, err: &WriteError) -> Failure {
    match err {
        WriteError::Tick(_) => Failure::file(path, format!("{err} with --tick 1ps")),
        _ => Failure::file(path, err),
    }
}

/// What a format has no place for, by kind.
fn unkept_json(unkept: Unkept) -> Map<String, Value> {
    unkept.by_name().into_iter().map(|(kind, count)| (kind.to_owned(), json!(count))).collect()
}

impl Kept {
    /// A trace that was written with its own ticks.
    pub(super) fn new(
        place: &Path,
        format: TraceFormat,
        settings: WriteSettings,
        written: Written,
    ) -> Kept {
        Kept { place: place.to_owned(), format, settings, written, rounded: false }
    }

    /// Says what became of the trace; `notes` are further sentences, without their full stops, and one of
    /// them may be the damage that ended the reading.
    pub(super) fn tell(
        &self,
        global: &Global,
        mut notes: Vec<String>,
        damage: Option<&str>,
    ) -> Result<(), Failure> {
        let Written { records, bytes, unkept, tick, .. } = self.written;
        if unkept != Unkept::default() {
            notes.push(format!("{} has no place for {unkept}", self.format.name()));
        }
        if self.rounded {
            notes.push(format!("times are rounded down to {}", tick_text(self.settings.tick)));
        }
        if tick != self.settings.tick {
            notes.push("the sync period is rounded to 16 digits, as the header holds it".into());
        }
        if global.json {
            return print_json(&json!({
                "file": self.place.display().to_string(),
                "format": self.format.word(),
                "records": records,
                "bytes": bytes,
                "tick": tick_json(self.settings.tick),
                "not_kept": unkept_json(unkept),
                "rounded": self.rounded,
                "damage": damage,
                "notes": notes,
            }));
        }
        let text: String = notes.iter().map(|note| format!("note        {note}\n")).collect();
        print(format_args!(
            "written     {}\nformat      {}\nrecords     {}, {} bytes, tick {}\n{text}",
            self.place.display(),
            self.format.name(),
            grouped(records),
            grouped(bytes),
            tick_text(self.settings.tick),
        ))
    }
}
