//! What a key may hold.

use std::fmt::Display;
use std::str::FromStr;

use helio_link::DeviceAddress;
use toml::de::DeValue;

use crate::quantity::{
    Angle, Attenuation, Delay, Drift, Frequency, Length, Loss, Offset, Parts, Photons, Share,
    SlotRate, Span, Tick,
};

/// Something that a key of a configuration holds.
pub(super) trait Value: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What is wanted instead, with the remedy.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;

    /// As it would be written, without quotes.
    fn show(&self) -> String;
}

/// A text in quotes that says what it is. A bare number is given to the same reader, which knows
/// what it lacks.
pub(super) fn read_text<V: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<V, String> {
    let text = match value {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return Err("a text is wanted; write it in double quotes".into()),
    };
    text.parse().map_err(|why: V::Err| why.to_string())
}

macro_rules! texts {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::config::value::Value for $name {
            fn read(value: &toml::de::DeValue<'_>) -> std::result::Result<$name, String> {
                $crate::config::value::read_text(value)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
pub(super) use texts;

texts!(
    Angle,
    Attenuation,
    Delay,
    DeviceAddress,
    Drift,
    Frequency,
    Length,
    Loss,
    Offset,
    Parts,
    Photons,
    Share,
    SlotRate,
    Span,
    Tick,
);

/// Words in one line, at least one.
impl Value for String {
    fn read(value: &DeValue<'_>) -> Result<String, String> {
        let DeValue::String(text) = value else {
            return Err("a text is wanted; write it in double quotes".into());
        };
        match text.trim().is_empty() || text.len() > 1000 || text.contains(char::is_control) {
            true => Err("a text of one line is wanted; write 1 to 1000 characters".into()),
            false => Ok(text.clone().into_owned()),
        }
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for i64 {
    fn read(value: &DeValue<'_>) -> Result<i64, String> {
        const WANTED: &str = "a whole number is wanted; write it without quotes and point";
        let DeValue::Integer(number) = value else { return Err(WANTED.into()) };
        let digits = number.as_str().replace('_', "");
        i64::from_str_radix(&digits, number.radix()).map_err(|_| WANTED.into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A number without a unit by nature.
impl Value for f64 {
    fn read(value: &DeValue<'_>) -> Result<f64, String> {
        let text = match value {
            DeValue::Float(number) => number.as_str(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            _ => return Err("a number is wanted; write it without quotes".into()),
        };
        let number = text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| "a finite number is wanted; write for example 1e-10".into())
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

/// As many as are wanted, in a list.
impl<V: Value, const N: usize> Value for [V; N] {
    fn read(value: &DeValue<'_>) -> Result<[V; N], String> {
        let wanted = || format!("a list of {N} is wanted; write [A, B, ...]");
        let DeValue::Array(items) = value else { return Err(wanted()) };
        if items.len() != N {
            return Err(wanted());
        }
        let read: Result<Vec<V>, String> = items.iter().map(|i| V::read(i.get_ref())).collect();
        read?.try_into().map_err(|_| wanted())
    }

    fn show(&self) -> String {
        self.iter().map(V::show).collect::<Vec<_>>().join(", ")
    }
}

/// A value as a complaint names it, in one short line.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", shortened(text)),
        DeValue::Integer(number) => shortened(&number.to_string()),
        DeValue::Float(number) => shortened(number.as_str()),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// So much of a text as a sentence can bear.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
