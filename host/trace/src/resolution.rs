//! From a resolution in floating seconds, as files store it, to an exact tick, and back.
//!
//! A device's tick is a simple fraction of picoseconds: 1, 4, 1/2, 125/32, 20000/3. A file stores
//! it in seconds as an `f64`, where none of these is exact. The exact value is taken to be the
//! simplest fraction that the stored number can be a rounding of: the first convergent of its
//! continued fraction within a relative 2⁻⁵⁰ (four units in the last place: one rounding when it
//! was written, one when it is turned into picoseconds, one bit to spare). A number that is no
//! simple fraction comes out as a long one, still within 2⁻⁵⁰ of it: 1 ps in 13 minutes. Where that
//! fraction's denominator would need more than 32 bits (a number just beside a simple fraction, but
//! too far from it to be its rounding), the last convergent that fits is taken: it is closer than
//! 2⁻³¹, because a convergent with denominator q whose successor has q' is within 1/(q·q') (Hardy and
//! Wright, theorem 171), here q' > 2³² and q times the number is at least 1/2.

use helio_units::TickLength;

const TOLERANCE: f64 = 1.0 / (1u64 << 50) as f64;
const PS_PER_SECOND: f64 = 1e12;

/// The exact tick that `seconds` stands for; `None` where it is not a number, not positive, below a
/// femtosecond, or a second and more.
pub fn tick_length_of(seconds: f64) -> Option<TickLength> {
    let ps = seconds * PS_PER_SECOND;
    if !(1e-3..PS_PER_SECOND).contains(&ps) {
        return None;
    }
    let (mut last, mut now) = ((1u64, 0u32), (ps as u64, 1u32));
    let mut rest = ps.fract();
    while (now.0 as f64 / f64::from(now.1) - ps).abs() > ps * TOLERANCE {
        let inverse = 1.0 / rest;
        let Some(next) = convergent(inverse as u64, now, last) else { break };
        (last, now) = (now, next);
        rest = inverse.fract();
    }
    TickLength::new(now.0, now.1).ok()
}

/// The convergent that follows `now` when the next term of the continued fraction is `term`; `None`
/// where a tick's length cannot hold it.
fn convergent(term: u64, now: (u64, u32), last: (u64, u32)) -> Option<(u64, u32)> {
    let numerator = term.checked_mul(now.0)?.checked_add(last.0)?;
    let denominator = term.checked_mul(now.1.into())?.checked_add(last.1.into())?;
    Some((numerator, u32::try_from(denominator).ok()?))
}

/// A tick's length in seconds, correctly rounded but for one unit in the last place, as files store
/// it; [`tick_length_of`] leads back to the same tick for every fraction in which the product of
/// numerator and denominator is below 2⁴⁸.
pub fn seconds_of(tick: TickLength) -> f64 {
    tick.numerator_ps() as f64 / (f64::from(tick.denominator()) * PS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_of_real_devices_come_back_exactly() {
        let cases = [
            (1e-12, (1, 1)),
            (4e-12, (4, 1)),
            (0.5e-12, (1, 2)),
            (2.5e-11, (25, 1)),
            (250e-12, (250, 1)),
            (3.90625e-12, (125, 32)),
            (20e-9 / 3.0, (20_000, 3)),
            (1.0 / 150e6, (20_000, 3)),
            (125e-12, (125, 1)),
        ];
        for (seconds, (n, d)) in cases {
            assert_eq!(tick_length_of(seconds), TickLength::new(n, d).ok(), "{seconds}");
        }
    }

    #[test]
    fn what_cannot_be_a_tick_is_refused() {
        for seconds in [0.0, -1e-12, f64::NAN, f64::INFINITY, 1e-16, f64::MIN_POSITIVE, 1.0, 1e30] {
            assert_eq!(tick_length_of(seconds), None, "{seconds}");
        }
    }

    /// The tick found and its relative distance from what was asked for.
    fn found(seconds: f64) -> (TickLength, f64) {
        let tick = tick_length_of(seconds).expect("a length in range");
        (tick, (tick.as_ps_f64() / (seconds * PS_PER_SECOND) - 1.0).abs())
    }

    #[test]
    fn a_number_just_beside_a_simple_fraction_is_no_dead_end() {
        let (_, error) = found(10f64.powf(-14.000864714503994));
        assert!(error < 2f64.powi(-31), "{error}");
    }

    proptest! {
        #[test]
        fn a_simple_fraction_survives_the_file(n in 1u64..100_000_000, d in 1u32..10_000) {
            prop_assume!(n >= u64::from(d));
            let tick = TickLength::new(n, d).unwrap();
            prop_assert_eq!(tick_length_of(seconds_of(tick)), Some(tick));
        }

        #[test]
        fn any_number_is_a_tick_in_range_or_none(bits in any::<u64>()) {
            let seconds = f64::from_bits(bits);
            let in_range = (1e-3..1e12).contains(&(seconds * 1e12));
            prop_assert_eq!(tick_length_of(seconds).is_some(), in_range);
        }

        #[test]
        fn any_length_of_tick_is_found_this_close(exponent in -15.0f64..-0.01) {
            let (tick, error) = found(10f64.powf(exponent));
            prop_assert!(error < 2f64.powi(-31), "{tick:?} is {error} off");
        }

        #[test]
        fn beside_a_simple_fraction_the_closest_that_fits_is_found(
            n in 1u64..1000, d in 1u32..1000, shift in 30i32..50,
        ) {
            let simple = n as f64 / f64::from(d);
            let (_, error) = found(simple * (1.0 + 2f64.powi(-shift)) / PS_PER_SECOND);
            prop_assert!(error < 2f64.powi(-31));
        }
    }
}
