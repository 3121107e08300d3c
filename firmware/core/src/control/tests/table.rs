//! The table of settings, telemetry, what outlives a reset, and the settings' sources.

use super::*;
use helio_bench::{
    Access, BootCause, Entry, KEPT_LENGTH, PartFault, SettingsSource, SlotTiming, Unit,
};
use helio_units::FineTicks;
use helio_wire::{Capabilities, Concealed, RebootMode};
use std::string::String;

/// A board with a delay that can be set at any time, one that can be set in safe, and a sensor.
#[derive(Clone)]
struct FakeBoard {
    delays: [i64; 2],
    answers: bool,
    kept: [u8; KEPT_LENGTH],
}

impl FakeBoard {
    fn new() -> FakeBoard {
        FakeBoard { delays: [0; 2], answers: true, kept: [0; KEPT_LENGTH] }
    }
}

impl Board for FakeBoard {
    fn entries(&self) -> u16 {
        3
    }
    fn entry(&self, index: u16) -> Option<Entry<'_>> {
        let (name, access) = match index {
            0 => ("laser.delay.h", Access::Always),
            1 => ("laser.delay.v", Access::WhenSafe),
            2 => ("sensor.temperature.board", Access::ReadOnly),
            _ => return None,
        };
        Some(Entry { name, unit: Unit::Picoseconds, access, min: -5000, max: 5000 })
    }
    fn read(&mut self, index: u16) -> i64 {
        self.delays.get(usize::from(index)).copied().unwrap_or(298)
    }
    fn write(&mut self, index: u16, value: i64) -> Result<(), PartFault> {
        if !self.answers {
            return Err(PartFault);
        }
        self.delays[usize::from(index)] = value;
        Ok(())
    }
    fn boot_cause(&self) -> BootCause {
        BootCause::Reset
    }
    fn kept(&mut self) -> Option<&mut [u8; KEPT_LENGTH]> {
        Some(&mut self.kept)
    }
}

fn desk() -> Desk<FakeBoard> {
    desk_on(Role::Bob, FakeBoard::new())
}

impl<B: Board> Desk<B> {
    /// The whole table, as a host reads it: name, value, access.
    fn table(&mut self) -> Vec<(String, i64, Access)> {
        let mut table = Vec::new();
        loop {
            match self.ask(HostMessage::Get { index: table.len() as u16 }) {
                Said::Value(_, index, value, name, access) => {
                    assert_eq!(usize::from(index), table.len());
                    table.push((name, value, access));
                }
                Said::Error(_, ErrorCode::OutOfRange, 0) => return table,
                other => panic!("{other:?}"),
            }
        }
    }

    fn index(&mut self, name: &str) -> u16 {
        self.table().iter().position(|(n, ..)| n == name).unwrap() as u16
    }

    fn value(&mut self, name: &str) -> i64 {
        let index = usize::from(self.index(name));
        self.table()[index].1
    }
}

#[test]
fn a_device_describes_itself() {
    let mut desk = desk();
    let table = desk.table();
    let names: Vec<&str> = table.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names[0], "boot.cause");
    assert_eq!(
        names[15..],
        [
            "detector.dead_time.0",
            "detector.dead_time.1",
            "laser.delay.h",
            "laser.delay.v",
            "sensor.temperature.board"
        ]
    );
    assert!(table[..15].iter().all(|(.., access)| *access == Access::ReadOnly));
    assert_eq!(desk_of(Role::Alice).table().len(), 19, "delays, no detectors, no board");
}

