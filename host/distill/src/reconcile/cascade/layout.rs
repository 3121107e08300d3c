//! From an error rate to frames, block sizes and the number of parities.

use crate::bound::binary_entropy;

/// Longest string.
const MAX_BITS: u64 = 1 << 30;
/// Words of a frame to aim at: 10^5 bits.
const FRAME_WORDS: u64 = 1_600;

/// How a string is cut and how many parities may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bits of the string.
    pub bits: u64,
    /// Number of frames. Frame f takes words f, f + frames, f + 2·frames, … of the string, so
    /// that a burst of errors is spread over many.
    pub frames: u64,
    /// Bits of a block in each pass; zero for a pass that there is not.
    pub block: [u32; 6],
    /// Subsets of the last check.
    pub subsets: u32,
    /// Pieces in which an odd subset is searched.
    pub fan: u32,
    /// Parities that Alice may tell at most.
    pub parities: u64,
}

impl Layout {
    pub fn choose(bits: u64, qber: f64) -> Option<Layout> {
        if !(64..=MAX_BITS).contains(&bits) {
            return None;
        }
        let words = bits.div_ceil(64);
        let frames = ((words + FRAME_WORDS / 2) / FRAME_WORDS).max(1);
        let frame_bits = (64 * words.div_ceil(frames)) as f64;
        let env = |name: &str, or: f64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
        let shannon = libm::log2(1.0 / qber);
        let first = libm::exp2(libm::ceil(shannon - env("A1", 0.5)));
        let second = libm::exp2(libm::ceil((shannon - 0.5 + env("A2", 12.0)) / 2.0));
        let third = env("K3", 4096.0);
        let mut block = [0; 6];
        block[0] = first.clamp(8.0, frame_bits / 2.0) as u32;
        let mut count = 1;
        for size in [second, third] {
            if size >= 2.0 * f64::from(block[count - 1]) && size <= frame_bits / env("ADIV", 4.0) {
                block[count] = size as u32;
                count += 1;
            }
        }
        if let Ok(text) = std::env::var("BLOCKS") {
            block = [0; 6];
            for (to, from) in block.iter_mut().zip(text.split(',')) {
                *to = from.parse().unwrap();
            }
        }
        let n = bits as f64;
        let subsets = (10.0 + libm::ceil(libm::log2(frames as f64))) as u32;
        let fan = if frame_bits < 16_384.0 { 2 } else { 32 };
        let worst = qber + 4.0 * libm::sqrt(qber * (1.0 - qber) / n);
        let parities = libm::ceil(1.15 * n * binary_entropy(worst)) as u64 + 200;
        Some(Layout { bits, frames, block, subsets, fan, parities })
    }

    /// Both directions of every parity.
    pub fn lambda_max(&self) -> u64 {
        2 * self.parities
    }

    /// Bits of a block in each pass.
    pub fn blocks(&self) -> &[u32] {
        let count = self.block.iter().take_while(|block| **block > 0).count();
        &self.block[..count]
    }

    /// Words of the longest frame.
    pub fn frame_words(&self) -> usize {
        self.bits.div_ceil(64).div_ceil(self.frames) as usize
    }
}
