//! A simulated run whose cables are written down: every chunk of bytes that the two devices sent.

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;
use helio_bench::SettingsSource;
use helio_link::{Connection, Event, PipeEnd, Transport, TransportError};
use helio_station::bench::Scenario;
use helio_station::bench::cable::{self, Item, Outlet, WhenFull};
use helio_station::bench::device::{self, Run};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::Role;

/// What both devices of a run said.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Chunks from Alice's device.
    pub alice: Vec<Vec<u8>>,
    /// Chunks from Bob's device.
    pub bob: Vec<Vec<u8>>,
}

/// A cable that keeps a copy of what it carries to the host.
struct Tap {
    end: PipeEnd,
    heard: Vec<Vec<u8>>,
}

impl Transport for Tap {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.end.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        self.end.receive(chunk, timeout)?;
        self.heard.push(chunk.clone());
        Ok(())
    }
}

/// A recorded cable: gives the chunks again and swallows what is sent.
#[derive(Debug)]
pub struct Cable<'a> {
    chunks: std::slice::Iter<'a, Vec<u8>>,
}

impl<'a> Cable<'a> {
    /// From the first chunk on.
    pub fn new(chunks: &'a [Vec<u8>]) -> Cable<'a> {
        Cable { chunks: chunks.iter() }
    }

    /// Plays all of it through a host's end of a connection.
    pub fn play(self, mut sink: impl FnMut(Event<'_>)) {
        let mut connection = Connection::new(self);
        while connection.receive(Duration::ZERO, &mut sink).is_ok() {}
    }
}

impl Transport for Cable<'_> {
    fn send(&mut self, _: &[u8]) -> Result<(), TransportError> {
        Ok(())
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, _: Duration) -> Result<(), TransportError> {
        let next = self.chunks.next().ok_or(TransportError::Closed)?;
        chunk.clear();
        chunk.extend_from_slice(next);
        Ok(())
    }
}

/// Runs the scenario's devices from the first slot to the last.
///
/// # Panics
/// Where the scenario cannot be run.
pub fn record(scenario: &Scenario) -> Recording {
    let config = VirtConfig { bench: scenario.bench(), link_depth: 64 };
    let (mut bench, alice, bob) = VirtBench::new(config).expect("the scenario is valid");
    thread::scope(|scope| {
        scope.spawn(move || while !matches!(bench.step(), Step::Unplugged(_)) {});
        let open = |end, role| {
            let mut connection = Connection::new(Tap { end, heard: Vec::new() });
            let identity = device::greet(&mut connection, role).expect("the device answers");
            (connection, identity)
        };
        let ports = [(alice, Role::Alice, 0), (bob, Role::Bob, 1)];
        let hosts: VecDeque<_> = ports
            .into_iter()
            .map(|(end, role, side)| {
                let (connection, identity) = open(end, role);
                let configure = scenario.configure(scenario.key_weights[side]);
                let (slots, source) = (scenario.played_slots(), SettingsSource::Own);
                let run = Run { arming_nonce: 1, epoch: 1, slots, source };
                // Nobody empties this channel: what is wanted is on the tap, but for the last word.
                let (out, items) = unbounded();
                scope.spawn(move || {
                    let outlet = Outlet { items: &out, pool: None, when_full: WhenFull::Wait };
                    let carry =
                        cable::carry(connection, &identity, configure, run, None, outlet, || false);
                    let (connection, _) = carry;
                    drop(out);
                    let Some(Item::End(report)) = items.iter().last() else {
                        panic!("a cable ends with its report");
                    };
                    assert_eq!(report.fault, None);
                    assert!(report.losses.is_clean(), "{:?}", report.losses);
                    connection
                })
            })
            .collect();
        // Both links stay open until both runs are over.
        let mut connections: Vec<_> =
            hosts.into_iter().map(|h| h.join().expect("a host does not fail")).collect();
        let mut heard = |side: usize| std::mem::take(&mut connections[side].transport().heard);
        Recording { alice: heard(0), bob: heard(1) }
    })
}
