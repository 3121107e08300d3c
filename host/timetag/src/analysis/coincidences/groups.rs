//! Clicks near each other and the combinations of channels in them.

use super::super::clicks::{MAX_CHANNELS, NUMBER_BITS, NUMBER_MASK};
use super::super::stretches::Counter;

/// The number of coincidences of every set of channels: bit i of the index is the channel of
/// number i.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    /// A click before (this one's time + 1) · 8 + this is in its window.
    window: u64,
    counts: [u64; 1 << MAX_CHANNELS],
}

impl Groups {
    /// `window` is in ticks, below 2⁵⁹.
    pub(super) fn new(window: u64) -> Groups {
        Groups { window: window << NUMBER_BITS, counts: [0; 1 << MAX_CHANNELS] }
    }

    pub(super) fn count_of(&self, mask: usize) -> u64 {
        self.counts.get(mask).copied().unwrap_or(0)
    }

    /// The coincidences whose first click this is, with those `after` it in its window.
    #[inline]
    fn count_first(&mut self, first: u64, after: &[u64]) {
        let own = 1usize << (first & NUMBER_MASK);
        if let [second] = after {
            let both = own | 1 << (second & NUMBER_MASK);
            // One of the same channel is none; it goes where nobody looks.
            self.counts[both] = self.counts[both].saturating_add(1);
            return;
        }
        self.count_many(own, after);
    }

    /// Each set of other channels has as many as the product of their clicks.
    #[cold]
    fn count_many(&mut self, own: usize, after: &[u64]) {
        let mut of_each = [0u64; MAX_CHANNELS];
        for click in after {
            of_each[(click & NUMBER_MASK) as usize] += 1;
        }
        let present = (0..MAX_CHANNELS).filter(|number| of_each[*number] > 0);
        let present = present.fold(0, |mask, number| mask | 1usize << number) & !own;
        let mut set = present;
        while set != 0 {
            let members = (0..MAX_CHANNELS).filter(|number| set >> number & 1 == 1);
            let product = members.fold(1u64, |product, n| product.saturating_mul(of_each[n]));
            let count = &mut self.counts[set | own];
            *count = count.saturating_add(product);
            set = (set - 1) & present;
        }
    }
}

impl Counter for Groups {
    fn count(&mut self, clicks: &[u64], starts: usize) {
        // The last click has none after it.
        let pairs = clicks.windows(2).take(starts);
        for (start, pair) in pairs.enumerate() {
            let [first, second] = pair else { continue };
            let end = (first | NUMBER_MASK) + 1 + self.window;
            if *second < end {
                let after = &clicks[start + 1..];
                let near = after.iter().take_while(|click| **click < end).count();
                self.count_first(*first, &after[..near]);
            }
        }
    }

    fn empty(&self) -> Groups {
        Groups { window: self.window, counts: [0; 1 << MAX_CHANNELS] }
    }

    fn add(&mut self, other: &Groups) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }
}
