//! From an error rate to a code: rate, frames, shape.
//!
//! The syndrome's share of a frame is `1.20 · h(q + 3.6 · √(q(1 − q)/k))`: the decoder's threshold
//! over the Shannon limit, at the worst error rate that a frame of k bits has by chance. Fitted to
//! simulation (table in [`super`]) for a frame failure rate below [`FAILURE_RATE`]. Everything
//! here is computed with `libm` and integers, so that two stations on different machines get the
//! same numbers.

use super::code::{HEAVY, Shape};
use crate::bound::binary_entropy;

/// Frame length aimed at, in words: 2^16 bits, twice that at low error rates, where a frame would
/// else hold too few errors for its rate to be sharp.
const FRAME_WORDS: u64 = 1 << 10;
/// Error rate below which frames are twice as long.
const LONG_FRAMES_BELOW: f64 = 0.015;
/// Decoder's threshold over the Shannon limit.
const OVERHEAD: f64 = 1.20;
/// Standard deviations of a frame's error count that the rate has room for.
const DEVIATIONS: f64 = 3.6;
/// Smallest syndrome share: beyond it checks have so many bits that short cycles fill the matrix.
const MIN_SHARE: f64 = 0.038;
/// Largest syndrome share.
const MAX_SHARE: f64 = 0.75;
/// Largest part of heavy columns: more of them close short cycles at the smallest shares.
const MAX_HEAVY: f64 = 0.38;
/// Rows of the base matrix to choose from: their products with Z are close to any size.
const ROWS: std::ops::RangeInclusive<u64> = 16..=40;
/// Frames that fail, at most, where the plan's error rate is the true one.
const FAILURE_RATE: f64 = 1e-3;
/// Cost of a dropped block against that of disclosed bits, in bits of key per bit of string.
const VALUE_OF_A_BIT: f64 = 0.5;

/// How a key string is cut and coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of frames. Frame f takes words f, f + frames, f + 2·frames, … of the string, so
    /// that an error rate that drifts along the block is the same for all.
    pub frames: u64,
    /// Words of the longest frame; the code has at least as many, the rest is known zeros.
    pub frame_words: u64,
    /// The code of all frames.
    pub shape: Shape,
    /// Frames that may be disclosed in full.
    pub allowed: u64,
}

impl Layout {
    /// The layout for a string of `bits` bits with error rate `qber`. `None` if the string is too
    /// short or too noisy for a code of this family.
    pub fn choose(bits: u64, qber: f64) -> Option<Layout> {
        if bits == 0 {
            return None;
        }
        let words = bits.div_ceil(64);
        let aim = if qber < LONG_FRAMES_BELOW { 2 * FRAME_WORDS } else { FRAME_WORDS };
        let frames = ((words + aim / 2) / aim).max(1);
        let frame_words = words.div_ceil(frames);
        let frame_bits = (64 * frame_words) as f64;

        let deviation = libm::sqrt(qber * (1.0 - qber) / frame_bits);
        let share = (OVERHEAD * binary_entropy(qber + DEVIATIONS * deviation)).max(MIN_SHARE);
        let least = libm::ceil(share * frame_words as f64) as u64;
        let (z_words, rows) =
            ROWS.map(|rows| (least.div_ceil(rows), rows)).min_by_key(|(z, r)| z * r)?;
        if z_words * rows > (MAX_SHARE * frame_words as f64) as u64 {
            return None;
        }
        let columns = frame_words.div_ceil(z_words);
        // Fitted to density evolution (12 to 32 % from share 0.45 down to 0.06) and simulation.
        let heavy = (0.05 - 0.11 * libm::log(share)).min(MAX_HEAVY);
        let shape = Shape {
            z: 64 * z_words as usize,
            rows: rows as usize,
            columns: columns as usize,
            heavy: libm::round(heavy * columns as f64) as usize,
        };
        let disclosed = 1.0 - (z_words * rows) as f64 / frame_words as f64;
        Some(Layout { frames, frame_words, shape, allowed: allowance(frames, disclosed) })
    }

    /// Bits of a frame's syndrome.
    pub fn syndrome_bits(&self) -> u64 {
        (self.shape.rows * self.shape.z) as u64
    }

