//! Recorded runs: a folder from which the same keys can be made again.
//!
//! | file | what it holds |
//! |---|---|
//! | `run.json` | parameters, exact tick, how tags become slots, seed, what the trace should hold |
//! | `clicks.ptu` | Bob's clicks, for any program that opens PTU |
//! | `batches.jsonl` | the batches in which the clicks came: slot marks, gaps, losses of lock |
//! | `SECRET-alice.settings`, `SECRET-bob.settings` | settings of each slot, readable by the owner only |
//! | `keys.json` | fingerprints of the SIMULATED keys that the run made |
//! | `certificates.jsonl` | the public part of each key's certificate, a line each: `helio certify` |
//!
//! That is a run of both stations in one process. A station on its own records its own half into its
//! run's folder, with what its talk was told and said in place of `keys.json`:
//!
//! | file | what it holds |
//! |---|---|
//! | `SECRET-talk.tape` | start of the store, used pads, received messages with their times, checksums of sent ones, fingerprints of keys |
//!
//! The folder is for simulated runs: its secrets are on the disk, so a real key made from it would be
//! burnt.

mod compare;
mod play;
mod run_file;
mod settings_file;
mod station;
pub mod tape;
mod write;

pub use play::{Replay, ReplayFault, StageTimes, replay};
pub use run_file::{KeyFile, RunFile};
pub use station::{KeyLine, StationReplay, is_station, is_unrecorded, replay_station};
pub(crate) use write::{CRC_32, private_file};
pub use write::{Recorder, make_folder, write_certificates, write_keys};

/// What a station's talk was told, word for word.
pub(crate) const SECRET_TAPE: &str = "SECRET-talk.tape";

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
