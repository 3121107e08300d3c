//! The slots of a block that can hold a detection, numbered without the sync slots between them:
//! a sync slot has no number, so no announcement can name one.

use crate::parameters::Parameters;

/// Numbers of the free slots of one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreeSlots {
    slots: u32,
    /// Offset of the block's first sync slot; may lie past its end.
    first_sync: u32,
    spacing: u32,
    multiples: Multiples,
    by_spacing: Divider,
    by_free: Divider,
}

impl FreeSlots {
    pub fn of(parameters: &Parameters, block: u64) -> FreeSlots {
        let spacing = u32::from(parameters.sync_spacing);
        let phase = (parameters.first_slot(block) % u64::from(spacing)) as u32;
        FreeSlots {
            slots: parameters.slots_per_block,
            first_sync: (spacing - phase) % spacing,
            spacing,
            multiples: Multiples::of(spacing),
            by_spacing: Divider::new(spacing),
            by_free: Divider::new(spacing - 1),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let last = u64::from(self.slots.saturating_sub(1));
        u64::from(self.slots) - self.syncs_to(last)
    }

    /// Sync slots up to and with this offset.
    #[inline]
    fn syncs_to(&self, offset: u64) -> u64 {
        self.by_spacing.divide(offset + u64::from(self.spacing - self.first_sync))
    }

    /// Whether the slot at `offset` in the block is a sync slot. Only operations on 32 bits, so that a
    /// loop over it becomes one over vectors.
    #[inline]
    pub fn is_sync(&self, offset: u32) -> bool {
        let past = offset.wrapping_sub(self.first_sync);
        offset >= self.first_sync && self.multiples.contain(past)
    }

    /// Number of the free slot at `offset` in the block.
    #[inline]
    pub fn number(&self, offset: u32) -> u32 {
        offset - self.syncs_to(u64::from(offset)) as u32
    }

    /// Offset in the block of the free slot with this number; without meaning for a larger one.
    #[inline]
    pub fn offset(&self, number: u32) -> u32 {
        let past = u64::from(number) + u64::from(self.spacing - 1) - u64::from(self.first_sync);
        number.wrapping_add(self.by_free.divide(past) as u32)
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

/// Division by a number that stays the same, as one multiplication (T. Granlund and P. Montgomery,
/// Division by invariant integers using multiplication, PLDI 1994).
#[derive(Clone, Copy, Debug)]
struct Divider {
    /// ⌊2⁶³ / d⌋ + 1: too large by at most d parts in 2⁶³, so that quotients are exact while
    /// dividend times divisor stays below 2⁶³.
    reciprocal: u64,
}

impl Divider {
    /// For a divisor of 16 bits, not zero.
    fn new(divisor: u32) -> Divider {
        Divider { reciprocal: (1 << 63) / u64::from(divisor) + 1 }
    }

    /// For a dividend of at most 34 bits.
    #[inline]
    fn divide(&self, dividend: u64) -> u64 {
        ((u128::from(dividend) * u128::from(self.reciprocal)) >> 63) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn division_is_exact(dividend in 0u64..1 << 34, divisor in 1u32..1 << 16) {
            let divider = Divider::new(divisor);
            let whole = dividend / u64::from(divisor) * u64::from(divisor);
            for dividend in [dividend, whole, whole.saturating_sub(1)] {
                prop_assert_eq!(divider.divide(dividend), dividend / u64::from(divisor));
            }
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
            let mut number = 0;
            for offset in 0..slots_per_block {
                let sync = (first + u64::from(offset)).is_multiple_of(u64::from(sync_spacing));
                prop_assert_eq!(free.is_sync(offset), sync);
                if !sync {
                    prop_assert_eq!(free.number(offset), number);
                    prop_assert_eq!(free.offset(number), offset);
                    number += 1;
                }
            }
            prop_assert_eq!(free.count(), u64::from(number));
        }
    }

    #[test]
    fn the_longest_block_fits() {
        for sync_spacing in [2, 64, u16::MAX] {
            let slots_per_block = 4_000_000_000;
            let parameters = Parameters { slots_per_block, sync_spacing, ..Parameters::example() };
            let free = FreeSlots::of(&parameters, 1);
            let last = free.count() as u32 - 1;
            assert_eq!(free.number(free.offset(last)), last);
            assert!(free.offset(last) < slots_per_block);
        }
    }
}
