//! Integer time: ticks, their exact length, picoseconds, slots.

use core::num::NonZeroU32;
use core::ops::{Add, Sub};

/// A count of a device's clock ticks, or a point in time as ticks since the device started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub u64);

/// A point or span of device time in 2⁻³² ticks: what a slot clock needs to place slots whose
/// length is no whole number of ticks. Spans 68 years of 1 ns ticks without overflow in its
/// integer part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FineTicks(pub i128);

impl FineTicks {
    /// Fractional bits.
    pub const FRACTION_BITS: u32 = 32;

    /// A whole number of ticks.
    pub const fn from_ticks(ticks: Ticks) -> FineTicks {
        FineTicks((ticks.0 as i128) << Self::FRACTION_BITS)
    }

    /// From the integer part and the fraction in 2⁻³² ticks.
    pub const fn from_parts(ticks: u64, fraction: u32) -> FineTicks {
        FineTicks(((ticks as i128) << Self::FRACTION_BITS) | fraction as i128)
    }

    /// The tick this point lies in, rounded down; points before zero give zero.
    pub const fn floor(self) -> Ticks {
        if self.0 < 0 { Ticks(0) } else { Ticks((self.0 >> Self::FRACTION_BITS) as u64) }
    }

    /// The fraction beyond [`FineTicks::floor`], in 2⁻³² ticks.
    pub const fn fraction(self) -> u32 {
        self.0 as u32
    }
}

impl Add for FineTicks {
    type Output = FineTicks;
    fn add(self, other: FineTicks) -> FineTicks {
        FineTicks(self.0 + other.0)
    }
}

impl Sub for FineTicks {
    type Output = FineTicks;
    fn sub(self, other: FineTicks) -> FineTicks {
        FineTicks(self.0 - other.0)
    }
}

/// A point in time or a span in picoseconds; `i64` reaches ±106 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Picoseconds(pub i64);

/// A slot of the pulse train, counted from the start of the run's epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotIndex(pub u64);

/// A rate in whole hertz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hertz(pub u32);

/// Why a [`TickLength`] was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTickLength;

impl core::fmt::Display for InvalidTickLength {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a tick's length is a positive rational number of picoseconds below 1 s")
    }
}

impl core::error::Error for InvalidTickLength {}

/// The exact length of a tick as a rational number of picoseconds: 1/2 ps, 125/32 ps
/// (3.90625 ps) and 20000/3 ps (one cycle of 150 MHz) all occur in real devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TickLength {
    numerator_ps: u64,
    denominator: NonZeroU32,
}

impl TickLength {
    /// One cycle of 150 MHz, the sampling clock of the reference board: 20000/3 ps.
    pub const CYCLE_150_MHZ: TickLength =
        TickLength { numerator_ps: 20_000, denominator: NonZeroU32::new(3).unwrap() };

    /// `numerator_ps / denominator` picoseconds, kept in lowest terms.
    ///
    /// # Errors
    /// A length of zero, of one second or more, or with a zero denominator.
    pub fn new(numerator_ps: u64, denominator: u32) -> Result<TickLength, InvalidTickLength> {
        let d = NonZeroU32::new(denominator).ok_or(InvalidTickLength)?;
        let longest = 1_000_000_000_000u128 * u128::from(denominator);
        if numerator_ps == 0 || u128::from(numerator_ps) >= longest {
            return Err(InvalidTickLength);
        }
        let common = gcd(numerator_ps, u64::from(denominator));
        let reduced = NonZeroU32::new((u64::from(d.get()) / common) as u32);
        Ok(TickLength {
            numerator_ps: numerator_ps / common,
            denominator: reduced.ok_or(InvalidTickLength)?,
        })
    }

    /// Numerator, in picoseconds.
    pub const fn numerator_ps(self) -> u64 {
        self.numerator_ps
    }

    /// Denominator, without unit.
    pub const fn denominator(self) -> u32 {
        self.denominator.get()
    }

    /// The length as a real number of picoseconds, for statistics and display only.
    pub fn as_ps_f64(self) -> f64 {
        self.numerator_ps as f64 / f64::from(self.denominator.get())
    }

