//! Writes a PTU file in T2 mode that other programs open.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use helio_units::{TickLength, Ticks};

use super::ident;
use super::tag::TAG_BYTES;
use crate::format::PTU_MAGIC;
use crate::meta::{Tag, TagValue};
use crate::picoquant::record::{OVERFLOW_CHANNEL, TIME_BITS, TIME_MASK};
use crate::{RecordType, WriteError, seconds_of};

/// The time field could count 2²⁵ − 1 overflows in one record, but some readers multiply count and
/// period in 32 bits (`ptufile` 2026.2.6 does); 63 · 2²⁵ fits even a signed 32-bit product.
const MAX_PERIODS_PER_RECORD: u64 = 63;
/// 2⁵⁷ ticks, 40 hours of 1 ps. Without a limit one wild time would fill the disk with overflow
/// records.
const MAX_GAP_PERIODS: u64 = 1 << 32;

/// What the header says beside the records.
#[derive(Clone, Debug, PartialEq)]
pub struct WriterOptions {
    /// [`RecordType::HydraHarpV2T2`] or [`RecordType::GenericT2`].
    pub record_type: RecordType,
    /// A number that no other recording has.
    pub guid: [u8; 16],
    /// When the recording began, in seconds since 1970-01-01 UTC, where known.
    pub created_unix_s: Option<f64>,
    /// The program that writes.
    pub creator: String,
    /// Its version.
    pub creator_version: String,
    /// The instrument that took the data.
    pub hardware: String,
    /// A line for the reader; empty for none.
    pub comment: String,
}

/// Writes events, in time order, as records; overflow records are made as needed, one for up to 63
/// wraps.
///
/// Only [`PtuWriter::finish`] writes the number of records and the acquisition time into the
/// header. A file that was not finished says 0 for both and is still readable to its end.
#[derive(Debug)]
pub struct PtuWriter<W: Write + Seek> {
    out: BufWriter<W>,
    tick: TickLength,
    last: u64,
    periods: u64,
    records: u64,
    /// Where the values of the two numbers that are known only at the end stand.
    records_at: u64,
    acquisition_at: u64,
}

impl<W: Write + Seek> PtuWriter<W> {
    /// Writes the header at the place where `out` stands, which must be its beginning.
    ///
    /// # Errors
    /// A record type that is read only, or `out` fails.
    pub fn new(out: W, tick: TickLength, options: &WriterOptions) -> Result<Self, WriteError> {
        if !matches!(options.record_type, RecordType::HydraHarpV2T2 | RecordType::GenericT2) {
            return Err(WriteError::RecordType(options.record_type));
        }
        let mut header = Vec::from(*PTU_MAGIC);
        header.extend(b"1.0.00\0\0");
        let (mut records_at, mut acquisition_at) = (0, 0);
        for tag in header_tags(tick, options) {
            let value_at = (header.len() + TAG_BYTES - 8) as u64;
            match tag.ident.as_str() {
                ident::RECORDS => records_at = value_at,
                ident::ACQUISITION_TIME => acquisition_at = value_at,
                _ => {}
            }
            tag.write(&mut header)?;
        }
        let mut out = BufWriter::new(out);
        out.write_all(&header)?;
        Ok(PtuWriter { out, tick, last: 0, periods: 0, records: 0, records_at, acquisition_at })
    }

    /// Writes a detection.
    ///
    /// # Errors
    /// A channel above 63, a time before the last event's, or the output fails.
    pub fn photon(&mut self, tick: Ticks, channel: u8) -> Result<(), WriteError> {
        if channel > 63 {
            return Err(WriteError::OutOfRange { what: "channel", value: channel.into() });
        }
        let time = self.advance(tick)?;
        self.record(u32::from(channel) << TIME_BITS | time)
    }

    /// Writes edges on the marker inputs, one bit each.
    ///
    /// # Errors
    /// Bits other than 1 to 15, a time before the last event's, or the output fails.
    pub fn marker(&mut self, tick: Ticks, bits: u8) -> Result<(), WriteError> {
        if !(1..=15).contains(&bits) {
            return Err(WriteError::OutOfRange { what: "marker", value: bits.into() });
        }
        let time = self.advance(tick)?;
        self.record(1 << 31 | u32::from(bits) << TIME_BITS | time)
    }

    /// Writes an edge on the sync input.
    ///
    /// # Errors
    /// A time before the last event's, or the output fails.
    pub fn sync(&mut self, tick: Ticks) -> Result<(), WriteError> {
        let time = self.advance(tick)?;
        self.record(1 << 31 | time)
    }

