//! Edges in order of time from four FIFOs that know time modulo 2²⁴ reference periods.

use helio_bench::{Drained, Edge, Loss};
use helio_units::Ticks;

use super::config::{Config, Resolution};
use super::results::{INDEX_BITS, RESULT_BYTES, RawResult, unwrap_index};

/// By how many reference periods the coarse count may be off, the chip's own latency from a hit to
/// its result included.
pub const TOLERANCE: u64 = 64;

/// The deepest FIFO.
const DEEPEST: usize = Resolution::Single.fifo_depth();

/// Edges held back until no channel can bring an earlier one.
pub(super) const HELD: usize = 4 * DEEPEST;

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    /// Coarse count before the last transfer that found the FIFO empty: what was hit before is out.
    emptied: u64,
    /// First tick from which this channel may still bring edges.
    known_to: u64,
    /// Coarse counts after the last transfers that brought a result, as a ring of one less than
    /// the FIFO's depth.
    taken_at: [u64; DEEPEST - 1],
    taken: usize,
}

/// Makes edges of transfers, whoever carried them: [`super::As650xSource`] over a blocking bus, or
/// a board by DMA.
///
/// Time is in reference periods since the chip was initialised, counted by the board from the same
/// oscillator ("coarse count"). A result that may have waited in the FIFO for a whole turn of the
/// index has no known time: it becomes a [`Loss`]. So does what a full FIFO may have dropped, and
/// what a failed transfer may have taken.
#[derive(Clone, Debug)]
pub struct Merger {
    config: Config,
    channels: [Channel; 4],
    held: [Edge; HELD],
    holds: usize,
    reached: u64,
    loss: Option<Loss>,
    astray: bool,
}

impl Merger {
    /// For a chip that was initialised just now.
    pub fn new(config: Config) -> Merger {
        Merger {
            config,
            channels: [Channel::default(); 4],
            held: [Edge { tick: Ticks(0), channel: 0 }; HELD],
            holds: 0,
            reached: 0,
            loss: None,
            astray: false,
        }
    }

    /// Whether a result lay where none can: index and coarse count do not count the same, and no
    /// time can be told any more.
    pub fn is_astray(&self) -> bool {
        self.astray
    }

    /// Whether the results of another transfer find room. Without room, drain first; the chip's
    /// FIFOs hold them meanwhile.
    pub fn has_room(&self) -> bool {
        self.holds + 4 <= HELD
    }

    /// Sorts in what one transfer of [`super::RESULT_REQUEST`] brought. `before` and `after` are
    /// coarse counts from before it began and from after it ended. Answers whether it brought
    /// anything: if so, ask again. Results that find no room become a loss.
    pub fn take_in(&mut self, bytes: &[u8; RESULT_BYTES], before: u64, after: u64) -> bool {
        let mut brought = false;
        for n in self.in_use() {
            let place = usize::from(n);
            let from = self.channels[place].emptied.saturating_sub(TOLERANCE);
            let to = after.saturating_add(TOLERANCE);
            match RawResult::of_channel(self.config.part, bytes, n) {
                Ok(None) => {
                    let whole = self.ticks(before.saturating_sub(TOLERANCE));
                    let channel = &mut self.channels[place];
                    channel.emptied = before;
                    channel.known_to = channel.known_to.max(whole);
                }
                Ok(Some(raw)) => {
                    brought = true;
                    match unwrap_index(raw.index, INDEX_BITS, from, to) {
                        Some(period) => self.hold(n, period, raw.stop, after),
                        None => {
                            // Over a whole turn no index could be wrong.
                            self.astray |= to.saturating_sub(from) < 1 << INDEX_BITS;
                            self.lose(from, to, 1);
                        }
                    }
                }
                Err(_) => {
                    brought = true;
                    self.lose(from, to, 1);
                }
            }
        }
        brought
    }

    /// Tells that a transfer failed, which may have taken results: they are lost.
    pub fn transfer_failed(&mut self, after: u64) {
        let oldest = self.in_use().map(|n| self.channels[usize::from(n)].emptied).min();
        let from = oldest.unwrap_or(0).saturating_sub(TOLERANCE);
        self.lose(from, after.saturating_add(TOLERANCE), 0);
    }

    /// As [`helio_bench::EdgeSource::drain`].
    pub fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let known = self.in_use().map(|n| self.channels[usize::from(n)].known_to).min();
        let complete = known.unwrap_or(0).max(self.reached);
        let ready = self.held[..self.holds].partition_point(|held| held.tick.0 < complete);
        let edges = ready.min(out.len());
        out[..edges].copy_from_slice(&self.held[..edges]);
        self.reached = if edges < ready { self.held[edges].tick.0 } else { complete };
        self.held.copy_within(edges..self.holds, 0);
        self.holds -= edges;
        Drained { edges, reached: Ticks(self.reached), loss: self.loss.take() }
    }

    fn in_use(&self) -> impl Iterator<Item = u8> + use<> {
        let config = self.config;
        (0..config.part.channels()).filter(move |n| config.channels >> n & 1 == 1)
    }

    fn ticks(&self, periods: u64) -> u64 {
        periods.saturating_mul(u64::from(self.config.divisions))
    }

    /// Edges may be missing among those of reference periods `from..=to`.
    fn lose(&mut self, from: u64, to: u64, lost: u64) {
        let new = Loss {
            from: Ticks(self.ticks(from)),
            to: Ticks(self.ticks(to.saturating_add(1))),
            lost,
        };
        self.loss = join(self.loss, Some(new));
    }

    fn hold(&mut self, n: u8, period: u64, stop: u32, after: u64) {
        let tick = self.ticks(period).saturating_add(u64::from(stop));
        let ring = self.config.resolution.fifo_depth() - 1;
        let channel = &mut self.channels[usize::from(n)];
        let slot = channel.taken % ring;
        // If this hit was there when the result as many before it as the FIFO holds, less one, was
        // taken, then the FIFO was full, and a further hit would have been dropped.
        let full =
            channel.taken >= ring && period <= channel.taken_at[slot].saturating_add(TOLERANCE);
        channel.taken_at[slot] = after;
        channel.taken += 1;
        channel.known_to = channel.known_to.max(tick);
        if full {
            self.lose(period, after.saturating_add(TOLERANCE), 0);
        }
        // Earlier than what was called complete: the coarse count is off by more than it may.
        self.astray |= tick < self.reached;
        if tick < self.reached || self.holds == HELD {
            self.lose(period, period, 1);
            return;
        }
        let edge = Edge { tick: Ticks(tick), channel: n };
        let place = self.held[..self.holds].partition_point(|held| *held < edge);
        self.held.copy_within(place..self.holds, place + 1);
        self.held[place] = edge;
        self.holds += 1;
    }
}

/// Both losses as one.
pub(super) fn join(a: Option<Loss>, b: Option<Loss>) -> Option<Loss> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
    let lost = a.lost.saturating_add(b.lost);
    Some(Loss { from: a.from.min(b.from), to: a.to.max(b.to), lost })
}
