//! What a reader hands over: a batch of decoded records.

use helio_units::Ticks;

/// One detection. The layout is fixed so that vector instructions can take it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TimeTag {
    /// When, in the trace's ticks since the measurement began, overflows included. Of a T3 record
    /// this is the number of the sync period, unless [`crate::PhotonTime::Picoseconds`] was asked
    /// for.
    pub tick: Ticks,
    /// Which input, numbered as in the records; the falling edge of input n is 128 + n.
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

/// What an instrument says of detections that it could not store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// From here on detections may be missing.
    Begin,
    /// From here on all are there again.
    End,
    /// So many detections of this channel were missed since the last such record.
    Missed {
        /// As in [`TimeTag::channel`]; 255 for one that has no number there.
        channel: u8,
        /// How many.
        count: u16,
    },
    /// Detections were lost before this record, how many is not known.
    Gap,
    /// The instrument's clock failed: times before and after do not fit together.
    ClockError,
}

/// A loss and when it was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When, in the trace's ticks.
    pub tick: Ticks,
    /// What happened.
    pub kind: LossKind,
}

/// A batch of decoded records, reused from read to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Detections, in the order of the file, or of time where the format says so.
    pub photons: Vec<TimeTag>,
    /// Of each detection the time since the last sync pulse (TimeHarp 200: until the next one), in
    /// [`crate::Dtime::unit`]; empty where the format has none, else as long as `photons`.
    pub dtimes: Vec<u16>,
    /// Marker edges, in the order of the file.
    pub markers: Vec<Marker>,
    /// Edges on the sync input that T2 records store as events of their own.
    pub syncs: Vec<Ticks>,
    /// Losses, in the order of the file.
    pub losses: Vec<Loss>,
    /// The time that the records have reached, overflows included.
    pub reached: Ticks,
}

impl Chunk {
    /// Forgets the batch and keeps the memory.
    pub fn clear(&mut self) {
        self.photons.clear();
        self.dtimes.clear();
        self.markers.clear();
        self.syncs.clear();
        self.losses.clear();
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        let Chunk { photons, dtimes: _, markers, syncs, losses, reached: _ } = self;
        photons.is_empty() && markers.is_empty() && syncs.is_empty() && losses.is_empty()
    }

    /// The times of all records, one kind after the other.
    pub fn ticks(&self) -> impl Iterator<Item = Ticks> {
        let photons = self.photons.iter().map(|tag| tag.tick);
        let markers = self.markers.iter().map(|marker| marker.tick);
        let losses = self.losses.iter().map(|loss| loss.tick);
        photons.chain(markers).chain(self.syncs.iter().copied()).chain(losses)
    }

    /// The same to be changed; [`Chunk::reached`] is not among them.
    pub fn ticks_mut(&mut self) -> impl Iterator<Item = &mut Ticks> {
        let photons = self.photons.iter_mut().map(|tag| &mut tag.tick);
        let markers = self.markers.iter_mut().map(|marker| &mut marker.tick);
        let losses = self.losses.iter_mut().map(|loss| &mut loss.tick);
        photons.chain(markers).chain(&mut self.syncs).chain(losses)
    }

    /// Keeps the records at these times, and of detections the dtimes too.
    pub fn retain_ticks(&mut self, keep: impl Fn(Ticks) -> bool) {
        self.retain_photons(|tag| keep(tag.tick));
        self.markers.retain(|marker| keep(marker.tick));
        self.syncs.retain(|sync| keep(*sync));
        self.losses.retain(|loss| keep(loss.tick));
    }

    /// Keeps these detections and their dtimes.
    pub fn retain_photons(&mut self, keep: impl Fn(&TimeTag) -> bool) {
        if self.dtimes.len() == self.photons.len() {
            let mut photons = self.photons.iter();
            self.dtimes.retain(|_| photons.next().is_some_and(&keep));
        }
        self.photons.retain(keep);
    }

    /// Adds what the next batch holds.
    pub fn append(&mut self, next: &Chunk) {
        self.photons.extend(&next.photons);
        self.dtimes.extend(&next.dtimes);
        self.markers.extend(&next.markers);
        self.syncs.extend(&next.syncs);
        self.losses.extend(&next.losses);
        self.reached = next.reached;
    }
}

/// How many records of which kind a reader has met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Detections.
    pub photons: u64,
    /// Detections that share a record with another one: a record of several detectors at once
    /// counts all but one of them here.
    pub shared_records: u64,
    /// Records that say the time field wrapped.
    pub overflow_records: u64,
    /// Wraps of the time field: one overflow record may stand for many.
    pub overflow_periods: u64,
    /// Marker records.
    pub markers: u64,
    /// Sync records.
    pub sync_records: u64,
    /// Records that speak of losses.
    pub loss_records: u64,
    /// Detections that the instrument says it missed.
    pub missed: u64,
    /// Detections that came later in the file than the reordering window allows; left out.
    pub late: u64,
    /// Records of a kind that the layout does not name; skipped.
    pub unknown_records: u64,
    /// Bytes behind the last whole record of a file that holds as many as its header claims.
    pub trailing_bytes: u64,
}

impl Counts {
    /// All records.
    pub fn records(&self) -> u64 {
        self.photons - self.shared_records
            + self.overflow_records
            + self.markers
            + self.sync_records
            + self.loss_records
            + self.late
            + self.unknown_records
    }
}

/// The number of an input whose falling edges have the negative number: edge −n is channel 128 + n.
/// `None` where that is no channel.
pub(crate) fn edge_channel(edge: i32) -> Option<u8> {
    match edge {
        0..=127 => Some(edge as u8),
        -127..=-1 => Some(128 + edge.unsigned_abs() as u8),
        _ => None,
    }
}
