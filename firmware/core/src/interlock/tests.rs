//! The interlock against a model, and against what it promises.

extern crate std;
use super::*;
use crate::fakes::{MS, Noise};
use std::vec::Vec;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    /// A poll; deadlines are looked at here.
    Tick,
    Heartbeat,
    Arm(u32),
    Disarm,
    Start,
    Receive,
    Ended,
    Clear(TripCause),
    Fault(TripCause),
    BadFrame,
}

/// Feeds one input; whether it was accepted.
fn feed(interlock: &mut Interlock, input: Input, now: Ticks) -> bool {
    match input {
        Input::Tick => interlock.tick(now),
        Input::Heartbeat => interlock.heartbeat(now),
        Input::Arm(nonce) => return interlock.arm(nonce, now).is_ok(),
        Input::Disarm => return interlock.disarm().is_ok(),
        Input::Start => return interlock.start_emitting().is_ok(),
        Input::Receive => return interlock.start_receiving(now).is_ok(),
        Input::Ended => interlock.run_ended(),
        Input::Clear(cause) => return interlock.clear(cause).is_ok(),
        Input::Fault(cause) => interlock.fault(cause),
        Input::BadFrame => interlock.bad_frame(now),
    }
    true
}

fn random_input(noise: &mut Noise) -> Input {
    let cause = TripCause::ALL[noise.below(7) as usize];
    match noise.below(64) {
        0..24 => Input::Tick,
        24..34 => Input::Heartbeat,
        34..42 => Input::Arm(noise.below(3) as u32),
        42..48 => Input::Start,
        48..50 => Input::Receive,
        50..52 => Input::Ended,
        52 => Input::Disarm,
        53..60 => Input::Clear(cause),
        60 => Input::Fault(cause),
        _ => Input::BadFrame,
    }
}

/// Where the interlock must stand, from everything that was ever put in: no state is carried
/// along, the whole history is read each time.
fn expected(history: &[(u64, Input, bool)]) -> (bool, Option<TripCause>) {
    let is_trip = |index: usize| -> Option<TripCause> {
        let (now, input, _) = history[index];
        let before = &history[..index];
        let since = |wanted: &dyn Fn(&Input, bool) -> bool| {
            before.iter().rposition(|(_, input, ok)| wanted(input, *ok))
        };
        let begun = since(&|i, ok| ok && matches!(i, Input::Arm(_)));
        let received = since(&|i, ok| ok && *i == Input::Receive);
        let safe = since(&|i, ok| ok && matches!(i, Input::Disarm | Input::Clear(_)));
        let ended = since(&|i, _| *i == Input::Ended);
        let supervised = begun > safe || (received > safe && received > ended);
        match input {
            Input::Fault(TripCause::LinkReset) if !supervised => None,
            Input::Fault(cause) => Some(cause),
            Input::BadFrame => {
                let cleared = since(&|i, ok| ok && matches!(i, Input::Clear(_)));
                let recent = before
                    .iter()
                    .enumerate()
                    .filter(|(i, (t, input, _))| {
                        *input == Input::BadFrame
                            && cleared.is_none_or(|c| *i > c)
                            && now - t < 1000 * MS
                    })
                    .count();
                (recent >= BAD_FRAMES_TOLERATED).then_some(TripCause::BadFrames)
            }
            Input::Tick if supervised => {
                let alive = since(&|i, ok| {
                    ok && matches!(i, Input::Heartbeat | Input::Arm(_) | Input::Receive)
                });
                let silent = now - alive.map_or(0, |a| history[a].0);
                (silent >= 249 * MS - 1).then_some(TripCause::HeartbeatLost)
            }
            _ => None,
        }
    };
    // The first trip since the last accepted clearing counts.
    let cleared = history.iter().rposition(|(_, i, ok)| *ok && matches!(i, Input::Clear(_)));
    let from = cleared.map_or(0, |c| c + 1);
    let trip = (from..history.len()).find_map(is_trip);
    let last = |wanted: &dyn Fn(&Input) -> bool| {
        history.iter().rposition(|(_, input, ok)| *ok && wanted(input))
    };
    let started = last(&|i| *i == Input::Start);
    let over = last(&|i| matches!(i, Input::Ended | Input::Disarm | Input::Clear(_)));
    (trip.is_none() && started.is_some() && started > over, trip)
}

