//! Privacy amplification: the modified Toeplitz hash over GF(2).
//!
//! An input x of n bits is cut into its first ℓ bits x′ and the other m = n − ℓ bits x″; with a
//! uniform public seed s of n − 1 bits the output is
//!
//! `y = x′ ⊕ T·x″`, `T[i][j] = s[i − j + m − 1]`, 0 ≤ i < ℓ, 0 ≤ j < m:
//!
//! the identity stands beside a Toeplitz matrix (Hayashi, IEEE Trans. Inf. Theory 57, 3989 (2011);
//! Hayashi and Tsurumaru, IEEE Trans. Inf. Theory 62, 2213 (2016)). Nothing is hashed if ℓ = n, and
//! no seed is then needed.
//!
//! **It is universal₂.** Let two inputs differ by d = (d′, d″) ≠ 0. If d″ = 0, the outputs differ by
//! d′ ≠ 0, for every seed. If the last set bit of d″ is bit j, then bit i of T·d″ is s[i − j + m − 1]
//! plus bits of s with higher index; read from i = ℓ − 1 down, each brings in a seed bit that the
//! ones before did not hold, so T·d″ is uniform and equals d′ with probability exactly 2^(−ℓ). Hence
//! the leftover hash lemma holds as for every universal₂ family (Tomamichel, Schaffner, Smith and
//! Renner, IEEE Trans. Inf. Theory 57, 5524 (2011)), and FINITE_KEY.md's ε_PA needs no change. The
//! seed may be public, but must be drawn after the reconciled string is fixed, and serves once.
//!
//! T·x″ are ℓ coefficients from the middle of the product of the polynomials s(z) and x″(z) over
//! GF(2); `middle` computes them by additive Fourier transforms. Exact, and in a time that does
//! not depend on the bits.
//!
//! Seen on one core of an AMD EPYC (Zen 4, VPCLMULQDQ), half out, input bits by processor time, by
//! `cargo run --release -p helio-distill --example amplify_memory -- BITS RUNS`:
//!
//! | bits | Mbit/s | peak of the process |
//! |---|---|---|
//! | 10^4, 10^5, 10^6 | 2,200 | |
//! | 2·10^6 | 1,700 to 2,100 | 5 MiB |
//! | 10^8 | 690 to 770 | 94 MiB, of which 38 MiB are there before |
//!
//! `cargo bench -p helio-distill --bench hashing` compares the levels and a Karatsuba product.

mod middle;

use helio_keys::SecretBits;
use thiserror::Error;

use crate::gf2::Level;

/// Why nothing was amplified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmplifyError {
    /// The seed does not fit the input and output.
    #[error("a hash of {input} to {output} bits takes a seed of {expected} bits, not {found}")]
    SeedLength {
        /// Bits of the input.
        input: usize,
        /// Bits of the output.
        output: usize,
        /// Bits that the seed should have.
        expected: usize,
        /// Bits that it has.
        found: usize,
    },
    /// Hashing does not make bits.
    #[error("{input} bits cannot be amplified to {output} bits")]
    OutputTooLong {
        /// Bits of the input.
        input: usize,
        /// Bits of the output.
        output: usize,
    },
}

/// Bits of seed for a hash of `input` to `output` bits: n − 1, or none if there is nothing to hash.
pub fn seed_bits(input: usize, output: usize) -> usize {
    if output == 0 || output >= input { 0 } else { input - 1 }
}

/// Hashes `input` to `output` bits with the matrix of `seed`.
///
/// # Errors
/// [`AmplifyError`] if `seed` is not [`seed_bits`] long, or the output is longer than the input.
pub fn amplify(
    input: &SecretBits,
    seed: &SecretBits,
    output: usize,
) -> Result<SecretBits, AmplifyError> {
    amplify_at(Level::best(), input, seed, output)
}

/// [`amplify`] with the instructions of one level, to compare levels: all give the same bits.
///
/// # Errors
/// As [`amplify`].
pub fn amplify_at(
    level: Level,
    input: &SecretBits,
    seed: &SecretBits,
    output: usize,
) -> Result<SecretBits, AmplifyError> {
    let n = input.len();
    if output > n {
        return Err(AmplifyError::OutputTooLong { input: n, output });
    }
    let expected = seed_bits(n, output);
    if seed.len() != expected {
        let found = seed.len();
        return Err(AmplifyError::SeedLength { input: n, output, expected, found });
    }
    // Long enough for the hash to be added without growing, which would leave a copy behind.
    let mut words = Vec::with_capacity(output.div_ceil(64));
    words.extend_from_slice(&input.words()[..output.div_ceil(64)]);
    if output > 0 && output < n {
        middle::add(level, input, seed.words(), &mut words, output);
    }
    Ok(SecretBits::from_words(words, output))
}

#[cfg(test)]
mod tests;
