//! The board's table over its chips.

use crate::analog::{Analog, Input, Sampler, millikelvin, millivolts};
use crate::delays::{self, LASERS};
use crate::shots::Shots;
use crate::table::{Item, LEVELS, Loop, Station};
use crate::turns::{LongestTurns, RECENTLY, Turns};
use embedded_hal::spi::SpiDevice;
use helio_bench::{Board, BootCause, Entry, KEPT_LENGTH, PartFault, Polarization};
use helio_chips::ad5686r::{Ad5686r, Channel, Millivolts};
use helio_units::{Picoseconds, TickLength, Ticks};

/// Thresholds after a start: half of a TTL pulse behind the divider of the wiring guide. At zero,
/// where the chip itself begins, a comparator would click at its own noise.
pub const THRESHOLD_AT_BOOT: Millivolts = Millivolts(600);

/// What hangs at the bus, and the converter.
pub struct Parts<S, A> {
    /// The AD5686R: SPI mode 1.
    pub dac: S,
    /// Alice's shift registers of the fine delays: SPI mode 0, latched by the chip select.
    pub delays: Option<S>,
    /// A TDC7200, where there is one: SPI mode 0, 12 MHz at its CLOCK.
    pub stopwatch: S,
    /// The microcontroller's converter.
    pub analog: A,
    /// A tick of the time that [`Panel::turn`] is told.
    pub clock: TickLength,
}

/// What the chip says of itself at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// `CHIP_ID.REVISION`: 2 is stepping A2. Up to that one pads latch (erratum RP2350-E9).
    pub stepping: u8,
    /// Why it started.
    pub cause: BootCause,
    /// Panics and hard faults since power came.
    pub faults: u32,
}

/// What the capture has seen since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Edges of REF IN, modulo 2³².
    pub references: u32,
    /// When the last of them came.
    pub reference: Ticks,
    /// Times that edges may have been lost.
    pub gaps: u32,
    /// How long these were together.
    pub lost: Ticks,
    /// Of a time-to-digital converter: why it tells no time, 0 where it does.
    pub converter: u8,
}

/// A board that can be set and sensed.
pub struct Panel<'a, S, A> {
    station: Station,
    dac: Ad5686r<S>,
    delays: Option<S>,
    sampler: Sampler<A>,
    chip: Chip,
    kept: Option<&'a mut [u8; KEPT_LENGTH]>,
    levels: [Millivolts; 4],
    codes: [u16; LASERS],
    dac_answers: bool,
    seen: Seen,
    shots: Shots<S>,
    clock: TickLength,
    turns: Turns,
    data_turns: LongestTurns,
}

