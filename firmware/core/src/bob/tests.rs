//! The receiver, whole: sync edges and clicks in; tags, marks and settings on the cable.

extern crate std;
use crate::fakes::*;
use crate::prbs::Prbs31;
use crate::receiver::ActiveReceiver;
use crate::{Bob, BobParts, CONTROL_HEADROOM};
use helio_bench::{Edge, InterlockState, Loss, SlotTiming, SlotWord};
use helio_units::{FineTicks, SlotIndex, Ticks};
use helio_wire::{Capabilities, HostMessage, MAX_FRAME};
use std::vec::Vec;

mod clock_edges;
mod clocks;
mod losses;

type Active = ActiveReceiver<FakeModulator, FakePlayer, FakeClock, FakeRandom>;

/// When Alice's position 0 comes, in Bob's ticks, and how much longer her periods look to him.
const ALICE_STARTS: f64 = 3.3 * MS as f64;
const STRETCH: f64 = 1.0 + 40e-6;
const PERIOD: f64 = 1920.0 * STRETCH;

struct Desk<V> {
    bob: Bob<FakeEdges, V>,
    host: Host,
    cable: Cable,
    now: u64,
    said: Vec<Said>,
    reads: bool,
    noise: Noise,
    prbs: Prbs31,
    position: u64,
    /// Whether Alice's sync pulses arrive.
    light: bool,
    clicks_a_ms: u64,
    clicks: Vec<Edge>,
    /// Edges of SYNC IN.
    pulses: Vec<Ticks>,
}

fn edges_of(bob: &mut Bob<FakeEdges, Active>) -> &mut FakeEdges {
    bob.parts_mut().edges
}

impl Desk<Active> {
    fn active() -> Desk<Active> {
        let parts = BobParts {
            modulator: FakeModulator,
            player: FakePlayer::new(5000),
            edges: FakeEdges::new(2),
            clock: FakeClock::default(),
            random: FakeRandom::new(3),
        };
        Desk::new(Bob::new(identity(), parts))
    }

    fn step(&mut self, commands: &[HostMessage]) {
        self.turn(commands, edges_of);
        let first_tick = FineTicks::from_ticks(Ticks(self.now));
        let parts = self.bob.parts_mut();
        parts.clock.now = Ticks(self.now);
        // Slots of the last timing that began in this millisecond.
        let Some(timing) = parts.clock.steered.last() else { return };
        let period = timing.period.0;
        let begun = |until: FineTicks| (until.0 - timing.start.0).div_euclid(period) + 1;
        let first = parts.player.first.0 as i128 - timing.slot.0 as i128;
        let before = FineTicks(first_tick.0 - FineTicks::from_ticks(Ticks(MS)).0);
        let slots = (begun(first_tick) - first).max(0) - (begun(before) - first).max(0);
        parts.player.step(slots as usize);
    }

    fn start(&mut self, slots: u64) {
        self.step(&[HostMessage::Configure(configure()), HostMessage::Start { epoch: 1, slots }]);
    }

    fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.step(&[]);
        }
    }
}

impl<V: crate::Receiver> Desk<V> {
    fn new(bob: Bob<FakeEdges, V>) -> Desk<V> {
        Desk {
            bob,
            host: Host::new(),
            cable: Cable::new(),
            now: MS,
            said: Vec::new(),
            reads: true,
            noise: Noise::new(5),
            prbs: Prbs31::new(configure().sync_seed).unwrap(),
            position: 0,
            light: true,
            clicks_a_ms: 20,
            clicks: Vec::new(),
            pulses: Vec::new(),
        }
    }

