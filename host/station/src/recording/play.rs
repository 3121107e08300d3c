//! A recorded run again, as fast as it goes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded, unbounded};
use helio_bench::SlotTiming;
use helio_keys::SimulatedDevices;
use helio_timetag::{Buffer, Pool, Tag, TagBatch, TagEvent};
use helio_trace::{Chunk, ReadOptions, TimeTag, TraceFormat, TraceReader};
use helio_units::{FineTicks, TickLength, Ticks};
use helio_wire::Role;

use super::RecordingFault;
use super::compare;
use super::run_file::{KeyFile, RunFile, read_json};
use super::settings_file::SettingsReader;
use super::write::{BatchLine, clicks_path, key_file, settings_path};
use crate::bench::cable::Item;
use crate::bench::run::{RunFault, spawn};
use crate::bench::talk::{self, Lines, TalkSetup};
use crate::bench::{StationOutcome, Update};

/// Items between the files and the stations.
const DEPTH: usize = 64;
/// Most tags of a batch that a line may claim.
const MAX_BATCH: u64 = 1 << 22;

/// What came of a replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Alice's side.
    pub alice: StationOutcome,
    /// Bob's side.
    pub bob: StationOutcome,
    /// What the run file says.
    pub run: RunFile,
    /// The keys of the recorded run.
    pub recorded: KeyFile,
    /// The keys made now.
    pub made: KeyFile,
    /// How long it took.
    pub times: StageTimes,
}

/// Wall-clock time by stage. Reading and talking overlap.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Clicks of the trace.
    pub clicks: u64,
    /// Reading and checking the whole trace.
    pub check: Duration,
    /// From the first item to the last key.
    pub talk: Duration,
}

impl Replay {
    /// Whether the same keys came out at both stations, bit for bit by their fingerprints.
    pub fn same_keys(&self) -> bool {
        self.made == self.recorded && self.alice.fingerprints == self.bob.fingerprints
    }
}

