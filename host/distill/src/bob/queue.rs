//! Detections that wait for their block's end. Which detector clicked is secret: they are wiped
//! when they leave, and no copy stays behind when the queue grows.

use std::collections::VecDeque;

use helio_timetag::Detection;
use zeroize::Zeroize;

/// Detections in rising order of slots.
#[derive(Default)]
pub(crate) struct DetectionQueue {
    queue: VecDeque<Detection>,
}

impl DetectionQueue {
    pub fn push(&mut self, detection: Detection) {
        if self.queue.len() == self.queue.capacity() {
            let mut grown = VecDeque::with_capacity((2 * self.queue.len()).max(1024));
            grown.extend(self.queue.iter().copied());
            wipe(self.queue.iter_mut());
            self.queue = grown;
        }
        self.queue.push_back(detection);
    }

    pub fn last(&self) -> Option<&Detection> {
        self.queue.back()
    }

    /// Detections below `slot`, in two parts, one after the other.
    pub fn below(&self, slot: u64) -> [&[Detection]; 2] {
        let count = self.count_below(slot);
        let (front, back) = self.queue.as_slices();
        let in_front = count.min(front.len());
        [&front[..in_front], &back[..count - in_front]]
    }

    /// Wipes and forgets every detection below `slot`.
    pub fn forget_below(&mut self, slot: u64) {
        let ends_at = self.count_below(slot);
        wipe(self.queue.range_mut(..ends_at));
        self.queue.drain(..ends_at);
    }

    fn count_below(&self, slot: u64) -> usize {
        self.queue.partition_point(|d| d.slot < slot)
    }
}

impl Drop for DetectionQueue {
    fn drop(&mut self) {
        wipe(self.queue.iter_mut());
    }
}

fn wipe<'a>(detections: impl Iterator<Item = &'a mut Detection>) {
    for Detection { slot, mask } in detections {
        slot.zeroize();
        mask.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wiped_detections_tell_nothing() {
        let mut list = [Detection { slot: 7, mask: 2 }, Detection { slot: 9, mask: 3 }];
        wipe(list.iter_mut());
        assert_eq!(list, [Detection::default(); 2]);
    }

    proptest! {
        /// Against a plain list, over many growths.
        #[test]
        fn the_queue_keeps_what_is_not_below(steps in proptest::collection::vec((0u64..700, 0u64..500), 0..20)) {
            let (mut queue, mut plain) = (DetectionQueue::default(), Vec::new());
            let (mut next, mut gone) = (0, 0);
            for (count, forget) in steps {
                for slot in next..next + count {
                    let detection = Detection { slot, mask: slot as u8 % 3 + 1 };
                    queue.push(detection);
                    plain.push(detection);
                }
                next += count;
                gone += forget;
                let below = plain.partition_point(|d| d.slot < gone);
                prop_assert_eq!(queue.below(gone).concat(), &plain[..below]);
                queue.forget_below(gone);
                plain.retain(|d| d.slot >= gone);
                prop_assert_eq!(queue.below(u64::MAX).concat(), &plain[..]);
                prop_assert_eq!(queue.last(), plain.last());
            }
        }
    }
}
