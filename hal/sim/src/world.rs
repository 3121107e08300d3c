//! Time passes: from Alice's words to Bob's edges.

use helio_bench::{PulseSource, SlotTiming};
use helio_units::{FineTicks, SlotIndex, Ticks};

use crate::config::{BenchConfig, FOUR};
use crate::detector::{Detector, Gate};
use crate::draw::GAUSSIAN_MAX;
use crate::edges::SimEdges;
use crate::eve::Attack;
use crate::optics::{Cell, Optics, Photons};
use crate::photodiode::Photodiode;
use crate::player::SimPlayer;
use crate::slot_clock::SimSlotClock;
use crate::source::{SimModulator, SimSource};
use crate::time::{BobClock, fine_span};
use crate::trim::{AliceTrim, BobTrim};
use crate::truth::Truth;
use crate::validate::ConfigError;

/// Slots between two looks at the slow things: the base of relative times, the rotation of the
/// channel. Counted from Alice's zero, so that the cut into steps changes nothing.
const CHUNK: u64 = 256;
/// Slots between two updates of a drifting rotation, a multiple of [`CHUNK`].
const ROTATION_SLOTS: u64 = 16 * CHUNK;

/// Everything between the two devices' pins, and time itself.
///
/// Where the devices' own parts are handed out ([`World::source`] and so on), they are in the
/// state of a device that has just been switched on at the world's present time.
#[derive(Clone, Debug)]
pub struct World {
    config: BenchConfig,
    clock: BobClock,
    optics: Optics,
    attack: Attack,
    detectors: [Detector; FOUR],
    photodiode: Photodiode,
    settling: i64,
    alice_trim: AliceTrim,
    bob_trim: BobTrim,
    /// How far behind the light front edges are final, because jitter may still bring some.
    lag: i128,
    truth: Truth,
}

/// Where the two devices' clocks stand after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// Time of Alice's device.
    pub alice_now: Ticks,
    /// Time of Bob's device, counted along the light: what Alice sent before `alice_now` has
    /// arrived.
    pub bob_now: Ticks,
}

