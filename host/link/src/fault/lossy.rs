//! Whole chunks vanish or come twice.

use super::{Fault, happens};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::collections::VecDeque;

/// Drops and doubles whole chunks.
#[derive(Clone, Debug)]
pub struct Lossy {
    rng: ChaCha8Rng,
    drop_ppm: u32,
    double_ppm: u32,
    /// Chunks dropped so far.
    pub dropped: u64,
    /// Chunks doubled so far.
    pub doubled: u64,
}

impl Lossy {
    /// Probabilities in parts per million.
    pub fn new(seed: u64, drop_ppm: u32, double_ppm: u32) -> Lossy {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Lossy { rng, drop_ppm, double_ppm, dropped: 0, doubled: 0 }
    }
}

impl Fault for Lossy {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        if happens(&mut self.rng, self.drop_ppm) {
            self.dropped += 1;
            return;
        }
        if happens(&mut self.rng, self.double_ppm) {
            self.doubled += 1;
            out.push_back(chunk.clone());
        }
        out.push_back(chunk);
    }

    fn release(&mut self, _out: &mut VecDeque<Vec<u8>>) {}
}
