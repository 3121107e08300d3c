//! The sender, whole: commands in, words at the player, settings on the cable.

extern crate std;
use crate::fakes::*;
use crate::prbs::Prbs31;
use crate::{Alice, AliceParts, CONTROL_HEADROOM, PulseWords};
use helio_bench::{InterlockState, SlotWord};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{Configure, HostMessage, MAX_FRAME};
use std::vec::Vec;

mod chip;
mod light;
mod sources;

type TestAlice = Alice<FakeSource, FakeModulator, FakePlayer, FakeRandom>;

/// A sender, its host and the time, stepped a millisecond at once.
struct Desk {
    alice: TestAlice,
    host: Host,
    cable: Cable,
    now: u64,
    said: Vec<Said>,
    epochs: Vec<u16>,
    heartbeats: bool,
    reads: bool,
}

impl Desk {
    fn new(capacity: usize) -> Desk {
        let parts = AliceParts {
            source: FakeSource::default(),
            modulator: FakeModulator,
            player: FakePlayer::new(capacity),
            random: FakeRandom::new(7),
        };
        Desk {
            alice: Alice::new(identity(), parts),
            host: Host::new(),
            cable: Cable::new(),
            now: MS,
            said: Vec::new(),
            epochs: Vec::new(),
            heartbeats: true,
            reads: true,
        }
    }

    /// Sends commands, and lets a millisecond go by.
    fn step(&mut self, commands: &[HostMessage]) {
        self.advance(commands, 5000);
    }

    fn advance(&mut self, commands: &[HostMessage], slots: usize) {
        let mut rx = Vec::new();
        for command in commands {
            rx.extend(self.host.command(*command));
        }
        if self.heartbeats && (self.now / MS).is_multiple_of(100) {
            rx.extend(self.host.command(HostMessage::Heartbeat));
        }
        self.alice.poll(Ticks(self.now), &rx, &mut self.cable);
        self.alice.run(Ticks(self.now), &mut self.cable);
        if self.reads {
            self.read();
        }
        self.alice.parts_mut().player.step(slots);
        self.now += MS;
    }

    fn read(&mut self) {
        for (header, said) in self.host.read(&mut self.cable) {
            self.epochs.push(header.epoch);
            self.said.push(said);
        }
    }

    fn start(&mut self, configure: Configure, slots: u64) {
        let begin = [
            HostMessage::Configure(configure),
            HostMessage::Arm { nonce: 1 },
            HostMessage::Start { epoch: 1, slots },
        ];
        let capacity = self.alice.parts_mut().player.capacity;
        self.advance(&begin, capacity.min(5000));
    }

    /// Settings in the order they came: first slot of each batch, and codes.
    fn settings(&self) -> Vec<(SlotIndex, Vec<u8>)> {
        let batches = self.said.iter().filter_map(|said| match said {
            Said::Settings(first, codes) => Some((*first, codes.clone())),
            _ => None,
        });
        batches.collect()
    }

    fn stopped(&self) -> Option<SlotIndex> {
        self.said.iter().find_map(|said| match said {
            Said::Stopped(end, _) => Some(*end),
            _ => None,
        })
    }
}

/// What a word says of its slot, the way settings say it.
fn code_of(word: SlotWord) -> u8 {
    word.intensity().0 << 2 | word.modulator()
}

