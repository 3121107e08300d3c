//! The blocks that are talked about now, oldest first. Each has a transcript of its own and goes its
//! own way; so one station works on a block while the other works on the next, and a long line is
//! filled.

use std::collections::VecDeque;

use crate::contact::Stage;
use crate::error::{Effect, Fault, Result};

/// What belongs to one block.
pub(crate) trait OfBlock {
    fn block(&self) -> u64;
}

/// A handful of blocks in rising order.
pub(crate) struct InFlight<C>(VecDeque<C>);

impl<C> Default for InFlight<C> {
    fn default() -> InFlight<C> {
        InFlight(VecDeque::new())
    }
}

impl<C: OfBlock> InFlight<C> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &C> {
        self.0.iter()
    }

    pub fn oldest(&self) -> Option<&C> {
        self.0.front()
    }

    pub fn contains(&self, block: u64) -> bool {
        self.0.iter().any(|c| c.block() == block)
    }

    /// Takes a block out, to work on it or to end it.
    pub fn take(&mut self, block: u64) -> Option<C> {
        let at = self.0.iter().position(|c| c.block() == block)?;
        self.0.remove(at)
    }

    /// Puts a block in, or back.
    pub fn put(&mut self, current: C) {
        let at = self.0.partition_point(|c| c.block() < current.block());
        self.0.insert(at, current);
    }
}

/// How the blocks in progress end; the same at both stations, but for what ending one block means.
pub(crate) trait EndsBlocks {
    /// The oldest block in progress.
    fn oldest_block(&self) -> Option<u64>;

    /// Ends a block, if it is in progress; it is not afterwards, even on an error.
    fn end_block(&mut self, block: u64, fault: Fault) -> Result<()>;

    /// Ends all blocks; where one cannot be ended in order the others are all the same.
    fn end_blocks(&mut self, fault: impl Fn(u64) -> Fault) -> Result<()> {
        let mut result = Ok(());
        while let Some(block) = self.oldest_block() {
            result = result.and(self.end_block(block, fault(block)));
        }
        result
    }

    /// Ends what a fault ends: the block that was `at_work`, or all of them. Gives its effect, with the
    /// contact at `stage` before it.
    fn end_for(&mut self, fault: &Fault, stage: Stage, at_work: Option<u64>) -> Effect {
        let effect = match fault.effect() {
            Effect::Block if stage == Stage::Greeting => Effect::Contact,
            effect => effect,
        };
        let ended = match (effect, at_work) {
            (Effect::Ignored, _) => Ok(()),
            (Effect::Block, Some(block)) => self.end_block(block, fault.clone()),
            // What is of no block may have been of each.
            (Effect::Block, None) | (Effect::Contact, _) => self.end_blocks(|_| fault.clone()),
        };
        if ended.is_ok() {
            return effect;
        }
        // The station's own memory failed while a block was ended: nothing can go on.
        let _ = self.end_blocks(|_| fault.clone());
        Effect::Contact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl OfBlock for u64 {
        fn block(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn blocks_stand_in_order_whenever_they_are_put_back() {
        let mut blocks = InFlight::default();
        [3u64, 9, 5].into_iter().for_each(|block| blocks.put(block));
        assert_eq!(blocks.take(5), Some(5));
        assert_eq!((blocks.take(5), blocks.contains(5), blocks.len()), (None, false, 2));
        blocks.put(5);
        assert!(blocks.iter().eq(&[3, 5, 9]));
        assert_eq!(blocks.oldest(), Some(&3));
    }
}
