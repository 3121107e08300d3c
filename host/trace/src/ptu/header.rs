//! The header of a PTU file: all its tags, in order, and the few that decide how records are read.

use std::io::Read;

use helio_units::TickLength;

use super::tag::{TAG_BYTES, Tag, TagValue, text_of};
use super::{RecordType, ident};
use crate::format::{PTU_MAGIC, describe_head};
use crate::{TraceError, tick_length_of};

/// A header that claims to be longer is damaged: real ones have some thousands of bytes.
pub(super) const MAX_HEADER_BYTES: u64 = 4 << 20;
/// Magic and version.
const PREAMBLE_BYTES: u64 = 16;

/// Everything that a PTU file says before its records.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The version of the container, such as `1.0.00`.
    pub version: String,
    /// All tags, in the order of the file, `Header_End` included.
    pub tags: Vec<Tag>,
    /// Length of the header: the byte at which the records begin.
    pub bytes: u64,
    /// The layout of the records.
    pub record_type: RecordType,
    /// The exact length of a tick, from `MeasDesc_GlobalResolution`.
    pub tick: TickLength,
}

impl Header {
    /// Reads a header and leaves `input` at the first record.
    pub(super) fn read(input: &mut impl Read) -> Result<Header, TraceError> {
        let version = read_preamble(input)?;
        let mut tags: Vec<Tag> = Vec::new();
        let mut bytes = PREAMBLE_BYTES;
        while tags.last().is_none_or(|tag| tag.ident != ident::HEADER_END) {
            let room = MAX_HEADER_BYTES - bytes;
            if room < TAG_BYTES as u64 {
                return Err(TraceError::HeaderEndless { offset: bytes });
            }
            let (tag, length) = Tag::read(input, bytes, room)?;
            bytes += length;
            tags.push(tag);
        }
        let code = int(&tags, ident::RECORD_TYPE)
            .ok_or(TraceError::MissingTag { ident: ident::RECORD_TYPE })?;
        let record_type = u32::try_from(code)
            .ok()
            .and_then(RecordType::from_code)
            .ok_or(TraceError::UnsupportedRecordType { code })?;
        if !record_type.is_t2() {
            return Err(TraceError::T3(record_type));
        }
        let seconds = float(&tags, ident::GLOBAL_RESOLUTION)
            .ok_or(TraceError::MissingTag { ident: ident::GLOBAL_RESOLUTION })?;
        let tick = tick_length_of(seconds).ok_or(TraceError::UnusableResolution { seconds })?;
        Ok(Header { version, tags, bytes, record_type, tick })
    }

    /// The first tag of this name.
    pub fn tag(&self, ident: &str) -> Option<&TagValue> {
        find(&self.tags, ident)
    }

    /// A whole number; `None` where the tag is absent or of another type.
    pub fn int(&self, ident: &str) -> Option<i64> {
        int(&self.tags, ident)
    }

    /// A real number; `None` where the tag is absent or of another type.
    pub fn float(&self, ident: &str) -> Option<f64> {
        float(&self.tags, ident)
    }

    /// A text; `None` where the tag is absent or of another type.
    pub fn text(&self, ident: &str) -> Option<&str> {
        match self.tag(ident)? {
            TagValue::Text(text) | TagValue::WideText(text) => Some(text),
            _ => None,
        }
    }

    /// How many records the header claims; a file that was cut, or whose recording was broken
    /// off, holds another number.
    pub fn claimed_records(&self) -> Option<u64> {
        u64::try_from(self.int(ident::RECORDS)?).ok()
    }

    /// The instrument's name.
    pub fn hardware(&self) -> Option<&str> {
        self.text(ident::HARDWARE)
    }
}

fn read_preamble(input: &mut impl Read) -> Result<String, TraceError> {
    let mut head = Vec::with_capacity(PREAMBLE_BYTES as usize);
    let got = input.by_ref().take(PREAMBLE_BYTES).read_to_end(&mut head);
    got.map_err(|source| TraceError::Read { offset: head.len() as u64, source })?;
    if !head.starts_with(PTU_MAGIC) {
        return Err(TraceError::NotPtu { found: describe_head(&head) });
    }
    if (head.len() as u64) < PREAMBLE_BYTES {
        return Err(TraceError::HeaderTruncated { offset: head.len() as u64 });
    }
    Ok(text_of(&head[PTU_MAGIC.len()..]))
}

fn find<'a>(tags: &'a [Tag], ident: &str) -> Option<&'a TagValue> {
    tags.iter().find(|tag| tag.ident == ident).map(|tag| &tag.value)
}

fn int(tags: &[Tag], ident: &str) -> Option<i64> {
    match find(tags, ident)? {
        TagValue::Int(value) => Some(*value),
        _ => None,
    }
}

fn float(tags: &[Tag], ident: &str) -> Option<f64> {
    match find(tags, ident)? {
        TagValue::Float(value) => Some(*value),
        _ => None,
    }
}
