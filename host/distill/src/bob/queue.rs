//! Detections that wait for their block's end. Which detector clicked is secret: it is wiped when it
//! leaves, and no copy stays behind when the queue grows.

use std::collections::VecDeque;

use helio_timetag::Detection;
use zeroize::{DefaultIsZeroes, Zeroize};

/// Most buffers of each kind that wait to be filled again.
const MOST_SPARE: usize = 3;

/// Detections in rising order of slots: 5 bytes each.
pub(crate) struct DetectionQueue {
    slots_per_block: u64,
    /// Of the blocks that have any, in order.
    blocks: VecDeque<(u64, Clicks)>,
    last_slot: Option<u64>,
    /// Memory of blocks that are done, for those that come: fresh memory costs as much time as what is
    /// done with it.
    spare_offsets: Vec<Vec<u32>>,
    /// The same for masks; wiped.
    spare_masks: Vec<Vec<u8>>,
    /// Room that a block needed at most.
    usual: usize,
}

/// The detections of one block, wiped when they are dropped.
#[derive(Clone, Default)]
pub(crate) struct Clicks {
    /// From the block's first slot, rising.
    pub offsets: Vec<u32>,
    /// Which detectors clicked at each.
    pub masks: Vec<u8>,
}

impl DetectionQueue {
    pub fn new(slots_per_block: u32) -> DetectionQueue {
        DetectionQueue {
            slots_per_block: u64::from(slots_per_block),
            blocks: VecDeque::new(),
            last_slot: None,
            spare_offsets: Vec::new(),
            spare_masks: Vec::new(),
            usual: 0,
        }
    }

    /// Takes detections behind those that it has.
    pub fn extend(&mut self, mut detections: &[Detection]) {
        while let (Some(first), Some(last)) = (detections.first(), detections.last()) {
            let block = first.slot / self.slots_per_block;
            let begin = block * self.slots_per_block;
            let inside = |d: &Detection| d.slot - begin < self.slots_per_block;
            let count = match inside(last) {
                true => detections.len(),
                false => detections.partition_point(inside),
            };
            let (here, later) = detections.split_at(count);
            // A slot number gone wild must not take memory.
            let usual = if self.blocks.len() <= MOST_SPARE { self.usual } else { 0 };
            let Clicks { offsets, masks } = self.block_mut(block);
            make_room(offsets, count, usual);
            make_room(masks, count, usual);
            // A slot of the block is below 2³² from its first.
            offsets.extend(here.iter().map(|d| (d.slot - begin) as u32));
            masks.extend(here.iter().map(|d| d.mask));
            self.last_slot = here.last().map(|d| d.slot);
            detections = later;
        }
    }

    /// The slot of the last detection that came.
    pub fn last_slot(&self) -> Option<u64> {
        self.last_slot
    }

    /// The detections of this block; those of earlier ones are wiped and forgotten. Give them back when
    /// they are not needed any more.
    pub fn take(&mut self, block: u64) -> Clicks {
        self.forget_below(block);
        match self.blocks.front() {
            Some((first, _)) if *first == block => self.blocks.pop_front().unwrap_or_default().1,
            _ => Clicks::default(),
        }
    }

    /// Wipes these, and keeps their memory for others.
    pub fn give_back(&mut self, mut clicks: Clicks) {
        // Blocks differ a little.
        self.usual = self.usual.max(clicks.masks.len() + clicks.masks.len() / 64);
        clicks.wipe();
        self.give_back_offsets(std::mem::take(&mut clicks.offsets));
        keep(&mut self.spare_masks, std::mem::take(&mut clicks.masks));
    }

    /// Keeps the memory of what was announced for others.
    pub fn give_back_offsets(&mut self, mut offsets: Vec<u32>) {
        offsets.clear();
        keep(&mut self.spare_offsets, offsets);
    }

    /// The detections of this block, to look at.
    pub fn block(&self, block: u64) -> Option<&Clicks> {
        self.blocks.iter().find(|(of, _)| *of == block).map(|(_, clicks)| clicks)
    }

    /// Wipes and forgets the detections of every block below this one.
    pub fn forget_below(&mut self, block: u64) {
        while let Some((_, clicks)) = self.blocks.pop_front_if(|(of, _)| *of < block) {
            self.give_back(clicks);
        }
    }

    /// The detections of the last block that has any, or of one behind it.
    fn block_mut(&mut self, block: u64) -> &mut Clicks {
        if self.blocks.back().is_none_or(|(last, _)| *last != block) {
            let offsets = self.spare_offsets.pop().unwrap_or_default();
            let masks = self.spare_masks.pop().unwrap_or_default();
            self.blocks.push_back((block, Clicks { offsets, masks }));
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last].1
    }
}

impl Clicks {
    /// Slots are told to everybody, or mean nothing; masks are not.
    fn wipe(&mut self) {
        self.offsets.clear();
        self.masks.as_mut_slice().zeroize();
        self.masks.clear();
    }
}

impl Drop for Clicks {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn keep<T>(spare: &mut Vec<Vec<T>>, memory: Vec<T>) {
    if memory.capacity() > 0 && spare.len() < MOST_SPARE {
        spare.push(memory);
    }
}

/// Makes room for `more`, and for the `usual` number at once, without leaving a copy in freed memory.
fn make_room<T: DefaultIsZeroes>(list: &mut Vec<T>, more: usize, usual: usize) {
    let needed = list.len() + more;
    if needed > list.capacity() {
        let mut grown = Vec::with_capacity(needed.max(2 * list.len()).max(usual));
        grown.extend_from_slice(list);
        list.as_mut_slice().zeroize();
        *list = grown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list, over many growths.
        #[test]
        fn the_queue_keeps_blocks_that_are_not_taken(
            steps in proptest::collection::vec((0u64..700, 0u64..4, 0u64..300), 0..20),
        ) {
            let (mut queue, mut plain) = (DetectionQueue::new(100), Vec::new());
            let (mut next, mut gone) = (0, 0);
            for (count, forget, skip) in steps {
                let new = (next..next + count).map(|slot| Detection { slot, mask: slot as u8 % 3 + 1 });
                let new: Vec<_> = new.collect();
                queue.extend(&new);
                plain.extend(new);
                prop_assert_eq!(queue.last_slot(), plain.last().map(|d| d.slot));
                next += count + skip;
                for _ in 0..forget {
                    let of_block = plain.iter().filter(|d| d.slot / 100 == gone);
                    let expected: Vec<_> = of_block.map(|d| ((d.slot % 100) as u32, d.mask)).collect();
                    let pairs = |clicks: &Clicks| {
                        let pairs = clicks.offsets.iter().zip(&clicks.masks);
                        pairs.map(|(&offset, &mask)| (offset, mask)).collect::<Vec<_>>()
                    };
                    prop_assert_eq!(queue.block(gone).map_or(vec![], pairs), expected.clone());
                    let clicks = queue.take(gone);
                    prop_assert_eq!(pairs(&clicks), expected);
                    prop_assert_eq!(queue.block(gone).map_or(vec![], pairs), []);
                    queue.give_back(clicks);
                    gone += 1;
                }
                gone += forget;
                queue.forget_below(gone);
            }
        }
    }
}
