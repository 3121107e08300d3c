//! Random draws that agree to the bit on every target.
//!
//! Each physical process has a generator of its own, so that a change in one (another dark rate,
//! say) leaves the draws of the others alone. xoshiro256++ (Blackman, Vigna, ACM TOMS 47, 36
//! (2021)) because the optics want a 64-bit number in about a nanosecond; nothing here is secret.
//! Real numbers go through the `libm` crate, never through the platform's own library.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) type Generator = Xoshiro256PlusPlus;

/// What a generator is for. Detectors count up from theirs.
///
/// Draws for what a pulse brings and for what comes by itself are kept apart: in which order the
/// two are taken depends on how a run is cut into steps, and the edges must not.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Purpose {
    Pulses = 1,
    Photons = 2,
    Eve = 3,
    Photodiode = 4,
    FalseEdges = 5,
    Detectors = 16,
    DetectorTiming = 32,
}

/// The `index`-th generator for `purpose`, independent of all others of the same seed: its state
/// is the first 32 bytes of the ChaCha20 stream of that number.
pub(crate) fn generator(seed: u64, purpose: Purpose, index: u64) -> Generator {
    let mut expanded = keystream(seed, purpose as u64 + index);
    let mut state = [0; 32];
    expanded.fill_bytes(&mut state);
    Generator::from_seed(state)
}

/// ChaCha20 keyed by the seed, at the start of stream `stream`.
pub(crate) fn keystream(seed: u64, stream: u64) -> ChaCha20Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut cipher = ChaCha20Rng::from_seed(key);
    cipher.set_stream(stream);
    cipher
}

/// An event of fixed probability, decided by one integer compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// `probability` in 0..=1, rounded down to a multiple of 2⁻⁵³; 1 is certain.
    pub(crate) fn new(probability: f64) -> Chance {
        Chance((probability * TWO_POW_53) as u64)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn happens(self, rng: &mut Generator) -> bool {
        rng.next_u64() >> 11 < self.0
    }
}

const TWO_POW_53: f64 = 9_007_199_254_740_992.0;

/// Uniform in (0, 1], a multiple of 2⁻⁵³: its logarithm is finite.
pub(crate) fn uniform(rng: &mut Generator) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 / TWO_POW_53
}

/// Exponential with mean 1, at most 36.8.
pub(crate) fn exponential(rng: &mut Generator) -> f64 {
    -libm::log(uniform(rng))
}

/// Largest magnitude that [`gaussian`] can give: √(2·53·ln 2) = 8.572, rounded up.
pub(crate) const GAUSSIAN_MAX: f64 = 8.6;

/// Gaussian with mean 0 and variance 1 (Box and Muller, 1958).
pub(crate) fn gaussian(rng: &mut Generator) -> f64 {
    let radius = libm::sqrt(2.0 * exponential(rng));
    radius * libm::cos(core::f64::consts::TAU * uniform(rng))
}

/// Poisson with this mean, given that it is not zero; by inversion.
///
/// `mean` stays below 320 by the checks on the configuration, so that `exp(-mean)` is no zero.
pub(crate) fn poisson_not_zero(rng: &mut Generator, mean: f64) -> u32 {
    let mut left = uniform(rng) * -libm::expm1(-mean);
    let mut term = mean * libm::exp(-mean);
    let mut n = 1;
    // The terms sum to 1 - exp(-mean) up to rounding; the bound on n ends what rounding leaves.
    while left > term && n < 1_000 {
        left -= term;
        n += 1;
        term *= mean / f64::from(n);
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: u32 = 200_000;

    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..N {
            let x = draw();
            sum += x;
            squares += x * x;
        }
        let mean = sum / f64::from(N);
        (mean, squares / f64::from(N) - mean * mean)
    }

    #[test]
    fn draws_have_their_moments() {
        let mut rng = generator(1, Purpose::Photons, 0);
        let sigma = 1.0 / libm::sqrt(f64::from(N));
        let (mean, variance) = moments(|| gaussian(&mut rng));
        assert!(mean.abs() < 5.0 * sigma, "{mean}");
        assert!((variance - 1.0).abs() < 5.0 * 1.4143 * sigma, "{variance}");
        let (mean, variance) = moments(|| exponential(&mut rng));
        assert!((mean - 1.0).abs() < 5.0 * sigma, "{mean}");
        assert!((variance - 1.0).abs() < 5.0 * 2.83 * sigma, "{variance}");
    }

    #[test]
    fn truncated_poisson_has_its_moments() {
        let mut rng = generator(2, Purpose::Photons, 0);
        for m in [1e-6, 0.05, 1.0, 30.0] {
            let (mean, _) = moments(|| f64::from(poisson_not_zero(&mut rng, m)));
            let expected = m / -libm::expm1(-m);
            let variance = expected * (1.0 + m - expected);
            let sigma = libm::sqrt(variance.max(1e-12) / f64::from(N));
            assert!((mean - expected).abs() < 5.0 * sigma + 1e-5, "{m}: {mean} {expected}");
        }
    }

    #[test]
    fn chances_at_the_ends_are_certain() {
        let mut rng = generator(3, Purpose::Eve, 0);
        let (never, always) = (Chance::new(0.0), Chance::new(1.0));
        assert!(never.is_zero());
        assert!((0..10_000).all(|_| always.happens(&mut rng) && !never.happens(&mut rng)));
    }

    #[test]
    fn purposes_and_seeds_give_different_streams() {
        let first = |seed, purpose, index| generator(seed, purpose, index).next_u64();
        let all = [
            first(1, Purpose::Pulses, 0),
            first(1, Purpose::Photons, 0),
            first(1, Purpose::Detectors, 0),
            first(1, Purpose::Detectors, 1),
            first(2, Purpose::Pulses, 0),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}
