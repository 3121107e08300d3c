//! Recorded time-tag traces: what is in the file, in the file's own ticks.
//!
//! A reader streams: it holds one [`Chunk`] at a time and never allocates by what a file claims of
//! itself. Times are whole ticks of an exactly known length ([`helio_units::TickLength`]);
//! channels are numbered as the records number them. Ordering, delays and analyses are not done
//! here but in `helio-timetag`.
//!
//! ```no_run
//! # fn main() -> Result<(), helio_trace::TraceError> {
//! use helio_trace::{Chunk, PtuReader, Summary};
//!
//! let mut reader = PtuReader::open("trace.ptu")?;
//! let (mut chunk, mut summary) = (Chunk::default(), Summary::default());
//! while reader.read_chunk(&mut chunk)? {
//!     summary.add(&chunk);
//! }
//! println!("{} photons of {:?}", reader.counts().photons, reader.tick_length());
//! # Ok(())
//! # }
//! ```

mod chunk;
mod error;
mod format;
pub mod ptu;
mod resolution;
mod summary;

pub use chunk::{Chunk, Counts, Marker, TimeTag};
pub use error::TraceError;
pub use format::TraceFormat;
pub use ptu::{PtuReader, PtuWriter, RecordType, WriteError};
pub use resolution::{seconds_of, tick_length_of};
pub use summary::{ChannelSummary, Summary};
