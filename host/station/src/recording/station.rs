//! One station's talk again, from its tape: every word the same, to the bit.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use helio_distill::pads::{PAD_BYTES, PadBook, PadLayout};
use helio_distill::{BlockReport, Event, Fault, Local, MemoryStore, Role, alice, bob};
use helio_keys::{SeededEntropy, Simulated, SimulatedDevices};
use helio_timetag::{Pool, TagBatch};
use helio_wire::Role as DeviceRole;
use serde::Serialize;
use zeroize::Zeroizing;

use super::compare;
use super::play::{ReplayFault, StageTimes, TagPlayer};
use super::run_file::RunFile;
use super::settings_file::SettingsReader;
use super::tape::{Record, TapeHeader, TapeReader};
use super::write::{CRC_32, settings_path};
use super::{RecordingFault, SECRET_TAPE};
use crate::bench::cable::Item;
use crate::bench::run::RunFault;
use crate::side::{self, Side};

/// What came of the replay of one station.
#[derive(Clone, Debug)]
pub struct StationReplay {
    /// Which station.
    pub role: Role,
    /// Time from the first word on the tape to the last, in seconds.
    pub recorded_s: f64,
    /// Block, bits and fingerprint of each key on the tape.
    pub recorded: Vec<KeyLine>,
    /// The same, made now.
    pub made: Vec<KeyLine>,
    /// Messages that left, all with the recorded checksums.
    pub messages: u64,
    /// The first message that differs, if one does.
    pub differs_at: Option<u64>,
    /// How long it took.
    pub times: StageTimes,
}

/// A key of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyLine {
    /// Which block.
    pub block: u64,
    /// Its length.
    pub bits: u64,
    /// SHA-256 over the SIMULATED key, cut.
    pub fingerprint: String,
}

impl StationReplay {
    /// Whether every word and every key was the same.
    pub fn is_the_same(&self) -> bool {
        self.differs_at.is_none() && self.made == self.recorded
    }
}

/// Whether the folder is one station's recording.
pub fn is_station(folder: &Path) -> bool {
    folder.join(SECRET_TAPE).exists()
}

/// Whether the folder is of a station's run without a recording.
pub fn is_unrecorded(folder: &Path) -> bool {
    folder.join("station.json").exists() && !folder.join("run.json").exists()
}

/// Tells a station's talk again what its tape holds.
///
/// # Errors
/// A recording that is not whole, with what is wrong.
pub fn replay_station(
    folder: &Path,
    mut update: impl FnMut(&BlockReport),
) -> Result<StationReplay, ReplayFault> {
    let begun = Instant::now();
    let tape = Tape::read(folder)?;
    let role = tape.header.role;
    let run = match role {
        Role::Alice => None,
        Role::Bob => {
            let run = RunFile::read(folder)?;
            run.tick_length(folder)?;
            tape.fits(&run)?;
            Some(run)
        }
    };
    let clicks = run.as_ref().map_or(Ok(0), |run| compare::check(folder, run))?;
    let check = begun.elapsed();
    let begun = Instant::now();
    let parts = Parts::of(&tape)?;
    let parameters = tape.header.parameters.clone();
    let outcome = match &run {
        None => {
            let settings = SettingsReader::open(settings_path(folder, DeviceRole::Alice), 4)?;
            let session = alice::Session::new(
                parameters,
                parts.local,
                parts.pads,
                parts.entropy,
                parts.store,
            );
            let side = side::Alice::new(session.map_err(RunFault::Station)?);
            tell(side, &tape, Data { settings, tags: None }, &mut update)?
        }
        Some(run) => {
            let settings = SettingsReader::open(settings_path(folder, DeviceRole::Bob), 2)?;
            let session =
                bob::Session::new(parameters, parts.local, parts.pads, parts.entropy, parts.store);
            let slotter = run.slots.config();
            let side = side::Bob::new(session.map_err(RunFault::Station)?, slotter)
                .map_err(|e| RunFault::Scenario(e.to_string()))?;
            let (pool, _back) = Pool::new(1, TagBatch::default);
            let tags = Some(TagPlayer::open(folder, run.tick_length(folder)?, pool)?);
            tell(side, &tape, Data { settings, tags }, &mut update)?
        }
    };
    let talk = begun.elapsed();
    let (made, messages, differs_at) = outcome;
    let recorded_s = tape.seconds();
    let recorded = tape.keys;
    let times = StageTimes { clicks, check, talk };
    Ok(StationReplay { role, recorded_s, recorded, made, messages, differs_at, times })
}

