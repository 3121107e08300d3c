//! What a reader hands over: a batch of decoded records.

use helio_units::Ticks;

/// One detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeTag {
    /// When, in the trace's ticks since the measurement began, overflows included.
    pub tick: Ticks,
    /// Which input, numbered as in the records.
    pub channel: u8,
}

/// One edge on the marker inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// When, in the trace's ticks.
    pub tick: Ticks,
    /// The marker inputs that saw the edge, one bit each; 1 to 15.
    pub bits: u8,
}

/// A batch of decoded records, reused from read to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Detections, in the order of the file.
    pub photons: Vec<TimeTag>,
    /// Marker edges, in the order of the file.
    pub markers: Vec<Marker>,
    /// Edges on the sync input that T2 records store as events of their own.
    pub syncs: Vec<Ticks>,
    /// The time that the records have reached, overflows included.
    pub reached: Ticks,
}

impl Chunk {
    /// Forgets the batch and keeps the memory.
    pub fn clear(&mut self) {
        self.photons.clear();
        self.markers.clear();
        self.syncs.clear();
    }
}

/// How many records of which kind a reader has met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Detections.
    pub photons: u64,
    /// Records that say the time field wrapped.
    pub overflow_records: u64,
    /// Wraps of the time field: one overflow record may stand for many.
    pub overflow_periods: u64,
    /// Marker records.
    pub markers: u64,
    /// Sync records.
    pub sync_records: u64,
    /// Special records of a kind that the layout does not name; skipped.
    pub unknown_records: u64,
}

impl Counts {
    /// All records.
    pub fn records(&self) -> u64 {
        self.photons
            + self.overflow_records
            + self.markers
            + self.sync_records
            + self.unknown_records
    }
}