impl World {
    /// A bench as configured, at Alice's time zero.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field outside its range.
    pub fn new(config: BenchConfig) -> Result<World, ConfigError> {
        config.validate()?;
        let clock = BobClock::new(&config);
        let now = clock.now_fine();
        let tick = config.tick_length;
        let detectors = &config.receiver.detectors[..usize::from(config.receiver.kind.detectors())];
        let widest = detectors.iter().map(|d| d.jitter_ps).fold(config.sync.jitter_ps, f64::max);
        let lag_ps = (GAUSSIAN_MAX * widest - config.slot_ps() / 2.0).max(0.0);
        Ok(World {
            optics: Optics::new(&config),
            attack: Attack::new(&config),
            detectors: core::array::from_fn(|d| Detector::new(&config, d as u8, now)),
            photodiode: Photodiode::new(&config, now),
            settling: fine_span(config.receiver.modulator_settling.0 as f64, tick),
            lag: i128::from(fine_span(lag_ps, tick)),
            truth: Truth::default(),
            alice_trim: AliceTrim::default(),
            bob_trim: BobTrim::default(),
            clock,
            config,
        })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &BenchConfig {
        &self.config
    }

    /// Sets the parts from the next step on; what is beyond its range is set to its end. It costs next
    /// to nothing where nothing changes, and what some 10⁵ pulses cost where something does.
    pub fn trim(&mut self, alice: &AliceTrim, bob: &BobTrim) {
        if (self.alice_trim, self.bob_trim) == (*alice, *bob) {
            return;
        }
        let (alice, bob) = (alice.within_range(), bob.within_range());
        let (tick, now) = (self.config.tick_length, self.clock.now_fine());
        let configured = &self.config.receiver.detectors;
        for (channel, detector) in self.detectors.iter_mut().enumerate() {
            let [from, to] = [&self.bob_trim, &bob].map(|t| t.of(channel, &configured[channel]));
            detector.trim(&from, &to, tick, now);
        }
        self.optics.trim(&self.config, &alice, &bob);
        self.attack.trim(&self.config, &alice);
        (self.alice_trim, self.bob_trim) = (alice, bob);
    }

    /// Alice's source, disabled.
    pub fn source(&self) -> SimSource {
        SimSource::new(&self.config.source)
    }

    /// Alice's modulator.
    pub fn alice_modulator(&self) -> SimModulator {
        SimModulator::new(self.config.source.modulator_settling)
    }

    /// Bob's modulator.
    pub fn bob_modulator(&self) -> SimModulator {
        SimModulator::new(self.config.receiver.modulator_settling)
    }

    /// Bob's slot clock, without slots.
    pub fn slot_clock(&self) -> SimSlotClock {
        SimSlotClock::new(self.bob_now())
    }

    /// Bob's inputs: the detectors, then the sync photodiode. `M` should hold the edges of a few
    /// steps.
    pub fn edges<const M: usize>(&self) -> SimEdges<M> {
        let channels = self.config.receiver.kind.detectors() + 1;
        SimEdges::new(channels, self.config.tick_length, self.bob_now())
    }

    /// Time of Alice's device.
    pub fn alice_now(&self) -> Ticks {
        Ticks(self.truth.slots * u64::from(self.config.slot_ticks))
    }

    /// Time of Bob's device.
    pub fn bob_now(&self) -> Ticks {
        self.clock.now()
    }

    /// The timing to which a perfect lock would steer Bob's slot clock: Alice's slot that begins
    /// `ahead` slots from now is Bob's slot `slot`. For tests; drift is left out.
    pub fn true_timing(&self, ahead: u32, slot: SlotIndex) -> SlotTiming {
        let period = self.clock.period_fine();
        let start = FineTicks(self.clock.now_fine().0 + i128::from(ahead) * period.0);
        SlotTiming { slot, start, period }
    }

    /// What really happened so far.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Lets `slots` slots of Alice's time pass.
    ///
    /// Alice's player plays one word a slot; light leaves in the middle of the slot where the word
    /// triggers a laser and the source is enabled. Bob's player plays the words of the slots that
    /// his slot clock begins in that time. Edges that come of it are ready in `edges` afterwards.
    /// What firmware does between two steps happens at the instant between them, so steps should
    /// be as short as the firmware's polling interval.
    pub fn step<const A: usize, const B: usize, const M: usize>(
        &mut self,
        alice_player: &mut SimPlayer<A>,
        source: &SimSource,
        bob_player: &mut SimPlayer<B>,
        clock: &mut SimSlotClock,
        edges: &mut SimEdges<M>,
        slots: usize,
    ) -> StepReport {
        let end = self.truth.slots + slots as u64;
        while self.truth.slots < end {
            if self.truth.slots.is_multiple_of(ROTATION_SLOTS) {
                self.drift();
            }
            let chunk_end = (self.truth.slots / CHUNK + 1) * CHUNK;
            let chunk = (chunk_end.min(end) - self.truth.slots) as u32;
            self.chunk(alice_player, source, bob_player, clock, edges, chunk);
        }
        let final_before = FineTicks(self.clock.now_fine().0 - self.lag);
        let detectors = usize::from(self.config.receiver.kind.detectors());
        for detector in &mut self.detectors[..detectors] {
            detector.advance(final_before.0, edges, &mut self.truth);
        }
        self.photodiode.advance(final_before.0, edges, &mut self.truth);
        edges.commit(final_before.floor());
        clock.set_now(self.bob_now());
        StepReport { alice_now: self.alice_now(), bob_now: self.bob_now() }
    }

    /// At most [`CHUNK`] slots.
    fn chunk<const A: usize, const B: usize, const M: usize>(
        &mut self,
        alice: &mut SimPlayer<A>,
        source: &SimSource,
        bob: &mut SimPlayer<B>,
        clock: &mut SimSlotClock,
        edges: &mut SimEdges<M>,
        slots: u32,
    ) {
        let enabled = source.is_enabled();
        let tick = self.config.tick_length;
        let delays = source.delays().map(|delay| fine_span(delay.0 as f64, tick));
        let base = self.clock.base();
        let mut pulses = self.clock.pulses();
        self.clock.advance(slots);
        let mut pins = BobPins::new(base, self.settling, clock, bob);
        self.open_gates(pins.gate(clock, bob));
        for _ in 0..slots {
            let arrival = pulses.next_arrival();
            self.advance_pins(&mut pins, arrival, clock, bob, edges);
            let Some(word) = alice.next_slot() else { continue };
            if !enabled {
                continue;
            }
            if word.trigger() {
                let level = usize::from(word.intensity().0);
                let mut state = usize::from(word.modulator());
                let arrival = arrival + delays[state];
                self.truth.pulses[level] += 1;
                if !self.attack.is_idle()
                    && let Some(sent_on) = self.attack.touch(state)
                {
                    self.truth.pulses_touched += 1;
                    state = sent_on;
                }
                let setting = pins.setting(arrival);
                self.truth.pulses_unset += u64::from(setting.is_none());
                let cell = Cell { level, state, setting: usize::from(setting.unwrap_or(0)) };
                if let Some(photons) = self.optics.pulse(cell) {
                    self.hit(level, photons, (base << 32) + i128::from(arrival), edges);
                }
            }
            if word.marker() {
                let arrival = (base << 32) + i128::from(arrival);
                self.photodiode.marker(arrival, edges, &mut self.truth);
            }
        }
        let end = ((self.clock.base() - base) << 32) as i64;
        self.advance_pins(&mut pins, end, clock, bob, edges);
        self.truth.slots += u64::from(slots);
    }

    /// Bob's slots begin, up to `now`. Gates open and close with them, so that what detectors do by
    /// themselves in a slot is over before the next one begins.
    #[inline(always)]
    fn advance_pins<const B: usize, const M: usize>(
        &mut self,
        pins: &mut BobPins,
        now: i64,
        clock: &mut SimSlotClock,
        bob: &mut SimPlayer<B>,
        edges: &mut SimEdges<M>,
    ) {
        if bob.gate().is_none() {
            return pins.advance(now, clock, bob);
        }
        while pins.next_boundary <= now {
            let boundary = (pins.base << 32) + i128::from(pins.next_boundary);
            let detectors = usize::from(self.config.receiver.kind.detectors());
            for detector in &mut self.detectors[..detectors] {
                detector.advance(boundary, edges, &mut self.truth);
            }
            pins.advance(pins.next_boundary, clock, bob);
            self.open_gates(pins.gate(clock, bob));
        }
    }

    fn open_gates(&mut self, gate: Gate) {
        for detector in &mut self.detectors {
            detector.set_gate(gate);
        }
    }

    #[inline(never)]
    fn hit<const M: usize>(
        &mut self,
        level: usize,
        photons: Photons,
        arrival: i128,
        edges: &mut SimEdges<M>,
    ) {
        self.truth.pulses_seen[level] += 1;
        self.truth.photons_seen[level] += u64::from(photons.number);
        for (d, detector) in self.detectors.iter_mut().enumerate() {
            if photons.detectors & 1 << d != 0 {
                detector.photons(arrival, edges, &mut self.truth);
            }
        }
    }

    fn drift(&mut self) {
        let channel = &self.config.channel;
        if channel.rotation_drift_rad_per_s != 0.0 {
            let seconds = self.truth.slots as f64 * (self.config.slot_ps() * 1e-12);
            let turned = channel.rotation_drift_rad_per_s * seconds;
            self.optics.rotate(channel.rotation_rad + turned);
        }
    }
}

/// The pins of Bob's modulator while a chunk passes, in 2⁻³² ticks from its base.
struct BobPins {
    base: i128,
    settling: i64,
    next_boundary: i64,
    settled_from: i64,
    setting: Option<u8>,
}

impl BobPins {
    fn new<const B: usize>(
        base: i128,
        settling: i64,
        clock: &SimSlotClock,
        player: &SimPlayer<B>,
    ) -> BobPins {
        let mut pins = BobPins { base, settling, next_boundary: 0, settled_from: 0, setting: None };
        pins.settled_from = pins.relative(clock.current_boundary()).saturating_add(settling);
        pins.next_boundary = pins.relative(clock.next_boundary());
        pins.setting = player.pins().map(|word| word.modulator());
        pins
    }

