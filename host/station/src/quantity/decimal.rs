//! A decimal number and a unit, kept as a whole number of the smallest parts.

/// What a sort of quantity is called, may be and is written in.
#[derive(Debug)]
pub(crate) struct Kind {
    /// With its article.
    pub what: &'static str,
    /// From the smallest up, in the parts that are counted; two names of one unit: the last is
    /// shown.
    pub units: &'static [(&'static str, i64)],
    pub example: &'static str,
    pub min: i64,
    pub max: i64,
}

/// A text that is no quantity of the sort that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct InvalidQuantity {
    kind: &'static Kind,
    why: Why,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No unit, or one that is not known.
    Unit,
    /// What stands before the unit is no decimal number.
    Number,
    /// Below or above what the sort can be.
    Range,
    /// Digits beyond what is counted; with the nearest that is.
    TooFine(i64),
}

impl InvalidQuantity {
    /// What is wrong.
    pub fn why(&self) -> Why {
        self.why
    }
}

impl PartialEq for InvalidQuantity {
    fn eq(&self, other: &InvalidQuantity) -> bool {
        self.why == other.why && self.kind.what == other.kind.what
    }
}

impl std::fmt::Display for InvalidQuantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Kind { what, example, min, max, .. } = self.kind;
        match self.why {
            Why::Unit => {
                write!(f, "{what} needs {}; write for example {example}", self.kind.unit_names())
            }
            Why::Number => {
                write!(f, "{what} begins with a decimal number; write for example {example}")
            }
            Why::Range => write!(
                f,
                "{what} lies within {} and {}; choose one within",
                self.kind.show(*min),
                self.kind.show(*max)
            ),
            Why::TooFine(nearest) => write!(
                f,
                "{what} is exact to {}; round it to {}",
                self.kind.show(1),
                self.kind.show(nearest)
            ),
        }
    }
}

impl std::error::Error for InvalidQuantity {}

impl Kind {
    pub(super) fn parse(&'static self, text: &str) -> Result<i64, InvalidQuantity> {
        self.read(text.trim()).map_err(|why| InvalidQuantity { kind: self, why })
    }

    fn read(&self, text: &str) -> Result<i64, Why> {
        let of_number = |c: char| c.is_ascii_digit() || "+-.".contains(c);
        let end = text.find(|c| !of_number(c)).unwrap_or(text.len());
        let (number, name) = (&text[..end], text[end..].trim_start());
        let &(_, unit) = self.units.iter().find(|(n, _)| *n == name).ok_or(Why::Unit)?;
        let (sign, number) = match number.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, number),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(Why::Number);
        }
        // Far above every sort's range, and far from the end of 128 bits.
        let whole: i64 = whole.parse().map_err(|_| Why::Range)?;
        let mut parts = i128::from(whole) * i128::from(unit);
        let mut place = i128::from(unit);
        let mut finer = None;
        for digit in fraction.bytes().map(|b| i128::from(b - b'0')) {
            let here = digit * place;
            parts += here / 10;
            // The part is lost where the place is not a whole one; its first digit rounds.
            if here % 10 != 0 && finer.is_none() {
                finer = Some(here % 10 >= 5);
            }
            place /= 10;
            if place == 0 && finer.is_none() && digit != 0 {
                finer = Some(false);
            }
        }
        let nearest = sign * (parts + i128::from(finer == Some(true)));
        let nearest = i64::try_from(nearest).map_err(|_| Why::Range)?;
        match (self.min..=self.max).contains(&nearest) {
            false => Err(Why::Range),
            true if finer.is_some() => Err(Why::TooFine(nearest)),
            true => Ok(nearest),
        }
    }

    /// The number in the largest unit that it reaches, without trailing zeros.
    pub(super) fn show(&self, parts: i64) -> String {
        let size = parts.unsigned_abs();
        let reached = self.units.iter().rev().find(|(_, unit)| unit.unsigned_abs() <= size);
        let &(name, unit) = reached.unwrap_or(&self.units[0]);
        let (whole, mut rest) = (size / unit.unsigned_abs(), size % unit.unsigned_abs());
        let mut text = format!("{}{whole}", if parts < 0 { "-" } else { "" });
        let mut place = unit.unsigned_abs() / 10;
        while rest > 0 {
            if !text.contains('.') {
                text.push('.');
            }
            text.push(char::from(b'0' + (rest / place) as u8));
            (rest, place) = (rest % place, place / 10);
        }
        format!("{text} {name}")
    }

    fn unit_names(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for (i, (name, unit)) in self.units.iter().enumerate() {
            if self.units.get(i + 1).is_none_or(|(_, next)| next != unit) {
                names.push(name);
            }
        }
        match names.split_last() {
            Some((last, [])) => format!("the unit {last}"),
            Some((last, others)) => format!("a unit of {} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}
