//! One tag of a PTU header: a name, an index, a typed value.

use std::io::{self, Read, Write};

use crate::TraceError;
use crate::meta::{Tag, TagValue};
use crate::stream::read_header;

/// Length of a tag without what follows it.
pub(super) const TAG_BYTES: usize = 48;
pub(super) const IDENT_BYTES: usize = 32;

mod code {
    pub const EMPTY: u32 = 0xFFFF_0008;
    pub const BOOL: u32 = 0x0000_0008;
    pub const INT: u32 = 0x1000_0008;
    pub const BIT_SET: u32 = 0x1100_0008;
    pub const COLOR: u32 = 0x1200_0008;
    pub const FLOAT: u32 = 0x2000_0008;
    pub const DATE_TIME: u32 = 0x2100_0008;
    pub const FLOATS: u32 = 0x2001_FFFF;
    pub const TEXT: u32 = 0x4001_FFFF;
    pub const WIDE_TEXT: u32 = 0x4002_FFFF;
    pub const BLOB: u32 = 0xFFFF_FFFF;
}

impl Tag {
    /// Reads one tag that begins at byte `offset`, `room` bytes before a header must have ended;
    /// also gives the bytes read. What the tag claims is compared with `room` before anything is
    /// allocated.
    pub(super) fn read(
        input: &mut impl Read,
        offset: u64,
        room: u64,
    ) -> Result<(Tag, u64), TraceError> {
        let mut raw = [0u8; TAG_BYTES];
        read_header(input, &mut raw, offset)?;
        let (ident, rest) = raw.split_at(IDENT_BYTES);
        let ident = text_of(ident);
        let index = i32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
        let code = u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]]);
        let mut value = [0u8; 8];
        value.copy_from_slice(&rest[8..]);
        let word = u64::from_le_bytes(value);

        let follows = matches!(code, code::FLOATS | code::TEXT | code::WIDE_TEXT | code::BLOB);
        let length = if follows { word } else { 0 };
        if length > room.saturating_sub(TAG_BYTES as u64) {
            return Err(TraceError::TagTooLong { offset, ident, claimed: length });
        }
        let mut bytes = Vec::new();
        if follows {
            let begin = offset + TAG_BYTES as u64;
            let got = input.take(length).read_to_end(&mut bytes);
            got.map_err(|source| TraceError::Read { offset: begin, source })?;
            if bytes.len() as u64 != length {
                return Err(TraceError::HeaderTruncated { offset: begin + bytes.len() as u64 });
            }
        }
        let value = match code {
            code::EMPTY => TagValue::Empty,
            code::BOOL => TagValue::Bool(word != 0),
            code::INT => TagValue::Int(word as i64),
            code::BIT_SET => TagValue::BitSet(word),
            code::COLOR => TagValue::Color(word),
            code::FLOAT => TagValue::Float(f64::from_bits(word)),
            code::DATE_TIME => TagValue::DateTime(f64::from_bits(word)),
            code::FLOATS => TagValue::Floats(
                bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            ),
            code::TEXT => TagValue::Text(text_of(&bytes)),
            code::WIDE_TEXT => TagValue::WideText(wide_text_of(&bytes)),
            code::BLOB => TagValue::Blob(bytes),
            _ => return Err(TraceError::UnknownTagType { offset, ident, code }),
        };
        Ok((Tag { ident, index, value }, TAG_BYTES as u64 + length))
    }

    /// Writes the tag; names beyond 32 bytes are cut.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (code, word, bytes) = match &self.value {
            TagValue::Empty => (code::EMPTY, 0, Vec::new()),
            TagValue::Bool(v) => (code::BOOL, u64::from(*v), Vec::new()),
            TagValue::Int(v) => (code::INT, *v as u64, Vec::new()),
            TagValue::BitSet(v) => (code::BIT_SET, *v, Vec::new()),
            TagValue::Color(v) => (code::COLOR, *v, Vec::new()),
            TagValue::Float(v) => (code::FLOAT, v.to_bits(), Vec::new()),
            TagValue::DateTime(v) => (code::DATE_TIME, v.to_bits(), Vec::new()),
            TagValue::Floats(v) => followed(code::FLOATS, v.iter().flat_map(|f| f.to_le_bytes())),
            TagValue::Text(v) => followed(code::TEXT, padded(v.bytes())),
            TagValue::WideText(v) => {
                followed(code::WIDE_TEXT, padded(v.encode_utf16().flat_map(u16::to_le_bytes)))
            }
            TagValue::Blob(v) => followed(code::BLOB, v.iter().copied()),
        };
        let mut ident = [0u8; IDENT_BYTES];
        let length = self.ident.len().min(IDENT_BYTES);
        ident[..length].copy_from_slice(&self.ident.as_bytes()[..length]);
        out.write_all(&ident)?;
        out.write_all(&self.index.to_le_bytes())?;
        out.write_all(&code.to_le_bytes())?;
        out.write_all(&word.to_le_bytes())?;
        out.write_all(&bytes)
    }
}

fn followed(code: u32, bytes: impl Iterator<Item = u8>) -> (u32, u64, Vec<u8>) {
    let bytes: Vec<u8> = bytes.collect();
    (code, bytes.len() as u64, bytes)
}

/// Strings end with a zero and fill whole 8-byte words, as PicoQuant's own files do.
fn padded(text: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let mut bytes: Vec<u8> = text.collect();
    bytes.resize((bytes.len() / 8 + 1) * 8, 0);
    bytes.into_iter()
}

/// Text up to the first zero. Instruments write units such as µs in Latin-1.
pub(in crate::picoquant) fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.split(|b| *b == 0).next().unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

fn wide_text_of(bytes: &[u8]) -> String {
    let units = bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b));
    char::decode_utf16(units.take_while(|u| *u != 0))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(value: TagValue) {
        let tag = Tag { ident: "A_Tag".into(), index: 3, value };
        let mut bytes = Vec::new();
        tag.write(&mut bytes).unwrap();
        let (back, length) = Tag::read(&mut &bytes[..], 16, 1000).unwrap();
        assert_eq!((back, length), (tag, bytes.len() as u64));
    }

    #[test]
    fn every_type_of_tag_is_written_and_read() {
        round_trip(TagValue::Empty);
        round_trip(TagValue::Bool(true));
        round_trip(TagValue::Int(-5));
        round_trip(TagValue::BitSet(u64::MAX));
        round_trip(TagValue::Color(0xFF00FF));
        round_trip(TagValue::Float(1e-12));
        round_trip(TagValue::DateTime(45_000.25));
        round_trip(TagValue::Floats(vec![1.0, -2.5]));
        round_trip(TagValue::Text("25 km of fibre".into()));
        round_trip(TagValue::WideText("µs, Ω".into()));
        round_trip(TagValue::Blob(vec![0, 1, 2]));
    }

    #[test]
    fn latin_1_is_understood() {
        assert_eq!(text_of(b"10 \xb5s\0junk"), "10 µs");
    }
}