#[test]
fn settings_on_the_cable_are_the_words_played() {
    // An odd capacity and odd steps: batches end in the middle of bytes.
    let mut desk = Desk::new(4999);
    let slots = 60_001;
    desk.start(configure(), slots);
    for n in 0..40 {
        desk.advance(&[], 1000 + 397 * (n % 8));
    }
    assert_eq!(desk.stopped(), Some(SlotIndex(slots)));
    assert_eq!(desk.alice.interlock(), InterlockState::Armed);
    let mut reported = Vec::new();
    for (first, codes) in desk.settings() {
        assert_eq!(first.0, reported.len() as u64);
        reported.extend(codes);
    }
    let spacing = usize::from(configure().sync_spacing);
    let mut prbs = Prbs31::new(configure().sync_seed).unwrap();
    let player = desk.alice.parts_mut().player;
    assert_eq!((player.played.len(), player.first), (slots as usize, SlotIndex(0)));
    assert_eq!(reported.len(), player.played.len());
    for (slot, (word, code)) in player.played.iter().zip(reported).enumerate() {
        if slot.is_multiple_of(spacing) {
            assert_eq!((*word, code), (SlotWord::sync(prbs.next_bit()), 0), "slot {slot}");
        } else {
            assert!(word.trigger() && !word.marker());
            assert_eq!(code, code_of(*word), "slot {slot}");
        }
    }
}

#[test]
fn frequencies_are_the_configured_weights() {
    let mut desk = Desk::new(5000);
    desk.start(configure(), 0);
    for _ in 0..200 {
        desk.step(&[]);
    }
    let mut counts = [0u64; 16];
    for word in &desk.alice.parts_mut().player.played {
        if word.trigger() {
            counts[usize::from(code_of(*word))] += 1;
        }
    }
    let total: u64 = counts.iter().sum();
    assert!(total > 980_000);
    let key = f64::from(configure().key_basis_weight) / 4096.0;
    let mut chi_squared = 0.0;
    for (code, count) in counts.iter().enumerate() {
        let level = f64::from(configure().intensity_weights[code >> 2]) / 4096.0;
        let basis = if code & 2 == 0 { key } else { 1.0 - key };
        let expected = total as f64 * level * basis / 2.0;
        if expected == 0.0 {
            assert_eq!(*count, 0);
        } else {
            chi_squared += (*count as f64 - expected).powi(2) / expected;
        }
    }
    // 12 cells, 11 degrees of freedom: 31.3 is exceeded once in a thousand seeds; this one is
    // fixed.
    assert!(chi_squared < 31.3, "chi squared {chi_squared}");
}

#[test]
fn every_random_number_gives_its_setting() {
    let c = configure();
    let draw = super::PulseDraw::new(&c, PulseWords::default()).unwrap();
    let sums = [2900, 3900, 4096];
    for x in 0..4096u32 {
        let level = sums.iter().position(|s| x < *s).unwrap() as u32;
        let test = u32::from(x >= u32::from(c.key_basis_weight));
        assert_eq!(draw.code(x) >> 2, level);
        assert_eq!(draw.code(x << 12) & 3, test << 1);
        assert_eq!(draw.code(x << 12 | 1 << 24) & 3, test << 1 | 1);
        assert_eq!(draw.code(0xFE00_0000 | x), level << 2);
    }
}

#[test]
fn a_run_without_limit_ends_by_command_at_the_first_slot_not_played() {
    let mut desk = Desk::new(5000);
    desk.start(configure(), 0);
    for _ in 0..10 {
        desk.advance(&[], 1000);
    }
    let stop = desk.host.sequence;
    desk.step(&[HostMessage::Stop]);
    desk.step(&[]);
    assert_eq!(desk.stopped(), Some(SlotIndex(5000 + 10 * 1000)));
    let tick = desk.said.iter().find_map(|said| match said {
        Said::Ack(command, tick) if *command == stop => Some(*tick),
        _ => None,
    });
    assert_eq!(tick, Some(Ticks(12 * MS)));
    assert!(!desk.alice.parts_mut().source.enabled);
    assert_eq!(desk.alice.counters().slots, 15_000);
}

