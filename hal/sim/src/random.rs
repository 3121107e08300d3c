//! Random bits for the simulated devices' settings.

use helio_bench::{RandomClass, RandomFault, RandomSource};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use crate::draw::keystream;

/// ChaCha20 from a seed: reproducible, so never a source of secrets.
#[derive(Clone, Debug)]
pub struct SimRandom {
    cipher: ChaCha20Rng,
    bytes_per_second: Option<u32>,
}

impl SimRandom {
    /// The bytes of one device. Devices of the same bench take different `device` numbers; the
    /// optics use other streams of the same seed.
    pub fn new(seed: u64, device: u32) -> SimRandom {
        let cipher = keystream(seed, 1 << 32 | u64::from(device));
        SimRandom { cipher, bytes_per_second: None }
    }

    /// One that says it gives no more in the long run; it is none the slower.
    #[must_use]
    pub fn stating(self, bytes_per_second: Option<u32>) -> SimRandom {
        SimRandom { bytes_per_second, ..self }
    }
}

impl RandomSource for SimRandom {
    fn class(&self) -> RandomClass {
        RandomClass::Seeded
    }

    fn name(&self) -> &str {
        "simulated-chacha20"
    }

    fn bytes_per_second(&self) -> Option<u32> {
        self.bytes_per_second
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        self.cipher.fill_bytes(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_same_however_they_are_asked_for() {
        let (mut at_once, mut in_parts) = ([0; 4096], [0; 4096]);
        SimRandom::new(7, 0).fill(&mut at_once).unwrap();
        let mut source = SimRandom::new(7, 0);
        for part in in_parts.chunks_mut(64) {
            source.fill(part).unwrap();
        }
        assert_eq!(at_once, in_parts);
    }

    #[test]
    fn devices_and_seeds_differ() {
        let first = |seed, device| {
            let mut out = [0; 16];
            SimRandom::new(seed, device).fill(&mut out).unwrap();
            out
        };
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
    }
}
