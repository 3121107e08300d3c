//! What stands before the blocks: how long a tick is, what dtimes mean, and fields for people.

use std::io::Read;

use helio_units::TickLength;

use super::cursor::Cursor;
use crate::format::RECORDING_MAGIC;
use crate::meta::{Tag, TagValue};
use crate::picoquant::ptu::{date_time, guid};
use crate::stream::read_header;
use crate::{Dtime, Meta, TraceError, TraceFormat, WriteSettings};

/// The version that is written and read.
const VERSION: u16 = 1;
/// Up to here the header has one length.
const FIXED_BYTES: usize = 44;
const CRC_BYTES: usize = 4;
/// Longer ones are damage: nobody writes so many fields.
const MAX_BYTES: u32 = 1 << 24;

const STARTS_AT_ZERO: u16 = 1;
const HAS_DTIME: u16 = 2;
const DTIME_ADDS: u16 = 4;
const DTIME_HAS_UNIT: u16 = 8;
/// All of them.
const FLAGS: u16 = 15;

/// The fields of a recording's header: those of its source, and what is known of this one under
/// PicoQuant's names for it, so that readers ask for one name.
pub(super) fn fields(settings: &WriteSettings) -> Vec<Tag> {
    let text = |value: &str| (!value.is_empty()).then(|| TagValue::Text(value.into()));
    let guid = (settings.guid != [0; 16]).then(|| TagValue::Text(guid(&settings.guid)));
    let known = [
        ("File_GUID", guid),
        ("CreatorSW_Name", text(&settings.creator)),
        ("CreatorSW_Version", text(&settings.creator_version)),
        ("File_CreatingTime", settings.created_unix_s.map(date_time)),
        ("File_Comment", text(&settings.comment)),
        ("HW_Type", text(&settings.hardware)),
    ];
    let field = |(ident, value): (&str, Option<TagValue>)| {
        Some(Tag { ident: ident.into(), index: -1, value: value? })
    };
    let mut fields: Vec<Tag> = known.into_iter().filter_map(field).collect();
    let own = fields.len();
    for tag in &settings.tags {
        if fields[..own].iter().all(|field| field.ident != tag.ident) {
            fields.push(tag.clone());
        }
    }
    fields
}

