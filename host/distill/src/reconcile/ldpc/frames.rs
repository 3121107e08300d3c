//! A key string cut into frames, what frames disclose, and what that costs.

use std::ops::Range;

use helio_keys::SecretBits;
use zeroize::Zeroizing;

use super::budget::{ROUNDS, steps};
use super::code::QcCode;
use super::layout::Layout;
use crate::reconcile::{Leak, ReconcileError};

/// What outstanding frames disclose next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The checks of these rows.
    Rows(Range<usize>),
    /// Themselves.
    InFull,
}

/// A string, cut into frames.
pub struct Frames {
    pub layout: Layout,
    pub code: QcCode,
    /// Frame after frame.
    words: Zeroizing<Vec<u64>>,
    len: usize,
}

impl Frames {
    pub fn new(layout: Layout, bits: &SecretBits) -> Frames {
        let words = Zeroizing::new(vec![0; bits.words().len()]);
        let mut frames = Frames { layout, code: QcCode::new(layout.shape), words, len: bits.len() };
        let starts = frames.starts();
        for (i, round) in bits.words().chunks(frames.count()).enumerate() {
            starts.iter().zip(round).for_each(|(start, word)| frames.words[start + i] = *word);
        }
        frames
    }

    /// Where each frame's words begin.
    fn starts(&self) -> Vec<usize> {
        (0..self.count()).map(|frame| self.range(frame).start).collect()
    }

    /// Where a frame's words are: the first frames have one more if they are not shared out evenly.
    fn range(&self, frame: usize) -> Range<usize> {
        let (each, more) = (self.words.len() / self.count(), self.words.len() % self.count());
        let start = frame * each + frame.min(more);
        start..start + each + usize::from(frame < more)
    }

    pub fn count(&self) -> usize {
        self.layout.frames as usize
    }

    /// The words of a frame.
    pub fn words(&self, frame: usize) -> impl Iterator<Item = u64> + '_ {
        self.words[self.range(frame)].iter().copied()
    }

    pub fn word_count(&self, frame: usize) -> usize {
        self.range(frame).len()
    }

    /// Bits of the string in a frame: the string's last word may be a part.
    pub fn bit_count(&self, frame: usize) -> usize {
        let has_last = (self.words.len() - 1) % self.count() == frame;
        let padding = if has_last { 64 * self.words.len() - self.len } else { 0 };
        64 * self.word_count(frame) - padding
    }

    /// The checks of some rows of a frame.
    pub fn syndrome(&self, frame: usize, rows: Range<usize>) -> Vec<u64> {
        self.code.syndrome(self.words(frame), rows)
    }

    /// Adds words to those of a frame, and counts the bits that this changes.
    pub fn add(&mut self, frame: usize, words: impl Iterator<Item = u64>) -> u64 {
        let range = self.range(frame);
        let mut changed = 0;
        for (word, add) in self.words[range].iter_mut().zip(words) {
            *word ^= add;
            changed += u64::from(add.count_ones());
        }
        changed
    }

    /// What a frame discloses that failed `failures` times.
    pub fn next(&self, failures: usize) -> Next {
        let (core, steps) = (self.layout.shape.rows, steps(self.layout.shape));
        match failures {
            0 => Next::Rows(0..core),
            1 => Next::Rows(core..core + steps[0]),
            2..=ROUNDS => Next::Rows(core + steps[failures - 2]..core + steps[failures - 1]),
            _ => Next::InFull,
        }
    }

    /// What these frames disclose if all of them disclose `next`, both directions: with checks
    /// goes the verdict on them, and a frame in full costs its bits in place of its checks.
    pub fn cost(&self, next: &Next, frames: &[usize]) -> Leak {
        let (count, z) = (frames.len() as u64, self.layout.row_bits());
        match next {
            Next::Rows(rows) => Leak { alice_bits: count * rows.len() as u64 * z, bob_bits: count },
            Next::InFull => {
                let checks = self.layout.shape.all_rows() as u64 * z;
                let of_frame = |f: &usize| (self.bit_count(*f) as u64).saturating_sub(checks);
                Leak { alice_bits: frames.iter().map(of_frame).sum(), bob_bits: 0 }
            }
        }
    }

    /// The leak with this cost added, if λ_max has room for it.
    pub fn charge(&self, leak: Leak, cost: Leak) -> Result<Leak, ReconcileError> {
        let sum = Leak {
            alice_bits: leak.alice_bits + cost.alice_bits,
            bob_bits: leak.bob_bits + cost.bob_bits,
        };
        let lambda_max = self.layout.lambda_max();
        match sum.total() <= lambda_max {
            true => Ok(sum),
            false => Err(ReconcileError::LeakExhausted { lambda_max }),
        }
    }

    /// Bytes of Alice's message.
    pub fn message_bytes(&self, next: &Next, frames: &[usize]) -> usize {
        let words = match next {
            Next::Rows(rows) => frames.len() * rows.len() * self.code.row_words(),
            Next::InFull => frames.iter().map(|frame| self.word_count(*frame)).sum(),
        };
        8 * words
    }

    /// The string.
    pub fn take_bits(&mut self) -> SecretBits {
        let (starts, mut words) = (self.starts(), vec![0; self.words.len()]);
        for (i, round) in words.chunks_mut(self.count()).enumerate() {
            starts.iter().zip(round).for_each(|(start, word)| *word = self.words[start + i]);
        }
        SecretBits::from_words(words, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::testing::strings;

    #[test]
    fn frames_share_out_all_bits() {
        for len in [4_000, 262_144 * 3 - 17, 262_144 * 5 + 1] {
            let (bits, _) = strings(len, 0.0, 1);
            let layout = Layout::choose(len as u64, 0.02).expect("within the range");
            let mut frames = Frames::new(layout, &bits);
            for frame in 0..frames.count() {
                let of_string = bits.words().iter().skip(frame).step_by(frames.count());
                assert!(frames.words(frame).eq(of_string.copied()));
            }
            let counts = (0..frames.count()).map(|f| frames.bit_count(f));
            assert_eq!(counts.sum::<usize>(), len);
            assert!((0..frames.count()).all(|f| frames.words(f).count() == frames.word_count(f)));
            assert!(bool::from(frames.take_bits().ct_eq(&bits)));
        }
    }

    #[test]
    fn a_frame_discloses_all_rows_once_and_then_itself() {
        let (bits, _) = strings(200_001, 0.0, 1);
        let layout = Layout::choose(200_001, 0.02).expect("within the range");
        let frames = Frames::new(layout, &bits);
        let all: Vec<usize> = (0..frames.count()).collect();
        let (mut until, mut leak) = (0, Leak::default());
        for failures in 0..=ROUNDS {
            let next = frames.next(failures);
            let cost = frames.cost(&next, &all);
            leak.alice_bits += cost.alice_bits;
            leak.bob_bits += cost.bob_bits;
            let Next::Rows(rows) = next else { panic!("in full after {failures}") };
            assert_eq!(rows.start, until);
            assert!(!rows.is_empty());
            until = rows.end;
        }
        assert_eq!(until, layout.shape.all_rows());
        assert_eq!(frames.next(ROUNDS + 1), Next::InFull);
        leak.alice_bits += frames.cost(&Next::InFull, &all).alice_bits;
        assert_eq!(leak.alice_bits, 200_001);
        assert_eq!(leak.bob_bits, ((ROUNDS + 1) * frames.count()) as u64);
    }
}
