//! Values of a device's table of settings, in the units that the device names.

use helio_bench::Unit;

use super::TIMES;
use super::decimal::Kind;

/// No unit, or one that has no other name.
macro_rules! kind {
    ($what:literal, $units:expr, $example:literal) => {{
        static KIND: Kind = Kind {
            what: $what,
            units: $units,
            example: $example,
            min: i64::MIN + 1,
            max: i64::MAX,
        };
        &KIND
    }};
}

fn kind(unit: Unit) -> &'static Kind {
    match unit {
        Unit::None => kind!("a number", &[("", 1)], "3"),
        Unit::Picoseconds => kind!("a time", TIMES, "250 ps"),
        Unit::Ticks => kind!("a number of ticks", &[("ticks", 1)], "3 ticks"),
        Unit::Slots => kind!("a number of slots", &[("slots", 1)], "100 slots"),
        Unit::Millivolts => kind!("a voltage", &[("mV", 1), ("V", 1_000)], "-150 mV"),
        Unit::Nanophotons => {
            kind!("a mean photon number", &[("photons", 1_000_000_000)], "0.4 photons")
        }
        Unit::Millikelvin => kind!("a temperature", &[("mK", 1), ("K", 1_000)], "298.15 K"),
        Unit::PartsPerMillion => kind!("a ratio", &[("ppm", 1)], "20 ppm"),
        Unit::Hertz => {
            kind!("a rate", &[("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000)], "1 MHz")
        }
        Unit::Bytes => kind!("a number of bytes", &[("bytes", 1)], "32 bytes"),
        Unit::Microamperes => kind!("a current", &[("uA", 1), ("µA", 1), ("mA", 1_000)], "5 mA"),
        Unit::Seconds => kind!("a time in seconds", &[("s", 1)], "10 s"),
        Unit::Millidecibels => kind!("a loss", &[("dB", 1_000)], "3.5 dB"),
    }
}

/// The integer that a device is told for a value as people write it. Where there is one unit only it
/// may be left out.
///
/// # Errors
/// One sentence with the remedy.
pub(crate) fn parse(unit: Unit, text: &str) -> Result<i64, String> {
    let kind = kind(unit);
    let bare = text.trim().ends_with(|c: char| c.is_ascii_digit());
    let whole = match kind.units {
        [(only, _)] if bare => format!("{} {only}", text.trim()),
        _ => text.to_owned(),
    };
    kind.parse(&whole).map_err(|why| why.to_string())
}

/// A value as it is read back.
pub(crate) fn show(unit: Unit, value: i64) -> String {
    let shown = kind(unit).show(value);
    let shown = shown.trim_end();
    match unit {
        Unit::Millikelvin => format!("{shown} ({:.2} °C)", value as f64 / 1e3 - 273.15),
        _ => shown.to_owned(),
    }
}

/// The unit in which a picture shows values, and what the integer's one is in it.
pub(crate) fn axis(unit: Unit) -> (&'static str, f64) {
    match unit {
        Unit::None => ("", 1.0),
        Unit::Nanophotons => ("photons", 1e-9),
        Unit::Millikelvin => ("K", 1e-3),
        Unit::Microamperes => ("µA", 1.0),
        Unit::Millidecibels => ("dB", 1e-3),
        unit => (part(unit), 1.0),
    }
}

/// What one of the integer is, for scripts.
pub(crate) fn part(unit: Unit) -> &'static str {
    match unit {
        Unit::None => "1",
        Unit::Picoseconds => "ps",
        Unit::Ticks => "ticks",
        Unit::Slots => "slots",
        Unit::Millivolts => "mV",
        Unit::Nanophotons => "1e-9 photons",
        Unit::Millikelvin => "mK",
        Unit::PartsPerMillion => "ppm",
        Unit::Hertz => "Hz",
        Unit::Bytes => "bytes",
        Unit::Microamperes => "uA",
        Unit::Seconds => "s",
        Unit::Millidecibels => "mdB",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_in_their_units() {
        assert_eq!(parse(Unit::Nanophotons, "0.4"), Ok(400_000_000));
        assert_eq!(parse(Unit::Nanophotons, "0.4 photons"), Ok(400_000_000));
        assert_eq!(parse(Unit::Millivolts, "-0.15V"), Ok(-150));
        assert_eq!(parse(Unit::Picoseconds, "1.5 ns"), Ok(1500));
        assert_eq!(parse(Unit::None, "7"), Ok(7));
        assert!(parse(Unit::Millivolts, "150").unwrap_err().contains("mV"));
        assert!(parse(Unit::Ticks, "0.5").unwrap_err().contains("round"));
        assert_eq!(show(Unit::Millikelvin, 298_150), "298.15 K (25.00 °C)");
        assert_eq!(
            (show(Unit::None, 7), show(Unit::Nanophotons, 400_000_000)),
            ("7".into(), "0.4 photons".into())
        );
    }

    #[test]
    fn an_axis_is_in_a_unit_that_a_value_can_be_written_in() {
        for unit in Unit::ALL.iter().copied() {
            let (name, one) = axis(unit);
            assert_eq!(
                parse(unit, &format!("{} {name}", 7_000_000_000.0 * one)),
                Ok(7_000_000_000)
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(value in (i64::MIN + 1)..=i64::MAX, unit in prop::sample::select(Unit::ALL)) {
            let shown = show(unit, value);
            let shown = shown.split(" (").next().unwrap_or(&shown);
            prop_assert_eq!(parse(unit, shown), Ok(value));
        }

        #[test]
        fn any_text_and_any_value_are_borne(text in ".*", value in any::<i64>(), unit in prop::sample::select(Unit::ALL)) {
            let _ = parse(unit, &text);
            prop_assert!(!show(unit, value).is_empty());
        }
    }
}
