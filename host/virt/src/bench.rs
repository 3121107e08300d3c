//! Both devices, the light between them, and when time passes.

use crate::config::{InvalidBench, VirtConfig};
use crate::port::{HostGone, Port};
use helio_bench::InterlockState;
use helio_firmware::Event;
use helio_link::{PipeEnd, pipe, wait_for_bytes_or_room};
use helio_rig::{Device, Light, Rig};
use helio_sim::Truth;
use helio_units::Ticks;
use helio_wire::Role;
use std::time::Duration;

/// What the devices call their board.
const BOARD: &str = "virtual bench";

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
    /// Say something: a heartbeat is due, the device wants random bytes, or the other device runs
    /// and this one does not.
    Word,
}

/// A bench in the process. See the crate's documentation for how time passes.
pub struct VirtBench {
    inner: Box<Inner>,
}

struct Inner {
    rig: Rig,
    alice_port: Port,
    bob_port: Port,
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
        let rig = Rig::new(bench, BOARD).map_err(InvalidBench::Bench)?;
        if rig.step_slots() == 0 {
            return Err(InvalidBench::SlotTooLong(slot_ticks));
        }
        let (alice_host, alice_end) = pipe(link_depth);
        let (bob_host, bob_end) = pipe(link_depth);
        let mut inner = Inner {
            alice_port: Port::new(alice_end, tick),
            bob_port: Port::new(bob_end, tick),
            passing: false,
            rig,
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

    /// Cuts a device's power for an instant: it is dark, has forgotten all, and has another nonce;
    /// its link stays. What it has not said yet is lost.
    pub fn reboot(&mut self, role: Role) {
        self.inner.reboot(role);
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
        let Inner { rig, alice_port, bob_port, .. } = &*self.inner;
        let wanted = self.inner.wants_word(role);
        match role {
            Role::Alice => state(&rig.alice, alice_port, wanted),
            Role::Bob => state(&rig.bob, bob_port, wanted),
        }
    }

    /// What really happened on the bench: for tests and displays.
    pub fn truth(&self) -> &Truth {
        self.inner.rig.truth()
    }

    /// Time of Alice's device.
    pub fn alice_now(&self) -> Ticks {
        self.inner.rig.now(Role::Alice)
    }

    /// Time of Bob's device.
    pub fn bob_now(&self) -> Ticks {
        self.inner.rig.now(Role::Bob)
    }

    /// Something that happens to a device's board, such as an open interlock contact.
    pub fn signal(&mut self, role: Role, event: Event) {
        self.inner.rig.signal(role, event);
    }

    /// Lets so many batches of slots pass and waits for nobody: as on a bench of glass and metal, a
    /// device whose host is silent goes dark, and one whose host takes nothing loses tags.
    pub fn pass(&mut self, steps: u32) {
        for _ in 0..steps {
            if let Err(role) = self.inner.pass() {
                self.inner.unplug(role);
            }
        }
    }

    /// The light that has left Alice so far.
    pub fn light(&self) -> Light {
        self.inner.rig.light()
    }
}

fn state(device: &impl Device, port: &Port, wanted: bool) -> DeviceState {
    DeviceState {
        interlock: device.interlock(),
        running: device.is_running(),
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
        if self.rig.alice.must_reboot() && !self.alice_port.is_full() {
            self.reboot(Role::Alice);
        }
        if self.rig.bob.must_reboot() && !self.bob_port.is_full() {
            self.reboot(Role::Bob);
        }
        if !self.passing {
            self.stand()?;
            return Ok(Step::Stood);
        }
        if !self.hear()? {
            return Ok(Step::Stood);
        }
        self.turn()?;
        if !self.either_runs() {
            self.passing = false;
            self.settle()?;
            return Ok(Step::Stood);
        }
        // Bob's clock has locked in this turn, and what he was fed before does not last.
        if self.hungry().contains(&true) {
            return Ok(Step::Stood);
        }
        self.rig.step();
        Ok(Step::Passed(self.rig.step_slots()))
    }

    /// A step of time that waits for nobody.
    fn pass(&mut self) -> Result<(), Gone> {
        self.alice_port.collect().map_err(alices)?;
        self.bob_port.collect().map_err(bobs)?;
        self.turn()?;
        self.rig.step();
        self.passing = self.either_runs();
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Gone> {
        let now = self.rig.now(Role::Alice);
        self.alice_port.turn(&mut self.rig.alice, now).map_err(alices)?;
        let now = self.rig.now(Role::Bob);
        self.bob_port.turn(&mut self.rig.bob, now).map_err(bobs)
    }

    /// Alice's device, Bob's.
    fn hungry(&self) -> [bool; 2] {
        [Role::Alice, Role::Bob].map(|role| self.rig.is_running(role) && self.rig.is_hungry(role))
    }

    /// Whether time waits for a word of this device's host, if it has one.
    fn wants_word(&self, role: Role) -> bool {
        let (now, runs) = (self.rig.now(role), self.rig.is_running(role));
        let late = match (self.passing, role) {
            (true, Role::Alice) => self.alice_port.waits(&self.rig.alice, now),
            (true, Role::Bob) => self.bob_port.waits(&self.rig.bob, now),
            (false, _) => !runs && self.either_runs(),
        };
        late || self.hungry()[usize::from(role.code())]
    }

    fn either_runs(&self) -> bool {
        self.rig.is_running(Role::Alice) || self.rig.is_running(Role::Bob)
    }

    /// Whether both devices may go on, after a while if need be. Listens to both hosts meanwhile,
    /// to hear if one goes.
    fn hear(&mut self) -> Result<bool, Gone> {
        for waited in [false, true] {
            self.alice_port.collect().map_err(alices)?;
            self.bob_port.collect().map_err(bobs)?;
            let hungry = self.hungry();
            let stuck = self.alice_port.is_full()
                || self.bob_port.is_full()
                || hungry.contains(&true)
                || self.alice_port.waits(&self.rig.alice, self.rig.now(Role::Alice))
                || self.bob_port.waits(&self.rig.bob, self.rig.now(Role::Bob));
            if !stuck {
                return Ok(true);
            }
            // A device that does not run need not wait for the other one's host, and one that wants
            // bytes is given them at once.
            if hungry[0] || !self.rig.is_running(Role::Alice) {
                self.answer_alice()?;
            }
            if hungry[1] || !self.rig.is_running(Role::Bob) {
                self.answer_bob()?;
            }
            let fed = hungry.contains(&true) && !self.hungry().contains(&true);
            if !waited && !fed {
                self.wait();
            }
        }
        self.bob_port.waited(&self.rig.bob, self.rig.now(Role::Bob));
        Ok(false)
    }

    /// Answers commands; lets time pass from when both devices run.
    fn stand(&mut self) -> Result<(), Gone> {
        self.wait();
        self.answer_alice()?;
        self.answer_bob()?;
        if self.rig.is_running(Role::Alice) && self.rig.is_running(Role::Bob) {
            self.passing = true;
        }
        Ok(())
    }

    fn answer_alice(&mut self) -> Result<(), Gone> {
        let now = self.rig.now(Role::Alice);
        self.alice_port.stand(&mut self.rig.alice, now).map_err(alices)
    }

    fn answer_bob(&mut self) -> Result<(), Gone> {
        let now = self.rig.now(Role::Bob);
        self.bob_port.stand(&mut self.rig.bob, now).map_err(bobs)
    }

    /// Waits for anything that a host does.
    fn wait(&self) {
        let ports = [&self.alice_port, &self.bob_port];
        let room: Vec<&PipeEnd> = ports.iter().filter_map(|port| port.mouth()).collect();
        let bytes: Vec<&PipeEnd> = ports.iter().filter_map(|port| port.ear()).collect();
        wait_for_bytes_or_room(&bytes, &room, PATIENCE);
    }

    fn settle(&mut self) -> Result<(), Gone> {
        let now = self.rig.now(Role::Alice);
        self.alice_port.settle(&mut self.rig.alice, now).map_err(alices)?;
        let now = self.rig.now(Role::Bob);
        self.bob_port.settle(&mut self.rig.bob, now).map_err(bobs)
    }

    fn reboot(&mut self, role: Role) {
        self.rig.reboot(role, BOARD);
        let now = self.rig.now(role);
        match role {
            Role::Alice => self.alice_port.reboot(&mut self.rig.alice, now),
            Role::Bob => self.bob_port.reboot(&mut self.rig.bob, now),
        }
    }

    fn unplug(&mut self, gone: Gone) {
        let now = self.rig.now(gone);
        match gone {
            Role::Alice => self.alice_port.unplug(&mut self.rig.alice, now),
            Role::Bob => self.bob_port.unplug(&mut self.rig.bob, now),
        }
    }
}