    /// A boundary that will never come lies at the end of time.
    fn relative(&self, boundary: Option<Ticks>) -> i64 {
        let Some(tick) = boundary else { return i64::MAX };
        let ticks = i128::from(tick.0) - self.base;
        (ticks.clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i64) << 32
    }

    /// Begins the slots that begin at or before `now`.
    #[inline(always)]
    fn advance<const B: usize>(
        &mut self,
        now: i64,
        clock: &mut SimSlotClock,
        player: &mut SimPlayer<B>,
    ) {
        while self.next_boundary <= now {
            self.settled_from = self.next_boundary.saturating_add(self.settling);
            if let Some(slot) = clock.begin_slot() {
                player.begin_slot(slot);
            }
            self.setting = player.pins().map(|word| word.modulator());
            self.next_boundary = self.relative(clock.next_boundary());
        }
    }

    /// When detectors are open in the slot that is on.
    fn gate<const B: usize>(&self, clock: &SimSlotClock, player: &SimPlayer<B>) -> Gate {
        let Some(window) = player.gate() else { return Gate::Open };
        let opens = player.pins().is_some_and(|word| word.gate());
        let Some(begin) = clock.current_boundary().filter(|_| opens) else { return Gate::CLOSED };
        let from = (i128::from(begin.0) + i128::from(window.start)) << 32;
        Gate::Window(from, from + (i128::from(window.width) << 32))
    }

    /// What a pulse that arrives `now` is measured with; `None` where no word is played or the
    /// modulator still moves.
    #[inline(always)]
    fn setting(&self, now: i64) -> Option<u8> {
        if now >= self.settled_from { self.setting } else { None }
    }
}
