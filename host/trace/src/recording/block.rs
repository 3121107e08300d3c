//! A block's payload: records of all kinds, decoded without any other block.

use helio_units::Ticks;

use super::bits::{FRAME, Level, SLACK, is_filled_up, packed_bytes};
use super::cursor::{Cursor, put_signed};
use super::frame::{Coder, base};
use super::head::{HEAD_BYTES, Head, Kind};
use super::records::Records;
use crate::{Chunk, Loss, LossKind, Marker};

/// A palette of more channels would cost more than it saves.
const MAX_PALETTE: usize = 64;

/// Makes blocks of records and records of blocks.
#[derive(Debug)]
pub(super) struct BlockCoder {
    frame: Coder,
    /// Which of the block's channels each detection of a frame has.
    indices: Vec<u8>,
    /// The least and the greatest tick that has been taken.
    ends: (u64, u64),
}

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The payload, noticed at this byte of it.
    Payload(usize),
    /// The head tells other times than its records have.
    Times,
}

impl BlockCoder {
    pub(super) fn new(level: Level) -> BlockCoder {
        let ends = (u64::MAX, 0);
        BlockCoder { frame: Coder::new(level), indices: Vec::with_capacity(FRAME), ends }
    }

    /// Appends a whole block.
    pub(super) fn put(&mut self, records: &Records, number: u32, out: &mut Vec<u8>) -> Head {
        let begin = out.len();
        out.resize(begin + HEAD_BYTES, 0);
        self.put_photons(records, out);
        self.put_syncs(&records.syncs, out);
        let ends = records.ends(self.frame.level);
        let (first, last) = ends.unwrap_or((records.reached, records.reached));
        let mut before = first;
        let mut after = |tick: Ticks, out: &mut Vec<u8>| {
            put_signed(tick.0.wrapping_sub(before.0) as i64, out);
            before = tick;
        };
        for marker in &records.markers {
            after(marker.tick, out);
            out.push(marker.bits);
        }
        for loss in &records.losses {
            after(loss.tick, out);
            put_loss(loss.kind, out);
        }
        let payload = &out[begin + HEAD_BYTES..];
        let head = Head {
            kind: Kind::Records,
            has_dtimes: !records.dtimes.is_empty(),
            number,
            payload_bytes: payload.len() as u32,
            first,
            last,
            reached: records.reached,
            photons: records.ticks.len() as u32,
            syncs: records.syncs.len() as u32,
            markers: records.markers.len() as u32,
            losses: records.losses.len() as u32,
            payload_crc: crc32fast::hash(payload),
        };
        out[begin..begin + HEAD_BYTES].copy_from_slice(&head.to_bytes());
        head
    }

    fn put_photons(&mut self, records: &Records, out: &mut Vec<u8>) {
        if records.channels.is_empty() {
            return;
        }
        let seen = self.frame.level.seen(&records.channels);
        let there = |channel: &u8| seen[usize::from(*channel / 64)] >> (*channel % 64) & 1 == 1;
        let palette: Vec<u8> = (0..=255).filter(there).collect();
        out.push((palette.len() - 1) as u8);
        let width = index_width(palette.len());
        let mut index_of = [0; 256];
        (0..=255).zip(&palette).for_each(|(index, of)| index_of[usize::from(*of)] = index);
        let renamed = palette.len() <= MAX_PALETTE && !counts_up(&palette);
        if palette.len() <= MAX_PALETTE {
            out.extend(&palette);
        }
        let mut before = base(&records.ticks);
        out.extend(before.to_le_bytes());
        let mut dtimes = records.dtimes.chunks(FRAME);
        for (ticks, channels) in records.ticks.chunks(FRAME).zip(records.channels.chunks(FRAME)) {
            self.frame.put_ticks(ticks, before, out);
            before = ticks.last().copied().unwrap_or(before);
            if width > 0 && renamed {
                self.indices.clear();
                self.indices.extend(channels.iter().map(|channel| index_of[usize::from(*channel)]));
                self.frame.level.pack_indices(&self.indices, width, out);
            } else if width > 0 {
                self.frame.level.pack_indices(channels, width, out);
            }
            if let Some(dtimes) = dtimes.next() {
                self.put_dtimes(dtimes, out);
            }
        }
    }

    fn put_dtimes(&mut self, dtimes: &[u16], out: &mut Vec<u8>) {
        let least = dtimes.iter().copied().min().unwrap_or(0);
        let most = dtimes.iter().copied().max().unwrap_or(0);
        let width = u16::BITS - (most - least).leading_zeros();
        let values = &mut self.frame.values;
        values.fill(0);
        for (value, dtime) in values.iter_mut().zip(dtimes) {
            *value = u64::from(dtime - least);
        }
        out.extend(least.to_le_bytes());
        out.push(width as u8);
        self.frame.level.pack(values, dtimes.len(), width, out);
    }

    fn put_syncs(&mut self, syncs: &[u64], out: &mut Vec<u8>) {
        if syncs.is_empty() {
            return;
        }
        let mut before = base(syncs);
        out.extend(before.to_le_bytes());
        for syncs in syncs.chunks(FRAME) {
            self.frame.put_ticks(syncs, before, out);
            before = syncs.last().copied().unwrap_or(before);
        }
    }

    /// Appends the records of a block to `chunk`: `payload` and [`SLACK`] bytes behind it. Where there
    /// is a fault, part of the records may have been appended.
    pub(super) fn take(
        &mut self,
        head: &Head,
        payload: &[u8],
        chunk: &mut Chunk,
    ) -> Result<(), Fault> {
        let mut from = Cursor::new(payload, payload.len().saturating_sub(SLACK));
        self.ends = (u64::MAX, 0);
        let taken = self.take_all(head, &mut from, chunk);
        chunk.reached = head.reached;
        match taken {
            Some(()) if !from.is_at_end() => Err(Fault::Payload(from.at())),
            // Whoever looks for a time passes blocks by on what their heads say.
            Some(()) if head.records() > 0 && self.ends != (head.first.0, head.last.0) => {
                Err(Fault::Times)
            }
            Some(()) => Ok(()),
            None => Err(Fault::Payload(from.at())),
        }
    }

