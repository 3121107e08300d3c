//! The data plane of a sender over the player of a board, in the interpreter, with a processor that
//! takes time: every slot that is reported has its pulse, in its tick, from the first to the last.

use crate::station::Station;
use helio_bench::*;
use helio_firmware::random::ConditionedNoise;
use helio_firmware::{AliceData, DEAD_TIMES, Event, Orders, RunOrder, Transmit};
use helio_pio::pins::LASER;
use helio_pio::port::{PLAYER, PioPort};
use helio_pio::program::PARKED_FLAG;
use helio_pio::registers::Registers;
use helio_pio::{PlayerPort, Pulse, Train};
use helio_units::{SlotIndex, TickLength, Ticks};
use helio_wire::Configure;
use std::cell::RefCell;
use std::rc::Rc;

pub const SPACING: u16 = 64;

/// Cycles of a turn of core 1 in which there is nothing to do.
pub const TURN: u64 = 1500;

/// Cycles from the end of a block to the next one: the interrupt.
const INTERRUPT: u64 = 150;

impl PioPort for Station {
    fn load(&mut self, words: &[u16]) {
        self.pio.load(words);
    }
    fn configure(&mut self, machine: usize, registers: Registers) {
        self.pio.configure(machine, registers);
    }
    fn force(&mut self, machine: usize, instruction: u16) {
        self.pio.force(machine, instruction);
    }
    fn put(&mut self, machine: usize, word: u32) {
        self.pio.put(machine, word);
    }
    fn flush(&mut self, machine: usize) {
        self.pio.flush(machine);
    }
    fn restart(&mut self, machine: usize) {
        self.pio.restart(machine);
    }
    fn enable(&mut self, machines: u8) {
        self.pio.enable(machines);
    }
    fn disable(&mut self, machines: u8) {
        self.pio.disable(machines);
    }
    fn clear_flags(&mut self, flags: u8) {
        self.pio.clear_flags(flags);
    }
}

impl PlayerPort for Station {
    fn now(&self) -> Ticks {
        self.ticks()
    }
    fn pause(&mut self) {
        (0..30).for_each(|_| self.cycle());
    }
    fn give(&mut self, block: &[u32]) {
        assert!(self.block.is_empty());
        self.block.extend(block);
    }
    fn unread(&self) -> Option<u32> {
        (!self.block.is_empty()).then_some(self.block.len() as u32)
    }
    fn stop(&mut self) {
        self.block.clear();
    }
    fn level(&self) -> u32 {
        self.pio.sm[PLAYER].tx.len() as u32
    }
    fn is_parked(&self) -> bool {
        self.pio.flags >> PARKED_FLAG & 1 == 1
    }
}

pub struct Bench {
    station: Station,
    train: Train<4096>,
    /// When the interrupt gives the next block.
    interrupt: Option<u64>,
    /// The pin whose pulses are looked for: the laser's trigger.
    pub pin: u8,
    /// Ticks at which it rose.
    pub pulses: Vec<u64>,
    high: bool,
}

impl Bench {
    pub fn new() -> Bench {
        let mut station = Station::new();
        station.start_capture();
        let (train, pulses) = (Train::new(), Vec::new());
        Bench { station, train, interrupt: None, pin: LASER, pulses, high: false }
    }

    /// The processor is busy for so long.
    fn spend(&mut self, cycles: u64) {
        for _ in 0..cycles {
            let busy = !self.station.block.is_empty();
            self.station.cycle();
            if busy && self.station.block.is_empty() {
                self.interrupt = Some(self.station.ticks().0 + INTERRUPT);
            }
            if self.interrupt.take_if(|at| *at <= self.station.ticks().0).is_some() {
                self.train.feed(&mut self.station);
            }
            let high = self.station.pio.pads() >> self.pin & 1 == 1;
            if high && !self.high {
                self.pulses.push(self.station.ticks().0);
                // The beacon and the capture cost the test its time from here on.
                self.station.pio.disable(0b0111);
            }
            self.high = high;
        }
    }
}

