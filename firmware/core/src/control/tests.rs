//! The dialogue with the host, frame by frame.

extern crate std;
use super::*;
use crate::fakes::*;
use crate::planes::{Counters, RunOrder};
use helio_bench::TripCause;
use helio_bench::{Board, NoBoard};
use helio_units::SlotIndex;
use helio_wire::{Configure, ErrorCode, HostMessage, Role};
use proptest::prelude::*;
use std::vec::Vec;

mod sources;
mod table;
mod trips;

struct Desk<B = NoBoard> {
    control: Control<B>,
    host: Host,
    cable: Cable,
    now: u64,
    orders: Orders,
}

fn desk_of(role: Role) -> Desk {
    desk_on(role, NoBoard)
}

fn desk_on<B: Board>(role: Role, board: B) -> Desk<B> {
    let profile = match role {
        Role::Alice => {
            Profile::alice(identity(), &FakeSource::default(), &FakeModulator, &FakeRandom::new(0))
        }
        Role::Bob => Profile::bob(
            identity(),
            2,
            helio_wire::Capabilities::ACTIVE_RECEIVER,
            Picoseconds(50_000),
            (helio_bench::RandomClass::Seeded, "test"),
        ),
    };
    let control = Control::with_board(profile, board);
    let mut desk =
        Desk { control, host: Host::new(), cable: Cable::new(), now: MS, orders: no_orders() };
    desk.poll(&[], &[]);
    desk
}

fn no_orders() -> Orders {
    Orders {
        enable: false,
        halt: false,
        configure: None,
        run: None,
        permit_until: Ticks(0),
        source: helio_bench::SettingsSource::Own,
        dead_times: [0; crate::DEAD_TIMES],
        delays: [0; 4],
        slot_clock: None,
    }
}

impl<B: Board> Desk<B> {
    /// One poll, a millisecond after the last one; what the device says.
    fn poll(&mut self, events: &[Event], rx: &[u8]) -> Vec<Said> {
        self.now += MS;
        self.orders = self.control.poll(Ticks(self.now), events, rx, &mut self.cable);
        self.host.read(&mut self.cable).into_iter().map(|(_, said)| said).collect()
    }

    fn send(&mut self, message: HostMessage<'_>) -> Vec<Said> {
        let rx = self.host.command(message);
        self.poll(&[], &rx)
    }

    /// The answer to a command: the first thing said, for the last sequence number.
    fn ask(&mut self, message: HostMessage<'_>) -> Said {
        let command = self.host.sequence;
        let said = self.send(message);
        let answers: Vec<&Said> = said
            .iter()
            .filter(|s| matches!(s, Said::Ack(c, _) | Said::Error(c, ..) | Said::Hello(c, ..) | Said::Value(c, ..) if *c == command))
            .collect();
        assert!(answers.len() <= 1, "{said:?}");
        answers.first().map_or(Said::Log("no answer".into()), |s| (*s).clone())
    }

    fn accept(&mut self, message: HostMessage<'_>) {
        let answer = self.ask(message);
        assert_eq!(answer, Said::Ack(self.host.sequence - 1, Ticks(self.now)));
    }

    fn refuse(&mut self, message: HostMessage, code: ErrorCode, detail: u32) {
        let answer = self.ask(message);
        assert_eq!(answer, Said::Error(self.host.sequence - 1, code, detail), "{message:?}");
    }

    fn emit(&mut self) {
        self.accept(HostMessage::Configure(configure()));
        self.accept(HostMessage::Arm { nonce: 77 });
        self.send(HostMessage::Start { epoch: 1, slots: 0 });
        let tick = Ticks(self.now);
        self.poll(&[Event::Started { epoch: 1, tick }], &[]);
        assert_eq!(self.control.interlock(), InterlockState::Emitting);
    }
}

fn start(epoch: u16) -> HostMessage<'static> {
    HostMessage::Start { epoch, slots: 0 }
}

