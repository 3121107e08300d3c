//! Both devices, the light between them, and when time passes.

use crate::config::{InvalidBench, VirtConfig};
use crate::device::{Device, VirtAlice, VirtBob, WORDS, alice};
use crate::port::{HostGone, Port};
use helio_firmware::Event;
use helio_link::{PipeEnd, pipe, wait_for_bytes};
use helio_sim::{Truth, World};
use helio_units::{Picoseconds, Ticks};
use helio_wire::Role;

/// Longest step: well within the millisecond in which firmware must be polled.
const STEP: Picoseconds = Picoseconds(500_000_000);
/// Most slots of a step: 0.41 ms at 5 MHz.
const STEP_SLOTS: u64 = 2_048;

/// What a call of [`VirtBench::step`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time stood still; commands were answered.
    Stood,
    /// So many slots have passed.
    Passed(usize),
    /// A host has dropped its link: nothing more will happen.
    Ended,
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
    /// Waits for the hosts as the crate's documentation says, without end if they are silent and
    /// keep their links.
    pub fn step(&mut self) -> Step {
        self.inner.step().unwrap_or(Step::Ended)
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

impl Inner {
    fn step(&mut self) -> Result<Step, HostGone> {
        if !self.passing {
            self.stand()?;
            return Ok(Step::Stood);
        }
        self.hear()?;
        self.alice_port.turn(&mut self.alice, self.world.alice_now())?;
        self.bob_port.turn(&mut self.bob, self.world.bob_now())?;
        if !self.alice.is_running() && !self.bob.is_running() {
            self.passing = false;
            self.settle()?;
            return Ok(Step::Stood);
        }
        self.bob.step(&mut self.world, &mut self.alice, self.step_slots);
        Ok(Step::Passed(self.step_slots))
    }

    /// Waits until both devices may go on. Listens to both hosts meanwhile, to hear if one goes.
    fn hear(&mut self) -> Result<(), HostGone> {
        loop {
            self.alice_port.collect()?;
            self.bob_port.collect()?;
            if !self.alice_port.waits(&self.alice, self.world.alice_now())
                && !self.bob_port.waits(&self.bob, self.world.bob_now())
            {
                return Ok(());
            }
            wait_for_bytes(&[self.alice_port.end(), self.bob_port.end()]);
        }
    }

    /// Answers commands; lets time pass from when both devices run.
    fn stand(&mut self) -> Result<(), HostGone> {
        wait_for_bytes(&[self.alice_port.end(), self.bob_port.end()]);
        self.alice_port.stand(&mut self.alice, self.world.alice_now())?;
        self.bob_port.stand(&mut self.bob, self.world.bob_now())?;
        if self.alice.is_running() && self.bob.is_running() {
            self.passing = true;
            self.alice_port.depart(self.world.alice_now());
            self.bob_port.depart(self.world.bob_now());
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), HostGone> {
        self.alice_port.settle(&mut self.alice, self.world.alice_now())?;
        self.bob_port.settle(&mut self.bob, self.world.bob_now())
    }
}

// A full millisecond is what a player must hold, no more; a step must not empty it.
const _: () = assert!(STEP_SLOTS as usize * 2 < WORDS);
