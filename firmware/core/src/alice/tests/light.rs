//! When light ends.

use super::*;
use crate::Event;
use helio_bench::TripCause;

#[test]
fn starvation_trips_and_counts() {
    let mut desk = Desk::new(5000);
    desk.start(configure(), 0);
    desk.advance(&[], 5001);
    desk.step(&[]);
    desk.step(&[]);
    assert_eq!(desk.alice.interlock(), InterlockState::Tripped(TripCause::PlayerFault));
    assert!(!desk.alice.parts_mut().source.enabled);
    assert!(!desk.alice.parts_mut().player.running);
    assert_eq!(desk.alice.counters().starved_slots, 1);
}

#[test]
fn a_refused_word_and_a_random_fault_trip() {
    for random in [true, false] {
        let mut desk = Desk::new(5000);
        desk.start(configure(), 0);
        desk.step(&[]);
        let parts = desk.alice.parts_mut();
        (parts.random.faulty, parts.player.refuses) = (random, !random);
        desk.step(&[]);
        assert!(!desk.alice.parts_mut().player.running, "dark in the same turn");
        desk.step(&[]);
        let cause = if random { TripCause::RandomFault } else { TripCause::PlayerFault };
        assert_eq!(desk.alice.interlock(), InterlockState::Tripped(cause));
        assert!(!desk.alice.parts_mut().source.enabled);
    }
}

#[test]
fn faulty_random_numbers_never_reach_the_player() {
    let mut desk = Desk::new(5000);
    desk.alice.parts_mut().random.faulty = true;
    desk.start(configure(), 0);
    for _ in 0..5 {
        desk.step(&[]);
    }
    assert_eq!(desk.alice.parts_mut().player.played, []);
    assert_eq!(desk.settings(), []);
    assert_eq!(desk.alice.interlock(), InterlockState::Tripped(TripCause::RandomFault));
}

#[test]
fn silence_ends_the_light_and_the_data_plane_alone_would_end_it_too() {
    let mut desk = Desk::new(5000);
    desk.start(configure(), 0);
    desk.heartbeats = false;
    let armed_at = desk.now - MS;
    let dark_at = loop {
        desk.step(&[]);
        if !desk.alice.parts_mut().player.running {
            break desk.now - MS;
        }
    };
    let silence = (dark_at - armed_at) / MS;
    assert!((248..=250).contains(&silence), "{silence} ms");
    assert!(!desk.alice.parts_mut().source.enabled);
    assert_eq!(desk.alice.interlock(), InterlockState::Tripped(TripCause::HeartbeatLost));

    // The control plane hangs: nobody polls any more.
    let mut desk = Desk::new(5000);
    desk.start(configure(), 0);
    let started_at = desk.now - MS;
    for _ in 0..300 {
        desk.alice.run(Ticks(desk.now), &mut desk.cable);
        desk.read();
        desk.alice.parts_mut().player.step(5000);
        desk.now += MS;
    }
    let played = desk.alice.parts_mut().player.played.len() as u64 / 5000;
    assert!((200..=250).contains(&played), "{played} ms from {started_at}");
}

#[test]
fn a_link_reset_and_an_open_contact_are_dark_at_once() {
    for (event, cause) in
        [(Event::LinkReset, TripCause::LinkReset), (Event::ContactOpen, TripCause::External)]
    {
        let mut desk = Desk::new(5000);
        desk.start(configure(), 0);
        desk.step(&[]);
        desk.alice.signal(event);
        desk.alice.poll(Ticks(desk.now), &[], &mut desk.cable);
        assert!(!desk.alice.parts_mut().source.enabled);
        assert!(!desk.alice.parts_mut().player.running);
        assert_eq!(desk.alice.interlock(), InterlockState::Tripped(cause));
    }
}

/// What may happen to a device in a millisecond.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    Command(HostMessage<'static>),
    Noise,
    Fault(TripCause),
}

