//! Recorded time-tag traces: what is in the file, in the file's own ticks.
//!
//! A reader streams: it holds one [`Chunk`] at a time and never allocates by what a file claims of
//! itself. Times are whole ticks of an exactly known length ([`helio_units::TickLength`]);
//! channels are numbered as the records number them. Analyses are not done here but in
//! `helio-timetag`.
//!
//! ```no_run
//! # fn main() -> Result<(), helio_trace::TraceError> {
//! use helio_trace::{Chunk, ReadOptions, Summary};
//!
//! let mut reader = helio_trace::open("trace.ptu", &ReadOptions::default())?;
//! let (mut chunk, mut summary) = (Chunk::default(), Summary::default());
//! while reader.read_chunk(&mut chunk)? {
//!     summary.add(&chunk);
//! }
//! println!("{} photons of {:?}", reader.counts().photons, reader.tick_length());
//! # Ok(())
//! # }
//! ```

mod chunk;
#[cfg(any(feature = "parquet", feature = "hdf5"))]
mod columnar;
mod csv;
mod datasets;
mod delays;
mod error;
mod follow;
mod format;
#[cfg(feature = "hdf5")]
mod hdf5_file;
#[cfg(test)]
mod levels;
mod live;
mod meta;
mod npy;
mod open;
mod order;
#[cfg(feature = "parquet")]
mod parquet_file;
mod periods;
mod picoquant;
mod qutag;
mod reader;
mod recording;
mod resolution;
mod retick;
mod sfifteen;
mod spc;
mod stream;
mod summary;
mod swabian;
mod table;
mod units;
mod writer;

pub use chunk::{Chunk, Counts, Loss, LossKind, Marker, TimeTag};
pub use datasets::{DatasetPath, Datasets};
pub use delays::{DelayError, Delays};
pub use error::TraceError;
pub use follow::FollowedFile;
pub use format::TraceFormat;
pub use meta::{Dtime, Meta, Tag, TagValue};
pub use open::{from_live, from_read, open};
pub use picoquant::record::RecordType;
pub use reader::{PhotonTime, ReadOptions, TraceReader};
pub use recording::{
    BlockEntry, IndexState, RecordingFile, RecordingInfo, RecordingOptions, RecordingWriter,
    Reopened, lock_for_writing,
};
pub use resolution::{seconds_of, tick_length_of};
pub use retick::{Retick, common_tick};
pub use summary::{ChannelSummary, DtimeSummary, Summary};
pub use units::CsvUnit;
pub use writer::{Output, TraceWriter, Unkept, WriteError, WriteSettings, Written, writer};
