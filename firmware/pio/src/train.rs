//! The slot player whole: words into the queue, blocks to the DMA, and the state machine that is
//! armed when there is something to play. The same on the chip and in the interpreter of the tests.

use crate::port::{self, Entry, PioPort};
use crate::program::PARKED_FLAG;
use crate::queue::unplayed;
use crate::{BlockQueue, LeadIn, SlotGrid, SlotShape, beacon_before};
use helio_bench::{GateWindow, PlayerError, SlotTiming, SlotWord, SteerError};
use helio_units::{FineTicks, SlotIndex, Ticks};

/// A millisecond, the most that may wait.
const MILLISECOND: u32 = 150_000;

/// Width of a trigger: 27 ns. The pulse's own length belongs to the laser driver.
const TRIGGER: u32 = 4;

/// A player begins no sooner than so long after it is steered, in ticks: half a millisecond, for a
/// beacon (0.11 ms) and for the first words, of which 256 are drawn at a time (143 cycles each).
const SOONEST: u64 = 75_000;

/// Times that a moment away from a beacon is looked for.
const ATTEMPTS: u32 = 200;

/// The PIO of the player, and the DMA channel that feeds it.
pub trait PlayerPort: PioPort {
    /// The device's time.
    fn now(&self) -> Ticks;

    /// Some 200 ns go by.
    fn pause(&mut self);

    /// Gives the DMA, which stands still, a block; its memory stays as it is until it is read.
    fn give(&mut self, block: &[u32]);

    /// Words of that block that have not been read; `None` where the DMA stands still.
    fn unread(&self) -> Option<u32>;

    /// Stops the DMA.
    fn stop(&mut self);

    /// Words in the player's FIFO.
    fn level(&self) -> u32;

    /// Whether the player has run out of words since it was armed.
    fn is_parked(&self) -> bool;
}

/// What the pulse of a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// A trigger of the laser, in the middle; in bursts that TRIG IN begins, or in one train.
    Laser {
        /// Whether in bursts.
        burst: bool,
    },
    /// The detectors' gate: all of the slot, until a window is set.
    Gate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Halted,
    /// Takes words; the PIO stands still until all that fit are there.
    Fills,
    Plays,
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
    /// Of the train that fills.
    first: SlotIndex,
}

/// The player, with room for `N` words.
pub struct Train<const N: usize> {
    queue: BlockQueue<N>,
    stage: Stage,
    /// Words that the DMA has been given since the player was armed.
    given: u32,
    starved: u64,
    slots: Option<Slots>,
}

impl<const N: usize> Train<N> {
    /// Halted, and not configured.
    pub const fn new() -> Train<N> {
        Train { queue: BlockQueue::new(), stage: Stage::Halted, given: 0, starved: 0, slots: None }
    }

    /// The slot length of the next run, and the tick from which beacons count.
    pub fn configure(&mut self, slot_ticks: u32, pulse: Pulse, epoch: Ticks) {
        let (offset, width) = match pulse {
            Pulse::Gate => (3, slot_ticks.saturating_sub(12)),
            Pulse::Laser { .. } => (slot_ticks / 2, TRIGGER),
        };
        self.slots = SlotShape::new(offset, width, slot_ticks).ok().map(|shape| Slots {
            shape,
            ticks: slot_ticks,
            triggered: pulse == Pulse::Laser { burst: true },
            timing: None,
            grid: None,
            epoch,
            first: SlotIndex(0),
        });
    }

    /// The pulse takes this window of each slot. One that the PIO cannot make leaves nothing to
    /// begin with.
    pub fn set_window(&mut self, GateWindow { start, width }: GateWindow) {
        self.slots = self.slots.take().and_then(|slots| {
            let shape = SlotShape::new(start, width, slots.ticks).ok()?;
            Some(Slots { shape, ..slots })
        });
    }

    /// A new epoch of the capture has begun, and its beacons with it.
    pub fn set_epoch(&mut self, epoch: Ticks) {
        if let Some(slots) = &mut self.slots {
            (slots.epoch, slots.timing, slots.grid) = (epoch, None, None);
        }
    }

    /// Halts, and takes words for `first` and the slots behind it. Where a slot clock says when they
    /// begin, the player is armed at once: its lead-in is the time to draw.
    pub fn begin(&mut self, port: &mut impl PlayerPort, first: SlotIndex) {
        self.halt(port);
        // Nothing to begin with: stays halted, and says so when words come.
        let Some(slots) = &mut self.slots else { return };
        slots.first = first;
        self.queue.limit_to((MILLISECOND / slots.ticks.max(1)) as usize);
        self.given = 0;
        if slots.timing.is_some() {
            let armed = slots.arm(port);
            self.stage = if armed { Stage::Plays } else { Stage::Halted };
            return;
        }
        // When these begin is known later, if at all; how long they are is known now.
        let start = FineTicks::from_ticks(port.now());
        let period = FineTicks::from_ticks(Ticks(slots.ticks.into()));
        slots.grid = SlotGrid::new(SlotTiming { slot: first, start, period });
        self.stage = Stage::Fills;
    }

    /// Arms a player that fills.
    ///
    /// # Errors
    /// [`PlayerError::Halted`]: it was not begun, or the state machine cannot be armed.
    pub fn go(&mut self, port: &mut impl PlayerPort) -> Result<(), PlayerError> {
        if self.stage == Stage::Fills {
            let armed = self.slots.as_mut().is_some_and(|slots| slots.arm(port));
            self.stage = if armed { Stage::Plays } else { Stage::Halted };
            self.feed(port);
        }
        if self.stage == Stage::Plays { Ok(()) } else { Err(PlayerError::Halted) }
    }

