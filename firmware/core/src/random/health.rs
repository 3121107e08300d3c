//! Health tests of a noise source: NIST SP 800-90B, section 4.4, on its raw samples.
//!
//! The cut-offs follow from a min-entropy a sample that is *assumed*, not assessed: a designer
//! states it, and a source that has less is found with the stated probability only. They are
//! computed when the firmware is built, without floating point on the device:
//!
//! - Repetition count (4.4.1): C = 1 + ⌈−log₂ α / H⌉ equal samples in a row.
//! - Adaptive proportion (4.4.2): how often the first sample of a window of 1024 binary or 512
//!   other samples comes in it; C = 1 + CRITBINOM(window, 2⁻ᴴ, 1 − α): the smallest number whose
//!   binomial tail P(X ≥ C) is at most α.
//! - Start-up: [`STARTUP_SAMPLES`] samples pass both before any is used (4.3, requirement 10
//!   asks for 1024).
//!
//! False alarms: α = 2⁻²⁰ a sample (repetition) and a window (proportion). At a million samples a
//! second a sound source of just the stated entropy would trip within a second, so sources are
//! stated at less than they have.

use helio_bench::RandomFault;

/// Samples that must pass before the first one is used.
pub const STARTUP_SAMPLES: u32 = 1024;

/// −log₂ of the probability of a false alarm, a sample or a window.
pub const ALPHA_BITS: u32 = 20;

/// What is assumed of a source, and the cut-offs that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// Equal samples in a row that are a failure.
    pub repetition: u16,
    /// Samples of a window.
    pub window: u16,
    /// Samples equal to a window's first one, itself included, that are a failure.
    pub proportion: u16,
}

impl Cutoffs {
    /// For samples of so many bits (1 to 8) with a min-entropy of `millibits` / 1000 bits each, 50
    /// to 1000 times the bits.
    ///
    /// # Panics
    /// Outside that range. Meant for constants, where that does not build.
    pub const fn new(bits: u8, millibits: u32) -> Cutoffs {
        assert!(bits >= 1 && bits <= 8 && millibits >= 50 && millibits <= 1000 * bits as u32);
        let window = if bits == 1 { 1024 } else { 512 };
        Cutoffs {
            repetition: 1 + (ALPHA_BITS * 1000).div_ceil(millibits) as u16,
            window,
            proportion: proportion_cutoff(window, two_to_minus(millibits)),
        }
    }
}

/// 2^(−millibits / 1000).
const fn two_to_minus(millibits: u32) -> f64 {
    // 2^(-1/1000).
    let step = 0.999_307_092_990_452_5_f64;
    let (mut p, mut n) = (1.0, 0);
    while n < millibits {
        p *= step;
        n += 1;
    }
    p
}

/// The smallest C with P(X ≥ C) ≤ α for X of `window` samples with probability `p`; no more than
/// the window.
const fn proportion_cutoff(window: u16, p: f64) -> u16 {
    let n = window as u32;
    let alpha = 1.0 / (1u64 << ALPHA_BITS) as f64;
    // From the top down: P(X = n) = pⁿ, P(X = k−1) = P(X = k) · k (1−p) / ((n−k+1) p). pⁿ may be
    // far below the smallest number; its exponent is carried apart, in steps of 2⁻⁶⁴.
    const SCALE: f64 = 18_446_744_073_709_551_616.0;
    let (mut term, mut exponent, mut i) = (1.0, 0i32, 0);
    while i < n {
        term *= p;
        if term < 1.0 / SCALE {
            term *= SCALE;
            exponent += 1;
        }
        i += 1;
    }
    let (mut k, mut tail) = (n, term);
    loop {
        if k == 0 || (exponent == 0 && tail > alpha) {
            return if k == n { window } else { k as u16 + 1 };
        }
        term *= k as f64 * (1.0 - p) / ((n - k + 1) as f64 * p);
        tail += term;
        if exponent > 0 && tail > 1.0 {
            term /= SCALE;
            tail /= SCALE;
            exponent -= 1;
        }
        k -= 1;
    }
}

/// Both tests, over one source's raw samples. A failure stays.
#[derive(Clone, Copy, Debug)]
pub struct HealthTests {
    cutoffs: Cutoffs,
    last: Option<u8>,
    run: u16,
    first: u8,
    equal: u16,
    seen: u16,
    passed: u32,
    failed: bool,
}

impl HealthTests {
    /// Nothing seen yet.
    pub const fn new(cutoffs: Cutoffs) -> HealthTests {
        HealthTests {
            cutoffs,
            last: None,
            run: 0,
            first: 0,
            equal: 0,
            seen: 0,
            passed: 0,
            failed: false,
        }
    }

    /// The next raw sample.
    ///
    /// # Errors
    /// [`RandomFault`] for this sample and every one after it.
    pub fn sample(&mut self, sample: u8) -> Result<(), RandomFault> {
        self.run = if self.last == Some(sample) { self.run.saturating_add(1) } else { 1 };
        self.last = Some(sample);
        if self.seen == 0 {
            (self.first, self.equal) = (sample, 0);
        }
        self.equal += u16::from(sample == self.first);
        self.seen += 1;
        if self.seen == self.cutoffs.window {
            self.seen = 0;
        }
        let fails = self.run >= self.cutoffs.repetition || self.equal >= self.cutoffs.proportion;
        if fails || self.failed {
            self.failed = true;
            return Err(RandomFault);
        }
        self.passed = self.passed.saturating_add(1);
        Ok(())
    }

    /// Whether enough samples have passed for the first one to be used.
    pub fn is_started(&self) -> bool {
        !self.failed && self.passed >= STARTUP_SAMPLES
    }

    /// Whether a sample has failed.
    pub fn has_failed(&self) -> bool {
        self.failed
    }
}