#[test]
fn light_is_allowed_exactly_when_the_history_says_so() {
    let (mut emitting, mut trips) = (0, [0; 8]);
    for seed in 0..4000 {
        let mut noise = Noise::new(seed);
        let mut interlock = Interlock::new(TickLength::CYCLE_150_MHZ);
        let mut history: Vec<(u64, Input, bool)> = Vec::new();
        let mut now = 0;
        // Some runs creep, some leap over deadlines.
        let leap = [1, 3, 20, 120][seed as usize % 4];
        for _ in 0..80 {
            now += noise.below(leap * MS);
            let input = random_input(&mut noise);
            let accepted = feed(&mut interlock, input, Ticks(now));
            history.push((now, input, accepted));
            let (light, trip) = expected(&history);
            assert_eq!(interlock.may_emit(), light, "{history:?}");
            let tripped = match interlock.state() {
                InterlockState::Tripped(cause) => Some(cause),
                _ => None,
            };
            assert_eq!(tripped, trip, "{history:?}");
            emitting += u32::from(light);
            trips[trip.map_or(0, |t| usize::from(t.code()))] += 1;
        }
    }
    // The sequences have been everywhere.
    assert!(emitting > 5000 && trips.iter().all(|n| *n > 500), "{emitting} {trips:?}");
}

#[test]
fn what_is_accepted_follows_the_table() {
    for seed in 0..2000 {
        let mut noise = Noise::new(seed);
        let mut interlock = Interlock::new(TickLength::CYCLE_150_MHZ);
        let (mut now, mut last_nonce, mut receives) = (0, None, false);
        for _ in 0..100 {
            now += noise.below(5 * MS);
            let input = random_input(&mut noise);
            let before = interlock.state();
            let accepted = feed(&mut interlock, input, Ticks(now));
            use InterlockState::*;
            let allowed = match input {
                Input::Arm(nonce) => before == Safe && last_nonce != Some(nonce),
                Input::Start => before == Armed,
                Input::Disarm => !matches!(before, Tripped(_)),
                Input::Clear(cause) => before == Tripped(cause),
                Input::Receive => matches!(before, Safe | Armed) && !receives,
                _ => true,
            };
            assert_eq!(accepted, allowed, "{input:?} in {before:?}");
            if let (Input::Arm(nonce), true) = (input, accepted) {
                last_nonce = Some(nonce);
            }
            receives = match input {
                Input::Receive if accepted => true,
                Input::Ended => false,
                Input::Disarm if accepted => false,
                _ => receives && !matches!(interlock.state(), Tripped(_)),
            };
            if !accepted {
                assert_eq!(interlock.state(), before);
            }
            // Only two transitions give light more chances.
            if interlock.may_emit() && before != Emitting {
                assert_eq!((before, input), (Armed, Input::Start));
            }
            if interlock.state() == Armed && before != Armed {
                assert!(matches!(
                    (before, input),
                    (Safe, Input::Arm(_)) | (Emitting, Input::Ended)
                ));
            }
        }
    }
}

#[test]
fn a_device_polled_each_millisecond_is_dark_250_ms_after_the_last_heartbeat() {
    for phase in 0..100 {
        let mut interlock = Interlock::new(TickLength::CYCLE_150_MHZ);
        interlock.arm(1, Ticks(0)).unwrap();
        interlock.start_emitting().unwrap();
        // The heartbeat comes at any time and is heard at the next poll.
        let sent = 100 * MS + phase * MS / 100;
        let mut now = 0;
        let mut heard = false;
        while interlock.may_emit() {
            now += MS;
            interlock.tick(Ticks(now));
            if now >= sent && !heard {
                interlock.heartbeat(Ticks(now));
                heard = true;
            }
        }
        assert!(now - sent <= 250 * MS, "{} ticks", now - sent);
        assert!(now - sent >= 248 * MS);
    }
}

#[test]
fn sixteen_bad_frames_a_second_are_noise_and_seventeen_are_not() {
    let mut interlock = Interlock::new(TickLength::CYCLE_150_MHZ);
    let step = 1000 * MS / BAD_FRAMES_TOLERATED as u64;
    for n in 0..1000 {
        interlock.bad_frame(Ticks(n * step));
        assert_eq!(interlock.state(), InterlockState::Safe);
    }
    interlock.bad_frame(Ticks(999 * step + 1));
    assert_eq!(interlock.state(), InterlockState::Tripped(TripCause::BadFrames));
    interlock.clear(TripCause::BadFrames).unwrap();
    interlock.bad_frame(Ticks(999 * step + 2));
    assert_eq!(interlock.state(), InterlockState::Safe, "a cleared count begins anew");
}

#[test]
fn a_permit_never_outlives_its_heartbeat() {
    let mut interlock = Interlock::new(TickLength::CYCLE_150_MHZ);
    interlock.arm(1, Ticks(7)).unwrap();
    assert_eq!(interlock.permit_until(), Ticks(7 + 250 * MS - 1));
    interlock.heartbeat(Ticks(u64::MAX - 5));
    assert_eq!(interlock.permit_until(), Ticks(u64::MAX));
}
