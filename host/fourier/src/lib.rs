//! Plans of Fourier transforms in single precision.
//!
//! `rustfft` is generic in the type of its numbers, so whoever plans a transform compiles all of its
//! algorithms anew, for every instruction set: a minute of a build. Here that is done once, for `f32`
//! and behind objects; crates that only use a plan compile in seconds. AVX and NEON are found at run
//! time.

use std::sync::Arc;

use realfft::RealFftPlanner;
pub use realfft::num_complex::Complex;
pub use realfft::{ComplexToReal, RealToComplex};
pub use rustfft::Fft;
use rustfft::FftPlanner;

/// X(k) = Σ x(n) exp(−2πi kn / `length`), not scaled, in place.
pub fn forward(length: usize) -> Arc<dyn Fft<f32>> {
    FftPlanner::new().plan_fft_forward(length)
}

/// The same of real numbers, to the `length` / 2 + 1 lowest k, and its inverse, which is not scaled
/// either: one after the other multiplies by `length`.
pub fn real(length: usize) -> (Arc<dyn RealToComplex<f32>>, Arc<dyn ComplexToReal<f32>>) {
    let mut planner = RealFftPlanner::new();
    (planner.plan_fft_forward(length), planner.plan_fft_inverse(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_one_line_and_comes_back() {
        const LENGTH: usize = 64;
        let tone = |n: usize| (std::f32::consts::TAU * 5.0 * n as f32 / LENGTH as f32).cos();
        let (there, back) = real(LENGTH);
        let (mut cells, mut lines) = (there.make_input_vec(), there.make_output_vec());
        (0..LENGTH).for_each(|n| cells[n] = tone(n));
        there.process(&mut cells, &mut lines).unwrap();
        for (k, line) in lines.iter().enumerate() {
            let expected = if k == 5 { LENGTH as f32 / 2.0 } else { 0.0 };
            assert!((line - expected).norm() < 1e-4, "{k}: {line}");
        }
        back.process(&mut lines, &mut cells).unwrap();
        assert!((0..LENGTH).all(|n| (cells[n] / LENGTH as f32 - tone(n)).abs() < 1e-5));

        let mut both: Vec<_> = (0..LENGTH).map(|n| Complex::new(tone(n), 0.0)).collect();
        forward(LENGTH).process(&mut both);
        for (k, line) in both.iter().enumerate() {
            let expected = if k == 5 || k == LENGTH - 5 { LENGTH as f32 / 2.0 } else { 0.0 };
            assert!((line - expected).norm() < 1e-4, "{k}: {line}");
        }
    }
}
