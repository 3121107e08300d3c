//! Single bytes change, vanish or come twice.

use super::{Fault, happens};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::VecDeque;

/// Flips a bit of a byte, drops it or doubles it, each as likely as the others.
#[derive(Clone, Debug)]
pub struct Corrupt {
    rng: ChaCha8Rng,
    ppm: u32,
    /// Bytes damaged so far.
    pub damaged: u64,
}

impl Corrupt {
    /// `ppm`: damaged bytes in a million.
    pub fn new(seed: u64, ppm: u32) -> Corrupt {
        Corrupt { rng: ChaCha8Rng::seed_from_u64(seed), ppm, damaged: 0 }
    }
}

impl Fault for Corrupt {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        let mut damaged = Vec::with_capacity(chunk.len() + 8);
        for byte in chunk {
            if !happens(&mut self.rng, self.ppm) {
                damaged.push(byte);
                continue;
            }
            self.damaged += 1;
            match self.rng.next_u32() % 3 {
                0 => damaged.push(byte ^ 1 << (self.rng.next_u32() & 7)),
                1 => damaged.extend([byte, byte]),
                _ => {}
            }
        }
        out.push_back(damaged);
    }

    fn release(&mut self, _out: &mut VecDeque<Vec<u8>>) {}
}
