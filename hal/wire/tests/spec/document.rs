//! Reads the tables of `SPEC.md`.

pub const SPEC: &str = include_str!("../../SPEC.md");

/// A row of an example: one field.
pub struct Row {
    pub offset: usize,
    pub field: &'static str,
    pub value: &'static str,
    pub bytes: Vec<u8>,
}

/// A worked example.
pub struct Example {
    pub name: &'static str,
    pub rows: Vec<Row>,
    /// What the text says about the length on the cable.
    pub stated_length: usize,
    pub cable: Vec<u8>,
}

impl Example {
    /// The frame before stuffing.
    pub fn raw(&self) -> Vec<u8> {
        self.rows.iter().flat_map(|row| row.bytes.iter().copied()).collect()
    }
}

/// A field in the description of a message.
pub struct Field {
    /// Fields after a text have none.
    pub offset: Option<usize>,
    pub name: &'static str,
    pub kind: &'static str,
}

/// The description of a message.
pub struct Message {
    pub kind: u8,
    pub fields: Vec<Field>,
}

pub fn examples() -> Vec<Example> {
    let sections = SPEC.split("\n#### Example `").skip(1);
    sections
        .map(|section| {
            let name = section.split('`').next().unwrap();
            let rows = rows(section)
                .map(|cells| Row {
                    offset: cells[0].parse().unwrap(),
                    field: cells[1],
                    value: cells[2],
                    bytes: hex(cells[3].trim_matches('`')),
                })
                .collect();
            let (_, rest) = section.split_once("On the cable, ").unwrap();
            let (stated_length, rest) = rest.split_once(" bytes:").unwrap();
            let block = rest.split("```").nth(1).unwrap().strip_prefix("text").unwrap();
            let stated_length = stated_length.parse().unwrap();
            Example { name, rows, stated_length, cable: hex(block) }
        })
        .collect()
}

/// Every message that has a heading `### Name 0xNN`.
pub fn messages() -> Vec<Message> {
    let sections = SPEC.split("\n### ").skip(1);
    sections
        .filter_map(|section| {
            let section = section.split("\n## ").next().unwrap();
            let (_, kind) = section.lines().next().unwrap().split_once(" 0x")?;
            let fields = rows(section)
                .map(|cells| Field {
                    offset: cells[0].parse().ok(),
                    name: cells[1],
                    kind: cells[2],
                })
                .collect();
            Some(Message { kind: u8::from_str_radix(kind, 16).unwrap(), fields })
        })
        .collect()
}

/// Frames on the cable that a receiver refuses, with the name of the error.
pub fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let (_, section) = SPEC.split_once("\n## Frames that are refused").unwrap();
    rows(section)
        .map(|cells| (cells[0].trim_matches('`'), hex(cells[1].trim_matches('`'))))
        .collect()
}

/// The document as one line, for sentences that are wrapped.
pub fn running_text() -> String {
    SPEC.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cells of the first table in a section, without its two head lines.
fn rows(section: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    lines.take_while(|line| line.starts_with('|')).skip(2).map(|line| {
        let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|')).unwrap();
        inner.split('|').map(str::trim).collect()
    })
}

/// Bytes as `11 22` and `11 × 300`.
fn hex(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word == "×" {
            let times: usize = words.next().unwrap().parse().unwrap();
            let last = *bytes.last().unwrap();
            bytes.resize(bytes.len() + times - 1, last);
        } else {
            bytes.push(u8::from_str_radix(word, 16).unwrap());
        }
    }
    bytes
}
