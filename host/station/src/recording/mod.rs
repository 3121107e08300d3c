//! Recorded runs: a folder from which the same keys can be made again.
//!
//! | file | what it holds |
//! |---|---|
//! | `run.json` | parameters, exact tick, how tags become slots, seed, what the trace should hold |
//! | `clicks.ptu` | Bob's clicks, for any program that opens PTU |
//! | `batches.jsonl` | the batches in which the clicks came: slot marks, gaps, losses of lock |
//! | `SECRET-alice.settings`, `SECRET-bob.settings` | settings of each slot, readable by the owner only |
//! | `keys.json` | fingerprints of the SIMULATED keys that the run made |
//!
//! The folder is for simulated runs: its secrets are on the disk, so a real key made from it would be
//! burnt.

mod compare;
mod play;
mod run_file;
mod settings_file;
mod write;

pub use play::{Replay, ReplayFault, StageTimes, replay};
pub use run_file::{KeyFile, RunFile};
pub use write::{Recorder, make_folder, write_keys};

use std::path::PathBuf;

/// A recording that cannot be written, read or believed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingFault {
    /// The file system.
    #[error("{} {doing}: {why}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What failed, with the remedy.
        doing: &'static str,
        /// What the system said.
        why: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{} {what}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, with the remedy.
        what: String,
    },
}
