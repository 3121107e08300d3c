//! The stage from tag batches to slot batches.

use super::batch::{DropCause, DroppedRange, SlotBatch, SlotCounters};
use super::config::{InvalidSlotter, SlotterConfig};
use super::grid::Grid;
use super::intake::Intake;
use super::plan::{Hole, Plan, Rule};
use super::sweep::{Sweep, Sweeper};
use crate::phase::{NoTap, Tap};
use crate::tag::{TagBatch, TagEvent};
use helio_units::{FineTicks, Ticks};

/// Turns tags into detections.
///
/// - A tag's time is its tick less its channel's delay. Slots lie where the last mark before them
///   says; a click belongs to the slot in whose coincidence window it lies.
/// - A slot is kept only if no click on any channel, in or out of a window, fell into the hold-off
///   before its window. That is decided from earlier events alone and alike for all detectors, so
///   that what a slot's own light does cannot decide whether the slot counts. Slots that are not
///   kept are not listed: they follow from the clicks.
/// - Slots that a gap touches, whose hold-off reaches into a gap, or that have no number are in a
///   [`DroppedRange`]: there a missing detection means nothing.
/// - Each slot is final once; marks that number later slots again do not bring it back.
///
/// One slotter serves one run: make a new one when the device reboots or starts a new epoch.
#[derive(Clone, Debug)]
pub struct Slotter {
    config: SlotterConfig,
    sweeper: Sweeper,
    hold_off: i128,
    max_delay: i128,
    min_delay: i128,
    intake: Intake,
    plan: Plan,
    /// Why slots between the last stretch and the current one have no window.
    cause: DropCause,
    /// First slot that is not final.
    next: u64,
    /// Time before which all clicks are used, in 2⁻³² ticks.
    done: i128,
    /// Time of the last used click.
    last: i128,
    reached: Ticks,
    counters: SlotCounters,
}

