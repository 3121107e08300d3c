//! What a device must report, where this host gave it the randomness: its every setting is held
//! against that.
//!
//! The device takes the bytes of one slot after the other. Alice's slots follow each other from 0
//! on, so that each has its place among the bytes. Bob's begin where his clock locks, and slots that
//! he had drawn when it lost its lock are dropped: how many is not told. After a loss that was heard
//! of, the next settings are looked for a little further on, and make no key until so many of them
//! stand in one place only that it is theirs. Every other hole is as long as its slots say.

use helio_firmware::random::ChaCha20;
use helio_wire::{Configure, Role, SettingsBatch};
use zeroize::Zeroizing;

use super::codes::Codes;
use super::draw::{Draw, bytes_per_slot};

/// Of a slot that was drawn from bytes which this host did not give.
const UNKNOWN: u8 = 0xff;
/// Slots drawn at a time.
const CHUNK: usize = 1024;
/// Slots that settings may be missing of, on a cable that lost them: seconds of them.
const LONGEST_HOLE: u64 = 1 << 24;
/// Slots after which Bob's may go on when his clock has lost its lock: some times the millisecond
/// that is drawn ahead at 5 MHz.
const DROPPED: usize = 40_000;
/// How far apart the places may be in which settings may stand. Short batches between losses leave them
/// apart, and each loss adds to it.
pub(super) const MOST_REACH: usize = 4 * DROPPED;
/// Slots in a row that stand in one place only, unless nearly all slots are alike.
const TELLING: usize = 1024;

/// Settings that the device did not draw from what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs {
    /// The first slot that differs, or that of a batch which stands nowhere.
    pub slot: u64,
}

/// What is to be done with settings that do not differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// They are what was given.
    Yes,
    /// Some of them were drawn from bytes that were there before, nobody knows whose, or it is not
    /// known yet where they stand.
    No,
    /// Losses have left too many places: they cannot be followed any more.
    Adrift,
}

/// Follows a device through its run.
pub struct Expected {
    draw: Draw,
    spacing: u64,
    /// `None`: the codes come from what is fed. Boxed, so that it is moved without leaving a copy behind.
    seeded: Option<Box<ChaCha20>>,
    /// Of slots that have not been reported.
    codes: Codes,
    /// Bytes of a slot whose other ones have not been fed.
    begun: Zeroizing<Vec<u8>>,
    /// Some of them are not this host's.
    begun_before: bool,
    /// Where in `codes` the next report may begin.
    places: Vec<usize>,
    /// Slots that have stood there since the places were searched.
    stood: usize,
    /// A loss was heard of, behind which slots may have been dropped.
    lost: bool,
    /// The slot after the last one reported.
    next: Option<u64>,
}

impl Expected {
    /// A device that expands this seed.
    pub fn of_seed(role: Role, configure: &Configure, seed: &[u8; 32]) -> Expected {
        let seeded = Some(Box::new(ChaCha20::new(seed)));
        Expected { seeded, ..Expected::of_feed(role, configure, 0) }
    }

    /// A device that is fed, and has so many bytes from before.
    pub fn of_feed(role: Role, configure: &Configure, before: usize) -> Expected {
        let mut codes = Codes::default();
        codes.extend(std::iter::repeat_n(UNKNOWN, before / bytes_per_slot(role)));
        let mut begun = Zeroizing::new(Vec::with_capacity(bytes_per_slot(role)));
        begun.resize(before % bytes_per_slot(role), 0);
        Expected {
            draw: Draw::new(role, configure),
            spacing: u64::from(configure.sync_spacing).max(1),
            seeded: None,
            codes,
            begun_before: !begun.is_empty(),
            begun,
            places: vec![0],
            stood: TELLING,
            lost: false,
            next: (role == Role::Alice).then_some(0),
        }
    }

    /// Codes that wait for their report.
    pub fn waiting(&self) -> usize {
        self.codes.len()
    }

    /// The device's clock has lost its lock, or the cable frames that may have said so.
    pub fn lost(&mut self) {
        self.lost = true;
    }

    /// The device has taken these bytes.
    pub fn fed(&mut self, mut bytes: &[u8]) {
        let size = bytes_per_slot(self.draw.role);
        if !self.begun.is_empty() {
            let (more, rest) = bytes.split_at(bytes.len().min(size - self.begun.len()));
            self.begun.extend_from_slice(more);
            bytes = rest;
            if self.begun.len() < size {
                return;
            }
            let code = self.draw.codes(&self.begun).next().filter(|_| !self.begun_before);
            self.codes.extend(std::iter::once(code.unwrap_or(UNKNOWN)));
            self.begun_before = false;
            self.begun.fill(0);
            self.begun.clear();
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % size);
        self.add(whole);
        self.begun.extend_from_slice(rest);
    }

