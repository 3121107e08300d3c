//! Bob's board: edges in, and, where he has a modulator, its settings out.

use crate::capture::Edges;
use crate::converter::Converter;
use crate::pins::{SwitchModulator, Wiring};
use crate::pipe::DataEnds;
use crate::player::{Clock, Player};
use crate::start;
use crate::timer::DeviceTime;
use helio_bench::EdgeSource;
use helio_firmware::{ActiveReceiver, BobData, Event, PassiveReceiver, Profile, Receiver};
use helio_panel::{Panel, Parts, Seen};
use helio_units::TickLength;
use rp235x_hal::multicore::Stack;

/// Detectors behind an active basis choice.
const ACTIVE_DETECTORS: u8 = 2;

/// Detectors behind a beam splitter.
const PASSIVE_DETECTORS: u8 = 4;

/// In words. The receiver's buffers are moved here, and may be there twice while they are.
static STACK: Stack<12_288> = Stack::new();

/// Where the edges come from.
pub trait Inputs: EdgeSource {
    /// Takes the slot length of the next run.
    fn configure(&self, _slot_ticks: u32) {}

    /// Begins a new epoch where a fault has ended the last one, to be called between runs; whether it
    /// had.
    fn recover(&mut self) -> bool;

    /// Whether the time of edges is known no more, and the run must end.
    fn has_failed(&self) -> bool;

    /// What came beside the edges and what was lost, over all epochs.
    fn seen(&self) -> Seen;
}

/// With a modulator, for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn main() -> ! {
    let board = start::board(Wiring::Player);
    station(board, ACTIVE_DETECTORS, "Heliograph Bob (RP2350)", |nonce, random| {
        let tick = TickLength::CYCLE_150_MHZ;
        ActiveReceiver::new(nonce, tick, SwitchModulator, Player, Clock, random)
    })
}

/// Without a modulator, for good: a beam splitter chooses the basis, and nothing plays.
///
/// # Panics
/// As [`main`].
pub fn passive() -> ! {
    let board = start::board(Wiring::Player);
    station(board, PASSIVE_DETECTORS, "Heliograph Bob, passive (RP2350)", |_, _| PassiveReceiver)
}

/// As [`passive`], with an AS6500 at the detectors: no input for sync pulses, and no slot clock.
///
/// # Panics
/// As [`main`].
pub fn converter() -> ! {
    let board = start::board(Wiring::Converter);
    let start::Board { identity, chip, kept, parts, converter, rest, .. } = board;
    let panel = Panel::converter(Parts { delays: None, ..parts }, chip, Some(kept));
    let nonce = identity.boot_nonce;
    let profile = Profile {
        free_clock_only: true,
        ..Profile::receiver(identity, PASSIVE_DETECTORS, &PassiveReceiver)
    };
    let bus = converter.expect("wired so");
    start::run(rest, profile, panel, "Heliograph Bob, AS6500 (RP2350)", &STACK, move |ends| {
        let bob = BobData::new(nonce, Converter::new(bus), PassiveReceiver);
        data_plane(bob, DeviceTime::THOUSANDTHS, ends)
    })
}

fn station<V: Receiver + Send + 'static>(
    board: start::Board,
    detectors: u8,
    product: &'static str,
    receiver: impl FnOnce(u32, start::Noise) -> V,
) -> ! {
    let start::Board { identity, random, chip, kept, parts, rest, .. } = board;
    let panel = Panel::bob(Parts { delays: None, ..parts }, detectors, chip, Some(kept));
    let nonce = identity.boot_nonce;
    let receiver = receiver(nonce, random);
    let profile = Profile::receiver(identity, detectors, &receiver);
    start::run(rest, profile, panel, product, &STACK, move |ends| {
        let bob = BobData::new(nonce, Edges::new(detectors), receiver);
        data_plane(bob, DeviceTime::CYCLES, ends)
    })
}

/// Core 1.
fn data_plane<E: Inputs, V: Receiver>(
    mut bob: BobData<E, V>,
    time: DeviceTime,
    mut ends: DataEnds,
) {
    let mut failed = false;
    loop {
        while let Some(supply) = ends.supplies.dequeue() {
            bob.supply(supply);
        }
        while let Some(orders) = ends.orders.dequeue() {
            let (edges, _) = bob.parts_mut();
            if orders.run.is_some() && edges.recover() {
                failed = false;
            }
            if let Some(configure) = &orders.configure {
                edges.configure(configure.slot_ticks);
            }
            bob.order(&orders);
        }
        let mut events = bob.run(time.now(), &mut ends.frames);
        let (edges, _) = bob.parts_mut();
        if !failed && edges.has_failed() {
            // The time of edges is not known any more: the run ends, and says so.
            failed = events.push(Event::PlayerFault).is_ok();
        }
        ends.saw(|| edges.seen());
        ends.tell(events);
    }
}