/// A tape in memory; the messages of a long run take as much room as on disk.
struct Tape {
    path: PathBuf,
    header: TapeHeader,
    /// All but header, pads, keys and checksums.
    told: Vec<Record>,
    said: Vec<u32>,
    keys: Vec<KeyLine>,
    secret: Zeroizing<Vec<u8>>,
}

impl Tape {
    fn read(folder: &Path) -> Result<Tape, RecordingFault> {
        let path = folder.join(SECRET_TAPE);
        let content = |what: String| RecordingFault::Content { path: path.clone(), what };
        let file = File::open(&path).map_err(|why| RecordingFault::File {
            path: path.clone(),
            doing: "cannot be read; name the run's folder of a station that recorded",
            why,
        })?;
        let mut reader = TapeReader::new(BufReader::new(file)).map_err(content)?;
        let Some(Record::Header(header)) = reader.next_record().map_err(content)? else {
            return Err(content("has no header; record the run again".into()));
        };
        let layout =
            PadLayout { per_direction: header.pads_per_direction, reserve: header.reserve };
        if layout.per_direction > crate::store::Pairing::<Simulated>::MOST_PADS {
            return Err(content("is damaged; copy the recording again".into()));
        }
        // Pads that were not used are not on the tape, and are zeros here.
        let mut secret = Zeroizing::new(vec![0; 2 * PAD_BYTES * layout.per_direction as usize]);
        let mut tape = Tape {
            path: path.clone(),
            header: *header,
            told: Vec::new(),
            said: Vec::new(),
            keys: Vec::new(),
            secret: Zeroizing::default(),
        };
        while let Some(record) = reader.next_record().map_err(content)? {
            match record {
                Record::Header(_) => return Err(content("has two headers".into())),
                Record::Pad { way, purpose, index, pad } => {
                    let place = layout.position(tape.header.role, way, purpose, index);
                    let at = place.map(|place| place as usize * PAD_BYTES);
                    let room = at.and_then(|at| secret.get_mut(at..at + PAD_BYTES));
                    room.ok_or_else(|| content("names a pad that does not exist".into()))?
                        .copy_from_slice(pad.as_slice());
                }
                Record::Said { crc32 } => tape.said.push(crc32),
                Record::Key { block, bits, fingerprint } => {
                    tape.keys.push(KeyLine { block, bits, fingerprint });
                }
                record => tape.told.push(record),
            }
        }
        tape.secret = secret;
        if let Err(bad) = tape.header.parameters.check() {
            return Err(content(format!("has parameters that no run can be made with: {bad}")));
        }
        Ok(tape)
    }

    /// Whether clicks and talk are of one run.
    fn fits(&self, run: &RunFile) -> Result<(), RecordingFault> {
        if self.header.seed == run.seed && self.header.parameters == run.parameters {
            return Ok(());
        }
        Err(RecordingFault::Content {
            path: self.path.clone(),
            what: "is of another run than run.json; copy the recording again".into(),
        })
    }

    /// Time from the first word to the last.
    fn seconds(&self) -> f64 {
        let at = |record: &Record| match record {
            Record::Connect { now_ns } | Record::Tick { now_ns } => Some(*now_ns),
            Record::Message { now_ns, .. } => Some(*now_ns),
            _ => None,
        };
        let first = self.told.iter().find_map(at).unwrap_or(0);
        let last = self.told.iter().rev().find_map(at).unwrap_or(0);
        last.saturating_sub(first) as f64 / 1e9
    }
}

