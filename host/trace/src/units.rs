//! Units of time in words, and which column of a table holds times.

use std::str::FromStr;

use helio_units::TickLength;

/// What a 1 in the time column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvUnit {
    /// This power of ten of a second, from −15 (fs) to 0. Ticks are 1 ps, or 1 fs for that unit;
    /// digits beyond are rounded to the nearest.
    Seconds(i8),
    /// A tick of this length; times are whole numbers.
    Ticks(TickLength),
}

const NAMES: [(&str, i8); 8] = [
    ("fs", -15),
    ("ps", -12),
    ("ns", -9),
    ("us", -6),
    ("µs", -6),
    ("μs", -6),
    ("ms", -3),
    ("s", 0),
];
impl CsvUnit {
    /// Where nothing else is said.
    pub(crate) const PICOSECONDS: CsvUnit = CsvUnit::Seconds(-12);

    /// The length of a tick of a trace in this unit.
    pub fn tick(self) -> TickLength {
        match self {
            CsvUnit::Ticks(tick) => tick,
            CsvUnit::Seconds(exponent) => {
                let denominator = if exponent < -12 { 1000 } else { 1 };
                TickLength::new(1, denominator).expect("1 ps or 1 fs")
            }
        }
    }

    /// The tick of which whole numbers in this unit count; `None` for seconds, which are no tick.
    pub fn whole_tick(self) -> Option<TickLength> {
        match self {
            CsvUnit::Ticks(tick) => Some(tick),
            CsvUnit::Seconds(exponent @ -12..) => {
                TickLength::new(10u64.checked_pow(u32::try_from(exponent + 12).ok()?)?, 1).ok()
            }
            CsvUnit::Seconds(_) => TickLength::new(1, 1000).ok(),
        }
    }

    /// The exponent by which a number in this unit becomes ticks.
    pub(crate) fn exponent(self) -> i32 {
        match self {
            CsvUnit::Ticks(_) => 0,
            CsvUnit::Seconds(exponent) if exponent < -12 => i32::from(exponent) + 15,
            CsvUnit::Seconds(exponent) => i32::from(exponent) + 12,
        }
    }
}

/// A unit by its name: `fs`, `ps`, `ns`, `us`, `µs`, `ms`, `s`, or a tick such as `81ps` or
/// `125/32ps`.
impl FromStr for CsvUnit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<CsvUnit, &'static str> {
        const WRONG: &str =
            "a unit of time is needed; write ps, ns, us, ms, s or a tick as 125/32ps";
        if let Some((_, exponent)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(CsvUnit::Seconds(*exponent));
        }
        let number = text.strip_suffix("ps").ok_or(WRONG)?.trim_end();
        let (n, d) = number.split_once('/').unwrap_or((number, "1"));
        let (n, d) = (n.parse().map_err(|_| WRONG)?, d.parse().map_err(|_| WRONG)?);
        TickLength::new(n, d).map(CsvUnit::Ticks).map_err(|_| WRONG)
    }
}

/// A tick as [`CsvUnit`] reads it.
pub(crate) fn tick_text(tick: TickLength) -> String {
    match tick.denominator() {
        1 => format!("{}ps", tick.numerator_ps()),
        d => format!("{}/{d}ps", tick.numerator_ps()),
    }
}

/// The column with times: the first whose name begins with `time`, else with `t`, else `sync`.
pub(crate) fn time_column(names: &[&str]) -> Option<usize> {
    let begins =
        |with: &str| names.iter().position(|name| name.trim_matches('"').starts_with(with));
    begins("time").or_else(|| begins("t")).or_else(|| names.iter().position(|n| *n == "sync"))
}

/// The unit that a column's name ends with, as `time_ns`, `time (ps)` or `tick (125/32ps)`.
pub(crate) fn named_unit(name: &str) -> Option<CsvUnit> {
    let within = name.strip_suffix(')').and_then(|name| name.split_once('('));
    if let Some(Ok(CsvUnit::Ticks(tick))) = within.map(|(_, unit)| unit.parse()) {
        return Some(CsvUnit::Ticks(tick));
    }
    let unit = name.trim_end_matches(|c: char| !c.is_alphanumeric());
    let unit = unit.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    // A name that is nothing but the unit is no unit: a column “s” alone says too little.
    let found = NAMES.iter().find(|(known, _)| *known == unit && name != *known);
    found.map(|(_, exponent)| CsvUnit::Seconds(*exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_names() {
        assert_eq!("125/32ps".parse(), Ok(CsvUnit::Ticks(TickLength::new(125, 32).unwrap())));
        assert_eq!("81 ps".parse(), Ok(CsvUnit::Ticks(TickLength::new(81, 1).unwrap())));
        assert_eq!("us".parse(), Ok(CsvUnit::Seconds(-6)));
        let tick = TickLength::new(20_000, 3).unwrap();
        assert_eq!(tick_text(tick).parse(), Ok(CsvUnit::Ticks(tick)));
        assert_eq!(named_unit("tick (20000/3ps)"), Some(CsvUnit::Ticks(tick)));
        assert_eq!(CsvUnit::Seconds(-9).whole_tick(), TickLength::new(1000, 1).ok());
        assert_eq!(CsvUnit::Seconds(0).whole_tick(), None);
        for bad in ["", "parsec", "0ps", "1/0ps"] {
            assert!(bad.parse::<CsvUnit>().is_err(), "{bad}");
        }
    }
}
