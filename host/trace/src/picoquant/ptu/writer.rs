//! Writes a PTU file that other programs open: T2 records, or T3 where detections have a dtime.

use std::io::{BufWriter, Seek, SeekFrom, Write};

use helio_units::Ticks;

use super::ident;
use super::tag::{IDENT_BYTES, TAG_BYTES};
use crate::format::PTU_MAGIC;
use crate::meta::{Tag, TagValue};
use crate::picoquant::record::{OVERFLOW_CHANNEL, T3_DTIME_BITS, T3_TIME_BITS, TIME_BITS};
use crate::writer::{Event, Output, Unkept, WriteSettings, Written, in_order};
use crate::{Chunk, Dtime, RecordType, TraceWriter, WriteError, seconds_of, tick_length_of};

/// The time field could count 2²⁵ − 1 overflows in one record, but some readers multiply count and
/// period in 32 bits (`ptufile` 2026.2.6 does); 63 · 2²⁵ fits even a signed 32-bit product. The ten
/// bits of T3 records hold at least as many.
const MAX_PERIODS_PER_RECORD: u64 = 63;
/// 2⁵⁷ ticks of T2, 40 hours of 1 ps. Without a limit one wild time would fill the disk with
/// overflow records.
const MAX_GAP_PERIODS: u64 = 1 << 32;

/// Writes events, in time order, as records; overflow records are made as needed, one for up to 63
/// wraps.
///
/// Only [`TraceWriter::finish`] writes the number of records and the acquisition time into the
/// header. A file that was not finished says 0 for both and is still readable to its end.
#[derive(Debug)]
pub(crate) struct PtuWriter<W: Output> {
    out: BufWriter<W>,
    /// Bits of the time field: ticks of T2, sync periods of T3.
    time_bits: u32,
    settings: WriteSettings,
    last: u64,
    reached: Ticks,
    periods: u64,
    /// All records, those of overflows included.
    records: u64,
    written: Written,
    /// Where the values of the two numbers that are known only at the end stand.
    records_at: u64,
    acquisition_at: u64,
}

impl<W: Output> PtuWriter<W> {
    /// Writes the header at the place where `out` stands, which must be its beginning.
    pub(crate) fn new(out: W, settings: &WriteSettings) -> Result<Self, WriteError> {
        let mut settings = settings.clone();
        // A dtime that is not added to the time of a sync pulse has no place in these records.
        settings.dtime = settings.dtime.filter(|dtime| dtime.adds && dtime.unit.is_some());
        let record_type = record_type(&settings)?;
        let kept = |tick| tick_length_of(seconds_of(tick)).ok_or(WriteError::Tick(tick));
        let tick = kept(settings.tick)?;
        // A sync period is what a rate counter once measured; a tick is exact, or all times are off.
        let exact = settings.dtime.and_then(|dtime| dtime.unit).unwrap_or(settings.tick);
        if kept(exact)? != exact {
            return Err(WriteError::Tick(exact));
        }
        let mut header = Vec::from(*PTU_MAGIC);
        header.extend(b"1.0.00\0\0");
        let (mut records_at, mut acquisition_at) = (0, 0);
        let (tags, fields) = header_tags(&settings, record_type);
        for tag in tags {
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
        let unkept = Unkept { fields, ..Unkept::default() };
        Ok(PtuWriter {
            out,
            time_bits: if record_type.is_t2() { TIME_BITS } else { T3_TIME_BITS },
            settings,
            last: 0,
            reached: Ticks(0),
            periods: 0,
            records: 0,
            written: Written::begun(tick, unkept),
            records_at,
            acquisition_at,
        })
    }

    fn event(&mut self, tick: Ticks, event: Event) -> Result<(), WriteError> {
        let out_of_range = |what, value| Err(WriteError::OutOfRange { what, value });
        let t3 = self.settings.dtime.is_some();
        let field = match event {
            Event::Photon(channel, _) if channel > 63 => {
                return out_of_range("channel", channel.into());
            }
            Event::Photon(_, dtime) if t3 && dtime >> T3_DTIME_BITS > 0 => {
                return out_of_range("dtime", dtime);
            }
            Event::Photon(channel, dtime) if t3 => {
                u32::from(channel) << TIME_BITS | u32::from(dtime) << T3_TIME_BITS
            }
            Event::Photon(channel, _) => u32::from(channel) << TIME_BITS,
            Event::Marker(bits) if self.settings.all_kinds => match bits {
                1..=15 => 1 << 31 | u32::from(bits) << TIME_BITS,
                _ => return out_of_range("marker", bits.into()),
            },
            Event::Sync if self.settings.all_kinds && !t3 => 1 << 31,
            other => {
                self.written.unkept.count(other);
                return Ok(());
            }
        };
        let time = self.advance(tick)?;
        self.record(field | time)?;
        self.written.records += 1;
        Ok(())
    }

    /// Moves to the overflow period of `tick` and gives the time within it.
    fn advance(&mut self, tick: Ticks) -> Result<u32, WriteError> {
        if tick.0 < self.last {
            return Err(WriteError::TimeWentBack { tick: tick.0, last: self.last });
        }
        let periods = tick.0 >> self.time_bits;
        if periods - self.periods > MAX_GAP_PERIODS {
            return Err(WriteError::GapTooLong { tick: tick.0, last: self.last });
        }
        self.last = tick.0;
        while self.periods < periods {
            let step = (periods - self.periods).min(MAX_PERIODS_PER_RECORD);
            self.periods += step;
            self.record(1 << 31 | OVERFLOW_CHANNEL << TIME_BITS | step as u32)?;
        }
        Ok(tick.0 as u32 & ((1 << self.time_bits) - 1))
    }

    fn record(&mut self, word: u32) -> Result<(), WriteError> {
        self.out.write_all(&word.to_le_bytes())?;
        self.records += 1;
        Ok(())
    }
}

impl<W: Output> TraceWriter for PtuWriter<W> {
    fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WriteError> {
        if self.settings.dtime.is_none() {
            self.written.unkept.dtimes += chunk.dtimes.len() as u64;
        }
        self.reached = self.reached.max(chunk.reached);
        in_order(chunk, |tick, event| self.event(tick, event))
    }

