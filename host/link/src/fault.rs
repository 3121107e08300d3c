//! Cables that misbehave: transports over a transport, seeded, so that each run misbehaves alike.

mod corrupt;
mod late;
mod lossy;
mod stall;
mod unplug;

pub use corrupt::Corrupt;
pub use late::Late;
pub use lossy::Lossy;
pub use stall::Stall;
pub use unplug::Unplug;

use crate::transport::{Transport, TransportError};
use std::collections::VecDeque;
use std::time::Duration;

/// What happens to chunks on their way.
pub trait Fault {
    /// Takes a chunk and appends what comes of it to `out`, in order: the chunk, or none, or
    /// several. A chunk kept back comes out of a later call.
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>);

    /// The line is silent, or closed: gives out what was kept back.
    fn release(&mut self, out: &mut VecDeque<Vec<u8>>);
}

/// A transport whose chunks pass through faults: `I` on receiving, `O` on sending.
#[derive(Debug)]
pub struct Faulty<T, I, O> {
    transport: T,
    incoming: I,
    outgoing: O,
    received: VecDeque<Vec<u8>>,
    to_send: VecDeque<Vec<u8>>,
}

/// Nothing happens to chunks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sound;

impl Fault for Sound {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        out.push_back(chunk);
    }

    fn release(&mut self, _out: &mut VecDeque<Vec<u8>>) {}
}

impl<T: Transport, I: Fault, O: Fault> Faulty<T, I, O> {
    /// Faults both ways; [`Sound`] for a way without.
    pub fn new(transport: T, incoming: I, outgoing: O) -> Faulty<T, I, O> {
        let (received, to_send) = (VecDeque::new(), VecDeque::new());
        Faulty { transport, incoming, outgoing, received, to_send }
    }

    /// What happened to received chunks.
    pub fn incoming(&self) -> &I {
        &self.incoming
    }

    /// What happened to sent chunks.
    pub fn outgoing(&self) -> &O {
        &self.outgoing
    }
}

impl<T: Transport, I: Fault, O: Fault> Transport for Faulty<T, I, O> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.outgoing.pass(bytes.to_vec(), &mut self.to_send);
        while let Some(chunk) = self.to_send.pop_front() {
            self.transport.send(&chunk)?;
        }
        Ok(())
    }

    /// A silent line gives out what was kept back, so that what waits for the other end to answer
    /// does not wait for ever. `timeout` begins anew with each chunk that the fault swallows.
    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        loop {
            if let Some(next) = self.received.pop_front() {
                *chunk = next;
                if chunk.is_empty() {
                    continue;
                }
                return Ok(());
            }
            let mut fresh = std::mem::take(chunk);
            match self.transport.receive(&mut fresh, timeout) {
                Ok(()) => self.incoming.pass(fresh, &mut self.received),
                Err(error) => {
                    self.incoming.release(&mut self.received);
                    if self.received.is_empty() {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn openings(&self) -> u32 {
        self.transport.openings()
    }
}

/// Whether an event of probability `parts_per_million` happens.
fn happens(rng: &mut impl rand_core::Rng, parts_per_million: u32) -> bool {
    ((u64::from(rng.next_u32()) * 1_000_000) >> 32) < u64::from(parts_per_million)
}
