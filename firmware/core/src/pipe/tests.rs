extern crate std;
use super::*;
use crate::fakes::*;
use crate::planes::{Inbox, RunOrder};
use crate::random::SupplyKind;
use crate::{AliceData, Control, Profile};
use heapless::spsc::Queue;
use helio_bench::{InterlockState, SlotTiming};
use helio_units::{FineTicks, SlotIndex, TickLength, Ticks};
use helio_wire::HostMessage;
use std::vec::Vec;

mod steer;

/// Two cores in turns of random length, a cable that is read slowly, and a run that ends by itself
/// with the cable full.
struct TwoCores {
    noise: Noise,
    control: Control,
    host: Host,
    cable: Cable,
    now: u64,
    said: Vec<(u16, Said)>,
}

impl TwoCores {
    fn new(seed: u64) -> TwoCores {
        let source = FakeSource::default();
        let profile = Profile::alice(identity(), &source, &FakeModulator, &FakeRandom::new(seed));
        TwoCores {
            noise: Noise::new(seed),
            control: Control::new(profile),
            host: Host::new(),
            cable: Cable { capacity: 8192, bytes: Vec::new() },
            now: MS,
            said: Vec::new(),
        }
    }

    /// Runs `slots` slots; the host reads a little of the cable in `reads` of eight turns.
    fn run(&mut self, slots: u64, reads: u64, command_stop: bool) {
        let (mut orders, mut events) = (Queue::<Orders, 16>::new(), Queue::<Told, 64>::new());
        let mut frames = Queue::<u8, 16_384>::new();
        let ((to_data, mut from_control), (mut told, heard)) = (orders.split(), events.split());
        let (bytes, moved) = frames.split();
        let mut orders = OrderSender::new(to_data);
        let (mut mover, mut receiver) = (FrameMover::new(moved), EventReceiver::new(heard));
        let mut frames = Frames::new(bytes);
        let tick = TickLength::CYCLE_150_MHZ;
        let mut alice = AliceData::new(NONCE, tick, FakePlayer::new(4999), FakeRandom::new(1));
        let mut commands = std::vec![
            HostMessage::Heartbeat,
            HostMessage::Configure(configure()),
            HostMessage::Arm { nonce: 1 },
            HostMessage::Start { epoch: 1, slots: if command_stop { 0 } else { slots } },
        ];
        let mut turns = 0;
        while !self.said.iter().any(|(_, said)| matches!(said, Said::Stopped(..))) {
            turns += 1;
            assert!(turns < 20_000, "the run does not end");
            // Core 1, or not.
            if self.noise.below(4) > 0 {
                while let Some(orders) = from_control.dequeue() {
                    alice.order(&orders);
                }
                alice.parts_mut().0.step(500);
                for event in alice.run(Ticks(self.now), &mut frames) {
                    let _ = told.enqueue(Told::new(event, &frames));
                }
            }
            // Core 0, or not.
            if self.noise.below(4) > 0 {
                if command_stop && turns == 40 {
                    commands.push(HostMessage::Stop);
                }
                if turns % 100 == 0 {
                    commands.push(HostMessage::Heartbeat);
                }
                let rx: Vec<u8> = commands.drain(..).flat_map(|c| self.host.command(c)).collect();
                let mut heard = Vec::new();
                while let Some(event) = receiver.next(&mover) {
                    heard.push(event);
                }
                let given = self.control.poll(Ticks(self.now), &heard, &rx, &mut self.cable);
                orders.send(given);
                mover.go(&mut self.cable, 1024);
            }
            // A host takes from the front of the cable.
            if self.noise.below(8) < reads {
                self.read(150);
            }
            self.now += MS / 5;
        }
    }

    fn read(&mut self, bytes: usize) {
        let take = bytes.min(self.cable.bytes.len());
        let rest = self.cable.bytes.split_off(take);
        for (header, said) in self.host.read(&mut self.cable) {
            self.said.push((header.epoch, said));
        }
        self.cable.bytes = rest;
    }

    fn settings(&self) -> u64 {
        let settings = |said: &Said| match said {
            Said::Settings(_, codes) => codes.len() as u64,
            _ => 0,
        };
        self.said.iter().map(|(_, said)| settings(said)).sum()
    }
}

#[test]
fn nothing_of_a_run_comes_behind_its_end() {
    for (seed, reads) in [(1, 8), (2, 4), (3, 2), (4, 1)] {
        for command_stop in [false, true] {
            let mut cores = TwoCores::new(seed);
            cores.run(20_000, reads, command_stop);
            let end = cores.said.iter().find_map(|(_, said)| match said {
                Said::Stopped(end, _) => Some(end.0),
                _ => None,
            });
            let before = cores.settings();
            cores.read(usize::MAX);
            assert_eq!(cores.settings(), before, "settings behind the end of their run");
            assert!(before > 0 && cores.control.interlock() == InterlockState::Armed);
            assert!(end.is_some_and(|end| command_stop || end == 20_000));
            if reads == 8 && !command_stop {
                assert_eq!(before, 20_000);
            }
        }
    }
}

