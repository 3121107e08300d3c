//! A configuration file while it is read: its lines, and every value that is in force.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use super::fault::ConfigFault;

/// No configuration is longer.
const LONGEST: u64 = 1 << 20;

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its whole key: `protocol.window`, `channel[0].input`.
    pub key: String,
    /// As it would be written, without quotes.
    pub value: String,
    /// Where it stands in the file; `None` for a default.
    pub line: Option<usize>,
}

pub(super) struct Source<'t> {
    pub path: &'t Path,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
    settings: RefCell<Vec<Setting>>,
}

/// Reads a file as text.
pub(super) fn read(path: &Path) -> Result<String, ConfigFault> {
    let unreadable = |why: std::io::Error| {
        let why = match why.kind() {
            ErrorKind::NotFound => {
                "is not there; name the file, or write one with `helio config init`".to_owned()
            }
            ErrorKind::PermissionDenied => "may not be read by this user; check its mode".into(),
            ErrorKind::IsADirectory => "is a folder; name the file in it".into(),
            _ => format!("cannot be read ({why}); check the file"),
        };
        ConfigFault::unreadable(path, why)
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(ConfigFault::unreadable(path, "is longer than 1 MiB; name a configuration"));
    }
    let no_text = "is no text in UTF-8; name a configuration, or save it as UTF-8";
    String::from_utf8(bytes).map_err(|_| ConfigFault::unreadable(path, no_text))
}

impl<'t> Source<'t> {
    pub fn new(path: &'t Path, text: &'t str) -> Source<'t> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(i, _)| i + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Source { path, lines, settings: RefCell::default() }
    }

    /// The file as a tree.
    pub fn parse(&self, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigFault> {
        DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| self.line(span.start));
            let words: Vec<&str> = error.message().split_whitespace().collect();
            let complaint = format!(
                "this is not TOML ({}); write KEY = VALUE, texts and quantities in double quotes",
                words.join(" ")
            );
            ConfigFault::content(self.path, line, complaint)
        })
    }

    /// The line, counted from 1, of a byte of the text.
    pub fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    pub fn record(&self, key: String, value: String, line: Option<usize>) {
        self.settings.borrow_mut().push(Setting { key, value, line });
    }

    /// A fault of a value that has been read, or of the first one below `key`.
    pub fn fault(&self, key: &str, complaint: impl Display) -> ConfigFault {
        fault(self.path, &self.settings.borrow(), key, complaint)
    }

    pub fn settings(self) -> Vec<Setting> {
        self.settings.into_inner()
    }
}

/// The word of the file's `role`: a station's or the light's.
pub(super) fn written_role<'a>(tree: &'a Spanned<DeTable<'_>>) -> Option<&'a str> {
    tree.get_ref().get("role").and_then(|role| role.get_ref().as_str())
}

/// See [`Source::fault`].
pub(super) fn fault(
    path: &Path,
    settings: &[Setting],
    key: &str,
    complaint: impl Display,
) -> ConfigFault {
    let line = settings.iter().find(|s| s.key == key);
    let line = line.or_else(|| settings.iter().find(|s| s.key.starts_with(key)));
    let line = line.and_then(|setting| setting.line);
    ConfigFault::content(path, line, format_args!("`{key}` {complaint}"))
}
