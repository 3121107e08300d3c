//! How a player begins at a known tick: it waits for a beacon, plays dark slots of the right
//! length, and then its first slot.

use crate::capture::BUFFER_TICKS;
use crate::word::SlotShape;
use helio_bench::SlotWord;
use helio_units::Ticks;

/// Ticks that a signal at a pad takes to the sampled value: the input synchroniser.
const SYNCHRONISER: u64 = 2;

/// Ticks from an instruction to the pad: the output register.
const OUTPUT_REGISTER: u64 = 1;

/// A beacon flag is set at tick −1 of a buffer and seen at tick 0; `mov`, `pull` and `out` follow.
const WAKE: u64 = 3;

/// From the begin of a capture buffer to the tick at which the capture would see the first slot
/// of a player that woke by that buffer's beacon. Times of slots are times of samples, so that
/// what leaves a pin at the begin of slot `s` and comes back by a short wire has the tick of `s`.
pub const BEACON_TO_SLOT: u64 = WAKE + OUTPUT_REGISTER + SYNCHRONISER;

/// The synchroniser, `wait`, `jmp`, `mov`, `pull` and `out`, and the output register.
const TRIGGER_TO_SLOT: u32 = 7;

/// A player that is armed so near a beacon might meet this one or the next: the time to clear the
/// flag and to enable the state machine is shorter.
const GUARD: u64 = 1024;

/// The beacon that a player armed at `now` wakes by: the first tick of a capture buffer. `None`
/// near a beacon; ask again a little later.
///
/// After arming, ask again: the player is well begun if the answer is the same.
pub const fn beacon_before(now: Ticks) -> Option<Ticks> {
    let period = BUFFER_TICKS as u64;
    let phase = now.0 & (period - 1);
    if phase < GUARD || phase > period - GUARD {
        return None;
    }
    Some(Ticks((now.0 | (period - 1)) + 1))
}

/// Dark slots ahead of the first one: at most as many as the player's FIFO holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadIn {
    words: [u32; LeadIn::MOST],
    length: usize,
}

impl LeadIn {
    const MOST: usize = 8;

    /// From a beacon to `first`, in slots of this shape; `None` where `first` is too near, or more
    /// than eight of the longest slots (56 ms) away.
    pub fn new(beacon: Ticks, first: Ticks, shape: SlotShape) -> Option<LeadIn> {
        let mut left = first.0.checked_sub(beacon.0.checked_add(BEACON_TO_SLOT)?)?;
        let (shortest, longest) = (u64::from(shape.shortest()), u64::from(shape.longest()));
        if left < shortest {
            return None;
        }
        let mut lead_in = LeadIn { words: [0; LeadIn::MOST], length: 0 };
        while left > 0 {
            let ticks = if left <= longest { left } else { longest.min(left - shortest) };
            *lead_in.words.get_mut(lead_in.length)? = shape.encode(SlotWord::DARK, ticks as u32);
            lead_in.length += 1;
            left -= ticks;
        }
        Some(lead_in)
    }

    /// Ticks of the longest one.
    pub const fn longest(shape: SlotShape) -> u64 {
        LeadIn::MOST as u64 * shape.longest() as u64
    }

    /// The shortest one, for a player that may begin at once, and the tick at which it ends.
    pub fn shortest(beacon: Ticks, shape: SlotShape) -> (LeadIn, Ticks) {
        let ticks = shape.shortest();
        let mut words = [0; LeadIn::MOST];
        words[0] = shape.encode(SlotWord::DARK, ticks);
        let first = Ticks(beacon.0 + BEACON_TO_SLOT + u64::from(ticks));
        (LeadIn { words, length: 1 }, first)
    }

    /// For a player that waits for TRIG IN: as many of the shortest slots as the FIFO holds, in
    /// which the DMA comes to its feet however soon the edge comes. Always the same length,
    /// [`LeadIn::after_trigger`].
    pub fn for_trigger(shape: SlotShape) -> LeadIn {
        let word = shape.encode(SlotWord::DARK, shape.shortest());
        LeadIn { words: [word; LeadIn::MOST], length: LeadIn::MOST }
    }

    /// Ticks from the one in which TRIG IN rises at the pad to the begin of a burst's first slot at
    /// the pads.
    pub const fn after_trigger(shape: SlotShape) -> u32 {
        TRIGGER_TO_SLOT + LeadIn::MOST as u32 * shape.shortest()
    }

    /// For the FIFO, before the player is enabled.
    pub fn words(&self) -> &[u32] {
        &self.words[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_is_named_only_where_it_is_certain() {
        let period = BUFFER_TICKS as u64;
        for phase in 0..period {
            let beacon = beacon_before(Ticks(5 * period + phase));
            let clear = (GUARD..=period - GUARD).contains(&phase);
            assert_eq!(beacon, clear.then_some(Ticks(6 * period)));
        }
    }

    #[test]
    fn a_lead_in_has_the_length_it_was_asked_for_or_is_refused() {
        let shape = SlotShape::new(75, 4, 150).unwrap();
        let length = |words: &[u32]| -> u64 {
            words.iter().map(|w| u64::from(w >> 12) + u64::from(shape.shortest()) - 1).sum()
        };
        let (shortest, longest) = (u64::from(shape.shortest()), u64::from(shape.longest()));
        for ticks in [shortest, 150, longest, longest + 1, 3 * longest - 1, 8 * longest] {
            let first = Ticks(16384 + BEACON_TO_SLOT + ticks);
            let lead_in = LeadIn::new(Ticks(16384), first, shape).unwrap();
            assert_eq!(length(lead_in.words()), ticks);
        }
        for ticks in [0, shortest - 1, 8 * longest + 1] {
            let first = Ticks(16384 + BEACON_TO_SLOT + ticks);
            assert_eq!(LeadIn::new(Ticks(16384), first, shape), None);
        }
        assert_eq!(LeadIn::new(Ticks(16384), Ticks(16384), shape), None);
        let (lead_in, first) = LeadIn::shortest(Ticks(16384), shape);
        assert_eq!(LeadIn::new(Ticks(16384), first, shape), Some(lead_in));
    }
}