impl Slotter {
    /// A slotter at the begin of a run, without lock.
    ///
    /// # Errors
    /// [`InvalidSlotter`] names what is out of range.
    pub fn new(config: SlotterConfig) -> Result<Slotter, InvalidSlotter> {
        config.check()?;
        let delays = || config.delays.iter().map(|d| d.0);
        Ok(Slotter {
            sweeper: Sweeper {
                hold_off: config.hold_off.0 as u64,
                sync_spacing: config.sync_spacing,
            },
            hold_off: config.hold_off.0,
            max_delay: delays().max().unwrap_or(0),
            min_delay: delays().min().unwrap_or(0),
            intake: Intake::new(&config),
            plan: Plan::new(),
            cause: DropCause::NoLock,
            next: 0,
            done: i128::MIN,
            last: i128::MIN / 2,
            reached: Ticks(0),
            counters: SlotCounters::default(),
            config,
        })
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &SlotterConfig {
        &self.config
    }

    /// Takes a batch in and appends what has become final to `out`.
    pub fn push(&mut self, batch: &TagBatch, out: &mut SlotBatch) {
        self.push_with(batch, out, &mut NoTap);
    }

    /// As [`Slotter::push`], and shows each click of a numbered slot to `tap`.
    pub fn push_with<T: Tap>(&mut self, batch: &TagBatch, out: &mut SlotBatch, tap: &mut T) {
        for &event in &batch.events {
            self.event(event);
        }
        self.intake.push(&batch.tags, self.reached.0, &mut self.counters);
        self.reached = self.reached.max(batch.reached);
        let slack = FineTicks::from_ticks(self.config.slack).0;
        self.advance(self.frontier() - slack, out, tap);
    }

    /// Ends the run: what the slack has held back becomes final as far as the stream has reached.
    pub fn flush(&mut self, out: &mut SlotBatch) {
        self.flush_with(out, &mut NoTap);
    }

    /// As [`Slotter::flush`], with a tap.
    pub fn flush_with<T: Tap>(&mut self, out: &mut SlotBatch, tap: &mut T) {
        self.advance(self.frontier(), out, tap);
    }

    /// No click before this time is still to come.
    fn frontier(&self) -> i128 {
        FineTicks::from_ticks(self.reached).0 - self.max_delay
    }

    fn event(&mut self, event: TagEvent) {
        match event {
            TagEvent::Gap { from, to, .. } => {
                let to = Ticks(to.0.max(from.0.saturating_add(1)));
                let from = FineTicks::from_ticks(from).0 - self.max_delay;
                let to = FineTicks::from_ticks(to).0 - self.min_delay;
                self.counters.late_gaps += u64::from(from < self.done);
                self.plan.add_hole(Hole { from, to });
            }
            TagEvent::Mark(timing) => match Grid::new(timing, &self.config) {
                Some(grid) => {
                    let late = grid.window_start(grid.first) < self.done || grid.first < self.next;
                    self.counters.late_marks += u64::from(late);
                    self.plan.lock(grid, self.done);
                }
                None => {
                    self.counters.bad_marks += 1;
                    self.plan.unlock(self.done, DropCause::NoLock);
                }
            },
            TagEvent::LockLost { tick } => self.unlock(tick, DropCause::NoLock),
            TagEvent::StreamLost { tick } => self.unlock(tick, DropCause::StreamLost),
        }
    }

    fn unlock(&mut self, tick: Ticks, cause: DropCause) {
        let from = FineTicks::from_ticks(tick).0 - self.max_delay;
        self.counters.late_gaps += u64::from(from < self.done);
        self.plan.unlock(from.max(self.done), cause);
    }

    /// Makes final what lies before `frontier`, stretch by stretch.
    fn advance<T: Tap>(&mut self, frontier: i128, out: &mut SlotBatch, tap: &mut T) {
        let frontier = frontier.max(self.done);
        loop {
            let end = self.plan.next().map(|s| s.from).filter(|&end| end <= frontier);
            let stop = end.unwrap_or(frontier);
            match self.plan.current().rule {
                Rule::Unlocked(_) => self.skip_unlocked(stop),
                Rule::Locked(grid) => self.run(grid, stop, out, tap),
            }
            if end.is_none() {
                break;
            }
            self.discard_before(stop);
            self.cause = match self.plan.current().rule {
                Rule::Unlocked(cause) => cause,
                Rule::Locked(_) => DropCause::Resteered,
            };
            self.plan.advance();
        }
        out.reached = self.next;
        out.counters = self.counters;
    }

    fn skip_unlocked(&mut self, stop: i128) {
        self.discard_before(stop);
        while self.plan.hole().is_some_and(|h| h.to + self.hold_off <= stop) {
            self.plan.fill_hole();
        }
    }

    /// Makes the slots on `grid` final whose windows end by `stop`.
    fn run<T: Tap>(&mut self, grid: Grid, stop: i128, out: &mut SlotBatch, tap: &mut T) {
        let from = grid.first.max(grid.first_from(self.plan.current().from));
        self.drop_before(from, self.cause, out);
        let mut open = grid.first_open(stop);
        if let Some(Rule::Locked(next)) = self.plan.next().map(|s| s.rule) {
            open = open.min(next.first);
        }
        while self.next < open {
            let hole = self.plan.hole();
            let whole = hole.map_or(open, |h| grid.first_open(h.from).clamp(self.next, open));
            self.sweep_before(whole, &grid, stop, out, tap);
            let Some(hole) = hole.filter(|_| whole < open) else { break };
            let clear = grid.first_from(hole.to + self.hold_off).max(whole);
            let to = clear.min(open);
            self.discard_before(grid.window_start(to).min(stop));
            self.drop_before(to, DropCause::Gap, out);
            // A hole that reaches up to the first open slot may touch it on the next mark's grid.
            if clear < open {
                self.plan.fill_hole();
            }
        }
    }

    /// Makes the slots before `slot` final by their clicks.
    fn sweep_before<T: Tap>(
        &mut self,
        slot: u64,
        grid: &Grid,
        stop: i128,
        out: &mut SlotBatch,
        tap: &mut T,
    ) {
        let limit = grid.window_start(slot).min(stop);
        let clicks = self.intake.take_before(limit);
        if let Some(newest) = clicks.last() {
            let (detections, counters) = (&mut out.detections, &mut self.counters);
            let sweep = Sweep { grid, next: self.next, detections, counters, tap };
            self.sweeper.run(clicks, self.last, sweep);
            self.last = newest.time();
        }
        self.done = self.done.max(limit);
        self.next = self.next.max(slot);
    }

    /// Uses up clicks that have no slot; they still hold off what follows.
    fn discard_before(&mut self, limit: i128) {
        let clicks = self.intake.take_before(limit);
        if let Some(newest) = clicks.last() {
            self.last = newest.time();
            self.counters.no_slot += clicks.len() as u64;
        }
        self.done = self.done.max(limit);
    }

    fn drop_before(&mut self, to: u64, cause: DropCause, out: &mut SlotBatch) {
        if to <= self.next {
            return;
        }
        self.counters.dropped_slots += to - self.next;
        match out.dropped.last_mut() {
            Some(last) if last.to == self.next && last.cause == cause => last.to = to,
            _ => out.dropped.push(DroppedRange { from: self.next, to, cause }),
        }
        self.next = to;
    }
}
