//! From slot words to words of the player.

use crate::pins::{GATE, INTENSITY, LASER, MARKER, MODULATOR, OUTPUT_BASE, TRIG_OUT};
use helio_bench::{GateLimits, SlotWord};

/// Ticks of a slot that are neither lead nor width nor tail: instructions of the player.
pub const FIXED_TICKS: u32 = 6;

/// Earliest pulse, in ticks from the begin of its slot.
const FIRST_OFFSET: u32 = 3;

/// Narrowest pulse, in ticks.
const NARROWEST: u32 = 3;

/// Windows of a gate that can be made: the tail, and two ticks of dither, follow the window.
pub const GATE_LIMITS: GateLimits =
    GateLimits { start: FIRST_OFFSET, width: NARROWEST, rest: FIXED_TICKS + 1 + 2 };

/// Most ticks of a tail: 20 bits. Zero is the mark of an empty FIFO.
const LONGEST_TAIL: u32 = (1 << 20) - 1;

const TAIL_SHIFT: u32 = 12;
const SETTING_BITS: u32 = 4;

/// The eight output pins while the pulse is high; bit 0 is [`OUTPUT_BASE`].
pub const fn pin_levels(word: SlotWord) -> u8 {
    const fn at(pin: u8) -> u8 {
        pin - OUTPUT_BASE
    }
    let (laser, gate) = (word.trigger() as u8, word.gate() as u8);
    word.modulator() << at(MODULATOR)
        | word.intensity().0 << at(INTENSITY)
        | laser << at(LASER)
        | (laser | gate) << at(TRIG_OUT)
        | gate << at(GATE)
        | (word.marker() as u8) << at(MARKER)
}

/// What the player cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotShapeError {
    /// The pulse begins sooner than the player gets to it.
    OffsetTooShort,
    /// The pulse is narrower than the player makes one.
    WidthTooShort,
    /// Slot, offset and width leave no tail.
    SlotTooShort,
    /// The tail has more than 20 bits.
    SlotTooLong,
}

/// Where in each slot of a run the pulse stands: trigger, gate and marker rise together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotShape {
    offset: u32,
    width: u32,
}

impl SlotShape {
    /// A pulse `width` ticks wide, `offset` ticks after the begin of its slot, in slots of
    /// `slot` ticks, of which the dither takes or adds up to two.
    ///
    /// # Errors
    /// At least 3 ticks of offset and of width, 7 ticks and the dither after the pulse, and no more
    /// than 2²⁰ ticks (7 ms) after it.
    pub const fn new(offset: u32, width: u32, slot: u32) -> Result<SlotShape, SlotShapeError> {
        if offset < FIRST_OFFSET {
            return Err(SlotShapeError::OffsetTooShort);
        }
        if width < NARROWEST {
            return Err(SlotShapeError::WidthTooShort);
        }
        let Some(pulse) = offset.checked_add(width) else {
            return Err(SlotShapeError::SlotTooShort);
        };
        let shape = SlotShape { offset, width };
        if pulse > slot || slot - pulse < FIXED_TICKS + 1 + 2 {
            return Err(SlotShapeError::SlotTooShort);
        }
        if slot + 2 - pulse > LONGEST_TAIL {
            return Err(SlotShapeError::SlotTooLong);
        }
        Ok(shape)
    }

    /// What ISR holds during a run.
    pub const fn lead(self) -> u32 {
        self.offset - FIRST_OFFSET
    }

    /// What Y holds during a run.
    pub const fn width(self) -> u32 {
        self.width - NARROWEST
    }

    /// Shortest slot that a word of this shape can have, in ticks.
    pub const fn shortest(self) -> u32 {
        self.offset + self.width + FIXED_TICKS + 1
    }

    /// Longest slot that a word of this shape can have, in ticks.
    pub const fn longest(self) -> u32 {
        self.offset + self.width + FIXED_TICKS + LONGEST_TAIL
    }

    /// The player's word for a slot of `ticks`; a length that cannot be made is made as near as
    /// possible, for a word without a tail is the mark of starvation.
    pub const fn encode(self, word: SlotWord, ticks: u32) -> u32 {
        let shortest = self.shortest();
        let tail = if ticks < shortest { 1 } else { ticks - shortest + 1 };
        let tail = if tail > LONGEST_TAIL { LONGEST_TAIL } else { tail };
        let levels = pin_levels(word) as u32;
        levels & ((1 << SETTING_BITS) - 1) | levels << SETTING_BITS | tail << TAIL_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::{Basis, Intensity, Polarization, ReceiverSetting};

    #[test]
    fn slot_words_reach_their_pins() {
        assert_eq!(pin_levels(SlotWord::DARK), 0);
        assert_eq!(pin_levels(SlotWord::pulse(Intensity(2), Polarization::A)), 0b0011_1011);
        assert_eq!(pin_levels(SlotWord::sync(true)), 0b1000_0000);
        let setting = ReceiverSetting { basis: Basis::Test, swap: false };
        assert_eq!(pin_levels(SlotWord::receive(setting)), 0b0110_0001);
        for code in 0..=u16::MAX {
            let word = SlotWord(code);
            let levels = pin_levels(word);
            assert_eq!(levels >> (LASER - OUTPUT_BASE) & 1 == 1, word.trigger());
            assert_eq!(levels & 3, word.modulator());
            assert_eq!(levels >> 2 & 3, word.intensity().0);
        }
    }

    #[test]
    fn no_word_is_the_mark_of_starvation() {
        let shape = SlotShape::new(75, 4, 150).unwrap();
        for ticks in [0, 1, 85, 86, 87, 150, 1 << 20, u32::MAX] {
            assert_ne!(shape.encode(SlotWord::DARK, ticks) >> TAIL_SHIFT, 0);
        }
    }

    #[test]
    fn the_gates_limits_are_those_of_the_shape() {
        let GateLimits { start, width, rest } = GATE_LIMITS;
        for slot in [15, 30, 150] {
            for (offset, pulse) in (0..=slot).flat_map(|o| (1..=slot).map(move |p| (o, p))) {
                let within = offset >= start && pulse >= width && offset + pulse + rest <= slot;
                assert_eq!(SlotShape::new(offset, pulse, slot).is_ok(), within, "{offset} {pulse}");
            }
        }
    }

    #[test]
    fn shapes_that_cannot_be_made_are_refused() {
        assert_eq!(SlotShape::new(2, 4, 150), Err(SlotShapeError::OffsetTooShort));
        assert_eq!(SlotShape::new(75, 2, 150), Err(SlotShapeError::WidthTooShort));
        assert_eq!(SlotShape::new(75, 4, 87), Err(SlotShapeError::SlotTooShort));
        assert_eq!(SlotShape::new(u32::MAX, 4, 87), Err(SlotShapeError::SlotTooShort));
        assert_eq!(SlotShape::new(3, 3, 1 << 21), Err(SlotShapeError::SlotTooLong));
        assert_eq!(SlotShape::new(75, 4, 88).map(SlotShape::shortest), Ok(86));
        // Five million slots a second.
        assert!(SlotShape::new(15, 4, 30).is_ok());
    }
}
