//! Both devices, the light between them, and when time passes.

use crate::config::{InvalidBench, VirtConfig};
use crate::device::{Device, VirtAlice, VirtBob, WORDS, alice};
use crate::port::{HostGone, Port};
use helio_bench::InterlockState;
use helio_firmware::Event;
use helio_link::{PipeEnd, pipe, wait_for_bytes_or_room};
use helio_sim::{Truth, World};
use helio_units::{Picoseconds, Ticks};
use helio_wire::Role;
use std::time::Duration;

/// Longest step: well within the millisecond in which firmware must be polled.
const STEP: Picoseconds = Picoseconds(500_000_000);
/// Most slots of a step: 0.41 ms at 5 MHz.
const STEP_SLOTS: u64 = 2_048;

/// Longest wait for a host in a step, by the wall clock.
const PATIENCE: Duration = Duration::from_millis(10);

/// What a call of [`VirtBench::step`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time stood still: commands were answered, or a host was waited for.
    Stood,
    /// So many slots have passed.
    Passed(usize),
    /// This device's host has dropped its link; told once. The device is dark.
    Unplugged(Role),
}

/// How one of the devices stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// Its interlock.
    pub interlock: InterlockState,
    /// Whether a run is on.
    pub running: bool,
    /// Whether it has a host.
    pub plugged: bool,
    /// What keeps time from passing that its host must do.
    pub awaited: Option<Awaited>,
}

/// What a host must do before time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Take what its device has said: the link is full.
    Room,
    /// Say something: a heartbeat is due, or the other device runs and this one does not.
    Word,
}

/// A bench in the process. See the crate's documentation for how time passes.
pub struct VirtBench {
    inner: Box<Inner>,
}

struct Inner {
    world: World,
    alice: VirtAlice,
    bob: VirtBob,
    alice_port: Port,
    bob_port: Port,
    step_slots: usize,
    passing: bool,
}

impl VirtBench {
    /// Two devices that have just booted, and the hosts' ends of their links: Alice's, then Bob's.
    ///
    /// # Errors
    /// [`InvalidBench`].
    pub fn new(config: VirtConfig) -> Result<(VirtBench, PipeEnd, PipeEnd), InvalidBench> {
        let VirtConfig { bench, link_depth } = config;
        let (tick, slot_ticks) = (bench.tick_length, bench.slot_ticks);
        let step_ticks = tick.ticks_covering(STEP).0;
        let step_slots = (step_ticks / u64::from(slot_ticks.max(1))).min(STEP_SLOTS);
        if step_slots == 0 {
            return Err(InvalidBench::SlotTooLong(slot_ticks));
        }
        let world = World::new(bench).map_err(InvalidBench::Bench)?;
        let (alice_host, alice_end) = pipe(link_depth);
        let (bob_host, bob_end) = pipe(link_depth);
        let mut inner = Inner {
            alice: alice(&world),
            bob: VirtBob::new(&world),
            alice_port: Port::new(alice_end, tick),
            bob_port: Port::new(bob_end, tick),
            step_slots: step_slots as usize,
            passing: false,
            world,
        };
        // The hosts hold their ends and the links are empty: nobody is gone and nothing waits.
        let _ = inner.settle();
        Ok((VirtBench { inner: Box::new(inner) }, alice_host, bob_host))
    }

    /// Lets a batch of slots pass, or, while time stands, waits for a command and answers it.
    ///
    /// Waits for the hosts as the crate's documentation says, but no longer than some 10 ms by the
    /// wall clock: then it returns [`Step::Stood`], and is to be called again.
    pub fn step(&mut self) -> Step {
        self.inner.step().unwrap_or_else(|role| {
            self.inner.unplug(role);
            Step::Unplugged(role)
        })
    }

    /// Gives a device a new host, whose end of the link is the other end of `end`; without a word
    /// of what came from an earlier one, which is unplugged if it is still there.
    pub fn plug(&mut self, role: Role, end: PipeEnd) {
        self.unplug(role);
        match role {
            Role::Alice => self.inner.alice_port.plug(end),
            Role::Bob => self.inner.bob_port.plug(end),
        }
    }

    /// Takes a device's host away, as if it had dropped its link; [`VirtBench::step`] does not
    /// tell of it.
    pub fn unplug(&mut self, role: Role) {
        if self.device(role).plugged {
            self.inner.unplug(role);
        }
    }

    /// How a device stands.
    pub fn device(&self, role: Role) -> DeviceState {
        let Inner { alice, bob, alice_port, bob_port, world, passing, .. } = &*self.inner;
        match role {
            Role::Alice => state(alice, alice_port, world.alice_now(), *passing, bob.is_running()),
            Role::Bob => state(bob, bob_port, world.bob_now(), *passing, alice.is_running()),
        }
    }

