//! Numbers as people read them.

/// Prefixes of units, the largest first.
const PREFIXES: [(f64, &str); 9] = [
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
];

/// Those that a unit has.
fn prefixes(unit: &str) -> &'static [(f64, &'static str)] {
    // Seconds have no kilo in common use.
    if unit == "s" { &PREFIXES[3..] } else { &PREFIXES }
}

/// A quantity with an SI prefix and `digits` significant digits: 61113.0 Hz as `61.11 kHz`. Without
/// a unit the number alone.
pub fn si(value: f64, unit: &str, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() || unit.is_empty() {
        return format!("{} {unit}", trimmed(value, digits)).trim_end().to_owned();
    }
    let fits = |(factor, _): &&(f64, &str)| {
        // Compared as it will be printed, so that 999.96 does not become "1000".
        trimmed(value / factor, digits).parse::<f64>().is_ok_and(|v| v.abs() >= 1.0)
    };
    // What is below a picosecond is a part of one.
    let prefixes = prefixes(unit).split_last().map_or(&[][..], |(_, larger)| larger);
    let (factor, prefix) =
        prefixes.iter().find(fits).or(prefixes.last()).copied().unwrap_or((1.0, ""));
    format!("{} {prefix}{unit}", trimmed(value / factor, digits))
}

/// A number rounded to `digits` significant digits, without trailing zeros.
pub fn trimmed(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value:.0}");
    }
    let magnitude = value.abs().log10().floor() as i32;
    let places = (digits as i32 - 1 - magnitude).clamp(0, 15) as usize;
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A value and its standard error, both to two significant digits of the error.
pub fn with_error(value: f64, error: f64) -> String {
    let magnitude = if error > 0.0 { error.log10().floor() as i32 } else { 0 };
    let places = (1 - magnitude).clamp(0, 9) as usize;
    format!("{value:.places$} ± {error:.places$}")
}

/// A quantity with its standard error, both with the prefix that fits the larger: `80.123 ± 0.012 ns`.
pub fn si_with_error(value: f64, error: f64, unit: &str) -> String {
    let size = value.abs().max(error);
    let fits = prefixes(unit).iter().find(|(factor, _)| size >= *factor);
    let (factor, prefix) = fits.copied().unwrap_or((1.0, ""));
    let number = with_error(value / factor, error / factor);
    format!("{number} {prefix}{unit}").trim_end().to_owned()
}

/// A count with its digits in groups of three: `305 565`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| str::from_utf8(g).ok()).collect();
    groups.join(" ")
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `value`; at least 1.
pub fn round_up_125(value: f64) -> i64 {
    let mut power = 1i64;
    while power < i64::MAX / 100 {
        for step in [1, 2, 5] {
            if (step * power) as f64 >= value {
                return step * power;
            }
        }
        power *= 10;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_carry_a_fitting_prefix() {
        for (value, unit, digits, text) in [
            (61_113.4, "Hz", 4, "61.11 kHz"),
            (4.99996, "s", 6, "4.99996 s"),
            (5_000.0, "s", 4, "5000 s"),
            (2.4433765e-5, "s", 4, "24.43 µs"),
            (0.99999e-9, "s", 3, "1 ns"),
            (0.5e-12, "s", 3, "0.5 ps"),
            (0.0, "s", 3, "0 s"),
            (1.25, "", 3, "1.25"),
            (-2e-9, "s", 3, "-2 ns"),
        ] {
            assert_eq!(si(value, unit, digits), text);
        }
    }

    #[test]
    fn a_value_has_no_more_digits_than_its_error() {
        assert_eq!(with_error(1.000_321, 0.000_231), "1.00032 ± 0.00023");
        assert_eq!(with_error(1562.95, 3.254), "1563.0 ± 3.3");
        assert_eq!(with_error(15.0, 212.0), "15 ± 212");
        assert_eq!(with_error(0.0, 0.0), "0.0 ± 0.0");
    }

    #[test]
    fn counts_are_grouped_and_bins_rounded() {
        assert_eq!(grouped(305_565), "305 565");
        assert_eq!(grouped(1_000_007), "1 000 007");
        assert_eq!(grouped(12), "12");
        for (value, rounded) in
            [(0.0, 1), (1.0, 1), (1.1, 2), (2.5, 5), (5_355.0, 10_000), (1e4, 10_000)]
        {
            assert_eq!(round_up_125(value), rounded, "{value}");
        }
    }
}
