//! A run into a folder, while it goes on.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};
use helio_bench::SlotTiming;
use helio_timetag::{TagBatch, TagEvent};
use helio_trace::{
    Chunk, RecordType, TimeTag, TraceFormat, TraceWriter, WriteError, WriteSettings, writer,
};
use helio_units::{FineTicks, SlotIndex, TickLength, Ticks};
use helio_wire::Role;
use serde::{Deserialize, Serialize};

use super::RecordingFault;
use super::run_file::{ChannelPart, KeyFile, RunFile, SlotsPart, VERSION};
use super::settings_file::{SettingsWriter, cannot_write};
use crate::bench::StationOutcome;
use crate::bench::cable::{Item, SettingsRun};
use crate::bench::talk::TalkSetup;

/// A line of `batches.jsonl`: one batch of tags as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchLine {
    /// Tags of the batch: the next ones of the trace.
    pub tags: u64,
    /// Every tag before this tick is there by now.
    pub reached: u64,
    /// What else was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventLine>,
}

/// A [`TagEvent`] in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum EventLine {
    Gap {
        from: u64,
        to: u64,
        lost: u64,
    },
    /// Times in ticks and 2⁻³² ticks.
    Mark {
        slot: u64,
        start: (u64, u32),
        period: (u64, u32),
    },
    LockLost {
        tick: u64,
    },
    StreamLost {
        tick: u64,
    },
}

impl EventLine {
    fn of(event: &TagEvent) -> EventLine {
        let parts = |t: FineTicks| (t.floor().0, t.fraction());
        match *event {
            TagEvent::Gap { from, to, lost } => EventLine::Gap { from: from.0, to: to.0, lost },
            TagEvent::Mark(timing) => EventLine::Mark {
                slot: timing.slot.0,
                start: parts(timing.start),
                period: parts(timing.period),
            },
            TagEvent::LockLost { tick } => EventLine::LockLost { tick: tick.0 },
            TagEvent::StreamLost { tick } => EventLine::StreamLost { tick: tick.0 },
        }
    }

    pub fn event(self) -> TagEvent {
        let fine = |(ticks, fraction)| FineTicks::from_parts(ticks, fraction);
        match self {
            EventLine::Gap { from, to, lost } => {
                TagEvent::Gap { from: Ticks(from), to: Ticks(to), lost }
            }
            EventLine::Mark { slot, start, period } => TagEvent::Mark(SlotTiming {
                slot: SlotIndex(slot),
                start: fine(start),
                period: fine(period),
            }),
            EventLine::LockLost { tick } => TagEvent::LockLost { tick: Ticks(tick) },
            EventLine::StreamLost { tick } => TagEvent::StreamLost { tick: Ticks(tick) },
        }
    }
}

/// Writes what one station's device gives into the run's folder.
pub struct Recorder {
    settings: SettingsWriter,
    clicks: Option<Clicks>,
}

struct Clicks {
    path: PathBuf,
    folder: PathBuf,
    trace: Box<dyn TraceWriter>,
    chunk: Chunk,
    lines: BufWriter<File>,
    channels: Vec<ChannelPart>,
    crc: Crc32,
    run: RunFile,
}

impl Recorder {
    /// Makes the folder, which must not exist or be empty, and the files of one station. Alice first.
    /// Clicks are recorded as `format`.
    ///
    /// # Errors
    /// [`RecordingFault`].
    pub fn create(
        folder: &Path,
        role: Role,
        setup: &TalkSetup,
        tick: TickLength,
        format: TraceFormat,
    ) -> Result<Recorder, RecordingFault> {
        let settings = SettingsWriter::create(settings_path(folder, role))?;
        let clicks = match role {
            Role::Alice => None,
            Role::Bob => Some(Clicks::create(folder, setup, tick, format)?),
        };
        Ok(Recorder { settings, clicks })
    }

    /// Writes an item down.
    ///
    /// # Errors
    /// [`RecordingFault`]; the recording is not complete then.
    pub fn item(&mut self, item: &Item) -> Result<(), RecordingFault> {
        match item {
            Item::Settings(run) => self.settings(run),
            Item::MissingSettings(slots) => self.missing(slots),
            Item::Tags(batch) => self.tags(batch),
            Item::Begun | Item::Report(_) | Item::End(_) => Ok(()),
        }
    }

