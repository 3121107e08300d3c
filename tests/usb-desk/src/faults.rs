//! Runs on bad cables, each from a seed of its own.

use crate::desk::Desk;
use crate::host::{Heard, Host, Plan, both};
use crate::job;
use crate::usbip::Plug;
use helio_link::fault::{Corrupt, Fault, Late, Lossy, Sound};
use helio_link::{Transport, TransportError, UsbTransport};
use helio_wire::Role;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const RUNS: u64 = 50;
const SLOTS: u64 = 60_000;

/// What happens to a cable for good.
#[derive(Clone, Copy)]
enum End {
    Pulled,
    Stalled,
}

/// A cable that turns bad when the run has begun, and may come to its end after so many chunks.
struct Bad {
    cable: UsbTransport,
    plug: Plug,
    fault: Box<dyn Fault + Send>,
    on: bool,
    end: Option<(u32, End)>,
    queue: VecDeque<Vec<u8>>,
}

impl Transport for Bad {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.cable.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        if !self.on {
            return self.cable.receive(chunk, timeout);
        }
        match &mut self.end {
            Some((0, End::Pulled)) => self.plug.unplug(),
            Some((0, End::Stalled)) => self.plug.stall(1),
            Some((left, _)) => *left -= 1,
            None => {}
        }
        if self.queue.is_empty() {
            match self.cable.receive(chunk, timeout) {
                Ok(()) => self.fault.pass(std::mem::take(chunk), &mut self.queue),
                Err(TransportError::TimedOut) => self.fault.release(&mut self.queue),
                Err(error) => return Err(error),
            }
        }
        *chunk = self.queue.pop_front().ok_or(TransportError::TimedOut)?;
        Ok(())
    }
}

/// Small numbers from a seed (SplitMix64).
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

fn fault(which: u64, seed: u64) -> Box<dyn Fault + Send> {
    match which {
        0 => Box::new(Corrupt::new(seed, 50_000)),
        1 => Box::new(Lossy::new(seed, 50_000, 50_000)),
        2 => Box::new(Late::new(seed, 50_000, 3)),
        _ => Box::new(Sound),
    }
}

/// What is heard on a bad cable is part of what happened, and what is missing is told.
fn check(seed: u64, heard: &[Heard; 2], truth: &[Heard; 2]) -> u64 {
    for (side, (heard, truth)) in heard.iter().zip(truth).enumerate() {
        let (codes, sent) = (heard.codes(SLOTS), truth.codes(SLOTS));
        for (slot, (code, sent)) in codes.iter().zip(&sent).enumerate() {
            assert!(code.is_none() || code == sent, "seed {seed}: side {side}, slot {slot}");
        }
    }
    let happened: BTreeMap<u64, u8> =
        truth[1].slots.detections.iter().map(|d| (d.slot, d.mask)).collect();
    let mut kept = 0;
    for detection in &heard[1].slots.detections {
        let mask = happened.get(&detection.slot);
        assert_eq!(mask, Some(&detection.mask), "seed {seed}: slot {}", detection.slot);
        kept += 1;
    }
    let (came, made) = (heard[1].tags + heard[1].lost, truth[1].tags);
    assert!(came <= made, "seed {seed}: {came} of {made} tags");
    if came < made {
        let told = heard[1].missing_ticks > 0 || heard[1].reached < truth[1].reached;
        assert!(told, "seed {seed}: {came} of {made} tags, and no hole");
    }
    kept
}

pub fn bad_cables(desk: &mut Desk) -> String {
    let plan = Plan::short(21, SLOTS);
    let truth = job::in_process(job::bench(plan.seed), &plan);
    let (mut ended, mut broken, mut kept) = (0, 0, 0);
    for seed in 0..RUNS {
        let mut dice = seed;
        desk.rebuild(job::bench(plan.seed));
        let ends = [None, None, Some(End::Pulled), Some(End::Stalled)];
        let end = ends[draw(&mut dice, 4) as usize];
        let plugs = desk.plug_both();
        let mut hosts = [Role::Alice, Role::Bob].map(|role| {
            let after = 5 + draw(&mut dice, 60) as u32;
            let end = end.filter(|_| role == Role::Bob).map(|end| (after, end));
            let fault = fault(draw(&mut dice, 4), seed);
            let (cable, plug) = (desk.open(role), plugs[usize::from(role.code())].clone());
            let bad = Bad { cable, plug, fault, on: false, end, queue: VecDeque::new() };
            Host::new(bad, job::slotter())
        });
        let [alice, bob] = &mut hosts;
        let [a, b] = both([alice, bob], |host, role| {
            host.start(role, &plan, 1)?;
            host.connection.transport().on = true;
            host.finish_or_silence()
        });
        let outcome = a.and(b);
        let [alice, bob] = &mut hosts;
        ended += u64::from(outcome.is_ok());
        broken += u64::from(outcome.is_err());
        let heard = [alice.so_far(), bob.so_far()];
        kept += check(seed, &heard, &truth);
    }
    format!("{RUNS} runs: {ended} to the end, {broken} broken off; {kept} detections, all true")
}