    /// What really happened on the bench: for tests and displays.
    pub fn truth(&self) -> &Truth {
        self.inner.world.truth()
    }

    /// Time of Alice's device.
    pub fn alice_now(&self) -> Ticks {
        self.inner.world.alice_now()
    }

    /// Time of Bob's device.
    pub fn bob_now(&self) -> Ticks {
        self.inner.world.bob_now()
    }

    /// Something that happens to a device's board, such as an open interlock contact.
    pub fn signal(&mut self, role: Role, event: Event) {
        match role {
            Role::Alice => self.inner.alice.signal(event),
            Role::Bob => self.inner.bob.signal(event),
        }
    }
}

fn state(
    device: &impl Device,
    port: &Port,
    now: Ticks,
    passing: bool,
    other_runs: bool,
) -> DeviceState {
    let running = device.is_running();
    let wanted = if passing { port.waits(device, now) } else { other_runs && !running };
    DeviceState {
        interlock: device.interlock(),
        running,
        plugged: port.is_plugged(),
        awaited: match port.is_plugged() {
            true if port.is_full() => Some(Awaited::Room),
            true if wanted => Some(Awaited::Word),
            _ => None,
        },
    }
}

/// Whose host is gone.
type Gone = Role;

fn alices(_: HostGone) -> Gone {
    Role::Alice
}

fn bobs(_: HostGone) -> Gone {
    Role::Bob
}

impl Inner {
    fn step(&mut self) -> Result<Step, Gone> {
        if !self.passing {
            self.stand()?;
            return Ok(Step::Stood);
        }
        if !self.hear()? {
            return Ok(Step::Stood);
        }
        self.alice_port.turn(&mut self.alice, self.world.alice_now()).map_err(alices)?;
        self.bob_port.turn(&mut self.bob, self.world.bob_now()).map_err(bobs)?;
        if !self.alice.is_running() && !self.bob.is_running() {
            self.passing = false;
            self.settle()?;
            return Ok(Step::Stood);
        }
        self.bob.step(&mut self.world, &mut self.alice, self.step_slots);
        Ok(Step::Passed(self.step_slots))
    }

    /// Whether both devices may go on, after a while if need be. Listens to both hosts meanwhile,
    /// to hear if one goes.
    fn hear(&mut self) -> Result<bool, Gone> {
        for waited in [false, true] {
            self.alice_port.collect().map_err(alices)?;
            self.bob_port.collect().map_err(bobs)?;
            let stuck = self.alice_port.is_full()
                || self.bob_port.is_full()
                || self.alice_port.waits(&self.alice, self.world.alice_now())
                || self.bob_port.waits(&self.bob, self.world.bob_now());
            if !stuck {
                return Ok(true);
            }
            // A device that does not run need not wait for the other one's host.
            if !self.alice.is_running() {
                self.answer_alice()?;
            }
            if !self.bob.is_running() {
                self.answer_bob()?;
            }
            if !waited {
                self.wait();
            }
        }
        Ok(false)
    }

    /// Answers commands; lets time pass from when both devices run.
    fn stand(&mut self) -> Result<(), Gone> {
        self.wait();
        self.answer_alice()?;
        self.answer_bob()?;
        if self.alice.is_running() && self.bob.is_running() {
            self.passing = true;
        }
        Ok(())
    }

    fn answer_alice(&mut self) -> Result<(), Gone> {
        self.alice_port.stand(&mut self.alice, self.world.alice_now()).map_err(alices)
    }

    fn answer_bob(&mut self) -> Result<(), Gone> {
        self.bob_port.stand(&mut self.bob, self.world.bob_now()).map_err(bobs)
    }

    /// Waits for anything that a host does.
    fn wait(&self) {
        let ports = [&self.alice_port, &self.bob_port];
        let room: Vec<&PipeEnd> = ports.iter().filter_map(|port| port.mouth()).collect();
        let bytes: Vec<&PipeEnd> = ports.iter().filter_map(|port| port.ear()).collect();
        wait_for_bytes_or_room(&bytes, &room, PATIENCE);
    }

    fn settle(&mut self) -> Result<(), Gone> {
        self.alice_port.settle(&mut self.alice, self.world.alice_now()).map_err(alices)?;
        self.bob_port.settle(&mut self.bob, self.world.bob_now()).map_err(bobs)
    }

    fn unplug(&mut self, gone: Gone) {
        match gone {
            Role::Alice => self.alice_port.unplug(&mut self.alice, self.world.alice_now()),
            Role::Bob => self.bob_port.unplug(&mut self.bob, self.world.bob_now()),
        }
    }
}

// A full millisecond is what a player must hold, no more; a step must not empty it.
const _: () = assert!(STEP_SLOTS as usize * 2 < WORDS);
