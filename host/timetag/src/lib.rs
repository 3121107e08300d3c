//! From tag batches to ordered clicks to slots.
//!
//! A [`TagBatch`] holds the tags of a stretch of device time together with what the stream said in
//! between: gaps, slot marks, loss of lock. [`TagDecoder`] fills it from frames, a trace reader
//! fills it from a file; what follows cannot tell. [`Slotter`] turns batches into [`Detection`]s:
//! which numbered slot clicked, on which detectors, after delays, coincidence window and hold-off.
//!
//! This crate does not know what a slot means: no bits, no bases, no keys. Stages own their input
//! while they work on it and hand it on; empty buffers come back through a [`Pool`].
//!
//! ```
//! use helio_bench::SlotTiming;
//! use helio_timetag::{Slotter, SlotterConfig, SlotBatch, Tag, TagBatch, TagEvent, Window};
//! use helio_units::{FineTicks, SlotIndex, Ticks};
//! use std::num::NonZeroU16;
//!
//! let ticks = |t| FineTicks::from_ticks(Ticks(t));
//! let mut slotter = Slotter::new(SlotterConfig {
//!     delays: vec![ticks(0), ticks(2)],
//!     window: Window { centre: 1 << 31, half_width: ticks(3) },
//!     hold_off: ticks(150),
//!     sync_spacing: NonZeroU16::new(64),
//!     slack: Ticks(0),
//! })?;
//!
//! // Slot 1000 begins at tick 50 000; the detectors click in slots 1001 and 1009.
//! let timing =
//!     SlotTiming { slot: SlotIndex(1000), start: ticks(50_000), period: ticks(30) };
//! let batch = TagBatch {
//!     tags: vec![Tag::new(Ticks(50_045), 0), Tag::new(Ticks(50_287), 1)],
//!     events: vec![TagEvent::Mark(timing)],
//!     reached: Ticks(50_600),
//! };
//! let mut out = SlotBatch::default();
//! slotter.push(&batch, &mut out);
//!
//! let found: Vec<(u64, u8)> = out.detections.iter().map(|d| (d.slot, d.mask)).collect();
//! assert_eq!(found, [(1001, 0b01), (1009, 0b10)]);
//! assert_eq!(out.reached, 1020);
//! # Ok::<(), helio_timetag::InvalidSlotter>(())
//! ```

pub mod analysis;
pub mod clock;
mod decode;
mod phase;
mod pool;
mod slots;
mod tag;

pub use decode::{DecodeCounters, TagDecoder};
pub use phase::{NoTap, PhaseHistogram, Tap};
pub use pool::{Buffer, Pool, PoolClosed, PoolReturn};
pub use slots::{
    Detection, DropCause, DroppedRange, InvalidSlotter, SlotBatch, SlotCounters, Slotter,
    SlotterConfig, Window,
};
pub use tag::{Tag, TagBatch, TagEvent};