    /// Writes settings down.
    ///
    /// # Errors
    /// As [`Recorder::item`].
    pub fn settings(&mut self, run: &SettingsRun) -> Result<(), RecordingFault> {
        self.settings.settings(run)
    }

    /// Writes down that settings are missing.
    ///
    /// # Errors
    /// As [`Recorder::item`].
    pub fn missing(&mut self, slots: &Range<u64>) -> Result<(), RecordingFault> {
        self.settings.missing(slots)
    }

    /// Writes clicks down, at Bob.
    ///
    /// # Errors
    /// As [`Recorder::item`].
    pub fn tags(&mut self, batch: &TagBatch) -> Result<(), RecordingFault> {
        self.clicks.as_mut().map_or(Ok(()), |clicks| clicks.batch(batch))
    }

    /// Completes the files.
    ///
    /// # Errors
    /// [`RecordingFault`].
    pub fn finish(self) -> Result<(), RecordingFault> {
        self.settings.finish()?;
        self.clicks.map_or(Ok(()), Clicks::finish)
    }
}

impl Clicks {
    fn create(
        folder: &Path,
        setup: &TalkSetup,
        tick: TickLength,
        format: TraceFormat,
    ) -> Result<Clicks, RecordingFault> {
        let path = clicks_path(folder, format);
        let lines_path = folder.join("batches.jsonl");
        // Which detector clicked tells the bit to whoever knows the swap.
        let mut guid = [0; 16];
        guid.copy_from_slice(&setup.parameters.session.0);
        let settings = WriteSettings {
            all_kinds: false,
            record_type: Some(RecordType::GenericT2),
            guid,
            creator: "helio".into(),
            creator_version: env!("CARGO_PKG_VERSION").into(),
            hardware: "Heliograph simulated bench".into(),
            comment: "SIMULATED clicks of a QKD receiver; exact tick in run.json".into(),
            ..WriteSettings::new(tick)
        };
        let trace = writer(private_file(&path)?, format, &settings);
        let trace = trace.map_err(|e| trace_fault(&path, &e))?;
        let lines = BufWriter::new(private_file(&lines_path)?);
        let run = RunFile {
            version: VERSION,
            origin: "SIMULATED".into(),
            program: env!("CARGO_PKG_VERSION").into(),
            parameters: setup.parameters.clone(),
            blocks: setup.blocks,
            seed: setup.seed,
            tick_ps: (tick.numerator_ps(), tick.denominator()),
            slots: SlotsPart::of(&setup.slotter),
            channels: Vec::new(),
            clicks_crc32: 0,
        };
        Ok(Clicks {
            path,
            folder: folder.to_owned(),
            trace,
            chunk: Chunk::default(),
            lines,
            channels: vec![ChannelPart::default(); setup.slotter.delays.len()],
            crc: CRC_32.digest(),
            run,
        })
    }

    fn batch(&mut self, batch: &TagBatch) -> Result<(), RecordingFault> {
        self.chunk.clear();
        self.chunk.reached = self.chunk.reached.max(batch.reached);
        for tag in &batch.tags {
            let channel = tag.channel as usize;
            if let Some(part) = self.channels.get_mut(channel) {
                if part.count == 0 {
                    part.first_tick = tag.tick;
                }
                part.count += 1;
                part.last_tick = tag.tick;
            }
            click_crc(&mut self.crc, tag.tick, tag.channel);
            let channel = tag.channel as u8;
            self.chunk.photons.push(TimeTag { tick: Ticks(tag.tick), channel });
        }
        let written = self.trace.write_chunk(&self.chunk);
        written.map_err(|e| trace_fault(&self.path, &e))?;
        let line = BatchLine {
            tags: batch.tags.len() as u64,
            reached: batch.reached.0,
            events: batch.events.iter().map(EventLine::of).collect(),
        };
        let lines_path = self.folder.join("batches.jsonl");
        serde_json::to_writer(&mut self.lines, &line)
            .map_err(std::io::Error::from)
            .and_then(|()| self.lines.write_all(b"\n"))
            .map_err(|why| cannot_write(&lines_path, why))
    }

