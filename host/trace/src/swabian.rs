//! Swabian Instruments' 16-byte tags, as a program that takes the raw stream writes them.
//!
//! Type 1 byte, reserved 1, missed events 2, channel 4 (signed), time 8 (signed, ps), all
//! little-endian. Types: 0 a tag, 1 an error of the clock, 2 begin and 3 end of an overflow, 4 missed
//! events. Source: struct `Tag` in Swabian's Time Tagger C++ API; no recording was at hand. A
//! negative channel is the falling edge of an input.

use helio_units::Ticks;

use crate::chunk::edge_channel;
use crate::order::{Record, Timeline};
use crate::{Chunk, Loss, LossKind, TraceError};

pub(crate) const BYTES: usize = 16;

/// The fields of a tag.
pub(crate) struct Fields {
    pub(crate) kind: u8,
    pub(crate) reserved: u8,
    pub(crate) missed: u16,
    pub(crate) channel: i32,
    pub(crate) time: i64,
}

pub(crate) fn fields(bytes: &[u8; BYTES]) -> Fields {
    let word = u128::from_le_bytes(*bytes);
    Fields {
        kind: word as u8,
        reserved: (word >> 8) as u8,
        missed: (word >> 16) as u16,
        channel: (word >> 32) as i32,
        time: (word >> 64) as i64,
    }
}

pub(crate) struct Swabian;

impl Record<BYTES> for Swabian {
    #[inline]
    fn read(
        &mut self,
        bytes: &[u8; BYTES],
        offset: u64,
        line: &mut Timeline,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        let tag = fields(bytes);
        let channel = edge_channel(tag.channel);
        let Ok(tick) = u64::try_from(tag.time) else {
            return Err(TraceError::BadRecord { offset, what: "a time before zero" });
        };
        let kind = match (tag.kind, channel) {
            (0, Some(channel)) => return line.photon(tick, channel, offset, chunk),
            (0, None) => {
                line.counts.unknown_records += 1;
                return Ok(());
            }
            (1, _) => LossKind::ClockError,
            (2, _) => LossKind::Begin,
            (3, _) => LossKind::End,
            (4, channel) => {
                LossKind::Missed { channel: channel.unwrap_or(u8::MAX), count: tag.missed }
            }
            _ => {
                return Err(TraceError::BadRecord { offset, what: "a tag of an unknown type" });
            }
        };
        line.loss(Loss { tick: Ticks(tick), kind });
        Ok(())
    }
}
