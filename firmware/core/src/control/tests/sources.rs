//! What a run asks of the random source, and of a data plane that is late.

use super::*;
use helio_bench::{SettingsSource, SlotTiming};
use helio_units::FineTicks;

/// 300 kbit/s are 9375 slots/s of a sender and 18 750 of a receiver, and no more.
#[test]
fn slots_too_fast_for_the_own_generator_are_refused_before_there_is_light() {
    for (role, shortest) in [(Role::Alice, 16_000), (Role::Bob, 8000)] {
        let mut desk = desk_of(role);
        desk.control.state.profile.random_rate = Some(37_500);
        desk.accept(HostMessage::Configure(Configure { slot_ticks: shortest - 1, ..configure() }));
        desk.refuse(HostMessage::Arm { nonce: 1 }, ErrorCode::SlotTooShort, shortest);
        desk.refuse(start(1), ErrorCode::SlotTooShort, shortest);
        desk.accept(HostMessage::Configure(Configure { slot_ticks: shortest, ..configure() }));
        desk.accept(HostMessage::Arm { nonce: 2 });
        desk.accept(HostMessage::Disarm);
        // Another source has no such limit, before the configuration or after it.
        desk.accept(HostMessage::Configure(configure()));
        desk.control.state.profile.identity.capabilities =
            helio_wire::Capabilities::REPORTS_SETTINGS;
        desk.accept(HostMessage::Source(SettingsSource::Expanded));
        desk.accept(HostMessage::Arm { nonce: 3 });
    }
}

/// Of a millisecond's slots there must be one that plays, one that waits and one to be drawn.
#[test]
fn slots_that_cannot_be_queued_are_refused() {
    let mut desk = desk_of(Role::Alice);
    let slots = |slot_ticks, sync_spacing| {
        HostMessage::Configure(Configure { slot_ticks, sync_spacing, ..configure() })
    };
    desk.accept(slots(50_000, 2));
    desk.refuse(slots(50_001, 2), ErrorCode::OutOfRange, Configure::AT_SLOT_TICKS);
    desk.refuse(slots(2_200_000, 2), ErrorCode::OutOfRange, Configure::AT_SLOT_TICKS);
}

#[test]
fn a_slot_clock_waits_for_the_one_before_it() {
    let mut desk = desk_of(Role::Bob);
    desk.accept(HostMessage::Configure(configure()));
    desk.accept(HostMessage::Heartbeat);
    desk.send(start(1));
    desk.poll(&[Event::Started { epoch: 1, tick: Ticks(1) }], &[]);
    let timing = |slot| {
        let start = FineTicks::from_ticks(Ticks(1 << 40));
        let period = FineTicks::from_ticks(Ticks(30));
        HostMessage::SetSlotClock(SlotTiming { slot: SlotIndex(slot), start, period })
    };
    let command = desk.host.sequence;
    assert_eq!(desk.ask(timing(1)), Said::Log("no answer".into()));
    // The data plane has not come round: nothing is displaced, and nothing goes without an answer.
    desk.refuse(timing(2), ErrorCode::Full, 0);
    desk.poll(&[], &[]);
    desk.refuse(timing(3), ErrorCode::Full, 0);
    let tick = Ticks(desk.now);
    assert!(
        desk.poll(&[Event::Steered { command, tick }], &[]).contains(&Said::Ack(command, tick))
    );
    assert_eq!(desk.ask(timing(4)), Said::Log("no answer".into()));
}

/// The data are on their way: the light is out, the host waits, and nobody calls it a hang.
#[test]
fn an_end_that_waits_for_its_data_is_no_fault() {
    let mut desk = desk_of(Role::Alice);
    desk.emit();
    let command = desk.host.sequence;
    desk.send(HostMessage::Stop);
    desk.poll(&[Event::Stopping { epoch: 1 }], &[]);
    for _ in 0..100 {
        let said = desk.poll(&[], &[]);
        assert!(!desk.orders.enable && !said.iter().any(|s| matches!(s, Said::Ack(..))));
    }
    assert_eq!(desk.control.interlock(), InterlockState::Armed);
    let (tick, end) = (Ticks(desk.now), SlotIndex(9));
    let said = desk.poll(&[Event::Stopped { epoch: 1, end, tick }], &[]);
    assert_eq!(said[..2], [Said::Stopped(end, tick), Said::Ack(command, tick)]);
}