    /// The most that the plan can disclose: all syndromes, a verdict for each frame, and the
    /// allowed frames in full. A disclosed frame determines its syndrome, so that it costs its own
    /// bits in place of the syndrome's, not on top of them.
    pub fn lambda_max(&self) -> u64 {
        let in_full = (64 * self.frame_words).saturating_sub(self.syndrome_bits());
        self.frames * (self.syndrome_bits() + 1) + self.allowed * in_full
    }
}

/// The number of disclosed frames to pay for beforehand: the one with the least expected cost,
/// which is `disclosed` of a frame for each, and the whole block when more fail (a Poisson number,
/// [`FAILURE_RATE`] a frame). None for a block of few frames: it is cheaper to lose one block
/// in a hundred than to give away a tenth of each.
fn allowance(frames: u64, disclosed: f64) -> u64 {
    let mean = frames as f64 * FAILURE_RATE;
    let mut probability = libm::exp(-mean);
    let mut exceeded = 1.0 - probability;
    let cost = |allowed: u64, exceeded: f64| {
        allowed as f64 * disclosed / frames as f64 + VALUE_OF_A_BIT * exceeded
    };
    let mut best = (0, cost(0, exceeded));
    for allowed in 1..=frames {
        probability *= mean / allowed as f64;
        exceeded -= probability;
        let next = cost(allowed, exceeded);
        // Convex where it matters: beyond the mean both terms only grow or have vanished.
        if allowed as f64 > mean && next >= best.1 {
            break;
        }
        if next < best.1 {
            best = (allowed, next);
        }
    }
    best.0
}

const _: () = assert!(*ROWS.start() >= HEAVY as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_and_rate_has_a_code_that_holds_its_frames() {
        for bits in [4_000, 10_000, 65_536, 99_999, 100_000, 1_000_000, 123_456_789] {
            for qber in [1e-9, 0.001, 0.005, 0.0149, 0.015, 0.02, 0.05, 0.09] {
                let layout = Layout::choose(bits, qber).expect("within the range");
                let Shape { z, rows, columns, heavy } = layout.shape;
                let words = bits.div_ceil(64);
                assert!(columns * z >= 64 * layout.frame_words as usize);
                assert!((columns - 1) * z < 64 * layout.frame_words as usize);
                assert!(layout.frames * layout.frame_words >= words);
                assert!((layout.frames - 1) * layout.frame_words <= words);
                assert!(heavy * 2 < columns && rows >= HEAVY, "{layout:?}");
                assert!(layout.lambda_max() < bits, "{layout:?}");
                // The shape is close to the share asked for, save in the shortest frames.
                let share = layout.syndrome_bits() as f64 / (64 * layout.frame_words) as f64;
                let floor = (OVERHEAD * binary_entropy(qber)).max(MIN_SHARE);
                assert!(
                    share >= floor && (bits < 65_536 || share < 1.25 * floor),
                    "{share} {floor}"
                );
            }
        }
        assert_eq!(Layout::choose(0, 0.02), None);
        assert_eq!(Layout::choose(1_000, 0.02), None);
        assert_eq!(Layout::choose(1_000_000, 0.2), None);
    }

    #[test]
    fn the_allowance_is_the_cheapest() {
        let by_trying = |frames: u64, disclosed: f64| {
            let mean = frames as f64 * FAILURE_RATE;
            let cost = |allowed: u64| {
                let mut term = libm::exp(-mean);
                let mut below = term;
                for k in 1..=allowed {
                    term *= mean / k as f64;
                    below += term;
                }
                allowed as f64 * disclosed / frames as f64 + VALUE_OF_A_BIT * (1.0 - below)
            };
            (0..=frames.min(60)).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(0)
        };
        for frames in [1, 2, 15, 40, 100, 150, 500, 1_000, 10_000, 16_000] {
            for disclosed in [0.5, 0.8, 0.95] {
                assert_eq!(allowance(frames, disclosed), by_trying(frames, disclosed), "{frames}");
            }
        }
        assert_eq!(allowance(15, 0.8), 0);
        assert!(allowance(150, 0.8) >= 1);
    }
}