    /// The next ticks, at the beginning of the frame's values.
    fn take_ticks(&mut self, count: usize, before: u64, from: &mut Cursor<'_>) -> Option<u64> {
        let last = self.frame.ticks(count, before, from)?;
        let (least, most) = self.frame.level.ends(&self.frame.values[..count]);
        self.ends = (self.ends.0.min(least), self.ends.1.max(most));
        Some(last)
    }

    fn take_all(&mut self, head: &Head, from: &mut Cursor<'_>, chunk: &mut Chunk) -> Option<()> {
        self.take_photons(head, from, chunk)?;
        if head.syncs > 0 {
            let mut before = from.u64()?;
            for count in frames(head.syncs) {
                before = self.take_ticks(count, before, from)?;
                chunk.syncs.extend(self.frame.values[..count].iter().copied().map(Ticks));
            }
        }
        let mut before = head.first;
        let ends = &mut self.ends;
        let mut tick = |from: &mut Cursor<'_>| {
            before = Ticks(before.0.wrapping_add(from.signed()? as u64));
            *ends = (ends.0.min(before.0), ends.1.max(before.0));
            Some(before)
        };
        for _ in 0..head.markers {
            chunk.markers.push(Marker { tick: tick(from)?, bits: from.u8()? });
        }
        for _ in 0..head.losses {
            chunk.losses.push(Loss { tick: tick(from)?, kind: take_loss(from)? });
        }
        Some(())
    }

    fn take_photons(
        &mut self,
        head: &Head,
        from: &mut Cursor<'_>,
        chunk: &mut Chunk,
    ) -> Option<()> {
        if head.photons == 0 {
            return Some(());
        }
        let channels = usize::from(from.u8()?) + 1;
        let width = index_width(channels);
        let mut palette = [0; 256];
        let (mut renamed, mut beyond) = (false, None);
        if channels <= MAX_PALETTE {
            palette[..channels].copy_from_slice(&from.take(channels)?[..channels]);
            if !palette[..channels].array_windows().all(|[a, b]| a < b) {
                return None;
            }
            renamed = !counts_up(&palette[..channels]);
            // Of a power of two every index names a channel.
            beyond = (!channels.is_power_of_two()).then_some(channels as u8);
        }
        self.indices.clear();
        self.indices.resize(FRAME, palette[0]);
        let mut before = from.u64()?;
        for count in frames(head.photons) {
            before = self.take_ticks(count, before, from)?;
            let indices = &mut self.indices[..count];
            if width > 0 {
                let packed = from.take(packed_bytes(count, width))?;
                self.frame.level.unpack_indices(packed, width, indices);
                let named = beyond.is_none_or(|beyond| indices.iter().all(|i| *i < beyond));
                if !named || !is_filled_up(packed, count * width as usize) {
                    return None;
                }
                if renamed {
                    indices.iter_mut().for_each(|index| *index = palette[usize::from(*index)]);
                }
            }
            self.frame.level.join(&self.frame.values[..count], indices, &mut chunk.photons);
            if head.has_dtimes {
                self.take_dtimes(count, from, chunk)?;
            }
        }
        Some(())
    }

    fn take_dtimes(
        &mut self,
        count: usize,
        from: &mut Cursor<'_>,
        chunk: &mut Chunk,
    ) -> Option<()> {
        let (least, width) = (from.u16()?, u32::from(from.u8()?));
        if width > u16::BITS {
            return None;
        }
        let values = &mut self.frame.values;
        let packed = from.take(packed_bytes(count, width))?;
        self.frame.level.unpack(packed, count, width, values);
        let dtimes = values[..count].iter().map(|value| u64::from(least) + value);
        let beyond = dtimes.clone().fold(0, |all, dtime| all | dtime) >> u16::BITS;
        chunk.dtimes.extend(dtimes.map(|dtime| dtime as u16));
        (beyond == 0 && is_filled_up(packed, count * width as usize)).then_some(())
    }
}

/// Whether the channels are 0, 1, 2 …: then each is its own index.
fn counts_up(palette: &[u8]) -> bool {
    palette.iter().copied().eq(0..=palette.last().copied().unwrap_or(0))
}

/// Bits of an index into so many channels.
fn index_width(channels: usize) -> u32 {
    match channels {
        0 | 1 => 0,
        2..=MAX_PALETTE => (channels - 1).ilog2() + 1,
        _ => 8,
    }
}

/// The lengths of the frames of so many records.
fn frames(records: u32) -> impl Iterator<Item = usize> {
    let records = records as usize;
    (0..records).step_by(FRAME).map(move |begin| (records - begin).min(FRAME))
}

fn put_loss(kind: LossKind, out: &mut Vec<u8>) {
    match kind {
        LossKind::Begin => out.push(0),
        LossKind::End => out.push(1),
        LossKind::Missed { channel, count } => {
            out.extend([2, channel]);
            out.extend(count.to_le_bytes());
        }
        LossKind::Gap => out.push(3),
        LossKind::ClockError => out.push(4),
    }
}

fn take_loss(from: &mut Cursor<'_>) -> Option<LossKind> {
    Some(match from.u8()? {
        0 => LossKind::Begin,
        1 => LossKind::End,
        2 => LossKind::Missed { channel: from.u8()?, count: from.u16()? },
        3 => LossKind::Gap,
        4 => LossKind::ClockError,
        _ => return None,
    })
}
