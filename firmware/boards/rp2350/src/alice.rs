//! Alice's board: slots out.

use crate::pins::{LaserStatement, SwitchModulator, Wiring};
use crate::pipe::DataEnds;
use crate::player::{self, Player};
use crate::{capture, start, timer};
use helio_bench::RandomSource;
use helio_firmware::{AliceData, Profile};
use helio_panel::Panel;
use helio_pio::Pulse;
use helio_units::TickLength;
use rp235x_hal::multicore::Stack;

/// In words.
static STACK: Stack<8192> = Stack::new();

/// Runs for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn main() -> ! {
    let board = start::board(Wiring::Player);
    let start::Board { identity, random, chip, kept, parts, rest, .. } = board;
    let panel = Panel::alice(parts, chip, Some(kept));
    let nonce = identity.boot_nonce;
    let profile = Profile::alice(identity, &LaserStatement::new(), &SwitchModulator, &random);
    start::run(rest, profile, panel, "Heliograph Alice (RP2350)", &STACK, move |ends| {
        data_plane(nonce, random, ends)
    })
}

/// Core 1.
fn data_plane(nonce: u32, random: impl RandomSource, mut ends: DataEnds) {
    // The capture's beacons are what the player begins by; its edges are not looked at.
    let epoch = capture::start();
    let mut alice = AliceData::new(nonce, TickLength::CYCLE_150_MHZ, Player, random);
    loop {
        while let Some(supply) = ends.supplies.dequeue() {
            alice.supply(supply);
        }
        while let Some(orders) = ends.orders.dequeue() {
            if let Some(configure) = &orders.configure {
                let burst = configure.burst_slots != 0;
                player::configure(configure.slot_ticks, Pulse::Laser { burst }, epoch);
            }
            alice.order(&orders);
        }
        // Of a burst the next one is always queued: TRIG IN itself begins it, in the PIO.
        alice.trigger();
        let events = alice.run(timer::now(), &mut ends.frames);
        ends.tell(events);
    }
}
