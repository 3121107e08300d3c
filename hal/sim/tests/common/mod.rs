//! The least firmware that can play: both players kept full, Bob's slot clock steered from the
//! world's own knowledge, edges put into Alice's slots.
#![allow(dead_code, reason = "each test uses its part")]

use helio_bench::{
    Edge, EdgeSource, Intensity, Polarization, PulseSource, RandomSource, ReceiverSetting,
    SlotClock, SlotPlayer, SlotWord,
};
use helio_sim::{
    BenchConfig, Path, SimEdges, SimPlayer, SimRandom, SimSlotClock, SimSource, World,
};
use helio_units::{Decibel, Picoseconds, SlotIndex, Ticks};

/// Slots in a step, 1 ms at 5 MHz.
pub const STEP: usize = 5_000;

/// Slots by which Bob's words are queued ahead of time.
const LEAD: usize = 8;
/// Edges of a step, at most.
const ROOM: usize = 8_192;

/// A channel without loss or error, and detectors that click by light alone and are never dead.
pub fn quiet() -> BenchConfig {
    let mut config = BenchConfig::default();
    config.clock.drift_ppb_per_s = 0.0;
    config.channel.path = Path::Fixed { loss: Decibel(0.0), delay: Picoseconds(1_000_000) };
    config.channel.rotation_rad = 0.0;
    config.receiver.extinction_ratio = Decibel(100.0);
    for detector in &mut config.receiver.detectors {
        detector.efficiency = 0.5;
        detector.dark_rate_hz = 0.0;
        detector.dead_time = Picoseconds(0);
    }
    config
}

pub struct Desk {
    pub world: World,
    pub source: SimSource,
    pub alice: SimPlayer<STEP>,
    pub bob: SimPlayer<{ STEP + LEAD }>,
    pub clock: SimSlotClock,
    pub edges: SimEdges<ROOM>,
    random: [SimRandom; 2],
    /// Settings of Bob's that are queued beyond the present slot.
    ahead: Vec<ReceiverSetting>,
    next_slot: u64,
}

/// One slot with what both stations know of it.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub sent: SlotWord,
    pub setting: ReceiverSetting,
    /// Bit c: an edge on channel c.
    pub clicks: u8,
}

impl Desk {
    /// Both trains begun, the slot clocks aligned but for the clock's drift.
    pub fn new(config: &BenchConfig) -> Desk {
        let world = World::new(config.clone()).unwrap();
        let mut desk = Desk {
            source: world.source(),
            alice: SimPlayer::new(),
            bob: SimPlayer::new(),
            clock: world.slot_clock(),
            edges: world.edges(),
            random: [0, 1].map(|device| SimRandom::new(config.seed, device)),
            ahead: Vec::new(),
            next_slot: 0,
            world,
        };
        desk.source.set_enabled(true);
        desk.clock.steer(desk.world.true_timing(LEAD as u32, SlotIndex(0))).unwrap();
        desk.bob.begin(SlotIndex(0));
        desk.queue_settings(LEAD);
        desk.step_world(LEAD);
        desk.alice.begin(SlotIndex(0));
        desk
    }

    pub fn step_world(&mut self, slots: usize) {
        let Desk { world, source, alice, bob, clock, edges, .. } = self;
        world.step(alice, source, bob, clock, edges, slots);
    }

    fn queue_settings(&mut self, count: usize) {
        let mut random = vec![0u8; count];
        self.random[1].fill(&mut random).unwrap();
        let settings = random.into_iter().map(ReceiverSetting::from_code);
        let words: Vec<_> = settings.clone().map(SlotWord::receive).collect();
        self.ahead.extend(settings);
        self.bob.play(&words).unwrap();
    }

    pub fn drain(&mut self) -> Vec<Edge> {
        let mut out = vec![Edge { tick: Ticks(0), channel: 0 }; ROOM];
        let drained = self.edges.drain(&mut out);
        assert_eq!(drained.loss, None);
        out.truncate(drained.edges);
        out
    }

    /// Plays [`STEP`] slots; gives the edges and the words of both.
    pub fn play(
        &mut self,
        mut word: impl FnMut(u64, u8) -> SlotWord,
    ) -> (Vec<Edge>, Vec<SlotWord>, Vec<ReceiverSetting>) {
        let mut random = [0u8; STEP];
        self.random[0].fill(&mut random).unwrap();
        let sent: Vec<_> = (0..STEP).map(|i| word(self.next_slot + i as u64, random[i])).collect();
        self.alice.play(&sent).unwrap();
        self.queue_settings(STEP);
        let settings = self.ahead.drain(..STEP).collect();
        self.step_world(STEP);
        self.next_slot += STEP as u64;
        (self.drain(), sent, settings)
    }

    /// Plays `steps` steps, hands on every slot. Edges are sorted into slots by the timing at the
    /// begin of each step.
    pub fn run(
        &mut self,
        steps: usize,
        mut word: impl FnMut(u64, u8) -> SlotWord,
        mut each: impl FnMut(&Slot),
    ) {
        for _ in 0..steps {
            let timing = self.world.true_timing(0, SlotIndex(0));
            let (edges, sent, settings) = self.play(&mut word);
            let mut clicks = vec![0u8; STEP];
            for edge in edges {
                let since = (i128::from(edge.tick.0) << 32) - timing.start.0;
                let slot = since.div_euclid(timing.period.0).clamp(0, STEP as i128 - 1);
                clicks[slot as usize] |= 1 << edge.channel;
            }
            for ((sent, setting), clicks) in sent.into_iter().zip(settings).zip(clicks) {
                each(&Slot { sent, setting, clicks });
            }
        }
    }
}

/// A pulse at `level` in any of the four states.
pub fn random_state(level: u8) -> impl FnMut(u64, u8) -> SlotWord {
    move |_, byte| SlotWord::pulse(Intensity(level), Polarization::from_code(byte))
}

/// Fails unless `count` lies within five standard deviations of a binomial of `n` and `p`.
#[track_caller]
pub fn binomial(what: &str, count: u64, n: u64, p: f64) {
    let (count, n) = (count as f64, n as f64);
    let sigma = (n * p * (1.0 - p)).sqrt().max(1.0);
    let off = (count - n * p) / sigma;
    assert!(off.abs() < 5.0, "{what}: {count} of {n}, expected {}, {off:.1} σ", n * p);
}
