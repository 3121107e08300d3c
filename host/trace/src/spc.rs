//! Becker & Hickl SPC files of FIFO mode with 4-byte records: SPC-130, 140, 150, 160, 180, 830.
//!
//! The first four bytes are a header: the macro time's clock in 0.1 ns (24 bits), then in the last
//! byte the number of routing bits (bits 3 to 6) and a flag that the data are valid (bit 7). Records:
//! macro time 12 bits, routing 4, ADC 12, mark, gap, overflow and invalid 1 each. Overflow with
//! invalid and without mark: the lower 28 bits count overflows of 4096 clocks; elsewhere overflow is
//! one. Source: The bh TCSPC Handbook, FIFO files; no recording was at hand. The ADC's time runs
//! backwards, so that a dtime is 4095 − ADC; its unit is not in the file.

use std::io::Read;

use helio_units::{TickLength, Ticks};

use crate::meta::{Dtime, Tag, TagValue};
use crate::stream::{Decode, read_header};
use crate::{Chunk, Counts, Loss, LossKind, Marker, Meta, TimeTag, TraceError, TraceFormat};

pub(crate) const BYTES: usize = 4;
const WRAP: u64 = 1 << 12;

pub(crate) const MARK: u32 = 1 << 28;
const GAP: u32 = 1 << 29;
pub(crate) const OVERFLOW: u32 = 1 << 30;
pub(crate) const INVALID: u32 = 1 << 31;

/// The macro time's clock, in units of 0.1 ns.
pub(crate) fn clock(header: u32) -> u32 {
    header & 0xFF_FFFF
}

/// Reads the header and leaves `input` at the first record.
pub(crate) fn read(input: &mut impl Read) -> Result<Meta, TraceError> {
    let mut header = [0; BYTES];
    read_header(input, &mut header, 0)?;
    let header = u32::from_le_bytes(header);
    let what = "a macro time clock in 0.1 ns of";
    let tick = TickLength::new(100 * u64::from(clock(header)), 1);
    let tick = tick.map_err(|_| TraceError::UnusableField {
        offset: 0,
        what,
        value: clock(header).into(),
    })?;
    let field = |ident: &str, value| Tag { ident: ident.into(), index: -1, value };
    Ok(Meta {
        tags: vec![
            field("MacroTimeClock", TagValue::Int(clock(header).into())),
            field("RoutingBits", TagValue::Int((header >> 27 & 15).into())),
            field("DataValid", TagValue::Bool(header >> 31 == 1)),
        ],
        header_bytes: BYTES as u64,
        dtime: Some(Dtime { unit: None, adds: false }),
        starts_at_zero: true,
        table: None,
        ..Meta::headless(TraceFormat::BeckerHickl, tick)
    })
}

#[derive(Default)]
pub(crate) struct Spc {
    base: u64,
    reached: Ticks,
    counts: Counts,
}

impl Spc {
    fn record(&mut self, word: u32, chunk: &mut Chunk) -> Option<()> {
        let marked = word & MARK != 0;
        let flags = (word & INVALID != 0, word & OVERFLOW != 0);
        let periods = match flags {
            (true, true) if !marked => u64::from(word & 0x0FFF_FFFF),
            (_, overflow) => u64::from(overflow),
        };
        // So far below 2⁶⁴ that the time can be added.
        let base = self.base.checked_add(periods * WRAP)?;
        self.base = Some(base).filter(|base| *base <= u64::MAX - WRAP)?;
        self.counts.overflow_periods += periods;
        let (time, routing) = (u64::from(word & 0xFFF), (word >> 12 & 15) as u8);
        let only_overflows = flags == (true, true) && !marked;
        let tick = Ticks(if only_overflows { self.base } else { self.base + time });
        if word & GAP != 0 {
            chunk.losses.push(Loss { tick, kind: LossKind::Gap });
        }
        self.reached = self.reached.max(tick);
        match (only_overflows, marked, flags.0, routing) {
            (true, ..) => self.counts.overflow_records += 1,
            (_, true, _, 0) | (_, false, true, _) => self.counts.unknown_records += 1,
            (_, true, ..) => {
                self.counts.markers += 1;
                chunk.markers.push(Marker { tick, bits: routing });
            }
            _ => {
                self.counts.photons += 1;
                chunk.photons.push(TimeTag { tick, channel: routing });
                chunk.dtimes.push(4095 - (word >> 16 & 0xFFF) as u16);
            }
        }
        Some(())
    }
}

impl Decode for Spc {
    fn block_bytes(&self) -> usize {
        16_384 * BYTES
    }

    fn decode(
        &mut self,
        block: &[u8],
        offset: u64,
        _last: bool,
        chunk: &mut Chunk,
    ) -> Result<usize, TraceError> {
        let (records, rest) = block.as_chunks::<BYTES>();
        let damaged = records
            .iter()
            .position(|record| self.record(u32::from_le_bytes(*record), chunk).is_none());
        chunk.reached = self.reached;
        match damaged {
            Some(i) => Err(TraceError::TimeOverflow { offset: offset + (BYTES * i) as u64 }),
            None => Ok(block.len() - rest.len()),
        }
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}
