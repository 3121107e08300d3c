//! A slot player that keeps what it has played.

extern crate std;
use helio_bench::{GateWindow, PlayerError, SlotPlayer, SlotWord};
use helio_units::SlotIndex;
use std::collections::VecDeque;
use std::vec::Vec;

/// Keeps every word it has played. As it is, ideal; with a lead-in, like a chip: nothing plays
/// before it goes, dark slots come first and take room, the word that plays is in a register of its
/// own, and a player that has run dry stays dark.
pub struct FakePlayer {
    pub capacity: usize,
    /// Dark slots ahead of the first one; 0: none, and none of the rest.
    pub lead_in: usize,
    pub queue: VecDeque<SlotWord>,
    /// Dark slots still to play.
    leading: usize,
    /// The word that plays, on a player with a lead-in.
    playing: Option<SlotWord>,
    /// Words that a halt has cut.
    pub cut: usize,
    going: bool,
    parked: bool,
    pub running: bool,
    pub first: SlotIndex,
    pub played: Vec<SlotWord>,
    pub starved: u64,
    pub refuses: bool,
    pub fewest_queued: usize,
    /// Words that waited when it was told to go.
    pub ahead: usize,
    pub gate: Option<GateWindow>,
}

impl FakePlayer {
    pub fn new(capacity: usize) -> FakePlayer {
        FakePlayer {
            capacity,
            lead_in: 0,
            queue: VecDeque::new(),
            leading: 0,
            playing: None,
            cut: 0,
            going: false,
            parked: false,
            running: false,
            first: SlotIndex(0),
            played: Vec::new(),
            starved: 0,
            refuses: false,
            fewest_queued: usize::MAX,
            ahead: 0,
            gate: None,
        }
    }

    /// So many slots go by.
    pub fn step(&mut self, slots: usize) {
        if !self.running {
            return;
        }
        self.fewest_queued = self.fewest_queued.min(self.queue.len());
        if self.lead_in == 0 {
            for _ in 0..slots {
                match self.queue.pop_front() {
                    Some(word) => self.played.push(word),
                    None => self.starved += 1,
                }
            }
            return;
        }
        for _ in 0..slots {
            if !self.going || self.parked {
                return;
            }
            if self.leading > 0 {
                self.leading -= 1;
                continue;
            }
            self.played.extend(self.playing.take());
            self.playing = self.queue.pop_front();
            if self.playing.is_none() {
                self.parked = true;
                self.starved += 1;
            }
        }
    }
}

impl SlotPlayer for FakePlayer {
    fn begin(&mut self, first: SlotIndex) {
        self.halt();
        self.first = first;
        self.running = true;
        self.leading = self.lead_in;
        self.played.clear();
    }
    fn go(&mut self) -> Result<(), PlayerError> {
        self.going = true;
        self.ahead = self.queue.len();
        Ok(())
    }
    fn space(&self) -> usize {
        self.capacity - self.queue.len() - self.leading
    }
    fn queued(&self) -> usize {
        self.queue.len() + usize::from(self.playing.is_some())
    }
    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        if !self.running || self.refuses {
            return Err(PlayerError::Halted);
        }
        if words.len() > self.space() {
            return Err(PlayerError::Full);
        }
        self.queue.extend(words);
        Ok(())
    }
    fn halt(&mut self) {
        (self.running, self.going, self.parked) = (false, false, false);
        self.cut += usize::from(self.playing.take().is_some());
        self.leading = 0;
        self.queue.clear();
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