    /// Picoseconds of `ticks`, rounded down; `None` beyond the range of [`Picoseconds`].
    pub fn to_ps(self, ticks: Ticks) -> Option<Picoseconds> {
        self.fine_to_ps(FineTicks::from_ticks(ticks))
    }

    /// Picoseconds of a fine time, rounded down; `None` beyond the range of [`Picoseconds`].
    ///
    /// The product is taken in 128 bits: in 64 bits, ticks of 20000/3 ps overflow after 35 days.
    // As all that divides 128 bits here: half a kilobyte for each copy on a small processor.
    #[inline(never)]
    pub fn fine_to_ps(self, time: FineTicks) -> Option<Picoseconds> {
        let scaled = time.0.checked_mul(i128::from(self.numerator_ps))?;
        let divisor = i128::from(self.denominator.get()) << FineTicks::FRACTION_BITS;
        i64::try_from(scaled.div_euclid(divisor)).ok().map(Picoseconds)
    }

    /// Ticks in `span`, rounded up: a span in ticks is never shorter than asked for. Negative
    /// spans give zero.
    #[inline(never)]
    pub fn ticks_covering(self, span: Picoseconds) -> Ticks {
        if span.0 <= 0 {
            return Ticks(0);
        }
        let scaled = span.0 as u128 * u128::from(self.denominator.get());
        Ticks(scaled.div_ceil(u128::from(self.numerator_ps)) as u64)
    }

    /// Ticks in a shift in time of either sign, to the nearest one; half a tick is rounded up.
    #[inline(never)]
    pub fn nearest_ticks(self, shift: Picoseconds) -> i128 {
        let (length, parts) = (i128::from(self.numerator_ps), i128::from(self.denominator.get()));
        (2 * i128::from(shift.0) * parts + length).div_euclid(2 * length)
    }
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_the_reference_board_convert_exactly() {
        let t = TickLength::CYCLE_150_MHZ;
        assert_eq!(t.to_ps(Ticks(3)), Some(Picoseconds(20_000)));
        assert_eq!(t.to_ps(Ticks(1)), Some(Picoseconds(6_666)));
        assert_eq!(t.ticks_covering(Picoseconds(6_666)), Ticks(1));
        assert_eq!(t.ticks_covering(Picoseconds(6_667)), Ticks(2));
        assert_eq!(t.ticks_covering(Picoseconds(-1)), Ticks(0));
    }

    #[test]
    fn a_shift_is_rounded_to_the_nearest_tick() {
        let four = TickLength::new(4, 1).unwrap();
        for (ps, ticks) in [(38, 10), (37, 9), (-37, -9), (-39, -10), (0, 0), (2, 1), (-2, 0)] {
            assert_eq!(four.nearest_ticks(Picoseconds(ps)), ticks, "{ps}");
        }
        let longest = TickLength::CYCLE_150_MHZ.nearest_ticks(Picoseconds(i64::MIN));
        assert_eq!(longest, -1_383_505_805_528_216);
    }

    #[test]
    fn conversion_does_not_overflow_after_35_days() {
        let t = TickLength::CYCLE_150_MHZ;
        let days_40 = 150_000_000u64 * 86_400 * 40;
        assert_eq!(t.to_ps(Ticks(days_40)), Some(Picoseconds(40 * 86_400 * 1_000_000_000_000)));
        assert_eq!(t.to_ps(Ticks(u64::MAX)), None);
    }

    #[test]
    fn lengths_are_kept_in_lowest_terms() {
        assert_eq!(TickLength::new(40_000, 6), Ok(TickLength::CYCLE_150_MHZ));
        let half = TickLength::new(1, 2).unwrap();
        assert_eq!((half.numerator_ps(), half.denominator()), (1, 2));
        for (n, d) in [(0, 1), (1, 0), (1_000_000_000_000, 1)] {
            assert_eq!(TickLength::new(n, d), Err(InvalidTickLength));
        }
    }

    #[test]
    fn fine_ticks_split_into_tick_and_fraction() {
        let t = FineTicks::from_parts(7, 1 << 31);
        assert_eq!((t.floor(), t.fraction()), (Ticks(7), 1 << 31));
        assert_eq!(FineTicks(-1).floor(), Ticks(0));
    }
}
