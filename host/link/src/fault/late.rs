//! Chunks that arrive after later ones.

use super::{Fault, happens};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::collections::VecDeque;

/// Keeps chunks back until a number of later ones has passed.
#[derive(Clone, Debug)]
pub struct Late {
    rng: ChaCha8Rng,
    ppm: u32,
    chunks: u32,
    /// What is kept back, with how many chunks are still to pass before it.
    kept: VecDeque<(u32, Vec<u8>)>,
    /// Chunks kept back so far.
    pub delayed: u64,
}

impl Late {
    /// Keeps back `ppm` chunks in a million, each behind the `chunks` that follow it.
    pub fn new(seed: u64, ppm: u32, chunks: u32) -> Late {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Late { rng, ppm, chunks, kept: VecDeque::new(), delayed: 0 }
    }
}

impl Fault for Late {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        let late = self.chunks > 0 && happens(&mut self.rng, self.ppm);
        if !late {
            out.push_back(chunk);
            for (left, _) in &mut self.kept {
                *left -= 1;
            }
            while let Some((0, _)) = self.kept.front() {
                out.extend(self.kept.pop_front().map(|(_, chunk)| chunk));
            }
        } else {
            self.delayed += 1;
            self.kept.push_back((self.chunks, chunk));
        }
    }

    fn release(&mut self, out: &mut VecDeque<Vec<u8>>) {
        out.extend(self.kept.drain(..).map(|(_, chunk)| chunk));
    }
}
