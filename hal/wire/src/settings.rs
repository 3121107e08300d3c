//! Batches of settings: the checks, and the settings one by one.

use helio_units::SlotIndex;

use crate::{DecodeError, SettingsBatch};

/// What is wrong with a batch of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// A slot has neither 2 nor 4 bits.
    BitsPerSlot,
    /// The packed bytes are too few or too many for the count.
    PackedLength,
    /// The bits after the last slot are not zero.
    Padding,
    /// The last slot's index has more than 64 bits.
    SlotOverflow,
}

impl SettingsError {
    pub(crate) fn at(self) -> DecodeError {
        match self {
            SettingsError::SlotOverflow => DecodeError::OutOfRange { offset: 0 },
            SettingsError::BitsPerSlot => DecodeError::OutOfRange { offset: 8 },
            SettingsError::PackedLength => DecodeError::OutOfRange { offset: 10 },
            SettingsError::Padding => DecodeError::OutOfRange { offset: 12 },
        }
    }
}

impl core::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            SettingsError::BitsPerSlot => "a slot has 2 or 4 bits",
            SettingsError::PackedLength => "the packed bytes do not match the count",
            SettingsError::Padding => "the bits after the last slot are not zero",
            SettingsError::SlotOverflow => "the slots end beyond 64 bits",
        })
    }
}

impl core::error::Error for SettingsError {}

impl<'a> SettingsBatch<'a> {
    /// Bytes that `count` slots take.
    pub const fn packed_length(bits_per_slot: u8, count: u16) -> usize {
        (count as usize * bits_per_slot as usize).div_ceil(8)
    }

    /// Whether the parts of the batch agree. Every decoded batch passes; encoding refuses one
    /// that does not.
    ///
    /// # Errors
    /// The first [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.bits_per_slot != 2 && self.bits_per_slot != 4 {
            return Err(SettingsError::BitsPerSlot);
        }
        if self.packed.len() != Self::packed_length(self.bits_per_slot, self.count) {
            return Err(SettingsError::PackedLength);
        }
        let used = usize::from(self.count) * usize::from(self.bits_per_slot) % 8;
        if used != 0 && self.packed.last().is_some_and(|last| last >> used != 0) {
            return Err(SettingsError::Padding);
        }
        if self.first.0.checked_add(self.count.into()).is_none() {
            return Err(SettingsError::SlotOverflow);
        }
        Ok(())
    }

    /// The setting of slot `first + offset`; `None` outside the batch.
    pub fn get(&self, offset: u16) -> Option<u8> {
        let bit = usize::from(offset) * usize::from(self.bits_per_slot);
        let byte = *self.packed.get(bit / 8).filter(|_| offset < self.count)?;
        Some(byte >> (bit % 8) & ((1u16 << self.bits_per_slot) - 1) as u8)
    }

    /// Slots and their settings, in order.
    pub fn iter(&self) -> impl Iterator<Item = (SlotIndex, u8)> + use<'a> {
        let batch = *self;
        (0..batch.count).map_while(move |offset| {
            Some((SlotIndex(batch.first.0.wrapping_add(offset.into())), batch.get(offset)?))
        })
    }
}
