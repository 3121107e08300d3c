//! Heliograph's own recordings (`.htr`): a header, blocks of records that are compressed and
//! checked each by itself, and an index. The layout is in `docs/recording.md`.

mod bits;
mod block;
mod cursor;
mod file;
mod frame;
mod head;
mod header;
mod index;
mod reader;
mod records;
mod writer;

pub use file::RecordingFile;
pub use index::BlockEntry;
pub(crate) use reader::RecordingReader;
pub use writer::{RecordingOptions, RecordingWriter, Reopened, lock_for_writing};

/// What has been read of a recording's blocks so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordingInfo {
    /// Blocks of records.
    pub blocks: u64,
    /// Their length without heads.
    pub payload_bytes: u64,
    /// The index behind the last of them.
    pub index: IndexState,
}

/// What became of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexState {
    /// There is none: the recording goes on or was broken off. The heads of the blocks serve
    /// instead.
    #[default]
    Missing,
    /// It agrees with the blocks.
    Good,
    /// It is damaged or that of other blocks, and is not used.
    Damaged,
}

impl IndexState {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            IndexState::Missing => "missing",
            IndexState::Good => "good",
            IndexState::Damaged => "damaged",
        }
    }
}
