//! Bob's board: edges in, and, where he has a modulator, its settings out.

use crate::capture::Edges;
use crate::pins::SwitchModulator;
use crate::pipe::DataEnds;
use crate::player::{self, Clock, Player};
use crate::{start, timer};
use helio_firmware::{ActiveReceiver, BobData, Event, PassiveReceiver, Profile, Receiver};
use helio_panel::{Panel, Parts};
use helio_pio::Pulse;
use helio_units::TickLength;
use rp235x_hal::multicore::Stack;

/// Detectors behind an active basis choice.
const ACTIVE_DETECTORS: u8 = 2;

/// Detectors behind a beam splitter.
const PASSIVE_DETECTORS: u8 = 4;

/// In words. The receiver's buffers are moved here, and may be there twice while they are.
static STACK: Stack<12_288> = Stack::new();

/// With a modulator, for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn main() -> ! {
    let board = start::board();
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
    let board = start::board();
    station(board, PASSIVE_DETECTORS, "Heliograph Bob, passive (RP2350)", |_, _| PassiveReceiver)
}

fn station<V: Receiver + Send + 'static>(
    board: start::Board,
    detectors: u8,
    product: &'static str,
    receiver: impl FnOnce(u32, start::Noise) -> V,
) -> ! {
    let start::Board { identity, random, chip, kept, parts, rest } = board;
    let panel = Panel::bob(Parts { delays: None, ..parts }, detectors, chip, Some(kept));
    let nonce = identity.boot_nonce;
    let receiver = receiver(nonce, random);
    let profile = Profile::receiver(identity, detectors, &receiver);
    start::run(rest, profile, panel, product, &STACK, move |ends| {
        data_plane(BobData::new(nonce, Edges::new(detectors), receiver), ends)
    })
}

/// Core 1.
fn data_plane<V: Receiver>(mut bob: BobData<Edges, V>, mut ends: DataEnds) {
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
                player::configure(configure.slot_ticks, Pulse::Gate, edges.epoch());
            }
            bob.order(&orders);
        }
        let mut events = bob.run(timer::now(), &mut ends.frames);
        let (edges, _) = bob.parts_mut();
        if !failed && edges.has_failed() {
            // The time of edges is not known any more: the run ends, and says so.
            failed = events.push(Event::PlayerFault).is_ok();
        }
        ends.saw(|| edges.seen());
        ends.tell(events);
    }
}