fn stopped(epoch: u16) -> Event {
    Event::Stopped { epoch, end: SlotIndex(7), tick: Ticks(0) }
}

#[test]
fn only_the_end_of_a_run_waits_for_its_data_and_not_for_ever() {
    let (mut events, mut bytes) = (Queue::<Told, 64>::new(), Queue::<u8, 64>::new());
    let ((mut told, heard), (to, from)) = (events.split(), bytes.split());
    let (mut frames, mut mover) = (Frames::new(to), FrameMover::new(from));
    let mut receiver = EventReceiver::new(heard);
    let mut tell = |event, frames: &Frames| told.enqueue(Told::new(event, frames)).unwrap();
    tell(stopped(1), &frames);
    assert_eq!(receiver.next(&mover), Some(stopped(1)), "nothing was sent");
    frames.send(&[1, 1, 0]);
    tell(stopped(2), &frames);
    tell(Event::PlayerFault, &frames);
    assert_eq!(receiver.next(&mover), Some(Event::Stopping { epoch: 2 }));
    assert_eq!(receiver.next(&mover), Some(Event::PlayerFault));
    assert_eq!(receiver.next(&mover), None);
    let mut full = Cable { capacity: 0, bytes: Vec::new() };
    mover.go(&mut full, 100);
    assert_eq!(receiver.next(&mover), None);
    let mut cable = Cable::new();
    mover.go(&mut cable, 100);
    assert_eq!((receiver.next(&mover), receiver.next(&mover)), (Some(stopped(2)), None));
    frames.send(&[1, 1, 0]);
    tell(stopped(3), &frames);
    assert_eq!(receiver.next(&mover), Some(Event::Stopping { epoch: 3 }));
    receiver.link_is_reset();
    assert_eq!((receiver.next(&mover), receiver.next(&mover)), (Some(stopped(3)), None));
}

/// Whether a secret is left in any place of the queue can be told by what was put there last.
#[test]
fn every_place_of_the_queue_is_written_over_behind_what_the_host_gave() {
    let mut queue = Queue::<Supply, 5>::new();
    let (to_data, mut from_control) = queue.split();
    let mut sender = SupplySender::new(to_data);
    let empty = std::format!("{:?}", Supply::EMPTY);
    let mut noise = Noise::new(9);
    for _ in 0..50 {
        let given = 1 + noise.below(9) as usize;
        let bytes = std::vec![7; 64 * given];
        let mut pieces = Supply::pieces(SupplyKind::Feed, &bytes);
        let mut places = std::vec::Vec::new();
        for _ in 0..40 {
            sender.go(|| pieces.next());
            if noise.below(3) > 0 {
                while let Some(piece) = from_control.dequeue() {
                    places.push(std::format!("{piece:?}") == empty);
                }
            }
        }
        while let Some(piece) = from_control.dequeue() {
            places.push(std::format!("{piece:?}") == empty);
        }
        let (full, blank) = places.split_at(given);
        assert!(full.iter().all(|empty| !empty) && blank == [true; 5]);
    }
}

#[test]
fn orders_that_wait_come_to_the_same_as_if_they_had_not() {
    let mut noise = Noise::new(4);
    for _ in 0..2000 {
        let mut queue = Queue::<Orders, 4>::new();
        let (to_data, mut from_control) = queue.split();
        let mut sender = OrderSender::new(to_data);
        let (mut late, mut expected) = (Inbox::default(), Inbox::default());
        for n in 0..noise.below(20) {
            let timing =
                SlotTiming { slot: SlotIndex(n), start: FineTicks(9), period: FineTicks(1) };
            let start = RunOrder::Start { epoch: n as u16, slots: None };
            let orders = Orders {
                enable: noise.below(2) == 0,
                halt: noise.below(4) == 0,
                configure: (noise.below(4) == 0).then(configure),
                run: [None, None, Some(start), Some(RunOrder::Stop)][noise.below(4) as usize],
                permit_until: Ticks(n),
                source: helio_bench::SettingsSource::Own,
                dead_times: [n as u32; 8],
                delays: [n as i32; 4],
                slot_clock: (noise.below(3) == 0).then_some((n as u32, timing)),
            };
            expected.take(&orders);
            sender.send(orders);
        }
        while !sender.flush() || from_control.ready() {
            while let Some(orders) = from_control.dequeue() {
                late.take(&orders);
            }
        }
        assert_eq!(late, expected);
    }
}
