//! Detections that wait for their block's end. Which detector clicked is secret: they are wiped
//! when they leave, and no copy stays behind when the queue grows.

use helio_timetag::Detection;
use zeroize::{DefaultIsZeroes, Zeroize};

/// Detections in rising order of slots: 9 bytes each.
#[derive(Default)]
pub(crate) struct DetectionQueue {
    slots: Vec<u64>,
    masks: Vec<u8>,
}

impl DetectionQueue {
    pub fn extend(&mut self, detections: &[Detection]) {
        make_room(&mut self.slots, detections.len());
        make_room(&mut self.masks, detections.len());
        self.slots.extend(detections.iter().map(|d| d.slot));
        self.masks.extend(detections.iter().map(|d| d.mask));
    }

    pub fn last_slot(&self) -> Option<u64> {
        self.slots.last().copied()
    }

    /// Slots and masks of the detections below `slot`.
    pub fn below(&self, slot: u64) -> (&[u64], &[u8]) {
        let count = self.count_below(slot);
        (&self.slots[..count], &self.masks[..count])
    }

    /// Wipes and forgets every detection below `slot`. Moves those that stay: call it once a block.
    pub fn forget_below(&mut self, slot: u64) {
        let count = self.count_below(slot);
        drop_front(&mut self.slots, count);
        drop_front(&mut self.masks, count);
    }

    fn count_below(&self, slot: u64) -> usize {
        self.slots.partition_point(|&s| s < slot)
    }
}

impl Drop for DetectionQueue {
    fn drop(&mut self) {
        self.slots.zeroize();
        self.masks.zeroize();
    }
}

/// Makes room for `more`, without leaving a copy in freed memory.
fn make_room<T: DefaultIsZeroes>(list: &mut Vec<T>, more: usize) {
    let needed = list.len() + more;
    if needed > list.capacity() {
        let mut grown = Vec::with_capacity(needed.max(2 * list.len()).max(1024));
        grown.extend_from_slice(list);
        list.as_mut_slice().zeroize();
        *list = grown;
    }
}

/// Forgets the first `count`, and wipes what the rest leaves behind.
fn drop_front<T: DefaultIsZeroes>(list: &mut Vec<T>, count: usize) {
    list.copy_within(count.., 0);
    let rest = list.len() - count;
    list[rest..].zeroize();
    list.truncate(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list, over many growths.
        #[test]
        fn the_queue_keeps_what_is_not_below(steps in proptest::collection::vec((0u64..700, 0u64..500), 0..20)) {
            let (mut queue, mut plain) = (DetectionQueue::default(), Vec::new());
            let (mut next, mut gone) = (0, 0);
            for (count, forget) in steps {
                let new = (next..next + count).map(|slot| Detection { slot, mask: slot as u8 % 3 + 1 });
                let new: Vec<_> = new.collect();
                queue.extend(&new);
                plain.extend(new);
                next += count;
                gone += forget;
                let listed = |end: u64| {
                    let (slots, masks) = queue.below(end);
                    let pairs = slots.iter().zip(masks);
                    pairs.map(|(&slot, &mask)| Detection { slot, mask }).collect::<Vec<_>>()
                };
                let below = plain.partition_point(|d| d.slot < gone);
                prop_assert_eq!(listed(gone), &plain[..below]);
                prop_assert_eq!(listed(u64::MAX), &plain[..]);
                queue.forget_below(gone);
                plain.retain(|d| d.slot >= gone);
                prop_assert_eq!(queue.last_slot(), plain.last().map(|d| d.slot));
            }
        }
    }
}
