//! The devices: the firmware on the simulated parts.

use crate::cable::Cable;
use crate::config::MAX_SLOT_RATE;
use helio_bench::InterlockState;
use helio_firmware::{
    ActiveReceiver, Alice, AliceParts, Bob, BobParts, BobPartsMut, Event, Identity,
    PassiveReceiver, text,
};
use helio_sim::{
    ReceiverKind, SimEdges, SimModulator, SimPlayer, SimRandom, SimSlotClock, SimSource,
    StepReport, World,
};
use helio_units::Ticks;
use helio_wire::Capabilities;

/// Slot words a player holds: 1 ms at 5 MHz.
pub(crate) const WORDS: usize = 5_000;
/// Edges that wait for Bob's firmware: what detectors at 10 MHz make in a step.
const EDGES: usize = 4_096;

type Player = SimPlayer<WORDS>;
type Edges = SimEdges<EDGES>;
pub(crate) type VirtAlice = Alice<SimSource, SimModulator, Player, SimRandom>;
type ActiveBob = Bob<Edges, ActiveReceiver<SimModulator, Player, SimSlotClock, SimRandom>>;
type PassiveBob = Bob<Edges, PassiveReceiver>;

/// A device as its port sees it.
pub(crate) trait Device {
    /// A turn of the control plane and one of the data plane.
    fn turn(&mut self, now: Ticks, rx: &[u8], tx: &mut Cable);

    /// Whether a run is on.
    fn is_running(&self) -> bool;

    /// Where the interlock stands.
    fn interlock(&self) -> InterlockState;

    /// Something that happens to the board.
    fn signal(&mut self, event: Event);
}

pub(crate) fn alice(world: &World) -> VirtAlice {
    let config = world.config();
    let parts = AliceParts {
        source: world.source(),
        modulator: world.alice_modulator(),
        player: Player::new(),
        random: SimRandom::new(config.seed, 0),
    };
    Alice::new(identity(world, "virtual Alice", 0), parts)
}

impl Device for VirtAlice {
    fn turn(&mut self, now: Ticks, rx: &[u8], tx: &mut Cable) {
        self.poll(now, rx, tx);
        self.run(now, tx);
    }

    fn is_running(&self) -> bool {
        Alice::is_running(self)
    }

    fn interlock(&self) -> InterlockState {
        Alice::interlock(self)
    }

    fn signal(&mut self, event: Event) {
        Alice::signal(self, event);
    }
}

/// Bob with either receiver.
#[expect(clippy::large_enum_variant, reason = "there is one, in a box")]
pub(crate) enum VirtBob {
    Active(ActiveBob),
    /// With a player and a slot clock that nobody uses, as the optics look at some.
    Passive(PassiveBob, Player, SimSlotClock),
}

impl VirtBob {
    pub fn new(world: &World) -> VirtBob {
        let config = world.config();
        let identity = identity(world, "virtual Bob", 1);
        match config.receiver.kind {
            ReceiverKind::Active => VirtBob::Active(Bob::new(
                identity,
                BobParts {
                    modulator: world.bob_modulator(),
                    player: Player::new(),
                    edges: world.edges(),
                    clock: world.slot_clock(),
                    random: SimRandom::new(config.seed, 1),
                },
            )),
            ReceiverKind::Passive => {
                let bob = Bob::passive(identity, world.edges());
                VirtBob::Passive(bob, Player::new(), world.slot_clock())
            }
        }
    }

    /// Lets light pass from `alice` to this Bob.
    pub fn step(&mut self, world: &mut World, alice: &mut VirtAlice, slots: usize) -> StepReport {
        let from = alice.parts_mut();
        match self {
            VirtBob::Active(bob) => {
                let BobPartsMut { player, edges, clock, .. } = bob.parts_mut();
                world.step(from.player, from.source, player, clock, edges, slots)
            }
            VirtBob::Passive(bob, player, clock) => {
                world.step(from.player, from.source, player, clock, bob.edges_mut(), slots)
            }
        }
    }
}

impl Device for VirtBob {
    fn turn(&mut self, now: Ticks, rx: &[u8], tx: &mut Cable) {
        match self {
            VirtBob::Active(bob) => {
                bob.poll(now, rx, tx);
                bob.run(now, tx);
            }
            VirtBob::Passive(bob, ..) => {
                bob.poll(now, rx, tx);
                bob.run(now, tx);
            }
        }
    }

    fn is_running(&self) -> bool {
        match self {
            VirtBob::Active(bob) => bob.is_running(),
            VirtBob::Passive(bob, ..) => bob.is_running(),
        }
    }

    fn interlock(&self) -> InterlockState {
        match self {
            VirtBob::Active(bob) => bob.interlock(),
            VirtBob::Passive(bob, ..) => bob.interlock(),
        }
    }

    fn signal(&mut self, event: Event) {
        match self {
            VirtBob::Active(bob) => bob.signal(event),
            VirtBob::Passive(bob, ..) => bob.signal(event),
        }
    }
}

fn identity(world: &World, serial: &str, device: u32) -> Identity {
    let config = world.config();
    // Any number but zero; the two devices' differ.
    let nonce = (config.seed as u32 ^ (config.seed >> 32) as u32) << 1 | device;
    Identity {
        board: text("virtual bench"),
        serial: text(serial),
        boot_nonce: if nonce == 0 { 2 } else { nonce },
        tick_length: config.tick_length,
        max_slot_rate: MAX_SLOT_RATE,
        capabilities: Capabilities::SIMULATED,
    }
}
