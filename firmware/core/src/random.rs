//! Where settings come from: the device's own generator, or what the host gives.
//!
//! Class and name of each: [`SettingsSource`]. The active one stands in every batch of settings.

mod chacha;
pub mod health;
mod noise;

pub use chacha::ChaCha20;
use heapless::Deque;
use helio_bench::{RandomFault, RandomSource, SettingsSource};
use helio_wire::MAX_PATTERN;
pub use noise::ConditionedNoise;
use zeroize::Zeroize;

/// Random bytes from the host that may wait.
pub const FEED_CAPACITY: usize = 4096;

/// Bytes of a cipher's key.
const KEY: usize = 32;

/// Bytes of a [`Supply`].
const PIECE: usize = 64;

/// A piece of what the host gives for settings, on its way from control to data; `Copy` and
/// small, to go through a single-producer queue. Its bytes are not printed.
#[derive(Clone, Copy)]
pub struct Supply {
    kind: SupplyKind,
    length: u8,
    bytes: [u8; PIECE],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SupplyKind {
    Seed,
    Feed,
    /// The first piece of a pattern.
    Pattern,
    /// A further one.
    MorePattern,
}

impl core::fmt::Debug for Supply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} of {} bytes (concealed)", self.kind, self.length)
    }
}

impl Supply {
    /// No bytes: changes nothing.
    pub(crate) const EMPTY: Supply =
        Supply { kind: SupplyKind::Feed, length: 0, bytes: [0; PIECE] };

    /// The pieces of these bytes.
    pub(crate) fn pieces(kind: SupplyKind, bytes: &[u8]) -> impl Iterator<Item = Supply> {
        bytes.chunks(PIECE).enumerate().map(move |(i, chunk)| {
            let more = i > 0 && kind == SupplyKind::Pattern;
            let kind = if more { SupplyKind::MorePattern } else { kind };
            let mut bytes = [0; PIECE];
            bytes[..chunk.len()].copy_from_slice(chunk);
            Supply { kind, length: chunk.len() as u8, bytes }
        })
    }

    /// Takes the first of a queue, and leaves nothing of it there.
    pub(crate) fn take<const N: usize>(queue: &mut Deque<Supply, N>) -> Option<Supply> {
        let front = queue.front_mut()?;
        let taken = *front;
        front.bytes.zeroize();
        queue.pop_front();
        Some(taken)
    }

    /// Pieces that so many bytes make.
    pub(crate) const fn count(bytes: usize) -> usize {
        bytes.div_ceil(PIECE)
    }
}

/// The sources of a data plane. Some 4.5 KiB, most of it the bytes that wait.
pub(crate) struct Sources<R> {
    pub own: R,
    active: SettingsSource,
    seeded: Option<ChaCha20>,
    expanded: Option<ChaCha20>,
    feed: Deque<u8, FEED_CAPACITY>,
    consumed: u64,
    pattern: heapless::Vec<u8, MAX_PATTERN>,
}

impl<R: RandomSource> Sources<R> {
    /// The own generator, as it is.
    pub fn new(own: R) -> Sources<R> {
        Sources {
            own,
            active: SettingsSource::Own,
            seeded: None,
            expanded: None,
            feed: Deque::new(),
            consumed: 0,
            pattern: heapless::Vec::new(),
        }
    }

    /// For the runs from here on. [`SettingsSource::Expanded`] draws a fresh key when a run begins.
    pub fn select(&mut self, source: SettingsSource) {
        self.active = source;
        self.expanded = None;
    }

    pub fn active(&self) -> SettingsSource {
        self.active
    }

    /// Bytes of the host's that have been used or thrown away, since boot.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The codes of the pattern, if it is active.
    pub fn pattern(&self) -> Option<&[u8]> {
        let active = self.active == SettingsSource::Pattern && !self.pattern.is_empty();
        active.then_some(&self.pattern)
    }

    /// Bytes that can be had now.
    pub fn available(&self) -> usize {
        match self.active {
            SettingsSource::Own => self.own.available(),
            SettingsSource::Expanded if self.expanded.is_none() && self.own.available() < KEY => 0,
            SettingsSource::HostFeed => self.feed.len(),
            _ => usize::MAX,
        }
    }

    /// Whether bytes that are not there yet come by themselves.
    pub fn gathers(&self) -> bool {
        matches!(self.active, SettingsSource::Own | SettingsSource::Expanded)
    }

    /// Takes what the host gave.
    pub fn supply(&mut self, mut supply: Supply) {
        let bytes = &supply.bytes[..usize::from(supply.length)];
        match supply.kind {
            SupplyKind::Seed => {
                if let Ok(key) = bytes.try_into() {
                    self.seeded = Some(ChaCha20::new(key));
                }
            }
            SupplyKind::Feed => {
                for byte in bytes {
                    // Control counts what fits; a byte too many is as good as used.
                    if self.feed.push_back(*byte).is_err() {
                        self.consumed += 1;
                    }
                }
            }
            SupplyKind::Pattern => {
                self.pattern.clear();
                let _ = self.pattern.extend_from_slice(bytes);
            }
            SupplyKind::MorePattern => _ = self.pattern.extend_from_slice(bytes),
        }
        supply.bytes.zeroize();
    }

    /// Bytes of the active source.
    ///
    /// # Errors
    /// [`RandomFault`] of the own generator, of a queue that is empty, of a seed or a pattern that
    /// has not come.
    pub fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        match self.active {
            SettingsSource::Own => self.own.fill(out)?,
            SettingsSource::HostSeed => self.seeded.as_mut().ok_or(RandomFault)?.fill(out),
            SettingsSource::HostFeed => {
                if self.feed.len() < out.len() {
                    return Err(RandomFault);
                }
                for byte in out.iter_mut() {
                    let front = self.feed.front_mut().ok_or(RandomFault)?;
                    *byte = *front;
                    front.zeroize();
                    self.feed.pop_front();
                }
                self.consumed += out.len() as u64;
            }
            SettingsSource::Pattern if self.pattern.is_empty() => return Err(RandomFault),
            SettingsSource::Pattern => out.fill(0),
            SettingsSource::Expanded => {
                if self.expanded.is_none() {
                    let mut key = [0; KEY];
                    self.own.fill(&mut key)?;
                    self.expanded = Some(ChaCha20::new(&key));
                    key.zeroize();
                }
                self.expanded.as_mut().ok_or(RandomFault)?.fill(out);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