#[derive(Clone)]
pub struct Shared(pub Rc<RefCell<Bench>>);

impl Shared {
    pub fn with<T>(&self, f: impl FnOnce(&mut Train<4096>, &mut Station) -> T) -> T {
        let Bench { train, station, .. } = &mut *self.0.borrow_mut();
        f(train, station)
    }
    pub fn spend(&self, cycles: u64) {
        self.0.borrow_mut().spend(cycles);
    }
    pub fn now(&self) -> Ticks {
        self.0.borrow().station.ticks()
    }
}

/// The player; queueing a word costs so many cycles.
pub struct Player(pub Shared, pub u64);

impl SlotPlayer for Player {
    fn begin(&mut self, first: SlotIndex) {
        self.0.with(|train, port| train.begin(port, first));
    }
    fn go(&mut self) -> Result<(), PlayerError> {
        self.0.with(|train, port| train.go(port))
    }
    fn space(&self) -> usize {
        self.0.with(|train, port| train.space(port))
    }
    fn queued(&self) -> usize {
        self.0.with(|train, port| train.queued(port))
    }
    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        self.0.spend(self.1 * words.len() as u64);
        self.0.with(|train, port| train.play(port, words))
    }
    fn halt(&mut self) {
        self.0.with(|train, port| train.halt(port));
    }
    fn starved(&self) -> u64 {
        self.0.with(|train, port| train.starved(port))
    }
}

/// Numbers at so many cycles a slot, one after the other.
pub struct Cipher(pub Shared, pub u64, pub u64);

impl RandomSource for Cipher {
    fn class(&self) -> RandomClass {
        RandomClass::Seeded
    }
    fn name(&self) -> &str {
        "test"
    }
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        self.0.spend(self.1 * out.len() as u64 / 4);
        for byte in out {
            self.2 = self.2.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            *byte = (self.2 >> 56) as u8;
        }
        Ok(())
    }
}

/// The chip's generator: a register of 192 samples, 200 cycles each, that waits to be read.
struct Ring {
    bench: Shared,
    numbers: Cipher,
    emptied: Ticks,
    left: usize,
}

impl NoiseSource for Ring {
    fn name(&self) -> &str {
        "ring"
    }
    fn samples(&mut self, out: &mut [u8]) -> Result<usize, RandomFault> {
        let now = self.bench.now();
        if self.left == 0 && now.0 >= self.emptied.0 + 200 * 192 {
            (self.left, self.emptied) = (192, now);
        }
        let n = out.len().min(self.left);
        self.left -= n;
        self.numbers.fill(&mut out[..n])?;
        out.iter_mut().for_each(|sample| *sample &= 1);
        // Health tests and hashing.
        self.bench.spend(30 * n as u64);
        Ok(n)
    }
    fn samples_per_second(&self) -> u32 {
        375_000
    }
}

pub struct Sink(pub usize);

impl Transmit for Sink {
    fn space(&self) -> usize {
        1 << 20
    }
    fn send(&mut self, frame: &[u8]) {
        self.0 += frame.len();
    }
}

/// What a run is like.
pub fn configure(slot_ticks: u32) -> Configure {
    Configure {
        slot_ticks,
        sync_spacing: SPACING,
        sync_seed: 7,
        intensity_weights: [2900, 1000, 196, 0],
        key_basis_weight: 2048,
        random_swap: false,
        burst_slots: 0,
        slot_clock: SlotClockMode::Sync,
        gate: None,
    }
}

/// What control says each turn.
pub fn orders() -> Orders {
    Orders {
        enable: false,
        halt: false,
        configure: None,
        run: None,
        permit_until: Ticks(u64::MAX),
        source: SettingsSource::Own,
        dead_times: [0; DEAD_TIMES],
        delays: [0; 4],
        slot_clock: None,
    }
}

