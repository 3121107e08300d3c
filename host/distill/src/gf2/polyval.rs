//! POLYVAL (RFC 8452, section 3) over many blocks at a time.
//!
//! The field is GF(2)\[x\]/(x^128 + x^127 + x^126 + x^121 + 1) and dot(a, b) = a·b·x^(−128). Horner's
//! rule S ← dot(S + X, H) over n blocks is dot(S + X_1, H^n) + dot(X_2, H^(n−1)) + … with powers by
//! dot: n independent products, whose sum is reduced once.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::engine::Engine;
use super::lanes::Lanes;
use super::{Kind, Level};

/// Blocks that are summed before one reduction.
const GROUP: usize = 32;
/// Words of the widest vector.
const WIDEST: usize = 8;

/// The powers of a hash key, computed as far as they were needed; wiped when dropped.
pub(crate) struct Powers {
    level: Level,
    /// H^32 … H as pairs of words; zeros where not known.
    table: [u64; 2 * GROUP],
    known: usize,
}

impl Powers {
    /// For the key H.
    pub(crate) fn new(level: Level, key: u128) -> Powers {
        let mut powers = Powers { level, table: [0; 2 * GROUP], known: 0 };
        powers.put(key);
        powers
    }

    fn put(&mut self, power: u128) {
        self.known += 1;
        let at = 2 * (GROUP - self.known);
        self.table[at..at + 2].copy_from_slice(&words(power));
    }

    fn reach(&mut self, count: usize) {
        let [.., low, high] = self.table;
        while self.known < count {
            let at = 2 * (GROUP - self.known);
            let mut highest = [0, 0, 0, 0, 0, 0, self.table[at], self.table[at + 1]];
            let mut key = [0, 0, 0, 0, 0, 0, low, high];
            self.put(with_engine!(self.level, engine => engine.polyval(0, &highest, &key)));
            highest.zeroize();
            key.zeroize();
        }
    }
}

impl Drop for Powers {
    fn drop(&mut self) {
        self.table.zeroize();
    }
}

impl ZeroizeOnDrop for Powers {}

/// Continues Horner's rule from `state` over `blocks`, each of two words, the low one first.
pub(crate) fn evaluate(powers: &mut Powers, mut state: u128, blocks: &[u64]) -> u128 {
    assert!(blocks.len().is_multiple_of(2));
    let (groups, rest) = blocks.split_at(blocks.len() - blocks.len() % (2 * GROUP));
    if !groups.is_empty() {
        powers.reach(GROUP);
        let table = &powers.table;
        state = with_engine!(powers.level, engine => engine.polyval(state, groups, table));
    }
    if !rest.is_empty() {
        // Blocks of zeros before the first one change nothing, if the state is in the first one.
        powers.reach(rest.len() / 2);
        let mut padded = [0; 2 * GROUP];
        let first = padded.len() - rest.len();
        padded[first..].copy_from_slice(rest);
        let [low, high] = words(state);
        padded[first] ^= low;
        padded[first + 1] ^= high;
        let used = padded.len() - rest.len().next_multiple_of(WIDEST);
        let (padded_used, table) = (&padded[used..], &powers.table[used..]);
        state = with_engine!(powers.level, engine => engine.polyval(0, padded_used, table));
        padded.zeroize();
    }
    state
}

fn words(x: u128) -> [u64; 2] {
    [x as u64, (x >> 64) as u64]
}

/// Horner's rule over groups of as many blocks as there are powers. Both lengths in words are
/// multiples of W.
#[inline(always)]
pub(super) fn polyval<const W: usize, K: Lanes<W>>(
    k: K,
    mut state: u128,
    blocks: &[u64],
    powers: &[u64],
) -> u128 {
    for group in blocks.chunks_exact(powers.len()) {
        let mut before = [0; W];
        before[..2].copy_from_slice(&words(state));
        let mut before = k.load(&before);
        let zero = k.splat(0);
        let (mut low, mut middle, mut high) = (zero, zero, zero);
        for (x, h) in group.as_chunks().0.iter().zip(powers.as_chunks().0) {
            let (x, h) = (k.xor(k.load(x), before), k.load(h));
            before = zero;
            low = k.xor(low, k.low(x, h));
            middle = k.xor(middle, k.cross(x, h));
            high = k.xor(high, k.high(x, h));
        }
        state = reduce(total(k, low), total(k, middle), total(k, high));
    }
    state
}

/// The sum of a vector's pairs.
#[inline(always)]
fn total<const W: usize, K: Lanes<W>>(k: K, v: K::V) -> u128 {
    let mut words = [0; W];
    k.store(v, &mut words);
    let pair = |at: usize| u128::from(words[at]) | u128::from(words[at + 1]) << 64;
    (0..W).step_by(2).fold(0, |sum, at| sum ^ pair(at))
}

/// (low + middle·x^64 + high·x^128)·x^(−128). The field polynomial is 1 modulo x^64: adding its
/// multiple by the lowest word clears that word and leaves a division by x^64, twice.
#[inline(always)]
fn reduce(low: u128, middle: u128, high: u128) -> u128 {
    let ([p0, p1], [m0, m1], [p2, p3]) = (words(low), words(middle), words(high));
    // p0·(x^57 + x^62 + x^63 + x^64), by words.
    let fold = |p: u64| [p << 57 ^ p << 62 ^ p << 63, p >> 7 ^ p >> 2 ^ p >> 1 ^ p];
    let (p1, p2) = (p1 ^ m0, p2 ^ m1);
    let [f1, f2] = fold(p0);
    let (p1, p2) = (p1 ^ f1, p2 ^ f2);
    let [f2, f3] = fold(p1);
    u128::from(p2 ^ f2) | u128::from(p3 ^ f3) << 64
}
