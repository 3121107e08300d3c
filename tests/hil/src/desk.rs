//! What a place for devices can do.

use helio_link::Transport;
use helio_link::picoboot::{Boot, BootPort, FakeBootRom};
use helio_rig::{Hand, Light, Plan};
use helio_wire::Role;

/// How much of each test a desk bears.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Starts and stops.
    pub starts: u32,
    /// Slots of the run in which tags are counted.
    pub tag_slots: u64,
    /// Slots of the main job.
    pub job_slots: u64,
    /// Runs on a bad cable.
    pub faults: u32,
}

/// A place where devices can be plugged in.
pub trait Desk {
    /// What a host talks through.
    type Cable: Transport;

    /// For people.
    fn name(&self) -> String;

    /// How much of each test it bears.
    fn effort(&self) -> Effort;

    /// The stations that stand here.
    fn roles(&self) -> &[Role] {
        &[Role::Alice, Role::Bob]
    }

    /// The length of slots, in cycles of 150 MHz, where a case would take this one: what stands here may
    /// not follow it.
    fn slot_cycles(&self, wished: u32) -> u32 {
        wished
    }

    /// Puts up another bench, with devices that have just booted; `false` where the bench is not
    /// software. Cables must be plugged in anew.
    fn rebuild(&mut self, plan: Plan) -> bool;

    /// Plugs a cable in, if it is not, and opens it. The host of before must have dropped its end.
    ///
    /// # Panics
    /// If there is nothing to plug it into.
    fn plug(&mut self, role: Role) -> Self::Cable;

    /// Pulls a cable; the host has dropped its end.
    fn unplug(&mut self, role: Role);

    /// Does something at the bench; `None` where nobody can.
    fn lay(&mut self, hand: Hand) -> Option<Light>;

    /// The other pipe of a device that is plugged in, if it has two; that of [`Desk::plug`] stays
    /// open.
    fn second_pipe(&mut self, _: Role) -> Option<Box<dyn Transport + Send>> {
        None
    }

    /// A board in its boot loader, where its supply can be cut.
    fn boot_loader(&mut self) -> Option<Box<dyn BootBoard>> {
        None
    }
}

/// A board in its boot loader whose cable, and supply with it, can be cut in mid-update.
pub trait BootBoard {
    /// The host's end of its cable.
    ///
    /// # Errors
    /// In words, if it cannot be opened.
    fn port(&mut self) -> Result<Box<dyn BootPort + '_>, String>;

    /// Packets that have passed, both ways.
    fn packets(&self) -> u64;

    /// Packets between two cuts that are worth trying: 1, or as many as a block has.
    fn grain(&self) -> usize;

    /// The cable is cut after so many packets from now on.
    fn cut_after(&mut self, packets: u64);

    /// Plugged in again, with its button held.
    fn replug(&mut self);

    /// What is in its flash.
    fn flash(&self) -> Vec<u8>;

    /// What it would do if it were powered now.
    fn boot(&self) -> Boot;
}

/// Without a bus: each packet is cut after.
impl BootBoard for FakeBootRom {
    fn port(&mut self) -> Result<Box<dyn BootPort + '_>, String> {
        Ok(Box::new(self))
    }

    fn packets(&self) -> u64 {
        FakeBootRom::packets(self)
    }

    fn grain(&self) -> usize {
        1
    }

    fn cut_after(&mut self, packets: u64) {
        FakeBootRom::cut_after(self, packets);
    }

    fn replug(&mut self) {
        FakeBootRom::replug(self);
    }

    fn flash(&self) -> Vec<u8> {
        FakeBootRom::flash(self).to_vec()
    }

    fn boot(&self) -> Boot {
        FakeBootRom::boot(self)
    }
}
