//! Everything that two devices on one desk tell, as figures that follow the light.

use std::collections::VecDeque;
use std::ops::Range;

use helio_bench::Basis;
use helio_timetag::{
    InvalidSlotter, PhaseHistogram, SlotBatch, SlotCounters, Slotter, SlotterConfig, TagBatch,
};
use helio_units::{FineTicks, TickLength, Ticks};

use crate::{Arrivals, BasisFigures, ChannelRate, ClickMatrix, Joiner, Meter, Sent, SettingsOf};

/// Bins over a slot.
const BINS: usize = 256;

/// What is watched.
#[derive(Clone, Debug)]
pub struct ObserverConfig {
    /// Length of Bob's tick.
    pub tick: TickLength,
    /// Length of a slot in ticks.
    pub slot_ticks: u32,
    /// Whether his detectors are the states; else settings choose.
    pub passive: bool,
    /// Each slot that is a multiple of this is public.
    pub sync_spacing: u16,
    /// How tags become slots.
    pub slotter: SlotterConfig,
    /// Figures are those of the last so many looks, at least one.
    pub looks: usize,
}

impl ObserverConfig {
    /// Slots after a detection that the hold-off takes.
    fn dead_slots(&self) -> u64 {
        let slot = FineTicks::from_ticks(Ticks(self.slot_ticks.max(1).into())).0;
        let reach = self.slotter.hold_off.0 + self.slotter.window.half_width.0;
        u64::try_from(reach / slot).unwrap_or(0)
    }

    fn slot_ps(&self) -> f64 {
        f64::from(self.slot_ticks) * self.tick.as_ps_f64()
    }
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Look {
    /// Seconds of Bob's device since his first tag.
    pub at_s: f64,
    /// Seconds since the look before.
    pub seconds: f64,
    /// Count rates of all inputs that tell their edges; the sync input's stay in the device.
    pub rates: Vec<ChannelRate>,
    /// Sent and found, over the span.
    pub matrix: ClickMatrix,
    /// Slots and detections by level, over the span.
    pub sent: Sent,
    /// Where clicks lie in the slot, over the span.
    pub arrivals: Arrivals,
    /// Counts of the slotter since the beginning.
    pub counters: SlotCounters,
    /// Whether slots have numbers: Bob's clock is locked.
    pub locked: bool,
}

impl Look {
    /// Both bases, key first.
    pub fn bases(&self) -> [BasisFigures; 2] {
        [Basis::Key, Basis::Test].map(|basis| self.matrix.basis(basis))
    }
}

#[derive(Clone, Debug)]
struct Part {
    matrix: ClickMatrix,
    sent: Sent,
    phases: PhaseHistogram,
}

/// Turns what two devices tell into looks.
#[derive(Clone, Debug)]
pub struct Observer {
    config: ObserverConfig,
    slotter: Slotter,
    batch: SlotBatch,
    joiner: Joiner,
    meter: Meter,
    phases: PhaseHistogram,
    parts: VecDeque<Part>,
    begin: Option<Ticks>,
    looked: Ticks,
    reached: Ticks,
    numbered: u64,
}

impl Observer {
    /// At the begin of a run.
    ///
    /// # Errors
    /// A window or a delay that no slot has.
    pub fn new(config: ObserverConfig) -> Result<Observer, InvalidSlotter> {
        let mut meter = Meter::new(config.looks);
        for input in (0..u8::MAX).take(config.slotter.delays.len()) {
            meter.expect(input);
        }
        Ok(Observer {
            slotter: Slotter::new(config.slotter.clone())?,
            batch: SlotBatch::default(),
            joiner: Joiner::new(config.passive, config.sync_spacing, config.dead_slots()),
            meter,
            phases: PhaseHistogram::new(BINS),
            parts: VecDeque::new(),
            begin: None,
            looked: Ticks(0),
            reached: Ticks(0),
            numbered: 0,
            config,
        })
    }

