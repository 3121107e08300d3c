//! What the slotter gives.

use crate::pool::Buffer;

/// A kept slot in whose window at least one detector clicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// The slot.
    pub slot: u64,
    /// Bit `c` is set if channel `c` clicked.
    pub mask: u8,
}

/// Why slots of a range cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropCause {
    /// The slot clock had no lock: at the start, or after it was lost.
    NoLock,
    /// Part of the tag stream was lost on its way from the device.
    StreamLost,
    /// Tags were, or may have been, lost in or shortly before these slots.
    Gap,
    /// The slot clock was steered so far that these slots had no whole window.
    Resteered,
}

/// A range of slots in which a missing detection means nothing; no detection lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedRange {
    /// First slot of the range.
    pub from: u64,
    /// First slot after the range.
    pub to: u64,
    /// Why.
    pub cause: DropCause,
}

/// Counts since the slotter was made. Each click of a configured channel is counted in `clicks`,
/// and, once its slot is final, in exactly one of the counters from `accepted` to `no_slot`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCounters {
    /// Clicks by channel.
    pub clicks: [u64; 8],
    /// Clicks in the window of a kept slot.
    pub accepted: u64,
    /// Clicks in a window whose slot was dropped because of an earlier click.
    pub held_off: u64,
    /// Clicks in the window of a public sync slot.
    pub sync: u64,
    /// Clicks of numbered slots outside the window.
    pub outside: u64,
    /// Clicks that belong to no usable slot: no lock, a gap, a steering step.
    pub no_slot: u64,
    /// Tags on channels that are not configured; ignored.
    pub foreign: u64,
    /// Tags older than what an earlier batch had reached: the source broke its promise. Ignored.
    pub late_tags: u64,
    /// Marks for slots, or for a time, that were final already; used from the first open slot on.
    pub late_marks: u64,
    /// Marks whose slot length is impossible; treated as a loss of lock.
    pub bad_marks: u64,
    /// Gaps, or losses of lock, older than what was final already: slots they should have dropped
    /// are out. More slack is needed, or the source broke its promise.
    pub late_gaps: u64,
    /// Slots given as detections.
    pub detections: u64,
    /// Slots in dropped ranges.
    pub dropped_slots: u64,
}

/// Detections and dropped ranges of a stretch of slots.
#[derive(Clone, Debug, Default)]
pub struct SlotBatch {
    /// Strictly increasing in slot, also from batch to batch.
    pub detections: Vec<Detection>,
    /// Increasing and disjoint, also from batch to batch.
    pub dropped: Vec<DroppedRange>,
    /// All earlier slots are final: what of them was not given here or before will not come.
    pub reached: u64,
    /// Counts since the slotter was made, as of this batch.
    pub counters: SlotCounters,
}

impl Buffer for SlotBatch {
    fn clear(&mut self) {
        self.detections.clear();
        self.dropped.clear();
    }
}
