//! Settings from elsewhere than the device's own generator, and bursts.

use super::*;
use crate::Identity;
use helio_bench::{SettingsSource, TripCause};
use helio_wire::{Capabilities, Concealed, ErrorCode};

fn codes(desk: &Desk) -> Vec<u8> {
    desk.settings().into_iter().flat_map(|(_, codes)| codes).collect()
}

#[test]
fn a_pattern_is_played_reported_and_named() {
    let mut desk = Desk::new(5000);
    let pattern: Vec<u8> = (0..7).map(|n| n + 3).collect();
    let source = HostMessage::Source(SettingsSource::Pattern);
    desk.step(&[HostMessage::Pattern(&pattern), source]);
    desk.start(configure(), 10_000);
    (0..20).for_each(|_| desk.step(&[]));
    let (codes, spacing) = (codes(&desk), usize::from(configure().sync_spacing));
    assert_eq!(codes.len(), 10_000);
    for (slot, code) in codes.iter().enumerate() {
        let expected = if slot.is_multiple_of(spacing) { 0 } else { pattern[slot % 7] };
        assert_eq!(*code, expected, "slot {slot}");
        let word = desk.alice.parts_mut().player.played[slot];
        assert!(slot.is_multiple_of(spacing) || code_of(word) == *code);
    }
    assert!(desk.host.sources.iter().all(|source| *source == SettingsSource::Pattern));
}

#[test]
fn a_seed_gives_the_same_settings_again() {
    let run = |seed: [u8; 32]| {
        let mut desk = Desk::new(5000);
        let source = HostMessage::Source(SettingsSource::HostSeed);
        desk.step(&[HostMessage::Seed(Concealed(&seed)), source]);
        desk.start(configure(), 10_000);
        (0..20).for_each(|_| desk.step(&[]));
        assert!(desk.host.sources.iter().all(|source| *source == SettingsSource::HostSeed));
        codes(&desk)
    };
    assert_eq!(run([1; 32]), run([1; 32]));
    assert_ne!(run([1; 32]), run([2; 32]));
}

#[test]
fn fed_settings_come_from_the_hosts_bytes_and_starve_without() {
    let mut desk = Desk::new(500);
    let bytes: Vec<u8> = (0..1024).map(|n| (n * 37 % 251) as u8).collect();
    let feed = HostMessage::Feed(Concealed(&bytes));
    desk.step(&[feed, HostMessage::Source(SettingsSource::HostFeed)]);
    desk.step(&[feed]);
    desk.start(configure(), 0);
    for _ in 0..10 {
        desk.advance(&[feed], 250);
    }
    assert_eq!(desk.alice.interlock(), InterlockState::Emitting, "fed as it is used up");
    assert!(desk.alice.is_hungry(500), "and never as much as the player takes");
    for _ in 0..20 {
        desk.advance(&[], 250);
    }
    assert_eq!(desk.alice.interlock(), InterlockState::Tripped(TripCause::RandomFault));
    assert!(!desk.alice.is_hungry(500), "nothing plays");
    assert!(desk.host.sources.iter().all(|source| *source == SettingsSource::HostFeed));
    let draw = crate::alice::PulseDraw::new(&configure(), PulseWords::default()).unwrap();
    for (slot, code) in codes(&desk).into_iter().enumerate().filter(|(slot, _)| slot % 64 != 0) {
        let number = core::array::from_fn(|i| bytes[(4 * slot + i) % 1024]);
        assert_eq!(u32::from(code), draw.code(u32::from_le_bytes(number)), "slot {slot}");
    }
}

#[test]
fn a_burst_plays_its_slots_at_each_trigger_and_none_between() {
    let mut desk = Desk::new(5000);
    let capabilities = Capabilities::BURSTS;
    let parts = AliceParts {
        source: FakeSource::default(),
        modulator: FakeModulator,
        player: FakePlayer::new(5000),
        random: FakeRandom::new(7),
    };
    desk.alice = Alice::new(Identity { capabilities, ..identity() }, parts);
    desk.start(Configure { burst_slots: 700, ..configure() }, 2000);
    for burst in 0..3u64 {
        for _ in 0..3 {
            desk.step(&[]);
        }
        let played = desk.alice.counters().slots;
        assert_eq!((played, desk.alice.counters().starved_slots), (700 * burst, 0));
        assert!(!desk.alice.parts_mut().player.running);
        desk.alice.trigger();
        desk.alice.trigger();
    }
    (0..10).for_each(|_| desk.step(&[]));
    assert_eq!(desk.stopped(), Some(SlotIndex(2000)), "the last burst is cut at the run's end");
    assert_eq!(desk.alice.interlock(), InterlockState::Armed);
    assert_eq!(codes(&desk).len(), 2000);
    let refused = |s: &Said| matches!(s, Said::Error(_, ErrorCode::OutOfRange, _));
    assert!(!desk.said.iter().any(refused));
}

#[test]
fn pins_follow_the_sources_wiring() {
    struct OneHot;
    impl helio_bench::PulseSource for OneHot {
        fn max_trigger_rate(&self) -> helio_units::Hertz {
            helio_units::Hertz(1)
        }
        fn levels(&self) -> &[helio_units::MeanPhotons] {
            &LEVELS
        }
        fn statement(&self) -> helio_bench::SourceStatement {
            FakeSource::default().statement()
        }
        fn set_enabled(&mut self, _: bool) {}
        fn is_enabled(&self) -> bool {
            false
        }
        fn word(
            &self,
            level: helio_bench::Intensity,
            state: helio_bench::Polarization,
        ) -> SlotWord {
            SlotWord(1 << (state as u16) | u16::from(level.0) << 4)
        }
    }
    let draw = super::super::PulseDraw::new(&configure(), PulseWords::of(&OneHot)).unwrap();
    use crate::sequencer::Draw;
    assert_eq!(draw.word(0b01_10), SlotWord(1 << 2 | 1 << 4));
    let plain = PulseWords::of(&FakeSource::default());
    assert_eq!(plain, PulseWords::default());
}
