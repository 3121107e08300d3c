//! Quantities as people write them: `10 ns`, `0.2 dB/km`, `934/4096`. A number without its unit is
//! refused: 10 what?
//!
//! Each is kept as an integer and shown as what reads best, so that what is shown reads back the
//! same. Command lines and configurations use the same types; what a quantity may be in one place
//! and not in another is checked there.

mod decimal;
mod parts;
mod rational;
pub(crate) mod setting;

pub use decimal::{InvalidQuantity, Why};
pub use parts::{InvalidParts, Parts};
pub(crate) use rational::gcd;
pub use rational::{InvalidRational, SlotRate, Tick};

use decimal::Kind;

/// Nine million seconds, the longest time, in picoseconds.
const LONGEST: i64 = 9_000_000_000_000_000_000;

const TIMES: &[(&str, i64)] = &[
    ("ps", 1),
    ("ns", 1_000),
    ("us", 1_000_000),
    ("µs", 1_000_000),
    ("ms", 1_000_000_000),
    ("s", 1_000_000_000_000),
];

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident: $kind:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            pub(crate) const KIND: Kind = $kind;
        }

        impl std::str::FromStr for $name {
            type Err = InvalidQuantity;

            fn from_str(text: &str) -> Result<$name, InvalidQuantity> {
                $name::KIND.parse(text).map($name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$name::KIND.show(self.0))
            }
        }
    };
}

quantity! {
    /// A span of time above zero, in picoseconds: `10 ns`.
    Span: Kind { what: "a time", units: TIMES, example: "10ns", min: 1, max: LONGEST }
}

quantity! {
    /// A shift in time, in picoseconds; may be zero or negative: `-250 ps`.
    Delay: Kind { what: "a delay", units: TIMES, example: "250 ps", min: -LONGEST, max: LONGEST }
}

quantity! {
    /// A length in millimetres: `25 km`.
    Length: Kind {
        what: "a length",
        units: &[("mm", 1), ("m", 1_000), ("km", 1_000_000)],
        example: "25 km",
        min: 0,
        max: 1_000_000_000_000,
    }
}

quantity! {
    /// A loss in 10⁻⁶ dB: `3 dB`.
    Loss: Kind {
        what: "a loss",
        units: &[("dB", 1_000_000)],
        example: "3 dB",
        min: 0,
        max: 1_000_000_000,
    }
}

quantity! {
    /// A fibre's loss in 10⁻⁶ dB a kilometre: `0.2 dB/km`.
    Attenuation: Kind {
        what: "an attenuation",
        units: &[("dB/km", 1_000_000)],
        example: "0.2 dB/km",
        min: 0,
        max: 1_000_000_000,
    }
}

quantity! {
    /// A rate of bits in bit/s: `100 Mbit`.
    BitRate: Kind {
        what: "a rate of bits",
        units: &[
            ("bit", 1),
            ("kbit", 1_000),
            ("Mbit", 1_000_000),
            ("Gbit", 1_000_000_000),
            ("bit/s", 1),
            ("kbit/s", 1_000),
            ("Mbit/s", 1_000_000),
            ("Gbit/s", 1_000_000_000),
        ],
        example: "100Mbit",
        min: 1_000,
        max: 1_000_000_000_000,
    }
}

quantity! {
    /// A share of a whole in 10⁻⁹: `0.5 %`.
    Share: Kind {
        what: "a share",
        units: &[("%", 10_000_000)],
        example: "0.5 %",
        min: 0,
        max: 1_000_000_000,
    }
}

quantity! {
    /// A rate in 10⁻⁶ Hz: `100 Hz`.
    Frequency: Kind {
        what: "a rate",
        units: &[
            ("Hz", 1_000_000),
            ("kHz", 1_000_000_000),
            ("MHz", 1_000_000_000_000),
            ("GHz", 1_000_000_000_000_000),
        ],
        example: "100 Hz",
        min: 0,
        max: 9_000_000_000_000_000_000,
    }
}

quantity! {
    /// A relative offset of a clock in 10⁻¹²: `3.7 ppm`.
    Offset: Kind {
        what: "an offset",
        units: &[("ppb", 1_000), ("ppm", 1_000_000)],
        example: "3.7 ppm",
        min: -1_000_000_000_000,
        max: 1_000_000_000_000,
    }
}

quantity! {
    /// A drift of that offset in 10⁻¹⁵ a second: `2 ppb/s`.
    Drift: Kind {
        what: "a drift",
        units: &[("ppb/s", 1_000_000)],
        example: "2 ppb/s",
        min: -1_000_000_000_000,
        max: 1_000_000_000_000,
    }
}

quantity! {
    /// An angle in 10⁻⁹ rad: `0.095 rad`.
    Angle: Kind {
        what: "an angle",
        units: &[("mrad", 1_000_000), ("rad", 1_000_000_000)],
        example: "0.095 rad",
        min: -1_000_000_000_000,
        max: 1_000_000_000_000,
    }
}