fn happening(noise: &mut Noise, talkative: bool) -> Option<Happening> {
    if !talkative && noise.below(10) > 0 {
        return None;
    }
    let cause = TripCause::ALL[noise.below(7) as usize];
    Some(Happening::Command(match noise.below(400) {
        0..30 if talkative => HostMessage::Heartbeat,
        30..60 => HostMessage::Arm { nonce: noise.next() as u32 },
        60..90 => HostMessage::Start { epoch: noise.next() as u16, slots: noise.below(2) * 20_000 },
        90..93 => HostMessage::Stop,
        93..95 => HostMessage::Disarm,
        95..130 => HostMessage::Clear { cause },
        130..134 => HostMessage::Configure(Configure { slot_ticks: 1500, ..configure() }),
        134..136 => return Some(Happening::Fault(cause)),
        136..160 => return Some(Happening::Noise),
        _ => return None,
    }))
}

#[test]
fn whatever_happens_light_ends_in_time() {
    let (mut lit, mut faults_in_light, mut silent_ends) = (0u32, 0u32, 0u32);
    for seed in 0..2500 {
        let mut noise = Noise::new(seed);
        let mut desk = Desk::new(100);
        desk.heartbeats = false;
        desk.step(&[HostMessage::Configure(Configure { slot_ticks: 1500, ..configure() })]);
        let silence_from = noise.below(300);
        let (mut alive_at, mut may_be_lit, mut was_lit) = (0, false, false);
        for ms in 0..450 {
            let mut commands = Vec::new();
            let mut fault = None;
            match happening(&mut noise, ms < silence_from) {
                Some(Happening::Command(command)) => commands.push(command),
                Some(Happening::Noise) => {
                    desk.alice.poll(Ticks(desk.now), &[3, 1, 0], &mut desk.cable);
                }
                Some(Happening::Fault(cause)) => fault = Some(cause),
                None => {}
            }
            // A light that is on must have been started after the last thing that ends it.
            match commands.first() {
                Some(HostMessage::Heartbeat) => alive_at = desk.now,
                Some(HostMessage::Arm { .. }) if desk.alice.interlock() == InterlockState::Safe => {
                    alive_at = desk.now;
                }
                Some(HostMessage::Start { .. }) => may_be_lit = true,
                Some(HostMessage::Stop | HostMessage::Disarm) => may_be_lit = false,
                _ => {}
            }
            let mut delayed = false;
            match fault {
                Some(TripCause::LinkReset) => desk.alice.signal(Event::LinkReset),
                Some(TripCause::External) => desk.alice.signal(Event::ContactOpen),
                Some(TripCause::RandomFault) => {
                    desk.alice.parts_mut().random.faulty = true;
                    delayed = true;
                }
                Some(TripCause::PlayerFault) => {
                    desk.alice.parts_mut().player.starved += 1;
                    delayed = true;
                }
                Some(TripCause::BadFrames) => {
                    let rx = [9, 9, 0].repeat(17);
                    desk.alice.poll(Ticks(desk.now), &rx, &mut desk.cable);
                }
                _ => fault = None,
            }
            if fault.is_some() {
                faults_in_light += u32::from(was_lit);
                may_be_lit = false;
            }
            let before = desk.alice.parts_mut().player.played.len();
            desk.advance(&commands, 100);
            let parts = desk.alice.parts_mut();
            let played = parts.player.played.get(before..).unwrap_or(&parts.player.played);
            let light = parts.source.enabled && played.iter().any(|word| word.trigger());
            parts.random.faulty = false;
            if light {
                lit += 1;
                assert!(may_be_lit, "seed {seed}: light at {ms} ms after {fault:?}");
                let silence = desk.now - alive_at;
                assert!(silence <= 251 * MS, "seed {seed}: light after {silence} ticks");
            } else if was_lit && desk.now - alive_at > 248 * MS {
                silent_ends += 1;
            }
            // A fault of the data plane is seen in its own turn and latched in the next poll.
            if delayed {
                desk.step(&[]);
            }
            was_lit = light;
        }
    }
    // The sequences have been where it matters.
    assert!(
        lit > 50_000 && faults_in_light > 100 && silent_ends > 100,
        "{lit} {faults_in_light} {silent_ends}"
    );
}
