//! Privacy amplification: a Toeplitz hash over GF(2).
//!
//! With an input x of n bits, an output y of ℓ bits and a uniform public seed s of n + ℓ − 1 bits,
//!
//! `y[i] = ⊕_j T[i][j]·x[j]`, `T[i][j] = s[i − j + n − 1]`, 0 ≤ i < ℓ, 0 ≤ j < n.
//!
//! Toeplitz matrices are a universal₂ family: two different inputs meet with probability 2^(−ℓ)
//! over the seed (Krawczyk, CRYPTO '94, LNCS 839, p. 129, names the family and its history;
//! Tomamichel, Schaffner, Smith and Renner, IEEE Trans. Inf. Theory 57, 5524 (2011), prove the
//! leftover hash lemma that uses it). The seed may be public, but must be drawn after the
//! reconciled string is fixed.
//!
//! The sum is coefficient i + n − 1 of the product of the polynomials s(z) and x(z) over GF(2).
//! x is cut into pieces as long as the output; each piece meets a window of s twice its length,
//! and only these products are formed. Exact integer arithmetic, in a time that does not depend
//! on the bits.

mod poly;

use helio_keys::SecretBits;
use thiserror::Error;
use zeroize::Zeroizing;

/// Why nothing was amplified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmplifyError {
    /// The seed does not fit the input and output.
    #[error(
        "a Toeplitz hash of {input} to {output} bits takes a seed of {expected} bits, not {found}"
    )]
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

/// Bits of seed for a hash of `input` to `output` bits: n + ℓ − 1, or none if either is empty.
pub fn seed_bits(input: usize, output: usize) -> usize {
    match input.min(output) {
        0 => 0,
        _ => input + output - 1,
    }
}

/// Hashes `input` to `output` bits with the Toeplitz matrix of `seed`.
///
/// # Errors
/// [`AmplifyError`] if `seed` is not [`seed_bits`] long, or the output is longer than the input.
pub fn amplify(
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
    if output == 0 {
        return Ok(SecretBits::new());
    }

    let piece = output.div_ceil(64);
    let mut sum = Zeroizing::new(vec![0; 3 * piece]);
    let mut product = Zeroizing::new(vec![0; 2 * piece]);
    let mut multiplier = poly::Multiplier::new(piece);
    let mut window = vec![0; 2 * piece];
    let mut padded = Zeroizing::new(vec![0; piece]);
    for (k, words) in input.words().chunks(piece).enumerate() {
        padded[..words.len()].copy_from_slice(words);
        padded[words.len()..].fill(0);
        // Bit b of the piece is x[64·piece·k + b]; with a window that begins at s[start], T's
        // index i − j + n − 1 is window bit i − b + 64·piece − 1, for every piece alike.
        let start = n as i64 - (64 * piece * (k + 1)) as i64;
        read_window(seed.words(), start, &mut window);
        for (half, at) in window.chunks(piece).zip([0, piece]) {
            multiplier.multiply(&padded, half, &mut product);
            sum[at..at + 2 * piece].iter_mut().zip(product.iter()).for_each(|(s, p)| *s ^= p);
        }
    }
    let mut words = Vec::with_capacity(piece);
    words.extend((piece - 1..2 * piece - 1).map(|i| sum[i] >> 63 | sum[i + 1] << 1));
    Ok(SecretBits::from_words(words, output))
}

/// The bits of `source` from bit `start` on, zeros before and after its ends.
fn read_window(source: &[u64], start: i64, window: &mut [u64]) {
    let (first, shift) = (start.div_euclid(64), start.rem_euclid(64));
    let word = |i: i64| usize::try_from(i).ok().and_then(|i| source.get(i)).copied().unwrap_or(0);
    for (i, out) in (first..).zip(window) {
        *out = match shift {
            0 => word(i),
            _ => word(i) >> shift | word(i + 1) << (64 - shift),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_keys::{EntropySource, SeededEntropy, SimulatedDevices};

    fn random(len: usize, seed: u64) -> SecretBits {
        let devices = SimulatedDevices::declared(true, true).expect("both simulated");
        SeededEntropy::new(devices, seed, "amplify").bits(len).expect("never fails")
    }

    /// The definition, bit by bit.
    fn by_definition(x: &SecretBits, seed: &SecretBits, output: usize) -> SecretBits {
        let n = x.len();
        SecretBits::from_bits(
            (0..output)
                .map(|i| (0..n).fold(false, |acc, j| acc ^ (x.get(j) & seed.get(i + n - 1 - j)))),
        )
    }

    #[test]
    fn the_product_is_the_matrix() {
        let sizes = [1, 2, 63, 64, 65, 127, 128, 129, 191, 200, 320, 511, 777, 1024, 1500, 2049];
        for (s, &n) in sizes.iter().enumerate() {
            for output in sizes.iter().copied().chain([n, n - 1, n / 2, n / 3]).filter(|o| *o <= n)
            {
                let x = random(n, s as u64);
                let seed = random(seed_bits(n, output), 1000 + output as u64);
                let fast = amplify(&x, &seed, output).expect("fits");
                assert_eq!(fast.len(), output);
                assert!(
                    bool::from(fast.ct_eq(&by_definition(&x, &seed, output))),
                    "{n} to {output} bits"
                );
            }
        }
    }

    #[test]
    fn a_single_input_bit_reads_out_the_matrix_column() {
        let (n, output) = (300, 130);
        let seed = random(seed_bits(n, output), 5);
        for j in [0, 1, 63, 64, 298, 299] {
            let mut x = SecretBits::zeros(n);
            x.set(j, true);
            let column = amplify(&x, &seed, output).expect("fits");
            let start = n - 1 - j;
            assert!(bool::from(column.ct_eq(&seed.slice(start..start + output))));
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let x = random(100, 1);
        for (seed, output) in [(149, 51), (151, 51), (0, 1), (1, 0)] {
            let result = amplify(&x, &random(seed, 2), output);
            assert!(matches!(result, Err(AmplifyError::SeedLength { .. })), "{seed} {output}");
        }
        let result = amplify(&x, &random(200, 2), 101);
        assert!(matches!(result, Err(AmplifyError::OutputTooLong { input: 100, output: 101 })));
        assert!(amplify(&x, &SecretBits::new(), 0).expect("nothing").is_empty());
        assert!(amplify(&SecretBits::new(), &SecretBits::new(), 0).expect("nothing").is_empty());
    }
}
