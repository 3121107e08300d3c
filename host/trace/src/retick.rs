//! Times in another tick.

use helio_units::{TickLength, Ticks};

use crate::{Chunk, WriteError};

/// The longest tick of which all of these are whole multiples; `None` where it is no tick that
/// numbers of 64 and 32 bits can state, or where there are none.
pub fn common_tick(ticks: impl IntoIterator<Item = TickLength>) -> Option<TickLength> {
    // gcd(a/b, c/d) = gcd(a·d, c·b) / (b·d).
    ticks.into_iter().map(Some).reduce(|one, other| {
        let (one, other) = (one?, other?);
        let [b, d] = [one, other].map(|tick| u128::from(tick.denominator()));
        let numerator =
            gcd(u128::from(one.numerator_ps()) * d, u128::from(other.numerator_ps()) * b);
        let reduced = gcd(numerator, b * d);
        let numerator = u64::try_from(numerator / reduced).ok()?;
        TickLength::new(numerator, u32::try_from(b * d / reduced).ok()?).ok()
    })?
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Turns times in one tick into times in another, rounded down where they fall between.
#[derive(Clone, Copy, Debug)]
pub struct Retick {
    multiplier: u128,
    divisor: u128,
}

impl Retick {
    /// From one tick to another.
    pub fn new(from: TickLength, to: TickLength) -> Retick {
        let multiplier = u128::from(from.numerator_ps()) * u128::from(to.denominator());
        let divisor = u128::from(from.denominator()) * u128::from(to.numerator_ps());
        let common = gcd(multiplier, divisor);
        Retick { multiplier: multiplier / common, divisor: divisor / common }
    }

    /// Whether no time is rounded.
    pub fn is_exact(self) -> bool {
        self.divisor == 1
    }

    /// A time in the new tick; `None` beyond 2⁶⁴ of them.
    #[inline]
    pub fn ticks(self, time: Ticks) -> Option<Ticks> {
        let scaled = u128::from(time.0).checked_mul(self.multiplier)? / self.divisor;
        u64::try_from(scaled).ok().map(Ticks)
    }

    /// All times of a chunk.
    ///
    /// # Errors
    /// [`WriteError::TimeBeyond`].
    pub fn chunk(self, chunk: &mut Chunk) -> Result<(), WriteError> {
        if self.multiplier == self.divisor {
            return Ok(());
        }
        let scale = |time: &mut Ticks| {
            *time = self.ticks(*time).ok_or(WriteError::TimeBeyond { tick: time.0 })?;
            Ok(())
        };
        chunk.ticks_mut().try_for_each(scale)?;
        scale(&mut chunk.reached)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tick(n: u64, d: u32) -> TickLength {
        TickLength::new(n, d).unwrap()
    }

    #[test]
    fn ticks_of_real_instruments_have_these_in_common() {
        assert_eq!(common_tick([tick(4, 1), tick(25, 1)]), Some(tick(1, 1)));
        assert_eq!(common_tick([tick(81, 1), tick(125, 32)]), Some(tick(1, 32)));
        assert_eq!(common_tick([tick(20_000, 3), tick(1, 2)]), Some(tick(1, 6)));
        assert_eq!(common_tick([]), None);
        let coprime = [tick(1, u32::MAX), tick(1, u32::MAX - 1)];
        assert_eq!(common_tick(coprime), None);
    }

    proptest! {
        #[test]
        fn a_common_tick_holds_all_times_exactly(
            ticks in prop::collection::vec((1u64..1_000_000, 1u32..100), 1..4),
            time in 0u64..1 << 20,
        ) {
            let ticks: Vec<_> = ticks.into_iter().map(|(n, d)| tick(n, d)).collect();
            let common = common_tick(ticks.iter().copied()).unwrap();
            for tick in ticks {
                let there = Retick::new(tick, common);
                prop_assert!(there.is_exact());
                let found = there.ticks(Ticks(time)).unwrap();
                prop_assert_eq!(Retick::new(common, tick).ticks(found), Some(Ticks(time)));
            }
        }

        #[test]
        fn a_time_between_two_ticks_is_rounded_down(
            n in 1u64..1_000_000, d in 1u32..1000, time in 0u64..1 << 40,
        ) {
            let ps = Retick::new(tick(n, d), tick(1, 1)).ticks(Ticks(time));
            let exact = u128::from(time) * u128::from(n) / u128::from(d);
            prop_assert_eq!(ps.map(|ps| u128::from(ps.0)), Some(exact));
        }
    }
}
