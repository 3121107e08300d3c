//! Bob's receiver: with a modulator whose setting is drawn for each slot, or with a beam splitter
//! that has none.

use crate::cable::Transmit;
use crate::planes::{Counters, Event};
use crate::random::Supply;
use crate::sequencer::{Draw, Grid, Sequencer};
use helio_bench::{
    GateLimits, Modulator, RandomClass, RandomSource, SettingsSource, SlotClock, SlotPlayer,
    SlotTiming, SlotWord, SteerError,
};
use helio_units::{Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{Capabilities, Configure};

/// What [`crate::BobData`] does with slots once they are numbered.
pub trait Receiver {
    /// Which kind of receiver it is, and what its parts add.
    fn capabilities(&self) -> Capabilities;

    /// Which gates' windows it can make.
    fn gate_limits(&self) -> GateLimits {
        GateLimits::NONE
    }

    /// Takes what a run is to be like, before it begins.
    fn configure(&mut self, _: &Configure) {}

    /// Settling time of its modulator; zero without one.
    fn settling_time(&self) -> Picoseconds;

    /// Class and name of the source of its settings.
    fn random(&self) -> (RandomClass, &str);

    /// What that source gives in the long run, as of [`RandomSource::bytes_per_second`].
    fn random_rate(&self) -> Option<u32> {
        None
    }

    /// Work ahead for the coming settings: every turn.
    fn gather(&mut self) {}

    /// Takes what the host gave for settings.
    fn supply(&mut self, _: Supply) {}

    /// Where the settings of the next run come from.
    fn select(&mut self, _: SettingsSource) {}

    /// Uses this clock from its slot on.
    ///
    /// # Errors
    /// [`SteerError`]: it cannot begin that slot.
    fn steer(&mut self, timing: SlotTiming) -> Result<(), SteerError>;

    /// Begins to play settings at `first`, a sync slot still to come.
    fn begin(&mut self, c: &Configure, epoch: u16, first: SlotIndex, limit: Option<SlotIndex>);

    /// Draws, plays and reports further settings.
    ///
    /// # Errors
    /// [`Event::RandomFault`] or [`Event::PlayerFault`]: the run cannot go on.
    fn feed(&mut self, now: Ticks, tx: &mut impl Transmit) -> Result<(), Event>;

    /// Whether all slots before the limit have been played.
    fn is_finished(&self) -> bool;

    /// As [`crate::Bob::is_hungry`].
    fn is_hungry(&self, _slots: usize) -> bool {
        false
    }

    /// Ends the settings: the first slot not played, and the first one without a setting; `None`
    /// if none was playing.
    fn halt(&mut self, tx: &mut impl Transmit) -> Option<(SlotIndex, SlotIndex)>;

    /// Adds what it counts.
    fn count(&self, counters: &mut Counters);
}

/// Bob chooses: a modulator in front of two detectors, a random setting for each slot.
///
/// One 16-bit random number makes a slot: bits 0–11 choose the basis by its weight out of 4096,
/// bit 12 swaps the detectors if the run asks for it. Sync slots have setting zero and a closed
/// gate. About 9 KiB.
pub struct ActiveReceiver<M, P, C, R> {
    modulator: M,
    clock: C,
    sequencer: Sequencer<P, R, ReceiverDraw>,
}

impl<M, P: SlotPlayer, C, R: RandomSource> ActiveReceiver<M, P, C, R> {
    /// Stands still.
    pub fn new(
        boot_nonce: u32,
        tick: TickLength,
        modulator: M,
        player: P,
        clock: C,
        random: R,
    ) -> ActiveReceiver<M, P, C, R> {
        let sequencer = Sequencer::new(boot_nonce, tick, player, random);
        ActiveReceiver { modulator, clock, sequencer }
    }

    /// The parts, for a bench that steps them.
    pub fn parts_mut(&mut self) -> (&mut M, &mut P, &mut C, &mut R) {
        let Sequencer { player, sources, .. } = &mut self.sequencer;
        (&mut self.modulator, player, &mut self.clock, &mut sources.own)
    }
}

impl<M: Modulator, P: SlotPlayer, C: SlotClock, R: RandomSource> Receiver
    for ActiveReceiver<M, P, C, R>
{
    fn capabilities(&self) -> Capabilities {
        let active = Capabilities::ACTIVE_RECEIVER.with(Capabilities::REPORTS_SETTINGS);
        if self.sequencer.player.gates() { active.with(Capabilities::GATES) } else { active }
    }

    fn gate_limits(&self) -> GateLimits {
        self.sequencer.player.gate_limits()
    }

    fn configure(&mut self, c: &Configure) {
        if self.sequencer.player.gates() {
            self.sequencer.player.set_gate(c.gate);
        }
    }

    fn settling_time(&self) -> Picoseconds {
        self.modulator.settling_time()
    }

    fn random(&self) -> (RandomClass, &str) {
        let own = &self.sequencer.sources.own;
        (own.class(), own.name())
    }

    fn random_rate(&self) -> Option<u32> {
        self.sequencer.sources.own.bytes_per_second()
    }

    fn gather(&mut self) {
        self.sequencer.gather();
    }

    fn supply(&mut self, supply: Supply) {
        self.sequencer.supply(supply);
    }

    fn select(&mut self, source: SettingsSource) {
        self.sequencer.select(source);
    }

    fn steer(&mut self, timing: SlotTiming) -> Result<(), SteerError> {
        self.clock.steer(timing)
    }

    fn begin(&mut self, c: &Configure, epoch: u16, first: SlotIndex, limit: Option<SlotIndex>) {
        let draw =
            ReceiverDraw { key_weight: c.key_basis_weight, swap: u16::from(c.random_swap) << 1 };
        let grid = Grid { slot_ticks: c.slot_ticks, spacing: c.sync_spacing, burst: 0 };
        self.sequencer.begin(epoch, first, limit, grid, draw);
    }

    fn feed(&mut self, now: Ticks, tx: &mut impl Transmit) -> Result<(), Event> {
        self.sequencer.feed(now, tx).map_err(Event::from)
    }

    fn is_finished(&self) -> bool {
        self.sequencer.is_finished()
    }

    fn is_hungry(&self, slots: usize) -> bool {
        self.sequencer.is_hungry(slots)
    }

    fn halt(&mut self, tx: &mut impl Transmit) -> Option<(SlotIndex, SlotIndex)> {
        let was_running = self.sequencer.is_running();
        let ended = self.sequencer.halt(tx);
        was_running.then_some((ended.end, ended.next))
    }

    fn count(&self, counters: &mut Counters) {
        counters.slots = self.sequencer.played();
        counters.starved_slots = self.sequencer.starved();
        counters.lost_settings = self.sequencer.lost_settings();
        counters.fed = self.sequencer.sources.consumed();
    }
}

/// A beam splitter chooses, in front of four detectors: there is nothing to play or to report,
/// and no slot clock to steer. Slots are numbered all the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct PassiveReceiver;

impl Receiver for PassiveReceiver {
    fn capabilities(&self) -> Capabilities {
        Capabilities::PASSIVE_RECEIVER
    }

    fn settling_time(&self) -> Picoseconds {
        Picoseconds(0)
    }

    /// The beam splitter itself, of which no claim is made.
    fn random(&self) -> (RandomClass, &str) {
        (RandomClass::Computational, "none: passive receiver")
    }

    fn steer(&mut self, _: SlotTiming) -> Result<(), SteerError> {
        Ok(())
    }

    fn begin(&mut self, _: &Configure, _: u16, _: SlotIndex, _: Option<SlotIndex>) {}

    fn feed(&mut self, _: Ticks, _: &mut impl Transmit) -> Result<(), Event> {
        Ok(())
    }

    fn is_finished(&self) -> bool {
        true
    }

    fn halt(&mut self, _: &mut impl Transmit) -> Option<(SlotIndex, SlotIndex)> {
        None
    }

    fn count(&self, _: &mut Counters) {}
}

/// Random bytes that a setting takes.
pub(crate) const BYTES_PER_SLOT: usize = 2;

/// Settings of a receiver's slots.
struct ReceiverDraw {
    key_weight: u16,
    /// 2 if the swap bit is drawn.
    swap: u16,
}

impl Draw for ReceiverDraw {
    const BITS_PER_SLOT: u8 = 2;
    const BYTES_PER_SLOT: usize = BYTES_PER_SLOT;

    fn draw(&self, random: &[u8], codes: &mut [u8], words: &mut [SlotWord]) {
        let (numbers, _) = random.as_chunks::<2>();
        for ((number, code), word) in numbers.iter().zip(codes).zip(words) {
            let random = u16::from_le_bytes(*number);
            let setting = u16::from(random & 0xFFF >= self.key_weight) | (random >> 11 & self.swap);
            *code = setting as u8;
            *word = self.word(setting as u8);
        }
    }

    #[inline]
    fn word(&self, code: u8) -> SlotWord {
        SlotWord(1 << 5 | u16::from(code & 3) << 1)
    }

    fn sync(&mut self) -> SlotWord {
        SlotWord::DARK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::{Basis, ReceiverSetting};

    #[test]
    fn every_random_number_gives_its_setting_and_word() {
        for (key_weight, swap) in [(0, true), (2048, true), (3687, false), (4096, true)] {
            let draw = ReceiverDraw { key_weight, swap: u16::from(swap) << 1 };
            let mut tests = 0;
            for random in 0..=u16::MAX {
                let (mut code, mut word) = ([0xFF], [SlotWord(0xFFFF)]);
                draw.draw(&random.to_le_bytes(), &mut code, &mut word);
                let basis = if random & 0xFFF < key_weight { Basis::Key } else { Basis::Test };
                let setting = ReceiverSetting { basis, swap: swap && random & 0x1000 != 0 };
                assert_eq!(code[0], setting.code());
                assert_eq!(word[0], SlotWord::receive(setting));
                tests += u32::from(basis == Basis::Test);
            }
            assert_eq!(tests, 16 * u32::from(4096 - key_weight));
        }
    }
}
