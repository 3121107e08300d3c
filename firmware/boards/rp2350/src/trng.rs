//! The chip's random generator: its raw samples, for `ConditionedNoise` to test and to condition.
#![allow(unsafe_code)]

use crate::{chip, timer};
use helio_bench::{NoiseSource, RandomFault};
use helio_units::Ticks;
use rp235x_hal::pac;

/// System clock cycles between two samples of the ring oscillator.
const SAMPLE_CYCLES: u32 = 200;

/// Samples that its register holds.
const SAMPLES: u32 = 192;

/// A register that is full waits to be read, and the generator with it: half the time, where core 1
/// takes 170 µs for a turn, three of which empty the register.
const SAMPLES_PER_SECOND: u32 = 150_000_000 / SAMPLE_CYCLES / 2;

/// A generator that has not filled its register in ten times the time stands still.
const PATIENCE: u64 = 10 * (SAMPLE_CYCLES * SAMPLES) as u64;

/// Min-entropy of a sample in thousandths of a bit: assumed, not assessed.
pub const ASSUMED_MILLIBITS: u32 = 500;

/// The generator's raw samples, one bit each.
pub struct Trng {
    words: [u32; 6],
    used: u32,
    /// When the register was emptied last.
    emptied: Ticks,
}

impl Trng {
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
        Trng { words: [0; 6], used: SAMPLES, emptied: timer::now() }
    }

    /// The next 192 samples, if they are there.
    fn read(&mut self) -> Result<bool, RandomFault> {
        let trng = chip::trng();
        if trng.trng_valid().read().ehr_valid().bit_is_clear() {
            let waited = timer::now().0.saturating_sub(self.emptied.0);
            return if waited < PATIENCE { Ok(false) } else { Err(RandomFault) };
        }
        // Reading the last one empties the register and begins anew.
        self.words = [
            trng.ehr_data0().read().bits(),
            trng.ehr_data1().read().bits(),
            trng.ehr_data2().read().bits(),
            trng.ehr_data3().read().bits(),
            trng.ehr_data4().read().bits(),
            trng.ehr_data5().read().bits(),
        ];
        // SAFETY: write one to clear.
        unsafe { trng.rng_icr().write(|w| w.bits(0xF)) };
        self.used = 0;
        self.emptied = timer::now();
        Ok(true)
    }
}

impl NoiseSource for Trng {
    fn name(&self) -> &str {
        "trng-conditioned"
    }

    /// The register holds 192 samples and waits to be read: between two of them there is a pause,
    /// but within them none, and every sample is handed on.
    fn samples(&mut self, out: &mut [u8]) -> Result<usize, RandomFault> {
        if self.used == SAMPLES && !self.read()? {
            return Ok(0);
        }
        let n = out.len().min((SAMPLES - self.used) as usize);
        for sample in &mut out[..n] {
            *sample = (self.words[self.used as usize / 32] >> (self.used % 32) & 1) as u8;
            self.used += 1;
        }
        Ok(n)
    }

    fn samples_per_second(&self) -> u32 {
        SAMPLES_PER_SECOND
    }
}
