//! How fast simulated light goes.

use std::fmt;
use std::str::FromStr;

use super::value::texts;

/// Simulated time against the wall clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many simulated seconds a second, 0.001 to 1000.
    RealTime(f64),
    /// As fast as this computer can.
    Fastest,
}

/// A text that is no [`Speed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a speed is \"real time\", a multiple from 0.001x to 1000x, or \"fastest\"; write for example 2x"
)]
pub struct InvalidSpeed;

impl FromStr for Speed {
    type Err = InvalidSpeed;

    fn from_str(text: &str) -> Result<Speed, InvalidSpeed> {
        match text {
            "real time" => return Ok(Speed::RealTime(1.0)),
            "fastest" => return Ok(Speed::Fastest),
            _ => {}
        }
        let factor = text.strip_suffix('x').ok_or(InvalidSpeed)?.trim_end();
        match factor.parse() {
            Ok(factor) if (0.001..=1000.0).contains(&factor) => Ok(Speed::RealTime(factor)),
            _ => Err(InvalidSpeed),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speed::RealTime(1.0) => f.write_str("real time"),
            Speed::RealTime(factor) => write!(f, "{factor}x"),
            Speed::Fastest => f.write_str("fastest"),
        }
    }
}

texts!(Speed);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_words_or_multiples() {
        for (text, speed) in [
            ("real time", Speed::RealTime(1.0)),
            ("2x", Speed::RealTime(2.0)),
            ("0.5x", Speed::RealTime(0.5)),
            ("fastest", Speed::Fastest),
        ] {
            assert_eq!(text.parse(), Ok(speed), "{text}");
            assert_eq!(speed.to_string(), text);
        }
        for text in ["2", "x", "0x", "-1x", "nanx", "infx", "1001x", "", "fast"] {
            assert_eq!(text.parse::<Speed>(), Err(InvalidSpeed), "{text}");
        }
    }
}
