//! `helio trace rates --follow`: rates of a trace that is being written.

use std::ops::ControlFlow;
use std::path::Path;

use helio_timetag::analysis::Rates;
use helio_trace::{Chunk, PhotonTime};
use helio_tune::Meter;
use helio_units::{TickLength, Ticks};

use super::rates::Report;
use super::select::Stage;
use super::source::{Source, seconds};
use crate::exit::Failure;
use crate::live::{LiveEvent, LiveOptions, LiveSource, Patience};
use crate::quantity::Span;
use crate::shutdown::Shutdown;
use crate::term::si;

/// More bins than this are merged in pairs: memory stays however long it goes on.
const MOST_BINS: usize = 100_000;

/// How a trace is followed.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Following {
    /// Go on as the trace grows, with a line a bin on standard error, until Ctrl-C; the trace may be
    /// listen:HOST:PORT, one connection from another program, or - for standard input
    #[arg(long)]
    pub follow: bool,
    /// With --follow: stop when nothing came for so long
    #[arg(long, value_name = "TIME", requires = "follow")]
    pub idle: Option<Span>,
}

/// What was counted until the end.
pub(super) struct Followed {
    pub rates: Rates,
    pub channels: Vec<u8>,
    pub tick: TickLength,
    /// What was wrong with what came, which has been told.
    pub notes: Vec<String>,
}

impl Followed {
    /// To be told.
    pub fn report<'a>(&'a self, path: &'a Path) -> Report<'a> {
        Report { path, rates: &self.rates, channels: &self.channels, tick: self.tick }
    }
}

/// Follows until the end.
///
/// # Errors
/// The source or the command line is at fault, or nothing came.
pub(super) fn run(
    source: &Source,
    following: &Following,
    asked: &[u8],
    bin: Span,
) -> Result<Followed, Failure> {
    let shutdown = Shutdown::install();
    let time = source.selection.photon_time(PhotonTime::SyncPeriods);
    let options = LiveOptions {
        reading: source.reading.options(time),
        idle: following.idle.map(Span::duration),
        patience: Patience::OF_WATCHERS,
    };
    let from = LiveSource::from(source.file.to_string_lossy().as_ref());
    let mut counting: Option<Counting> = None;
    let mut notes = Vec::new();
    let mut copy = Chunk::default();
    from.read(&options, &shutdown, &mut |event| match event {
        LiveEvent::Listening(at) => {
            eprintln!("helio: tags are awaited at {at}");
            Ok(ControlFlow::Continue(()))
        }
        LiveEvent::Begun(meta) => {
            let stage = source.selection.stage(&source.file, meta.tick)?;
            counting = Some(Counting::new(stage, meta.clone(), bin, asked));
            Ok(ControlFlow::Continue(()))
        }
        LiveEvent::Records(chunk) => match &mut counting {
            Some(counting) => {
                copy.clone_from(chunk);
                counting.add(&mut copy)
            }
            None => Ok(ControlFlow::Continue(())),
        },
        LiveEvent::Waiting => Ok(ControlFlow::Continue(())),
        LiveEvent::Ended(why) => {
            if let Some(why) = why {
                eprintln!("helio: {why}");
                notes.push(why);
            }
            Ok(ControlFlow::Break(()))
        }
    })?;
    counting
        .and_then(|mut counting| {
            counting.stage.finish(&mut copy);
            counting.count(&copy);
            counting.end(notes)
        })
        .ok_or_else(|| {
            Failure::file(
                &source.file,
                "has told of no detection; start what writes it, or wait longer",
            )
        })
}

struct Counting {
    stage: Stage,
    meta: helio_trace::Meta,
    bin: Ticks,
    asked: Vec<u8>,
    rates: Option<Rates>,
    meter: Meter,
    told: Ticks,
}

impl Counting {
    fn new(stage: Stage, meta: helio_trace::Meta, bin: Span, asked: &[u8]) -> Counting {
        let bin = meta.tick.ticks_covering(bin.picoseconds());
        let (rates, meter) = (None, Meter::new(1));
        Counting { stage, meta, bin, asked: asked.to_vec(), rates, meter, told: Ticks(0) }
    }

    fn add(&mut self, chunk: &mut Chunk) -> Result<ControlFlow<()>, Failure> {
        let more = self.stage.apply(&self.meta, chunk)?;
        self.count(chunk);
        Ok(if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }

    fn count(&mut self, chunk: &Chunk) {
        if self.rates.is_none() && chunk.photons.is_empty() {
            return;
        }
        let (begin, bin) = (self.stage.begin(), self.bin);
        let new = || Rates::new(begin, bin, MOST_BINS);
        if self.rates.is_none() {
            self.told = begin;
        }
        let mut rates = self.rates.take().unwrap_or_else(new);
        for photon in &chunk.photons {
            if self.asked.is_empty() || self.asked.contains(&photon.channel) {
                rates.push(photon.tick, photon.channel);
                self.tell(photon.tick);
                self.meter.count(photon.channel, 1);
            }
        }
        rates.reach(chunk.reached);
        self.tell(chunk.reached);
        self.rates = Some(rates);
    }

    /// A line for each whole bin, or for many at once where nothing was counted.
    fn tell(&mut self, tick: Ticks) {
        let whole = tick.0.saturating_sub(self.told.0) / self.bin.0;
        if whole == 0 {
            return;
        }
        self.told = Ticks(self.told.0 + whole * self.bin.0);
        let length = self.meta.tick;
        let looked = self.meter.look(seconds(length, Ticks(whole * self.bin.0)));
        let seen = looked.iter().filter(|rate| rate.total > 0);
        let seen: Vec<String> = seen
            .map(|rate| format!("ch {} {}", rate.channel, si(rate.rate_hz.value, "Hz", 4)))
            .collect();
        let at = seconds(length, Ticks(self.told.0 - self.stage.begin().0));
        eprintln!("{:>9} {}", si(at, "s", 4), seen.join("  "));
    }

    fn end(self, notes: Vec<String>) -> Option<Followed> {
        let rates = self.rates?;
        let channels: Vec<u8> = rates.channels().collect();
        (!channels.is_empty()).then_some(Followed { rates, channels, tick: self.meta.tick, notes })
    }
}
