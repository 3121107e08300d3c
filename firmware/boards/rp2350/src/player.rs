//! The slot player and the slot clock, on core 1.

use crate::local::Local;
use crate::port::{self, Pio};
use crate::{chip, dma, timer};
use helio_bench::{GateWindow, PlayerError, SlotClock, SlotPlayer, SlotTiming, SlotWord, TooLate};
use helio_pio::port::{Entry, PioPort, arm, halt};
use helio_pio::program::PARKED_FLAG;
use helio_pio::{BlockQueue, LeadIn, SlotGrid, SlotShape, beacon_before, unplayed};
use helio_units::{FineTicks, SlotIndex, Ticks};

/// Words that can wait, at slot rates where a millisecond has more.
const QUEUE: usize = 4096;

/// A millisecond, the most that may wait.
const MILLISECOND: u32 = 150_000;

/// Width of a trigger: 27 ns. The pulse's own length belongs to the laser driver.
const TRIGGER: u32 = 4;

/// Words that are queued with the interrupt held off: well below what the FIFO bridges.
const BATCH: usize = 16;

struct State {
    queue: BlockQueue<QUEUE>,
    runs: bool,
    /// Begun, but armed only with the first words: until then the PIO stands still.
    waits: bool,
    /// Words that the DMA has been given since the player was armed.
    given: u32,
}

static STATE: Local<State> =
    Local::new(State { queue: BlockQueue::new(), runs: false, waits: false, given: 0 });

/// From the DMA's interrupt: the last block is through, here is the next one.
pub fn block_is_through() {
    STATE.with(State::feed);
}

impl State {
    fn feed(&mut self) {
        if self.runs
            && !self.waits
            && dma::player_unread().is_none()
            && let Some(block) = self.queue.next_block()
        {
            self.given = self.given.wrapping_add(block.len() as u32);
            dma::play(block);
        }
    }

    fn unread(&self) -> u32 {
        let unread = dma::player_unread().unwrap_or(0);
        unplayed(self.given, unread, port::player_level(), port::is_parked())
    }

    fn begin(&mut self, limit: u32, waits: bool) {
        self.queue.limit_to(limit as usize);
        (self.runs, self.waits, self.given) = (true, waits, 0);
    }
}

/// What the pulse of a slot is.
#[derive(Clone, Copy)]
pub enum Use {
    /// A trigger of the laser, in the middle; in bursts that TRIG IN begins, or in one train.
    Laser { burst: bool },
    /// The detectors' gate: all of the slot, until a window is set.
    Gate,
}

/// Where slots are, and how long.
struct Slots {
    shape: SlotShape,
    ticks: u32,
    /// The edge of TRIG IN begins a train.
    triggered: bool,
    /// Of the coming run, where it does not begin at once.
    timing: Option<SlotTiming>,
    grid: Option<SlotGrid>,
    /// First tick of the capture's epoch, which the beacons keep step with.
    epoch: Ticks,
}

static SLOTS: Local<Option<Slots>> = Local::new(None);

/// The player of this board. There is one.
pub struct Player {
    starved: u64,
    /// When it was seen to have run out of words.
    parked: Option<Ticks>,
}

impl Player {
    pub fn new() -> Player {
        Player { starved: 0, parked: None }
    }
}

/// The slot length of the next run, and the tick from which beacons count.
pub fn configure(slot_ticks: u32, pulse: Use, epoch: Ticks) {
    let (offset, width) = match pulse {
        Use::Gate => (3, slot_ticks.saturating_sub(12)),
        Use::Laser { .. } => (slot_ticks / 2, TRIGGER),
    };
    let slots = SlotShape::new(offset, width, slot_ticks).ok().map(|shape| Slots {
        shape,
        ticks: slot_ticks,
        triggered: matches!(pulse, Use::Laser { burst: true }),
        timing: None,
        grid: None,
        epoch,
    });
    SLOTS.with(|s| *s = slots);
}

/// A new epoch of the capture has begun, and its beacons with it.
pub fn set_epoch(epoch: Ticks) {
    SLOTS.with(|s| {
        if let Some(slots) = s {
            (slots.epoch, slots.timing, slots.grid) = (epoch, None, None);
        }
    });
}

impl SlotPlayer for Player {
    fn begin(&mut self, first: SlotIndex) {
        self.halt();
        // Nothing to begin with: stays halted, and says so when words come.
        let begun = SLOTS.with(|s| {
            let slots = s.as_mut()?;
            slots.begin(first)?;
            Some((MILLISECOND / slots.ticks.max(1), slots.triggered))
        });
        match begun {
            Some((limit, waits)) => STATE.with(|state| state.begin(limit, waits)),
            None => halt(&mut Pio),
        }
    }

    fn space(&self) -> usize {
        STATE.with(|state| state.queue.space(state.unread()))
    }

