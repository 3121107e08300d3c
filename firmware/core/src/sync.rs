//! Finding and holding Alice's slots at Bob: edges of the sync channel in, numbered slots out.
//!
//! Every `spacing`-th slot of Alice is public: a bright pulse where the sync sequence has a one,
//! nothing where it has a zero. A phase-locked loop finds when those positions come, the sequence
//! says which ones they are:
//!
//! 1. *Listening*: presence or absence at each position is a bit. The sequence synchronises
//!    itself: any 31 bits heard without an error are the generator's state; 32 correct
//!    predictions in a row prove it.
//! 2. *Searching*: a generator steps from a known position until it meets that state, some steps
//!    at each poll, while the first one keeps predicting. From the seed it reaches
//!    [`SEARCH_LIMIT`] positions (54 s of 64-slot spacing at 5 MHz): Bob must be started within
//!    that time of Alice. After a loss of lock it starts from where dead reckoning has come to,
//!    less [`RECKONING_LAG`], so that the dark time may be as long as it likes.
//! 3. *Locked*: slots have the numbers that Alice gave them. Lock is lost when
//!    [`MISMATCHES_LOST`] of [`MISMATCH_WINDOW`] positions are not what the sequence says: a cut
//!    fibre makes half of them wrong, a tenth of the pulses missing makes a twentieth.
//!
//! Phase and period are within reach of the stated offset ([`ACQUISITION_PPM`]); a clock whose
//! ticks stand still against Alice's slots is known to half a tick only, because edges are whole
//! ticks and nothing spreads them.
//!
//! Where wrong bits are frequent, listening takes longer: 63 bits in a row must be right. With a
//! tenth of the bits wrong it takes some 8000 positions (0.1 s at 5 MHz), and that is as bad as
//! it should get.

mod bits;
mod pll;

use crate::prbs::Prbs31;
use bits::Bits;
use helio_bench::SlotTiming;
use helio_units::{FineTicks, SlotIndex, Ticks};
pub use pll::{ACQUISITION_PPM, MAX_SYNC_PERIOD};
use pll::{Heard, Pll};

/// Positions that a search steps through before it gives up and listens anew.
pub const SEARCH_LIMIT: u32 = 1 << 22;

/// Positions by which a search after a loss of lock starts behind dead reckoning.
pub const RECKONING_LAG: u32 = 1 << 16;

/// Positions over which wrong predictions are counted.
pub const MISMATCH_WINDOW: u32 = 128;

/// Wrong predictions within a window at which lock is lost.
pub const MISMATCHES_LOST: u32 = 32;

/// What a run says of the public sync slots; checked by [`crate::Control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncPlan {
    /// Nominal length of a slot in ticks.
    pub slot_ticks: u32,
    /// Slots from one sync slot to the next, at least 2.
    pub spacing: u16,
    /// The generator before the first position.
    pub seed: Prbs31,
}

/// Finds, numbers and follows the sync slots. About 250 bytes.
#[derive(Clone, Debug)]
pub struct SyncTracker {
    plan: SyncPlan,
    /// 2³² / spacing, for the length of a slot without a division.
    reciprocal: u32,
    pll: Pll,
    stage: Stage,
    /// Where a search starts.
    origin: Origin,
    window: MismatchWindow,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Listening(Bits),
    Searching {
        /// Predicts the coming position.
        generator: Prbs31,
        /// The state to be met.
        target: u32,
        /// Positions decided since the target was the state.
        since: u64,
        /// The generator that steps, at this position.
        search: Prbs31,
        position: u64,
        steps_left: u32,
    },
    Locked {
        /// Predicts the coming position.
        generator: Prbs31,
        /// The coming position.
        position: u64,
    },
}

/// A position whose generator state is known, carried on by dead reckoning once lock was held.
#[derive(Clone, Copy, Debug)]
struct Origin {
    generator: Prbs31,
    position: u64,
    /// When the next step is due; `None` as long as Alice's start is unknown.
    due: Option<FineTicks>,
}

impl SyncTracker {
    /// Knows nothing yet.
    pub fn new(plan: SyncPlan) -> SyncTracker {
        debug_assert!(plan.spacing >= 2);
        SyncTracker {
            plan,
            reciprocal: ((1u64 << 32) / u64::from(plan.spacing)) as u32,
            pll: Pll::new(u64::from(plan.slot_ticks) * u64::from(plan.spacing), plan.slot_ticks),
            stage: Stage::Listening(Bits::new()),
            origin: Origin { generator: plan.seed, position: 0, due: None },
            window: MismatchWindow::default(),
        }
    }

    /// Whether slots are numbered.
    pub fn is_locked(&self) -> bool {
        matches!(self.stage, Stage::Locked { .. })
    }

