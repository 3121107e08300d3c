//! Alice's board: slots out.

use crate::control::{self, ControlEnds, Desk};
use crate::pins::{LaserStatement, SwitchModulator};
use crate::pipe::{DataEnds, Frames};
use crate::player::{self, Player};
use crate::{capture, chip, start, timer};
use cortex_m::singleton;
use helio_bench::RandomSource;
use helio_firmware::{AliceData, Profile, Text};
use helio_wire::Capabilities;
use rp235x_hal::multicore::{Multicore, Stack};

static STACK: Stack<4096> = Stack::new();

/// Runs for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn main() -> ! {
    let mut board = start::board(Capabilities::default());
    let (orders, events, frames, supplies) = start::queues();
    let profile = Profile::alice(
        board.identity.clone(),
        &LaserStatement::new(),
        &SwitchModulator,
        &board.random,
    );
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
    control::run(profile, ends, desk, "Heliograph Alice (RP2350)")
}

/// Core 1.
fn data_plane(nonce: u32, random: impl RandomSource, mut ends: DataEnds) {
    chip::unmask_dma();
    // The capture's beacons are what the player begins by; its edges are not looked at.
    let epoch = capture::start();
    let tick = helio_units::TickLength::CYCLE_150_MHZ;
    let mut alice = AliceData::new(nonce, tick, Player::new(), random);
    loop {
        while let Some(supply) = ends.supplies.dequeue() {
            alice.supply(supply);
        }
        while let Some(orders) = ends.orders.dequeue() {
            if let Some(configure) = &orders.configure {
                player::configure(configure.slot_ticks, false, epoch);
            }
            alice.order(&orders);
        }
        let events = alice.run(timer::now(), &mut ends.frames);
        ends.tell(events);
    }
}