/// The header's bytes; fields with more than 2¹⁶ bytes in their name, or 2²⁴ in all, are refused
/// with `None`.
pub(super) fn to_bytes(meta: &Meta) -> Option<Vec<u8>> {
    let unit = meta.dtime.and_then(|dtime| dtime.unit);
    let flag = |set: bool, flag: u16| if set { flag } else { 0 };
    let flags = flag(meta.starts_at_zero, STARTS_AT_ZERO)
        | flag(meta.dtime.is_some(), HAS_DTIME)
        | flag(meta.dtime.is_some_and(|dtime| dtime.adds), DTIME_ADDS)
        | flag(unit.is_some(), DTIME_HAS_UNIT);
    let mut bytes = Vec::from(*RECORDING_MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(meta.tick.numerator_ps().to_le_bytes());
    bytes.extend(meta.tick.denominator().to_le_bytes());
    bytes.extend(u32::try_from(meta.tags.len()).ok()?.to_le_bytes());
    bytes.extend(unit.map_or(0, TickLength::numerator_ps).to_le_bytes());
    bytes.extend(unit.map_or(0, TickLength::denominator).to_le_bytes());
    for tag in &meta.tags {
        let (kind, value) = value_bytes(&tag.value);
        bytes.push(kind);
        bytes.extend(tag.index.to_le_bytes());
        bytes.extend(u16::try_from(tag.ident.len()).ok()?.to_le_bytes());
        bytes.extend(u32::try_from(value.len()).ok()?.to_le_bytes());
        bytes.extend(tag.ident.as_bytes());
        bytes.extend(value);
    }
    let length =
        u32::try_from(bytes.len() + CRC_BYTES).ok().filter(|length| *length <= MAX_BYTES)?;
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    Some(bytes)
}

/// Reads the header of a file that stands at its first byte.
pub(super) fn read(input: &mut impl Read) -> Result<Meta, TraceError> {
    let mut bytes = vec![0; FIXED_BYTES];
    read_header(input, &mut bytes, 0)?;
    let field = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    if !bytes.starts_with(RECORDING_MAGIC) {
        return Err(TraceError::BadHeader { offset: 0, what: "another name than its format's" });
    }
    if field(8) != VERSION {
        return Err(TraceError::UnsupportedVersion { offset: 8, version: field(8).to_string() });
    }
    let flags = field(10);
    let of_dtimes = DTIME_ADDS | DTIME_HAS_UNIT;
    if flags > FLAGS || (flags & HAS_DTIME == 0 && flags & of_dtimes != 0) {
        return Err(TraceError::BadHeader { offset: 10, what: "flags that no writer sets" });
    }
    let length = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    if !(FIXED_BYTES as u32 + CRC_BYTES as u32..=MAX_BYTES).contains(&length) {
        return Err(TraceError::BadHeader { offset: 12, what: "an impossible length of itself" });
    }
    let rest = u64::from(length) - FIXED_BYTES as u64;
    let offset = FIXED_BYTES as u64;
    let read = input.take(rest).read_to_end(&mut bytes);
    read.map_err(|source| TraceError::Read { offset, source })?;
    if bytes.len() < length as usize {
        return Err(TraceError::HeaderTruncated { offset: bytes.len() as u64 });
    }
    let (said, crc) = bytes.split_at(bytes.len() - CRC_BYTES);
    if crc32fast::hash(said).to_le_bytes() != crc {
        let offset = said.len() as u64;
        return Err(TraceError::BadHeader { offset, what: "another checksum than its header" });
    }
    parse(said, flags, length)
}

/// The fields of a header whose checksum is right.
fn parse(said: &[u8], flags: u16, length: u32) -> Result<Meta, TraceError> {
    let mut from = Cursor::new(said, said.len());
    let what = "a field that no writer makes";
    let bad = |from: &Cursor<'_>| TraceError::BadHeader { offset: from.at() as u64, what };
    let rational = |from: &mut Cursor<'_>| {
        let numerator = from.u64()?;
        TickLength::new(numerator, from.u32()?).ok()
    };
    _ = from.take(16);
    let tick = rational(&mut from).ok_or_else(|| bad(&from))?;
    let count = from.u32().ok_or_else(|| bad(&from))?;
    let dtime = match (flags & HAS_DTIME != 0, flags & DTIME_HAS_UNIT != 0) {
        (true, true) => {
            let unit = Some(rational(&mut from).ok_or_else(|| bad(&from))?);
            Some(Dtime { unit, adds: flags & DTIME_ADDS != 0 })
        }
        (has, _) => {
            if from.array() != Some([0; 12]) {
                return Err(bad(&from));
            }
            has.then_some(Dtime { unit: None, adds: flags & DTIME_ADDS != 0 })
        }
    };
    let mut tags = Vec::new();
    for _ in 0..count {
        tags.push(tag(&mut from).ok_or_else(|| bad(&from))?);
    }
    if !from.is_at_end() {
        return Err(bad(&from));
    }
    Ok(Meta {
        version: VERSION.to_string(),
        tags,
        header_bytes: length.into(),
        dtime,
        starts_at_zero: flags & STARTS_AT_ZERO != 0,
        ..Meta::headless(TraceFormat::Recording, tick)
    })
}

fn tag(from: &mut Cursor<'_>) -> Option<Tag> {
    let kind = from.u8()?;
    let index = i32::from_le_bytes(from.array()?);
    let (name, length) = (usize::from(from.u16()?), from.u32()? as usize);
    let ident = String::from_utf8(from.take(name)?[..name].into()).ok()?;
    let value = &from.take(length)?[..length];
    Some(Tag { ident, index, value: value_of(kind, value)? })
}

