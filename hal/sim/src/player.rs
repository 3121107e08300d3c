//! The slot player: a queue of words that the world takes from, one a slot.

use helio_bench::{GateWindow, PlayerError, SlotPlayer, SlotWord};
use helio_units::SlotIndex;

/// A slot player with room for `N` words. `N` slots should last at most 1 ms.
#[derive(Clone, Debug)]
pub struct SimPlayer<const N: usize> {
    words: [SlotWord; N],
    head: usize,
    queued: usize,
    running: bool,
    /// Slot of the word at the head of the queue.
    next: u64,
    /// What the pins show.
    pins: Option<SlotWord>,
    starved: u64,
    gate: Option<GateWindow>,
}

impl<const N: usize> Default for SimPlayer<N> {
    fn default() -> Self {
        SimPlayer::new()
    }
}

impl<const N: usize> SimPlayer<N> {
    /// A player that stands still, with its queue empty.
    pub const fn new() -> SimPlayer<N> {
        SimPlayer {
            words: [SlotWord::DARK; N],
            head: 0,
            queued: 0,
            running: false,
            next: 0,
            pins: None,
            starved: 0,
            gate: None,
        }
    }

    /// Plays the next slot of a device whose slots are its own clock's; `None` is all pins low.
    #[inline(always)]
    pub(crate) fn next_slot(&mut self) -> Option<SlotWord> {
        if !self.running {
            return None;
        }
        self.next += 1;
        self.take()
    }

    /// Slot `slot` of a steered slot clock begins: sets the pins until the next one begins.
    #[inline(always)]
    pub(crate) fn begin_slot(&mut self, slot: u64) {
        self.pins = None;
        if !self.running || slot < self.next {
            return;
        }
        if slot > self.next {
            self.miss(slot - self.next);
        }
        self.next = slot.saturating_add(1);
        self.pins = self.take();
    }

    /// What the pins show now; `None` is all pins low.
    #[inline(always)]
    pub(crate) fn pins(&self) -> Option<SlotWord> {
        self.pins
    }

    /// When the detectors are open in a slot whose word opens them; `None` is always.
    pub(crate) fn gate(&self) -> Option<GateWindow> {
        self.gate
    }

    fn take(&mut self) -> Option<SlotWord> {
        if self.queued == 0 {
            self.starved += 1;
            return None;
        }
        let word = self.words[self.head];
        self.drop_front(1);
        Some(word)
    }

    /// Slots that went by without beginning (the clock was steered past them, or the train was
    /// begun too late): their words are stale.
    #[cold]
    fn miss(&mut self, slots: u64) {
        let stale = (self.queued as u64).min(slots) as usize;
        self.drop_front(stale);
        self.starved += slots;
    }

    fn drop_front(&mut self, count: usize) {
        self.head += count;
        if self.head >= N {
            self.head -= N;
        }
        self.queued -= count;
    }
}

impl<const N: usize> SlotPlayer for SimPlayer<N> {
    fn begin(&mut self, first: SlotIndex) {
        self.halt();
        self.next = first.0;
        self.running = true;
    }

    fn space(&self) -> usize {
        N - self.queued
    }

    /// A slot is over as soon as its word has been taken: its pulse lies in that very tick.
    fn queued(&self) -> usize {
        self.queued
    }

    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        if !self.running {
            return Err(PlayerError::Halted);
        }
        if words.len() > self.space() {
            return Err(PlayerError::Full);
        }
        let tail = (self.head + self.queued) % N.max(1);
        let (to_end, from_start) = words.split_at(words.len().min(N - tail));
        self.words[tail..tail + to_end.len()].copy_from_slice(to_end);
        self.words[..from_start.len()].copy_from_slice(from_start);
        self.queued += words.len();
        Ok(())
    }

    fn halt(&mut self) {
        self.running = false;
        self.head = 0;
        self.queued = 0;
        self.pins = None;
    }

    fn starved(&self) -> u64 {
        self.starved
    }

    fn gates(&self) -> bool {
        true
    }

    fn set_gate(&mut self, window: Option<GateWindow>) {
        self.gate = window;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_out_in_order_across_the_end_of_the_buffer() {
        let mut player = SimPlayer::<5>::new();
        assert_eq!(player.play(&[SlotWord(1)]), Err(PlayerError::Halted));
        player.begin(SlotIndex(0));
        let mut expected = 0;
        for n in 0..20u16 {
            player.play(&[SlotWord(3 * n), SlotWord(3 * n + 1), SlotWord(3 * n + 2)]).unwrap();
            for _ in 0..3 {
                assert_eq!(player.next_slot(), Some(SlotWord(expected)));
                expected += 1;
            }
        }
        assert_eq!(player.play(&[SlotWord(0); 6]), Err(PlayerError::Full));
        assert_eq!(player.space(), 5);
        assert_eq!(player.starved(), 0);
    }

    #[test]
    fn an_empty_queue_starves_and_nothing_repeats() {
        let mut player = SimPlayer::<4>::new();
        assert_eq!((player.next_slot(), player.starved()), (None, 0));
        player.begin(SlotIndex(0));
        player.play(&[SlotWord(9)]).unwrap();
        assert_eq!(player.next_slot(), Some(SlotWord(9)));
        assert_eq!((player.next_slot(), player.starved()), (None, 1));
        player.halt();
        assert_eq!((player.next_slot(), player.starved()), (None, 1));
    }

    #[test]
    fn words_stay_with_their_slots() {
        let mut player = SimPlayer::<8>::new();
        player.begin(SlotIndex(10));
        player.play(&[SlotWord(10), SlotWord(11), SlotWord(12), SlotWord(13)]).unwrap();
        player.begin_slot(9);
        assert_eq!(player.pins(), None);
        player.begin_slot(10);
        assert_eq!(player.pins(), Some(SlotWord(10)));
        // The clock is steered past slot 11.
        player.begin_slot(12);
        assert_eq!((player.pins(), player.starved()), (Some(SlotWord(12)), 1));
        player.begin_slot(13);
        player.begin_slot(14);
        assert_eq!((player.pins(), player.starved()), (None, 2));
    }
}
