//! What is known of a station at one moment: plain data, the same whether it runs or not.
//!
//! Every number has its unit in its name. Fields that a program of another release does not send
//! take their defaults, so that an old station can still be looked at. Nothing here is secret, but
//! error rates of the key basis are private to the station: its socket is for its owner.

mod events;
mod hardware;
mod keys;
mod last_block;

use serde::{Deserialize, Serialize};

pub use events::{Level, StationEvent};
pub use hardware::{
    DetectorOffset, DetectorRate, Device, Line, Lost, Queue, Rates, StageLoad, Window, WindowEdges,
};
pub use keys::{BlockInProgress, Epsilon, Keys, Pads};
pub use last_block::{DetectorErrors, LastBlock};

/// Version of this model; a reader refuses another one.
pub const STATUS_VERSION: u32 = 2;

/// Most blocks in [`Status::last_blocks`].
pub const MOST_BLOCKS: usize = 16;
/// Most events in [`Status::events`].
pub const MOST_EVENTS: usize = 12;
/// Most detectors, queues and bins that a reader keeps of each list.
const MOST_PARTS: usize = 16;
const MOST_BINS: usize = 512;

/// One look at a station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// [`STATUS_VERSION`].
    pub version: u32,
    /// Which station this is.
    pub station: Station,
    /// What it is doing.
    pub phase: Phase,
    /// Since when, in seconds since 1970.
    pub phase_since_unix_s: Option<u64>,
    /// Whether blocks make key now.
    pub ready: bool,
    /// What it waits for and why it is not ready, in words with the remedy; no full stop at the end.
    pub waiting_for: Option<String>,
    /// Its device; `None` where no device is known.
    pub device: Option<Device>,
    /// The line to the other station; `None` where none is known.
    pub line: Option<Line>,
    /// The blocks that the stations talk about, oldest first.
    pub blocks: Vec<BlockInProgress>,
    /// Blocks whose data wait for their turn.
    pub blocks_waiting: u64,
    /// The pre-shared secret.
    pub pads: Pads,
    /// The ledger of failure probability.
    pub epsilon: Epsilon,
    /// Keys in the store.
    pub keys: Keys,
    /// Blocks that ended, newest first, at most [`MOST_BLOCKS`].
    pub last_blocks: Vec<LastBlock>,
    /// What comes in and what comes out.
    pub rates: Rates,
    /// Where clicks arrive; `None` at Alice.
    pub window: Option<Window>,
    /// Queues between the station's threads, in the order of the data.
    pub queues: Vec<Queue>,
    /// How fast each stage of the work on blocks is, in their order; empty before the first run.
    pub stages: Vec<StageLoad>,
    /// What was lost since the start.
    pub lost: Lost,
    /// What happened, newest last, at most [`MOST_EVENTS`].
    pub events: Vec<StationEvent>,
}

/// Which station, which program, since when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Station {
    /// `alice` or `bob`.
    pub role: String,
    /// Name of the other station.
    pub peer: String,
    /// `SIMULATED` or `real`.
    pub origin: String,
    /// Version of the program that wrote this.
    pub program_version: String,
    /// Process; `None` if the station does not run.
    pub pid: Option<u32>,
    /// Start of the process in seconds since 1970.
    pub started_unix_s: Option<u64>,
    /// When the station's own threads last brought this up to date, in seconds since 1970.
    pub updated_unix_s: Option<u64>,
    /// When this was told, in seconds since 1970: by the server, or by whoever read the store.
    pub now_unix_s: u64,
    /// The station's folder.
    pub state_folder: String,
    /// Folder of this run's recordings and logs, if there is one.
    pub run_folder: Option<String>,
    /// The run, as 32 hexadecimal digits.
    pub session: Option<String>,
}

/// What a station is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading its configuration and its store.
    Starting,
    /// No device answers.
    WaitingForDevice,
    /// No line to the other station.
    WaitingForPeer,
    /// The first words of a contact.
    MakingContact,
    /// Devices are set up, clocks lock.
    StartingLight,
    /// Slots are played and distilled.
    Running,
    /// Ending in order.
    Stopping,
    /// It does not run.
    #[default]
    Stopped,
}

impl Phase {
    /// For people: `waiting for its device`.
    pub const fn words(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::WaitingForDevice => "waiting for its device",
            Phase::WaitingForPeer => "waiting for the other station",
            Phase::MakingContact => "making contact",
            Phase::StartingLight => "starting the light",
            Phase::Running => "running",
            Phase::Stopping => "stopping",
            Phase::Stopped => "stopped",
        }
    }
}

impl Default for Status {
    fn default() -> Status {
        Status {
            version: STATUS_VERSION,
            station: Station::default(),
            phase: Phase::default(),
            phase_since_unix_s: None,
            ready: false,
            waiting_for: None,
            device: None,
            line: None,
            blocks: Vec::new(),
            blocks_waiting: 0,
            pads: Pads::default(),
            epsilon: Epsilon::default(),
            keys: Keys::default(),
            last_blocks: Vec::new(),
            rates: Rates::default(),
            window: None,
            queues: Vec::new(),
            stages: Vec::new(),
            lost: Lost::default(),
            events: Vec::new(),
        }
    }
}

impl Status {
    /// Goes to another phase; staying in one keeps its time.
    pub fn enter(&mut self, phase: Phase, now_unix_s: u64) {
        if self.phase != phase || self.phase_since_unix_s.is_none() {
            self.phase = phase;
            self.phase_since_unix_s = Some(now_unix_s);
        }
    }

    /// A block ended.
    pub fn push_block(&mut self, block: LastBlock) {
        self.last_blocks.insert(0, block);
        self.last_blocks.truncate(MOST_BLOCKS);
    }

    /// Something happened.
    pub fn push_event(&mut self, unix_s: u64, level: Level, text: impl Into<String>) {
        self.events.push(StationEvent { unix_s, level, text: text.into() });
        self.keep_last_events();
    }

    /// Time from one block's end to the next over the last blocks of the newest run, in seconds;
    /// `None` with fewer than two, or where all ended in the same second.
    pub fn seconds_a_block(&self) -> Option<f64> {
        let newest = self.last_blocks.first()?;
        let same_run = self.last_blocks.iter().take_while(|b| b.run == newest.run);
        let oldest = same_run.last()?;
        let blocks = newest.block.checked_sub(oldest.block).filter(|&n| n > 0)?;
        let seconds = newest.ended_unix_s?.checked_sub(oldest.ended_unix_s?).filter(|&s| s > 0)?;
        Some(seconds as f64 / blocks as f64)
    }

    /// Cuts every list to what a reader is willing to show.
    pub(super) fn cut(&mut self) {
        self.last_blocks.truncate(MOST_BLOCKS);
        self.last_blocks.iter_mut().for_each(|b| b.detectors.truncate(MOST_PARTS));
        self.keep_last_events();
        self.queues.truncate(MOST_PARTS);
        self.stages.truncate(MOST_PARTS);
        self.rates.detectors.truncate(MOST_PARTS);
        if let Some(window) = &mut self.window {
            window.detectors.truncate(MOST_PARTS);
            window.histogram.truncate(MOST_BINS);
        }
    }

    fn keep_last_events(&mut self) {
        let excess = self.events.len().saturating_sub(MOST_EVENTS);
        self.events.drain(..excess);
    }
}