    /// Ends the trace where the chunks did, to the last whole overflow period.
    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        self.advance(self.reached.max(Ticks(self.last)))?;
        let ms = self.settings.tick.to_ps(Ticks(self.last)).map_or(0, |ps| ps.0 / 1_000_000_000);
        for (at, value) in [(self.records_at, self.records), (self.acquisition_at, ms as u64)] {
            self.out.seek(SeekFrom::Start(at))?;
            self.out.write_all(&value.to_le_bytes())?;
        }
        self.written.bytes = self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.written)
    }
}

/// The layout that was asked for, else the one that most programs know.
fn record_type(settings: &WriteSettings) -> Result<RecordType, WriteError> {
    use RecordType::*;
    let (default, generic) = match settings.dtime {
        Some(_) => (HydraHarpV2T3, GenericT3),
        None => (HydraHarpV2T2, GenericT2),
    };
    match settings.record_type {
        None => Ok(default),
        Some(asked) if asked == default || asked == generic => Ok(asked),
        Some(asked) => Err(WriteError::RecordType(asked)),
    }
}

/// The tags that PicoQuant's description calls mandatory, those that common readers look for, and the
/// source's own; also says how many of the latter have no place.
fn header_tags(settings: &WriteSettings, record_type: RecordType) -> (Vec<Tag>, u64) {
    // Readers take text in bytes for Windows-1252; what that might misread goes as UTF-16.
    let text = |ident: &str, value: &str| match value.is_ascii() {
        true => tag(ident, TagValue::Text(value.into())),
        false => tag(ident, TagValue::WideText(value.into())),
    };
    let int = |ident: &str, value: i64| tag(ident, TagValue::Int(value));
    let dtime = settings.dtime.and_then(|Dtime { unit, .. }| unit).unwrap_or(settings.tick);
    let mut tags = vec![
        text("File_GUID", &guid(&settings.guid)),
        text("CreatorSW_Name", &settings.creator),
        text("CreatorSW_Version", &settings.creator_version),
    ];
    if let Some(seconds) = settings.created_unix_s {
        tags.push(tag("File_CreatingTime", date_time(seconds)));
    }
    if !settings.comment.is_empty() {
        tags.push(text("File_Comment", &settings.comment));
    }
    tags.extend([
        int(ident::MODE, if record_type.is_t2() { 2 } else { 3 }),
        int(ident::SUB_MODE, 0),
        text(ident::HARDWARE, &settings.hardware),
        tag(ident::GLOBAL_RESOLUTION, TagValue::Float(seconds_of(settings.tick))),
        tag(ident::RESOLUTION, TagValue::Float(seconds_of(dtime))),
        int(ident::ACQUISITION_TIME, 0),
        int(ident::RECORD_TYPE, i64::from(record_type.code())),
        int(ident::BITS_PER_RECORD, 32),
        int(ident::STOP_AFTER, 0),
        int(ident::RECORDS, 0),
    ]);
    let fits = |tag: &&Tag| !tag.ident.is_empty() && tag.ident.len() <= IDENT_BYTES;
    let kept: Vec<Tag> = settings
        .tags
        .iter()
        .filter(fits)
        .filter(|kept| tags.iter().all(|own| own.ident != kept.ident))
        .filter(|kept| kept.ident != ident::HEADER_END)
        .cloned()
        .collect();
    let too_long = settings.tags.iter().filter(|tag| !fits(tag)).count() as u64;
    tags.extend(kept);
    if tags.iter().all(|tag| tag.ident != ident::SYNC_RATE) {
        tags.push(int(ident::SYNC_RATE, 0));
    }
    tags.push(tag(ident::HEADER_END, TagValue::Empty));
    (tags, too_long)
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
