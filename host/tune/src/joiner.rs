//! Settings of both stations and detections, brought together slot by slot.
//!
//! Only where both devices are on one desk and no key is made of the slots: here Alice's settings and
//! Bob's meet.

use std::collections::VecDeque;
use std::ops::Range;

use helio_bench::{Polarization, ReceiverSetting};
use helio_timetag::{Detection, SlotBatch};

use crate::ClickMatrix;

/// Runs of settings that wait for the other station's: minutes of them. More are a fault of one side, and
/// the oldest are given up.
const MOST_RUNS: usize = 1 << 12;
/// Detections that wait for settings.
const MOST_DETECTIONS: usize = 1 << 22;

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsOf {
    /// Four bits a slot, `intensity << 2 | polarization`.
    Alice,
    /// Two bits a slot, [`ReceiverSetting::code`].
    Bob,
}

/// What became of the slots of each intensity level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Slots with known settings in which every detector could have clicked, by level.
    pub slots: [u64; 4],
    /// Those of them in which any detector clicked, by level.
    pub detected: [u64; 4],
    /// Clicks of each detector, by detector.
    pub clicks: [u64; 4],
    /// Slots whose settings never came.
    pub unknown: u64,
}

impl Sent {
    /// Counts what another one counted.
    pub fn add(&mut self, other: &Sent) {
        let pairs = [
            (&mut self.slots, &other.slots),
            (&mut self.detected, &other.detected),
            (&mut self.clicks, &other.clicks),
        ];
        for (to, from) in pairs {
            to.iter_mut().zip(from).for_each(|(to, n)| *to += n);
        }
        self.unknown += other.unknown;
    }
}

#[derive(Clone, Debug)]
struct Run {
    first: u64,
    count: u64,
    packed: Vec<u8>,
}

/// Settings in the order of slots, with holes.
#[derive(Clone, Debug)]
struct Settings {
    bits: u32,
    runs: VecDeque<Run>,
    /// First slot about which nothing is known yet.
    end: u64,
}

impl Settings {
    fn new(bits: u32) -> Settings {
        Settings { bits, runs: VecDeque::new(), end: 0 }
    }

    fn push(&mut self, first: u64, count: u64, packed: &[u8]) {
        // What is said twice, or of more slots than there are bits, is not believed.
        let held = packed.len() as u64 * u64::from(8 / self.bits);
        let Some(end) = first.checked_add(count) else { return };
        if first < self.end || count > held {
            return;
        }
        self.end = end;
        self.runs.push_back(Run { first, count, packed: packed.to_vec() });
        if self.runs.len() > MOST_RUNS {
            self.runs.pop_front();
        }
    }

    /// The setting of a slot; slots must be asked for in rising order.
    #[inline]
    fn get(&mut self, slot: u64) -> Option<u8> {
        while let Some(run) = self.runs.front() {
            if slot < run.first {
                return None;
            }
            let place = slot - run.first;
            if place < run.count {
                let bit = place * u64::from(self.bits);
                let byte = *run.packed.get((bit / 8) as usize)?;
                return Some(byte >> (bit % 8) & ((1u16 << self.bits) - 1) as u8);
            }
            self.runs.pop_front();
        }
        None
    }
}

/// Joins what two devices tell. Give it everything as it comes; ask for the figures at any time.
#[derive(Clone, Debug)]
pub struct Joiner {
    alice: Settings,
    /// `None`: a passive receiver, whose detectors are the states.
    bob: Option<Settings>,
    detections: VecDeque<Detection>,
    dropped: VecDeque<Range<u64>>,
    reached: u64,
    next: u64,
    sync_spacing: u64,
    dead_slots: u64,
    blind_until: u64,
    matrix: ClickMatrix,
    sent: Sent,
}

