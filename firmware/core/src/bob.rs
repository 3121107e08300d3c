//! Bob's data plane: edges in; tags, numbered slots and the receiver's settings out.

use crate::cable::Transmit;
use crate::planes::{Counters, DEAD_TIMES, Event, Events, Inbox, Orders, RunOrder};
use crate::prbs::Prbs31;
use crate::random::Supply;
use crate::receiver::Receiver;
use crate::sync::{SyncPlan, SyncTracker};
use crate::tags::TagStream;
use helio_bench::{ClockInput, Edge, EdgeSource, Loss, SlotClockMode, SlotTiming, SteerError};
use helio_units::{FineTicks, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{Configure, ErrorCode};

/// The slot clock is steered, and marked in the stream of tags, so often.
pub const STEER_INTERVAL: Picoseconds = Picoseconds(10_000_000_000);

/// The slot clock is steered so long before the slot comes; the time between two calls of
/// [`BobData::run`] must not be longer.
pub const STEER_LEAD: Picoseconds = Picoseconds(1_000_000_000);

/// A slot clock that the host steers has lost its lock so long after the last order it took: what
/// a heartbeat may be late. A clock that wanders by 10⁻⁹ is then 0.25 ns off.
pub const STEER_DEADLINE: Picoseconds = Picoseconds(250_000_000_000);

/// Times the lead is doubled when the slot clock says that it is too late.
const STEER_ATTEMPTS: u32 = 4;

/// Steps of the generator in one call while the position is searched.
const SEARCH_STEPS: u32 = 4096;

/// Edges drained at a time.
const BATCH: usize = 256;

/// Batches in one call: a source that floods the device does not keep it from its other duties.
const BATCHES: usize = 64;

/// Edges of REF IN drained at a time.
const REFERENCE_BATCH: usize = 32;

/// The data plane of a receiver: some 12 KiB with an active one.
///
/// The edge source has the detectors on its first channels and the sync photodiode on the last
/// one. Edges of the detectors become tags; edges of the sync channel feed a [`SyncTracker`], or go
/// to the host where the slots do not follow them. Those of REF IN go to the host.
pub struct BobData<E, V> {
    edges: E,
    receiver: V,
    sync_channel: u8,
    tags: TagStream,
    inbox: Inbox,
    configured: Option<Configure>,
    run: Option<Run>,
    dead_times: [u32; DEAD_TIMES],
    /// When a detector's last edge came, by channel.
    last_edge: [u64; DEAD_TIMES],
    early_edges: u64,
    sync_edges: u64,
    lock_losses: u32,
    steer_interval: Ticks,
    steer_lead: Ticks,
    steer_deadline: Ticks,
    buffer: [Edge; BATCH],
    references: [Ticks; REFERENCE_BATCH],
}

struct Run {
    epoch: u16,
    configure: Configure,
    limit: Option<SlotIndex>,
    tracker: SyncTracker,
    /// The clock that the receiver plays by; `None` until slots are numbered.
    timing: Option<SlotTiming>,
    steer_due: Ticks,
    /// When the host's last order was taken.
    steered_at: Ticks,
    /// First slot without a setting: no slot gets two.
    next: SlotIndex,
}

impl Run {
    /// Whether the host steers the slot clock.
    fn is_steered(&self) -> bool {
        self.configure.slot_clock == SlotClockMode::Steered
    }

    /// Where a run ends that played no settings: the first slot not yet reached, as far as it is known.
    fn first_not_reached(&self, reached: Ticks) -> SlotIndex {
        let by_light = self.tracker.timing_from(reached).map(|timing| timing.slot);
        let end = by_light.or_else(|| self.slot_after(reached)).unwrap_or(self.next);
        self.limit.map_or(end, |limit| end.min(limit))
    }

    /// By the clock's last timing, some tenths of a second ago: in 2⁻¹⁶ ticks, which spares the device a
    /// wide division, it is off by less than a slot.
    fn slot_after(&self, reached: Ticks) -> Option<SlotIndex> {
        let timing = self.timing?;
        let ahead = FineTicks::from_ticks(reached).0 - timing.start.0;
        let [ahead, period] = [ahead, timing.period.0].map(|time| u64::try_from(time >> 16).ok());
        let slots = ahead.unwrap_or(0).div_ceil(period.filter(|period| *period > 0)?);
        Some(SlotIndex(timing.slot.0.saturating_add(slots)))
    }

    /// Whether an order of the host puts its slot more than a quarter of a slot away from where the
    /// clock has it now.
    fn is_moved_by(&self, order: SlotTiming) -> bool {
        let Some(now) = self.timing.filter(|_| self.is_steered()) else { return false };
        let slots = i128::from(order.slot.0) - i128::from(now.slot.0);
        // What no number holds is far away.
        let begin =
            slots.checked_mul(now.period.0).and_then(|ahead| ahead.checked_add(now.start.0));
        begin.is_none_or(|begin| begin.abs_diff(order.start.0) > now.period.0.unsigned_abs() / 4)
    }
}

impl<E: EdgeSource, V: Receiver> BobData<E, V> {
    /// Stands still.
    pub fn new(boot_nonce: u32, edges: E, receiver: V) -> BobData<E, V> {
        let tick: TickLength = edges.tick_length();
        let sync_channel = edges.channels().saturating_sub(1);
        BobData {
            edges,
            receiver,
            sync_channel,
            tags: TagStream::new(boot_nonce, tick, sync_channel),
            inbox: Inbox::default(),
            configured: None,
            run: None,
            dead_times: [0; DEAD_TIMES],
            last_edge: [0; DEAD_TIMES],
            early_edges: 0,
            sync_edges: 0,
            lock_losses: 0,
            steer_interval: tick.ticks_covering(STEER_INTERVAL),
            steer_lead: tick.ticks_covering(STEER_LEAD),
            steer_deadline: tick.ticks_covering(STEER_DEADLINE),
            buffer: [Edge { tick: Ticks(0), channel: 0 }; BATCH],
            references: [Ticks(0); REFERENCE_BATCH],
        }
    }

    /// Takes what the host gave for settings.
    pub fn supply(&mut self, supply: Supply) {
        self.receiver.supply(supply);
    }

    /// Takes orders for the next [`BobData::run`].
    pub fn order(&mut self, orders: &Orders) {
        self.inbox.take(orders);
    }

    /// Carries out orders, drains the edges and feeds the receiver; to be called at least once a
    /// millisecond.
    ///
    /// Tags and settings go to `tx`: the cable to Bob's own host.
    pub fn run(&mut self, now: Ticks, tx: &mut impl Transmit) -> Events {
        let mut events = Events::new();
        self.receiver.gather();
        let orders = self.inbox.open();
        if orders.halt {
            self.stop(now, tx, &mut events);
        }
        if let Some(configure) = orders.configure {
            self.receiver.configure(&configure);
            self.configured = Some(configure);
        }
        if self.run.is_none()
            && let Some(source) = orders.source
        {
            self.receiver.select(source);
            self.dead_times = orders.dead_times;
        }
        match orders.run {
            Some(RunOrder::Start { epoch, slots }) => self.start(epoch, slots, now, &mut events),
            Some(RunOrder::Stop) => self.stop(now, tx, &mut events),
            None => {}
        }
        if let Some(order) = orders.slot_clock {
            self.steered(order, now, tx, &mut events);
        }
        if self.run.is_none() {
            self.discard();
        } else if now >= self.inbox.permit_until {
            self.stop(now, tx, &mut events);
        } else if let Err(fault) = self.work(now, tx, &mut events) {
            self.stop(now, tx, &mut events);
            let _ = events.push(fault);
        }
        let _ = events.push(Event::Counters(self.counters()));
        events
    }

    /// Counters since boot.
    pub fn counters(&self) -> Counters {
        let mut counters = Counters {
            edges: self.tags.edges(),
            lost_edges: self.tags.lost(),
            early_edges: self.early_edges,
            sync_edges: self.sync_edges,
            locked: self.run.as_ref().is_some_and(|run| run.timing.is_some()),
            lock_losses: self.lock_losses,
            ..Counters::default()
        };
        self.receiver.count(&mut counters);
        counters
    }

    /// Whether a run is on whose slot clock the host steers.
    pub fn is_steered(&self) -> bool {
        self.run.as_ref().is_some_and(Run::is_steered)
    }

    /// The edge source and the receiver, for a bench that steps them.
    pub fn parts_mut(&mut self) -> (&mut E, &mut V) {
        (&mut self.edges, &mut self.receiver)
    }

    /// The receiver.
    pub fn receiver(&self) -> &V {
        &self.receiver
    }

    /// Detectors, without the sync channel.
    pub fn detectors(&self) -> u8 {
        self.sync_channel
    }

    fn start(&mut self, epoch: u16, limit: Option<SlotIndex>, now: Ticks, events: &mut Events) {
        let Some(configure) = self.configured else { return };
        let Some(seed) = Prbs31::new(configure.sync_seed) else { return };
        self.discard();
        let marked = self.dead_times.iter().any(|ticks| *ticks != 0);
        self.tags.begin(epoch, now, marked);
        self.last_edge = [0; DEAD_TIMES];
        let plan =
            SyncPlan { slot_ticks: configure.slot_ticks, spacing: configure.sync_spacing, seed };
        self.run = Some(Run {
            epoch,
            configure,
            limit,
            tracker: SyncTracker::new(plan),
            timing: None,
            steer_due: now,
            steered_at: now,
            next: SlotIndex(0),
        });
        let _ = events.push(Event::Started { epoch, tick: now });
    }

    /// Edges of a time when nobody asked for them.
    fn discard(&mut self) {
        for _ in 0..BATCHES {
            if self.edges.drain(&mut self.buffer).edges < BATCH {
                break;
            }
        }
        self.drain_references(|_, _| ());
    }

    /// Moves all edges of REF IN to where they belong, and how many are missing behind them.
    fn drain_references(&mut self, mut each: impl FnMut(&mut TagStream, Result<Ticks, u32>)) {
        for _ in 0..BATCHES {
            let drained = self.edges.drain_reference(&mut self.references);
            for tick in &self.references[..drained.edges] {
                each(&mut self.tags, Ok(*tick));
            }
            each(&mut self.tags, Err(drained.lost));
            if drained.edges < REFERENCE_BATCH {
                break;
            }
        }
    }

    fn work(
        &mut self,
        now: Ticks,
        tx: &mut impl Transmit,
        events: &mut Events,
    ) -> Result<(), Event> {
        let reached = self.drain(tx);
        let Some(run) = &mut self.run else { return Ok(()) };
        let follows = run.configure.slot_clock == SlotClockMode::Sync;
        if follows {
            run.tracker.reached(reached);
            run.tracker.search(SEARCH_STEPS);
        }
        let lost = match run.configure.slot_clock {
            SlotClockMode::Free => false,
            SlotClockMode::Sync => !run.tracker.is_locked(),
            SlotClockMode::Steered => now.0 - run.steered_at.0 >= self.steer_deadline.0,
        };
        if lost && run.timing.is_some() {
            self.lose_lock(reached, tx, events);
        }
        let due = |run: &Run| run.tracker.is_locked() && now >= run.steer_due;
        if follows && !self.tags.owes_loss_of_lock() && self.run.as_ref().is_some_and(due) {
            self.steer(now, events);
        }
        self.receiver.feed(now, tx)?;
        self.tags.reached(reached, now, tx);
        if self.is_over(reached) {
            self.stop(now, tx, events);
        }
        Ok(())
    }

    /// The halt closes the gate, and without a clock no slot has a number.
    fn lose_lock(&mut self, reached: Ticks, tx: &mut impl Transmit, events: &mut Events) {
        let Some(run) = &mut self.run else { return };
        self.lock_losses += 1;
        self.tags.lock_lost(reached, tx);
        run.next = match self.receiver.halt(tx) {
            Some((_, next)) => next,
            None => run.next.max(run.first_not_reached(reached)),
        };
        run.timing = None;
        let _ = events.push(Event::LockLost);
    }

    /// Moves all edges to where they belong; the time up to which they are complete.
    fn drain(&mut self, tx: &mut impl Transmit) -> Ticks {
        self.drain_references(|tags, edge| match edge {
            Ok(tick) => tags.clock_edge(ClockInput::RefIn, tick),
            Err(lost) => tags.reference_lost(lost),
        });
        let Some(run) = &mut self.run else { return Ticks(0) };
        let mut reached = Ticks(0);
        for _ in 0..BATCHES {
            let drained = self.edges.drain(&mut self.buffer);
            let mut loss: Option<Loss> = drained.loss;
            for edge in &self.buffer[..drained.edges] {
                if let Some(lost) = loss.take_if(|l| edge.tick >= l.from) {
                    self.tags.loss(lost, tx);
                }
                if edge.channel == self.sync_channel {
                    self.sync_edges += 1;
                    if run.configure.slot_clock == SlotClockMode::Sync {
                        run.tracker.edge(edge.tick);
                    } else {
                        self.tags.clock_edge(ClockInput::SyncIn, edge.tick);
                    }
                } else {
                    let channel = usize::from(edge.channel) % DEAD_TIMES;
                    let last = core::mem::replace(&mut self.last_edge[channel], edge.tick.0);
                    let dead = u64::from(self.dead_times[channel]);
                    let early = edge.tick.0.wrapping_sub(last) < dead;
                    self.early_edges += u64::from(early);
                    self.tags.edge(*edge, early, tx);
                }
            }
            if let Some(lost) = loss {
                self.tags.loss(lost, tx);
            }
            reached = drained.reached;
            if drained.edges < BATCH {
                break;
            }
        }
        reached
    }

    /// Sets the slot clock from a slot on that is still to come; the first time, settings begin
    /// with that slot.
    fn steer(&mut self, now: Ticks, events: &mut Events) {
        let Some(run) = &mut self.run else { return };
        for attempt in 0..STEER_ATTEMPTS {
            let from = Ticks(now.0 + (self.steer_lead.0 << attempt));
            let Some(timing) = run.tracker.timing_from(from) else { return };
            // After a loss of lock: wait for the first slot that has no setting yet.
            if timing.slot < run.next || run.limit.is_some_and(|l| timing.slot >= l) {
                return;
            }
            if self.receiver.steer(timing).is_err() {
                continue;
            }
            if run.timing.is_none() {
                self.receiver.begin(&run.configure, run.epoch, timing.slot, run.limit);
                let _ = events.push(Event::Locked);
            }
            self.tags.mark(timing);
            run.timing = Some(timing);
            run.steer_due = Ticks(now.0 + self.steer_interval.0);
            return;
        }
    }

    /// Steers the slot clock as the host says; the first time, slots get their numbers by it.
    ///
    /// An order that moves slots loses the lock first, taken or not: a player walks to its new place
    /// tick by tick, and on the way plays settings in other slots than it reports.
    fn steered(
        &mut self,
        (command, timing): (u32, SlotTiming),
        now: Ticks,
        tx: &mut impl Transmit,
        events: &mut Events,
    ) {
        if self.run.as_ref().is_some_and(|run| run.is_moved_by(timing)) {
            let reached = self.drain(tx);
            self.lose_lock(reached, tx, events);
        }
        let steered = |run: &&mut Run| run.is_steered() && timing.slot >= run.next;
        let Some(run) = self.run.as_mut().filter(steered) else {
            let _ = events.push(Event::NotSteered { command, code: ErrorCode::WrongState });
            return;
        };
        // A clock that is steered without its mark would be another one than the host's.
        let refusal = if self.tags.owes_loss_of_lock() || !self.tags.has_room_for_mark() {
            Some(ErrorCode::Full)
        } else if timing.start.floor() <= now {
            Some(ErrorCode::TooLate)
        } else {
            match self.receiver.steer(timing) {
                Ok(()) => None,
                Err(SteerError::TooLate { .. }) => Some(ErrorCode::TooLate),
                Err(SteerError::TooFar { .. }) => Some(ErrorCode::OutOfRange),
            }
        };
        if let Some(code) = refusal {
            let _ = events.push(Event::NotSteered { command, code });
            return;
        }
        if run.timing.is_none() {
            self.receiver.begin(&run.configure, run.epoch, timing.slot, run.limit);
            let _ = events.push(Event::Locked);
        }
        self.tags.mark(timing);
        run.timing = Some(timing);
        run.steered_at = now;
        let _ = events.push(Event::Steered { command, tick: now });
    }

    fn is_over(&self, reached: Ticks) -> bool {
        let Some(Run { timing: Some(timing), limit: Some(limit), .. }) = &self.run else {
            return false;
        };
        timing.start_of(*limit).floor() <= reached && self.receiver.is_finished()
    }

    fn stop(&mut self, now: Ticks, tx: &mut impl Transmit, events: &mut Events) {
        let ended = self.receiver.halt(tx);
        let reached = self.drain(tx);
        let Some(run) = self.run.take() else { return };
        self.tags.finish(reached, tx);
        let end = match ended {
            Some((end, _)) => end,
            None => run.first_not_reached(reached),
        };
        let _ = events.push(Event::Stopped { epoch: run.epoch, end, tick: now });
    }
}

#[cfg(test)]
mod tests;
