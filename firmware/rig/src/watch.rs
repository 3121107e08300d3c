//! When bytes from a host reach a device, and when time waits for them.

use helio_bench::InterlockState;
use helio_units::{Picoseconds, TickLength, Ticks};

/// A host shows that it is alive each time it has seen so much device time go by.
const BEAT: Picoseconds = Picoseconds(100_000_000_000);
/// How long after each whole [`BEAT`] its sign must have come: what the device says is on its way
/// for up to 5 ms before it flushes, the rest is for host and device to work at the same time.
const GRACE: Picoseconds = Picoseconds(20_000_000_000);
/// No supervised device goes on for longer without a word: a step less than its interlock bears.
const SILENCE: Picoseconds = Picoseconds(240_000_000_000);

/// The watch over one device's host: nothing that a device does depends on when, by the wall
/// clock, its host does something.
#[derive(Clone, Debug)]
pub struct Watch {
    beat: u64,
    grace: u64,
    silence: u64,
    /// The next instant at which bytes from the host reach the device, while it runs.
    due: Ticks,
    /// When bytes from the host reached the device last.
    heard: Ticks,
}

impl Watch {
    /// Over a device whose tick has this length.
    pub fn new(tick: TickLength) -> Watch {
        Watch {
            beat: tick.ticks_covering(BEAT).0.max(1),
            grace: tick.ticks_covering(GRACE).0,
            silence: tick.ticks_covering(SILENCE).0,
            due: Ticks(0),
            heard: Ticks(0),
        }
    }

    /// A run begins at `now`: the first whole beat after it is the first one asked for.
    pub fn depart(&mut self, now: Ticks) {
        let beat = (now.0 / self.beat + 1) * self.beat + self.grace;
        self.due = Ticks(beat.min(self.heard.0 + self.silence));
    }

    /// Bytes from the host reach the device.
    pub fn hear(&mut self, now: Ticks) {
        self.heard = now;
    }

    /// Whether bytes from the host reach a device that runs.
    pub fn is_due(&self, now: Ticks) -> bool {
        now >= self.due
    }

    /// On to the first instant after `now`.
    pub fn next(&mut self, now: Ticks) {
        while self.due <= now {
            self.due = Ticks(self.due.0 + self.beat);
        }
    }

    /// Whether a device may not go on before its host has said something.
    pub fn wants_word(&self, running: bool, interlock: InterlockState, now: Ticks) -> bool {
        if running {
            self.is_due(now)
        } else {
            interlock == InterlockState::Armed && now.0 >= self.heard.0 + self.silence
        }
    }
}
