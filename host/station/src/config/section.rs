//! A table of a configuration file, read key by key.
//!
//! Its keys are declared when it is entered, so that a misspelt one is refused before the one it
//! should have been is missed. Each value that is read, or not written and has a default, is noted.

use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::ConfigFault;
use super::source::Source;
use super::value::{Value, found, shortened};

pub(super) type Result<T> = std::result::Result<T, ConfigFault>;

/// Keys that a table may have.
pub(super) type Keys = &'static [&'static str];

pub(super) struct Section<'s> {
    pub source: &'s Source<'s>,
    /// Empty for the file itself.
    name: String,
    keys: Keys,
    entries: Option<&'s DeTable<'s>>,
    /// Where it begins, if it is there.
    line: Option<usize>,
}

impl<'s> Section<'s> {
    /// The file itself.
    pub fn top(
        source: &'s Source<'s>,
        table: &'s Spanned<DeTable<'s>>,
        keys: Keys,
    ) -> Result<Section<'s>> {
        let top = Section {
            source,
            name: String::new(),
            keys,
            entries: Some(table.get_ref()),
            line: None,
        };
        top.known_only().map(|()| top)
    }

    /// The table under `key`; one without entries if it is not there.
    pub fn section(&self, key: &'static str, keys: Keys) -> Result<Section<'s>> {
        let name = self.key(key);
        let Some(value) = self.get(key) else {
            return Ok(Section { source: self.source, name, keys, entries: None, line: None });
        };
        self.below(value, name, keys, &format!("[{}]", self.key(key)))
    }

    /// The tables of the list under `key`, none if it is not there.
    pub fn sections(&self, key: &'static str, keys: Keys) -> Result<Vec<Section<'s>>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let heading = format!("[[{}]]", self.key(key));
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.wrong(key, value, format_args!("write tables headed {heading}")));
        };
        let name = |i| format!("{}[{i}]", self.key(key));
        let below = |(i, item)| self.below(item, name(i), keys, &heading);
        items.iter().enumerate().map(below).collect()
    }

    fn below(
        &self,
        value: &'s Spanned<DeValue<'s>>,
        name: String,
        keys: Keys,
        heading: &str,
    ) -> Result<Section<'s>> {
        let line = Some(self.source.line(value.span().start));
        let DeValue::Table(table) = value.get_ref() else {
            let complaint = format!(
                "`{name}` is {}: a table is wanted; write {heading} and its keys below",
                found(value.get_ref())
            );
            return Err(ConfigFault::content(self.source.path, line, complaint));
        };
        let section = Section { source: self.source, name, keys, entries: Some(table), line };
        section.known_only().map(|()| section)
    }

    /// Whether the key is written.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// A value that must be written.
    pub fn need<V: Value>(&self, key: &'static str) -> Result<V> {
        self.maybe(key)?.ok_or_else(|| self.missing(key))
    }

    /// A value, or the default.
    pub fn or<V: Value>(&self, key: &'static str, default: V) -> Result<V> {
        match self.maybe(key)? {
            Some(value) => Ok(value),
            None => {
                self.source.record(self.key(key), default.show(), None);
                Ok(default)
            }
        }
    }

    /// A value, if it is written.
    pub fn maybe<V: Value>(&self, key: &'static str) -> Result<Option<V>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let read = V::read(value.get_ref()).map_err(|why| self.wrong(key, value, why))?;
        let line = self.source.line(value.span().start);
        self.source.record(self.key(key), read.show(), Some(line));
        Ok(Some(read))
    }

    /// One of these words.
    pub fn choice<T: Copy>(
        &self,
        key: &'static str,
        options: &[(&'static str, T)],
        default: Option<&'static str>,
    ) -> Result<T> {
        let word = match default {
            Some(default) => self.or(key, default.to_owned())?,
            None => self.need::<String>(key)?,
        };
        if let Some((_, chosen)) = options.iter().find(|(option, _)| *option == word) {
            return Ok(*chosen);
        }
        let words = quoted(options.iter().map(|(option, _)| *option));
        let complaint = match nearest(&word, options.iter().map(|(option, _)| *option)) {
            Some(near) => format!("is {:?}, did you mean {near:?}?", shortened(&word)),
            None => format!("is {:?}; choose {words}", shortened(&word)),
        };
        Err(self.fault(key, complaint))
    }

    /// A whole number in a range.
    pub fn whole<T: TryFrom<i64> + Copy>(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
        default: Option<i64>,
    ) -> Result<T> {
        let number = match default {
            Some(default) => self.or(key, default)?,
            None => self.need(key)?,
        };
        let fits = T::try_from(number).ok().filter(|_| range.contains(&number));
        let (low, high) = range.into_inner();
        fits.ok_or_else(|| {
            self.fault(key, format_args!("is {number}; choose a whole number from {low} to {high}"))
        })
    }

    /// A fault of the value of `key`.
    pub fn fault(&self, key: &str, complaint: impl Display) -> ConfigFault {
        self.source.fault(&self.key(key), complaint)
    }

    /// A fault of a key that is written and was not read.
    pub fn fault_at(&self, key: &'static str, complaint: impl Display) -> ConfigFault {
        let line = self.get(key).map(|value| self.source.line(value.span().start));
        let complaint = format!("`{}` {complaint}", self.key(key));
        ConfigFault::content(self.source.path, line, complaint)
    }

    /// A fault of a key that is not there.
    pub fn missing(&self, key: &str) -> ConfigFault {
        self.absent(key, "is missing; add it, `helio config init` writes files that have every key")
    }

    /// The same in other words.
    pub fn absent(&self, key: &str, complaint: impl Display) -> ConfigFault {
        let complaint = format!("`{}` {complaint}", self.key(key));
        ConfigFault::content(self.source.path, self.line, complaint)
    }

    /// A fault of the section as a whole.
    pub fn fault_of_all(&self, complaint: impl Display) -> ConfigFault {
        ConfigFault::content(self.source.path, self.line, complaint)
    }

    /// The whole key.
    pub fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn get(&self, key: &'static str) -> Option<&'s Spanned<DeValue<'s>>> {
        debug_assert!(self.keys.contains(&key), "{key} is not declared in [{}]", self.name);
        self.entries?.get(key)
    }

    fn wrong(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        complaint: impl Display,
    ) -> ConfigFault {
        let line = Some(self.source.line(value.span().start));
        let complaint = format!("`{}` is {}: {complaint}", self.key(key), found(value.get_ref()));
        ConfigFault::content(self.source.path, line, complaint)
    }

    fn known_only(&self) -> Result<()> {
        let names = self.entries.into_iter().flat_map(|table| table.keys());
        let unknown = names.filter(|name| !self.keys.contains(&name.get_ref().as_ref()));
        let Some(first) = unknown.min_by_key(|name| name.span().start) else { return Ok(()) };
        let name = first.get_ref();
        let advice = match nearest(name, self.keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<String> = self.keys.iter().map(|key| format!("`{key}`")).collect();
                format!("choose among {}", known.join(", "))
            }
        };
        let place = if self.name.is_empty() { "" } else { &format!(" in [{}]", self.name) };
        let complaint =
            format!("unknown key `{}`{place}, {advice}", shortened(name).escape_debug());
        let line = self.source.line(first.span().start);
        Err(ConfigFault::content(self.source.path, Some(line), complaint))
    }
}

/// What was probably meant.
fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // Nothing that we know is so long, and distances take their time.
    let word = (word.len() < 100).then_some(word)?;
    known
        .map(|known| (strsim::osa_distance(word, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

fn quoted(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
