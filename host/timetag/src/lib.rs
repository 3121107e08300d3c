//! From tag batches to ordered clicks to slots.
//!
//! A [`TagBatch`] holds the tags of a stretch of device time together with what the stream said in
//! between: gaps, slot marks, loss of lock. [`TagDecoder`] fills it from frames, a trace reader
//! fills it from a file; what follows cannot tell. [`Slotter`] turns batches into [`Detection`]s:
//! which numbered slot clicked, on which detectors, after delays, coincidence window and hold-off.
//!
//! This crate does not know what a slot means: no bits, no bases, no keys. Stages own their input
//! while they work on it and hand it on; empty buffers come back through a [`Pool`].

pub mod analysis;
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
