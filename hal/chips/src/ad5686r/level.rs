//! Levels in millivolts and the codes that make them.

/// A voltage at an output against ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millivolts(pub u32);

/// The GAIN pin: tied low or high on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gain {
    /// Full scale is the reference.
    One = 1,
    /// Full scale is twice the reference.
    Two = 2,
}

/// What an output reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelRange {
    full_scale_mv: u32,
    highest: Millivolts,
}

/// A level that the output does not reach. It names the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelError {
    /// What was asked for.
    pub level: Millivolts,
    /// The highest that can be had; the lowest is zero.
    pub highest: Millivolts,
}

impl core::fmt::Display for LevelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} mV is outside 0 mV to {} mV", self.level.0, self.highest.0)
    }
}

impl core::error::Error for LevelError {}

impl LevelRange {
    /// The reference inside: 2.5 V.
    pub const INTERNAL_REFERENCE: Millivolts = Millivolts(2_500);

    /// From the reference's voltage, the gain and the supply, which no output exceeds. `None` where
    /// reference or supply are zero or above 5.5 V, the most that the part bears.
    pub const fn new(reference: Millivolts, gain: Gain, supply: Millivolts) -> Option<LevelRange> {
        if reference.0 == 0 || supply.0 == 0 || reference.0 > 5_500 || supply.0 > 5_500 {
            return None;
        }
        let full_scale_mv = reference.0 * gain as u32;
        let highest = if full_scale_mv < supply.0 { full_scale_mv } else { supply.0 };
        Some(LevelRange { full_scale_mv, highest: Millivolts(highest) })
    }

    /// The highest level.
    pub const fn highest(self) -> Millivolts {
        self.highest
    }

    /// A range that ends lower, where what hangs at the output bears no more: a laser's bias, a
    /// comparator's input.
    #[must_use]
    pub const fn capped(self, highest: Millivolts) -> LevelRange {
        let lower = if highest.0 < self.highest.0 { highest } else { self.highest };
        LevelRange { highest: lower, ..self }
    }

    /// The nearest code: `VOUT = VREF · gain · D / 2¹⁶` (Rev. B, "Transfer Function"). Full scale
    /// itself is one code more than there are; the last code is less than 0.1 mV below it.
    ///
    /// # Errors
    /// [`LevelError`].
    pub const fn code(self, level: Millivolts) -> Result<u16, LevelError> {
        if level.0 > self.highest.0 {
            return Err(LevelError { level, highest: self.highest });
        }
        let code = ((level.0 as u64) << 17) / self.full_scale_mv as u64;
        let nearest = code.div_ceil(2);
        Ok(if nearest > u16::MAX as u64 { u16::MAX } else { nearest as u16 })
    }

    /// The level that a code makes, to the nearest millivolt.
    pub const fn level(self, code: u16) -> Millivolts {
        let scaled = code as u64 * self.full_scale_mv as u64;
        Millivolts(((scaled + (1 << 15)) >> 16) as u32)
    }
}
