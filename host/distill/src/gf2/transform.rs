//! The additive Fourier transform of Lin, Chung and Han (FOCS 2014, p. 316) over GF(2^64), on a
//! Cantor basis, with the transposes that a middle product takes.
//!
//! With the vanishing polynomials s_i of [`super::cantor`], the novel basis is
//! X_j = Π s_i over the bits i of j. A polynomial of 2^(i+1) coefficients in that basis is
//! f0 + s_i·f1, and on a block of 2^(i+1) points s_i takes the value w on the lower half and w + 1
//! on the upper half, so that the two halves evaluate f0 + w·f1 and f0 + w·f1 + f1, each on half
//! the points. Repeated for i = k − 1 … 0 this is the transform; w is [`super::cantor::factor`] of
//! the block's number.
//!
//! Blocks are cut into four until they fit the first cache; within, vectors are butterflied with
//! vectors until a tile of W vectors is left, whose last levels are done in registers, the
//! second half of them after a transpose of the tile. Values are left in the tile's order, which
//! differs between levels of instructions: whoever multiplies them uses one level throughout.

use super::cantor::factor;
use super::engine::Engine;
use super::lanes::Lanes;
use super::{Kind, Level, SMALLEST_HALF};

/// Elements up to which [`small`] does all levels of a block: half the first cache.
const SMALL: usize = 2048;

/// What is done to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// From coefficients in the novel basis to values: the transform itself.
    Evaluate,
    /// The transpose of the inverse of [`Pass::Evaluate`].
    Spread,
    /// The transpose of [`Pass::Evaluate`].
    Gather,
}

/// Does all levels of block number `block` of `data.len()` elements, a power of two, at least
/// [`SMALLEST_HALF`].
pub(crate) fn transform(level: Level, pass: Pass, data: &mut [u64], block: usize) {
    assert!(data.len().is_power_of_two() && data.len() >= SMALLEST_HALF);
    recurse(level, pass, data, block);
}

fn recurse(level: Level, pass: Pass, data: &mut [u64], block: usize) {
    if data.len() <= SMALL {
        return with_engine!(level, engine => engine.small(pass, data, block));
    }
    if pass != Pass::Gather {
        with_engine!(level, engine => engine.four(pass, data, block));
    }
    let quarter = data.len() / 4;
    for (q, part) in data.chunks_exact_mut(quarter).enumerate() {
        recurse(level, pass, part, 4 * block + q);
    }
    if pass == Pass::Gather {
        with_engine!(level, engine => engine.four(pass, data, block));
    }
}

/// One butterfly of a lower and an upper vector with the factor `w`.
trait Butterfly {
    /// Whether large blocks come before small ones.
    const DOWN: bool;

    fn apply<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V, w: K::V);

    /// [`apply`](Butterfly::apply) with the factor 0.
    fn apply_zero<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V);
}

struct Evaluate;
struct Spread;
struct Gather;

impl Butterfly for Evaluate {
    const DOWN: bool = true;

    #[inline(always)]
    fn apply<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V, w: K::V) {
        *low = k.xor(*low, k.multiply(*high, w));
        *high = k.xor(*high, *low);
    }

    #[inline(always)]
    fn apply_zero<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V) {
        *high = k.xor(*high, *low);
    }
}

impl Butterfly for Spread {
    const DOWN: bool = true;

    #[inline(always)]
    fn apply<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V, w: K::V) {
        *high = k.xor(*high, k.multiply(*low, w));
        *low = k.xor(*low, *high);
    }

    #[inline(always)]
    fn apply_zero<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V) {
        *low = k.xor(*low, *high);
    }
}

impl Butterfly for Gather {
    const DOWN: bool = false;

    #[inline(always)]
    fn apply<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V, w: K::V) {
        *low = k.xor(*low, *high);
        *high = k.xor(*high, k.multiply(*low, w));
    }

    #[inline(always)]
    fn apply_zero<const W: usize, K: Lanes<W>>(k: K, low: &mut K::V, high: &mut K::V) {
        *low = k.xor(*low, *high);
    }
}

