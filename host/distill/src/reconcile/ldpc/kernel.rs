//! The inner loops of the decoder, generic over the number of lanes.
//!
//! Layered normalised min-sum on 8-bit integers, with a weight that follows its progress. The checks of a row are taken L at a time: their
//! inputs lie in one run of each column, because a column's first 64 posteriors stand a second time
//! behind its last. Everything is element-wise on arrays of L bytes that the compiler keeps in
//! vector registers, whatever the machine has; each function is inlined into a caller that is
//! compiled for one instruction set ([`super::levels`]). Integer arithmetic alone: all of them
//! give the same bits.

/// Posteriors that stand twice, and the largest number of lanes.
pub const GUARD: usize = 64;
/// Most circulants in a row.
pub const MAX_DEGREE: usize = 256;
/// Most iterations.
pub const ITERATIONS: u32 = 60;
/// A check's message is its smallest input times a weight, over this.
pub const ONE: u16 = 128;
/// Smallest weight: of the first messages, when all inputs are priors.
const LEAST_WEIGHT: i32 = 32;
/// Largest magnitude of a check's message: a quarter of the range, or posteriors saturate and
/// forget what they consist of.
pub const LIMIT: u16 = 32;
/// Most checks of a row that are counted for the weight of the next.
const COUNTED: usize = 63 * 64;
/// Frames in which less than one check in so many contradicts ...
const SETTLED: i32 = 256;
/// ... for so many iterations lose the prior from the posteriors of the staircase. What is wrong
/// then are a few bits in a row of one of its chains: their priors together outweigh the limited
/// message that comes from either end, which without them runs through.
const STUCK: u32 = 4;
/// A part of one in 4096 of a row's checks.
const PART: i32 = 1 << 12;

/// How the weight depends on the part u of checks whose inputs contradict them, which tells how good
/// the inputs are: 1 − linear·u − square·u², both in 128ths. Min-sum overstates what a check knows,
/// the more so the worse its inputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve {
    /// The slope at no contradictions.
    pub linear: i32,
    /// The curvature.
    pub square: i32,
}

impl Curve {
    fn weight(self, part: i32) -> u16 {
        let reduced = self.linear * part / PART + self.square * (part * part / PART) / PART;
        (i32::from(ONE) - reduced).max(LEAST_WEIGHT) as u16
    }
}

/// A circulant, as the kernel sees it.
#[derive(Clone, Copy)]
pub struct Edge {
    /// Where the column's posteriors begin.
    pub start: usize,
    /// Its shift.
    pub shift: usize,
}

/// A decoder's memory.
pub struct State {
    /// Size of a circulant.
    pub z: usize,
    /// The circulants of each row.
    pub rows: Vec<Vec<Edge>>,
    /// Z and [`GUARD`] posteriors a column: positive for no error.
    pub posteriors: Vec<i8>,
    /// Messages of the checks: by row, run of L checks, circulant.
    pub messages: Vec<i8>,
    /// The syndrome, a byte for each check: −1 where it is set.
    pub syndrome: Vec<i8>,
    /// The prior of an unknown bit.
    pub prior: i8,
    /// The first posteriors, which are those of the staircase.
    pub staircase: usize,
    /// The weight of messages.
    pub curve: Curve,
}

/// Runs at most [`ITERATIONS`] over as many rows as the syndrome has. Returns the number of iterations
/// after which the signs of the posteriors had the syndrome.
#[inline(always)]
pub fn run<const L: usize>(state: &mut State) -> Option<u32> {
    let z = state.z;
    let rows = &state.rows[..state.syndrome.len() / z];
    let mut inputs = [[0; L]; MAX_DEGREE];
    // A mean of the last rows' parts of contradicting checks; at first it is not known.
    let mut part = PART / 2;
    let mut settled = 0;
    for iteration in 0..=ITERATIONS {
        let mut checks = rows.iter().zip(state.syndrome.chunks_exact(z));
        if checks.all(|(row, syndrome)| satisfied::<L>(&state.posteriors, syndrome, row, z)) {
            return Some(iteration);
        }
        if iteration == ITERATIONS {
            break;
        }
        settled = if part < PART / SETTLED { settled + 1 } else { 0 };
        if settled == STUCK {
            let chains = &mut state.posteriors[..state.staircase];
            chains.iter_mut().for_each(|p| *p = p.saturating_sub(state.prior));
        }
        let mut messages = state.messages.as_mut_slice();
        for (row, syndrome) in rows.iter().zip(state.syndrome.chunks_exact(z)) {
            let (of_row, rest) = messages.split_at_mut(row.len() * z);
            messages = rest;
            let inputs = &mut inputs[..row.len()];
            let weight = state.curve.weight(part);
            let odd = update(&mut state.posteriors, of_row, syndrome, row, z, weight, inputs);
            part += (odd as i32 * PART / z.min(COUNTED) as i32 - part) / 8;
        }
    }
    None
}

/// Where the run of L posteriors begins that checks `first..` of a circulant have as inputs.
#[inline(always)]
fn place(edge: &Edge, first: usize, z: usize) -> usize {
    let bit = first + edge.shift;
    edge.start + if bit >= z { bit - z } else { bit }
}

