//! Both devices and the light between them.

use crate::device::{Device, SimAlice, SimBob, WORDS, alice};
use crate::hand::Light;
use helio_bench::InterlockState;
use helio_firmware::{Event, Transmit};
use helio_sim::{BenchConfig, ConfigError, StepReport, Truth, World};
use helio_units::{Picoseconds, Ticks};
use helio_wire::Role;

/// Longest step: well within the millisecond in which firmware must be polled.
const STEP: Picoseconds = Picoseconds(500_000_000);
/// Most slots of a step: 0.41 ms at 5 MHz.
const STEP_SLOTS: u64 = 2_048;

/// Two devices that have just booted, and the bench between them. Some 120 KiB.
pub struct Rig {
    /// The sender.
    pub alice: SimAlice,
    /// The receiver.
    pub bob: SimBob,
    world: World,
    step_slots: usize,
    boots: [u16; 2],
    light_until: Ticks,
}

impl Rig {
    /// Devices that call their board `board`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: BenchConfig, board: &str) -> Result<Rig, ConfigError> {
        let step_ticks = config.tick_length.ticks_covering(STEP).0;
        let step_slots = (step_ticks / u64::from(config.slot_ticks.max(1))).min(STEP_SLOTS);
        let world = World::new(config)?;
        Ok(Rig {
            alice: alice(&world, board, 0),
            bob: SimBob::new(&world, board, 0),
            step_slots: step_slots as usize,
            boots: [0; 2],
            light_until: Ticks(0),
            world,
        })
    }

    /// Slots of a step; none where a slot is longer than the firmware's polling interval, and then
    /// time cannot pass.
    pub fn step_slots(&self) -> usize {
        self.step_slots
    }

    /// Lets the light of [`Rig::step_slots`] slots pass. Between two steps each device has a turn.
    pub fn step(&mut self) -> StepReport {
        let before = self.flashes();
        let report = self.bob.step(&mut self.world, &mut self.alice, self.step_slots);
        if self.flashes() != before {
            self.light_until = report.alice_now;
        }
        report
    }

    /// A turn of one device.
    pub fn turn(&mut self, role: Role, rx: &[u8], tx: &mut impl Transmit) {
        match role {
            Role::Alice => self.alice.turn(self.world.alice_now(), rx, tx),
            Role::Bob => self.bob.turn(self.world.bob_now(), rx, tx),
        }
    }

    /// Something happens to a board.
    pub fn signal(&mut self, role: Role, event: Event) {
        match role {
            Role::Alice => self.alice.signal(event),
            Role::Bob => self.bob.signal(event),
        }
    }

    /// A board is reset: it is as just booted, under another nonce. Its time goes on.
    pub fn reboot(&mut self, role: Role, board: &str) {
        let boots = &mut self.boots[usize::from(role.code())];
        *boots = boots.wrapping_add(1);
        match role {
            Role::Alice => self.alice = alice(&self.world, board, *boots),
            Role::Bob => self.bob = SimBob::new(&self.world, board, *boots),
        }
    }

    /// Time of a device.
    pub fn now(&self, role: Role) -> Ticks {
        match role {
            Role::Alice => self.world.alice_now(),
            Role::Bob => self.world.bob_now(),
        }
    }

    /// Whether a run is on at a device.
    pub fn is_running(&self, role: Role) -> bool {
        match role {
            Role::Alice => self.alice.is_running(),
            Role::Bob => self.bob.is_running(),
        }
    }

    /// Whether a run is on at a device whose slot clock its host steers.
    pub fn is_steered(&self, role: Role) -> bool {
        match role {
            Role::Alice => self.alice.is_steered(),
            Role::Bob => self.bob.is_steered(),
        }
    }

    /// Whether a device has less than a step to play because its host has not fed more.
    pub fn is_hungry(&self, role: Role) -> bool {
        match role {
            Role::Alice => self.alice.is_hungry(self.step_slots),
            Role::Bob => self.bob.is_hungry(self.step_slots),
        }
    }

    /// Where a device's interlock stands.
    pub fn interlock(&self, role: Role) -> InterlockState {
        match role {
            Role::Alice => self.alice.interlock(),
            Role::Bob => self.bob.interlock(),
        }
    }

    /// What really happened.
    pub fn truth(&self) -> &Truth {
        self.world.truth()
    }

    /// The light that has left so far.
    pub fn light(&self) -> Light {
        Light {
            alice_now: self.world.alice_now(),
            bob_now: self.world.bob_now(),
            until: self.light_until,
            pulses: self.world.truth().pulses.iter().sum(),
        }
    }

    fn flashes(&self) -> u64 {
        let truth = self.world.truth();
        truth.pulses.iter().sum::<u64>() + truth.markers
    }
}

// A full millisecond is what a player must hold, no more; a step must not empty it.
const _: () = assert!(STEP_SLOTS as usize * 2 < WORDS);
