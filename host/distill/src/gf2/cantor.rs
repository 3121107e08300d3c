//! The Cantor basis of GF(2^64) = GF(2)\[z\]/(z^64 + z^4 + z^3 + z + 1), and the factors of the
//! transform's butterflies.
//!
//! v_0 = 1 and v_i² + v_i = v_(i−1) (Cantor, J. Comb. Theory A 50, 285 (1989)). With s_0(X) = X and
//! s_(i+1)(X) = s_i(X)² + s_i(X), which vanishes on the span of v_0 … v_i, it follows that
//! s_i(v_j) = v_(j−i), so that s_i(v_i) = 1.

/// Members of the basis that the factors need: transforms of up to 2^(MEMBERS) elements.
const MEMBERS: usize = 25;

/// v_0, v_1, …
const BASIS: [u64; MEMBERS] = basis();

const fn multiply(a: u64, b: u64) -> u64 {
    let (mut sum, mut bit) = (0, 64);
    while bit > 0 {
        bit -= 1;
        // Horner: times z, and z^64 is folded.
        let folded = (sum >> 63) * 0x1b;
        let term = (b >> bit & 1) * a;
        sum = sum << 1 ^ folded ^ term;
    }
    sum
}

/// Solves x² + x = v_(i−1) for each i by Gaussian elimination: the left side is linear in x.
const fn basis() -> [u64; MEMBERS] {
    // For each leading bit an image with that bit, and its origin.
    let mut images = [(0, 0); 64];
    let mut i = 0;
    while i < 64 {
        let mut origin = 1 << i;
        let mut image = multiply(origin, origin) ^ origin;
        while image != 0 {
            let lead = 63 - image.leading_zeros() as usize;
            if images[lead].0 == 0 {
                images[lead] = (image, origin);
                break;
            }
            image ^= images[lead].0;
            origin ^= images[lead].1;
        }
        i += 1;
    }
    let mut out = [1_u64; MEMBERS];
    let mut i = 1;
    while i < MEMBERS {
        let (mut rest, mut x) = (out[i - 1], 0);
        while rest != 0 {
            let lead = 63 - rest.leading_zeros() as usize;
            assert!(images[lead].0 != 0, "v_(i-1) has trace 0");
            rest ^= images[lead].0;
            x ^= images[lead].1;
        }
        out[i] = x;
        i += 1;
    }
    out
}

/// Factors of 256 consecutive block numbers each, for the low, middle and high byte of a number.
static FACTORS: [[u64; 256]; 3] = {
    let mut factors = [[0; 256]; 3];
    let mut byte = 0;
    while byte < 3 {
        let mut b = 1_usize;
        while b < 256 {
            let top = b.ilog2() as usize;
            factors[byte][b] = factors[byte][b ^ 1 << top] ^ BASIS[1 + 8 * byte + top];
            b += 1;
        }
        byte += 1;
    }
    factors
};

/// The value of s_i on the points of block `b` of 2^(i+1), which are Σ_j b_j·v_(i+1+j) and more: by
/// s_i(v_(i+1+j)) = v_(1+j), the same for every level i. Linear in the bits of `b` < 2^24.
#[inline(always)]
pub(super) fn factor(b: usize) -> u64 {
    FACTORS[0][b & 0xff] ^ FACTORS[1][b >> 8 & 0xff] ^ FACTORS[2][b >> 16 & 0xff]
}

/// Point number `i`, the sum of the v_j over the bits of i < 2^25.
#[cfg(test)]
pub(super) fn point(i: usize) -> u64 {
    (0..MEMBERS).filter(|j| i >> j & 1 == 1).fold(0, |sum, j| sum ^ BASIS[j])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basis_is_cantors() {
        assert_eq!(BASIS[0], 1);
        for pair in BASIS.windows(2) {
            assert_eq!(multiply(pair[1], pair[1]) ^ pair[1], pair[0]);
        }
    }

    #[test]
    fn factors_are_values_of_the_vanishing_polynomials() {
        // s_i by its definition, at the point of block b.
        for level in [0_usize, 1, 4] {
            for b in [0_usize, 1, 2, 3, 77, 256, 257, 0x1_2345] {
                let value = (0..level).fold(point(b << (level + 1)), |x, _| multiply(x, x) ^ x);
                assert_eq!(factor(b), value, "level {level}, block {b}");
            }
        }
    }
}