    /// Tags of Bob's device.
    pub fn tags(&mut self, tags: &TagBatch) {
        for tag in &tags.tags {
            self.meter.count(u8::try_from(tag.channel).unwrap_or(u8::MAX), 1);
        }
        self.reached = self.reached.max(tags.reached);
        if self.begin.is_none() && self.reached > Ticks(0) {
            let first = tags.tags.first().map_or(self.reached, |tag| Ticks(tag.tick));
            (self.begin, self.looked) = (Some(first), first);
        }
        helio_timetag::Buffer::clear(&mut self.batch);
        self.slotter.push_with(tags, &mut self.batch, &mut self.phases);
        self.joiner.slots(&self.batch);
    }

    /// Settings of consecutive slots.
    pub fn settings(&mut self, whose: SettingsOf, first: u64, count: u64, packed: &[u8]) {
        self.joiner.settings(whose, first, count, packed);
    }

    /// Settings that will not come.
    pub fn missing(&mut self, whose: SettingsOf, slots: Range<u64>) {
        self.joiner.missing(whose, slots);
    }

    /// Seconds of Bob's device since the last look.
    pub fn since_look_s(&self) -> f64 {
        self.seconds(Ticks(self.reached.0.saturating_sub(self.looked.0)))
    }

    /// Seconds of Bob's device since his first tag.
    pub fn at_s(&self) -> f64 {
        let begin = self.begin.unwrap_or(self.reached);
        self.seconds(Ticks(self.reached.0.saturating_sub(begin.0)))
    }

    /// Whether any slot has had a number: Bob's clock has locked.
    pub fn is_locked(&self) -> bool {
        self.batch.reached > 0
    }

    /// Forgets the peaks of the rates.
    pub fn forget_peaks(&mut self) {
        self.meter.forget_peaks();
    }

    /// Ends a look; `None` where no time has passed.
    pub fn look(&mut self) -> Option<Look> {
        let seconds = self.since_look_s();
        if seconds <= 0.0 {
            return None;
        }
        self.looked = self.reached;
        let phases = std::mem::replace(&mut self.phases, PhaseHistogram::new(BINS));
        let (matrix, sent) = (self.joiner.take_matrix(), self.joiner.take_sent());
        self.parts.push_back(Part { matrix, sent, phases });
        while self.parts.len() > self.config.looks.max(1) {
            self.parts.pop_front();
        }
        let (mut matrix, mut sent) = (ClickMatrix::default(), Sent::default());
        let mut arrivals: Option<Arrivals> = None;
        for part in &self.parts {
            matrix.add(&part.matrix);
            sent.add(&part.sent);
            let of_part = self.arrivals(&part.phases);
            match &mut arrivals {
                Some(all) => all.add(&of_part),
                None => arrivals = Some(of_part),
            }
        }
        let numbered = std::mem::replace(&mut self.numbered, self.batch.reached);
        Some(Look {
            at_s: self.at_s(),
            seconds,
            rates: self.meter.look(seconds),
            matrix,
            sent,
            arrivals: arrivals.unwrap_or_else(|| self.arrivals(&self.phases)),
            counters: self.batch.counters,
            locked: self.batch.reached > numbered,
        })
    }

    fn arrivals(&self, phases: &PhaseHistogram) -> Arrivals {
        let window = self.config.slotter.window;
        let slot = FineTicks::from_ticks(Ticks(self.config.slot_ticks.max(1).into())).0 as f64;
        let centre = f64::from(window.centre) / (1u64 << 32) as f64;
        let width = 2.0 * window.half_width.0 as f64 / slot;
        let channels = self.config.slotter.delays.len();
        Arrivals::new(phases, channels, self.config.slot_ps(), centre, width)
    }

    fn seconds(&self, ticks: Ticks) -> f64 {
        ticks.0 as f64 * self.config.tick.as_ps_f64() * 1e-12
    }
}
