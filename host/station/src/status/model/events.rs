//! What happened to a station, for people.

use serde::{Deserialize, Serialize};

/// How serious.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// An event.
    #[default]
    Info,
    /// Something may go wrong.
    Warn,
    /// Something is wrong.
    Error,
}

impl Level {
    /// For people: nothing, `warning` or `error`.
    pub const fn word(self) -> &'static str {
        match self {
            Level::Info => "",
            Level::Warn => "warning",
            Level::Error => "error",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StationEvent {
    /// When, in seconds since 1970.
    pub unix_s: u64,
    /// How serious.
    pub level: Level,
    /// One sentence without a full stop.
    pub text: String,
}
