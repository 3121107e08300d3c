//! Probabilities that the samplers implement exactly: parts of 4096.

use std::fmt;
use std::str::FromStr;

use helio_distill::parameters::WEIGHT_TOTAL;

use super::Share;

/// A probability in parts of 4096: `934/4096`, `1/4` or `25 %`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parts(pub u16);

/// A text that is no [`Parts`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParts {
    /// Neither a fraction nor a share.
    #[error(
        "a probability is a fraction or a share of 0 to 100 %; write for example 934/4096 or 25 %"
    )]
    Form,
    /// Between two parts.
    #[error("a probability is a multiple of 1/4096; write the nearest, {0}")]
    TooFine(Parts),
}

impl FromStr for Parts {
    type Err = InvalidParts;

    fn from_str(text: &str) -> Result<Parts, InvalidParts> {
        let (above, below): (u64, u64) = if text.trim_end().ends_with('%') {
            let share: Share = text.parse().map_err(|_| InvalidParts::Form)?;
            (share.0.unsigned_abs(), Share::KIND.max.unsigned_abs())
        } else {
            let number = |text: &str| -> Option<u64> {
                let text = text.trim();
                let digits = text.bytes().all(|b| b.is_ascii_digit());
                text.parse::<u32>().ok().filter(|_| digits).map(u64::from)
            };
            let (above, below) = text.split_once('/').ok_or(InvalidParts::Form)?;
            number(above).zip(number(below)).ok_or(InvalidParts::Form)?
        };
        if below == 0 || above > below {
            return Err(InvalidParts::Form);
        }
        let scaled = above * u64::from(WEIGHT_TOTAL);
        let nearest = Parts(((2 * scaled + below) / (2 * below)) as u16);
        if scaled.is_multiple_of(below) { Ok(nearest) } else { Err(InvalidParts::TooFine(nearest)) }
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{WEIGHT_TOTAL}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_is_exact_is_read() {
        for (text, parts) in
            [("934/4096", 934), ("1/4", 1024), ("25 %", 1024), ("0.78125%", 32), ("1/1", 4096)]
        {
            assert_eq!(text.parse(), Ok(Parts(parts)), "{text}");
        }
        assert_eq!("22.8 %".parse::<Parts>(), Err(InvalidParts::TooFine(Parts(934))));
        assert_eq!("1/3".parse::<Parts>(), Err(InvalidParts::TooFine(Parts(1365))));
        for text in ["934", "0.25", "2/1", "1/0", "101 %", "-1/4", "+1/4", "", "1/4 %", "a/b"] {
            assert_eq!(text.parse::<Parts>(), Err(InvalidParts::Form), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), "[0-9]{0,11}/?[0-9]{0,11} ?%?"]) {
            if let Ok(parts) = text.parse::<Parts>() {
                prop_assert_eq!(parts.to_string().parse(), Ok(parts));
            }
        }
    }
}