    fn finish(mut self) -> Result<(), RecordingFault> {
        self.trace.finish().map_err(|e| trace_fault(&self.path, &e))?;
        let lines_path = self.folder.join("batches.jsonl");
        self.lines.flush().map_err(|why| cannot_write(&lines_path, why))?;
        self.run.channels = self.channels;
        self.run.clicks_crc32 = self.crc.finalize();
        // The seed makes the secrets of both stations.
        let path = self.folder.join("run.json");
        let file = private_file(&path)?;
        write_json(&path, &self.run, file)
    }
}

/// Where clicks are recorded.
pub(super) fn clicks_path(folder: &Path, format: TraceFormat) -> PathBuf {
    folder.join(format!("clicks.{}", format.ending()))
}

/// A running checksum of clicks.
pub(super) type Crc32 = Digest<'static, u32, Table<16>>;

/// The cable's checksum serves here too.
pub(crate) static CRC_32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Adds a click to the checksum of a trace.
pub(super) fn click_crc(crc: &mut Crc32, tick: u64, channel: u32) {
    crc.update(&tick.to_le_bytes());
    crc.update(&channel.to_le_bytes());
}

fn trace_fault(path: &Path, error: &WriteError) -> RecordingFault {
    RecordingFault::Content { path: path.to_owned(), what: error.to_string() }
}

/// Makes the folder of a recording, for its owner only.
///
/// # Errors
/// It holds something already, or cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), RecordingFault> {
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(RecordingFault::Content {
            path: folder.to_owned(),
            what: "holds something already; name a new folder".into(),
        });
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|why| RecordingFault::File {
        path: folder.to_owned(),
        doing: "cannot be made; check the path and its permissions",
        why,
    })
}

/// Writes `keys.json`.
///
/// # Errors
/// [`RecordingFault`].
pub fn write_keys(folder: &Path, outcome: &StationOutcome) -> Result<(), RecordingFault> {
    let path = folder.join("keys.json");
    let file = File::create(&path).map_err(|why| cannot_write(&path, why))?;
    write_json(&path, &key_file(outcome), file)
}

/// Writes `certificates.jsonl`.
///
/// # Errors
/// [`RecordingFault`].
pub fn write_certificates(folder: &Path, outcome: &StationOutcome) -> Result<(), RecordingFault> {
    let path = folder.join("certificates.jsonl");
    let lines: std::io::Result<String> = outcome
        .certificates
        .iter()
        .map(|public| Ok(serde_json::to_string(public)? + "\n"))
        .collect();
    lines.and_then(|lines| std::fs::write(&path, lines)).map_err(|why| cannot_write(&path, why))
}

/// The keys of a station as `keys.json` names them.
pub(super) fn key_file(outcome: &StationOutcome) -> KeyFile {
    let length = |block| {
        let report = outcome.reports.iter().find(|r| r.id.block == block);
        report.map_or(0, |r| r.length)
    };
    let name = |(block, print): &(u64, String)| (*block, length(*block), print.clone());
    KeyFile { origin: "SIMULATED".into(), keys: outcome.fingerprints.iter().map(name).collect() }
}

fn write_json<T: Serialize>(path: &Path, value: &T, mut file: File) -> Result<(), RecordingFault> {
    serde_json::to_writer_pretty(&mut file, value)
        .map_err(std::io::Error::from)
        .and_then(|()| file.write_all(b"\n"))
        .map_err(|why| cannot_write(path, why))
}

/// Where a station's settings are recorded.
pub(super) fn settings_path(folder: &Path, role: Role) -> PathBuf {
    folder.join(match role {
        Role::Alice => "SECRET-alice.settings",
        Role::Bob => "SECRET-bob.settings",
    })
}

/// A new file that only its owner reads and writes.
pub(crate) fn private_file(path: &Path) -> Result<File, RecordingFault> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|why| cannot_write(path, why))
}
