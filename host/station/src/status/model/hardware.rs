//! Device, line, clicks and queues: what a station sees of the world outside of its keys.

use serde::{Deserialize, Serialize};

/// The station's device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Address by which it is opened.
    pub address: String,
    /// Whether it answers.
    pub connected: bool,
    /// Board, as the device names it.
    pub board: Option<String>,
    /// Serial number, as the device names it.
    pub serial: Option<String>,
    /// Where the interlock stands, in words.
    pub interlock: String,
    /// Slots played since the device started.
    pub slots: u64,
    /// Slots in a second, in hertz.
    pub slot_rate_hz: f64,
    /// Whether the slot clock is locked; `None` at Alice, whose clock is the reference.
    pub locked: Option<bool>,
    /// How often lock was lost.
    pub lock_losses: u64,
    /// Detector edges that the device lost.
    pub lost_edges: u64,
    /// Slots whose settings the device lost.
    pub lost_settings: u64,
    /// Slots that stayed dark because no word was ready.
    pub starved_slots: u64,
    /// Frames with a wrong checksum or framing, both directions.
    pub bad_frames: u64,
}

/// The line to the other station.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Where it leads.
    pub endpoint: String,
    /// Whether bytes can go now.
    pub connected: bool,
    /// Since when it is as it is, in seconds since 1970.
    pub since_unix_s: Option<u64>,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes that left.
    pub bytes_out: u64,
    /// Contacts made since the start.
    pub contacts: u64,
    /// Contacts that failed one after the other since the last that was made.
    pub failed_contacts: u64,
    /// The last fault of line or contact, in words.
    pub last_fault: Option<String>,
}

/// What comes in over the last seconds and what comes out over the last blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// Clicks of each detector over the last seconds; empty at Alice.
    pub detectors: Vec<DetectorRate>,
    /// Clicks in no window, a second.
    pub outside_window_per_s: f64,
    /// Clicks dropped by hold-off, a second.
    pub held_off_per_s: f64,
    /// Sifted bits of both bases a second over the last blocks.
    pub sifted_bits_per_s: f64,
    /// Key bits a second over the last blocks.
    pub key_bits_per_s: f64,
    /// Key bits since the start of the run.
    pub run_key_bits: u64,
}

/// How often a detector clicks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectorRate {
    /// Its name.
    pub detector: String,
    /// Clicks a second, sync slots and darks included.
    pub clicks_per_s: f64,
}

/// Where in the slot clicks arrive, seen from the middle of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// Width of the window in picoseconds.
    pub width_ps: u64,
    /// Each detector against the window's middle.
    pub detectors: Vec<DetectorOffset>,
    /// Clicks by arrival phase, all detectors together.
    pub histogram: Vec<u64>,
    /// Begin of the first bin against the window's middle, in picoseconds; mostly negative.
    pub first_bin_ps: f64,
    /// Width of a bin in picoseconds.
    pub bin_ps: f64,
}

/// Where a detector's clicks centre.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectorOffset {
    /// Its name.
    pub detector: String,
    /// Mean arrival against the window's middle in picoseconds; `None` without clicks.
    pub mean_offset_ps: Option<f64>,
}

/// The bins that a window covers, the first and one past the last.
pub type WindowEdges = std::ops::Range<usize>;

impl Window {
    /// The bins of the histogram that lie in the window, at least in part; `None` where the bins
    /// have no width or the window lies outside of them.
    pub fn edges(&self) -> Option<WindowEdges> {
        let half = self.width_ps as f64 / 2.0;
        let bin = |at_ps: f64| (at_ps - self.first_bin_ps) / self.bin_ps;
        let (from, to) = (bin(-half).floor(), bin(half).ceil());
        if !(self.bin_ps > 0.0 && from.is_finite() && to.is_finite()) {
            return None;
        }
        // Casts of floats saturate at the ends of the range.
        let bins = self.histogram.len();
        let edges = (from.max(0.0) as usize).min(bins)..(to.max(0.0) as usize).min(bins);
        (!edges.is_empty()).then_some(edges)
    }
}

/// A queue between two threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Queue {
    /// What waits in it.
    pub name: String,
    /// Items in it.
    pub depth: u64,
    /// Items it can hold.
    pub capacity: u64,
}

/// A stage of the work on blocks, since the start of the run. Throughput is in sifted bits of the key
/// basis, for every stage alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageLoad {
    /// Which one.
    pub stage: String,
    /// 10⁶ sifted bits a second of time in this stage; `None` before there are any.
    pub mbit_per_s: Option<f64>,
    /// The same of the thread's own time.
    pub cpu_mbit_per_s: Option<f64>,
    /// Time without anything to do until this stage could begin, in seconds.
    pub wait_s: f64,
    /// What waits before it now: batches of the device, blocks, messages.
    pub queue: u64,
}

/// What was lost since the start. Slots that a loss touches make no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lost {
    /// Tags.
    pub tags: u64,
    /// Frames on the cable.
    pub frames: u64,
    /// Slots without a setting.
    pub slots_without_setting: u64,
}