#[test]
fn a_second_run_has_its_own_epoch_and_begins_at_slot_0() {
    let mut desk = Desk::new(5000);
    desk.start(configure(), 20_000);
    for _ in 0..8 {
        desk.step(&[]);
    }
    assert!(desk.stopped().is_some());
    desk.said.clear();
    desk.epochs.clear();
    desk.step(&[HostMessage::Start { epoch: 2, slots: 10_000 }]);
    for _ in 0..8 {
        desk.step(&[]);
    }
    assert_eq!(desk.stopped(), Some(SlotIndex(10_000)));
    assert_eq!(desk.settings()[0].0, SlotIndex(0));
    assert!(desk.epochs.iter().all(|epoch| *epoch == 2));
    assert_eq!(desk.alice.counters().slots, 30_000);
    assert_eq!(desk.alice.counters().starved_slots, 0);
}

#[test]
fn no_more_than_a_millisecond_is_ever_queued() {
    let mut desk = Desk::new(1 << 20);
    desk.start(configure(), 0);
    for _ in 0..5 {
        assert_eq!(desk.alice.parts_mut().player.queue.len(), 0);
        desk.step(&[]);
    }
    assert_eq!(desk.alice.counters().slots, 6 * 5000);
}

#[test]
fn settings_that_find_no_room_are_counted_and_the_rest_keeps_its_slots() {
    let mut desk = Desk::new(5000);
    desk.cable.capacity = CONTROL_HEADROOM + 3 * MAX_FRAME;
    desk.start(configure(), 0);
    let mut lost = 0;
    for n in 0..60 {
        desk.reads = n % 3 == 0;
        desk.step(&[]);
        if desk.reads {
            lost = desk.alice.counters().lost_settings;
        }
    }
    desk.step(&[HostMessage::Stop]);
    desk.read();
    desk.reads = true;
    desk.step(&[]);
    assert!(lost > 0);
    let lost = desk.alice.counters().lost_settings;
    let (mut next, mut missing) = (0, 0);
    let settings = desk.settings();
    let player = desk.alice.parts_mut().player;
    for (first, codes) in settings {
        assert!(first.0 >= next);
        missing += first.0 - next;
        next = first.0 + codes.len() as u64;
        for (offset, code) in codes.iter().enumerate() {
            let slot = first.0 as usize + offset;
            if let Some(word) = player.played.get(slot)
                && !slot.is_multiple_of(64)
            {
                assert_eq!(*code, code_of(*word));
            }
        }
    }
    let tail = (player.played.len() as u64).saturating_sub(next);
    assert!(missing > 0 && missing + tail <= lost, "{missing} + {tail} of {lost}");
}

#[test]
fn commands_are_answered_while_the_cable_is_full_of_data() {
    let mut desk = Desk::new(5000);
    desk.cable.capacity = CONTROL_HEADROOM + 2 * MAX_FRAME;
    desk.start(configure(), 0);
    desk.reads = false;
    for _ in 0..20 {
        desk.step(&[]);
    }
    assert!(desk.alice.counters().lost_settings > 0, "the cable is full");
    let command = desk.host.sequence;
    desk.step(&[HostMessage::Hello, HostMessage::Heartbeat]);
    desk.read();
    assert!(desk.said.iter().any(|s| matches!(s, Said::Hello(c, ..) if *c == command)));
    assert!(desk.said.iter().any(|s| matches!(s, Said::Ack(c, _) if *c == command + 1)));
}

#[test]
fn delays_of_the_states_go_to_the_source_when_they_change() {
    use helio_bench::Polarization;
    use helio_units::Picoseconds;
    let mut desk = Desk::new(5000);
    // Behind the fifteen entries that the firmware counts; a sender has no dead times.
    let set = |index, value| HostMessage::Set { index, value, from: Ticks(0) };
    desk.step(&[set(16, -350), set(17, 5_000), set(17, 5_001)]);
    desk.step(&[set(16, -350), set(16, 20)]);
    let told = [(Polarization::V, -350), (Polarization::D, 5_000), (Polarization::V, 20)];
    let told = told.map(|(state, ps)| (state, Picoseconds(ps)));
    assert_eq!(desk.alice.parts_mut().source.delays, told);
    let refused = desk.said.iter().filter(|said| matches!(said, Said::Error(..))).count();
    assert_eq!(refused, 1);
}
