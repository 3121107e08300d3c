//! What waits for the player: words in memory, handed to the DMA in finite blocks.

/// There is no room for these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

/// Words between the firmware and one DMA channel that carries each block once and then stands
/// still until it is given another: whatever becomes of the processor, no more light leaves than
/// what was queued. `N` is a power of two.
///
/// The caller keeps the time: [`BlockQueue::limit_to`] is how many words last a millisecond.
#[derive(Debug)]
pub struct BlockQueue<const N: usize> {
    words: [u32; N],
    /// Counts of words since the start, modulo 2³².
    written: u32,
    /// End of the block that the DMA has.
    given: u32,
    limit: u32,
    block: u32,
}

impl<const N: usize> BlockQueue<N> {
    /// Empty.
    pub const fn new() -> BlockQueue<N> {
        assert!(N.is_power_of_two() && N <= 1 << 16);
        BlockQueue { words: [0; N], written: 0, given: 0, limit: N as u32, block: N as u32 / 4 }
    }

    /// Drops everything and holds at most `limit` words from now on, in blocks of a quarter of it.
    /// The DMA must have been stopped.
    pub fn limit_to(&mut self, limit: usize) {
        self.given = self.written;
        self.limit = limit.clamp(1, N) as u32;
        self.block = (self.limit / 4).max(1);
    }

    /// Words that can be pushed, if `unread` words of the last block have not left for the pins.
    pub fn space(&self, unread: u32) -> usize {
        (self.limit as usize).saturating_sub(self.waiting(unread))
    }

    /// Words that were pushed and have not left, with `unread` of the last block's.
    pub fn waiting(&self, unread: u32) -> usize {
        self.written.wrapping_sub(self.given).saturating_add(unread) as usize
    }

    /// Adds words, all or none.
    ///
    /// # Errors
    /// [`QueueFull`]: more than [`BlockQueue::space`].
    pub fn extend(
        &mut self,
        unread: u32,
        words: impl ExactSizeIterator<Item = u32>,
    ) -> Result<(), QueueFull> {
        if words.len() > self.space(unread) {
            return Err(QueueFull);
        }
        for word in words {
            self.words[self.written as usize % N] = word;
            self.written = self.written.wrapping_add(1);
        }
        Ok(())
    }

    /// The next block for a DMA channel that stands still; each word comes once. `None` if there
    /// is nothing to play.
    pub fn next_block(&mut self) -> Option<&[u32]> {
        let waiting = self.written.wrapping_sub(self.given);
        if waiting == 0 {
            return None;
        }
        let from = self.given as usize % N;
        let length = waiting.min(self.block).min((N - from) as u32);
        self.given = self.given.wrapping_add(length);
        Some(&self.words[from..from + length as usize])
    }
}

impl<const N: usize> Default for BlockQueue<N> {
    fn default() -> Self {
        BlockQueue::new()
    }
}

/// Words that have not been played to their end: `given` to the DMA since the player was armed,
/// of which it has `unread`, with `level` words in the FIFO. The lead-in is not counted, the slot that
/// plays is; a player that has `parked` plays none.
pub const fn unplayed(given: u32, unread: u32, level: u32, parked: bool) -> u32 {
    let sent = given.wrapping_sub(unread);
    // As long as there is a rest of the lead-in in the FIFO, everything sent is behind it.
    let waiting = if level < sent { level } else { sent };
    unread + waiting + (sent > waiting && !parked) as u32
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn every_word_is_played_once_and_in_order(
            limit in 1usize..=64,
            steps in proptest::collection::vec((0usize..40, 0u32..40), 1..200),
            start in any::<u32>(),
        ) {
            let mut queue = BlockQueue::<64>::new();
            (queue.written, queue.given) = (start, start);
            queue.limit_to(limit);
            // What the DMA has: it reads the memory late, as a real one does.
            let mut block: Vec<(usize, u32)> = Vec::new();
            let (mut pushed, mut played) = (0u32, 0u32);
            for (push, play) in steps {
                let unread = block.len() as u32;
                let n = push.min(queue.space(unread));
                queue.extend(unread, pushed..pushed + n as u32).unwrap();
                prop_assert_eq!(queue.extend(unread, 0..queue.space(unread) as u32 + 1), Err(QueueFull));
                pushed += n as u32;
                prop_assert!(pushed - played <= limit as u32);
                for _ in 0..play {
                    if block.is_empty() {
                        let from = queue.given as usize;
                        let words = queue.next_block().map(<[u32]>::to_vec).unwrap_or_default();
                        prop_assert!(words.len() <= limit);
                        block = words.iter().enumerate().map(|(i, w)| ((from + i) % 64, *w)).collect();
                    }
                    if block.is_empty() {
                        break;
                    }
                    let (at, word) = block.remove(0);
                    prop_assert_eq!(queue.words[at], word);
                    prop_assert_eq!(word, played);
                    played += 1;
                }
            }
        }
    }

    #[test]
    fn a_word_counts_until_its_slot_is_over() {
        // Armed with a lead-in of eight: nothing of the run yet.
        assert_eq!(unplayed(0, 0, 8, false), 0);
        // A block of three that waits behind the lead-in; then one of it has room.
        assert_eq!(unplayed(3, 3, 8, false), 3);
        assert_eq!(unplayed(3, 2, 8, false), 3);
        // All in the FIFO behind the last dark slot, the first, the last one plays, it is over.
        assert_eq!(unplayed(3, 0, 3, false), 3);
        assert_eq!(unplayed(3, 0, 2, false), 3);
        assert_eq!(unplayed(3, 0, 0, false), 1);
        assert_eq!(unplayed(3, 0, 0, true), 0);
        // Came too late, and stays where it is.
        assert_eq!(unplayed(4, 0, 1, true), 1);
    }

    #[test]
    fn what_is_dropped_is_never_played() {
        let mut queue = BlockQueue::<8>::new();
        queue.extend(0, [1, 2, 3].into_iter()).unwrap();
        queue.limit_to(4);
        assert_eq!(queue.next_block(), None);
        assert_eq!(queue.space(0), 4);
        assert_eq!(queue.extend(0, 0..5), Err(QueueFull));
        queue.extend(0, 4..8).unwrap();
        assert_eq!(queue.next_block(), Some(&[4][..]));
        assert_eq!(queue.space(1), 0);
        assert_eq!(queue.space(0), 1);
    }
}