    fn add(&mut self, bytes: &[u8]) {
        let mut codes = Zeroizing::new([0; CHUNK]);
        for bytes in bytes.chunks(CHUNK * bytes_per_slot(self.draw.role)) {
            let mut count = 0;
            for (to, code) in codes.iter_mut().zip(self.draw.codes(bytes)) {
                (*to, count) = (code, count + 1);
            }
            self.codes.extend(codes[..count].iter().copied());
        }
    }

    /// Draws what a seed gives, up to so many codes; what is fed comes by itself.
    fn draw_up_to(&mut self, count: usize) {
        let Some(mut seeded) = self.seeded.take() else { return };
        let mut bytes = Zeroizing::new([0; 4 * CHUNK]);
        while self.codes.len() < count {
            let slots = CHUNK.min(count - self.codes.len());
            let bytes = &mut bytes[..slots * bytes_per_slot(self.draw.role)];
            seeded.fill(bytes);
            self.add(bytes);
        }
        self.seeded = Some(seeded);
    }

    /// Holds what the device reports against what it was given.
    ///
    /// # Errors
    /// [`Differs`]: nothing that the device has reported or will report may make a key.
    pub fn check(&mut self, batch: &SettingsBatch<'_>) -> Result<Known, Differs> {
        let (first, count) = (batch.first.0, usize::from(batch.count));
        let differs = |slot| Err(Differs { slot });
        let bits = match self.draw.role {
            Role::Alice => 4,
            Role::Bob => 2,
        };
        if batch.bits_per_slot != bits {
            return differs(first);
        }
        // Before the first report nothing is missing that was not heard of.
        let Some(hole) = first.checked_sub(self.next.unwrap_or(first)) else {
            return differs(first);
        };
        // What was under way at a loss still comes in turn.
        let search = self.draw.role == Role::Bob && self.lost && (hole > 0 || self.next.is_none());
        let mut last = self.places.last().copied().unwrap_or(0);
        if search && !self.draw.is_constant() {
            let from = self.places.first().copied().unwrap_or(0);
            last += DROPPED + hole.min(DROPPED as u64) as usize;
            if last - from > MOST_REACH {
                return Ok(Known::Adrift);
            }
            self.places = (from..=last).collect();
            self.stood = 0;
        } else if search {
            // What was dropped has no place, and does not stay.
            self.codes.drop_front(self.codes.len().saturating_sub(MOST_REACH));
        } else {
            if hole > LONGEST_HOLE {
                return differs(first);
            }
            self.places.iter_mut().for_each(|place| *place += hole as usize);
            last += hole as usize;
        }
        self.lost &= !search;
        self.draw_up_to(last + count);
        let codes = self.codes.as_slice();
        let agrees = |place: &usize| self.differs_at(codes, *place, batch).is_none();
        let places: Vec<usize> = self.places.iter().copied().filter(agrees).collect();
        let Some(front) = places.first().copied() else {
            let at = match self.places[..] {
                [place] => self.differs_at(codes, place, batch).unwrap_or(0),
                _ => 0,
            };
            return differs(first.saturating_add(at as u64));
        };
        let foreign = |place: &usize| codes[*place..*place + count].contains(&UNKNOWN);
        let foreign = places.iter().any(foreign);
        if !foreign {
            self.stood = self.stood.saturating_add(count);
        }
        let placed = places.len() == 1 && self.stood >= TELLING;
        let known = if foreign || !placed { Known::No } else { Known::Yes };
        // Up to where the next report may begin at the earliest.
        self.places = places.iter().map(|place| place - front).collect();
        self.codes.drop_front(front + count);
        self.next = Some(first.saturating_add(count as u64));
        Ok(known)
    }

    /// Which slot of the batch is not the one at this place.
    fn differs_at(&self, codes: &[u8], place: usize, batch: &SettingsBatch<'_>) -> Option<usize> {
        let count = usize::from(batch.count);
        let Some(given) = codes.get(place..place + count) else { return Some(0) };
        let mut to_sync = (self.spacing - batch.first.0 % self.spacing) % self.spacing;
        let bits = usize::from(batch.bits_per_slot);
        let mask = (1u16 << bits) - 1;
        for (slot, given) in given.iter().enumerate() {
            let at = slot * bits;
            let told = u16::from(batch.packed[at / 8] >> (at % 8)) & mask;
            let sync = to_sync == 0;
            to_sync = if sync { self.spacing - 1 } else { to_sync - 1 };
            let given = if sync { 0 } else { *given };
            if given != UNKNOWN && u16::from(given) != told {
                return Some(slot);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
