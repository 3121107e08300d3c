//! Alice's data plane: draws a setting for every slot, queues it for the player, reports it.

use crate::cable::Transmit;
use crate::planes::{Counters, Event, Events, Inbox, Orders, RunOrder};
use crate::prbs::Prbs31;
use crate::random::Supply;
use crate::sequencer::{Draw, Grid, Sequencer};
use helio_bench::{Intensity, Polarization, PulseSource, RandomSource, SlotPlayer, SlotWord};
use helio_units::{SlotIndex, TickLength, Ticks};
use helio_wire::{Configure, ErrorCode};

/// The data plane of a sender. About 4 KiB, most of it the buffers of a batch.
///
/// One 32-bit random number makes a slot: bits 0–11 choose the intensity by cumulative weights,
/// bits 12–23 the basis by its weight, bit 24 is the bit value, the rest is not used. All
/// probabilities are exact multiples of 1/4096.
pub struct AliceData<P, R> {
    sequencer: Sequencer<P, R, PulseDraw>,
    inbox: Inbox,
    configured: Option<Configure>,
    epoch: u16,
    words: PulseWords,
}

/// The pins of each setting of a pulse, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PulseWords([SlotWord; 16]);

impl PulseWords {
    /// As the source is wired.
    pub fn of(source: &impl PulseSource) -> PulseWords {
        PulseWords(core::array::from_fn(|code| {
            source.word(Intensity(code as u8 >> 2), Polarization::from_code(code as u8))
        }))
    }
}

impl Default for PulseWords {
    /// Two select pins for the level and two for the state.
    fn default() -> PulseWords {
        PulseWords(core::array::from_fn(|code| SlotWord(1 | (code as u16) << 1)))
    }
}

impl<P: SlotPlayer, R: RandomSource> AliceData<P, R> {
    /// Stands still.
    pub fn new(boot_nonce: u32, tick: TickLength, player: P, random: R) -> AliceData<P, R> {
        AliceData {
            sequencer: Sequencer::new(boot_nonce, tick, player, random),
            inbox: Inbox::default(),
            configured: None,
            epoch: 0,
            words: PulseWords::default(),
        }
    }

    /// The same with pins wired in another way.
    pub fn with_words(mut self, words: PulseWords) -> AliceData<P, R> {
        self.words = words;
        self
    }

    /// Takes what the host gave for settings.
    pub fn supply(&mut self, supply: Supply) {
        self.sequencer.supply(supply);
    }

    /// A trigger has come: the next burst begins with the next [`AliceData::run`].
    pub fn trigger(&mut self) {
        self.sequencer.trigger();
    }

    /// Takes orders for the next [`AliceData::run`].
    pub fn order(&mut self, orders: &Orders) {
        self.inbox.take(orders);
    }

    /// Carries out orders and fills the player; to be called again before the player runs dry.
    ///
    /// Settings go to `tx`: the cable to Alice's own host.
    pub fn run(&mut self, now: Ticks, tx: &mut impl Transmit) -> Events {
        let mut events = Events::new();
        self.sequencer.gather();
        let orders = self.inbox.open();
        if orders.halt {
            self.stop(now, tx, &mut events);
        }
        self.configured = orders.configure.or(self.configured);
        if let Some(source) = orders.source {
            self.sequencer.select(source);
        }
        if let Some((command, _)) = orders.slot_clock {
            let _ = events.push(Event::NotSteered { command, code: ErrorCode::WrongState });
        }
        match orders.run {
            Some(RunOrder::Start { epoch, slots }) => self.start(epoch, slots, now, &mut events),
            Some(RunOrder::Stop) => self.stop(now, tx, &mut events),
            None => {}
        }
        if self.sequencer.is_running() {
            self.feed(now, tx, &mut events);
        }
        let _ = events.push(Event::Counters(self.counters()));
        events
    }

    /// Counters since boot.
    pub fn counters(&self) -> Counters {
        Counters {
            slots: self.sequencer.played(),
            starved_slots: self.sequencer.starved(),
            lost_settings: self.sequencer.lost_settings(),
            fed: self.sequencer.sources.consumed(),
            ..Counters::default()
        }
    }

