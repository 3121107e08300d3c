//! The modified Toeplitz hash by portable Karatsuba products: an oracle that shares nothing with
//! the transforms, and the yardstick of the benchmark.
//!
//! One word by one word is integer multiplication with holes, more words are Karatsuba. It is not
//! wiped and is for tests and benches alone.

use helio_keys::SecretBits;

/// The first `output` bits of `input`, plus the Toeplitz matrix of `seed` times the others.
pub fn amplify(input: &SecretBits, seed: &SecretBits, output: usize) -> SecretBits {
    let mut hash = input.slice(0..output);
    let tail = input.slice(output..input.len());
    if output == 0 || tail.is_empty() {
        return hash;
    }
    // The tail is cut into pieces as long as the output; each meets a window of the seed twice
    // its length.
    let (n, piece) = (tail.len(), output.div_ceil(64));
    let mut sum = vec![0; 3 * piece];
    let mut product = vec![0; 2 * piece];
    let mut multiplier = Multiplier::new(piece);
    let mut window = vec![0; 2 * piece];
    let mut padded = vec![0; piece];
    for (k, words) in tail.words().chunks(piece).enumerate() {
        padded[..words.len()].copy_from_slice(words);
        padded[words.len()..].fill(0);
        // Bit b of the piece is tail bit 64·piece·k + b; with a window that begins at s[start],
        // T's index i − j + n − 1 is window bit i − b + 64·piece − 1, for every piece alike.
        let start = n as i64 - (64 * piece * (k + 1)) as i64;
        read_window(seed.words(), start, &mut window);
        for (half, at) in window.chunks(piece).zip([0, piece]) {
            multiplier.multiply(&padded, half, &mut product);
            sum[at..at + 2 * piece].iter_mut().zip(product.iter()).for_each(|(s, p)| *s ^= p);
        }
    }
    let words = (piece - 1..2 * piece - 1).map(|i| sum[i] >> 63 | sum[i + 1] << 1).collect();
    hash.xor_assign(&SecretBits::from_words(words, output));
    hash
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

/// Words up to which Karatsuba ends in an unrolled product.
const KERNEL: usize = 4;

/// Multiplies polynomials of a fixed number of words, with its own scratch memory.
struct Multiplier {
    words: usize,
    scratch: Vec<u64>,
}

impl Multiplier {
    /// For factors of `words` words.
    fn new(words: usize) -> Multiplier {
        // A level of h = ⌈n/2⌉ words keeps 4h; the sum over all levels is below 4n + 4·64.
        Multiplier { words, scratch: vec![0; 4 * words + 256] }
    }

    /// Writes the product of `a` and `b` to `out`, which has twice the words of each.
    fn multiply(&mut self, a: &[u64], b: &[u64], out: &mut [u64]) {
        assert!(a.len() == self.words && b.len() == self.words && out.len() == 2 * self.words);
        karatsuba(a, b, out, &mut self.scratch);
    }
}

fn karatsuba(a: &[u64], b: &[u64], out: &mut [u64], scratch: &mut [u64]) {
    let n = a.len();
    if n <= KERNEL {
        let (mut x, mut y) = ([0; KERNEL], [0; KERNEL]);
        x[..n].copy_from_slice(a);
        y[..n].copy_from_slice(b);
        out.copy_from_slice(&multiply4(x, y)[..2 * n]);
        return;
    }
    let h = n.div_ceil(2);
    let (a0, a1) = a.split_at(h);
    let (b0, b1) = b.split_at(h);
    let (middle, rest) = scratch.split_at_mut(2 * h);
    {
        let (sums, rest) = rest.split_at_mut(2 * h);
        let (a_sum, b_sum) = sums.split_at_mut(h);
        add(a0, a1, a_sum);
        add(b0, b1, b_sum);
        karatsuba(a_sum, b_sum, middle, rest);
    }
    let (low, high) = out.split_at_mut(2 * h);
    karatsuba(a0, b0, low, rest);
    karatsuba(a1, b1, high, rest);
    middle.iter_mut().zip(low.iter()).for_each(|(m, l)| *m ^= l);
    middle.iter_mut().zip(high.iter()).for_each(|(m, h)| *m ^= h);
    out[h..3 * h].iter_mut().zip(middle.iter()).for_each(|(o, m)| *o ^= m);
}

/// The sum of a longer and a shorter polynomial.
fn add(long: &[u64], short: &[u64], out: &mut [u64]) {
    out.copy_from_slice(long);
    out.iter_mut().zip(short).for_each(|(o, s)| *o ^= s);
}

#[inline(always)]
fn multiply2(a: [u64; 2], b: [u64; 2]) -> [u64; 4] {
    let low = multiply1(a[0], b[0]);
    let high = multiply1(a[1], b[1]);
    let middle = multiply1(a[0] ^ a[1], b[0] ^ b[1]) ^ low ^ high;
    [
        low as u64,
        (low >> 64) as u64 ^ middle as u64,
        high as u64 ^ (middle >> 64) as u64,
        (high >> 64) as u64,
    ]
}

fn multiply4(a: [u64; 4], b: [u64; 4]) -> [u64; 8] {
    let low = multiply2([a[0], a[1]], [b[0], b[1]]);
    let high = multiply2([a[2], a[3]], [b[2], b[3]]);
    let middle = multiply2([a[0] ^ a[2], a[1] ^ a[3]], [b[0] ^ b[2], b[1] ^ b[3]]);
    let mut out = [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]];
    for i in 0..4 {
        out[i + 2] ^= middle[i] ^ low[i] ^ high[i];
    }
    out
}

/// Carry-less product of two words.
///
/// Each factor is split by bit position modulo 5. An integer product of two parts then has its
/// terms in every fifth bit, at most 13 to a column, and 13 < 2^5: no carry reaches the next
/// column of the same class, whose parities are picked out by a mask.
#[inline(always)]
fn multiply1(a: u64, b: u64) -> u128 {
    /// Bits 0, 5, 10, … of 128; bit 125 is the last.
    const EVERY_FIFTH: u128 = {
        let (mut mask, mut bit) = (0, 0);
        while bit < 128 {
            mask |= 1 << bit;
            bit += 5;
        }
        mask
    };
    let part = |x: u64, class: usize| u128::from(x & (EVERY_FIFTH << class) as u64);
    let a: [u128; 5] = std::array::from_fn(|class| part(a, class));
    let b: [u128; 5] = std::array::from_fn(|class| part(b, class));
    let mut out = 0;
    for class in 0..5 {
        let mut column = 0;
        for i in 0..5 {
            column ^= a[i] * b[(class + 5 - i) % 5];
        }
        out |= column & EVERY_FIFTH << class;
    }
    out
}
