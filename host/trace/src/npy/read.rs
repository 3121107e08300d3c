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
    /// Elements that the header claims, and those that have been read.
    claimed: u64,
    read: u64,
}

impl Npy {
    /// Detections may step back by `window`.
    pub(crate) fn new(header: &Header, window: Ticks) -> Npy {
        let rows = Rows::new(&header.table, window);
        Npy { fields: header.fields, rows, claimed: header.elements, read: 0 }
    }

    /// What is wrong with the array's length where the block ends, or behind the elements that were
    /// taken from it.
    fn wrong_length(
        &self,
        offset: u64,
        used: usize,
        block: usize,
        last: bool,
    ) -> Option<TraceError> {
        let (claimed, rows) = (self.claimed, self.read);
        let behind = offset + used as u64;
        match claimed {
            // A writer that counts while it writes, as this crate's does, has not come to its end.
            0 if last && rows > 0 => {
                let begin = behind - rows * self.fields.element_bytes as u64;
                Some(TraceError::TooManyRows { offset: begin, claimed })
            }
            0 => None,
            _ if rows == claimed && used < block => {
                Some(TraceError::TooManyRows { offset: behind, claimed })
            }
            // What is left of an element is told by whoever reads the blocks.
            _ if rows < claimed && last && used == block => {
                Some(TraceError::TooFewRows { offset: behind, claimed, rows })
            }
            _ => None,
        }
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
        let length = self.fields.element_bytes;
        let left = match self.claimed {
            0 => usize::MAX,
            claimed => usize::try_from(claimed - self.read).unwrap_or(usize::MAX),
        };
        let (mut at, mut used) = (offset, 0);
        let result = block.chunks_exact(length).take(left).try_for_each(|element| {
            let row =
                self.row(element).map_err(|what| TraceError::BadRecord { offset: at, what })?;
            self.rows.take(&row, at, chunk)?;
            at += length as u64;
            used += length;
            self.read += 1;
            Ok(())
        });
        let wrong = || self.wrong_length(offset, used, block.len(), last).map_or(Ok(used), Err);
        let result = result.and_then(|()| wrong());
        self.rows.line.end_block(last || result.is_err(), chunk);
        result
    }

    fn counts(&self) -> Counts {
        self.rows.counts()
    }
}