/// Plays a run to its end, or to a fault, and looks at each pulse; slots played.
fn run<R: RandomSource>(
    bench: &Shared,
    random: R,
    (slot_ticks, slots, cost): (u32, u64, u64),
) -> (u64, bool) {
    let player = Player(bench.clone(), cost);
    let mut alice = AliceData::new(1, TickLength::CYCLE_150_MHZ, player, random);
    bench.with(|train, _| train.configure(slot_ticks, Pulse::Laser { burst: false }, Ticks(0)));
    alice.order(&Orders {
        enable: true,
        configure: Some(configure(slot_ticks)),
        run: Some(RunOrder::Start { epoch: 1, slots: Some(SlotIndex(slots)) }),
        ..orders()
    });
    let mut sink = Sink(0);
    let (mut end, mut fault) = (None, false);
    while end.is_none() {
        bench.spend(TURN);
        for event in alice.run(bench.now(), &mut sink) {
            match event {
                Event::Stopped { end: slot, .. } => end = Some(slot.0),
                Event::PlayerFault | Event::RandomFault => fault = true,
                _ => {}
            }
        }
        assert!(bench.now().0 < 10_000_000 + 2 * slots * u64::from(slot_ticks), "no end");
    }
    let end = end.unwrap();
    assert_eq!(alice.counters().slots, end);
    bench.spend(u64::from(slot_ticks));
    let pulses = &bench.0.borrow().pulses;
    let expected: Vec<u64> = (0..end)
        .filter(|slot| slot % u64::from(SPACING) != 0)
        .map(|slot| pulses[0] + (slot - 1) * u64::from(slot_ticks))
        .collect();
    // A run that a fault ended may have begun a slot that it does not count.
    let seen = if fault { &pulses[..expected.len().min(pulses.len())] } else { &pulses[..] };
    assert_eq!(seen, expected, "{slot_ticks} {cost}");
    (end, fault)
}

/// Costs by `docs/firmware-cost.md`: 61 instructions a slot without a cipher, 143 with it, of
/// which 20 are the queue's here; at one cycle each, as the page says.
#[test]
fn every_slot_that_is_reported_has_its_pulse() {
    for (slot_ticks, slots, cost) in [
        (150, 10_000, 41),
        (150, 10_000, 123),
        (500, 10_000, 123),
        (1500, 3000, 123),
        (15_000, 200, 123),
        (50_000, 40, 123),
        (150, 1, 123),
        (150, 257, 123),
        (1500, 5, 41),
    ] {
        let bench = Shared(Rc::new(RefCell::new(Bench::new())));
        let cipher = Cipher(bench.clone(), cost, 1);
        assert_eq!(run(&bench, cipher, (slot_ticks, slots, 20)), (slots, false), "{slot_ticks}");
    }
}

/// More than the processor can do: the train ends, says so, and what was played is known.
#[test]
fn a_train_that_cannot_be_kept_up_ends_with_a_fault() {
    let bench = Shared(Rc::new(RefCell::new(Bench::new())));
    let cipher = Cipher(bench.clone(), 200, 1);
    let (end, fault) = run(&bench, cipher, (150, 20_000, 20));
    assert!(fault && (1000..20_000).contains(&end), "{end}");
}

/// The chip's generator serves the rate it states, and core 1 comes round all the while.
#[test]
fn the_chips_generator_serves_the_rate_that_it_states() {
    let bench = Shared(Rc::new(RefCell::new(Bench::new())));
    let numbers = Cipher(bench.clone(), 0, 5);
    let ring = Ring { bench: bench.clone(), numbers, emptied: Ticks(0), left: 0 };
    let noise = ConditionedNoise::new(ring, 1, 500);
    assert_eq!(noise.bytes_per_second(), Some(18_750));
    assert_eq!(run(&bench, noise, (32_000, 400, 20)), (400, false));
}
