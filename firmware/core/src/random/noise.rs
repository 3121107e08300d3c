//! A random source of noise that is watched: health tests on the raw samples, then conditioning.

use super::health::{Cutoffs, HealthTests};
use helio_bench::{NoiseSource, RandomClass, RandomFault, RandomSource};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Raw samples taken in one turn at most.
const BATCH: usize = 64;

/// Bytes of a conditioned block.
const BLOCK: usize = 32;

/// Conditioned bytes that wait: 64 slots of a sender.
const POOL: usize = 8 * BLOCK;

/// Conditioned bytes of class [`RandomClass::TrueRandom`] from raw samples that pass the tests,
/// gathered a few at a time.
///
/// SHA-256 (a vetted conditioning component, NIST SP 800-90B, 3.1.5.1.1) turns samples with an
/// assumed min-entropy of at least 320 bits into 256: 64 bits more than come out, as 3.1.5.1.2 asks
/// for of full entropy. A failure is for good: the device must be started anew.
pub struct ConditionedNoise<S> {
    pub(super) source: S,
    tests: HealthTests,
    /// Samples that go into a block.
    samples: u32,
    /// Bits of a sample.
    bits: u8,
    /// The block that is being gathered: samples in it, and those that make no whole byte yet.
    hash: Option<Sha256>,
    taken: u32,
    partial: u8,
    partial_bits: u8,
    failed: bool,
    pool: [u8; POOL],
    ready: usize,
}

impl<S: NoiseSource> ConditionedNoise<S> {
    /// For samples of so many bits that are assumed to have a min-entropy of `millibits` / 1000
    /// each; limits as of [`Cutoffs::new`].
    pub const fn new(source: S, bits: u8, millibits: u32) -> ConditionedNoise<S> {
        let tests = HealthTests::new(Cutoffs::new(bits, millibits));
        let samples = 320_000_u32.div_ceil(millibits);
        ConditionedNoise {
            source,
            tests,
            samples,
            bits,
            hash: None,
            taken: 0,
            partial: 0,
            partial_bits: 0,
            failed: false,
            pool: [0; POOL],
            ready: 0,
        }
    }

    /// Takes the samples that are there, tested, into the block that is being gathered.
    fn turn(&mut self) -> Result<(), RandomFault> {
        if self.ready + BLOCK > POOL {
            return Ok(());
        }
        let mut raw = [0; BATCH];
        // The first samples are tested and not used.
        let used = self.tests.is_started();
        let wanted =
            if used { (self.samples - self.taken).min(BATCH as u32) } else { BATCH as u32 };
        let raw = &mut raw[..wanted as usize];
        let taken = self.source.samples(raw)?;
        let raw = &mut raw[..taken];
        let result = raw.iter().try_for_each(|sample| self.tests.sample(*sample));
        if used && result.is_ok() {
            self.absorb(raw);
        }
        raw.zeroize();
        result
    }

    /// One bit a sample goes eight to a byte: an eighth of the work.
    fn absorb(&mut self, raw: &[u8]) {
        let hash = self.hash.get_or_insert_default();
        for sample in raw {
            if self.bits > 1 {
                hash.update([*sample]);
                continue;
            }
            self.partial |= (sample & 1) << self.partial_bits;
            self.partial_bits += 1;
            if self.partial_bits == 8 {
                hash.update([self.partial]);
                (self.partial, self.partial_bits) = (0, 0);
            }
        }
        self.taken += raw.len() as u32;
        if self.taken < self.samples {
            return;
        }
        hash.update([self.partial]);
        (self.partial, self.partial_bits, self.taken) = (0, 0, 0);
        let mut block = self.hash.take().unwrap_or_default().finalize();
        self.pool[self.ready..self.ready + BLOCK].copy_from_slice(&block);
        block.zeroize();
        self.ready += BLOCK;
    }
}

impl<S: NoiseSource> RandomSource for ConditionedNoise<S> {
    fn class(&self) -> RandomClass {
        RandomClass::TrueRandom
    }

    fn name(&self) -> &str {
        self.source.name()
    }

    /// Waits where more is asked for than [`RandomSource::available`] says.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        for piece in out.chunks_mut(BLOCK) {
            while self.ready < piece.len() && !self.failed {
                self.gather();
            }
            if self.failed {
                return Err(RandomFault);
            }
            // From the end: what is given leaves no gap.
            let given = &mut self.pool[self.ready - piece.len()..self.ready];
            piece.copy_from_slice(given);
            given.zeroize();
            self.ready -= piece.len();
        }
        Ok(())
    }

    fn available(&self) -> usize {
        if self.failed { usize::MAX } else { self.ready }
    }

    fn gather(&mut self) {
        if !self.failed && self.turn().is_err() {
            self.failed = true;
            self.pool.zeroize();
        }
    }

    fn bytes_per_second(&self) -> Option<u32> {
        Some(
            (u64::from(self.source.samples_per_second()) * BLOCK as u64 / u64::from(self.samples))
                as u32,
        )
    }
}
