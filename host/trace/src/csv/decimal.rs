//! Decimal numbers as text has them.

/// A number as it is written: mantissa times a power of ten.
pub(super) struct Decimal {
    mantissa: u128,
    exponent: i32,
}

impl Decimal {
    pub(super) fn parse(text: &[u8]) -> Option<Decimal> {
        let text = text.strip_prefix(b"+").unwrap_or(text);
        let cut = text.iter().position(|b| matches!(b, b'e' | b'E'));
        let (number, power) = cut.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
        let mut exponent = match power {
            Some(power) => std::str::from_utf8(power).ok()?.parse::<i16>().ok()?.into(),
            None => 0,
        };
        let (mut mantissa, mut digits, mut point) = (0u128, 0, false);
        for byte in number {
            match byte {
                b'.' if !point => point = true,
                b'0'..=b'9' => {
                    mantissa = mantissa.checked_mul(10)?.checked_add(u128::from(byte - b'0'))?;
                    digits += 1;
                    exponent -= i32::from(point);
                }
                _ => return None,
            }
        }
        (digits > 0).then_some(Decimal { mantissa, exponent })
    }

    /// Times this power of ten, rounded to the nearest; `None` beyond 64 bits.
    pub(super) fn scaled(&self, exponent: i32) -> Option<u64> {
        let exponent = self.exponent + exponent;
        let power = 10u128.checked_pow(exponent.unsigned_abs());
        let value = match (exponent < 0, power) {
            (_, _) if self.mantissa == 0 => 0,
            (false, power) => self.mantissa.checked_mul(power?)?,
            (true, Some(power)) => {
                self.mantissa / power + u128::from(self.mantissa % power >= power.div_ceil(2))
            }
            (true, None) => 0,
        };
        u64::try_from(value).ok()
    }

    /// Whether no digit but zeros stands behind the point.
    pub(super) fn is_whole(&self) -> bool {
        let places = u32::try_from(-self.exponent).unwrap_or(0);
        match 10u128.checked_pow(places) {
            Some(power) => self.mantissa.is_multiple_of(power),
            None => self.mantissa == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::CsvUnit;

    #[test]
    fn decimals_become_ticks_rounded_to_the_nearest() {
        let ticks = |text: &str, unit: &str| {
            let unit: CsvUnit = unit.parse().unwrap();
            Decimal::parse(text.as_bytes()).and_then(|d| d.scaled(unit.exponent()))
        };
        assert_eq!(ticks("1.0000000000015", "s"), Some(1_000_000_000_002));
        assert_eq!(ticks("1.25e-6", "s"), Some(1_250_000));
        assert_eq!(ticks("17", "ns"), Some(17_000));
        assert_eq!(ticks("0.4", "ps"), Some(0));
        assert_eq!(ticks("3", "fs"), Some(3));
        assert_eq!(ticks("1e-999", "s"), Some(0));
        assert_eq!(ticks("0e999", "s"), Some(0));
        assert_eq!(ticks("1e999", "s"), None);
        assert_eq!(ticks("18446744073709551615", "ps"), Some(u64::MAX));
        assert_eq!(ticks("18446744073709551616", "ps"), None);
        for (text, whole) in [
            ("5.0", true),
            ("5.50", false),
            ("150e-1", true),
            ("2e3", true),
            ("0.000", true),
            ("1e-99", false),
            ("0e-99", true),
        ] {
            assert_eq!(
                Decimal::parse(text.as_bytes()).map(|d| d.is_whole()),
                Some(whole),
                "{text}"
            );
        }
        for bad in ["", ".", "1.2.3", "1e", "0x10", "1e99999"] {
            assert!(Decimal::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