    /// Words that can be queued now.
    pub fn space(&self, port: &impl PlayerPort) -> usize {
        self.queue.space(self.unread(port))
    }

    /// Words whose slots are not over.
    pub fn queued(&self, port: &impl PlayerPort) -> usize {
        self.queue.waiting(self.unread(port))
    }

    /// Queues words, all or none.
    ///
    /// # Errors
    /// [`PlayerError`].
    pub fn play(
        &mut self,
        port: &mut impl PlayerPort,
        words: &[SlotWord],
    ) -> Result<(), PlayerError> {
        let unread = self.unread(port);
        let Some(Slots { shape, grid: Some(grid), .. }) = &mut self.slots else {
            return Err(PlayerError::Halted);
        };
        if self.stage == Stage::Halted {
            return Err(PlayerError::Halted);
        }
        let words = words.iter().map(|word| shape.encode(*word, grid.next_length()));
        self.queue.extend(unread, words).map_err(|_| PlayerError::Full)?;
        self.feed(port);
        Ok(())
    }

    /// All pins low at once, what was queued is dropped.
    pub fn halt(&mut self, port: &mut impl PlayerPort) {
        self.starved = self.starved(port);
        self.stage = Stage::Halted;
        port.stop();
        port::halt(port);
        port.clear_flags(1 << PARKED_FLAG);
        self.queue.limit_to(N);
        self.given = 0;
    }

    /// A player that has run out of words stays dark until it is halted: the slot in which it was
    /// found counts.
    pub fn starved(&self, port: &impl PlayerPort) -> u64 {
        self.starved + u64::from(self.stage == Stage::Plays && port.is_parked())
    }

    /// From the DMA's interrupt: the last block is through, here is the next one.
    pub fn feed(&mut self, port: &mut impl PlayerPort) {
        if self.stage == Stage::Plays
            && port.unread().is_none()
            && let Some(block) = self.queue.next_block()
        {
            self.given = self.given.wrapping_add(block.len() as u32);
            port.give(block);
        }
    }

    /// Uses this clock from its slot on.
    ///
    /// # Errors
    /// [`SteerError`]: that slot has begun, or there is no run to come; for a player that stands
    /// still, that slot is sooner than half a millisecond or later than a lead-in lasts (56 ms).
    pub fn steer(&mut self, now: Ticks, timing: SlotTiming) -> Result<(), SteerError> {
        let slots = self.slots.as_mut().ok_or(SteerError::TooLate { now })?;
        match &mut slots.grid {
            Some(grid) if self.stage == Stage::Plays => grid.steer(timing, now),
            _ => {
                let wait = timing.start.floor().0.saturating_sub(now.0);
                if wait < SOONEST + u64::from(slots.shape.shortest()) {
                    return Err(SteerError::TooLate { now });
                }
                // From a beacon on, which is still to come.
                if wait > LeadIn::longest(slots.shape) {
                    return Err(SteerError::TooFar { now });
                }
                slots.timing = Some(timing);
                Ok(())
            }
        }
    }

    fn unread(&self, port: &impl PlayerPort) -> u32 {
        // The flag first: what is counted as played is over then.
        let parked = port.is_parked();
        let unread = port.unread().unwrap_or(0);
        unplayed(self.given, unread, port.level(), parked)
    }
}

impl<const N: usize> Default for Train<N> {
    fn default() -> Self {
        Train::new()
    }
}

impl Slots {
    fn arm(&mut self, port: &mut impl PlayerPort) -> bool {
        if self.triggered {
            // When the edge comes is not known, so slots have lengths and no times.
            port::arm(port, self.shape, &LeadIn::for_trigger(self.shape), Entry::Trigger);
            return true;
        }
        // Near a beacon, a few microseconds bring it behind us.
        for _ in 0..ATTEMPTS {
            let Some(beacon) = beacon_before(self.since_epoch(port)) else {
                port.pause();
                continue;
            };
            let Some((lead_in, grid)) = self.lead_in(beacon) else { return false };
            port::arm(port, self.shape, &lead_in, Entry::Beacon);
            if beacon_before(self.since_epoch(port)) == Some(beacon) {
                self.grid = grid.or(self.grid.take());
                return self.grid.is_some();
            }
            port::halt(port);
        }
        false
    }

    fn since_epoch(&self, port: &impl PlayerPort) -> Ticks {
        Ticks(port.now().0.saturating_sub(self.epoch.0))
    }

    /// The way from a beacon to the first slot. As the clock says, with the grid of its slots; or
    /// the shortest, where slots begin when they can: their lengths have been given out.
    fn lead_in(&self, beacon: Ticks) -> Option<(LeadIn, Option<SlotGrid>)> {
        let Some(timing) = self.timing else {
            return Some((LeadIn::shortest(beacon, self.shape).0, None));
        };
        let start = timing.start_of(self.first);
        let begins = Ticks(start.floor().0.checked_sub(self.epoch.0)?);
        let grid = SlotGrid::new(SlotTiming { slot: self.first, start, ..timing })?;
        Some((LeadIn::new(beacon, begins, self.shape)?, Some(grid)))
    }
}
