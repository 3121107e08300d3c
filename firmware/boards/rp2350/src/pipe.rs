//! What passes between the two cores.

use crate::timer;
use core::sync::atomic::{AtomicU32, Ordering};
use heapless::spsc::{Consumer, Producer, Queue};
use helio_firmware::pipe::{Frames, Told};
use helio_firmware::random::Supply;
use helio_firmware::{Event, Orders};
use helio_panel::{LongestTurns, Seen, Turns};
use helio_units::Ticks;

/// Orders, core 0 to core 1. A full one means that core 1 hangs.
pub type OrderQueue = Queue<Orders, 16>;
/// Events, core 1 to core 0.
pub type EventQueue = Queue<Told, 64>;
/// Frames, core 1 to core 0, byte by byte.
pub type FrameQueue = Queue<u8, 16_384>;

/// What the host gives for settings, core 0 to core 1.
pub type SupplyQueue = Queue<Supply, 65>;

/// What the capture has seen, core 1 to core 0.
pub type SeenQueue = Queue<Seen, 4>;

/// How often core 1 has been round.
pub static ROUNDS: AtomicU32 = AtomicU32::new(0);

/// Longest turns of core 1, in cycles: since it began, and of late. Written there only.
static LONGEST: AtomicU32 = AtomicU32::new(0);
static RECENT: AtomicU32 = AtomicU32::new(0);

/// The turns of core 1, for core 0.
pub fn data_turns() -> LongestTurns {
    let ticks = |cycles: &AtomicU32| Ticks(cycles.load(Ordering::Relaxed).into());
    LongestTurns { longest: ticks(&LONGEST), recent: ticks(&RECENT) }
}

/// Core 1's ends.
pub struct DataEnds {
    pub orders: Consumer<'static, Orders>,
    pub events: Producer<'static, Told>,
    pub frames: Frames<'static>,
    pub supplies: Consumer<'static, Supply>,
    pub seen: Producer<'static, Seen>,
    pub turns: Turns,
}

impl DataEnds {
    /// Tells of a round, which ends with this. Counters come with every round; core 0 wants the last
    /// ones now and then.
    pub fn tell(&mut self, events: helio_firmware::Events) {
        let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
        self.turns.begin(timer::now());
        let LongestTurns { longest, recent } = self.turns.told();
        // A turn of 28 s has been the watchdog's long before.
        LONGEST.store(longest.0 as u32, Ordering::Relaxed);
        RECENT.store(recent.0 as u32, Ordering::Relaxed);
        for event in events {
            if !matches!(event, Event::Counters(_)) || round.is_multiple_of(1024) {
                // A full queue: core 0 has not polled for a long time and feeds no heartbeat either.
                let _ = self.events.enqueue(Told::new(event, &self.frames));
            }
        }
    }

    /// What the capture has seen; kept back where core 0 has not taken the last ones.
    pub fn saw(&mut self, seen: impl FnOnce() -> Seen) {
        if ROUNDS.load(Ordering::Relaxed).is_multiple_of(1024) && self.seen.ready() {
            let _ = self.seen.enqueue(seen());
        }
    }
}
