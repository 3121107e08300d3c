//! The settings of the slots that may still be asked for, packed, and which of them are lost.
//!
//! Settings come in order of slots and are kept only until their block is done. A slot nobody
//! reported is lost: it makes no key.

use std::collections::VecDeque;
use std::ops::Range;

use zeroize::zeroize_bytes;

use crate::error::InputError;
use crate::processor::{CHUNK, Processor, prefetch};
use crate::ranges::SlotRanges;

/// Most buffers that wait to be filled again.
const MOST_SPARE: usize = 2;

/// Room for so many bytes is asked for at once, where a block takes as many: growing in steps costs a
/// copy each, and room that is never written to costs nothing.
const MOST_AT_ONCE: usize = 64 << 20;

/// Bytes that come from memory together.
const LINE_BYTES: u64 = 64;

/// A batch this many blocks beyond the oldest remembered one makes that one forgotten: a slot
/// number gone wild must not take memory.
const MAX_BLOCKS: u64 = 64;

/// Packed settings of a window of slots; `BITS` bits a slot.
pub(crate) struct Settings<const BITS: u32> {
    slots_per_block: u64,
    /// Chunk `i` holds block `first_block + i`.
    blocks: VecDeque<Vec<u8>>,
    first_block: u64,
    /// Wiped buffers of blocks that are done, for those that come.
    spare: Vec<Vec<u8>>,
    lost: SlotRanges,
    next: u64,
}

impl<const BITS: u32> Settings<BITS> {
    const PER_BYTE: u64 = (8 / BITS) as u64;
    const MASK: u8 = (1 << BITS) - 1;

    pub fn new(slots_per_block: u32) -> Settings<BITS> {
        Settings {
            slots_per_block: u64::from(slots_per_block),
            blocks: VecDeque::new(),
            first_block: 0,
            spare: Vec::new(),
            lost: SlotRanges::default(),
            next: 0,
        }
    }

    /// First slot that was neither reported nor given up.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Blocks that take memory now.
    pub fn blocks_held(&self) -> usize {
        self.blocks.len()
    }

    /// First block that is still remembered.
    pub fn first_block(&self) -> u64 {
        self.first_block
    }

    /// Settings of `count` slots from `first` on, packed from the low bits of each byte up. Slots
    /// that were skipped are lost.
    pub fn push(&mut self, first: u64, count: u64, packed: &[u8]) -> Result<(), InputError> {
        if first < self.next {
            return Err(InputError::SettingsBackwards { first, next: self.next });
        }
        let bytes = packed.len();
        if count.div_ceil(Self::PER_BYTE) > bytes as u64 || first.checked_add(count).is_none() {
            return Err(InputError::SettingsLength { bytes, slots: count, bits: BITS });
        }
        let whole = self.slots_per_block.div_ceil(Self::PER_BYTE) as usize;
        self.lost.add(self.next..first);
        self.next = first + count;
        let mut slot = first;
        let mut taken = 0u64;
        while taken < count {
            let (block, offset) = (slot / self.slots_per_block, slot % self.slots_per_block);
            let here = (self.slots_per_block - offset).min(count - taken);
            if block >= self.first_block.saturating_add(MAX_BLOCKS) {
                self.forget_below(block + 1 - MAX_BLOCKS);
            }
            if block >= self.first_block {
                let target = self.block_mut((block - self.first_block) as usize);
                copy::<BITS>(target, offset, packed, taken, here, whole);
            }
            slot += here;
            taken += here;
        }
        Ok(())
    }

    /// The slots of `range` will never be reported.
    pub fn push_lost(&mut self, range: Range<u64>) -> Result<(), InputError> {
        if range.start < self.next {
            return Err(InputError::SettingsBackwards { first: range.start, next: self.next });
        }
        self.lost.add(self.next..range.end.max(self.next));
        self.next = self.next.max(range.end);
        Ok(())
    }

    /// Forgets every block below `block`, wiping it.
    pub fn forget_below(&mut self, block: u64) {
        while self.first_block < block {
            match self.blocks.pop_front() {
                Some(mut bytes) => {
                    zeroize_bytes(&mut bytes);
                    bytes.clear();
                    // What was never filled is no use.
                    if bytes.capacity() > 0 && self.spare.len() < MOST_SPARE {
                        self.spare.push(bytes);
                    }
                    self.first_block += 1;
                }
                None => self.first_block = block,
            }
        }
        self.lost.forget_below(self.first_block.saturating_mul(self.slots_per_block));
    }

