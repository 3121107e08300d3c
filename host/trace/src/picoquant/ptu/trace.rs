//! A whole trace as a PTU file, chunk by chunk.

use helio_units::Ticks;

use super::{PtuWriter, WriterOptions};
use crate::writer::{Event, Output, Unkept, WriteSettings, Written, in_order};
use crate::{Chunk, RecordType, TraceWriter, WriteError, seconds_of, tick_length_of};

/// Detections, markers and sync edges as T2 records.
#[derive(Debug)]
pub(crate) struct PtuTrace<W: Output> {
    writer: PtuWriter<W>,
    reached: Ticks,
    records: u64,
    unkept: Unkept,
    all_kinds: bool,
}

impl<W: Output> PtuTrace<W> {
    pub(crate) fn new(out: W, settings: &WriteSettings) -> Result<Self, WriteError> {
        if tick_length_of(seconds_of(settings.tick)) != Some(settings.tick) {
            return Err(WriteError::Tick(settings.tick));
        }
        let options = WriterOptions {
            record_type: RecordType::HydraHarpV2T2,
            guid: settings.guid,
            created_unix_s: settings.created_unix_s,
            creator: settings.creator.clone(),
            creator_version: settings.creator_version.clone(),
            hardware: settings.hardware.clone(),
            comment: settings.comment.clone(),
        };
        Ok(PtuTrace {
            writer: PtuWriter::new(out, settings.tick, &options)?,
            reached: Ticks(0),
            records: 0,
            unkept: Unkept { fields: settings.tags.len() as u64, ..Unkept::default() },
            all_kinds: settings.all_kinds,
        })
    }
}

impl<W: Output> TraceWriter for PtuTrace<W> {
    fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WriteError> {
        self.unkept.dtimes += chunk.dtimes.len() as u64;
        self.reached = self.reached.max(chunk.reached);
        in_order(chunk, |tick, event| {
            match event {
                Event::Photon(channel, _) => self.writer.photon(tick, channel)?,
                Event::Marker(bits) if self.all_kinds => self.writer.marker(tick, bits)?,
                Event::Sync if self.all_kinds => self.writer.sync(tick)?,
                other => {
                    self.unkept.count(other);
                    return Ok(());
                }
            }
            self.records += 1;
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Result<Written, WriteError> {
        let mut out = self.writer.finish(self.reached)?;
        let bytes = out.stream_position()?;
        out.flush()?;
        Ok(Written { records: self.records, bytes, unkept: self.unkept })
    }
}
