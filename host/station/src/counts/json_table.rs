//! Rows of a JSON array of objects, one object for each block; a single object is a single row.
//!
//! A value is a number, a text or `null`; a field with another name may hold anything.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::row::{Place, Row};
use super::{COLUMNS, TableFault, column};

type Each<'a> = dyn FnMut(Row) -> Result<(), TableFault> + 'a;

pub(super) fn read(text: &str, each: &mut Each<'_>) -> Result<(), TableFault> {
    let mut own = None;
    let mut parser = serde_json::Deserializer::from_str(text);
    let rows = Rows { each, own: &mut own };
    let read = parser.deserialize_any(rows).and_then(|()| parser.end());
    match (read, own) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(fault)) => Err(fault),
        (Err(fault), None) => {
            let why = fault.to_string();
            // The place stands in front already.
            let why = why.split(" at line ").next().unwrap_or_default().to_owned();
            Err(TableFault::Json { line: fault.line(), column: fault.column(), why })
        }
    }
}

/// The table. A fault that is not the parser's goes out through `own`.
struct Rows<'a, 'b> {
    each: &'a mut Each<'b>,
    own: &'a mut Option<TableFault>,
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 1;
        while let Some(row) = list.next_element_seed(Object { number, own: self.own })? {
            if let Err(fault) = (self.each)(row) {
                *self.own = Some(fault);
                return Err(A::Error::custom("a row was refused"));
            }
            number += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let row = Object { number: 1, own: self.own }.visit_map(map)?;
        (self.each)(row).map_err(|fault| {
            *self.own = Some(fault);
            A::Error::custom("a row was refused")
        })
    }
}

/// One row.
struct Object<'a> {
    number: u64,
    own: &'a mut Option<TableFault>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object for each block")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::new(self.number, Place::Row(self.number));
        let mut seen = [false; COLUMNS.len()];
        while let Some(Name(name)) = map.next_key()? {
            let Some(column) = name else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut seen[column], true) {
                *self.own = Some(TableFault::ColumnTwice(COLUMNS[column]));
                return Err(A::Error::custom("a field stands twice"));
            }
            let Value(text) = map.next_value()?;
            row.set(column, &text);
        }
        Ok(row)
    }
}

/// The column that a field's name means; `None` for one that is passed over.
struct Name(Option<usize>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(Name(None))
    }
}

impl Visitor<'_> for Name {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(Name(column(name.trim())))
    }
}

/// A value as the text that a cell would hold.
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Value(String::new()))
    }
}

impl Visitor<'_> for Value {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value(text.trim().to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value(String::new()))
    }
}