impl<'a, S: SpiDevice, A: Analog> Panel<'a, S, A> {
    /// Alice's, with levels at zero and delays at their shortest. `kept` is memory that a reset
    /// leaves alone.
    pub fn alice(
        parts: Parts<S, A>,
        chip: Chip,
        kept: Option<&'a mut [u8; KEPT_LENGTH]>,
    ) -> Panel<'a, S, A> {
        let mut panel = Panel::new(Station::Alice, parts, chip, kept);
        panel.preset(4, Millivolts(0));
        let _ = panel.send_delays();
        panel
    }

    /// Bob's with so many detectors, at most four, whose thresholds begin at
    /// [`THRESHOLD_AT_BOOT`].
    pub fn bob(
        parts: Parts<S, A>,
        detectors: u8,
        chip: Chip,
        kept: Option<&'a mut [u8; KEPT_LENGTH]>,
    ) -> Panel<'a, S, A> {
        let detectors = usize::from(detectors).min(4);
        let mut panel = Panel::new(Station::Bob { detectors }, parts, chip, kept);
        panel.preset(detectors, THRESHOLD_AT_BOOT);
        panel
    }

    /// Bob's with a time-to-digital converter at his four detectors, as [`Panel::bob`].
    pub fn converter(
        parts: Parts<S, A>,
        chip: Chip,
        kept: Option<&'a mut [u8; KEPT_LENGTH]>,
    ) -> Panel<'a, S, A> {
        let mut panel = Panel::new(Station::Converter, parts, chip, kept);
        panel.preset(4, THRESHOLD_AT_BOOT);
        panel
    }

    fn new(
        station: Station,
        parts: Parts<S, A>,
        chip: Chip,
        kept: Option<&'a mut [u8; KEPT_LENGTH]>,
    ) -> Panel<'a, S, A> {
        Panel {
            station,
            dac: Ad5686r::new(parts.dac, LEVELS),
            delays: parts.delays,
            sampler: Sampler::new(parts.analog),
            chip,
            kept,
            levels: [Millivolts(0); 4],
            codes: [0; LASERS],
            dac_answers: false,
            seen: Seen::default(),
            shots: Shots::new(parts.stopwatch, parts.clock),
            clock: parts.clock,
            turns: Turns::new(parts.clock.ticks_covering(RECENTLY)),
            data_turns: LongestTurns::default(),
        }
    }

    /// A chip that keeps its levels through a reset of the board gets them anew; one that does
    /// not answer is known by `board.dac`.
    fn preset(&mut self, outputs: usize, level: Millivolts) {
        let all = [Channel::A, Channel::B, Channel::C, Channel::D];
        for output in &all[..outputs] {
            let _ = self.set_level(*output, level);
        }
    }

    /// A turn of the loop that owns the chips: lets the converter take its next sample and looks after
    /// the stopwatch, waiting for neither.
    pub fn turn(&mut self, now: Ticks) {
        self.turns.begin(now);
        self.sampler.turn();
        self.shots.turn(now);
    }

    /// The turns of the other core's loop.
    pub fn data_turned(&mut self, turns: LongestTurns) {
        self.data_turns = turns;
    }

    fn longest_turn(&self, whose: Loop) -> LongestTurns {
        match whose {
            Loop::Control => self.turns.told(),
            Loop::Data => self.data_turns,
        }
    }

    fn picoseconds(&self, ticks: Ticks) -> i64 {
        self.clock.to_ps(ticks).map_or(i64::MAX, |time| time.0)
    }

    /// What the capture has seen by now.
    pub fn saw(&mut self, seen: Seen) {
        self.seen = seen;
    }

    fn set_level(&mut self, output: Channel, level: Millivolts) -> Result<(), PartFault> {
        self.dac_answers = self.dac.set_checked(output, level).is_ok();
        if !self.dac_answers {
            return Err(PartFault);
        }
        self.levels[output as usize] = level;
        Ok(())
    }

    /// Alice: delays the pulses of this state by so much more than the shortest delay, to the
    /// nearest step; from 0 to [`crate::LONGEST_DELAY`]. A pulse on its way may have neither delay.
    ///
    /// # Errors
    /// [`PartFault`]: out of range, or the bus failed; the old delay may still stand.
    pub fn set_delay(&mut self, state: Polarization, above: Picoseconds) -> Result<(), PartFault> {
        let code = delays::code(above).ok_or(PartFault)?;
        let place = &mut self.codes[state as usize];
        let old = core::mem::replace(place, code);
        let sent = self.send_delays();
        if sent.is_err() {
            self.codes[state as usize] = old;
        }
        sent
    }

    /// They cannot be read: a loopback shows what they do.
    fn send_delays(&mut self) -> Result<(), PartFault> {
        let bus = self.delays.as_mut().ok_or(PartFault)?;
        bus.write(&delays::frame(self.codes)).map_err(|_| PartFault)
    }

    fn sensor(&self, input: Input) -> i64 {
        let Some(microvolts) = self.sampler.microvolts(input) else { return 0 };
        match input {
            Input::Temperature => millikelvin(microvolts),
            Input::Bias => millivolts(microvolts),
            Input::Supply => 3 * millivolts(microvolts),
        }
    }
}

impl<S: SpiDevice, A: Analog> Board for Panel<'_, S, A> {
    fn entries(&self) -> u16 {
        self.station.entries()
    }

    fn entry(&self, index: u16) -> Option<Entry<'_>> {
        self.station.entry(index)
    }

    fn read(&mut self, index: u16) -> i64 {
        match self.station.item(index) {
            Some(Item::Output(output)) => self.levels[output as usize].0.into(),
            Some(Item::Sensor(input)) => self.sensor(input),
            Some(Item::Stepping) => self.chip.stepping.into(),
            Some(Item::DacAnswers) => self.dac_answers.into(),
            Some(Item::FaultCount) => self.chip.faults.into(),
            Some(Item::References) => self.seen.references.into(),
            Some(Item::ReferenceTick) => i64::try_from(self.seen.reference.0).unwrap_or(i64::MAX),
            Some(Item::Gaps) => self.seen.gaps.into(),
            Some(Item::LostTicks) => i64::try_from(self.seen.lost.0).unwrap_or(i64::MAX),
            Some(Item::Converter) => self.seen.converter.into(),
            Some(Item::Shot) => self.shots.take().0,
            Some(Item::ShotState) => self.shots.state() as i64,
            Some(Item::ShotCount) => self.shots.count().into(),
            Some(Item::LongShots) => self.shots.is_long().into(),
            Some(Item::Turn(whose)) => self.picoseconds(self.longest_turn(whose).longest),
            Some(Item::RecentTurn(whose)) => self.picoseconds(self.longest_turn(whose).recent),
            None => 0,
        }
    }

    fn write(&mut self, index: u16, value: i64) -> Result<(), PartFault> {
        match self.station.item(index) {
            Some(Item::Output(output)) => {
                let level = Millivolts(u32::try_from(value).map_err(|_| PartFault)?);
                self.set_level(output, level)
            }
            Some(Item::LongShots) => self.shots.set_long(value != 0),
            _ => Err(PartFault),
        }
    }

    fn boot_cause(&self) -> BootCause {
        self.chip.cause
    }

    fn kept(&mut self) -> Option<&mut [u8; KEPT_LENGTH]> {
        self.kept.as_deref_mut()
    }
}
