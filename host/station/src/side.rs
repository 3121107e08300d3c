//! One side of the talk with what its device gives: settings at both, tags made into slots at Bob.
//!
//! [`Alice`] and [`Bob`] wrap the sessions of `helio-distill`; whoever serves them (the bench's
//! threads, a station on its own, a replay) does so through [`Side`]. No thread, no clock here.

use std::ops::Range;

use helio_distill::release::StationStore;
use helio_distill::{Event, Fault, Progress, Role, Stage, alice, bob};
use helio_keys::EntropySource;
use helio_timetag::{
    Buffer, InvalidSlotter, PhaseHistogram, SlotBatch, SlotCounters, Slotter, SlotterConfig,
    TagBatch,
};

use crate::bench::cable::SettingsRun;
use crate::meter::{Account, SharedMeter, begins};

/// Bins of the histogram of arrival phases, over a slot.
const PHASE_BINS: usize = 256;

/// What Alice's and Bob's sessions have in common for whoever serves them.
pub(crate) trait Side {
    type Store;
    fn connect(&mut self, now_ns: u64) -> Result<(), Fault>;
    fn handle(&mut self, now_ns: u64, message: &[u8]) -> Result<(), Fault>;
    fn tick(&mut self, now_ns: u64) -> Result<(), Fault>;
    fn poll_message(&mut self) -> Option<Vec<u8>>;
    fn poll_event(&mut self) -> Option<Event>;
    /// Whether contact is made.
    fn is_open(&self) -> bool;
    /// No new block from now on.
    fn wind_down(&mut self);
    /// Whether no block is in progress.
    fn is_idle(&self) -> bool;
    /// Ends the block in progress.
    fn abort(&mut self, now_ns: u64) -> Result<(), Fault>;
    fn progress(&self) -> Progress;
    fn store(&self) -> &Self::Store;
    fn settings(&mut self, run: &SettingsRun) -> Result<(), Fault>;
    fn lost_settings(&mut self, slots: Range<u64>) -> Result<(), Fault>;
    fn tags(&mut self, batch: &TagBatch) -> Result<(), Fault>;
    /// The first slot that tags may still come for.
    fn reached(&self) -> u64;
    /// No tags follow: of the slots below `end` that did not come, none will.
    fn tags_ended(&mut self, end: u64) -> Result<(), Fault>;
    /// What became of the clicks; `None` at Alice.
    fn receiver(&self) -> Option<Receiver<'_>>;
    /// Where the time goes: in the stages of the work, or waiting for the next call.
    fn account(&self) -> Account;
    fn into_store(self) -> Self::Store;
}

/// A look at the clicks on their way.
pub(crate) struct Receiver<'a> {
    pub counters: &'a SlotCounters,
    pub phases: &'a PhaseHistogram,
    pub config: &'a SlotterConfig,
}

impl Receiver<'_> {
    /// Mean arrival time of each detector's clicks from the middle of the window, in ticks.
    pub fn offsets_ticks(&self) -> Vec<f64> {
        let centre = self.config.window.centre;
        let channels = 0..self.config.delays.len();
        channels.filter_map(|channel| self.phases.mean_offset_ticks(channel, centre)).collect()
    }
}

