//! What a place for devices can do.

use helio_link::Transport;
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

    /// Puts up another bench, with devices that have just booted; `false` where the bench is not
    /// software. Cables must be plugged in anew.
    fn rebuild(&mut self, plan: Plan) -> bool;

    /// Plugs a cable in. The one before must have been given back.
    ///
    /// # Panics
    /// If there is nothing to plug it into.
    fn plug(&mut self, role: Role) -> Self::Cable;

    /// Pulls a cable; the host has dropped its end.
    fn unplug(&mut self, role: Role);

    /// Does something at the bench; `None` where nobody can.
    fn lay(&mut self, hand: Hand) -> Option<Light>;
}
