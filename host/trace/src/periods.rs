//! Detections in order of time where their reader gives them as the file has them: within a window that
//! was asked for, and of T3 with sync periods turned into picoseconds.

use std::iter::repeat;

use helio_units::{TickLength, Ticks};

use crate::order::{Order, Others};
use crate::{Chunk, Counts, Dtime, Meta, RecordingInfo, TimeTag, TraceError, TraceReader};

/// The largest dtime that a record holds.
const MAX_DTIME: u64 = (1 << 15) - 1;

/// Sorts the detections of another reader, and gives those of T3 records their time in picoseconds.
///
/// That time is (nsync · period + dtime · unit), exact in 128 bits and rounded down once. Detections
/// of one sync period need not be in order; they are sorted within the longest dtime.
#[derive(Debug)]
pub(crate) struct Sorted<'a> {
    inner: Box<dyn TraceReader + 'a>,
    meta: Meta,
    /// The sync period and the dtime's unit, where both are added up.
    added: Option<Added>,
    /// How far back a detection may step: a window that was asked for, or what a dtime can add, in
    /// picoseconds.
    longest: Ticks,
    order: Order,
    others: Others,
    read: Chunk,
    /// Detections that have a time, and those that came too late.
    photons: u64,
    late: u64,
    salvage: bool,
    /// As in the reader of blocks.
    fault: Option<TraceError>,
    finished: bool,
}

#[derive(Clone, Copy, Debug)]
struct Added {
    period: TickLength,
    unit: TickLength,
}

impl<'a> Sorted<'a> {
    /// Sorts within a window, in the reader's ticks.
    pub(crate) fn within(
        inner: Box<dyn TraceReader + 'a>,
        window: Ticks,
        salvage: bool,
    ) -> Box<dyn TraceReader + 'a> {
        let meta = inner.meta().clone();
        Box::new(Sorted::new(inner, meta, None, window, salvage))
    }

    /// In picoseconds; the reader itself where its times are no sync periods to which the dtime is added.
    pub(crate) fn in_picoseconds(
        inner: Box<dyn TraceReader + 'a>,
        salvage: bool,
    ) -> Box<dyn TraceReader + 'a> {
        let mut meta = inner.meta().clone();
        let Some(Dtime { unit: Some(unit), adds: true }) = meta.dtime else { return inner };
        let added = Added { period: meta.tick, unit };
        meta.tick = TickLength::new(1, 1).expect("a picosecond");
        let longest = scaled(unit, MAX_DTIME).map_or(u64::MAX, |(n, d)| (n / d) as u64 + 1);
        Box::new(Sorted::new(inner, meta, Some(added), Ticks(longest), salvage))
    }

    fn new(
        inner: Box<dyn TraceReader + 'a>,
        meta: Meta,
        added: Option<Added>,
        longest: Ticks,
        salvage: bool,
    ) -> Sorted<'a> {
        Sorted {
            inner,
            meta,
            added,
            longest,
            order: Order::new(longest),
            others: Others::default(),
            read: Chunk::default(),
            photons: 0,
            late: 0,
            salvage,
            fault: None,
            finished: false,
        }
    }

    /// Nothing is left but perhaps a fault.
    fn ended(&mut self) -> Result<bool, TraceError> {
        match self.salvage {
            true => Ok(false),
            false => self.fault.take().map_or(Ok(false), Err),
        }
    }

    fn time(&self, tick: Ticks, dtime: u16) -> Option<Ticks> {
        let Some(Added { period, unit }) = self.added else { return Some(tick) };
        let (pn, pd) = scaled(period, tick.0)?;
        let (un, ud) = scaled(unit, dtime.into())?;
        // One rounding: whole picoseconds of both, and the sum of what remains.
        let rest = (pn % pd) * ud + (un % ud) * pd;
        let whole = (pn / pd).checked_add(un / ud)?.checked_add(rest / (pd * ud))?;
        u64::try_from(whole).ok().map(Ticks)
    }

    fn convert(&mut self, chunk: &mut Chunk) -> Option<()> {
        let read = std::mem::take(&mut self.read);
        for (tag, dtime) in read.photons.iter().zip(read.dtimes.iter().copied().chain(repeat(0))) {
            let tag = TimeTag { tick: self.time(tag.tick, dtime)?, channel: tag.channel };
            match self.order.push(tag, dtime) {
                true => self.photons += 1,
                false => self.late += 1,
            }
        }
        for marker in &read.markers {
            let tick = self.time(marker.tick, 0)?;
            self.others.marker(crate::Marker { tick, bits: marker.bits });
        }
        for sync in &read.syncs {
            let tick = self.time(*sync, 0)?;
            self.others.sync(tick);
        }
        for loss in &read.losses {
            let tick = self.time(loss.tick, 0)?;
            self.others.loss(crate::Loss { tick, kind: loss.kind });
        }
        chunk.reached = self.time(read.reached, 0)?.max(self.order.newest());
        self.read = read;
        Some(())
    }
}

/// A time as a fraction of picoseconds.
fn scaled(tick: TickLength, count: u64) -> Option<(u128, u128)> {
    let numerator = u128::from(tick.numerator_ps()).checked_mul(count.into())?;
    Some((numerator, tick.denominator().into()))
}

impl TraceReader for Sorted<'_> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, TraceError> {
        chunk.clear();
        if self.finished {
            return self.ended();
        }
        match self.inner.read_chunk(&mut self.read) {
            Ok(true) => {
                if self.convert(chunk).is_none() {
                    self.fault = Some(TraceError::TimeBeyond { offset: self.inner.position() });
                    self.finished = true;
                }
            }
            end => {
                self.fault = end.err();
                self.finished = true;
            }
        }
        let has_dtimes = self.meta.dtime.is_some();
        self.order.release(self.finished, |tag, dtime| {
            chunk.photons.push(tag);
            if has_dtimes {
                chunk.dtimes.push(dtime);
            }
        });
        let settled = (!self.finished).then(|| self.order.settled());
        self.others.release(settled, chunk);
        match self.finished && chunk.is_empty() {
            true => self.ended(),
            false => Ok(true),
        }
    }

    fn counts(&self) -> Counts {
        let counts = self.inner.counts();
        Counts { photons: self.photons, late: counts.late + self.late, ..counts }
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn seek(&mut self, time: Ticks) -> Result<bool, TraceError> {
        let begin = time.0.saturating_sub(self.longest.0);
        let begin = match self.added {
            None => begin,
            // The first sync period with a dtime that reaches that time.
            Some(Added { period, .. }) => {
                let scaled = u128::from(begin) * u128::from(period.denominator());
                let nsync = scaled / u128::from(period.numerator_ps());
                u64::try_from(nsync).unwrap_or(u64::MAX)
            }
        };
        if !self.inner.seek(Ticks(begin))? {
            return Ok(false);
        }
        self.order = Order::new(self.longest);
        self.others = Others::default();
        (self.fault, self.finished) = (None, false);
        Ok(true)
    }

    fn recording(&self) -> Option<RecordingInfo> {
        self.inner.recording()
    }

    fn damage(&self) -> Option<&TraceError> {
        self.inner.damage().or(self.fault.as_ref().filter(|_| self.salvage))
    }
}
