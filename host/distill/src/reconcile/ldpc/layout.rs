//! From an error rate to a code: rate, frames, shape, budget of the blind rounds.
//!
//! The core syndrome's share of a frame is `(threshold + margin) · h(q + 2.4 · √(q(1 − q)/k))`: the
//! decoder's threshold over the Shannon limit, at the error rate that one frame of k bits in about a
//! hundred exceeds by chance. The table in [`super`] has what simulation says to it. Everything here is
//! computed with `libm` and integers, so that two stations on different machines get the same
//! numbers.

use super::budget::Budget;
use super::code::Shape;
use super::ensemble::Ensemble;
use crate::bound::binary_entropy;

/// Frame length aimed at, in words: 2^18 bits. Longer ones have sharper rates; their messages take
/// some 1.5 MB.
const FRAME_WORDS: u64 = 1 << 12;
/// Standard deviations of a frame's error count that the core has room for.
const DEVIATIONS: f64 = 2.4;
/// The same where a frame is short, for what the decoder adds.
const DEVIATIONS_IF_SHORT: f64 = 3.2;
/// Words below which a frame is short: 2^16 bits.
const SHORT: u64 = 1 << 10;
/// Largest error rate: there the core of a long frame is about half of it.
pub const MAX_QBER: f64 = 0.0940;
/// Smallest share of the core: beyond it checks have so many bits that short cycles fill the matrix.
const MIN_SHARE: f64 = 0.038;
/// Largest share of the core.
const MAX_SHARE: f64 = 0.75;
/// Most core rows of the base matrix.
const MAX_ROWS: u64 = 40;
/// Fewest core rows, in frames that are long enough for these: fewer have codewords of few bits.
const ROWS: u64 = 24;
/// Fewest core rows of all: the heaviest columns have almost as many entries.
const MIN_ROWS: u64 = 16;

/// How a key string is cut and coded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Number of frames. Frame f takes words f, f + frames, f + 2·frames, … of the string, so
    /// that an error rate that drifts along the block is the same for all.
    pub frames: u64,
    /// Words of the longest frame; the code has at least as many, the rest is known zeros.
    pub frame_words: u64,
    /// The code of all frames.
    pub shape: Shape,
    /// Rows of checks beyond the core that all frames together may disclose, each charged with a
    /// verdict.
    pub extra_rows: u64,
}

impl Layout {
    /// The layout for a string of `bits` bits with error rate `qber`. `None` if the string is too
    /// short or too noisy for a code of this family.
    pub fn choose(bits: u64, qber: f64) -> Option<Layout> {
        if bits == 0 {
            return None;
        }
        let words = bits.div_ceil(64);
        let frames = ((words + FRAME_WORDS / 2) / FRAME_WORDS).max(1);
        let frame_words = words.div_ceil(frames);
        let frame_bits = (64 * frame_words) as f64;

        let ensemble = Ensemble::for_qber(qber);
        let deviation = libm::sqrt(qber * (1.0 - qber) / frame_bits);
        let room = if frame_words < SHORT { DEVIATIONS_IF_SHORT } else { DEVIATIONS };
        let worst = binary_entropy(qber + room * deviation);
        let share = (ensemble.overhead() * worst).max(MIN_SHARE);
        let least = libm::ceil(share * frame_words as f64) as u64;
        // With up to 40 rows to choose from, rows times Z is close to any size.
        let fewest = least.clamp(MIN_ROWS, ROWS);
        let sizes = (fewest..=MAX_ROWS).map(|rows| (least.div_ceil(rows), rows));
        let (z_words, rows) = sizes.min_by_key(|(z, rows)| z * rows)?;
        if z_words * rows > (MAX_SHARE * frame_words as f64) as u64 {
            return None;
        }
        let shape = Shape {
            z: 64 * z_words as usize,
            rows: rows as usize,
            columns: frame_words.div_ceil(z_words) as usize,
            ensemble,
        };
        // What one row more has room for, in standard deviations of a frame's need.
        let slope = libm::log2((1.0 - qber) / qber);
        let need = ensemble.overhead() * slope * deviation;
        let row = z_words as f64 / frame_words as f64 / need;
        let budget = Budget { frames, shape, frame_bits: 64 * frame_words, row_in_deviations: row };
        Some(Layout { frames, frame_words, shape, extra_rows: budget.rows() })
    }

    /// Bits of a row's checks.
    pub fn row_bits(&self) -> u64 {
        self.shape.z as u64
    }

    /// Bits of the core's syndrome of a frame.
    pub fn core_bits(&self) -> u64 {
        self.shape.rows as u64 * self.row_bits()
    }

    /// The most that the plan can disclose: the core's syndromes and a verdict for each frame, and
    /// the budget of what frames disclose that do not decode with it.
    pub fn lambda_max(&self) -> u64 {
        self.frames * (self.core_bits() + 1) + self.extra_rows * (self.row_bits() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_error_rate_is_where_about_half_of_a_frame_is_disclosed() {
        let share = Ensemble::for_qber(MAX_QBER).overhead() * binary_entropy(MAX_QBER);
        assert!((share - 0.5).abs() < 0.005, "{share}");
    }

    #[test]
    fn every_size_and_rate_has_a_code_that_holds_its_frames() {
        for bits in [4_000, 10_000, 65_536, 99_999, 100_000, 1_000_000, 123_456_789] {
            for qber in [1e-9, 0.001, 0.005, 0.0149, 0.015, 0.02, 0.05, 0.09] {
                let layout = Layout::choose(bits, qber).expect("within the range");
                let Shape { z, columns, ensemble, .. } = layout.shape;
                let words = bits.div_ceil(64);
                assert!(columns * z >= 64 * layout.frame_words as usize);
                assert!((columns - 1) * z < 64 * layout.frame_words as usize);
                assert!(layout.frames * layout.frame_words >= words);
                assert!((layout.frames - 1) * layout.frame_words <= words);
                assert!(layout.lambda_max() < bits, "{layout:?}");
                // The shape is close to the share asked for, save in the shortest frames.
                let share = layout.core_bits() as f64 / (64 * layout.frame_words) as f64;
                let floor = (ensemble.overhead() * binary_entropy(qber)).max(MIN_SHARE);
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
}
