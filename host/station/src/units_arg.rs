//! Arguments with units. A number without its unit is refused: 10 what?

use std::str::FromStr;

use helio_units::Picoseconds;

/// A span of time above zero, such as `10ns` or `1.5us`, exact to the picosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Picoseconds);

/// Why an argument is no [`Span`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    /// No unit, or one that is not known.
    #[error("a time needs a unit of ps, ns, us, ms or s; write for example 10ns or 1.5us")]
    Unit,
    /// What stands before the unit is no number.
    #[error("a time begins with a decimal number; write for example 10ns or 1.5us")]
    Number,
    /// Zero.
    #[error("a time must be longer than zero; write for example 10ns or 1.5us")]
    Zero,
    /// Digits beyond the picosecond.
    #[error("a time is a whole number of picoseconds; round it to 1 ps")]
    TooFine,
    /// Beyond 106 days.
    #[error("a time is below 9000000 s; choose a shorter one")]
    TooLong,
}

/// The units, in picoseconds; those that end others stand later.
const UNITS: [(&str, i64); 6] = [
    ("ps", 1),
    ("ns", 1_000),
    ("us", 1_000_000),
    ("µs", 1_000_000),
    ("ms", 1_000_000_000),
    ("s", 1_000_000_000_000),
];

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Span, InvalidSpan> {
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, ps)| Some((text.strip_suffix(name)?.trim_end(), *ps)))
            .ok_or(InvalidSpan::Unit)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(InvalidSpan::Number);
        }
        let whole: i64 = whole.parse().map_err(|_| InvalidSpan::TooLong)?;
        let mut ps = whole.checked_mul(unit).ok_or(InvalidSpan::TooLong)?;
        let mut place = unit;
        for digit in fraction.bytes().map(|b| i64::from(b - b'0')) {
            if place % 10 != 0 && digit != 0 {
                return Err(InvalidSpan::TooFine);
            }
            place /= 10;
            ps = ps.checked_add(digit * place).ok_or(InvalidSpan::TooLong)?;
        }
        match ps {
            0 => Err(InvalidSpan::Zero),
            9_000_000_000_000_000_000.. => Err(InvalidSpan::TooLong),
            _ => Ok(Span(Picoseconds(ps))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_exact() {
        for (text, ps) in [
            ("250ps", 250),
            ("10ns", 10_000),
            ("0.5ns", 500),
            ("1.5us", 1_500_000),
            ("1.5 µs", 1_500_000),
            ("0.123456789ms", 123_456_789),
            ("3s", 3_000_000_000_000),
            ("1.ns", 1_000),
            ("0.100ns", 100),
        ] {
            assert_eq!(text.parse(), Ok(Span(Picoseconds(ps))), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        use InvalidSpan::*;
        for (text, why) in [
            ("10", Unit),
            ("", Unit),
            ("10 parsecs", Number),
            ("10m", Unit),
            ("ns", Number),
            (".5ns", Number),
            ("-1ns", Number),
            ("+1ns", Number),
            ("1e3ns", Number),
            ("1.2.3ns", Number),
            ("0ns", Zero),
            ("0.000s", Zero),
            ("0.5ps", TooFine),
            ("1.0001ns", TooFine),
            ("9000000s", TooLong),
            ("99999999999999999999999ps", TooLong),
        ] {
            assert_eq!(text.parse::<Span>(), Err(why), "{text}");
        }
    }
}
