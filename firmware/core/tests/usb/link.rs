//! Resets, suspension, deconfiguration, stalls: what the device is told, and at once.

use super::bus::Signal;
use super::rig::{FRAMES, Rig, SERIAL_OUT};
use helio_bench::{InterlockState, PhaseRandomisation, RandomClass, SlotClockMode, TripCause};
use helio_firmware::usb::Pipe;
use helio_firmware::{Control, Event, Identity, Profile, Transmit, text};
use helio_units::{Hertz, Picoseconds, Ticks};
use helio_wire::{Capabilities, Configure, HostMessage, Role};

type Loss = (&'static str, fn(&mut Rig));

/// What a host or a hub can do to the link.
const LOSSES: [Loss; 4] = [
    ("reset", |rig| rig.signal(Signal::Reset)),
    ("suspend", |rig| rig.signal(Signal::Suspend)),
    ("deconfigure", |rig| rig.configure(0)),
    ("configure again", |rig| rig.configure(1)),
];

#[test]
fn every_loss_of_the_link_is_told_once_and_leaves_nothing() {
    for (name, lose) in LOSSES {
        for endpoint in [FRAMES, SERIAL_OUT] {
            let mut rig = Rig::new();
            rig.command(endpoint, &HostMessage::Hello);
            rig.say(0, 100);
            lose(&mut rig);
            assert_eq!((rig.resets, rig.cable.owner()), (1, None), "{name}");
            assert_eq!((rig.received.len(), rig.cable.space()), (0, 0), "{name}");
            rig.pass(10_000);
            assert_eq!(rig.resets, 1, "{name}: told once");
        }
    }
}

#[test]
fn after_every_loss_hello_opens_the_link_again() {
    for (name, lose) in LOSSES {
        let mut rig = Rig::new();
        rig.command(FRAMES, &HostMessage::Hello);
        lose(&mut rig);
        if name == "suspend" {
            rig.signal(Signal::Resume);
            assert_eq!(rig.resets, 1, "resuming loses nothing more");
        } else {
            rig.plug();
        }
        rig.command(FRAMES, &HostMessage::Hello);
        assert_eq!(rig.cable.owner(), Some(Pipe::Frames), "{name}");
        rig.say(0, 30);
        assert!(!rig.heard(FRAMES).is_empty(), "{name}");
    }
}

fn profile() -> Profile {
    let tick_length = super::rig::tick();
    Profile {
        role: Role::Alice,
        identity: Identity {
            board: text("test"),
            serial: text("B-0001"),
            boot_nonce: super::rig::NONCE,
            tick_length,
            max_slot_rate: Hertz(1_000_000),
            capabilities: Capabilities::SIMULATED,
        },
        channels: 0,
        settling_time: Picoseconds(0),
        gate_limits: helio_bench::GateLimits::NONE,
        random_class: RandomClass::Seeded,
        random_name: text("seeded"),
        random_rate: None,
        free_clock_only: false,
        levels: 2,
        levels_nano: [500_000_000, 100_000_000, 0, 0],
        max_trigger_rate: Hertz(1_000_000),
        delay_range: None,
        phase: PhaseRandomisation::AssumedIdeal,
        intensity_uncertainty_ppm: None,
    }
}

#[test]
fn an_armed_device_trips_in_the_very_poll_in_which_the_link_is_lost() {
    for (name, lose) in LOSSES {
        let mut rig = Rig::new();
        let mut control = Control::new(profile());
        rig.command(FRAMES, &HostMessage::Hello);
        let configure = Configure {
            slot_ticks: 10,
            sync_spacing: 64,
            sync_seed: 1,
            intensity_weights: [2048, 2048, 0, 0],
            key_basis_weight: 2048,
            random_swap: false,
            burst_slots: 0,
            slot_clock: SlotClockMode::Sync,
            gate: None,
        };
        rig.command(FRAMES, &HostMessage::Configure(configure));
        rig.command(FRAMES, &HostMessage::Arm { nonce: 1 });
        let rx = std::mem::take(&mut rig.received);
        control.poll(rig.now, &[], &rx, &mut rig.cable);
        assert_eq!(control.interlock(), InterlockState::Armed, "{name}");
        lose(&mut rig);
        let events = [Event::LinkReset];
        let orders = control.poll(rig.now, &events[..rig.resets], &rig.received, &mut rig.cable);
        assert!(!orders.enable && orders.halt, "{name}");
        assert_eq!(control.interlock(), InterlockState::Tripped(TripCause::LinkReset), "{name}");
    }
}

#[test]
fn a_stalled_endpoint_is_cleared_by_the_host_and_the_stream_goes_on() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HostMessage::Hello);
    // SET_FEATURE and CLEAR_FEATURE, ENDPOINT_HALT (USB 2.0, 9.4).
    rig.control_out([0x02, 3, 0, 0, 0x81, 0, 0, 0]).unwrap();
    assert!(rig.bus.is_stalled(FRAMES));
    rig.say(0, 100);
    assert_eq!(rig.heard(FRAMES), []);
    rig.control_out([0x02, 1, 0, 0, 0x81, 0, 0, 0]).unwrap();
    assert!(!rig.heard(FRAMES).is_empty());
    assert_eq!((rig.resets, rig.cable.owner()), (0, Some(Pipe::Frames)));
}

#[test]
fn while_the_host_does_not_take_the_room_ends_and_what_is_in_it_stays_whole() {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HostMessage::Hello);
    let mut count = 0;
    while rig.cable.space() >= 150 {
        rig.say(count, 100);
        count += 1;
        rig.pass(1);
    }
    assert!(count > 8192 / 150);
    let mut decoder = helio_wire::Decoder::new();
    let mut next = 0;
    rig.now = Ticks(rig.now.0 + 5_000);
    decoder.push(&rig.heard(FRAMES), |frame| {
        assert_eq!(frame.unwrap().header().unwrap().sequence, next);
        next += 1;
    });
    assert_eq!(next, count);
}
