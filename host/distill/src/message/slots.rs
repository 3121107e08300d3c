//! The slots of a block that can hold a detection, numbered without the sync slots between them:
//! a sync slot has no number, so no announcement can name one.

use super::places::Level;
use crate::parameters::Parameters;

/// Numbers of the free slots of one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreeSlots {
    slots: u32,
    /// Offset of the block's first sync slot; may lie past its end.
    first_sync: u32,
    multiples: Multiples,
    /// Sync slots up to and with an offset.
    to_offset: Quotients,
    /// Sync slots before the free slot with a number.
    to_number: Quotients,
}

impl FreeSlots {
    pub fn of(parameters: &Parameters, block: u64) -> FreeSlots {
        let spacing = u32::from(parameters.sync_spacing);
        let phase = (parameters.first_slot(block) % u64::from(spacing)) as u32;
        let first_sync = (spacing - phase) % spacing;
        FreeSlots {
            slots: parameters.slots_per_block,
            first_sync,
            multiples: Multiples::of(spacing),
            to_offset: Quotients::new(spacing - first_sync, spacing),
            to_number: Quotients::new(spacing - 1 - first_sync, spacing - 1),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let last = self.slots.saturating_sub(1);
        u64::from(self.slots) - self.to_offset.of(last)
    }

    /// Whether the slot at `offset` in the block is a sync slot. Only operations on 32 bits, so that a
    /// loop over it becomes one over vectors.
    #[inline]
    pub fn is_sync(&self, offset: u32) -> bool {
        let past = offset.wrapping_sub(self.first_sync);
        offset >= self.first_sync && self.multiples.contain(past)
    }

    /// From rising offsets in the block to the numbers of these free slots.
    #[inline]
    pub fn offsets_to_numbers(&self, offsets: &mut [u32]) {
        Level::best().take_quotients(&self.to_offset, offsets);
    }

    /// From rising numbers of free slots to their offsets in the block; without meaning for larger
    /// ones.
    #[inline]
    pub fn numbers_to_offsets(&self, numbers: &mut [u32]) {
        Level::best().add_quotients(&self.to_number, numbers);
    }
}

/// The multiples of a number, told from others by one multiplication (Granlund and Montgomery, as below,
/// section 9).
#[derive(Clone, Copy, Debug)]
struct Multiples {
    /// Of the number's odd part, modulo 2³².
    inverse: u32,
    /// How often two divides the number.
    twos: u32,
    /// The largest quotient.
    most: u32,
}

impl Multiples {
    /// Of a number that is not zero.
    fn of(number: u32) -> Multiples {
        let twos = number.trailing_zeros();
        let odd = number >> twos;
        // Newton's method: right in the three lowest bits, and in twice as many after each step.
        let step =
            |inverse: u32, _| inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
        Multiples { inverse: (0..4).fold(odd, step), twos, most: u32::MAX / number }
    }

    #[inline]
    fn contain(self, value: u32) -> bool {
        value.wrapping_mul(self.inverse).rotate_right(self.twos) <= self.most
    }
}

/// Quotients of numbers of 32 bits, to each of which the same was added before, by a divisor of 16
/// bits (T. Granlund and P. Montgomery, Division by invariant integers using multiplication, PLDI 1994).
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotients {
    added: u32,
    divisor: u32,
    /// ⌊2⁶³ / d⌋ + 1: too large by at most d parts in 2⁶³, so that quotients are exact while
    /// dividend times divisor stays below 2⁶³.
    reciprocal: u64,
    /// ⌊2³¹ / d⌋ + 1, exact likewise while dividend times divisor stays below 2³¹.
    short: u32,
}

impl Quotients {
    /// For a divisor of 16 bits, not zero, and no more than it added.
    fn new(added: u32, divisor: u32) -> Quotients {
        let reciprocal = (1 << 63) / u64::from(divisor) + 1;
        Quotients { added, divisor, reciprocal, short: (1 << 31) / divisor + 1 }
    }

    #[inline(always)]
    fn of(&self, number: u32) -> u64 {
        let dividend = u64::from(number) + u64::from(self.added);
        ((u128::from(dividend) * u128::from(self.reciprocal)) >> 63) as u64
    }