/// What a session is made of.
struct Parts {
    local: Local,
    pads: PadBook,
    entropy: SeededEntropy,
    store: MemoryStore<Simulated>,
}

impl Parts {
    fn of(tape: &Tape) -> Result<Parts, ReplayFault> {
        let header = &tape.header;
        let devices = SimulatedDevices::declared(true, true)
            .ok_or_else(|| RunFault::Scenario("a replay is a simulation".into()))?;
        let local = Local::new(header.settings_source.label(true));
        let local = Local {
            silence_ns: header.silence_ns,
            max_blocks: header.max_blocks,
            blocks_in_flight: header.blocks_in_flight,
            compared: header.compared.clone(),
            ..local
        };
        let stream = header.role.to_string().to_lowercase();
        let pads = PadBook::new(tape.secret.clone(), header.role, header.reserve)
            .map_err(|e| RunFault::Scenario(e.to_string()))?;
        Ok(Parts {
            local,
            pads,
            entropy: SeededEntropy::new(devices, header.seed, &stream),
            store: MemoryStore::resumed(
                header.watermarks,
                header.burnt_ahead.clone(),
                header.epsilon_spent,
                header.pending.iter().copied(),
            ),
        })
    }
}

/// What the device gave.
struct Data {
    settings: SettingsReader,
    tags: Option<TagPlayer>,
}

type Told = (Vec<KeyLine>, u64, Option<u64>);

fn tell(
    mut side: impl Side<Store = MemoryStore<Simulated>>,
    tape: &Tape,
    mut data: Data,
    update: &mut impl FnMut(&BlockReport),
) -> Result<Told, ReplayFault> {
    let short = |what: &str| RecordingFault::Content {
        path: tape.path.clone(),
        what: format!("names more {what} than were recorded; copy the recording again"),
    };
    let (mut made, mut said, mut differs_at) = (Vec::new(), 0u64, None);
    let mut batch = TagBatch::default();
    for record in &tape.told {
        let result: Result<(), Fault> = match record {
            Record::Connect { now_ns } => side.connect(*now_ns),
            Record::Message { now_ns, bytes } => side.handle(*now_ns, bytes),
            Record::Tick { now_ns } => side.tick(*now_ns),
            Record::Abort { now_ns } => side.abort(*now_ns),
            Record::WindDown => {
                side.wind_down();
                Ok(())
            }
            Record::Settings => match data.settings.next()? {
                Some(Item::Settings(run)) => side.settings(&run),
                Some(Item::MissingSettings(slots)) => side.lost_settings(slots),
                _ => return Err(short("settings").into()),
            },
            Record::Tags => {
                let tags = data.tags.as_mut().ok_or_else(|| short("tags"))?;
                if !tags.next_batch(&mut batch)? {
                    return Err(short("tags").into());
                }
                side.tags(&batch)
            }
            // Sorted out when the tape was read.
            Record::Header(_) | Record::Pad { .. } | Record::Said { .. } | Record::Key { .. } => {
                Ok(())
            }
        };
        if let Err(fault) = result {
            // As in the live run, which went on.
            log::debug!("replay: {fault}");
        }
        while let Some(message) = side.poll_message() {
            let recorded = tape.said.get(said as usize);
            if recorded != Some(&CRC_32.checksum(&message)) && differs_at.is_none() {
                differs_at = Some(said);
            }
            said += 1;
        }
        while let Some(event) = side.poll_event() {
            if let Event::BlockDone(report) = event {
                if let Some(fingerprint) = &report.fingerprint {
                    let (block, bits) = (report.id.block, report.length);
                    made.push(KeyLine { block, bits, fingerprint: fingerprint.clone() });
                }
                update(&report);
            }
        }
    }
    if said < tape.said.len() as u64 && differs_at.is_none() {
        differs_at = Some(said);
    }
    Ok((made, said, differs_at))
}