quantity! {
    /// A mean photon number of a pulse in 10⁻⁹: `0.6144 photons`.
    Photons: Kind {
        what: "a mean photon number",
        units: &[("photons", 1_000_000_000)],
        example: "0.6144 photons",
        min: 0,
        max: 100_000_000_000,
    }
}

impl Span {
    /// The same in the unit of analyses.
    pub fn picoseconds(self) -> helio_units::Picoseconds {
        helio_units::Picoseconds(self.0)
    }

    /// The same by the wall clock, rounded up to a nanosecond.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0.unsigned_abs().div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use proptest::prelude::*;

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
            ("9000000 s", 9_000_000_000_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Span(ps)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (text, why) in [
            ("10", Why::Unit),
            ("", Why::Unit),
            ("10 parsecs", Why::Unit),
            ("10m", Why::Unit),
            ("1e3ns", Why::Unit),
            ("ns", Why::Number),
            (".5ns", Why::Number),
            ("+1ns", Why::Number),
            ("--1ns", Why::Number),
            ("1.2.3ns", Why::Number),
            ("-1ns", Why::Range),
            ("0ns", Why::Range),
            ("0.000s", Why::Range),
            ("0.1ps", Why::Range),
            ("0.5ps", Why::TooFine(1)),
            ("1.0006ns", Why::TooFine(1_001)),
            ("9000001s", Why::Range),
            ("99999999999999999999999ps", Why::Range),
            ("99999999999999999999999999999999999999999999999999ps", Why::Range),
        ] {
            assert_eq!(text.parse::<Span>().map_err(|e| e.why()), Err(why), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_write() {
        let said = |text: &str| text.parse::<Span>().unwrap_err().to_string();
        assert_eq!(
            said("10"),
            "a time needs a unit of ps, ns, µs, ms or s; write for example 10ns"
        );
        assert_eq!(said("+1 ns"), "a time begins with a decimal number; write for example 10ns");
        assert_eq!(said("0 s"), "a time lies within 1 ps and 9000000 s; choose one within");
        assert_eq!(said("1.2345 ns"), "a time is exact to 1 ps; round it to 1.235 ns");
        let loss = "3 dBm".parse::<Loss>().unwrap_err().to_string();
        assert_eq!(loss, "a loss needs the unit dB; write for example 3 dB");
    }

    #[test]
    fn what_reads_best_is_shown() {
        assert_eq!(Span(1_122_600_000).to_string(), "1.1226 ms");
        assert_eq!(Delay(0).to_string(), "0 ps");
        assert_eq!(Delay(-1_500).to_string(), "-1.5 ns");
        assert_eq!(Share(5_000_000).to_string(), "0.5 %");
        assert_eq!(Share(0).to_string(), "0 %");
        assert_eq!(Photons(500_000).to_string(), "0.0005 photons");
        assert_eq!(Frequency(100_000_000).to_string(), "100 Hz");
        assert_eq!(Length(25_000_000).to_string(), "25 km");
        assert_eq!(Offset(3_700_000).to_string(), "3.7 ppm");
    }

    fn comes_back<Q: FromStr<Err = InvalidQuantity> + Display + Debug + PartialEq>(quantity: Q) {
        assert_eq!(quantity.to_string().parse(), Ok(quantity));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(n in any::<i64>(), small in -100_000i64..100_000) {
            for n in [n, small] {
                comes_back(Span(n.rem_euclid(LONGEST) + 1));
                comes_back(Delay(n % LONGEST));
                comes_back(Length(n.rem_euclid(Length::KIND.max)));
                comes_back(Loss(n.rem_euclid(Loss::KIND.max)));
                comes_back(Attenuation(n.rem_euclid(Attenuation::KIND.max)));
                comes_back(Share(n.rem_euclid(Share::KIND.max)));
                comes_back(Frequency(n.rem_euclid(Frequency::KIND.max)));
                comes_back(Offset(n % Offset::KIND.max));
                comes_back(Drift(n % Drift::KIND.max));
                comes_back(Angle(n % Angle::KIND.max));
                comes_back(Photons(n.rem_euclid(Photons::KIND.max)));
            }
        }

        /// Any text is read or refused in one line, and what is read comes back.
        #[test]
        fn any_text_is_read_or_refused(
            text in prop_oneof![any::<String>(), "-?[0-9.]{0,30} ?(ps|ns|us|s|dB|%|MHz|m)?"],
        ) {
            match text.parse::<Delay>() {
                Ok(delay) => comes_back(delay),
                Err(why) => prop_assert_eq!(why.to_string().lines().count(), 1),
            }
            if let Ok(frequency) = text.parse::<Frequency>() {
                comes_back(frequency);
            }
        }
    }
}