/// Two levels of a block, the larger one before the smaller or after it.
#[inline(always)]
pub(super) fn four<const W: usize, K: Lanes<W>>(k: K, pass: Pass, data: &mut [u64], block: usize) {
    match pass {
        Pass::Evaluate => quarters::<Evaluate, W, K>(k, data, block),
        Pass::Spread => quarters::<Spread, W, K>(k, data, block),
        Pass::Gather => quarters::<Gather, W, K>(k, data, block),
    }
}

/// All levels of a block of at least W² elements.
#[inline(always)]
pub(super) fn small<const W: usize, K: Lanes<W>>(k: K, pass: Pass, data: &mut [u64], block: usize) {
    match pass {
        Pass::Evaluate => levels::<Evaluate, W, K>(k, data, block),
        Pass::Spread => levels::<Spread, W, K>(k, data, block),
        Pass::Gather => levels::<Gather, W, K>(k, data, block),
    }
}

/// Adds products in GF(2^64), place by place.
#[inline(always)]
pub(super) fn multiply_add<const W: usize, K: Lanes<W>>(
    k: K,
    sum: &mut [u64],
    a: &[u64],
    b: &[u64],
) {
    let factors = vectors(a).iter().zip(vectors(b));
    for (sum, (a, b)) in vectors_mut::<W>(sum).iter_mut().zip(factors) {
        k.store(k.xor(k.load(sum), k.multiply(k.load(a), k.load(b))), sum);
    }
}

fn vectors<const W: usize>(data: &[u64]) -> &[[u64; W]] {
    data.as_chunks().0
}

fn vectors_mut<const W: usize>(data: &mut [u64]) -> &mut [[u64; W]] {
    data.as_chunks_mut().0
}

#[inline(always)]
fn levels<B: Butterfly, const W: usize, K: Lanes<W>>(k: K, data: &mut [u64], block: usize) {
    let (all, tile) = (data.len(), W * W);
    // One level alone if their number is odd, then two at a time; the other way round upwards.
    let halved = all >> ((all / tile).ilog2() % 2);
    if B::DOWN {
        if halved < all {
            halves::<B, W, K>(k, data, block);
        }
        let mut len = halved;
        while len > tile {
            for (i, part) in data.chunks_exact_mut(len).enumerate() {
                quarters::<B, W, K>(k, part, block * (all / len) + i);
            }
            len /= 4;
        }
        tiles::<B, W, K>(k, data, block * (all / tile));
    } else {
        tiles::<B, W, K>(k, data, block * (all / tile));
        let mut len = 4 * tile;
        while len <= halved {
            for (i, part) in data.chunks_exact_mut(len).enumerate() {
                quarters::<B, W, K>(k, part, block * (all / len) + i);
            }
            len *= 4;
        }
        if halved < all {
            halves::<B, W, K>(k, data, block);
        }
    }
}

#[inline(always)]
fn halves<B: Butterfly, const W: usize, K: Lanes<W>>(k: K, data: &mut [u64], block: usize) {
    let w = k.splat(factor(block));
    let (low, high) = data.split_at_mut(data.len() / 2);
    for (low, high) in vectors_mut::<W>(low).iter_mut().zip(vectors_mut::<W>(high)) {
        let (mut a, mut b) = (k.load(low), k.load(high));
        B::apply(k, &mut a, &mut b, w);
        k.store(a, low);
        k.store(b, high);
    }
}

#[inline(always)]
fn quarters<B: Butterfly, const W: usize, K: Lanes<W>>(k: K, data: &mut [u64], block: usize) {
    // Three of the first block's four factors are 0, and the blocks' numbers are public.
    match block {
        0 => quarters_at::<B, true, W, K>(k, data, 0),
        _ => quarters_at::<B, false, W, K>(k, data, block),
    }
}

