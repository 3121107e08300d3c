//! Bob's board: edges in, and, where he has a modulator, its settings out.

use crate::capture::Edges;
use crate::pins::SwitchModulator;
use crate::pipe::DataEnds;
use crate::player::{self, Clock, Player};
use crate::{start, timer};
use helio_bench::{Modulator, RandomSource};
use helio_firmware::{ActiveReceiver, BobData, Event, PassiveReceiver, Profile, Receiver};
use helio_panel::{Panel, Parts};
use helio_units::TickLength;
use helio_wire::Capabilities;
use rp235x_hal::multicore::Stack;

/// Detectors behind an active basis choice.
const ACTIVE_DETECTORS: u8 = 2;

/// Detectors behind a beam splitter.
const PASSIVE_DETECTORS: u8 = 4;

static STACK: Stack<6144> = Stack::new();

/// With a modulator, for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn main() -> ! {
    let start::Board { identity, random, chip, kept, dac, analog, rest, .. } = start::board();
    let parts = Parts { dac, delays: None, analog };
    let panel = Panel::bob(parts, ACTIVE_DETECTORS, chip, Some(kept));
    let nonce = identity.boot_nonce;
    let capabilities = Capabilities::ACTIVE_RECEIVER.with(Capabilities::REPORTS_SETTINGS);
    let source = (random.class(), random.name());
    let settling = SwitchModulator.settling_time();
    let profile = Profile::bob(identity, ACTIVE_DETECTORS, capabilities, settling, source);
    start::run(rest, profile, panel, "Heliograph Bob (RP2350)", &STACK, move |ends| {
        let tick = TickLength::CYCLE_150_MHZ;
        let receiver =
            ActiveReceiver::new(nonce, tick, SwitchModulator, Player::new(), Clock, random);
        data_plane(BobData::new(nonce, Edges::new(ACTIVE_DETECTORS), receiver), ends)
    })
}

/// Without a modulator, for good: a beam splitter chooses the basis, and nothing plays.
///
/// # Panics
/// As [`main`].
pub fn passive() -> ! {
    let start::Board { identity, chip, kept, dac, analog, rest, .. } = start::board();
    let parts = Parts { dac, delays: None, analog };
    let panel = Panel::bob(parts, PASSIVE_DETECTORS, chip, Some(kept));
    let nonce = identity.boot_nonce;
    let receiver = PassiveReceiver;
    let profile = Profile::bob(
        identity,
        PASSIVE_DETECTORS,
        PassiveReceiver::CAPABILITIES,
        receiver.settling_time(),
        receiver.random(),
    );
    start::run(rest, profile, panel, "Heliograph Bob, passive (RP2350)", &STACK, move |ends| {
        data_plane(BobData::new(nonce, Edges::new(PASSIVE_DETECTORS), receiver), ends)
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
                player::configure(configure.slot_ticks, player::Use::Gate, edges.epoch());
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