    /// Reads settings of one block, in rising order of slots.
    pub fn block(&self, block: u64) -> BlockSettings<'_, BITS> {
        let index = block.checked_sub(self.first_block);
        let bytes = index.and_then(|i| self.blocks.get(usize::try_from(i).ok()?));
        BlockSettings {
            bytes: bytes.map_or(&[], Vec::as_slice),
            first: block.saturating_mul(self.slots_per_block),
            lost: self.lost.walker(),
        }
    }

    /// Slots of one block without a setting.
    pub fn lost_in(&self, block: u64) -> u64 {
        let first = block.saturating_mul(self.slots_per_block);
        self.lost.count_in(first..first.saturating_add(self.slots_per_block))
    }

    fn block_mut(&mut self, index: usize) -> &mut Vec<u8> {
        // Blocks of which every slot was lost in between stay empty.
        while self.blocks.len() < index {
            self.blocks.push_back(Vec::new());
        }
        if self.blocks.len() == index {
            self.blocks.push_back(self.spare.pop().unwrap_or_default());
        }
        &mut self.blocks[index]
    }
}

/// See [`Settings::block`].
pub(crate) struct BlockSettings<'a, const BITS: u32> {
    bytes: &'a [u8],
    first: u64,
    lost: crate::ranges::Walker<'a>,
}

impl<const BITS: u32> BlockSettings<'_, BITS> {
    const PER_BYTE: u32 = 8 / BITS;

    /// Which of up to 64 slots, at rising offsets in the block, have no setting. Asked for in rising
    /// order.
    pub fn lost_among(&mut self, offsets: &[u32]) -> u64 {
        let (Some(&from), Some(&to)) = (offsets.first(), offsets.last()) else { return 0 };
        let slot = |offset: u32| self.first + u64::from(offset);
        let span = slot(from)..slot(to) + 1;
        let held = self.bytes.len();
        let is_held = |offset: u32| ((offset / Self::PER_BYTE) as usize) < held;
        if is_held(to) && !self.lost.meets(span) {
            return 0;
        }
        let first = self.first;
        let mut lost = |offset| !is_held(offset) || self.lost.contains(first + u64::from(offset));
        offsets.iter().zip(0..).fold(0, |word, (&offset, i)| word | u64::from(lost(offset)) << i)
    }

    /// Fetches the settings of up to 64 slots, at rising offsets in the block, into the caches, while
    /// something else is done. Where clicks are dense the processor does so by itself.
    #[inline]
    pub fn prefetch(&self, offsets: &[u32]) {
        let (Some(&from), Some(&to)) = (offsets.first(), offsets.last()) else { return };
        let per_line = u64::from(Self::PER_BYTE) * LINE_BYTES;
        if u64::from(to.saturating_sub(from)) > offsets.len() as u64 * per_line {
            let byte = |&offset: &u32| prefetch(self.bytes, (offset / Self::PER_BYTE) as usize);
            offsets.iter().for_each(byte);
        }
    }

    /// The settings of up to 64 slots, at rising offsets; those of lost slots mean nothing.
    #[inline(always)]
    pub fn look_up(&self, processor: impl Processor, offsets: &[u32], codes: &mut [u8; CHUNK]) {
        processor.look_up::<BITS>(self.bytes, offsets, codes);
    }

    /// The setting of the slot at `offset` in the block; `None` if it was lost.
    #[cfg(test)]
    pub fn get(&mut self, offset: u32) -> Option<u8> {
        let byte = self.bytes.get((offset / Self::PER_BYTE) as usize).copied().unwrap_or(0);
        let code = byte >> (BITS * (offset % Self::PER_BYTE)) & Settings::<BITS>::MASK;
        if self.lost_among(&[offset]) == 0 { Some(code) } else { None }
    }
}

