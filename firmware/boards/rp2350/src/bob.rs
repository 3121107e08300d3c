//! Bob's board: edges in, and the settings of his modulator out.

use crate::capture::Edges;
use crate::control::{self, ControlEnds, Desk};
use crate::pins::SwitchModulator;
use crate::pipe::{DataEnds, Frames};
use crate::player::{self, Clock, Player};
use crate::{chip, start, timer};
use cortex_m::singleton;
use helio_bench::{Modulator, RandomSource};
use helio_firmware::{ActiveReceiver, BobData, Event, Profile, Text};
use helio_units::TickLength;
use helio_wire::Capabilities;
use rp235x_hal::multicore::{Multicore, Stack};

/// Detectors behind an active basis choice.
const DETECTORS: u8 = 2;

static STACK: Stack<6144> = Stack::new();

/// Runs for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn main() -> ! {
    let mut board = start::board(Capabilities::default());
    let (orders, events, frames, supplies) = start::queues();
    let receiver = Capabilities::ACTIVE_RECEIVER.with(Capabilities::REPORTS_SETTINGS);
    let random = (board.random.class(), board.random.name());
    let settling = SwitchModulator.settling_time();
    let profile = Profile::bob(board.identity.clone(), DETECTORS, receiver, settling, random);
    let ends =
        ControlEnds { orders: orders.0, events: events.1, frames: frames.1, supplies: supplies.0 };
    let data = DataEnds {
        orders: orders.1,
        events: events.0,
        frames: Frames(frames.0),
        supplies: supplies.1,
    };
    let serial = singleton!(: Text = board.identity.serial.clone()).expect("the first call");
    let (nonce, random) = (board.identity.boot_nonce, board.random);
    let mut cores = Multicore::new(&mut board.psm, &mut board.ppb, &mut board.fifo);
    let stack = STACK.take().expect("the first call");
    let spawned = cores.cores()[1].spawn(stack, move || data_plane(nonce, random, data));
    assert!(spawned.is_ok());
    let desk = Desk {
        usb: board.usb,
        serial,
        pins: board.pins,
        watchdog: board.watchdog,
        kept: board.kept,
    };
    control::run(profile, ends, desk, "Heliograph Bob (RP2350)")
}

/// Core 1.
fn data_plane(nonce: u32, random: impl RandomSource, mut ends: DataEnds) {
    chip::unmask_dma();
    let edges = Edges::new(DETECTORS);
    let tick = TickLength::CYCLE_150_MHZ;
    let receiver = ActiveReceiver::new(nonce, tick, SwitchModulator, Player::new(), Clock, random);
    let mut bob = BobData::new(nonce, edges, receiver);
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
                player::configure(configure.slot_ticks, true, edges.epoch());
            }
            bob.order(&orders);
        }
        let mut events = bob.run(timer::now(), &mut ends.frames);
        if !failed && bob.parts_mut().0.has_failed() {
            // The time of edges is not known any more: the run ends, and says so.
            failed = events.push(Event::PlayerFault).is_ok();
        }
        ends.tell(events);
    }
}
