//! Batches of edges of an auxiliary input: coded like tags, of one channel that is not named.

use helio_bench::{ClockInput, Edge};
use helio_units::Ticks;

use crate::{TagBatch, TagRefused, TagWriter, TagsError};

/// Edges of an input beside the detectors, as they stand in a frame; read with
/// [`ClockEdges::iter`]. They are no tags: nothing counts them among a detector's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockEdges<'a> {
    /// Of which input.
    pub input: ClockInput,
    /// Edges of this input that were not sent: after the last one of the batch before, before
    /// [`ClockEdges::base`].
    pub lost: u32,
    /// No channel, no mark, nothing reached.
    edges: TagBatch<'a>,
}

impl<'a> ClockEdges<'a> {
    /// A batch from its parts, with every code checked.
    ///
    /// # Errors
    /// The first [`TagsError`].
    pub fn new(
        input: ClockInput,
        lost: u32,
        base: Ticks,
        count: u16,
        codes: &'a [u8],
    ) -> Result<ClockEdges<'a>, TagsError> {
        let edges = TagBatch::new(base, base, 0, false, count, codes)?;
        Ok(ClockEdges { input, lost, edges })
    }

    /// Time from which the first code counts.
    pub const fn base(&self) -> Ticks {
        self.edges.base
    }

    /// Number of edges.
    pub const fn count(&self) -> u16 {
        self.edges.count
    }

    /// The codes as they stand in the frame.
    pub const fn codes(&self) -> &'a [u8] {
        self.edges.codes()
    }

    /// The edges in order of time.
    pub fn iter(&self) -> impl Iterator<Item = Ticks> + use<'a> {
        self.edges.iter().map(|edge| edge.tick)
    }
}

/// Collects the edges of one input for a [`ClockEdges`], `N` bytes of codes: a byte or two an edge
/// where they are frequent.
#[derive(Clone, Debug)]
pub struct ClockEdgeWriter<const N: usize> {
    input: ClockInput,
    lost: u32,
    codes: TagWriter<[u8; N]>,
}

impl<const N: usize> ClockEdgeWriter<N> {
    /// Nothing yet.
    pub fn new(input: ClockInput) -> ClockEdgeWriter<N> {
        ClockEdgeWriter { input, lost: 0, codes: TagWriter::new([0; N], 0, Ticks(0)) }
    }

    /// Drops the batch and begins the next one, before whose first edge so many were lost.
    pub fn restart(&mut self, lost: u32) {
        self.lost = lost;
        self.codes.restart(Ticks(0));
    }

    /// Appends an edge. The first one is the base.
    ///
    /// # Errors
    /// [`TagRefused`]; nothing was appended.
    pub fn push(&mut self, tick: Ticks) -> Result<(), TagRefused> {
        if self.codes.is_empty() {
            self.codes.restart(tick);
        }
        self.codes.push(Edge { tick, channel: 0 })
    }

    /// Number of edges so far.
    pub const fn count(&self) -> u16 {
        self.codes.count()
    }

    /// Edges lost before the first one.
    pub const fn lost(&self) -> u32 {
        self.lost
    }

    /// Whether there is nothing to be said.
    pub const fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.lost == 0
    }

    /// The batch as it stands. Without an edge it says that all that were lost came before `now`.
    pub fn batch(&self, now: Ticks) -> ClockEdges<'_> {
        let codes = self.codes.batch();
        let base = if codes.count == 0 { now } else { codes.base };
        let edges = TagBatch { base, reached: base, ..codes };
        ClockEdges { input: self.input, lost: self.lost, edges }
    }
}
