//! Ranges of slots without data, merged as they come.

use std::collections::VecDeque;
use std::ops::Range;

/// Ranges in rising order, none touching its neighbour.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlotRanges {
    ranges: VecDeque<Range<u64>>,
}

impl SlotRanges {
    /// Adds a range; one that begins before the last one is merged where it belongs.
    pub fn add(&mut self, mut range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let from = self.ranges.partition_point(|r| r.end < range.start);
        let to = self.ranges.partition_point(|r| r.start <= range.end);
        if from < to {
            range.start = range.start.min(self.ranges[from].start);
            range.end = range.end.max(self.ranges[to - 1].end);
        }
        if from == self.ranges.len() {
            self.ranges.push_back(range);
        } else {
            self.ranges.drain(from..to);
            self.ranges.insert(from, range);
        }
    }

    /// Forgets everything below `slot`.
    pub fn forget_below(&mut self, slot: u64) {
        while self.ranges.front().is_some_and(|r| r.end <= slot) {
            self.ranges.pop_front();
        }
    }

    /// Whether a slot lies in a range.
    #[cfg(test)]
    pub fn contains(&self, slot: u64) -> bool {
        self.walker().contains(slot)
    }

    /// Slots of `span` that lie in ranges.
    pub fn count_in(&self, span: Range<u64>) -> u64 {
        let overlap = |r: &Range<u64>| r.end.min(span.end).saturating_sub(r.start.max(span.start));
        self.ranges.iter().map(overlap).sum()
    }

    /// Answers for slots asked in rising order, each range looked at once.
    pub fn walker(&self) -> Walker<'_> {
        Walker { ranges: self, at: 0, range: self.ranges.front().cloned() }
    }
}

/// See [`SlotRanges::walker`].
pub(crate) struct Walker<'a> {
    ranges: &'a SlotRanges,
    at: usize,
    /// The range at `at`.
    range: Option<Range<u64>>,
}

impl Walker<'_> {
    /// Whether a range reaches into `span`; asked for spans in rising order, before their slots.
    pub fn meets(&mut self, span: Range<u64>) -> bool {
        self.contains(span.start) || self.range.as_ref().is_some_and(|r| r.start < span.end)
    }

    pub fn contains(&mut self, slot: u64) -> bool {
        while let Some(range) = &self.range {
            if slot < range.end {
                return slot >= range.start;
            }
            self.at += 1;
            self.range = self.ranges.ranges.get(self.at).cloned();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_agree_with_a_set(adds in proptest::collection::vec((0u64..60, 0u64..10), 0..20)) {
            let mut ranges = SlotRanges::default();
            let mut set = [false; 80];
            for (start, len) in adds {
                ranges.add(start..start + len);
                (start..start + len).for_each(|s| set[s as usize] = true);
            }
            for slot in 0..80 {
                prop_assert_eq!(ranges.contains(slot), set[slot as usize]);
            }
            let mut walker = ranges.walker();
            for start in 0..75 {
                let meets = set[start as usize..][..5].contains(&true);
                prop_assert_eq!(walker.meets(start..start + 5), meets);
            }
            let counted = set[10..40].iter().filter(|s| **s).count() as u64;
            prop_assert_eq!(ranges.count_in(10..40), counted);
            prop_assert!(ranges.ranges.iter().zip(ranges.ranges.iter().skip(1)).all(|(a, b)| a.end < b.start));
        }
    }
}
