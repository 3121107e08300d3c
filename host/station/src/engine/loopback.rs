//! The line between two parties on this machine: TCP on the loopback address, read by a thread of its
//! own, and held up by half a round trip where one is asked for.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::machine::stay_on;
use crate::bench::run::spawn;
use crate::line::tcp::{Caller, Listener};
use crate::line::{Ends, LineFault, Meeting, MessageIn, MessageOut};
use crate::meter::thread_time;

/// Nobody is waited for longer on this machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// A party computes for long before it reads again: the other one is not gone.
const STUCK_AFTER: Duration = Duration::from_secs(3600);
/// Messages that wait for a party.
const DEPTH: usize = 64;

/// One party's end of the line.
pub(crate) struct Wire {
    pub out: Box<dyn MessageOut>,
    /// What came; ends when the other party has gone.
    pub inbox: Receiver<Vec<u8>>,
    /// Gives the time that its thread took.
    pub reader: JoinHandle<Duration>,
}

/// Both ends over TCP, each message held up by half of `round_trip`. The readers stay on their party's
/// core.
///
/// # Errors
/// The machine has no loopback or no port.
pub(crate) fn connect(
    round_trip: Duration,
    cores: [Option<usize>; 2],
) -> Result<[Wire; 2], LineFault> {
    let mut listener = Listener::bind("127.0.0.1:0", STUCK_AFTER)?;
    let mut caller = Caller::new(listener.address(), STUCK_AFTER);
    let gone = || LineFault::Network("no call over the loopback address came through".into());
    let alice = caller.meet(PATIENCE)?.ok_or_else(gone)?;
    let bob = listener.meet(PATIENCE)?.ok_or_else(gone)?;
    Ok([wire(alice, round_trip / 2, cores[0]), wire(bob, round_trip / 2, cores[1])])
}

fn wire(ends: Ends, delay: Duration, core: Option<usize>) -> Wire {
    let Ends { out, inward, .. } = ends;
    let (to_party, inbox) = bounded(DEPTH);
    // A line without a delay does not pay for a thread that makes one.
    let reader = if delay.is_zero() {
        spawn("line-in", move || {
            core.map(stay_on);
            read(inward, |message| to_party.send(message).is_ok())
        })
    } else {
        let (to_delay, arrived) = bounded(DEPTH);
        spawn("line-delay", move || hold_up(&arrived, &to_party, delay));
        spawn("line-in", move || {
            core.map(stay_on);
            read(inward, |message| to_delay.send((Instant::now(), message)).is_ok())
        })
    };
    Wire { out, inbox, reader }
}

/// Passes messages on until the line ends or nobody takes them; gives the time that it took.
fn read(mut inward: Box<dyn MessageIn>, mut deliver: impl FnMut(Vec<u8>) -> bool) -> Duration {
    loop {
        match inward.receive(PATIENCE) {
            Ok(Some(message)) => {
                if !deliver(message) {
                    return thread_time();
                }
            }
            Ok(None) => {}
            Err(_) => return thread_time(),
        }
    }
}

fn hold_up(arrived: &Receiver<(Instant, Vec<u8>)>, to: &Sender<Vec<u8>>, delay: Duration) {
    for (at, message) in arrived {
        std::thread::sleep((at + delay).saturating_duration_since(Instant::now()));
        if to.send(message).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delayed_line_holds_up_each_message_and_not_one_after_the_other() {
        let round_trip = Duration::from_millis(60);
        let [mut alice, bob] = connect(round_trip, [None; 2]).unwrap();
        let begun = Instant::now();
        for i in 0..20u8 {
            alice.out.send(&[i]).unwrap();
        }
        let came: Vec<_> = bob.inbox.iter().take(20).map(|m| m[0]).collect();
        assert!(came.iter().copied().eq(0..20));
        assert!(begun.elapsed() >= round_trip / 2);
        drop((alice, bob.out));
        assert!(bob.inbox.recv().is_err(), "the other party has gone");
        bob.reader.join().unwrap();
    }

    #[test]
    fn both_ways_carry() {
        let [mut alice, mut bob] = connect(Duration::ZERO, [None; 2]).unwrap();
        alice.out.send(b"there").unwrap();
        bob.out.send(&[7; 1_000_000]).unwrap();
        assert_eq!(bob.inbox.recv().unwrap(), b"there");
        assert_eq!(alice.inbox.recv().unwrap(), [7; 1_000_000]);
    }
}