#[inline(always)]
fn load<const L: usize>(posteriors: &[i8], at: usize) -> [i8; L] {
    *posteriors[at..].first_chunk().expect("a column ends with a guard")
}

/// Whether the signs of the posteriors have a row's syndrome.
#[inline(always)]
fn satisfied<const L: usize>(posteriors: &[i8], syndrome: &[i8], row: &[Edge], z: usize) -> bool {
    syndrome.as_chunks::<L>().0.iter().enumerate().all(|(run, signs)| {
        let mut signs = *signs;
        for edge in row {
            let bits = load::<L>(posteriors, place(edge, run * L, z));
            for k in 0..L {
                signs[k] ^= bits[k];
            }
        }
        signs.iter().fold(0, |any, sign| any | sign) >= 0
    })
}

/// Updates the checks of a row and the bits that it touches. Returns how many of the first checks
/// contradicted their inputs.
#[inline(always)]
fn update<const L: usize>(
    posteriors: &mut [i8],
    messages: &mut [i8],
    syndrome: &[i8],
    row: &[Edge],
    z: usize,
    weight: u16,
    inputs: &mut [[i8; L]],
) -> u32 {
    let mut odd = [0u8; L];
    let runs = messages.chunks_exact_mut(row.len() * L).zip(syndrome.as_chunks::<L>().0);
    for (run, (messages, signs)) in runs.enumerate() {
        let messages = messages.as_chunks_mut::<L>().0;
        let (mut signs, mut least, mut second) = (*signs, [127u8; L], [127u8; L]);
        for ((edge, message), kept) in row.iter().zip(messages.iter()).zip(inputs.iter_mut()) {
            let bits = load::<L>(posteriors, place(edge, run * L, z));
            let (message, mut input) = (*message, [0i8; L]);
            for k in 0..L {
                // A saturated posterior has forgotten what it consists of: it stays.
                let kept = i8::from(bits[k].unsigned_abs() < 127).wrapping_neg();
                input[k] = bits[k].saturating_sub(message[k] & kept);
                signs[k] ^= input[k];
                let magnitude = input[k].unsigned_abs();
                second[k] = second[k].min(magnitude.max(least[k]));
                least[k] = least[k].min(magnitude);
            }
            *kept = input;
        }
        if run * L < COUNTED {
            for k in 0..L {
                odd[k] = odd[k].wrapping_add((signs[k] as u8) >> 7);
            }
        }
        let (scaled, other) = (scale(&least, weight), scale(&second, weight));
        // A check leaves its own input out; on a tie the second smallest is the same.
        let mut change = [0i8; L];
        for k in 0..L {
            change[k] = scaled[k] ^ other[k];
        }
        for ((edge, message), input) in row.iter().zip(messages.iter_mut()).zip(inputs.iter()) {
            let (input, mut new, mut bits) = (*input, [0i8; L], [0i8; L]);
            for k in 0..L {
                let is_least = i8::from(input[k].unsigned_abs() == least[k]).wrapping_neg();
                let magnitude = scaled[k] ^ (change[k] & is_least);
                let flip = (signs[k] ^ input[k]) >> 7;
                new[k] = (magnitude ^ flip).wrapping_sub(flip);
                bits[k] = input[k].saturating_add(new[k]);
            }
            *message = new;
            let at = place(edge, run * L, z);
            *posteriors[at..].first_chunk_mut().expect("a column ends with a guard") = bits;
        }
    }
    row.iter().for_each(|edge| join::<L>(posteriors, edge, z));
    odd.iter().map(|count| u32::from(*count)).sum()
}

/// The weighted magnitude, rounded.
#[inline(always)]
fn scale<const L: usize>(magnitudes: &[u8; L], weight: u16) -> [i8; L] {
    let mut scaled = [0i8; L];
    for k in 0..L {
        let product = u16::from(magnitudes[k]).wrapping_mul(weight);
        scaled[k] = (product.wrapping_add(ONE / 2) / ONE).min(LIMIT) as i8;
    }
    scaled
}

/// Makes a column's first posteriors and their copies the same again. The run that went past the
/// end wrote `shift mod L` new values behind it; the others are new at the front.
#[inline(always)]
fn join<const L: usize>(posteriors: &mut [i8], edge: &Edge, z: usize) {
    let column = &mut posteriors[edge.start..][..z + GUARD];
    let (front, behind) = column.split_at_mut(z);
    let front: &mut [i8; L] = front.first_chunk_mut().expect("Z is at least L");
    let behind: &mut [i8; L] = behind.first_chunk_mut().expect("the guard is at least L");
    let beyond = (edge.shift % L) as u8;
    let (old, new, mut joined) = (*front, *behind, [0; L]);
    for k in 0..L {
        let is_new = i8::from((k as u8) < beyond).wrapping_neg();
        joined[k] = old[k] ^ ((old[k] ^ new[k]) & is_new);
    }
    (*front, *behind) = (joined, joined);
}
