//! From raw samples to rising edges, a word at a time.
//!
//! The words are atomic, because the DMA may write them while they are read: a plain reference would
//! promise the compiler that they stand still. Relaxed loads are single loads, and keep the order of
//! nothing; [`crate::Capture`] does that.

use core::sync::atomic::{AtomicU32, Ordering};

/// A rising edge within a buffer of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Ticks from the first sample of the buffer.
    pub offset: u32,
    /// Which of the sampled pins, from zero.
    pub channel: u8,
}

/// The bits of a word whose sample is high and whose pin was low one sample earlier.
///
/// A word holds `32 / BITS` samples of `BITS` pins, the oldest in the lowest bits; `before` is the
/// sample ahead of it, in the low bits. One shift lines every sample up with the one before it:
/// there is no loop over samples and so no time in which an edge is missed.
#[inline]
pub const fn rising<const BITS: u32>(word: u32, before: u32) -> u32 {
    word & !(word << BITS | before)
}

#[inline]
fn load(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

#[inline]
fn is_bright(words: &[AtomicU32]) -> bool {
    words.iter().fold(0, |any, word| any | load(word)) != 0
}

/// The edges of one state machine's words in order of time, ties in order of channel.
#[derive(Clone, Debug)]
pub struct Lane<const BITS: u32> {
    /// The sample ahead of the next word.
    before: u32,
    /// Next word of the buffer.
    word: usize,
    /// Edges of the word before that one, not yet given out.
    pending: u32,
    /// Which pins count, repeated for each sample.
    mask: u32,
}

impl<const BITS: u32> Lane<BITS> {
    const PER_WORD: u32 = 32 / BITS;

    /// At the begin of a buffer whose pins were `before` in the sample ahead of it. Pins that are
    /// not in `pins` are not looked at.
    pub const fn new(before: u32, pins: u32) -> Lane<BITS> {
        let mut mask = pins & ((1 << BITS) - 1);
        let mut width = BITS;
        while width < 32 {
            mask |= mask << width;
            width *= 2;
        }
        Lane { before, word: 0, pending: 0, mask }
    }

    /// To the begin of the next buffer: the last sample of this one is the one before.
    pub const fn rewind(&mut self) {
        (self.word, self.pending) = (0, 0);
    }

    /// To the begin of a buffer after words that were not seen, the last of which is `last`.
    pub const fn resume(&mut self, last: u32) {
        self.rewind();
        self.before = last >> (32 - BITS);
    }

    /// How many edges a whole buffer has; the lane is at its end afterwards.
    pub fn count(&mut self, words: &[AtomicU32]) -> u32 {
        let mut edges = 0;
        for word in words {
            let word = load(word);
            edges += (rising::<BITS>(word, self.before) & self.mask).count_ones();
            self.before = word >> (32 - BITS);
        }
        edges
    }

    /// The next edge in `words`, the whole buffer; `None` at its end.
    #[inline]
    pub fn next(&mut self, words: &[AtomicU32]) -> Option<Sample> {
        while self.pending == 0 {
            // Most of the time nothing happens at all: eight words that are low cost 22 instructions
            // of a Cortex-M33.
            let mut at = self.word;
            while let Some(eight) = words.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
                if is_bright(&eight[..4]) {
                    break;
                }
                if is_bright(&eight[4..]) {
                    at += 4;
                    break;
                }
                at += 8;
            }
            if at != self.word {
                (self.word, self.before) = (at, 0);
            }
            let word = load(words.get(self.word)?);
            self.pending = rising::<BITS>(word, self.before) & self.mask;
            self.before = word >> (32 - BITS);
            self.word += 1;
        }
        let bit = self.pending.trailing_zeros();
        self.pending &= self.pending - 1;
        let offset = (self.word as u32 - 1) * Self::PER_WORD + bit / BITS;
        Some(Sample { offset, channel: (bit % BITS) as u8 })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Sample by sample, pin by pin.
    fn oracle<const BITS: u32>(words: &[u32], before: u32, pins: u32) -> Vec<Sample> {
        let per_word = 32 / BITS;
        let sample = |n: u32| words[(n / per_word) as usize] >> (n % per_word * BITS);
        let mut edges = Vec::new();
        for n in 0..words.len() as u32 * per_word {
            let earlier = if n == 0 { before } else { sample(n - 1) };
            for channel in 0..BITS {
                let high = |s: u32| s >> channel & 1 == 1;
                if pins >> channel & 1 == 1 && high(sample(n)) && !high(earlier) {
                    edges.push(Sample { offset: n, channel: channel as u8 });
                }
            }
        }
        edges
    }

    fn edges<const BITS: u32>(words: &[u32], before: u32, pins: u32) -> Vec<Sample> {
        let (mut lane, words) = (Lane::<BITS>::new(before, pins), shared(words));
        core::iter::from_fn(|| lane.next(&words)).collect()
    }

    fn shared(words: &[u32]) -> Vec<AtomicU32> {
        words.iter().copied().map(AtomicU32::new).collect()
    }

    /// Words as of pulses: most are dark, some hold one edge, some anything.
    fn words() -> impl Strategy<Value = Vec<u32>> {
        let word = prop_oneof![
            6 => Just(0u32),
            2 => (0u32..32, 0u32..32).prop_map(|(at, n)| (((1u64 << n) - 1) << at) as u32),
            1 => Just(u32::MAX),
            1 => any::<u32>(),
        ];
        proptest::collection::vec(word, 0..100)
    }

    proptest! {
        #[test]
        fn words_at_a_time_are_bits_at_a_time(words in words(), before in 0u32..16, pins in 0u32..16) {
            prop_assert_eq!(edges::<4>(&words, before, pins), oracle::<4>(&words, before, pins));
            let found = Lane::<4>::new(before, pins).count(&shared(&words)) as usize;
            prop_assert_eq!(found, oracle::<4>(&words, before, pins).len());
            let (b, p) = (before & 3, pins & 3);
            prop_assert_eq!(edges::<2>(&words, b, p), oracle::<2>(&words, b, p));
        }

        #[test]
        fn a_cut_between_buffers_changes_nothing(words in words(), cut in 0usize..100) {
            let cut = cut.min(words.len());
            let cells = shared(&words);
            let (first, second) = cells.split_at(cut);
            let mut lane = Lane::<4>::new(0, 15);
            let mut found: Vec<Sample> = core::iter::from_fn(|| lane.next(first)).collect();
            lane.rewind();
            let later = |s: Sample| Sample { offset: s.offset + 8 * cut as u32, ..s };
            found.extend(core::iter::from_fn(|| lane.next(second)).map(later));
            prop_assert_eq!(&found, &oracle::<4>(&words, 0, 15));
            if let Some(last) = first.last() {
                lane.resume(load(last));
                let again: Vec<Sample> = core::iter::from_fn(|| lane.next(second)).map(later).collect();
                prop_assert!(found.ends_with(&again));
            }
        }
    }
}
