//! The devices: the firmware on the simulated parts.

use crate::board::{AliceBoard, BobBoard};
use helio_bench::InterlockState;
use helio_firmware::{
    ActiveReceiver, Alice, AliceParts, Bob, BobParts, BobPartsMut, Counters, Event, Identity,
    PassiveReceiver, Transmit, text,
};
use helio_sim::{
    BenchConfig, ReceiverKind, SimEdges, SimModulator, SimPlayer, SimRandom, SimSlotClock,
    SimSource, StepReport, World,
};
use helio_units::{Hertz, Ticks};
use helio_wire::Capabilities;

/// Slot words a player holds: 1 ms at 5 MHz.
pub const WORDS: usize = 5_000;
/// Slots a second that simulated devices say they follow: more than any bench asks for.
const MAX_SLOT_RATE: Hertz = Hertz(100_000_000);
/// Edges that wait for Bob's firmware: what detectors at 10 MHz make in a step.
const EDGES: usize = 4_096;

type Player = SimPlayer<WORDS>;
type Edges = SimEdges<EDGES>;
/// The sender.
pub type SimAlice = Alice<SimSource, SimModulator, Player, SimRandom, AliceBoard>;
type ActiveBob =
    Bob<Edges, ActiveReceiver<SimModulator, Player, SimSlotClock, SimRandom>, BobBoard>;
type PassiveBob = Bob<Edges, PassiveReceiver, BobBoard>;

/// A device as whoever lets time pass sees it.
pub trait Device {
    /// A turn of the control plane and one of the data plane.
    fn turn(&mut self, now: Ticks, rx: &[u8], tx: &mut impl Transmit);

    /// Whether a run is on.
    fn is_running(&self) -> bool;

    /// Whether a run is on whose slot clock its host steers.
    fn is_steered(&self) -> bool {
        false
    }

    /// Where the interlock stands.
    fn interlock(&self) -> InterlockState;

    /// Something that happens to the board.
    fn signal(&mut self, event: Event);

    /// Whether its host has ordered a reset.
    fn must_reboot(&self) -> bool;

    /// Whether it has fewer than so many slots to play because its host has not fed more.
    fn is_hungry(&self, slots: usize) -> bool;
}

/// A sender that has started for the `boots`th time after its first.
pub(crate) fn alice(world: &World, board: &str, boots: u16) -> SimAlice {
    let config = world.config();
    let parts = AliceParts {
        source: world.source(),
        modulator: world.alice_modulator(),
        player: Player::new(),
        random: random(config, 0, boots),
    };
    let identity = identity(world, board, "virtual Alice", 0, boots);
    Alice::on_board(identity, parts, AliceBoard::default())
}

impl Device for SimAlice {
    fn turn(&mut self, now: Ticks, rx: &[u8], tx: &mut impl Transmit) {
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

    fn must_reboot(&self) -> bool {
        self.reboot_ordered().is_some()
    }

    fn is_hungry(&self, slots: usize) -> bool {
        Alice::is_hungry(self, slots)
    }
}

/// Bob with either receiver.
#[expect(clippy::large_enum_variant, reason = "there is one, in a box")]
pub enum SimBob {
    /// With a modulator.
    Active(ActiveBob),
    /// With a player and a slot clock that nobody uses, as the optics look at some.
    Passive(PassiveBob, Player, SimSlotClock),
}

impl SimBob {
    /// A receiver that has started for the `boots`th time after its first.
    pub(crate) fn new(world: &World, board: &str, boots: u16) -> SimBob {
        let config = world.config();
        let identity = identity(world, board, "virtual Bob", 1, boots);
        let board = BobBoard::new(config.receiver.kind);
        match config.receiver.kind {
            ReceiverKind::Active => SimBob::Active(Bob::on_board(
                identity,
                BobParts {
                    modulator: world.bob_modulator(),
                    player: Player::new(),
                    edges: world.edges(),
                    clock: world.slot_clock(),
                    random: random(config, 1, boots),
                },
                board,
            )),
            ReceiverKind::Passive => {
                let bob = Bob::passive_on_board(identity, world.edges(), board);
                SimBob::Passive(bob, Player::new(), world.slot_clock())
            }
        }
    }