impl Joiner {
    /// At the begin of a run. Slots that are multiples of `sync_spacing` carry no signal; after a
    /// detection `dead_slots` slots are out, as the slotter was told.
    pub fn new(passive: bool, sync_spacing: u16, dead_slots: u64) -> Joiner {
        Joiner {
            alice: Settings::new(4),
            bob: (!passive).then(|| Settings::new(2)),
            detections: VecDeque::new(),
            dropped: VecDeque::new(),
            reached: 0,
            next: 0,
            sync_spacing: u64::from(sync_spacing.max(1)),
            dead_slots,
            blind_until: 0,
            matrix: ClickMatrix::default(),
            sent: Sent::default(),
        }
    }

    /// Settings of `count` slots from `first` on, packed from the low bits up.
    pub fn settings(&mut self, whose: SettingsOf, first: u64, count: u64, packed: &[u8]) {
        match (whose, &mut self.bob) {
            (SettingsOf::Alice, _) => self.alice.push(first, count, packed),
            (SettingsOf::Bob, Some(bob)) => bob.push(first, count, packed),
            (SettingsOf::Bob, None) => {}
        }
        self.join();
    }

    /// Settings of these slots will not come.
    pub fn missing(&mut self, whose: SettingsOf, slots: Range<u64>) {
        let side = match whose {
            SettingsOf::Alice => Some(&mut self.alice),
            SettingsOf::Bob => self.bob.as_mut(),
        };
        if let Some(side) = side {
            side.end = side.end.max(slots.end);
        }
        self.join();
    }

    /// What the slotter made final.
    pub fn slots(&mut self, batch: &SlotBatch) {
        self.detections.extend(&batch.detections);
        self.dropped.extend(batch.dropped.iter().map(|range| range.from..range.to));
        self.reached = self.reached.max(batch.reached);
        while self.detections.len() > MOST_DETECTIONS {
            self.detections.pop_front();
        }
        self.join();
    }

    /// The clicks since the last call.
    pub fn take_matrix(&mut self) -> ClickMatrix {
        std::mem::take(&mut self.matrix)
    }

    /// What became of the slots since the last call.
    pub fn take_sent(&mut self) -> Sent {
        std::mem::take(&mut self.sent)
    }

    /// Everything about which both stations and the slotter have spoken.
    fn join(&mut self) {
        let settled = self.bob.as_ref().map_or(self.alice.end, |bob| bob.end.min(self.alice.end));
        let end = settled.min(self.reached);
        while self.next < end {
            match self.dropped.front() {
                Some(range) if range.end <= self.next => {
                    self.dropped.pop_front();
                }
                Some(range) if range.start <= self.next => self.next = range.end.min(end),
                range => {
                    let until = range.map_or(end, |range| range.start.min(end));
                    (self.next..until).for_each(|slot| self.slot(slot));
                    self.next = until;
                }
            }
        }
    }

