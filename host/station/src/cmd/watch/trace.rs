//! Watching a trace that is being written.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use helio_timetag::{PhaseHistogram, Tap};
use helio_trace::{Chunk, Meta, PhotonTime};
use helio_tune::{Arrivals, Meter};
use helio_units::{FineTicks, TickLength, Ticks};

use super::Watch;
use super::show::{Show, Wish};
use super::sight::Sight;
use crate::exit::Failure;
use crate::live::{LiveEvent, LiveOptions, LiveSource, Patience};
use crate::quantity::Span;
use crate::shutdown::Shutdown;
use crate::slotting::fine_ticks;

const BINS: usize = 256;
/// Channels whose arrivals are shown.
const FOLDED: usize = 8;
/// A live picture is drawn no more often, however fast a file is read.
const DRAWN: Duration = Duration::from_millis(50);

pub(super) fn run(
    args: &Watch,
    source: &LiveSource,
    show: &mut Show,
    shutdown: &Shutdown,
) -> Result<(), Failure> {
    // Arrivals need the time within a sync period, rates do not.
    let time =
        if args.period.is_some() { PhotonTime::Picoseconds } else { PhotonTime::SyncPeriods };
    let options = LiveOptions {
        reading: args.reading.options(time),
        idle: args.idle.map(Span::duration),
        patience: Patience::OF_WATCHERS,
    };
    let mut watcher = Watcher::new(args, source.name());
    source.read(&options, shutdown, &mut |event| watcher.event(event, show))
}

struct Watcher<'a> {
    args: &'a Watch,
    source: String,
    meter: Meter,
    tick: Option<TickLength>,
    /// The first tick, and the one at which the last look ended.
    begin: Option<Ticks>,
    looked: Ticks,
    reached: Ticks,
    period: Option<u64>,
    phases: PhaseHistogram,
    parts: VecDeque<PhaseHistogram>,
    drawn: Option<Instant>,
    note: Option<String>,
}

impl<'a> Watcher<'a> {
    fn new(args: &'a Watch, source: String) -> Watcher<'a> {
        Watcher {
            args,
            source,
            meter: Meter::new(args.looks()),
            tick: None,
            begin: None,
            looked: Ticks(0),
            reached: Ticks(0),
            period: None,
            phases: PhaseHistogram::new(BINS),
            parts: VecDeque::new(),
            drawn: None,
            note: None,
        }
    }

    fn event(&mut self, event: LiveEvent<'_>, show: &mut Show) -> Result<ControlFlow<()>, Failure> {
        match event {
            LiveEvent::Listening(at) => {
                show.say(&format!("tags are awaited at {at}"));
                self.note = Some(format!("nobody is connected to {at}"));
                if show.is_live() {
                    show.show(&self.sight())?;
                }
            }
            LiveEvent::Begun(meta) => self.begin(meta)?,
            LiveEvent::Records(chunk) => {
                if let ControlFlow::Break(()) = self.records(chunk, show)? {
                    return Ok(ControlFlow::Break(()));
                }
            }
            LiveEvent::Waiting => {}
            LiveEvent::Ended(why) => {
                let words = why.unwrap_or_else(|| "the other program has ended the trace".into());
                show.say(&words);
                self.note = Some(words);
            }
        }
        Ok(match show.wish()? {
            Wish::Leave => ControlFlow::Break(()),
            Wish::ForgetPeaks => {
                self.meter.forget_peaks();
                ControlFlow::Continue(())
            }
            Wish::None => ControlFlow::Continue(()),
        })
    }

    fn begin(&mut self, meta: &Meta) -> Result<(), Failure> {
        let tick = meta.tick;
        let period = self.args.period.map(|period| fine_ticks(tick, period.picoseconds()).0);
        let period = period.map(u64::try_from).transpose().ok().flatten().filter(|p| *p > 0);
        if self.args.period.is_some() && period.is_none() {
            return Err(Failure::usage("--period is no period; write a time such as 12.5ns"));
        }
        (self.tick, self.period, self.begin, self.note) = (Some(tick), period, None, None);
        (self.looked, self.reached) = (Ticks(0), Ticks(0));
        self.meter = Meter::new(self.args.looks());
        self.parts.clear();
        Ok(())
    }

    /// Counts the records, and looks wherever a refresh is due in their time.
    fn records(&mut self, chunk: &Chunk, show: &mut Show) -> Result<ControlFlow<()>, Failure> {
        let Some(tick) = self.tick else { return Ok(ControlFlow::Continue(())) };
        let every = (self.args.every_s() * 1e12 / tick.as_ps_f64()).max(1.0) as u64;
        let first = chunk.photons.first().map(|photon| photon.tick);
        if self.begin.is_none()
            && let Some(first) = first.or(Some(chunk.reached).filter(|r| r.0 > 0))
        {
            (self.begin, self.looked, self.reached) = (Some(first), first, first);
        }
        for photon in &chunk.photons {
            while photon.tick.0 >= self.looked.0.saturating_add(every) {
                self.looked = Ticks(self.looked.0 + every);
                self.reached = self.looked;
                if self.look(every, tick, show)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            self.meter.count(photon.channel, 1);
            if let Some(period) = self.period {
                let phase = FineTicks::from_ticks(photon.tick).0.rem_euclid(period.into()) as u64;
                self.phases.click(photon.channel.into(), phase, period);
            }
        }
        self.reached = self.reached.max(chunk.reached);
        Ok(ControlFlow::Continue(()))
    }

    fn look(
        &mut self,
        every: u64,
        tick: TickLength,
        show: &mut Show,
    ) -> Result<ControlFlow<()>, Failure> {
        let seconds = every as f64 * tick.as_ps_f64() * 1e-12;
        let rates = self.meter.look(seconds);
        if self.period.is_some() {
            self.parts.push_back(std::mem::replace(&mut self.phases, PhaseHistogram::new(BINS)));
            while self.parts.len() > self.args.looks() {
                self.parts.pop_front();
            }
        }
        let named = rates.into_iter().filter(|rate| rate.total > 0);
        let sight = Sight {
            channels: named.map(|rate| (format!("ch {}", rate.channel), rate)).collect(),
            ..self.sight()
        };
        let soon = show.is_live() && self.drawn.is_some_and(|at| at.elapsed() < DRAWN);
        if !soon {
            show.show(&sight)?;
            self.drawn = Some(Instant::now());
        }
        Ok(match self.args.seconds.is_some_and(|seconds| sight.at_s >= seconds) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }

    fn sight(&self) -> Sight {
        let period_ps = self.args.period.map(|period| period.0 as f64);
        let arrivals = period_ps.filter(|_| self.period.is_some()).and_then(|period_ps| {
            let of = |phases| Arrivals::new(phases, FOLDED, period_ps, 0.5, 1.0);
            let mut parts = self.parts.iter().map(of);
            let mut all = parts.next()?;
            parts.for_each(|part| all.add(&part));
            Some(all)
        });
        let ticks = self.looked.0 - self.begin.unwrap_or(self.looked).0;
        Sight {
            source: self.source.clone(),
            simulated: false,
            at_s: self.tick.map_or(0.0, |tick| ticks as f64 * tick.as_ps_f64() * 1e-12),
            channels: Vec::new(),
            matrix: None,
            best: [None; 2],
            arrivals,
            locked: None,
            note: self.note.clone(),
        }
    }
}
