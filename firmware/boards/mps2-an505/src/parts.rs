//! Parts that cost next to nothing.

use core::hint::black_box;
use helio_bench::{
    Drained, Edge, EdgeSource, Modulator, PhaseRandomisation, PlayerError, PulseSource,
    RandomClass, RandomFault, RandomSource, SlotClock, SlotPlayer, SlotTiming, SlotWord,
    SourceStatement, SteerError,
};
use helio_firmware::Transmit;
use helio_units::{Hertz, MeanPhotons, Picoseconds, SlotIndex, TickLength, Ticks};

/// One buffer, again and again.
pub struct Repeats([u8; 1024]);

impl Repeats {
    pub fn new() -> Repeats {
        Repeats(core::array::from_fn(|i| (i * 151 % 256) as u8))
    }
}

impl RandomSource for Repeats {
    fn class(&self) -> RandomClass {
        RandomClass::Seeded
    }

    fn name(&self) -> &str {
        "one buffer"
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        for chunk in out.chunks_mut(self.0.len()) {
            chunk.copy_from_slice(&self.0[..chunk.len()]);
        }
        Ok(())
    }
}

/// Takes words and forgets them.
pub struct Forgets {
    room: usize,
    queued: usize,
}

impl Forgets {
    pub fn new(room: u64) -> Forgets {
        Forgets { room: room as usize, queued: 0 }
    }

    pub fn play_all(&mut self) {
        self.queued = 0;
    }
}

impl SlotPlayer for Forgets {
    fn begin(&mut self, _: SlotIndex) {
        self.queued = 0;
    }

    fn space(&self) -> usize {
        self.room - self.queued
    }

    fn queued(&self) -> usize {
        self.queued
    }

    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        self.queued += black_box(words).len();
        Ok(())
    }

    fn halt(&mut self) {}

    fn starved(&self) -> u64 {
        0
    }
}

/// A cable that takes all.
pub struct Sink;

impl Transmit for Sink {
    fn space(&self) -> usize {
        usize::MAX
    }

    fn send(&mut self, frame: &[u8]) {
        black_box(frame);
    }
}

/// So many edges a millisecond on four channels.
pub struct Again {
    edges: usize,
    next: usize,
    from: u64,
}

impl Again {
    pub fn new(edges: usize) -> Again {
        Again { edges, next: 0, from: 0 }
    }

    /// The next millisecond.
    pub fn again(&mut self, from: u64) {
        (self.next, self.from) = (0, from);
    }
}

impl EdgeSource for Again {
    fn channels(&self) -> u8 {
        5
    }

    fn tick_length(&self) -> TickLength {
        TickLength::CYCLE_150_MHZ
    }

    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let n = out.len().min(self.edges - self.next);
        for (i, out) in (self.next..).zip(&mut out[..n]) {
            let tick = Ticks(self.from + 150 * i as u64 + (i & 63) as u64);
            *out = Edge { tick, channel: (i & 3) as u8 };
        }
        self.next += n;
        Drained { edges: n, reached: Ticks(self.from + 150_000), loss: None }
    }
}

/// A slot clock that is steered and plays nothing.
pub struct Clock;

impl SlotClock for Clock {
    fn steer(&mut self, _: SlotTiming) -> Result<(), SteerError> {
        Ok(())
    }
}

/// A modulator that settles in 5 ns.
pub struct Settles;

/// The one there is.
pub const MODULATOR: Settles = Settles;

impl Modulator for Settles {
    fn settling_time(&self) -> Picoseconds {
        Picoseconds(5_000)
    }
}

/// A source of one level.
pub struct OneLevel(MeanPhotons);

/// The one there is.
pub const SOURCE: OneLevel = OneLevel(MeanPhotons::VACUUM);

impl PulseSource for OneLevel {
    fn max_trigger_rate(&self) -> Hertz {
        Hertz(5_000_000)
    }

    fn levels(&self) -> &[MeanPhotons] {
        core::slice::from_ref(&self.0)
    }

    fn statement(&self) -> SourceStatement {
        SourceStatement { phase: PhaseRandomisation::Unknown, intensity_uncertainty: None }
    }

    fn set_enabled(&mut self, _: bool) {}

    fn is_enabled(&self) -> bool {
        false
    }
}
