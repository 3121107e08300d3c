//! `run.json` and `keys.json`.

use std::num::NonZeroU16;
use std::path::Path;

use helio_distill::parameters::Parameters;
use helio_timetag::{SlotterConfig, Window};
use helio_units::{FineTicks, TickLength, Ticks};
use serde::{Deserialize, Serialize};

use super::RecordingFault;

/// Version of the folder's layout.
pub const VERSION: u32 = 2;

/// What a replay must be told besides the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// Version of the layout.
    pub version: u32,
    /// `SIMULATED`.
    pub origin: String,
    /// Version of the program that recorded.
    pub program: String,
    /// What the stations agreed on.
    pub parameters: Parameters,
    /// Blocks of the run.
    pub blocks: u32,
    /// Seed of the pre-shared secret and of what the stations drew.
    pub seed: u64,
    /// Exact length of a tick in picoseconds: numerator and denominator.
    pub tick_ps: (u64, u32),
    /// How tags became slots.
    pub slots: SlotsPart,
    /// What the trace holds, channel by channel.
    pub channels: Vec<ChannelPart>,
    /// CRC-32 over tick (8 bytes) and channel (4 bytes) of each click, least significant byte first.
    pub clicks_crc32: u32,
}

/// What every version has, so that another one is named and not taken for damage.
#[derive(Deserialize)]
struct Head {
    version: u32,
    program: String,
}

/// A [`SlotterConfig`] in numbers: 2⁻³² ticks where not said otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotsPart {
    /// Delay of each channel.
    pub delays: Vec<i64>,
    /// Centre of the window in 2⁻³² slots.
    pub window_centre: u32,
    /// Half width of the window.
    pub window_half_width: i64,
    /// Hold-off.
    pub hold_off: i64,
    /// Spacing of public slots.
    pub sync_spacing: Option<NonZeroU16>,
    /// Slack in ticks.
    pub slack_ticks: u64,
}

/// One channel of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelPart {
    /// Clicks.
    pub count: u64,
    /// Tick of the first.
    pub first_tick: u64,
    /// Tick of the last.
    pub last_tick: u64,
}

/// `keys.json`: what came of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// `SIMULATED`.
    pub origin: String,
    /// Block, length in bits and fingerprint of each key.
    pub keys: Vec<(u64, u64, String)>,
}

impl SlotsPart {
    /// As numbers.
    pub fn of(config: &SlotterConfig) -> SlotsPart {
        SlotsPart {
            delays: config.delays.iter().map(|d| d.0 as i64).collect(),
            window_centre: config.window.centre,
            window_half_width: config.window.half_width.0 as i64,
            hold_off: config.hold_off.0 as i64,
            sync_spacing: config.sync_spacing,
            slack_ticks: config.slack.0,
        }
    }

    /// As the slotter takes it.
    pub fn config(&self) -> SlotterConfig {
        let fine = |v: i64| FineTicks(i128::from(v));
        SlotterConfig {
            delays: self.delays.iter().map(|&d| fine(d)).collect(),
            window: Window { centre: self.window_centre, half_width: fine(self.window_half_width) },
            hold_off: fine(self.hold_off),
            sync_spacing: self.sync_spacing,
            slack: Ticks(self.slack_ticks),
        }
    }
}

impl RunFile {
    /// Reads and checks `run.json`.
    ///
    /// # Errors
    /// A file that is missing, no run file, or from another version.
    pub fn read(folder: &Path) -> Result<RunFile, RecordingFault> {
        let path = folder.join("run.json");
        let Head { version, program } = read_json(&path)?;
        let content = |what: String| Err(RecordingFault::Content { path: path.clone(), what });
        if version != VERSION {
            return content(format!(
                "is of version {version}, and this program reads version {VERSION}; replay it with \
                 helio {program}"
            ));
        }
        let run: RunFile = read_json(&path)?;
        if run.origin != "SIMULATED" {
            return content(format!("is a recording of origin {}, not SIMULATED", run.origin));
        }
        if let Err(fault) = run.parameters.check() {
            return content(format!("has parameters that no run can be made with: {fault}"));
        }
        Ok(run)
    }

    /// Exact length of a tick.
    ///
    /// # Errors
    /// A length that no device has.
    pub fn tick_length(&self, folder: &Path) -> Result<TickLength, RecordingFault> {
        TickLength::new(self.tick_ps.0, self.tick_ps.1).map_err(|e| RecordingFault::Content {
            path: folder.join("run.json"),
            what: format!("has an impossible tick: {e}"),
        })
    }
}

/// Reads a JSON file whole.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, RecordingFault> {
    let text = std::fs::read_to_string(path).map_err(|why| RecordingFault::File {
        path: path.to_owned(),
        doing: "cannot be read; name a folder that helio demo --record has written",
        why,
    })?;
    serde_json::from_str(&text).map_err(|e| RecordingFault::Content {
        path: path.to_owned(),
        what: format!("is not as helio wrote it: {e}"),
    })
}