    /// An edge of the sync channel; edges come in order of time.
    pub fn edge(&mut self, tick: Ticks) {
        self.reached(tick);
        if self.pll.offer(tick) == Heard::Reanchored {
            self.listen_anew();
        }
    }

    /// No edge before `tick` is still to come.
    pub fn reached(&mut self, tick: Ticks) {
        while self.pll.has_passed(tick) {
            self.decide();
        }
        self.reckon(tick);
    }

    /// Goes on searching the position, at most `steps` steps of the generator, once phase and
    /// period are good enough to place slots by them.
    pub fn search(&mut self, steps: u32) {
        let Stage::Searching { generator, target, since, search, position, steps_left } =
            &mut self.stage
        else {
            return;
        };
        if !self.pll.is_settled() {
            return;
        }
        let limit = steps.min(*steps_left);
        match search.step_to(*target, limit) {
            Some(taken) => {
                let position = *position + u64::from(taken) + *since;
                self.stage = Stage::Locked { generator: *generator, position };
                self.origin.due = None;
            }
            None if *steps_left > limit => {
                *position += u64::from(limit);
                *steps_left -= limit;
            }
            None => self.listen_anew(),
        }
    }

    /// The clock of Bob's slots from the first sync slot on that begins at `from` or later;
    /// `None` without lock. A slot begins half a slot before its sync pulse comes.
    pub fn timing_from(&self, from: Ticks) -> Option<SlotTiming> {
        let Stage::Locked { position, .. } = self.stage else { return None };
        let period = self.slot_period();
        let from = FineTicks::from_ticks(from);
        let mut start = FineTicks(self.pll.due().0 - (period.0 >> 1));
        let mut position = position;
        while start < from {
            start = start + self.pll.period();
            position += 1;
        }
        let slot = SlotIndex(position * u64::from(self.plan.spacing));
        Some(SlotTiming { slot, start, period })
    }

    fn slot_period(&self) -> FineTicks {
        let deviation = (i128::from(self.pll.deviation()) * i128::from(self.reciprocal)) >> 32;
        FineTicks((i128::from(self.plan.slot_ticks) << FineTicks::FRACTION_BITS) + deviation)
    }

    /// The window of the coming position is over.
    fn decide(&mut self) {
        let present = self.pll.present();
        let (expected, verified) = match &mut self.stage {
            Stage::Listening(bits) => {
                (None, if self.pll.settling() { None } else { bits.hear(present) })
            }
            Stage::Searching { generator, since, .. } => {
                *since += 1;
                (Some(generator.next_bit()), None)
            }
            Stage::Locked { generator, position } => {
                *position += 1;
                (Some(generator.next_bit()), None)
            }
        };
        // Once the sequence is known, an edge where none belongs is no measurement of phase.
        self.pll.advance(expected != Some(false));
        if let Some(generator) = verified {
            self.begin_search(generator);
        }
        let unlike = expected.is_some_and(|expected| self.window.is_lost(expected != present));
        if unlike || !self.pll.is_anchored() {
            self.lose();
        }
    }

    fn begin_search(&mut self, generator: Prbs31) {
        self.window = MismatchWindow::default();
        self.stage = Stage::Searching {
            generator,
            target: generator.state(),
            since: 0,
            search: self.origin.generator,
            position: self.origin.position,
            steps_left: SEARCH_LIMIT,
        };
    }

    fn lose(&mut self) {
        if let Stage::Locked { generator, position } = self.stage {
            let lag = i128::from(RECKONING_LAG) * self.pll.period().0;
            let due = Some(FineTicks(self.pll.due().0 + lag));
            self.origin = Origin { generator, position, due };
        }
        self.pll.drop_anchor();
        self.listen_anew();
    }

    fn listen_anew(&mut self) {
        self.stage = Stage::Listening(Bits::new());
    }

    /// Carries the origin of a search on while there is no lock.
    fn reckon(&mut self, tick: Ticks) {
        let Some(due) = &mut self.origin.due else { return };
        let now = FineTicks::from_ticks(tick);
        while *due < now {
            *due = *due + self.pll.period();
            self.origin.generator.next_bit();
            self.origin.position += 1;
        }
    }
}

/// Counts wrong predictions in consecutive windows.
#[derive(Clone, Copy, Debug, Default)]
struct MismatchWindow {
    positions: u32,
    mismatches: u32,
}

impl MismatchWindow {
    fn is_lost(&mut self, mismatch: bool) -> bool {
        self.mismatches += u32::from(mismatch);
        self.positions += 1;
        let lost = self.mismatches >= MISMATCHES_LOST;
        if lost || self.positions == MISMATCH_WINDOW {
            *self = MismatchWindow::default();
        }
        lost
    }
}

#[cfg(test)]
mod tests;