/// The number of a value's type, and its bytes.
fn value_bytes(value: &TagValue) -> (u8, Vec<u8>) {
    match value {
        TagValue::Empty => (0, Vec::new()),
        TagValue::Bool(value) => (1, vec![(*value).into()]),
        TagValue::Int(value) => (2, value.to_le_bytes().into()),
        TagValue::BitSet(value) => (3, value.to_le_bytes().into()),
        TagValue::Color(value) => (4, value.to_le_bytes().into()),
        TagValue::Float(value) => (5, value.to_le_bytes().into()),
        TagValue::DateTime(value) => (6, value.to_le_bytes().into()),
        TagValue::Floats(values) => (7, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        TagValue::Text(text) => (8, text.as_bytes().into()),
        TagValue::WideText(text) => (9, text.as_bytes().into()),
        TagValue::Blob(bytes) => (10, bytes.clone()),
    }
}

fn value_of(kind: u8, bytes: &[u8]) -> Option<TagValue> {
    let eight = || Some(u64::from_le_bytes(bytes.try_into().ok()?));
    let text = || String::from_utf8(bytes.into()).ok();
    Some(match kind {
        0 if bytes.is_empty() => TagValue::Empty,
        1 => match bytes {
            [value @ 0..=1] => TagValue::Bool(*value == 1),
            _ => return None,
        },
        2 => TagValue::Int(eight()? as i64),
        3 => TagValue::BitSet(eight()?),
        4 => TagValue::Color(eight()?),
        5 => TagValue::Float(f64::from_bits(eight()?)),
        6 => TagValue::DateTime(f64::from_bits(eight()?)),
        7 => match bytes.as_chunks() {
            (values, []) => {
                TagValue::Floats(values.iter().map(|v| f64::from_le_bytes(*v)).collect())
            }
            _ => return None,
        },
        8 => TagValue::Text(text()?),
        9 => TagValue::WideText(text()?),
        10 => TagValue::Blob(bytes.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        let values = [
            TagValue::Empty,
            TagValue::Bool(true),
            TagValue::Int(-5),
            TagValue::BitSet(u64::MAX),
            TagValue::Color(7),
            TagValue::Float(-0.5),
            TagValue::DateTime(45_000.25),
            TagValue::Floats(vec![1.5, f64::INFINITY]),
            TagValue::Text("Grüße".into()),
            TagValue::WideText(String::new()),
            TagValue::Blob(vec![0, 255]),
        ];
        let tag = |(i, value)| Tag { ident: format!("Field{i}"), index: i - 1, value };
        Meta {
            version: "1".into(),
            tags: (0..).zip(values).map(tag).collect(),
            dtime: Some(Dtime { unit: TickLength::new(125, 32).ok(), adds: true }),
            starts_at_zero: true,
            ..Meta::headless(TraceFormat::Recording, TickLength::CYCLE_150_MHZ)
        }
    }

    #[test]
    fn all_that_a_header_says_comes_back() {
        let units = [None, Some(Dtime { unit: None, adds: false }), meta().dtime];
        for dtime in units {
            let meta = Meta { dtime, ..meta() };
            let bytes = to_bytes(&meta).unwrap();
            let again = read(&mut &bytes[..]).unwrap();
            assert_eq!(again, Meta { header_bytes: bytes.len() as u64, ..meta });
        }
    }

    #[test]
    fn a_bit_flipped_or_a_byte_lost_anywhere_is_told_with_its_place() {
        let bytes = to_bytes(&meta()).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let fault = read(&mut &bytes[..]).unwrap_err().to_string();
            assert!(fault.contains("byte "), "{fault}");
        }
        for length in 0..bytes.len() {
            let fault = read(&mut &bytes[..length]).unwrap_err().to_string();
            assert!(fault.contains(&format!("byte {length}")), "{fault}");
        }
    }

    #[test]
    fn a_header_that_claims_the_memory_is_refused_or_read_to_its_end() {
        for (at, claim) in [(12, u32::MAX), (12, 5), (12, 1 << 24), (28, u32::MAX)] {
            let mut bytes = to_bytes(&meta()).unwrap();
            bytes[at..at + 4].copy_from_slice(&claim.to_le_bytes());
            let end = bytes.len() - 4;
            let crc = crc32fast::hash(&bytes[..end]);
            bytes[end..].copy_from_slice(&crc.to_le_bytes());
            assert!(read(&mut &bytes[..]).unwrap_err().to_string().contains("byte "));
        }
    }
}