    /// One turn of the device, then a millisecond of light.
    fn turn(
        &mut self,
        commands: &[HostMessage],
        edges: fn(&mut Bob<FakeEdges, V>) -> &mut FakeEdges,
    ) {
        let mut rx = Vec::new();
        for command in commands {
            rx.extend(self.host.command(*command));
        }
        if (self.now / MS).is_multiple_of(100) {
            rx.extend(self.host.command(HostMessage::Heartbeat));
        }
        self.bob.poll(Ticks(self.now), &rx, &mut self.cable);
        self.bob.run(Ticks(self.now), &mut self.cable);
        if self.reads {
            self.read();
        }
        let end = self.now + MS;
        let mut made = Vec::new();
        for _ in 0..self.clicks_a_ms {
            let tick = Ticks(self.now + self.noise.below(MS));
            made.push(Edge { tick, channel: self.noise.below(2) as u8 });
        }
        made.sort();
        self.clicks.extend(&made);
        loop {
            let time = ALICE_STARTS + self.position as f64 * PERIOD;
            if time >= end as f64 {
                break;
            }
            self.position += 1;
            if self.prbs.next_bit() && self.light {
                made.push(Edge { tick: Ticks(time as u64), channel: 2 });
                self.pulses.push(Ticks(time as u64));
            }
        }
        made.sort();
        self.now = end;
        let source = edges(&mut self.bob);
        source.queue.extend(made);
        source.reached = Ticks(end);
    }

    fn read(&mut self) {
        self.said.extend(self.host.read(&mut self.cable).into_iter().map(|(_, said)| said));
    }

    fn marks(&self) -> Vec<SlotTiming> {
        let marks = self.said.iter().filter_map(|said| match said {
            Said::Mark(timing) => Some(*timing),
            _ => None,
        });
        marks.collect()
    }
}

/// Where Alice's slot begins for Bob: half a slot before its pulse.
fn truth(slot: u64) -> f64 {
    ALICE_STARTS + (slot as f64 / 64.0) * PERIOD - 15.0 * STRETCH
}

fn ticks(time: FineTicks) -> f64 {
    time.0 as f64 / (1u64 << 32) as f64
}

/// Checks the order of the stream of tags and gives its edges and gaps.
fn tag_stream(said: &[Said]) -> (Vec<Edge>, Vec<Loss>) {
    let (mut edges, mut gaps, mut reached) = (Vec::new(), Vec::new(), Ticks(0));
    for said in said {
        match said {
            Said::Tags(base, batch, until) => {
                assert!(*base >= reached, "base {base:?} before {reached:?}");
                for edge in batch {
                    assert!(edge.tick >= reached, "{edge:?} after {reached:?}");
                    assert!(edges.last().is_none_or(|last: &Edge| last.tick <= edge.tick));
                    edges.push(*edge);
                }
                assert!(*until >= reached);
                reached = *until;
            }
            Said::Gap(gap) => {
                assert!(gap.from >= reached || gap.to >= reached);
                reached = reached.max(gap.to);
                gaps.push(*gap);
            }
            Said::Mark(timing) => assert!(
                timing.start.floor() >= reached || !gaps.is_empty(),
                "a mark at {:?} after {reached:?}",
                timing.start.floor()
            ),
            Said::LockLost(tick) => assert!(*tick >= reached),
            _ => {}
        }
    }
    (edges, gaps)
}

#[test]
fn marks_number_slots_like_alice() {
    let mut desk = Desk::active();
    desk.start(0);
    desk.run(300);
    let marks = desk.marks();
    assert!((26..=31).contains(&marks.len()), "{} marks", marks.len());
    for mark in &marks {
        let error = ticks(mark.start) - truth(mark.slot.0);
        assert!(error.abs() < 0.5, "{mark:?} is {error} ticks off");
        // Held over until the next one.
        let later = SlotIndex(mark.slot.0 + 50_000);
        let error = ticks(mark.start_of(later)) - truth(later.0);
        assert!(error.abs() < 1.0, "{error} ticks off 10 ms later");
    }
    assert_eq!(marks, desk.bob.parts_mut().clock.steered[..marks.len()]);
    assert!(desk.bob.counters().locked);
}

#[test]
fn every_click_arrives_once_and_no_sync_edge_does() {
    let mut desk = Desk::active();
    desk.start(0);
    let start = desk.now - MS;
    desk.run(200);
    desk.step(&[HostMessage::Stop]);
    desk.step(&[]);
    let stopped = desk.now - 2 * MS;
    let (edges, gaps) = tag_stream(&desk.said);
    assert_eq!(gaps, []);
    let expected: Vec<Edge> =
        desk.clicks.iter().copied().filter(|e| e.tick.0 >= start && e.tick.0 < stopped).collect();
    assert_eq!(edges, expected);
    assert_eq!(desk.bob.counters().edges, expected.len() as u64);
}

