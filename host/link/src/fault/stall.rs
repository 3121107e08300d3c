//! A line that stands still for a while and then brings everything at once.

use super::{Fault, happens};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::collections::VecDeque;

/// Holds chunks up, each behind the one before it, until a number of them waits. Nothing is lost
/// and nothing is reordered: what a host's buffers must bear.
#[derive(Clone, Debug)]
pub struct Stall {
    rng: ChaCha8Rng,
    ppm: u32,
    chunks: usize,
    held: VecDeque<Vec<u8>>,
    /// Stalls so far.
    pub stalls: u64,
}

impl Stall {
    /// At `ppm` chunks in a million the line stands still until `chunks` of them wait.
    pub fn new(seed: u64, ppm: u32, chunks: usize) -> Stall {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Stall { rng, ppm, chunks, held: VecDeque::new(), stalls: 0 }
    }
}

impl Fault for Stall {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        if self.held.is_empty() {
            if self.chunks < 2 || !happens(&mut self.rng, self.ppm) {
                return out.push_back(chunk);
            }
            self.stalls += 1;
        }
        self.held.push_back(chunk);
        if self.held.len() >= self.chunks {
            out.append(&mut self.held);
        }
    }

    fn release(&mut self, out: &mut VecDeque<Vec<u8>>) {
        out.append(&mut self.held);
    }
}
