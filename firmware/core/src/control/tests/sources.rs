//! What a run asks of the random source and of the player's queue.

use super::*;
use helio_bench::SettingsSource;

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