#[test]
fn a_run_from_hello_to_safe() {
    let mut desk = desk_of(Role::Alice);
    desk.host.nonce = 0;
    let Said::Hello(0, Role::Alice, capabilities, 0) = desk.ask(HostMessage::Hello) else {
        panic!("no hello");
    };
    assert!(capabilities.has(helio_wire::Capabilities::REPORTS_SETTINGS));
    desk.host.nonce = NONCE;
    desk.refuse(HostMessage::Arm { nonce: 1 }, ErrorCode::NotConfigured, 0);
    desk.refuse(start(1), ErrorCode::NotConfigured, 0);
    desk.accept(HostMessage::Configure(configure()));
    assert_eq!(desk.orders.configure, Some(configure()));
    desk.refuse(start(1), ErrorCode::WrongState, 0);
    desk.refuse(HostMessage::Stop, ErrorCode::WrongState, 0);
    desk.accept(HostMessage::Arm { nonce: 1 });
    assert!(!desk.orders.enable);
    desk.refuse(HostMessage::Arm { nonce: 2 }, ErrorCode::WrongState, 0);
    desk.accept(HostMessage::Heartbeat);

    // The start is answered when the data plane has begun, with its tick.
    let command = desk.host.sequence;
    assert_eq!(desk.ask(start(5)), Said::Log("no answer".into()));
    assert!(desk.orders.enable);
    assert_eq!(desk.orders.run, Some(RunOrder::Start { epoch: 5, slots: None }));
    desk.refuse(HostMessage::Stop, ErrorCode::WrongState, 0);
    let begun = Ticks(desk.now - 7);
    let said = desk.poll(&[Event::Started { epoch: 5, tick: begun }], &[]);
    assert!(said.contains(&Said::Ack(command, begun)));
    desk.refuse(HostMessage::Configure(configure()), ErrorCode::WrongState, 0);
    desk.refuse(start(6), ErrorCode::WrongState, 0);

    let command = desk.host.sequence;
    assert_eq!(desk.ask(HostMessage::Stop), Said::Log("no answer".into()));
    assert_eq!(desk.orders.run, Some(RunOrder::Stop));
    let (tick, end) = (Ticks(desk.now - 3), SlotIndex(123));
    let said = desk.poll(&[Event::Stopped { epoch: 5, end, tick }], &[]);
    assert_eq!(said[..2], [Said::Stopped(end, tick), Said::Ack(command, tick)]);
    assert_eq!(desk.control.interlock(), InterlockState::Armed);
    assert!(!desk.orders.enable);

    desk.refuse(start(5), ErrorCode::OutOfRange, 0);
    desk.refuse(start(0), ErrorCode::OutOfRange, 0);
    desk.accept(HostMessage::Disarm);
    desk.refuse(HostMessage::Arm { nonce: 1 }, ErrorCode::NonceReused, 0);
    desk.accept(HostMessage::Arm { nonce: 2 });
}

#[test]
fn the_longest_hello_finds_room() {
    let mut desk = desk_of(Role::Bob);
    let longest = crate::text(&"x".repeat(99));
    let profile = &mut desk.control.state.profile;
    profile.random_name = longest.clone();
    (profile.identity.board, profile.identity.serial) = (longest.clone(), longest);
    assert!(matches!(desk.ask(HostMessage::Hello), Said::Hello(0, Role::Bob, _, 2)));
}

#[test]
fn a_configuration_is_refused_by_its_first_wrong_field() {
    use helio_wire::Configure;
    let ok = configure();
    let cases = [
        (Configure { slot_ticks: 0, ..ok }, ErrorCode::OutOfRange, 0),
        (Configure { sync_spacing: 1, ..ok }, ErrorCode::OutOfRange, 4),
        (Configure { slot_ticks: 50_000, sync_spacing: 65_535, ..ok }, ErrorCode::OutOfRange, 4),
        (Configure { sync_seed: 0, ..ok }, ErrorCode::OutOfRange, 6),
        (Configure { sync_seed: 1 << 31, ..ok }, ErrorCode::OutOfRange, 6),
        (Configure { intensity_weights: [4096, 1, 0, 0], ..ok }, ErrorCode::OutOfRange, 10),
        (Configure { intensity_weights: [4095, 0, 0, 0], ..ok }, ErrorCode::OutOfRange, 10),
        // There are only three levels.
        (Configure { intensity_weights: [4000, 0, 0, 96], ..ok }, ErrorCode::OutOfRange, 10),
        (Configure { key_basis_weight: 4097, ..ok }, ErrorCode::OutOfRange, 18),
        // 5 MHz is the board's limit, 50 ns the modulator's.
        (Configure { slot_ticks: 29, ..ok }, ErrorCode::SlotTooShort, 0),
        (Configure { slot_ticks: 7, ..ok }, ErrorCode::SlotTooShort, 0),
    ];
    for role in [Role::Alice, Role::Bob] {
        let mut desk = desk_of(role);
        for (configure, code, detail) in cases {
            if role == Role::Bob && detail == 10 {
                desk.accept(HostMessage::Configure(configure));
            } else {
                desk.refuse(HostMessage::Configure(configure), code, detail);
            }
        }
        desk.accept(HostMessage::Configure(ok));
        desk.accept(HostMessage::Configure(Configure { key_basis_weight: 4096, ..ok }));
    }
}