    /// What its data plane has counted.
    pub fn counters(&self) -> Counters {
        match self {
            SimBob::Active(bob) => bob.counters(),
            SimBob::Passive(bob, ..) => bob.counters(),
        }
    }

    /// The board.
    pub fn board_mut(&mut self) -> &mut BobBoard {
        match self {
            SimBob::Active(bob) => bob.board_mut(),
            SimBob::Passive(bob, ..) => bob.board_mut(),
        }
    }

    /// Lets light pass from `alice` to this Bob, through parts as both boards set them.
    pub(crate) fn step(
        &mut self,
        world: &mut World,
        alice: &mut SimAlice,
        slots: usize,
    ) -> StepReport {
        world.trim(&alice.board_mut().trim, &self.board_mut().trim);
        let from = alice.parts_mut();
        match self {
            SimBob::Active(bob) => {
                let BobPartsMut { player, edges, clock, .. } = bob.parts_mut();
                world.step(from.player, from.source, player, clock, edges, slots)
            }
            SimBob::Passive(bob, player, clock) => {
                world.step(from.player, from.source, player, clock, bob.edges_mut(), slots)
            }
        }
    }
}

impl Device for SimBob {
    fn turn(&mut self, now: Ticks, rx: &[u8], tx: &mut impl Transmit) {
        match self {
            SimBob::Active(bob) => {
                bob.poll(now, rx, tx);
                bob.run(now, tx);
            }
            SimBob::Passive(bob, ..) => {
                bob.poll(now, rx, tx);
                bob.run(now, tx);
            }
        }
    }

    fn is_running(&self) -> bool {
        match self {
            SimBob::Active(bob) => bob.is_running(),
            SimBob::Passive(bob, ..) => bob.is_running(),
        }
    }

    fn is_steered(&self) -> bool {
        match self {
            SimBob::Active(bob) => bob.is_steered(),
            SimBob::Passive(bob, ..) => bob.is_steered(),
        }
    }

    fn interlock(&self) -> InterlockState {
        match self {
            SimBob::Active(bob) => bob.interlock(),
            SimBob::Passive(bob, ..) => bob.interlock(),
        }
    }

    fn signal(&mut self, event: Event) {
        match self {
            SimBob::Active(bob) => bob.signal(event),
            SimBob::Passive(bob, ..) => bob.signal(event),
        }
    }

    fn must_reboot(&self) -> bool {
        match self {
            SimBob::Active(bob) => bob.reboot_ordered().is_some(),
            SimBob::Passive(bob, ..) => bob.reboot_ordered().is_some(),
        }
    }

    fn is_hungry(&self, slots: usize) -> bool {
        match self {
            SimBob::Active(bob) => bob.is_hungry(slots),
            SimBob::Passive(..) => false,
        }
    }
}

/// Settings are drawn anew after a reboot, not once more.
fn random(config: &BenchConfig, device: u32, boots: u16) -> SimRandom {
    let stream = u32::from(boots) << 8 | device;
    SimRandom::new(config.seed, stream).stating(config.random_bytes_per_second)
}

fn identity(world: &World, board: &str, serial: &str, device: u32, boots: u16) -> Identity {
    let config = world.config();
    // Any number but zero; the two devices' differ, and those of two boots.
    let seed = config.seed as u32 ^ (config.seed >> 32) as u32;
    let nonce = (seed ^ u32::from(boots).rotate_right(8)) << 1 | device;
    Identity {
        board: text(board),
        serial: text(serial),
        boot_nonce: if nonce == 0 { 2 } else { nonce },
        tick_length: config.tick_length,
        max_slot_rate: MAX_SLOT_RATE,
        capabilities: Capabilities::SIMULATED,
    }
}