/// Copies `count` packed values from position `from` of `source` to position `to` of `target`, which will
/// have `whole` bytes if nothing is lost.
fn copy<const BITS: u32>(
    target: &mut Vec<u8>,
    to: u64,
    source: &[u8],
    from: u64,
    count: u64,
    whole: usize,
) {
    let per_byte = Settings::<BITS>::PER_BYTE;
    let needed = (to + count).div_ceil(per_byte) as usize;
    if target.len() < needed {
        // Room is grown by hand, so that no copy of secret settings is left behind in freed memory.
        if target.capacity() < needed {
            let room = needed.max(2 * target.capacity()).max(whole.min(MOST_AT_ONCE));
            let mut grown = Vec::with_capacity(room);
            grown.extend_from_slice(target);
            zeroize_bytes(target);
            *target = grown;
        }
    }
    if to.is_multiple_of(per_byte) && from.is_multiple_of(per_byte) {
        let (to, from) = ((to / per_byte) as usize, (from / per_byte) as usize);
        let bytes = count.div_ceil(per_byte) as usize;
        // Slots only rise: a whole byte is beyond all that was copied. Lost ones in between are zero.
        target.resize(to, 0);
        target.extend_from_slice(&source[from..from + bytes]);
        let used = (count % per_byte) as u32 * BITS;
        if used != 0 {
            target[to + bytes - 1] &= (1 << used) - 1;
        }
        return;
    }
    target.resize(needed, 0);
    for i in 0..count {
        let (a, b) = (from + i, to + i);
        let value = source[(a / per_byte) as usize] >> (BITS * (a % per_byte) as u32);
        let shift = BITS * (b % per_byte) as u32;
        target[(b / per_byte) as usize] |= (value & Settings::<BITS>::MASK) << shift;
    }
}

impl<const BITS: u32> Drop for Settings<BITS> {
    fn drop(&mut self) {
        self.blocks.iter_mut().for_each(|bytes| zeroize_bytes(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(values: &[u8]) -> Vec<u8> {
        values.chunks(2).map(|c| c[0] | c.get(1).unwrap_or(&0) << 4).collect()
    }

    proptest! {
        /// Batches of any size, with holes, over blocks of an odd length.
        #[test]
        fn settings_come_back_or_are_lost(
            batches in proptest::collection::vec((0u64..4, 1usize..40, any::<bool>()), 1..12),
        ) {
            let mut settings = Settings::<4>::new(33);
            let mut model: Vec<Option<u8>> = Vec::new();
            for (hole, count, by_range) in batches {
                let from = model.len() as u64;
                model.extend((0..hole).map(|_| None));
                if by_range {
                    settings.push_lost(from..from + hole).unwrap();
                }
                let first = model.len();
                let values: Vec<u8> = (first..first + count).map(|s| (s * 5 % 13) as u8).collect();
                // Stray bits past the last slot must not show.
                let mut packed = pack(&values);
                if count % 2 == 1 {
                    *packed.last_mut().unwrap() |= 0xF0;
                }
                settings.push(first as u64, count as u64, &packed).unwrap();
                model.extend(values.into_iter().map(Some));
            }
            prop_assert_eq!(settings.next(), model.len() as u64);
            for (block, chunk) in model.chunks(33).enumerate() {
                let mut view = settings.block(block as u64);
                for (offset, value) in chunk.iter().enumerate() {
                    prop_assert_eq!(view.get(offset as u32), *value);
                }
                let lost = chunk.iter().filter(|v| v.is_none()).count() as u64;
                prop_assert_eq!(settings.lost_in(block as u64), lost);
            }
        }
    }

    #[test]
    fn forgotten_blocks_take_no_memory_and_give_nothing() {
        let mut settings = Settings::<2>::new(8);
        settings.push(0, 40, &[0xFF; 10]).unwrap();
        settings.forget_below(3);
        assert_eq!((settings.blocks_held(), settings.first_block()), (2, 3));
        assert_eq!(settings.block(2).get(0), None);
        assert_eq!(settings.block(3).get(0), Some(3));
        settings.forget_below(9);
        settings.push(40, 40, &[0xFF; 10]).unwrap();
        assert_eq!(settings.blocks_held(), 1);
        assert_eq!(settings.block(8).get(0), None);
        assert_eq!(settings.block(9).get(7), Some(3));
    }

    #[test]
    fn a_wild_slot_number_takes_no_memory() {
        let mut settings = Settings::<4>::new(8);
        settings.push(0, 8, &[0x11; 4]).unwrap();
        settings.push(u64::MAX - 9, 9, &[0x22; 5]).unwrap();
        assert!(settings.blocks_held() <= MAX_BLOCKS as usize);
        assert_eq!(settings.block(0).get(0), None);
        assert_eq!(settings.block((u64::MAX - 2) / 8).get(0), Some(2));
    }

    #[test]
    fn settings_out_of_order_or_too_short_are_refused() {
        let mut settings = Settings::<4>::new(8);
        settings.push(0, 4, &[0; 2]).unwrap();
        assert!(settings.push(3, 1, &[0]).is_err());
        assert!(settings.push(4, 3, &[0]).is_err());
        assert!(settings.push(4, u64::MAX, &[0]).is_err());
        assert!(settings.push_lost(2..9).is_err());
        assert_eq!(settings.next(), 4);
    }
}
