//! Which fields an array has, and where in an element each stands.

use super::literal::Literal;
use crate::table::{Table, Time};
use crate::units::CsvUnit;
use crate::units::{named_unit, time_column};

/// A whole number in an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    at: usize,
    bytes: usize,
    signed: bool,
    big: bool,
}

/// Where the columns stand in an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) element_bytes: usize,
    pub(super) time: Field,
    pub(super) channel: Option<Field>,
    pub(super) dtime: Option<Field>,
    pub(super) kind: Option<Field>,
    pub(super) missed: Option<Field>,
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(super) fields: Fields,
    pub(crate) table: Table,
    pub(super) elements: u64,
}

/// Elements longer than this are no records of detections.
const LONGEST_ELEMENT: usize = 4096;

impl Field {
    /// The number, sign extended; `None` beyond 63 bits.
    #[inline]
    pub(super) fn get(self, element: &[u8]) -> Option<i64> {
        let bytes = &element[self.at..self.at + self.bytes];
        let mut word = [0; 8];
        word[..self.bytes].copy_from_slice(bytes);
        if self.big {
            word[..self.bytes].reverse();
        }
        let word = u64::from_le_bytes(word);
        let shift = 64 - 8 * self.bytes as u32;
        match self.signed {
            true => Some((word << shift).cast_signed() >> shift),
            false => i64::try_from(word).ok(),
        }
    }
}

/// A field as its header describes it.
struct Described {
    name: String,
    title: String,
    field: Option<Field>,
}

impl Header {
    /// Understands a header's dictionary; `unit` is what a 1 in the time column means where the
    /// array does not say it.
    pub(super) fn parse(text: &[u8], unit: Option<CsvUnit>) -> Result<Header, &'static str> {
        let header = Literal::parse(text).ok_or("a header that is no Python dictionary")?;
        let (element_bytes, described) = header
            .get("descr")
            .and_then(described)
            .ok_or("a header without fields of known types")?;
        let shape = header.get("shape").and_then(Literal::items).unwrap_or_default();
        let [Literal::Number(elements)] = shape else {
            return Err("an array not of one dimension");
        };
        if element_bytes > LONGEST_ELEMENT {
            return Err("elements longer than any record");
        }
        let names: Vec<&str> = described.iter().map(|d| d.name.as_str()).collect();
        let time_at = match names[..] {
            [_] => 0,
            _ => time_column(&names).ok_or("no field with times")?,
        };
        let whole = |at: usize| described[at].field.ok_or("a field that holds no whole numbers");
        let column =
            |found: Option<usize>| found.filter(|at| *at != time_at).map(whole).transpose();
        let exact = |name: &str| column(names.iter().position(|n| *n == name));
        let fields = Fields {
            element_bytes,
            time: whole(time_at)?,
            channel: column(names.iter().position(|name| name.starts_with("ch")))?,
            dtime: exact("dtime")?,
            kind: exact("kind")?,
            missed: exact("missed")?,
        };
        let table = table(&described, time_at, unit)?;
        Ok(Header { fields, table, elements: *elements })
    }
}

/// What the columns mean.
fn table(
    described: &[Described],
    time_at: usize,
    unit: Option<CsvUnit>,
) -> Result<Table, &'static str> {
    let titled = |field: &Described, word| {
        let text = field.title.strip_prefix(word)?.trim_start();
        text.parse().ok().and_then(CsvUnit::whole_tick)
    };
    let time = &described[time_at];
    let own = titled(time, "tick");
    let unit = unit.or_else(|| named_unit(&time.name)).unwrap_or(CsvUnit::PICOSECONDS);
    let tick = own.or_else(|| unit.whole_tick()).ok_or("a unit of time that is no tick")?;
    let named = |name: &str| described.iter().find(|d| d.name == name);
    Ok(Table {
        time: match time.name.as_str() {
            "sync" => Time::Syncs,
            "time_ps" if own.is_some() && tick.denominator() == 1 => Time::Picoseconds,
            _ => Time::Ticks,
        },
        tick,
        dtime: named("dtime").map(|field| titled(field, "unit")),
        kind: named("kind").is_some(),
        missed: named("missed").is_some(),
    })
}

/// Length of an element and its fields.
fn described(descr: &Literal) -> Option<(usize, Vec<Described>)> {
    if let Some(kind) = descr.text() {
        let (bytes, field) = kind_of(kind, 0)?;
        return Some((bytes, vec![Described { name: "time".into(), title: String::new(), field }]));
    }
    let mut at = 0usize;
    let mut fields = Vec::new();
    for item in descr.items()? {
        // Arrays within an element have a shape as third part.
        let [name, kind] = item.items()? else { return None };
        let (title, name) = match name {
            Literal::Items(parts) => {
                let [title, name] = &parts[..] else { return None };
                (title.text()?, name.text()?)
            }
            name => ("", name.text()?),
        };
        let (bytes, field) = kind_of(kind.text()?, at)?;
        at = at.checked_add(bytes)?;
        fields.push(Described { name: name.to_lowercase(), title: title.to_owned(), field });
    }
    (at > 0).then_some((at, fields))
}

/// Length of a type such as `<i8`, and how to read it where it is a whole number.
fn kind_of(kind: &str, at: usize) -> Option<(usize, Option<Field>)> {
    let (order, rest) = kind.split_at_checked(1)?;
    let (letter, length) = rest.split_at_checked(1)?;
    let bytes: usize = length.parse().ok()?;
    let field = Field { at, bytes, signed: letter == "i", big: order == ">" };
    match (order, letter, bytes) {
        ("<" | ">" | "|", "i" | "u", 1 | 2 | 4 | 8) => Some((bytes, Some(field))),
        ("<" | ">" | "|", "f" | "c" | "b" | "V" | "S", 1..=LONGEST_ELEMENT) => Some((bytes, None)),
        _ => None,
    }
}