/// A replay that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The recording.
    #[error(transparent)]
    Recording(#[from] RecordingFault),
    /// The stations.
    #[error(transparent)]
    Run(#[from] RunFault),
}

/// Runs both stations on the recording in `folder`.
///
/// # Errors
/// A recording that is not whole, with what is wrong, before any station starts; faults of the
/// stations.
pub fn replay(folder: &Path, mut update: impl FnMut(Update)) -> Result<Replay, ReplayFault> {
    let run = RunFile::read(folder)?;
    let tick = run.tick_length(folder)?;
    let recorded: KeyFile = read_json(&folder.join("keys.json"))?;
    let begun = Instant::now();
    let clicks = compare::check(folder, &run)?;
    let check = begun.elapsed();

    let alice = whole(settings_path(folder, Role::Alice), 4)?;
    let bob = whole(settings_path(folder, Role::Bob), 2)?;
    let devices = SimulatedDevices::declared(true, true)
        .ok_or_else(|| RunFault::Scenario("a replay is a simulation".into()))?;
    let setup = TalkSetup {
        devices,
        parameters: run.parameters.clone(),
        slotter: run.slots.config(),
        seed: run.seed,
        blocks: run.blocks,
    };
    let (pool, empties) = Pool::new(DEPTH, TagBatch::default);
    let tags = TagPlayer::open(folder, tick, pool)?;
    let (reports, reported) = unbounded();
    let (alice_items, alice_data) = bounded(DEPTH);
    let (bob_items, bob_data) = bounded(DEPTH);
    let lines =
        Lines { alice: alice_data, bob: bob_data, empties, reports, recorders: [None, None] };
    let begun = Instant::now();
    let talkers = talk::start(setup, lines, begun)?;
    let alice_player = spawn("alice-player", move || play_settings(alice, &alice_items));
    let bob_player = spawn("bob-player", move || tags.play(bob, &bob_items));
    for (role, report) in reported {
        update(Update::Block(role, Box::new(report)));
    }
    let (alice, bob) = talkers.join()?;
    let talk = begun.elapsed();
    for (name, player) in [("alice-player", alice_player), ("bob-player", bob_player)] {
        player.join().map_err(|_| RunFault::Thread(name))??;
    }
    let made = key_file(&bob);
    Ok(Replay { alice, bob, run, recorded, made, times: StageTimes { clicks, check, talk } })
}

/// Settings that can be read to the end.
fn whole(path: PathBuf, bits_per_slot: u64) -> Result<SettingsReader, RecordingFault> {
    let mut trial = SettingsReader::open(path.clone(), bits_per_slot)?;
    while trial.next()?.is_some() {}
    SettingsReader::open(path, bits_per_slot)
}

/// Gives all settings to a station. A station that has gone ends it.
fn play_settings(mut from: SettingsReader, to: &Sender<Item>) -> Result<(), RecordingFault> {
    while let Some(item) = from.next()? {
        if to.send(item).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Settings that are sent as far as they are due.
struct Ahead {
    from: SettingsReader,
    sent_below: u64,
}

impl Ahead {
    fn send_below(&mut self, slot: u64, to: &Sender<Item>) -> Result<(), RecordingFault> {
        while self.sent_below < slot {
            let Some(item) = self.from.next()? else {
                self.sent_below = u64::MAX;
                return Ok(());
            };
            self.sent_below = match &item {
                Item::Settings(run) => run.first + run.count,
                Item::MissingSettings(slots) => slots.end,
                Item::Begun | Item::Tags(_) | Item::Report(_) | Item::End(_) => self.sent_below,
            };
            if to.send(item).is_err() {
                self.sent_below = u64::MAX;
            }
        }
        Ok(())
    }
}

/// The slot that a tick lies in, or a little later.
fn slot_at(timing: &SlotTiming, tick: Ticks) -> u64 {
    let since = FineTicks::from_ticks(tick).0 - timing.start.0;
    let slots = since / timing.period.0.max(1) + 1;
    (i128::from(timing.slot.0) + slots).clamp(0, i128::from(u64::MAX)) as u64
}

/// Opens a recording's clicks as what was written, and nothing less, in whatever format they are.
pub(super) fn open_clicks(
    folder: &Path,
    tick: TickLength,
) -> Result<(PathBuf, Box<dyn TraceReader>), RecordingFault> {
    let here = |format: &TraceFormat| clicks_path(folder, *format).exists();
    let found: Vec<TraceFormat> = TraceFormat::written().filter(here).collect();
    let format = found.first().copied().unwrap_or(TraceFormat::PicoQuantPtu);
    let path = clicks_path(folder, format);
    let content = |what| RecordingFault::Content { path: path.clone(), what };
    if let Some(other) = found.get(1) {
        let other = other.ending();
        return Err(content(format!(
            "is not the only trace here; keep the one that was recorded, or clicks.{other} alone"
        )));
    }
    let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
    let trace = helio_trace::open(&path, &options)
        .map_err(|e| content(format!("cannot be replayed: {e}")))?;
    if trace.tick_length() != tick {
        return Err(content(
            "counts other ticks than the run's; copy the recording again, or convert it from the \
             original"
                .into(),
        ));
    }
    Ok((path, trace))
}

/// Bob's tags from the trace, cut into the batches in which they came.
pub(super) struct TagPlayer {
    trace: Box<dyn TraceReader>,
    trace_path: PathBuf,
    lines: BufReader<File>,
    lines_path: PathBuf,
    pool: Pool<TagBatch>,
    waiting: VecDeque<TimeTag>,
}

impl TagPlayer {
    pub fn open(
        folder: &Path,
        tick: TickLength,
        pool: Pool<TagBatch>,
    ) -> Result<TagPlayer, RecordingFault> {
        let (trace_path, trace) = open_clicks(folder, tick)?;
        let lines_path = folder.join("batches.jsonl");
        let lines = File::open(&lines_path).map_err(|why| RecordingFault::File {
            path: lines_path.clone(),
            doing: "cannot be read; a replay needs the slot marks",
            why,
        })?;
        let lines = BufReader::new(lines);
        Ok(TagPlayer { trace, trace_path, lines, lines_path, pool, waiting: VecDeque::new() })
    }

    /// Settings go before the tags of the same slots, as from a device.
    fn play(mut self, settings: SettingsReader, to: &Sender<Item>) -> Result<(), RecordingFault> {
        let mut settings = Ahead { from: settings, sent_below: 0 };
        let mut timing = None;
        loop {
            let Some(line) = self.line()? else {
                settings.send_below(u64::MAX, to)?;
                let _ = to.send(Item::End(Box::default()));
                return Ok(());
            };
            for event in &line.events {
                if let TagEvent::Mark(mark) = event.event() {
                    timing = Some(mark);
                }
            }
            if let Some(mark) = timing {
                settings.send_below(slot_at(&mark, Ticks(line.reached)), to)?;
            }
            let Ok(mut batch) = self.pool.take() else { return Ok(()) };
            self.fill(&line, &mut batch)?;
            if to.send(Item::Tags(batch)).is_err() {
                return Ok(());
            }
        }
    }

    /// The next batch, without regard to settings; `false` at the end.
    pub fn next_batch(&mut self, batch: &mut TagBatch) -> Result<bool, RecordingFault> {
        let Some(line) = self.line()? else { return Ok(false) };
        batch.clear();
        self.fill(&line, batch)?;
        Ok(true)
    }

    fn line(&mut self) -> Result<Option<BatchLine>, RecordingFault> {
        let mut text = String::new();
        let read = self.lines.read_line(&mut text).map_err(|why| RecordingFault::File {
            path: self.lines_path.clone(),
            doing: "cannot be read on; copy the recording again",
            why,
        })?;
        if read == 0 {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(|e| self.bad_line(&e))
    }

    fn fill(&mut self, line: &BatchLine, batch: &mut TagBatch) -> Result<(), RecordingFault> {
        let wanted = line.tags.min(MAX_BATCH) as usize;
        let mut chunk = Chunk::default();
        while self.waiting.len() < wanted {
            let more = self.trace.read_chunk(&mut chunk).map_err(|e| RecordingFault::Content {
                path: self.trace_path.clone(),
                what: format!("cannot be replayed: {e}"),
            })?;
            if !more {
                return Err(self.bad_line(&"it names more clicks than the trace has"));
            }
            self.waiting.extend(&chunk.photons);
        }
        let tag = |t: TimeTag| Tag::new(t.tick, u32::from(t.channel));
        batch.tags.extend(self.waiting.drain(..wanted).map(tag));
        batch.events.extend(line.events.iter().map(|e| e.event()));
        batch.reached = Ticks(line.reached);
        Ok(())
    }

    fn bad_line(&self, why: &dyn std::fmt::Display) -> RecordingFault {
        RecordingFault::Content {
            path: self.lines_path.clone(),
            what: format!("is damaged ({why}); copy the recording again"),
        }
    }
}