#[test]
fn a_change_is_made_at_once_or_at_its_tick() {
    let mut desk = desk();
    let (h, v) = (desk.index("laser.delay.h"), desk.index("laser.delay.v"));
    let set = |index, value, from: u64| HostMessage::Set { index, value, from: Ticks(from) };
    desk.accept(set(h, -350, 0));
    assert_eq!(desk.control.board_mut().delays, [-350, 0]);
    desk.refuse(set(h, 5001, 0), ErrorCode::OutOfRange, 2);
    desk.refuse(set(h + 2, 0, 0), ErrorCode::WrongState, 0);
    desk.refuse(set(h + 3, 0, 0), ErrorCode::OutOfRange, 0);
    let passed = desk.now;
    desk.refuse(set(h, 1, passed), ErrorCode::TooLate, 0);

    let from = desk.now + 5 * MS + 1;
    assert_eq!(desk.ask(set(v, 70, from)), Said::Log("no answer".into()));
    let command = desk.host.sequence - 1;
    while desk.now < from - MS {
        assert_eq!(desk.poll(&[], &[]), []);
        assert_eq!(desk.control.board_mut().delays, [-350, 0]);
    }
    assert_eq!(desk.poll(&[], &[]), [Said::Ack(command, Ticks(desk.now))]);
    assert_eq!(desk.control.board_mut().delays, [-350, 70]);

    for _ in 0..8 {
        let from = desk.now + 100 * MS;
        assert_eq!(desk.ask(set(h, 1, from)), Said::Log("no answer".into()));
    }
    let from = desk.now + 100 * MS;
    desk.refuse(set(h, 1, from), ErrorCode::Full, 0);

    desk.control.board_mut().answers = false;
    desk.refuse(set(h, 1, 0), ErrorCode::Failed, 0);
}

#[test]
fn some_changes_need_a_safe_device() {
    let mut desk = desk();
    let v = desk.index("laser.delay.v");
    let set = |value, from: u64| HostMessage::Set { index: v, value, from: Ticks(from) };
    let from = desk.now + 10 * MS;
    assert_eq!(desk.ask(set(70, from)), Said::Log("no answer".into()));
    let command = desk.host.sequence - 1;
    desk.accept(HostMessage::Configure(configure()));
    desk.accept(HostMessage::Arm { nonce: 1 });
    desk.refuse(set(1, 0), ErrorCode::WrongState, 0);
    let said: Vec<Said> = (0..10).flat_map(|_| desk.poll(&[], &[])).collect();
    assert!(said.contains(&Said::Error(command, ErrorCode::WrongState, 0)), "{said:?}");
    assert_eq!(desk.control.board_mut().delays, [0, 0]);
}

#[test]
fn telemetry_comes_each_second() {
    let mut desk = desk();
    let sensor = desk.index("sensor.temperature.board");
    let mut seen = Vec::new();
    for _ in 0..3100 {
        seen.extend(desk.poll(&[], &[]).into_iter().filter_map(|said| match said {
            Said::Telemetry(tick, values) => Some((tick, values)),
            _ => None,
        }));
    }
    assert_eq!(seen.len(), 3);
    for (_, values) in &seen {
        assert_eq!(values.len(), 16, "counters and one sensor");
        assert!(values.contains(&(sensor, 298)));
    }
    assert!(seen.windows(2).all(|w| (990..1010).contains(&((w[1].0.0 - w[0].0.0) / MS))));
}

#[test]
fn counters_outlive_a_reset() {
    let mut desk = desk();
    assert_eq!((desk.value("boot.cause"), desk.value("count.boots")), (1, 1));
    let counters = Counters { edges: 1000, lost_edges: 3, ..Counters::default() };
    desk.poll(&[Event::Counters(counters), Event::RandomFault], &[]);
    let mut again = desk_on(Role::Bob, desk.control.board_mut().clone());
    assert_eq!(again.value("count.boots"), 2);
    assert_eq!(again.value("count.trips.random"), 1);
    assert_eq!((again.value("count.edges"), again.value("count.edges.lost")), (1000, 3));

    again.accept(HostMessage::Reboot(RebootMode::Firmware));
    assert_eq!(again.control.reboot_ordered(), Some(RebootMode::Firmware));
    again.refuse(HostMessage::Arm { nonce: 5 }, ErrorCode::WrongState, 0);
    let mut third = desk_on(Role::Bob, again.control.board_mut().clone());
    assert_eq!((third.value("boot.cause"), third.value("count.boots")), (3, 3));

    let mut board = third.control.board_mut().clone();
    board.kept[20] ^= 1;
    assert_eq!(desk_on(Role::Bob, board).value("count.boots"), 1, "power was gone");
}

