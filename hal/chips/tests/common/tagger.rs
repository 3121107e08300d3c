//! An AS6500 in software: FIFOs that fill and run over, an index that wraps, a bus that fails, and a chip
//! that is not there.
#![allow(dead_code, reason = "not every test asks for all of it")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_hal::spi::{self, Operation, SpiDevice};
use helio_bench::{Edge, EdgeSource, Loss};
use helio_chips::as650x::{As650x, As650xSource, Config, Part, Resolution, TOLERANCE};
use helio_units::{TickLength, Ticks};

pub const DIVISIONS: u32 = 10_000;
pub const TURN: u64 = 1 << 24;
/// Reference periods that a transfer takes.
pub const TRANSFER: u64 = 80;

#[derive(Default)]
pub struct World {
    /// Reference periods since the chip was initialised.
    pub now: u64,
    /// Hits to come, as ticks, in order, for each channel.
    pub hits: [VecDeque<u64>; 4],
    pub fifos: [VecDeque<u64>; 4],
    pub dropped: Vec<u64>,
    pub registers: Vec<u8>,
    pub depth: usize,
    pub fails: bool,
    /// When the index was zero.
    pub zero: u64,
    /// Reference periods that the chip did not see.
    pub skipped: u64,
    /// Does not drive the bus.
    pub gone: bool,
    /// Reference periods that a transfer without an answer takes.
    pub sending: u64,
}

impl World {
    pub fn advance(&mut self, periods: u64) {
        self.now += periods;
        for (hits, fifo) in self.hits.iter_mut().zip(&mut self.fifos) {
            while hits.front().is_some_and(|h| h / u64::from(DIVISIONS) < self.now) {
                let hit = hits.pop_front().unwrap();
                if fifo.len() < self.depth { fifo.push_back(hit) } else { self.dropped.push(hit) }
            }
        }
    }

    fn answer(&mut self, frame: &mut [u8]) {
        let shift = self.zero + self.skipped;
        match frame[0] {
            _ if self.gone => frame.fill(0xFF),
            0x40 => frame[1..].copy_from_slice(&self.registers),
            0x68 => {
                for (fifo, six) in self.fifos.iter_mut().zip(frame[1..].chunks_mut(6)) {
                    let Some(hit) = fifo.pop_front() else {
                        six.fill(0xFF);
                        continue;
                    };
                    let index = ((hit / u64::from(DIVISIONS) - shift) % TURN) as u32;
                    let stop = (hit % u64::from(DIVISIONS)) as u32;
                    six[..3].copy_from_slice(&index.to_be_bytes()[1..]);
                    six[3..].copy_from_slice(&stop.to_be_bytes()[1..]);
                }
            }
            other => panic!("no such opcode: {other:#04x}"),
        }
    }
}

#[derive(Clone)]
pub struct Bus(pub Rc<RefCell<World>>);

#[derive(Debug, PartialEq)]
pub struct Broken;

impl spi::Error for Broken {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl spi::ErrorType for Bus {
    type Error = Broken;
}

impl SpiDevice for Bus {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Broken> {
        let mut world = self.0.borrow_mut();
        for operation in operations {
            match operation {
                Operation::Write([0x18]) => {
                    let sending = world.sending;
                    world.advance(sending);
                    (world.zero, world.skipped) = (world.now, 0);
                    world.fifos = Default::default();
                }
                Operation::Write([0x30]) => world.registers.fill(0),
                Operation::Write([0x80, config @ ..]) => world.registers = config.to_vec(),
                Operation::TransferInPlace(frame) => {
                    world.answer(frame);
                    world.advance(TRANSFER);
                }
                other => panic!("not a transfer of this driver: {other:?}"),
            }
        }
        if std::mem::take(&mut world.fails) { Err(Broken) } else { Ok(()) }
    }
}

pub type Source<C> = As650xSource<Bus, C>;

/// Where the clock stood when the chip was begun.
pub const ORIGIN: u64 = 12_345;

/// A source whose clock began before the chip did.
pub fn source(hits: [Vec<u64>; 4]) -> (Rc<RefCell<World>>, Source<impl FnMut() -> u64>) {
    source_of(hits, Resolution::Single)
}

pub fn source_of(
    hits: [Vec<u64>; 4],
    resolution: Resolution,
) -> (Rc<RefCell<World>>, Source<impl FnMut() -> u64>) {
    let world = Rc::new(RefCell::new(World::default()));
    let config = Config { resolution, ..Config::new(Part::As6500, DIVISIONS) };
    let chip = As650x::new(Bus(world.clone()), config).unwrap();
    {
        let mut w = world.borrow_mut();
        w.now = 0;
        w.depth = resolution.fifo_depth();
        w.hits = hits.map(VecDeque::from);
    }
    let clock = world.clone();
    let reference = TickLength::new(100_000, 1).unwrap();
    let source = As650xSource::start(chip, move || clock.borrow().now + ORIGIN, reference).unwrap();
    (world, source)
}

/// Drains until nothing more comes, `slots` edges at a time; checks the order. Times as the world has
/// them.
pub fn drain<C: FnMut() -> u64>(
    source: &mut Source<C>,
    world: &RefCell<World>,
    slots: usize,
    all: &mut Vec<Edge>,
    losses: &mut Vec<Loss>,
) {
    let mut out = vec![Edge { tick: Ticks(0), channel: 0 }; slots];
    for _ in 0..3 {
        loop {
            let zero = ORIGIN * u64::from(DIVISIONS);
            let mut drained = source.drain(&mut out);
            drained.reached.0 -= zero;
            out[..drained.edges].iter_mut().for_each(|edge| edge.tick.0 -= zero);
            let loss = drained.loss;
            drained.loss =
                loss.map(|l| Loss { from: Ticks(l.from.0 - zero), to: Ticks(l.to.0 - zero), ..l });
            let new = &out[..drained.edges];
            let last = all.last().copied();
            for (earlier, later) in last.iter().chain(new).zip(new) {
                assert!(earlier <= later, "edges in order: {earlier:?}, {later:?}");
            }
            assert!(new.iter().all(|e| e.tick <= drained.reached));
            all.extend_from_slice(new);
            losses.extend(drained.loss);
            if drained.edges < slots {
                break;
            }
        }
        world.borrow_mut().advance(TOLERANCE + 1);
    }
}
