//! A station's side of all frames of a block, and the messages.

use helio_keys::SecretBits;
use zeroize::Zeroizing;

use super::frame::Frame;
use super::geometry::Geometry;
use super::layout::Layout;
use super::wire::{Reader, Writer};
use crate::reconcile::ReconcileError;

/// A station's side.
pub struct Party {
    geometry: Geometry,
    frames: Vec<Frame>,
    /// Parities told and heard.
    told: u64,
    heard: u64,
}

impl Party {
    /// With this station's string, which changes if `changes`.
    pub fn new(layout: Layout, bits: &SecretBits, changes: bool) -> Party {
        let geometry = Geometry::new(layout);
        let (words, count) = (bits.words(), layout.frames as usize);
        let unused = 64 * words.len() - bits.len();
        let frames = (0..count).map(|f| {
            let own: Zeroizing<Vec<u64>> =
                Zeroizing::new(words.iter().skip(f).step_by(count).copied().collect());
            let has_last = (words.len() - 1) % count == f;
            let bits = 64 * own.len() - if has_last { unused } else { 0 };
            Frame::new(&geometry, &own, bits, changes)
        });
        let frames = frames.collect();
        Party { geometry, frames, told: 0, heard: 0 }
    }

    /// This station's parities of what is asked first. A layout has room for them.
    pub fn first(&mut self) -> Vec<u8> {
        let mut out = Writer::default();
        self.frames.iter().for_each(|frame| frame.tell(&mut out));
        self.told = out.len();
        out.finish()
    }

    /// Compares what the other station tells, and answers. If it `answers`, it tells its parities
    /// of what this station asked for, and then, in any case, of what that leads to. This station
    /// answers that, and tells its own parities of what comes next.
    pub fn turn(&mut self, message: &[u8], answers: bool) -> Result<Vec<u8>, ReconcileError> {
        let mut theirs = Reader::new(message);
        let mut out = Writer::default();
        let lambda_max = self.geometry.layout.lambda_max();
        let limit = self.geometry.layout.parities.checked_sub(self.told);
        let limit = limit.ok_or(ReconcileError::LeakExhausted { lambda_max })?;
        for frame in &mut self.frames {
            if answers {
                frame.hear(&self.geometry, &mut theirs)?;
            }
            frame.tell(&mut out);
            if out.len() <= limit {
                frame.hear(&self.geometry, &mut theirs)?;
                frame.tell(&mut out);
            }
            if out.len() > limit {
                self.heard += theirs.read();
                return Err(ReconcileError::LeakExhausted { lambda_max });
            }
        }
        self.heard += theirs.read();
        self.told += out.len();
        if !theirs.is_at_end() {
            return Err(ReconcileError::Malformed("more parities than were asked for"));
        }
        Ok(out.finish())
    }

    /// Whether no frame asks for anything.
    pub fn is_done(&self) -> bool {
        self.frames.iter().all(Frame::is_done)
    }

    /// Parities that this station told, and heard.
    pub fn told_and_heard(&self) -> (u64, u64) {
        (self.told, self.heard)
    }

    /// Rounds of comparisons.
    pub fn rounds(&self) -> u32 {
        self.frames.iter().map(Frame::rounds).max().unwrap_or(0)
    }

    /// Frames of the block.
    pub fn frames(&self) -> u32 {
        self.frames.len() as u32
    }

    /// Bits corrected.
    pub fn corrections(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.corrections())).sum()
    }

    /// Which bits of the string were corrected.
    pub fn pattern(&self) -> Vec<u64> {
        let words = self.geometry.layout.bits.div_ceil(64) as usize;
        let mut pattern = vec![0; words];
        for (f, frame) in self.frames.iter().enumerate() {
            let of_frame = pattern.iter_mut().skip(f).step_by(self.frames.len());
            of_frame.zip(frame.corrected()).for_each(|(word, corrected)| *word = *corrected);
        }
        pattern
    }
}