    /// As [`crate::Alice::is_hungry`].
    pub fn is_hungry(&self, slots: usize) -> bool {
        self.sequencer.is_running() && self.sequencer.is_hungry(slots)
    }

    /// The player and the random source, for a bench that steps them.
    pub fn parts_mut(&mut self) -> (&mut P, &mut R) {
        (&mut self.sequencer.player, &mut self.sequencer.sources.own)
    }

    fn start(&mut self, epoch: u16, slots: Option<SlotIndex>, now: Ticks, events: &mut Events) {
        let Some(configured) = self.configured else { return };
        let Some(draw) = PulseDraw::new(&configured, self.words) else { return };
        let grid = Grid {
            slot_ticks: configured.slot_ticks,
            spacing: configured.sync_spacing,
            burst: configured.burst_slots,
        };
        self.epoch = epoch;
        self.sequencer.begin(epoch, SlotIndex(0), slots, grid, draw);
        let _ = events.push(Event::Started { epoch, tick: now });
    }

    fn feed(&mut self, now: Ticks, tx: &mut impl Transmit, events: &mut Events) {
        if now >= self.inbox.permit_until {
            return self.stop(now, tx, events);
        }
        match self.sequencer.feed(now, tx) {
            Ok(()) if self.sequencer.is_finished() => self.stop(now, tx, events),
            Ok(()) => {}
            Err(fault) => {
                self.stop(now, tx, events);
                let _ = events.push(fault.into());
            }
        }
    }

    fn stop(&mut self, now: Ticks, tx: &mut impl Transmit, events: &mut Events) {
        let was_running = self.sequencer.is_running();
        let end = self.sequencer.halt(tx).end;
        if was_running {
            let _ = events.push(Event::Stopped { epoch: self.epoch, end, tick: now });
        }
    }
}

/// Random bytes that a setting takes.
pub(crate) const BYTES_PER_SLOT: usize = 4;

/// Settings of pulses.
struct PulseDraw {
    /// Sums of the weights of the first one, two, three levels.
    cumulative: [u32; 3],
    key_weight: u32,
    prbs: Prbs31,
    words: PulseWords,
}

impl PulseDraw {
    fn new(c: &Configure, words: PulseWords) -> Option<PulseDraw> {
        let [a, b, d, _] = c.intensity_weights.map(u32::from);
        Some(PulseDraw {
            cumulative: [a, a + b, a + b + d],
            key_weight: c.key_basis_weight.into(),
            prbs: Prbs31::new(c.sync_seed)?,
            words,
        })
    }

    /// `intensity << 2 | polarization`, without a branch.
    #[inline]
    fn code(&self, random: u32) -> u32 {
        let (intensity, basis) = (random & 0xFFF, random >> 12 & 0xFFF);
        let [a, b, c] = self.cumulative;
        let level =
            u32::from(intensity >= a) + u32::from(intensity >= b) + u32::from(intensity >= c);
        level << 2 | u32::from(basis >= self.key_weight) << 1 | random >> 24 & 1
    }
}

impl Draw for PulseDraw {
    const BITS_PER_SLOT: u8 = 4;
    const BYTES_PER_SLOT: usize = BYTES_PER_SLOT;

    fn draw(&self, random: &[u8], codes: &mut [u8], words: &mut [SlotWord]) {
        let (numbers, _) = random.as_chunks::<4>();
        for ((number, code), word) in numbers.iter().zip(codes).zip(words) {
            let setting = self.code(u32::from_le_bytes(*number));
            *code = setting as u8;
            *word = self.word(setting as u8);
        }
    }

    #[inline]
    fn word(&self, code: u8) -> SlotWord {
        self.words.0[usize::from(code & 15)]
    }

    fn sync(&mut self) -> SlotWord {
        SlotWord::sync(self.prbs.next_bit())
    }
}

#[cfg(test)]
mod tests;
