//! From an error rate to frames, sizes of blocks and the number of parities.
//!
//! Sizes are powers of two, where halving is at its best: as near as they can be to a constant over
//! the error rate. Larger blocks in the second pass disclose less and take more rounds, as errors
//! are found in longer chains. A string of few frames takes the rounds; one of many, whose length
//! is there to hide the network's delay, saves them: its second blocks are smaller, a wave of few
//! runs cuts each into more than two pieces, and stragglers go faster still.
//!
//! Everything is computed with `libm` and integers, so that two stations on different machines get
//! the same numbers.

use crate::bound::binary_entropy;

/// Longest string.
const MAX_BITS: u64 = 1 << 30;
/// Words of a frame to aim at: about 10^5 bits.
const FRAME_WORDS: u64 = 1_600;
/// Frames of a string from which on rounds are saved.
const MANY_FRAMES: u64 = 64;
/// Errors in a block of the first pass.
const FIRST: f64 = 0.75;
/// Errors in a block of the second pass: of few frames, of many.
const SECOND: [f64; 2] = [4.6, 2.56];
/// Bits of a block of the third pass, at least.
const THIRD: f64 = 4096.0;
/// Of many frames: runs in a wave over the Shannon limit of the frame, from which on downward a
/// run is cut into 4 pieces, and into 8.
const THIN: [f64; 2] = [7e-4, 2e-4];
/// Of many frames: the round from which on a frame cuts into twice as many pieces. Most have ended
/// by then.
const LATE: u32 = 100;
/// Least subsets of the last check. With three passes one frame in 30 differs before it, so that
/// one in 30,000 differs afterwards; each doubling of the frames adds one. With fewer passes
/// the check finds most pairs of errors itself, and each pair found is a chance to miss the rest:
/// each doubling of these adds one.
const SUBSETS: u32 = 10;
/// Longest frame in which an odd subset is searched by halving: there bits count, not rounds.
const SHORT_FRAME: u64 = 16_384;
/// Parities over the Shannon limit at the worst error rate: of few frames, of many; at low error
/// rates, and the slope with them. Between powers of two a layout fits less well.
const OVERHEAD: [[f64; 2]; 2] = [[1.05, 0.6], [1.075, 0.5]];
/// And parities of each frame.
const FRAME_OVERHEAD: u64 = 20;
/// Standard deviations of the string's error count that the parities have room for.
const DEVIATIONS: f64 = 3.0;

/// Blocks of a pass: parts of a column, or several columns. A column is a word of its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Bits of a column: 1 to 64.
    pub rows: u32,
    /// Blocks in a column: one if a block has several columns.
    pub parts: u32,
    /// Columns of a block.
    pub columns: u32,
}

impl Blocks {
    /// Blocks of about `size` bits, with columns of `rows` bits.
    fn of(size: f64, rows: u32) -> Blocks {
        let columns = size / f64::from(rows);
        let whole = |x: f64| libm::round(x).max(1.0) as u32;
        Blocks { rows, parts: whole(1.0 / columns).min(rows), columns: whole(columns) }
    }
}

/// How a string is cut and how many parities may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bits of the string.
    pub bits: u64,
    /// Number of frames. Frame f takes words f, f + frames, f + 2·frames, … of the string, so
    /// that a burst of errors is spread over many.
    pub frames: u64,
    /// Blocks of each pass, of which there are `passes`.
    blocks: [Blocks; 3],
    passes: usize,
    /// Subsets of the last check.
    pub subsets: u32,
    /// Pieces in which an odd subset is searched, at most 64.
    pub fan: u32,
    /// A wave of at most so many runs cuts each into 4 pieces, and into 8.
    thin: [u32; 2],
    /// From this round on there are twice as many pieces.
    late: u32,
    /// Parities that Alice may tell at most; and so may Bob.
    pub parities: u64,
}

impl Layout {
    /// The layout for a string of `bits` bits with error rate `qber`. `None` if it is too long or
    /// too short.
    pub fn choose(bits: u64, qber: f64) -> Option<Layout> {
        if !(64..=MAX_BITS).contains(&bits) {
            return None;
        }
        let words = bits.div_ceil(64);
        let frames = ((words + FRAME_WORDS / 2) / FRAME_WORDS).max(1);
        let many = usize::from(frames >= MANY_FRAMES);
        let frame_words = words.div_ceil(frames);
        let frame_bits = (64 * frame_words) as f64;

        let power = |size: f64| libm::exp2(libm::round(libm::log2(size)));
        let first = power(FIRST / qber).min(power(frame_bits / 4.0));
        let second = power(SECOND[many] / qber);
        let third = THIRD.max(8.0 * second);
        let mut blocks = [Blocks::of(first, 64), Blocks::default(), Blocks::default()];
        let mut passes = 1;
        for size in [second, third] {
            if size <= frame_bits / 4.0 {
                blocks[passes] = Blocks::of(size, frame_words.min(64) as u32);
                passes += 1;
            }
        }

        let shannon = frame_bits * binary_entropy(qber);
        let (thin, late) = match many {
            0 => ([0; 2], u32::MAX),
            _ => (THIN.map(|share| (share * shannon) as u32), LATE),
        };
        let pairs = if passes == 3 { 0.0 } else { qber * frame_bits / 2.0 };
        let subsets = SUBSETS
            + frames.next_power_of_two().ilog2()
            + libm::ceil(libm::log2(1.0 + pairs)) as u32;
        let fan = if frame_bits <= SHORT_FRAME as f64 { 2 } else { 32 };
        let parities = parities(bits, qber, many) + frames * (FRAME_OVERHEAD + u64::from(subsets));
        Some(Layout { bits, frames, blocks, passes, subsets, fan, thin, late, parities })
    }

    /// Into how many pieces the runs of a wave are cut, as a power of two.
    pub fn levels(&self, runs: usize, round: u32) -> u32 {
        let thin = self.thin.iter().filter(|thin| runs <= **thin as usize).count() as u32;
        1 + thin + u32::from(round >= self.late)
    }

    /// Round trips of the whole string, about: seen at 1 to 5 % were up to 232 of few frames and 70 of
    /// many (table in [`super`]).
    pub fn round_trips(&self) -> u32 {
        if self.frames < MANY_FRAMES { 240 } else { 80 }
    }

    /// Both directions of every parity.
    pub fn lambda_max(&self) -> u64 {
        2 * self.parities
    }

    /// Blocks of each pass.
    pub fn blocks(&self) -> &[Blocks] {
        &self.blocks[..self.passes]
    }

    /// Words of the longest frame.
    pub fn frame_words(&self) -> usize {
        self.bits.div_ceil(64).div_ceil(self.frames) as usize
    }

    /// What follows from the error rate, for the plan's bytes.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        let blocks = self.blocks.into_iter().flat_map(|b| [b.rows, b.parts, b.columns]);
        let search = [self.subsets, self.fan, self.thin[0], self.thin[1], self.late];
        std::iter::once(self.frames).chain(blocks.chain(search).map(u64::from))
    }
}

/// The parities that may be told besides those that each frame has room for.
fn parities(bits: u64, qber: f64, many: usize) -> u64 {
    let n = bits as f64;
    let worst = qber + DEVIATIONS * libm::sqrt(qber * (1.0 - qber) / n);
    let [overhead, slope] = OVERHEAD[many];
    libm::ceil((overhead + slope * qber) * n * binary_entropy(worst.min(0.5))) as u64
}
