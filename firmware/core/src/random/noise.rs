//! A random source of noise that is watched: health tests on the raw samples, then conditioning.

use super::health::{Cutoffs, HealthTests};
use helio_bench::{NoiseSource, RandomClass, RandomFault, RandomSource};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Raw samples asked for at a time.
const BATCH: usize = 64;

/// Bytes of a conditioned block.
const BLOCK: usize = 32;

/// Conditioned bytes of class [`RandomClass::TrueRandom`] from raw samples that pass the tests.
///
/// SHA-256 (a vetted conditioning component, NIST SP 800-90B, 3.1.5.1.1) turns samples with an
/// assumed min-entropy of at least 320 bits into 256: 64 bits more than come out, as 3.1.5.1.2 asks
/// for of full entropy. A failure is for good: the device must be started anew.
pub struct ConditionedNoise<S> {
    source: S,
    tests: HealthTests,
    /// Samples that go into a block.
    samples: u32,
    block: [u8; BLOCK],
    used: usize,
}

impl<S: NoiseSource> ConditionedNoise<S> {
    /// For samples of so many bits that are assumed to have a min-entropy of `millibits` / 1000
    /// each; limits as of [`Cutoffs::new`].
    pub const fn new(source: S, bits: u8, millibits: u32) -> ConditionedNoise<S> {
        let tests = HealthTests::new(Cutoffs::new(bits, millibits));
        let samples = 320_000_u32.div_ceil(millibits);
        ConditionedNoise { source, tests, samples, block: [0; BLOCK], used: BLOCK }
    }

    /// Takes a batch of samples, tested.
    fn batch(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        self.source.samples(out)?;
        out.iter().try_for_each(|sample| self.tests.sample(*sample))
    }

    fn next_block(&mut self) -> Result<(), RandomFault> {
        let mut raw = [0; BATCH];
        while !self.tests.is_started() {
            self.batch(&mut raw)?;
        }
        let mut hash = Sha256::new();
        let mut left = self.samples as usize;
        while left > 0 {
            let n = left.min(BATCH);
            self.batch(&mut raw[..n])?;
            hash.update(&raw[..n]);
            left -= n;
        }
        raw.zeroize();
        self.block.copy_from_slice(&hash.finalize());
        self.used = 0;
        Ok(())
    }
}

impl<S: NoiseSource> RandomSource for ConditionedNoise<S> {
    fn class(&self) -> RandomClass {
        RandomClass::TrueRandom
    }

    fn name(&self) -> &str {
        self.source.name()
    }

    fn fill(&mut self, mut out: &mut [u8]) -> Result<(), RandomFault> {
        if self.tests.has_failed() {
            return Err(RandomFault);
        }
        while !out.is_empty() {
            if self.used == BLOCK {
                self.next_block()?;
            }
            let n = out.len().min(BLOCK - self.used);
            let (now, later) = out.split_at_mut(n);
            let given = &mut self.block[self.used..self.used + n];
            now.copy_from_slice(given);
            given.zeroize();
            self.used += n;
            out = later;
        }
        Ok(())
    }
}
