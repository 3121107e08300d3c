//! The same seed gives the same bytes, whatever the hosts' speed.

mod common;

use common::run;
use helio_link::{PipeEnd, Transport, TransportError};
use helio_virt::VirtConfig;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 0.5 s of device time: four heartbeats.
const SLOTS: u64 = 2_500_000;

type Tape = Arc<Mutex<Vec<u8>>>;

/// Records what it receives, and dawdles.
struct Dawdler {
    end: PipeEnd,
    tape: Tape,
    /// State of a linear congruential generator; 0 does not dawdle.
    haste: u64,
}

impl Dawdler {
    fn dawdle(&mut self) {
        if self.haste == 0 {
            return;
        }
        self.haste = self.haste.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        match self.haste >> 60 {
            0 => std::thread::sleep(Duration::from_micros(self.haste >> 40 & 0xfff)),
            1..6 => std::thread::yield_now(),
            _ => {}
        }
    }
}

impl Transport for Dawdler {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.dawdle();
        self.end.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        self.dawdle();
        self.end.receive(chunk, timeout.max(Duration::from_secs(20)))?;
        self.tape.lock().unwrap().extend_from_slice(chunk);
        Ok(())
    }
}

/// The bytes of both links.
fn tapes(seed: u64, link_depth: usize, alice_haste: u64, bob_haste: u64) -> [Vec<u8>; 2] {
    let mut config = VirtConfig { link_depth, ..VirtConfig::default() };
    config.bench.seed = seed;
    let (alice, bob) = (Tape::default(), Tape::default());
    let dawdler = |tape: &Tape, haste| {
        let tape = Arc::clone(tape);
        move |end| Dawdler { end, tape, haste }
    };
    let (a, b, _) = run(config, SLOTS, dawdler(&alice, alice_haste), dawdler(&bob, bob_haste));
    assert_eq!((a.health.missing_frames, b.health.missing_frames), (0, 0));
    [alice, bob].map(|tape| std::mem::take(&mut *tape.lock().unwrap()))
}

#[test]
fn bytes_do_not_depend_on_when_the_hosts_do_something() {
    let quick = tapes(3, 256, 0, 0);
    assert!(quick[0].len() > 1_250_000 && quick[1].len() > 700_000);
    for (depth, alice, bob) in [(256, 1, 2), (4, 3, 0), (64, 0, 4)] {
        let slow = tapes(3, depth, alice, bob);
        // Not assert_eq: the bytes would be printed.
        assert!(slow == quick, "link depth {depth}");
    }
    assert!(tapes(4, 256, 0, 0) != quick, "another seed is another run");
}
