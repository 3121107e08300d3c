//! What passes between the two planes. All of it is `Copy` and small, to go through
//! single-producer queues where the planes run on two cores.

use helio_bench::{SettingsSource, SlotTiming};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{Configure, ErrorCode};

/// From control to data, and to the enable line of the laser: once a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// The level of the source's enable line, to be driven at once by whoever polls control:
    /// closing it does not wait for the data plane.
    pub enable: bool,
    /// First: end the run, drop what is queued.
    pub halt: bool,
    /// Second: use this for the next run. It has been checked.
    pub configure: Option<Configure>,
    /// Third.
    pub run: Option<RunOrder>,
    /// The data plane ends its run by itself at this time, if no later permit comes: a control
    /// plane that hangs is no light.
    pub permit_until: Ticks,
    /// With the next start: where settings come from.
    pub source: SettingsSource,
    /// With the next start: dead times of the detectors in ticks; 0 is none.
    pub dead_times: [u32; DEAD_TIMES],
    /// Alice, at once: delays of the pulses by state, in picoseconds.
    pub delays: [i32; 4],
    /// Bob, steered by the host: this timing, from the command with this number.
    pub slot_clock: Option<(u32, SlotTiming)>,
}

impl Orders {
    /// These and earlier ones that were not delivered, in one: as if both had come in their order
    /// before the data plane's next run.
    pub fn after(self, earlier: &Orders) -> Orders {
        Orders {
            halt: self.halt || earlier.halt,
            configure: self.configure.or(earlier.configure),
            run: if self.halt { self.run } else { self.run.or(earlier.run) },
            slot_clock: self.slot_clock.or(earlier.slot_clock),
            ..self
        }
    }
}

/// Detectors whose dead times are watched.
pub const DEAD_TIMES: usize = 8;

/// Begin or end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOrder {
    /// Begin at slot 0 (Alice), or look for sync (Bob).
    Start {
        /// Number of the run.
        epoch: u16,
        /// Stop by itself before this slot.
        slots: Option<SlotIndex>,
    },
    /// End.
    Stop,
}

/// From data, or from the board itself, to control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A run has begun.
    Started {
        /// Which.
        epoch: u16,
        /// When.
        tick: Ticks,
    },
    /// A run has ended; its last data are still on their way to the cable, and
    /// [`Event::Stopped`] comes behind them. From [`crate::pipe`] only.
    Stopping {
        /// Which.
        epoch: u16,
    },
    /// A run has ended; nothing is queued any more.
    Stopped {
        /// Which.
        epoch: u16,
        /// First slot not played.
        end: SlotIndex,
        /// When.
        tick: Ticks,
    },
    /// The slot clock is steered as this command says.
    Steered {
        /// Which.
        command: u32,
        /// When.
        tick: Ticks,
    },
    /// The slot clock is not steered as this command says.
    NotSteered {
        /// Which.
        command: u32,
        /// Its slot has begun or is too near (`TooLate`) or too far ahead (`OutOfRange`), too many
        /// others wait for theirs (`Full`), or there is no clock to steer (`WrongState`).
        code: ErrorCode,
    },
    /// The random source failed.
    RandomFault,
    /// The pulse hardware refused words or ran dry.
    PlayerFault,
    /// Bob's slot clock has locked.
    Locked,
    /// Bob's slot clock has lost its lock.
    LockLost,
    /// Counters since boot.
    Counters(Counters),
    /// From the board: the link was reset, suspended or taken by another host.
    LinkReset,
    /// From the board: the interlock contact is open. To be repeated as long as it is.
    ContactOpen,
}

/// What the data plane counts since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Slots played.
    pub slots: u64,
    /// Slots that stayed dark because no word was ready.
    pub starved_slots: u64,
    /// Edges of the detectors.
    pub edges: u64,
    /// Edges within the stated dead time after another one of their channel.
    pub early_edges: u64,
    /// Random bytes of the host's that were used.
    pub fed: u64,
    /// Edges lost, in the capture or because the cable was full.
    pub lost_edges: u64,
    /// Slots whose settings were lost because the cable was full.
    pub lost_settings: u64,
    /// Bob: edges of the sync channel.
    pub sync_edges: u64,
    /// Bob: whether the slot clock is locked.
    pub locked: bool,
    /// Bob: how often lock was lost.
    pub lock_losses: u32,
}

/// What one call of a data plane brings.
pub type Events = heapless::Vec<Event, EVENTS>;

/// Most events of one call: each of [`Event`] but the board's own, and room for a run that ends
/// and another that begins.
pub const EVENTS: usize = 8;

/// Orders that wait for the next run of the data plane; later ones overrule earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Inbox {
    pub halt: bool,
    pub configure: Option<Configure>,
    pub run: Option<RunOrder>,
    pub permit_until: Ticks,
    pub source: Option<SettingsSource>,
    pub dead_times: [u32; DEAD_TIMES],
    pub slot_clock: Option<(u32, SlotTiming)>,
}

impl Inbox {
    pub fn take(&mut self, orders: &Orders) {
        if orders.halt {
            self.halt = true;
            self.run = None;
        }
        self.configure = orders.configure.or(self.configure);
        self.run = orders.run.or(self.run);
        self.permit_until = orders.permit_until;
        self.source = Some(orders.source);
        self.dead_times = orders.dead_times;
        self.slot_clock = orders.slot_clock.or(self.slot_clock);
    }
    /// Hands the orders out; the permit stays.
    pub fn open(&mut self) -> Inbox {
        let permit_until = self.permit_until;
        core::mem::replace(self, Inbox { permit_until, ..Inbox::default() })
    }
}
