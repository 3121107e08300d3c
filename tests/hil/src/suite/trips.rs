//! Every interlock trip, its deadline in the device's own time, and the way out of it.

use super::{Figures, raw};
use crate::case::Skip;
use crate::desk::Desk;
use crate::host::Answer;
use crate::stations::Stations;
use helio_bench::{InterlockState, TripCause};
use helio_firmware::Event;
use helio_rig::{Hand, Plan};
use helio_units::Ticks;
use helio_wire::{ErrorCode, HostMessage, Role};
use std::time::Duration;

/// Dark so long after a trip, at the latest.
const DARK_AFTER_TRIP_MS: f64 = 1.0;
/// A silent host trips at the latest so long after its last word.
const SILENCE_MS: f64 = 250.0;
/// Slots that shine before anything happens.
const SHINE: usize = 500;

/// Trips Alice in mid-run.
pub(super) fn trip<D: Desk>(desk: &mut D, cause: TripCause) -> Figures {
    if !desk.roles().contains(&Role::Alice) {
        return Err(Skip::alone("no sender stands on this desk"));
    }
    let mut all = Stations::new(desk, Plan::default());
    all.arm();
    all.start(0);
    all.until("light", |all| all.host(Role::Alice).heard.settings.len() > SHINE);
    // From when the deadline runs; of what the host cannot time, from the trip itself.
    let mut from = None;
    match cause {
        TripCause::External => from = Some(signal(&mut all, Event::ContactOpen)?),
        TripCause::RandomFault => from = Some(signal(&mut all, Event::RandomFault)?),
        TripCause::PlayerFault => from = Some(signal(&mut all, Event::PlayerFault)?),
        TripCause::LinkReset => from = Some(signal(&mut all, Event::LinkReset)?),
        TripCause::BadFrames => {
            for n in 1..=24 {
                all.host(Role::Alice).send_raw(&[5, n, n, 0]).expect("sent");
            }
        }
        TripCause::UnknownCommand => {
            all.host(Role::Alice).send_raw(&raw::altered(900, 1, 0x55)).expect("sent");
        }
        TripCause::HeartbeatLost => fall_silent(&mut all),
    }
    let tripped = InterlockState::Tripped(cause);
    all.until("the trip", |all| all.host(Role::Alice).heard.health.interlock == tripped);
    let states = &all.host(Role::Alice).heard.states;
    let at = states.iter().find(|(_, state)| *state == tripped).map_or(Ticks(0), |(at, _)| *at);
    if cause == TripCause::HeartbeatLost {
        from = all.host(Role::Alice).heard.last_ack_before(at);
    }
    let said = deadlines(&mut all, cause, at, from);
    way_out(&mut all, cause);
    Ok(said)
}

fn signal<D: Desk>(all: &mut Stations<'_, D>, event: Event) -> Result<Ticks, Skip> {
    let before = all.lay(Hand::Signal(Role::Alice, event));
    let before = before
        .ok_or_else(|| Skip::off_the_table("nobody can do this to the board from here", "trip"))?;
    all.lay(Hand::Pass(4));
    Ok(before.alice_now)
}

/// No word for half a second of device time.
fn fall_silent<D: Desk>(all: &mut Stations<'_, D>) {
    if all.lay(Hand::Pass(1_200)).is_none() {
        std::thread::sleep(Duration::from_millis(600));
    }
}

fn deadlines<D: Desk>(
    all: &mut Stations<'_, D>,
    cause: TripCause,
    at: Ticks,
    from: Option<Ticks>,
) -> String {
    let tick = all.host(Role::Alice).heard.facts.as_ref().expect("it has greeted").tick_length;
    let ms = |from: Ticks, to: Ticks| to.0.saturating_sub(from.0) as f64 * tick.as_ps_f64() * 1e-9;
    let mut said = String::new();
    if let Some(from) = from {
        let limit = if cause == TripCause::HeartbeatLost { SILENCE_MS } else { DARK_AFTER_TRIP_MS };
        let took = ms(from, at);
        assert!(took <= limit, "{cause:?} tripped {took} ms after, {limit} ms allowed");
        said = format!("tripped after {took:.2} ms (limit {limit}), ");
    }
    // A while later, whatever the hosts do: nothing more has left.
    match all.lay(Hand::Pass(20)) {
        Some(light) => {
            let dark = ms(at, light.until);
            assert!(dark <= DARK_AFTER_TRIP_MS, "{cause:?} shone {dark} ms after the trip");
            assert!(light.pulses > 0 && light.until < light.alice_now, "{light:?}");
            said + &format!("dark {dark:.2} ms after the trip")
        }
        None => said + "light not seen from here",
    }
}

/// Tripped is latched; the way out is the very cause, then a fresh nonce.
fn way_out<D: Desk>(all: &mut Stations<'_, D>, cause: TripCause) {
    if cause == TripCause::LinkReset {
        // A real host would have lost its port.
        all.unplug(Role::Alice);
        all.plug(Role::Alice);
    }
    let alice = Role::Alice;
    let wrong = Answer::Refused(ErrorCode::WrongState, 0);
    assert_eq!(all.ask(alice, HostMessage::Start { epoch: 77, slots: 0 }), wrong);
    assert_eq!(all.ask(alice, HostMessage::Arm { nonce: 99 }), wrong);
    let other = TripCause::ALL.into_iter().find(|other| *other != cause).expect("there are more");
    assert_eq!(all.ask(alice, HostMessage::Clear { cause: other }), wrong);
    all.obey(alice, HostMessage::Clear { cause });
    // The nonce of the arming before does not arm again.
    let (reused, nonce) = (Answer::Refused(ErrorCode::NonceReused, 0), all.last_nonce());
    assert_eq!(all.ask(alice, HostMessage::Arm { nonce }), reused);
    all.rearm(alice);
    let now = all.host(alice).heard.health.interlock;
    assert!(!matches!(now, InterlockState::Emitting));
}