#[inline(always)]
fn quarters_at<B: Butterfly, const FIRST: bool, const W: usize, K: Lanes<W>>(
    k: K,
    data: &mut [u64],
    block: usize,
) {
    let w = k.splat(factor(block));
    let (w0, w1) = (k.splat(factor(2 * block)), k.splat(factor(2 * block + 1)));
    let (low, high) = data.split_at_mut(data.len() / 2);
    let (p0, p1) = low.split_at_mut(low.len() / 2);
    let (p2, p3) = high.split_at_mut(high.len() / 2);
    let low = vectors_mut::<W>(p0).iter_mut().zip(vectors_mut::<W>(p1));
    let high = vectors_mut::<W>(p2).iter_mut().zip(vectors_mut::<W>(p3));
    for ((p0, p1), (p2, p3)) in low.zip(high) {
        let (mut a, mut b, mut c, mut d) = (k.load(p0), k.load(p1), k.load(p2), k.load(p3));
        if B::DOWN {
            wide::<B, FIRST, W, K>(k, [&mut a, &mut b, &mut c, &mut d], w);
        }
        if FIRST {
            B::apply_zero(k, &mut a, &mut b);
        } else {
            B::apply(k, &mut a, &mut b, w0);
        }
        B::apply(k, &mut c, &mut d, w1);
        if !B::DOWN {
            wide::<B, FIRST, W, K>(k, [&mut a, &mut b, &mut c, &mut d], w);
        }
        k.store(a, p0);
        k.store(b, p1);
        k.store(c, p2);
        k.store(d, p3);
    }
}

/// The larger of two levels.
#[inline(always)]
fn wide<B: Butterfly, const FIRST: bool, const W: usize, K: Lanes<W>>(
    k: K,
    [a, b, c, d]: [&mut K::V; 4],
    w: K::V,
) {
    if FIRST {
        B::apply_zero(k, a, c);
        B::apply_zero(k, b, d);
    } else {
        B::apply(k, a, c, w);
        B::apply(k, b, d, w);
    }
}

/// The last 2·log2(W) levels, tile by tile; the first tile is number `first`.
#[inline(always)]
fn tiles<B: Butterfly, const W: usize, K: Lanes<W>>(k: K, data: &mut [u64], first: usize) {
    for (t, data) in vectors_mut::<W>(data).chunks_exact_mut(W).enumerate() {
        let mut tile = [k.splat(0); W];
        for (v, words) in tile.iter_mut().zip(data.iter()) {
            *v = k.load(words);
        }
        if B::DOWN {
            rows::<B, W, K>(k, &mut tile, first + t);
            k.transpose(&mut tile);
            columns::<B, W, K>(k, &mut tile, first + t);
        } else {
            columns::<B, W, K>(k, &mut tile, first + t);
            k.transpose(&mut tile);
            rows::<B, W, K>(k, &mut tile, first + t);
        }
        for (v, words) in tile.iter().zip(data) {
            k.store(*v, words);
        }
    }
}

/// The levels between the vectors of tile number `t`: one factor for each pair of vectors.
#[inline(always)]
fn rows<B: Butterfly, const W: usize, K: Lanes<W>>(k: K, tile: &mut [K::V; W], t: usize) {
    let (mut low, mut high) = (1, W / 2);
    while low < W {
        let stride = if B::DOWN { high } else { low };
        let blocks = W / (2 * stride);
        for block in 0..blocks {
            let w = k.splat(factor(t * blocks + block));
            for at in 2 * stride * block..2 * stride * block + stride {
                pair::<B, W, K>(k, tile, at, stride, w);
            }
        }
        (low, high) = (2 * low, high / 2);
    }
}

/// The levels within the vectors of tile number `t`, which is transposed: word i of each vector
/// lies in another block, numbered by i.
#[inline(always)]
fn columns<B: Butterfly, const W: usize, K: Lanes<W>>(k: K, tile: &mut [K::V; W], t: usize) {
    let (mut low, mut high) = (1, W / 2);
    while low < W {
        let stride = if B::DOWN { high } else { low };
        let blocks = W / (2 * stride);
        let mut by_word = [0; W];
        for (i, word) in by_word.iter_mut().enumerate() {
            *word = factor(i * blocks);
        }
        let by_word = k.load(&by_word);
        for block in 0..blocks {
            let w = k.xor(k.splat(factor(t * W * blocks + block)), by_word);
            for at in 2 * stride * block..2 * stride * block + stride {
                pair::<B, W, K>(k, tile, at, stride, w);
            }
        }
        (low, high) = (2 * low, high / 2);
    }
}

#[inline(always)]
fn pair<B: Butterfly, const W: usize, K: Lanes<W>>(
    k: K,
    tile: &mut [K::V; W],
    at: usize,
    stride: usize,
    w: K::V,
) {
    let (mut a, mut b) = (tile[at], tile[at + stride]);
    B::apply(k, &mut a, &mut b, w);
    (tile[at], tile[at + stride]) = (a, b);
}