macro_rules! delegate_session {
    ($role:expr) => {
        type Store = S;

        fn account(&self) -> Account {
            self.meter.account()
        }

        fn connect(&mut self, now_ns: u64) -> Result<(), Fault> {
            self.session.connect(now_ns)
        }
        fn handle(&mut self, now_ns: u64, message: &[u8]) -> Result<(), Fault> {
            let stage = begins($role, message);
            self.meter.stage(stage, || self.session.handle(now_ns, message))
        }
        fn tick(&mut self, now_ns: u64) -> Result<(), Fault> {
            self.session.tick(now_ns)
        }
        fn poll_message(&mut self) -> Option<Vec<u8>> {
            self.session.poll_message()
        }
        fn poll_event(&mut self) -> Option<Event> {
            self.session.poll_event()
        }
        fn is_open(&self) -> bool {
            self.session.is_open()
        }
        fn wind_down(&mut self) {
            self.session.wind_down();
        }
        fn is_idle(&self) -> bool {
            self.session.is_idle()
        }
        fn abort(&mut self, now_ns: u64) -> Result<(), Fault> {
            self.session.abort(now_ns)
        }
        fn progress(&self) -> Progress {
            self.session.progress()
        }
        fn store(&self) -> &S {
            self.session.store()
        }
        fn settings(&mut self, run: &SettingsRun) -> Result<(), Fault> {
            let session = &mut self.session;
            let push = || session.push_settings(run.first, run.count, &run.packed);
            self.meter.stage(Stage::Intake, push)
        }
        fn lost_settings(&mut self, slots: Range<u64>) -> Result<(), Fault> {
            self.session.lost_settings(slots)
        }
        fn into_store(self) -> S {
            self.session.into_store()
        }
    };
}

/// Alice: settings in.
pub(crate) struct Alice<E: EntropySource, S: StationStore<E::Origin>> {
    session: alice::Session<E, S>,
    meter: SharedMeter,
}

impl<E: EntropySource, S: StationStore<E::Origin>> Alice<E, S> {
    /// Nothing sent yet.
    pub fn new(mut session: alice::Session<E, S>) -> Self {
        let meter = SharedMeter::new();
        session.watch_stages(meter.watch());
        Alice { session, meter }
    }
}

impl<E: EntropySource, S: StationStore<E::Origin>> Side for Alice<E, S> {
    delegate_session!(Role::Alice);

    fn tags(&mut self, _: &TagBatch) -> Result<(), Fault> {
        Ok(())
    }

    fn reached(&self) -> u64 {
        u64::MAX
    }

    fn tags_ended(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }

    fn receiver(&self) -> Option<Receiver<'_>> {
        None
    }
}

/// Bob: settings and tags in, tags made into slots on the way.
pub(crate) struct Bob<E: EntropySource, S: StationStore<E::Origin>> {
    session: bob::Session<E, S>,
    meter: SharedMeter,
    slotter: Slotter,
    batch: SlotBatch,
    phases: PhaseHistogram,
}

impl<E: EntropySource, S: StationStore<E::Origin>> Bob<E, S> {
    /// Nothing heard yet.
    ///
    /// # Errors
    /// A window or a delay that no slot has.
    pub fn new(
        mut session: bob::Session<E, S>,
        config: SlotterConfig,
    ) -> Result<Self, InvalidSlotter> {
        let (batch, phases) = (SlotBatch::default(), PhaseHistogram::new(PHASE_BINS));
        let meter = SharedMeter::new();
        session.watch_stages(meter.watch());
        Ok(Bob { session, meter, slotter: Slotter::new(config)?, batch, phases })
    }
}

impl<E: EntropySource, S: StationStore<E::Origin>> Side for Bob<E, S> {
    delegate_session!(Role::Bob);

    fn tags(&mut self, tags: &TagBatch) -> Result<(), Fault> {
        let Bob { session, slotter, batch, phases, meter } = self;
        meter.stage(Stage::Intake, || {
            batch.clear();
            slotter.push_with(tags, batch, phases);
            session.push_batch(batch)
        })
    }

    fn reached(&self) -> u64 {
        self.batch.reached
    }

    fn tags_ended(&mut self, end: u64) -> Result<(), Fault> {
        self.batch.clear();
        self.slotter.flush_with(&mut self.batch, &mut self.phases);
        let flushed = self.session.push_batch(&self.batch);
        self.session.push_dropped(self.batch.reached..end.max(self.batch.reached));
        flushed.and(self.session.reached(end))
    }

    fn receiver(&self) -> Option<Receiver<'_>> {
        Some(Receiver {
            counters: &self.batch.counters,
            phases: &self.phases,
            config: self.slotter.config(),
        })
    }
}