#[test]
fn a_frame_of_another_boot_is_refused_and_no_heartbeat() {
    let mut desk = desk_of(Role::Alice);
    desk.emit();
    for nonce in [0, NONCE + 1] {
        desk.host.nonce = nonce;
        for message in [HostMessage::Heartbeat, HostMessage::Stop, HostMessage::Disarm] {
            desk.refuse(message, ErrorCode::WrongState, 0);
        }
    }
    for _ in 0..260 {
        desk.send(HostMessage::Heartbeat);
    }
    assert_eq!(desk.control.interlock(), InterlockState::Tripped(TripCause::HeartbeatLost));
}

#[test]
fn a_repeated_frame_is_used_once_and_missing_ones_are_counted() {
    let mut desk = desk_of(Role::Alice);
    desk.accept(HostMessage::Configure(configure()));
    let arm = desk.host.command(HostMessage::Arm { nonce: 1 });
    desk.poll(&[], &arm);
    desk.accept(HostMessage::Disarm);
    assert_eq!(desk.poll(&[], &arm), []);
    assert_eq!(desk.control.interlock(), InterlockState::Safe);
    desk.host.sequence += 3;
    desk.accept(HostMessage::Heartbeat);
    assert_eq!(desk.control.health(Ticks(0)).missing_frames, 3);
}

#[test]
fn health_comes_twice_a_second_and_with_each_change() {
    let mut desk = desk_of(Role::Alice);
    desk.accept(HostMessage::Configure(configure()));
    let health = |said: &[Said]| said.iter().filter(|s| matches!(s, Said::Health(_))).count();
    let quiet: usize = (0..2000).map(|_| health(&desk.poll(&[], &[]))).sum();
    assert_eq!(quiet, 4);
    assert_eq!(health(&desk.send(HostMessage::Arm { nonce: 1 })), 1);
    assert_eq!(health(&desk.send(HostMessage::Disarm)), 1);
    let counters =
        Counters { slots: 5, edges: 6, lost_edges: 7, locked: true, ..Counters::default() };
    desk.poll(&[Event::Counters(counters)], &[]);
    let said = desk.send(HostMessage::Arm { nonce: 2 });
    let Some(Said::Health(h)) = said.iter().find(|s| matches!(s, Said::Health(_))) else {
        panic!("no health");
    };
    assert_eq!((h.slots, h.edges, h.lost_edges, h.locked), (5, 6, 7, true));
    assert_eq!((h.now, h.interlock), (Ticks(desk.now), InterlockState::Armed));
}

#[test]
fn the_end_of_an_earlier_run_does_not_end_this_one() {
    let mut desk = desk_of(Role::Alice);
    desk.emit();
    desk.accept(HostMessage::Disarm);
    desk.accept(HostMessage::Arm { nonce: 78 });
    desk.send(start(2));
    let stopped = Event::Stopped { epoch: 1, end: SlotIndex(9), tick: Ticks(5) };
    let said = desk.poll(&[stopped], &[]);
    assert_eq!(said[0], Said::Stopped(SlotIndex(9), Ticks(5)));
    assert_eq!(desk.control.interlock(), InterlockState::Emitting);
    assert!(desk.orders.enable);
}

proptest! {
    #[test]
    fn no_bytes_make_light(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20)) {
        for role in [Role::Alice, Role::Bob] {
            let mut desk = desk_of(role);
            for chunk in &chunks {
                desk.poll(&[], chunk);
                prop_assert!(!desk.orders.enable && desk.orders.run.is_none());
                prop_assert_ne!(desk.control.interlock(), InterlockState::Emitting);
            }
        }
    }

    #[test]
    fn a_damaged_dialogue_makes_no_light(place in 0usize..1000, flip in 1u8..=255) {
        let mut desk = desk_of(Role::Alice);
        desk.accept(HostMessage::Configure(configure()));
        desk.accept(HostMessage::Arm { nonce: 1 });
        let mut rx = desk.host.command(start(1));
        let place = place % rx.len();
        rx[place] ^= flip;
        desk.poll(&[], &rx);
        prop_assert!(!desk.orders.enable, "byte {} changed by {}", place, flip);
    }

    #[test]
    fn a_dialogue_may_be_cut_anywhere(cuts in prop::collection::vec(0usize..400, 0..12)) {
        let mut desk = desk_of(Role::Alice);
        let mut rx = Vec::new();
        for message in [
            HostMessage::Hello,
            HostMessage::Configure(configure()),
            HostMessage::Arm { nonce: 1 },
            start(3),
        ] {
            rx.extend(desk.host.command(message));
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(rx.len())).collect();
        cuts.sort_unstable();
        let (mut from, mut run) = (0, None);
        for cut in cuts.into_iter().chain([rx.len()]) {
            desk.poll(&[], &rx[from..cut]);
            run = run.or(desk.orders.run);
            from = cut;
        }
        prop_assert_eq!(run, Some(RunOrder::Start { epoch: 3, slots: None }));
    }
}
