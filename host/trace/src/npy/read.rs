//! Reads the array.

use std::io::Read;

use helio_units::Ticks;

use super::header::{Field, Fields, Header};
use crate::format::NPY_MAGIC;
use crate::stream::{Decode, read_header};
use crate::table::{Row, Rows, channel_of};
use crate::units::CsvUnit;
use crate::{Chunk, Counts, Meta, TraceError, TraceFormat};

/// NumPy itself refuses longer ones.
const MAX_HEADER_BYTES: u32 = 10_000;
const BLOCK_ELEMENTS: usize = 8192;

/// Reads the header and leaves `input` at the first element.
pub(crate) fn read(
    input: &mut impl Read,
    unit: Option<CsvUnit>,
) -> Result<(Meta, Header), TraceError> {
    let mut preamble = [0; 8];
    read_header(input, &mut preamble, 0)?;
    let major = preamble[NPY_MAGIC.len()];
    let mut length = [0; 4];
    let length_bytes = match major {
        1 => 2,
        2 | 3 => 4,
        _ => {
            let version = format!("{major}.{}", preamble[NPY_MAGIC.len() + 1]);
            return Err(TraceError::UnsupportedVersion { offset: 6, version });
        }
    };
    read_header(input, &mut length[..length_bytes], 8)?;
    let length = u32::from_le_bytes(length);
    let begin = 8 + length_bytes as u64;
    let bad = |what| TraceError::BadRecord { offset: begin, what };
    if length > MAX_HEADER_BYTES {
        return Err(bad("a header longer than any array's"));
    }
    let mut text = vec![0; length as usize];
    read_header(input, &mut text, begin)?;
    let header = Header::parse(&text, unit).map_err(bad)?;
    let meta = Meta {
        version: format!("{major}.{}", preamble[NPY_MAGIC.len() + 1]),
        header_bytes: begin + u64::from(length),
        dtime: header.table.dtime_meaning(),
        claimed_records: Some(header.elements),
        table: Some(header.table),
        ..Meta::headless(TraceFormat::Npy, header.table.tick)
    };
    Ok((meta, header))
}

/// Decodes elements.
#[derive(Debug)]
pub(crate) struct Npy {
    fields: Fields,
    rows: Rows,
}

impl Npy {
    /// Detections may step back by `window`.
    pub(crate) fn new(header: &Header, window: Ticks) -> Npy {
        Npy { fields: header.fields, rows: Rows::new(&header.table, window) }
    }

    fn row(&self, element: &[u8]) -> Result<Row, &'static str> {
        let small = |field: Option<Field>, what| match field {
            None => Ok(0),
            Some(field) => field.get(element).and_then(|n| u16::try_from(n).ok()).ok_or(what),
        };
        let channel = match self.fields.channel {
            None => 0,
            Some(field) => {
                field.get(element).and_then(channel_of).ok_or("an impossible channel")?
            }
        };
        let time = self.fields.time.get(element).ok_or("a time beyond 2^63")?;
        Ok(Row {
            time: u64::try_from(time).map_err(|_| "a time before zero")?,
            channel,
            dtime: small(self.fields.dtime, "a dtime beyond 2^16")?,
            kind: small(self.fields.kind, "a kind of row beyond 7")?.min(255) as u8,
            missed: small(self.fields.missed, "more missed detections than 2^16")?,
        })
    }
}

impl Decode for Npy {
    fn block_bytes(&self) -> usize {
        BLOCK_ELEMENTS * self.fields.element_bytes
    }

    fn decode(
        &mut self,
        block: &[u8],
        offset: u64,
        last: bool,
        chunk: &mut Chunk,
    ) -> Result<usize, TraceError> {
        let elements = block.chunks_exact(self.fields.element_bytes);
        let used = block.len() - elements.remainder().len();
        let mut at = offset;
        let result = elements.into_iter().try_for_each(|element| {
            let row =
                self.row(element).map_err(|what| TraceError::BadRecord { offset: at, what })?;
            self.rows.take(&row, at, chunk)?;
            at += self.fields.element_bytes as u64;
            Ok(())
        });
        self.rows.line.end_block(last || result.is_err(), chunk);
        result.map(|()| used)
    }

    fn counts(&self) -> Counts {
        self.rows.counts()
    }
}
