//! The header of a PTU file: all its tags, in order, and the few that decide how records are read.

use std::io::Read;

use super::ident;
use super::tag::{TAG_BYTES, text_of};
use crate::format::PTU_MAGIC;
use crate::meta::{Dtime, Tag, float, int};
use crate::stream::read_header;
use crate::{Meta, RecordType, TraceError, TraceFormat, tick_length_of};

/// A header that claims to be longer is damaged: real ones have some thousands of bytes.
pub(in crate::picoquant) const MAX_HEADER_BYTES: u64 = 4 << 20;
/// Magic and version.
const PREAMBLE_BYTES: u64 = 16;

/// Reads a header and leaves `input` at the first record.
pub(crate) fn read(input: &mut impl Read) -> Result<Meta, TraceError> {
    let mut preamble = [0; PREAMBLE_BYTES as usize];
    read_header(input, &mut preamble, 0)?;
    let (tags, bytes, claimed_records_at) = read_tags(input)?;
    let code = int(&tags, ident::RECORD_TYPE)
        .ok_or(TraceError::MissingTag { ident: ident::RECORD_TYPE })?;
    let record_type = u32::try_from(code)
        .ok()
        .and_then(RecordType::from_code)
        .ok_or(TraceError::UnsupportedRecordType { code })?;
    let tick = resolution(&tags, ident::GLOBAL_RESOLUTION)?;
    let dtime = match record_type.is_t2() {
        true => None,
        false => Some(Dtime { unit: Some(resolution(&tags, ident::RESOLUTION)?), adds: true }),
    };
    Ok(Meta {
        format: TraceFormat::PicoQuantPtu,
        version: text_of(&preamble[PTU_MAGIC.len()..]),
        claimed_records: int(&tags, ident::RECORDS).and_then(|n| u64::try_from(n).ok()),
        tags,
        header_bytes: bytes,
        record_type: Some(record_type),
        tick,
        dtime,
        claimed_records_at,
        starts_at_zero: true,
        table: None,
    })
}

/// All tags, the byte behind them, and that at which the number of records stands.
fn read_tags(input: &mut impl Read) -> Result<(Vec<Tag>, u64, Option<u64>), TraceError> {
    let mut tags: Vec<Tag> = Vec::new();
    let (mut bytes, mut records_at) = (PREAMBLE_BYTES, None);
    while tags.last().is_none_or(|tag| tag.ident != ident::HEADER_END) {
        let room = MAX_HEADER_BYTES - bytes;
        if room < TAG_BYTES as u64 {
            return Err(TraceError::HeaderEndless { offset: bytes });
        }
        let (tag, length) = Tag::read(input, bytes, room)?;
        if tag.ident == ident::RECORDS && records_at.is_none() {
            records_at = Some(bytes + TAG_BYTES as u64 - 8);
        }
        bytes += length;
        tags.push(tag);
    }
    Ok((tags, bytes, records_at))
}

fn resolution(tags: &[Tag], ident: &'static str) -> Result<helio_units::TickLength, TraceError> {
    let seconds = float(tags, ident).ok_or(TraceError::MissingTag { ident })?;
    tick_length_of(seconds).ok_or(TraceError::UnusableResolution { ident, seconds })
}
