//! qutools quTAG in its binary form: 40 bytes of header, then records of 10 bytes, time in ps (8)
//! and channel (2), little-endian.
//!
//! Each channel is in order, the merged file is not: it steps back by tens of nanoseconds. The four
//! bytes at byte 4 were the file's size in the files that this was seen in; a file that grew since
//! says less, one that was cut says more.

use std::io::Read;

use helio_units::TickLength;

use crate::meta::{Tag, TagValue};
use crate::order::{Record, Timeline};
use crate::stream::read_header;
use crate::{Chunk, Meta, TraceError, TraceFormat};

pub(crate) const BYTES: usize = 10;
pub(crate) const HEADER_BYTES: usize = 40;

/// Reads the header and leaves `input` at the first record.
pub(crate) fn read(input: &mut impl Read, tick: TickLength) -> Result<Meta, TraceError> {
    let mut header = [0; HEADER_BYTES];
    read_header(input, &mut header, 0)?;
    let size = claimed_size(&header);
    let claimed = size.checked_sub(HEADER_BYTES as u64).map(|bytes| bytes / BYTES as u64);
    let field = |ident: &str, value| Tag { ident: ident.into(), index: -1, value };
    Ok(Meta {
        tags: vec![
            field("FileSize", TagValue::Int(size as i64)),
            field("Header", TagValue::Blob(header.to_vec())),
        ],
        header_bytes: HEADER_BYTES as u64,
        claimed_records: claimed.filter(|records| *records > 0),
        claimed_records_at: Some(4),
        ..Meta::headless(TraceFormat::QuTag, tick)
    })
}

/// What the header says of the file's size.
pub(crate) fn claimed_size(header: &[u8; HEADER_BYTES]) -> u64 {
    u64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]))
}

pub(crate) fn fields(bytes: &[u8; BYTES]) -> (u64, u16) {
    let [t @ .., a, b] = bytes;
    (u64::from_le_bytes(*t), u16::from_le_bytes([*a, *b]))
}

pub(crate) struct QuTag;

impl Record<BYTES> for QuTag {
    #[inline]
    fn read(
        &mut self,
        bytes: &[u8; BYTES],
        offset: u64,
        line: &mut Timeline,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        let (tick, channel) = fields(bytes);
        match u8::try_from(channel) {
            Ok(channel) => line.photon(tick, channel, offset, chunk),
            Err(_) => {
                line.counts.unknown_records += 1;
                Ok(())
            }
        }
    }
}