#[test]
fn only_a_dark_device_reboots() {
    let mut desk = desk_of(Role::Alice);
    desk.emit();
    desk.refuse(HostMessage::Reboot(RebootMode::Firmware), ErrorCode::WrongState, 0);
    assert_eq!(desk.control.reboot_ordered(), None);
    desk.poll(&[Event::ContactOpen], &[]);
    desk.refuse(HostMessage::Reboot(RebootMode::BootLoader), ErrorCode::OutOfRange, 0);
    desk.accept(HostMessage::Reboot(RebootMode::Firmware));
}

#[test]
fn a_source_is_chosen_between_runs_and_reported() {
    let mut desk = desk_of(Role::Alice);
    let source = HostMessage::Source;
    desk.refuse(source(SettingsSource::HostSeed), ErrorCode::NotConfigured, 0);
    desk.refuse(source(SettingsSource::Pattern), ErrorCode::NotConfigured, 0);
    desk.accept(HostMessage::Seed(Concealed(&[7; 32])));
    desk.accept(source(SettingsSource::HostSeed));
    assert_eq!(desk.orders.source, SettingsSource::HostSeed);
    assert_eq!(desk.value("random.source"), 1);
    assert_eq!(core::iter::from_fn(|| desk.control.supply()).count(), 1);
    desk.emit();
    desk.refuse(source(SettingsSource::Own), ErrorCode::WrongState, 0);
    desk.refuse(HostMessage::Pattern(&[1]), ErrorCode::WrongState, 0);
}

#[test]
fn a_feed_is_taken_as_far_as_there_is_room() {
    let mut desk = desk_of(Role::Alice);
    let feed = HostMessage::Feed(Concealed(&[3; 1024]));
    for fed in 1..=4 {
        desk.accept(feed);
        assert_eq!(core::iter::from_fn(|| desk.control.supply()).count(), 16);
        assert_eq!(desk.value("random.queue"), 1024 * fed);
    }
    desk.refuse(feed, ErrorCode::Full, 0);
    let fed = Counters { fed: 1024, ..Counters::default() };
    desk.poll(&[Event::Counters(fed)], &[]);
    desk.accept(feed);
    desk.refuse(HostMessage::Feed(Concealed(&[3; 1])), ErrorCode::Full, 0);
}

#[test]
fn gates_bursts_and_clocks_that_cannot_be_are_refused() {
    let mut desk = desk_of(Role::Bob);
    let ok = configure();
    let gate = Some(helio_bench::GateWindow { start: 20, width: 10 });
    let free = helio_bench::SlotClockMode::Free;
    for (configure, detail) in [
        (Configure { burst_slots: 1, ..ok }, 21),
        (Configure { slot_clock: free, ..ok }, 25),
        (Configure { gate, ..ok }, 26),
    ] {
        desk.refuse(HostMessage::Configure(configure), ErrorCode::OutOfRange, detail);
    }
    let mut profile = desk.control.profile().clone();
    profile.identity.capabilities = Capabilities::PASSIVE_RECEIVER.with(Capabilities::GATES);
    let host = Host::new();
    let mut desk = Desk { control: Control::new(profile), host, ..desk_of(Role::Bob) };
    desk.accept(HostMessage::Configure(Configure { gate, ..ok }));
    desk.accept(HostMessage::Configure(Configure { slot_clock: free, ..ok }));
    let gated = Configure { slot_clock: free, gate, ..ok };
    desk.refuse(HostMessage::Configure(gated), ErrorCode::OutOfRange, 26);
    let long = Some(helio_bench::GateWindow { start: 21, width: 10 });
    desk.refuse(HostMessage::Configure(Configure { gate: long, ..ok }), ErrorCode::OutOfRange, 31);
    // A player that needs some of the slot for itself, in slots of 30 ticks.
    let mut profile = desk.control.profile().clone();
    profile.gate_limits = helio_bench::GateLimits { start: 3, width: 3, rest: 9 };
    let mut desk = Desk { control: Control::new(profile), host: Host::new(), ..desk_of(Role::Bob) };
    for (start, width, refused) in [
        (3, 3, None),
        (18, 3, None),
        (3, 18, None),
        (2, 3, Some(27)),
        (3, 2, Some(31)),
        (6, 18, Some(31)),
        (u32::MAX, 3, Some(31)),
        (18, u32::MAX - 18, Some(31)),
    ] {
        let gate = Some(helio_bench::GateWindow { start, width });
        let gated = HostMessage::Configure(Configure { gate, ..ok });
        match refused {
            Some(offset) => desk.refuse(gated, ErrorCode::OutOfRange, offset),
            None => desk.accept(gated),
        }
    }
}