#[test]
fn settings_on_the_cable_are_the_words_played_at_their_slots() {
    let mut desk = Desk::active();
    let limit = 700_000;
    desk.start(limit);
    desk.run(200);
    let first = desk.bob.parts_mut().player.first;
    assert_eq!(first, desk.marks()[0].slot);
    let mut reported = Vec::new();
    for said in &desk.said {
        if let Said::Settings(batch_first, codes) = said {
            assert_eq!(batch_first.0, first.0 + reported.len() as u64);
            reported.extend(codes);
        }
    }
    let player = desk.bob.parts_mut().player;
    assert_eq!(player.played.len() as u64, limit - first.0);
    assert_eq!(reported.len(), player.played.len());
    let mut counts = [0u64; 4];
    for (offset, (word, code)) in player.played.iter().zip(&reported).enumerate() {
        if (first.0 + offset as u64).is_multiple_of(64) {
            assert_eq!((*word, *code), (SlotWord::DARK, 0));
        } else {
            assert!(word.gate() && !word.trigger());
            assert_eq!(word.modulator(), *code);
            counts[usize::from(*code)] += 1;
        }
    }
    let total = counts.iter().sum::<u64>() as f64;
    let key = f64::from(configure().key_basis_weight) / 4096.0;
    let chi_squared: f64 = [key, 1.0 - key, key, 1.0 - key]
        .iter()
        .zip(counts)
        .map(|(p, n)| (n as f64 - total * p / 2.0).powi(2) / (total * p / 2.0))
        .sum();
    // 3 degrees of freedom: exceeded once in a thousand seeds; this one is fixed.
    assert!(chi_squared < 16.3, "chi squared {chi_squared}");
    assert_eq!(desk.bob.counters().starved_slots, 0);
    let stopped = desk.said.iter().find_map(|said| match said {
        Said::Stopped(end, _) => Some(*end),
        _ => None,
    });
    assert_eq!(stopped, Some(SlotIndex(limit)));
}

#[test]
fn a_slot_clock_that_is_too_late_is_asked_again() {
    let mut desk = Desk::active();
    desk.bob.parts_mut().clock.refuse = 3;
    desk.start(0);
    desk.run(60);
    assert_eq!(desk.bob.parts_mut().clock.too_late, 3);
    assert!(desk.bob.counters().locked);
    // One that never obeys leaves the slots without numbers.
    let mut desk = Desk::active();
    desk.bob.parts_mut().clock.refuse = u32::MAX;
    desk.start(0);
    desk.run(60);
    assert_eq!(desk.marks(), []);
    assert!(!desk.bob.parts_mut().player.running);
}

#[test]
fn a_passive_receiver_numbers_slots_and_reports_no_settings() {
    let mut desk = Desk::new(Bob::passive(identity(), FakeEdges::new(2)));
    desk.turn(
        &[
            HostMessage::Hello,
            HostMessage::Configure(configure()),
            HostMessage::Start { epoch: 3, slots: 0 },
        ],
        |bob| bob.edges_mut(),
    );
    for _ in 0..100 {
        desk.turn(&[], |bob| bob.edges_mut());
    }
    let Some(Said::Hello(_, _, capabilities, channels)) = desk.said.first() else {
        panic!("{:?}", desk.said.first());
    };
    assert_eq!(*channels, 2);
    assert!(capabilities.has(Capabilities::PASSIVE_RECEIVER.with(Capabilities::SIMULATED)));
    assert!(!capabilities.has(Capabilities::REPORTS_SETTINGS));
    assert!(desk.marks().len() > 5);
    assert!(!desk.said.iter().any(|s| matches!(s, Said::Settings(..))));
    let mark = desk.marks()[5];
    assert!((ticks(mark.start) - truth(mark.slot.0)).abs() < 0.5);
}

#[test]
fn a_new_run_looks_for_sync_anew() {
    let mut desk = Desk::active();
    desk.start(0);
    desk.run(50);
    desk.step(&[HostMessage::Stop]);
    desk.step(&[]);
    assert!(!desk.bob.counters().locked);
    desk.said.clear();
    desk.step(&[HostMessage::Start { epoch: 2, slots: 0 }]);
    desk.run(60);
    assert!(desk.bob.counters().locked);
    let mark = desk.marks()[0];
    assert!((ticks(mark.start) - truth(mark.slot.0)).abs() < 0.5);
}
