//! The chip's random generator: raw samples to the health tests, conditioned bytes to the settings.
#![allow(unsafe_code)]

use crate::chip;
use helio_bench::{RandomClass, RandomFault, RandomSource};
use rp235x_hal::pac;
use sha2::{Digest, Sha256};

/// System clock cycles between two samples of the ring oscillator.
const SAMPLE_CYCLES: u32 = 200;

/// Reads of 192 raw bits that are hashed to 256: at the assumed half a bit of entropy a sample,
/// 384 bits go in, 128 more than come out.
const READS: usize = 4;

/// Bits in a row of one value that are a failure: 1 + ⌈20 / 0.5⌉ (NIST SP 800-90B, 4.4.1, with
/// a false alarm of 2⁻²⁰ and an assumed, not assessed, half bit of min-entropy a sample).
const REPETITION_CUTOFF: u32 = 41;

/// What looks at every raw sample before anything is made of it.
pub trait HealthTest {
    /// A sample of one bit.
    ///
    /// # Errors
    /// The source has failed, for good.
    fn sample(&mut self, bit: u8) -> Result<(), RandomFault>;
}

/// The repetition count test.
pub struct RepetitionCount {
    last: u8,
    run: u32,
}

impl HealthTest for RepetitionCount {
    fn sample(&mut self, bit: u8) -> Result<(), RandomFault> {
        self.run = if bit == self.last { self.run.saturating_add(1) } else { 1 };
        self.last = bit;
        if self.run >= REPETITION_CUTOFF { Err(RandomFault) } else { Ok(()) }
    }
}

/// The generator behind its tests.
pub struct Trng<T> {
    tests: T,
    failed: bool,
    block: [u8; 32],
    used: usize,
}

impl Trng<RepetitionCount> {
    /// Takes the generator out of reset and switches its own whitening off.
    pub fn new(resets: &mut pac::RESETS) -> Self {
        resets.reset().modify(|_, w| w.trng().set_bit());
        resets.reset().modify(|_, w| w.trng().clear_bit());
        while resets.reset_done().read().trng().bit_is_clear() {}
        let trng = chip::trng();
        // Von Neumann's corrector, the autocorrelation and the comparison of blocks are the chip's
        // own tests; they are bypassed so that ours see every sample.
        trng.trng_debug_control().write(|w| {
            w.vnc_bypass().set_bit().trng_crngt_bypass().set_bit();
            w.auto_correlate_bypass().set_bit()
        });
        // SAFETY: a count of cycles and the shortest of the four oscillators.
        unsafe {
            trng.sample_cnt1().write(|w| w.bits(SAMPLE_CYCLES));
            trng.trng_config().write(|w| w.bits(0));
        }
        trng.rnd_source_enable().write(|w| w.rnd_src_en().set_bit());
        let tests = RepetitionCount { last: 0, run: 0 };
        Trng { tests, failed: false, block: [0; 32], used: 32 }
    }
}

impl<T: HealthTest> Trng<T> {
    /// 192 raw samples, tested.
    fn raw(&mut self) -> Result<[u32; 6], RandomFault> {
        let trng = chip::trng();
        // 192 samples take 38 400 cycles; a generator that needs ten times as long stands still.
        let mut patience = 100_000u32;
        while trng.trng_valid().read().ehr_valid().bit_is_clear() {
            patience = patience.checked_sub(1).ok_or(RandomFault)?;
        }
        // Reading the last one empties the register and begins anew.
        let words = [
            trng.ehr_data0().read().bits(),
            trng.ehr_data1().read().bits(),
            trng.ehr_data2().read().bits(),
            trng.ehr_data3().read().bits(),
            trng.ehr_data4().read().bits(),
            trng.ehr_data5().read().bits(),
        ];
        // SAFETY: write one to clear.
        unsafe { trng.rng_icr().write(|w| w.bits(0xF)) };
        for word in words {
            for n in 0..32 {
                self.tests.sample((word >> n & 1) as u8)?;
            }
        }
        Ok(words)
    }

    fn refill(&mut self) -> Result<(), RandomFault> {
        let mut hash = Sha256::new();
        for _ in 0..READS {
            for word in self.raw()? {
                hash.update(word.to_le_bytes());
            }
        }
        self.block.copy_from_slice(&hash.finalize());
        self.used = 0;
        Ok(())
    }
}

impl<T: HealthTest> RandomSource for Trng<T> {
    fn class(&self) -> RandomClass {
        RandomClass::TrueRandom
    }

    fn name(&self) -> &str {
        "trng-conditioned"
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        for byte in out {
            if self.failed {
                return Err(RandomFault);
            }
            if self.used == self.block.len() {
                self.failed = self.refill().is_err();
                if self.failed {
                    return Err(RandomFault);
                }
            }
            *byte = self.block[self.used];
            // Given out once.
            self.block[self.used] = 0;
            self.used += 1;
        }
        Ok(())
    }
}