#[test]
fn a_board_without_a_slot_clock_refuses_each_but_the_free_one() {
    use helio_bench::SlotClockMode::{Free, Steered, Sync};
    let mut profile = desk_of(Role::Bob).control.profile().clone();
    profile.identity.capabilities = Capabilities::PASSIVE_RECEIVER;
    profile.free_clock_only = true;
    let host = Host::new();
    let mut desk = Desk { control: Control::new(profile), host, ..desk_of(Role::Bob) };
    for slot_clock in [Sync, Steered] {
        let configure = Configure { slot_clock, ..configure() };
        desk.refuse(HostMessage::Configure(configure), ErrorCode::OutOfRange, 25);
    }
    desk.accept(HostMessage::Configure(Configure { slot_clock: Free, ..configure() }));
}

#[test]
fn a_slot_clock_is_steered_by_order_and_answered_when_it_is() {
    let mut desk = desk_of(Role::Bob);
    let timing = |start: u64| SlotTiming {
        slot: SlotIndex(64),
        start: FineTicks::from_ticks(Ticks(start)),
        period: FineTicks::from_ticks(Ticks(30)),
    };
    desk.refuse(HostMessage::SetSlotClock(timing(u64::MAX)), ErrorCode::WrongState, 0);
    desk.accept(HostMessage::Configure(configure()));
    desk.send(start(1));
    let late = desk.now;
    desk.refuse(HostMessage::SetSlotClock(timing(late)), ErrorCode::TooLate, 0);
    // No slot of this run, whatever the clocks.
    for period in [15, 31, 1 << 20] {
        let other = SlotTiming { period: FineTicks(period << 32), ..timing(desk.now + 10 * MS) };
        let at = HostMessage::AT_SLOT_CLOCK_PERIOD;
        desk.refuse(HostMessage::SetSlotClock(other), ErrorCode::OutOfRange, at);
    }
    let early = timing(desk.now + 10 * MS);
    let early = SlotTiming { period: FineTicks(early.period.0 * 10_009 / 10_000), ..early };
    assert_eq!(desk.ask(HostMessage::SetSlotClock(early)), Said::Log("no answer".into()));
    let command = desk.host.sequence - 1;
    assert_eq!(desk.orders.slot_clock, Some((command, early)));
    let tick = Ticks(desk.now);
    assert_eq!(desk.poll(&[Event::Steered { command, tick }], &[]), [Said::Ack(command, tick)]);
    let too_late = Event::NotSteered { command, code: ErrorCode::TooLate };
    assert_eq!(desk.poll(&[too_late], &[]), [Said::Error(command, ErrorCode::TooLate, 0)]);
    let too_far = Event::NotSteered { command, code: ErrorCode::OutOfRange };
    assert_eq!(desk.poll(&[too_far], &[]), [Said::Error(command, ErrorCode::OutOfRange, 8)]);
}
