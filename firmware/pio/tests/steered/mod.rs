//! The data plane of a receiver whose slot clock the host steers, over the player of a board, in the
//! interpreter: the first slot begins in its tick however far ahead the order is, or the order is
//! refused and the run goes on.

use crate::train::{Bench, Cipher, Player, SPACING, Shared, Sink, TURN, configure, orders};
use helio_bench::*;
use helio_firmware::{ActiveReceiver, BobData, Event, Orders, RunOrder};
use helio_pio::pins::GATE;
use helio_pio::{LeadIn, Pulse, SlotShape};
use helio_units::{FineTicks, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{Configure, ErrorCode};
use std::cell::RefCell;
use std::rc::Rc;

const MS: u64 = 150_000;
const FIRST: u64 = 640;

struct Clock(Shared);

impl SlotClock for Clock {
    fn steer(&mut self, timing: SlotTiming) -> Result<(), SteerError> {
        let now = self.0.now();
        self.0.with(|train, _| train.steer(now, timing))
    }
}

/// A modulator that settles at once.
struct Settled;

impl Modulator for Settled {
    fn settling_time(&self) -> Picoseconds {
        Picoseconds(0)
    }
}

/// Detectors in the dark.
struct Dark(Shared);

impl EdgeSource for Dark {
    fn channels(&self) -> u8 {
        3
    }
    fn tick_length(&self) -> TickLength {
        TickLength::CYCLE_150_MHZ
    }
    fn drain(&mut self, _: &mut [Edge]) -> Drained {
        Drained { edges: 0, loss: None, reached: self.0.now() }
    }
}

type Receiver = BobData<Dark, ActiveReceiver<Settled, Player, Clock, Cipher>>;

struct Desk {
    bench: Shared,
    bob: Receiver,
    slot_ticks: u32,
    events: Vec<Event>,
}

impl Desk {
    /// A run is on, and no slot has a number.
    fn started(slot_ticks: u32, slots: u64) -> Desk {
        let bench = Shared(Rc::new(RefCell::new(Bench::new())));
        bench.0.borrow_mut().pin = GATE;
        let (player, clock) = (Player(bench.clone(), 20), Clock(bench.clone()));
        let random = Cipher(bench.clone(), 123, 1);
        let tick = TickLength::CYCLE_150_MHZ;
        let receiver = ActiveReceiver::new(1, tick, Settled, player, clock, random);
        let bob = BobData::new(1, Dark(bench.clone()), receiver);
        let mut desk = Desk { bench, bob, slot_ticks, events: Vec::new() };
        let configure = Configure {
            random_swap: true,
            slot_clock: SlotClockMode::Steered,
            ..configure(slot_ticks)
        };
        desk.bench.with(|train, _| train.configure(slot_ticks, Pulse::Gate, Ticks(0)));
        let run = Some(RunOrder::Start { epoch: 1, slots: Some(SlotIndex(FIRST + slots)) });
        desk.turn(Orders { configure: Some(configure), run, ..orders() });
        desk
    }

    fn turn(&mut self, orders: Orders) {
        self.bench.spend(TURN);
        self.bob.order(&orders);
        let events = self.bob.run(self.bench.now(), &mut Sink(0));
        self.events.extend(events.into_iter().filter(|e| !matches!(e, Event::Counters(_))));
    }

    /// An order whose slot is so many ticks ahead of the next turn; when that slot begins.
    fn steer(&mut self, command: u32, ahead: u64) -> SlotTiming {
        let start = FineTicks::from_parts(self.bench.now().0 + TURN + ahead, 1 << 30);
        let period = FineTicks::from_parts(self.slot_ticks.into(), 1 << 26);
        let timing = SlotTiming { slot: SlotIndex(FIRST), start, period };
        self.turn(Orders { slot_clock: Some((command, timing)), ..orders() });
        timing
    }

    fn was_refused(&self, command: u32, code: ErrorCode) -> bool {
        self.events.contains(&Event::NotSteered { command, code })
    }
}

/// The gate's pulses of all slots, in their ticks; sync slots have none.
fn plays_from(mut desk: Desk, command: u32, timing: SlotTiming, slots: u64) {
    assert!(
        desk.events.iter().any(|e| matches!(e, Event::Steered { command: c, .. } if *c == command))
    );
    while !desk.events.iter().any(|e| matches!(e, Event::Stopped { .. })) {
        desk.turn(orders());
        assert!(desk.bench.now().0 < 100 * MS, "no end: {:?}", desk.events);
    }
    assert!(!desk.events.contains(&Event::PlayerFault), "{:?}", desk.events);
    desk.bench.spend(u64::from(desk.slot_ticks));
    // The pulse rises 3 ticks into its slot; a sample has the tick after that of the pads.
    let expected: Vec<u64> = (FIRST..FIRST + slots)
        .filter(|slot| slot % u64::from(SPACING) != 0)
        .map(|slot| timing.start_of(SlotIndex(slot)).floor().0 + 3 - 1)
        .collect();
    assert_eq!(desk.bench.0.borrow().pulses, expected);
}

/// At 1 M and 100 k slots a second, as far ahead as hosts order, as near and as far as the player
/// allows.
#[test]
fn a_first_order_begins_its_slot_in_its_tick() {
    for (slot_ticks, slots) in [(150, 2000), (1500, 300)] {
        let shape = SlotShape::new(3, slot_ticks - 12, slot_ticks).unwrap();
        let nearest = MS / 2 + u64::from(shape.shortest());
        for ahead in [45 * MS, nearest, 10 * MS + 7, LeadIn::longest(shape)] {
            let mut desk = Desk::started(slot_ticks, slots);
            let timing = desk.steer(1, ahead);
            plays_from(desk, 1, timing, slots);
        }
    }
}

/// What the lead-in cannot span is refused, and an order that it can span still begins the slots.
#[test]
fn an_order_that_the_lead_in_cannot_span_is_refused_and_the_run_goes_on() {
    for (slot_ticks, slots) in [(150, 500), (1500, 100)] {
        let mut desk = Desk::started(slot_ticks, slots);
        desk.steer(1, 70 * MS);
        assert!(desk.was_refused(1, ErrorCode::OutOfRange), "{:?}", desk.events);
        desk.steer(2, MS / 4);
        assert!(desk.was_refused(2, ErrorCode::TooLate), "{:?}", desk.events);
        assert!(!desk.events.contains(&Event::Locked), "{:?}", desk.events);
        let timing = desk.steer(3, 20 * MS);
        plays_from(desk, 3, timing, slots);
    }
}