    /// Ends the trace at tick `end`, or at the last event where that is later, completes the header
    /// and gives the output back.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self, end: Ticks) -> Result<W, WriteError> {
        self.advance(end.max(Ticks(self.last)))?;
        let ms = self.tick.to_ps(Ticks(self.last)).map_or(0, |ps| ps.0 / 1_000_000_000);
        for (at, value) in [(self.records_at, self.records), (self.acquisition_at, ms as u64)] {
            self.out.seek(SeekFrom::Start(at))?;
            self.out.write_all(&value.to_le_bytes())?;
        }
        self.out.seek(SeekFrom::End(0))?;
        Ok(self.out.into_inner().map_err(io::IntoInnerError::into_error)?)
    }

    /// Moves to the overflow period of `tick` and gives the time within it.
    fn advance(&mut self, tick: Ticks) -> Result<u32, WriteError> {
        if tick.0 < self.last {
            return Err(WriteError::TimeWentBack { tick: tick.0, last: self.last });
        }
        let periods = tick.0 >> TIME_BITS;
        if periods - self.periods > MAX_GAP_PERIODS {
            return Err(WriteError::GapTooLong { tick: tick.0, last: self.last });
        }
        self.last = tick.0;
        while self.periods < periods {
            let step = (periods - self.periods).min(MAX_PERIODS_PER_RECORD);
            self.periods += step;
            self.record(1 << 31 | OVERFLOW_CHANNEL << TIME_BITS | step as u32)?;
        }
        Ok(tick.0 as u32 & TIME_MASK)
    }

    fn record(&mut self, word: u32) -> Result<(), WriteError> {
        self.out.write_all(&word.to_le_bytes())?;
        self.records += 1;
        Ok(())
    }
}

/// The tags that PicoQuant's description calls mandatory, and those that common readers look for.
fn header_tags(tick: TickLength, options: &WriterOptions) -> Vec<Tag> {
    // Readers take text in bytes for Windows-1252; what that might misread goes as UTF-16.
    let text = |ident: &str, value: &str| match value.is_ascii() {
        true => tag(ident, TagValue::Text(value.into())),
        false => tag(ident, TagValue::WideText(value.into())),
    };
    let int = |ident: &str, value: i64| tag(ident, TagValue::Int(value));
    let resolution = seconds_of(tick);
    let mut tags = vec![
        text("File_GUID", &guid(&options.guid)),
        text("CreatorSW_Name", &options.creator),
        text("CreatorSW_Version", &options.creator_version),
    ];
    if let Some(seconds) = options.created_unix_s {
        tags.push(tag("File_CreatingTime", date_time(seconds)));
    }
    if !options.comment.is_empty() {
        tags.push(text("File_Comment", &options.comment));
    }
    tags.extend([
        int(ident::MODE, 2),
        int(ident::SUB_MODE, 0),
        text(ident::HARDWARE, &options.hardware),
        tag(ident::GLOBAL_RESOLUTION, TagValue::Float(resolution)),
        tag(ident::RESOLUTION, TagValue::Float(resolution)),
        int(ident::ACQUISITION_TIME, 0),
        int(ident::RECORD_TYPE, i64::from(options.record_type.code())),
        int(ident::BITS_PER_RECORD, 32),
        int(ident::SYNC_RATE, 0),
        int(ident::STOP_AFTER, 0),
        int(ident::RECORDS, 0),
        tag(ident::HEADER_END, TagValue::Empty),
    ]);
    tags
}

/// The time so many seconds after the beginning of 1970 UTC.
pub(crate) fn date_time(unix_s: f64) -> TagValue {
    /// From the end of 1899-12-29, where the format counts days from, to 1970-01-01.
    const DAYS_TO_1970: f64 = 25_569.0;
    TagValue::DateTime(DAYS_TO_1970 + unix_s / 86_400.0)
}

fn tag(ident: &str, value: TagValue) -> Tag {
    Tag { ident: ident.into(), index: -1, value }
}

/// A recording's own number as text.
pub(crate) fn guid(bytes: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*bytes);
    let part = |shift: u32, digits: usize| {
        let value = number >> shift & ((1 << (4 * digits)) - 1);
        format!("{value:0digits$X}")
    };
    let parts = [part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12)];
    format!("{{{}}}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_written_in_its_usual_form() {
        let bytes = *b"\x59\xF8\x80\x80\xA3\xB0\x47\x64\x86\x93\x8B\x71\x48\xA0\xD3\xBE";
        assert_eq!(guid(&bytes), "{59F88080-A3B0-4764-8693-8B7148A0D3BE}");
    }
}
