//! From sync periods to picoseconds.

use helio_units::{TickLength, Ticks};

use crate::order::{Order, Others};
use crate::{Chunk, Counts, Dtime, Meta, RecordingInfo, TimeTag, TraceError, TraceReader};

/// The largest dtime that a record holds.
const MAX_DTIME: u64 = (1 << 15) - 1;

/// Gives the detections of T3 records their time in picoseconds.
///
/// The time is (nsync · period + dtime · unit), exact in 128 bits and rounded down once. Detections
/// of one sync period need not be in order; they are sorted within the longest dtime.
#[derive(Debug)]
pub(crate) struct InPicoseconds<'a> {
    inner: Box<dyn TraceReader + 'a>,
    meta: Meta,
    period: TickLength,
    unit: TickLength,
    /// What a dtime can add, in picoseconds.
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

impl<'a> InPicoseconds<'a> {
    /// The reader itself where its times are no sync periods to which the dtime is added.
    pub(crate) fn wrap(
        inner: Box<dyn TraceReader + 'a>,
        salvage: bool,
    ) -> Box<dyn TraceReader + 'a> {
        let mut meta = inner.meta().clone();
        let Some(Dtime { unit: Some(unit), adds: true }) = meta.dtime else { return inner };
        let period = meta.tick;
        meta.tick = TickLength::new(1, 1).expect("a picosecond");
        let longest = scaled(unit, MAX_DTIME).map_or(u64::MAX, |(n, d)| (n / d) as u64 + 1);
        let longest = Ticks(longest);
        Box::new(InPicoseconds {
            inner,
            meta,
            period,
            unit,
            longest,
            order: Order::new(longest),
            others: Others::default(),
            read: Chunk::default(),
            photons: 0,
            late: 0,
            salvage,
            fault: None,
            finished: false,
        })
    }

    /// Nothing is left but perhaps a fault.
    fn ended(&mut self) -> Result<bool, TraceError> {
        match self.salvage {
            true => Ok(false),
            false => self.fault.take().map_or(Ok(false), Err),
        }
    }

    fn time(&self, nsync: Ticks, dtime: u16) -> Option<Ticks> {
        let (pn, pd) = scaled(self.period, nsync.0)?;
        let (un, ud) = scaled(self.unit, dtime.into())?;
        // One rounding: whole picoseconds of both, and the sum of what remains.
        let rest = (pn % pd) * ud + (un % ud) * pd;
        let whole = (pn / pd).checked_add(un / ud)?.checked_add(rest / (pd * ud))?;
        u64::try_from(whole).ok().map(Ticks)
    }

    fn convert(&mut self, chunk: &mut Chunk) -> Option<()> {
        let read = std::mem::take(&mut self.read);
        for (tag, dtime) in read.photons.iter().zip(&read.dtimes) {
            let tag = TimeTag { tick: self.time(tag.tick, *dtime)?, channel: tag.channel };
            match self.order.push(tag, *dtime) {
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

impl TraceReader for InPicoseconds<'_> {
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
        self.order.release(self.finished, |tag, dtime| {
            chunk.photons.push(tag);
            chunk.dtimes.push(dtime);
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
        // The first sync period with a dtime that reaches that time.
        let begin = u128::from(time.0.saturating_sub(self.longest.0));
        let period = u128::from(self.period.numerator_ps());
        let nsync = begin * u128::from(self.period.denominator()) / period;
        if !self.inner.seek(Ticks(u64::try_from(nsync).unwrap_or(u64::MAX)))? {
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