    #[inline]
    fn slot(&mut self, slot: u64) {
        while self.detections.front().is_some_and(|seen| seen.slot < slot) {
            self.detections.pop_front();
        }
        if slot.is_multiple_of(self.sync_spacing) {
            return;
        }
        let mask = match self.detections.front() {
            Some(seen) if seen.slot == slot => seen.mask,
            _ => 0,
        };
        if slot < self.blind_until && mask == 0 {
            return;
        }
        let Some(code) = self.alice.get(slot) else {
            self.sent.unknown += 1;
            return;
        };
        let level = usize::from(code >> 2 & 3);
        if mask == 0 {
            self.sent.slots[level] += 1;
            return;
        }
        let setting = match &mut self.bob {
            Some(bob) => match bob.get(slot) {
                Some(code) => Some(ReceiverSetting::from_code(code)),
                None => {
                    self.sent.unknown += 1;
                    return;
                }
            },
            None => None,
        };
        self.sent.slots[level] += 1;
        self.sent.detected[level] += 1;
        self.blind_until = slot.saturating_add(1 + self.dead_slots);
        self.matrix.multiple += u64::from(mask.count_ones() > 1);
        for detector in (0..4u8).filter(|detector| mask >> detector & 1 == 1) {
            let found = match setting {
                Some(ReceiverSetting { basis, swap }) => {
                    Polarization::new(basis, (detector & 1 == 1) != swap)
                }
                None => Polarization::from_code(detector),
            };
            self.sent.clicks[usize::from(detector)] += 1;
            self.matrix.click(Polarization::from_code(code), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_timetag::{DropCause, DroppedRange};
    use proptest::prelude::*;

    fn seen(detections: &[(u64, u8)], reached: u64) -> SlotBatch {
        let detections = detections.iter().map(|&(slot, mask)| Detection { slot, mask }).collect();
        SlotBatch { detections, reached, ..SlotBatch::default() }
    }

    #[test]
    fn clicks_are_read_by_both_settings() {
        let mut joiner = Joiner::new(false, 64, 0);
        // Slot 1: level 1, V; slot 2: level 0, D; slot 3: level 0, H.
        joiner.settings(SettingsOf::Alice, 0, 4, &[0b0101_0000, 0b0000_0010]);
        // Slot 1: key; slot 2: test, swapped; slot 3: key, swapped.
        joiner.settings(SettingsOf::Bob, 0, 4, &[0b10_11_00_00]);
        joiner.slots(&seen(&[(1, 0b10), (2, 0b11), (3, 0b10)], 4));
        let matrix = joiner.take_matrix();
        let [h, v, d, a] = matrix.clicks;
        assert_eq!((h, v), ([1, 0, 0, 0], [0, 1, 0, 0]));
        assert_eq!((d, a, matrix.multiple), ([0, 0, 1, 1], [0; 4], 1));
        let sent = joiner.take_sent();
        assert_eq!((sent.slots, sent.detected), ([2, 1, 0, 0], [2, 1, 0, 0]));
        assert_eq!((sent.clicks, sent.unknown), ([1, 3, 0, 0], 0));
        assert_eq!(joiner.take_matrix(), ClickMatrix::default());
    }

    #[test]
    fn slots_without_meaning_are_left_out() {
        let mut joiner = Joiner::new(true, 4, 1);
        joiner.settings(SettingsOf::Alice, 0, 4, &[0, 0]);
        joiner.missing(SettingsOf::Alice, 4..8);
        joiner.settings(SettingsOf::Alice, 8, 8, &[0; 4]);
        let mut batch = seen(&[(1, 1), (9, 8)], 16);
        batch.dropped.push(DroppedRange { from: 13, to: 15, cause: DropCause::Gap });
        joiner.slots(&batch);
        // Of 0..4: 0 is public, 2 is blind; of 4..8 nothing is known; of 8..16: 8 and 12 are public, 10
        // is blind, 13 and 14 are dropped.
        let sent = joiner.take_sent();
        assert_eq!((sent.slots[0], sent.detected[0], sent.unknown), (2 + 3, 2, 3));
        assert_eq!(joiner.take_matrix().clicks[0], [1, 0, 0, 1]);
    }

    proptest! {
        #[test]
        fn any_runs_and_detections_are_borne(
            runs in prop::collection::vec(
                (any::<bool>(), 0u64..500, 0u64..90, prop::collection::vec(any::<u8>(), 0..40), any::<bool>()),
                0..40,
            ),
            detections in prop::collection::vec((0u64..600, any::<u8>()), 0..40),
        ) {
            let mut joiner = Joiner::new(false, 16, 2);
            for (i, (alice, first, count, packed, missing)) in runs.iter().enumerate() {
                let whose = if *alice { SettingsOf::Alice } else { SettingsOf::Bob };
                match missing {
                    true => joiner.missing(whose, *first..first + count),
                    false => joiner.settings(whose, *first, *count, packed),
                }
                joiner.slots(&seen(&detections[..detections.len().min(i)], 20 * i as u64));
            }
            let sent = joiner.take_sent();
            prop_assert!(sent.detected.iter().zip(&sent.slots).all(|(d, s)| d <= s));
        }
    }
}