    /// Puts what `change` makes of it and of its quotient in the place of each of these rising
    /// numbers. From the first one's quotient on where the last is near: the loop is then one over
    /// vectors.
    #[inline(always)]
    pub fn each(&self, numbers: &mut [u32], change: impl Fn(u32, u32) -> u32) {
        let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return };
        let whole = self.of(first);
        let dividend = u64::from(first) + u64::from(self.added);
        let rest = (dividend - whole * u64::from(self.divisor)) as u32;
        let span = u64::from(last.wrapping_sub(first)) + u64::from(rest);
        if span * u64::from(self.divisor) < 1 << 31 {
            for number in numbers {
                let past = number.wrapping_sub(first).wrapping_add(rest);
                let more = (u64::from(past) * u64::from(self.short)) >> 31;
                *number = change(*number, (whole as u32).wrapping_add(more as u32));
            }
        } else {
            numbers.iter_mut().for_each(|n| *n = change(*n, self.of(*n) as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn division_is_exact(
            first in any::<u32>(),
            steps in proptest::collection::vec(0u32..1 << 24, 0..40),
            shift in 0u32..24,
            divisor in 1u32..1 << 16,
            added in 0u32..1 << 16,
        ) {
            let added = added % (divisor + 1);
            let quotients = Quotients::new(added, divisor);
            let numbers: Vec<u32> = std::iter::once(0)
                .chain(steps)
                .scan(first, |next, step| {
                    let number = *next;
                    *next = next.saturating_add(step >> shift);
                    Some(number)
                })
                .collect();
            let quotient = |n: &u32| ((u64::from(*n) + u64::from(added)) / u64::from(divisor)) as u32;
            let expected: Vec<u32> = numbers.iter().map(quotient).collect();
            let sums: Vec<u32> =
                numbers.iter().zip(&expected).map(|(n, q)| n.wrapping_add(*q)).collect();
            for level in [Level::Portable, Level::best()] {
                let mut changed = numbers.clone();
                level.add_quotients(&quotients, &mut changed);
                prop_assert_eq!(&changed, &sums);
                level.take_quotients(&quotients, &mut changed);
            }
            let mut only = numbers.clone();
            quotients.each(&mut only, |_, quotient| quotient);
            prop_assert_eq!(only, expected);
        }

        #[test]
        fn multiples_are_told_from_others(value in any::<u32>(), number in 1u32..1 << 16) {
            let multiples = Multiples::of(number);
            let whole = value / number * number;
            for value in [value, whole, whole.wrapping_sub(1), whole.wrapping_add(1), 0, u32::MAX] {
                prop_assert_eq!(multiples.contain(value), value.is_multiple_of(number));
            }
        }

        #[test]
        fn free_slots_are_numbered_one_by_one(
            slots_per_block in 1u32..700,
            sync_spacing in 2u16..90,
            block in prop_oneof![0u64..50, any::<u64>()],
        ) {
            let parameters = Parameters { slots_per_block, sync_spacing, ..Parameters::example() };
            let free = FreeSlots::of(&parameters, block);
            let first = parameters.first_slot(block) % u64::from(sync_spacing);
            let (mut offsets, mut numbers) = (Vec::new(), Vec::new());
            for offset in 0..slots_per_block {
                let sync = (first + u64::from(offset)).is_multiple_of(u64::from(sync_spacing));
                prop_assert_eq!(free.is_sync(offset), sync);
                if !sync {
                    numbers.push(offsets.len() as u32);
                    offsets.push(offset);
                }
            }
            prop_assert_eq!(free.count(), numbers.len() as u64);
            let (mut to_numbers, mut to_offsets) = (offsets.clone(), numbers.clone());
            free.offsets_to_numbers(&mut to_numbers);
            free.numbers_to_offsets(&mut to_offsets);
            prop_assert_eq!((to_numbers, to_offsets), (numbers, offsets));
        }
    }

    #[test]
    fn the_longest_block_fits() {
        for sync_spacing in [2, 64, u16::MAX] {
            let slots_per_block = 4_000_000_000;
            let parameters = Parameters { slots_per_block, sync_spacing, ..Parameters::example() };
            let free = FreeSlots::of(&parameters, 1);
            let last = free.count() as u32 - 1;
            let mut slots = [0, 1, last];
            free.numbers_to_offsets(&mut slots);
            assert!(slots[2] < slots_per_block);
            free.offsets_to_numbers(&mut slots);
            assert_eq!(slots, [0, 1, last]);
        }
    }
}