    fn queued(&self) -> usize {
        STATE.with(|state| state.queue.waiting(state.unread()))
    }

    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        if !STATE.with(|state| state.runs) {
            return Err(PlayerError::Halted);
        }
        if words.len() > self.space() {
            return Err(PlayerError::Full);
        }
        for batch in words.chunks(BATCH) {
            SLOTS.with(|s| {
                let Some(Slots { shape, grid: Some(grid), .. }) = s else {
                    return Err(PlayerError::Halted);
                };
                let words = batch.iter().map(|word| shape.encode(*word, grid.next_length()));
                STATE.with(|state| {
                    let unread = state.unread();
                    state.queue.extend(unread, words).map_err(|_| PlayerError::Full)?;
                    if core::mem::take(&mut state.waits) {
                        // From here on TRIG IN may come at any time; the lead-in covers the DMA.
                        arm(&mut Pio, *shape, &LeadIn::for_trigger(*shape), Entry::Trigger);
                    }
                    state.feed();
                    Ok(())
                })
            })?;
        }
        Ok(())
    }

    fn halt(&mut self) {
        self.starved = self.starved();
        self.parked = None;
        STATE.with(|state| {
            (state.runs, state.waits, state.given) = (false, false, 0);
            dma::stop_player();
            halt(&mut Pio);
            state.queue.limit_to(QUEUE);
        });
    }

    /// A player that has run out of words stays dark until it is halted: every slot counts, and
    /// the one in which it was found as well.
    fn starved(&self) -> u64 {
        if !STATE.with(|state| state.runs) || !port::is_parked() {
            return self.starved;
        }
        self.starved + 1
    }

    fn gates(&self) -> bool {
        true
    }

    /// A window that the PIO cannot make leaves nothing to begin with, and the gate closed.
    fn set_gate(&mut self, window: Option<GateWindow>) {
        chip::hold_gate_open(window.is_none());
        let Some(GateWindow { start, width }) = window else { return };
        SLOTS.with(|s| {
            let shaped = s.take().and_then(|slots| {
                let shape = SlotShape::new(start, width, slots.ticks).ok()?;
                Some(Slots { shape, ..slots })
            });
            *s = shaped;
        });
    }
}

impl Slots {
    fn begin(&mut self, first: SlotIndex) -> Option<()> {
        if self.triggered {
            // When the edge comes is not known, so slots have lengths and no times.
            let period = FineTicks::from_ticks(Ticks(self.ticks.into()));
            let start = FineTicks::from_ticks(timer::now());
            self.grid = SlotGrid::new(SlotTiming { slot: first, start, period });
            // Of the burst before.
            Pio.clear_flags(1 << PARKED_FLAG);
            return self.grid.is_some().then_some(());
        }
        let lead = |beacon: Ticks| -> Option<(LeadIn, SlotTiming)> {
            // At Alice slots begin when they can, at Bob when the clock says.
            let Some(timing) = self.timing else {
                let (lead_in, at) = LeadIn::shortest(beacon, self.shape);
                let period = FineTicks::from_ticks(Ticks(self.ticks.into()));
                let start = FineTicks::from_ticks(Ticks(at.0 + self.epoch.0));
                return Some((lead_in, SlotTiming { slot: first, start, period }));
            };
            let begins = Ticks(timing.start_of(first).floor().0.checked_sub(self.epoch.0)?);
            let start = timing.start_of(first);
            let timing = SlotTiming { slot: first, start, ..timing };
            Some((LeadIn::new(beacon, begins, self.shape)?, timing))
        };
        let since_epoch = || Ticks(timer::now().0.saturating_sub(self.epoch.0));
        // Near a beacon, a few microseconds bring it behind us.
        for _ in 0..200 {
            let Some(beacon) = beacon_before(since_epoch()) else {
                cortex_m::asm::delay(30);
                continue;
            };
            let (lead_in, timing) = lead(beacon)?;
            arm(&mut Pio, self.shape, &lead_in, Entry::Beacon);
            if beacon_before(since_epoch()) == Some(beacon) {
                self.grid = SlotGrid::new(timing);
                return self.grid.is_some().then_some(());
            }
            halt(&mut Pio);
        }
        None
    }
}

/// The slot clock of a receiver.
pub struct Clock;

impl SlotClock for Clock {
    fn steer(&mut self, timing: SlotTiming) -> Result<(), TooLate> {
        let now = timer::now();
        let runs = STATE.with(|state| state.runs);
        SLOTS.with(|s| {
            let slots = s.as_mut().ok_or(TooLate { now })?;
            match &mut slots.grid {
                Some(grid) if runs => grid.steer(timing, now),
                _ if timing.start.floor() <= now => Err(TooLate { now }),
                _ => {
                    slots.timing = Some(timing);
                    Ok(())
                }
            }
        })
    }
}
