//! Both devices on one desk: this program begins and ends the light and sees what both tell.
//!
//! For alignment and calibration only. Alice's settings and Bob's detections meet here, so no key is ever
//! made of these slots.
//!
//! | thread | what it does |
//! |---|---|
//! | bench | of a simulated desk: both firmwares and the light |
//! | alice-cable, bob-cable | a run of a device each |

pub mod calibrate;
pub mod measure;
mod plan;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never, select, tick};
use helio_bench::SettingsSource;
use helio_link::{Connection, DeviceAddress, Transport};
use helio_sim::BenchConfig;
use helio_timetag::{Pool, TagBatch};
use helio_tune::{Observer, SettingsOf};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::{Capabilities, Configure, Role};

use crate::bench::cable::{self, Item, Outlet, WhenFull};
use crate::bench::device::{self, DeviceFault, DeviceIdentity, Run};
use crate::bench::run::spawn;
use crate::exit::{Exit, Failure};

pub use plan::DeskPlan;

/// Items between a device's thread and the desk.
const DEPTH: usize = 64;
/// The desk looks around at least this often.
const TURN: Duration = Duration::from_millis(50);
/// Slots of light that a simulated desk needs to begin a dark run: its time passes once both run.
const SPARK_SLOTS: u64 = 1;

/// The port of a device on the desk.
pub type Port = Box<dyn Transport + Send>;

struct Device {
    /// `None` while a thread has it, and for ever where that thread failed.
    connection: Option<Connection<Port>>,
    identity: DeviceIdentity,
    /// Of the last arming.
    nonce: u32,
}

/// Both devices, or Bob's alone.
pub struct Desk {
    alice: Option<Device>,
    bob: Device,
    /// Held so that it ends when the links are dropped.
    _bench: Option<JoinHandle<()>>,
}

/// Whether Alice's laser fires in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Laser {
    /// Her device runs.
    On,
    /// Her device is not started.
    Off,
}

/// Something a device told.
#[derive(Debug)]
pub enum Heard {
    /// Alice's.
    Alice(Item),
    /// Bob's.
    Bob(Item),
    /// Nobody told anything for a while.
    Nothing,
}

impl Desk {
    /// A desk in this process.
    ///
    /// # Errors
    /// A bench that cannot be.
    pub fn simulated(bench: BenchConfig) -> Result<Desk, Failure> {
        let config = VirtConfig { bench, link_depth: DEPTH };
        let (mut bench, alice, bob) = VirtBench::new(config)
            .map_err(|why| Failure::usage(format!("{why}; choose other numbers")))?;
        let thread = spawn("bench", move || while !matches!(bench.step(), Step::Unplugged(_)) {});
        let alice = Device::open(Box::new(alice), Role::Alice).map_err(failure)?;
        let bob = Device::open(Box::new(bob), Role::Bob).map_err(failure)?;
        Ok(Desk { alice: Some(alice), bob, _bench: Some(thread) })
    }

    /// Devices by their addresses.
    ///
    /// # Errors
    /// A device that is not there, or is another station's.
    pub fn open(alice: Option<&DeviceAddress>, bob: &DeviceAddress) -> Result<Desk, Failure> {
        let device = |address: &DeviceAddress, role| {
            let port = helio_link::open(address).map_err(|why| Failure::new(Exit::Device, why))?;
            Device::open(port, role).map_err(failure)
        };
        let bob = device(bob, Role::Bob)?;
        let alice = alice.map(|address| device(address, Role::Alice)).transpose()?;
        Ok(Desk { alice, bob, _bench: None })
    }

    /// Who Bob's device is.
    pub fn bob(&self) -> &DeviceIdentity {
        &self.bob.identity
    }

    /// Who Alice's device is, if it is on the desk.
    pub fn alice(&self) -> Option<&DeviceIdentity> {
        self.alice.as_ref().map(|device| &device.identity)
    }

    /// Whether all light here is simulated.
    pub fn is_simulated(&self) -> bool {
        self.bob.is_simulated() && self.alice.as_ref().is_none_or(Device::is_simulated)
    }

    /// Lends the connection of a device between two runs, dark and safe; it has to come back.
    ///
    /// # Errors
    /// There is no such device, or it has failed.
    pub fn lend<R>(
        &mut self,
        role: Role,
        talk: impl FnOnce(Connection<Port>, &DeviceIdentity) -> (Connection<Port>, R),
    ) -> Result<R, Failure> {
        let device = match role {
            Role::Alice => self.alice.as_mut(),
            Role::Bob => Some(&mut self.bob),
        };
        let gone = || DeviceFault::Silent { role, command: "anything since it failed" };
        let device = device.ok_or_else(|| failure(gone()))?;
        let mut connection = device.connection.take().ok_or_else(|| failure(gone()))?;
        // While it rested nobody beat, and a device that tripped may not be set.
        let rested = device::rest(&mut connection, role, SettingsSource::Own);
        let (connection, talked) = match rested {
            Ok(()) => {
                let (connection, said) = talk(connection, &device.identity);
                (connection, Ok(said))
            }
            Err(fault) => (connection, Err(failure(fault))),
        };
        device.connection = Some(connection);
        talked
    }

    /// Runs the devices until `each` has seen enough, then leaves both dark and ready.
    ///
    /// # Errors
    /// A device that fails or refuses.
    pub fn run(
        &mut self,
        plan: &DeskPlan,
        laser: Laser,
        mut each: impl FnMut(Heard) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let Desk { alice, bob, .. } = self;
        let stop = AtomicBool::new(false);
        let tick = bob.identity.tick_length;
        let configure = [plan.configure(Role::Alice, tick)?, plan.configure(Role::Bob, tick)?];
        let slots = match laser {
            Laser::On => 0,
            Laser::Off => SPARK_SLOTS,
        };
        // A real device is not lit for a dark run, not for a single slot.
        let lit = alice.as_mut().filter(|a| laser == Laser::On || a.is_simulated());
        thread::scope(|scope| {
            let (bob_items, bob_told) = bounded(DEPTH);
            let stop = &stop;
            let bob = scope.spawn(move || bob.carry(configure[1], 0, &bob_items, stop));
            let mut alice_told = never();
            let alice = lit.map(|alice| {
                let (items, told) = bounded(DEPTH);
                alice_told = told;
                scope.spawn(move || alice.carry(configure[0], slots, &items, stop))
            });
            listen(&alice_told, &bob_told, stop, &mut each);
            stop.store(true, Ordering::Relaxed);
            // Who waits for room in a channel that nobody reads any more hears of its end.
            drop((alice_told, bob_told));
            let ended = |thread: thread::ScopedJoinHandle<'_, Result<(), DeviceFault>>| {
                thread.join().unwrap_or(Ok(())).map_err(failure)
            };
            let bob = ended(bob);
            alice.map_or(Ok(()), ended).and(bob)
        })
    }
}

/// Passes on what is told until `each` or Bob's device ends it.
fn listen(
    alice: &Receiver<Item>,
    bob: &Receiver<Item>,
    stop: &AtomicBool,
    each: &mut dyn FnMut(Heard) -> ControlFlow<()>,
) {
    let (mut alice, turn) = (alice.clone(), tick(TURN));
    loop {
        let heard = select! {
            recv(alice) -> item => match item {
                Ok(item) => Heard::Alice(item),
                Err(_) => {
                    alice = never();
                    continue;
                }
            },
            recv(bob) -> item => match item {
                Ok(item) => Heard::Bob(item),
                Err(_) => return,
            },
            recv(turn) -> _ => Heard::Nothing,
        };
        let over = matches!(heard, Heard::Bob(Item::End(_)));
        if each(heard).is_break() || over || stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

impl Device {
    fn open(port: Port, role: Role) -> Result<Device, DeviceFault> {
        let mut connection = Connection::new(port);
        let identity = device::greet(&mut connection, role)?;
        device::rest(&mut connection, role, SettingsSource::Own)?;
        let mut nonce = [0; 4];
        if getrandom::fill(&mut nonce).is_err() {
            log::warn!("the system gives no random numbers; arming by a counter");
        }
        let nonce = u32::from_le_bytes(nonce);
        Ok(Device { connection: Some(connection), identity, nonce })
    }

    fn is_simulated(&self) -> bool {
        self.identity.capabilities.has(Capabilities::SIMULATED)
    }

    /// Where its settings come from. The simulator's generator follows any slot.
    fn source(&self) -> SettingsSource {
        let drawn = self.identity.drawn().filter(|_| !self.is_simulated());
        drawn.unwrap_or(SettingsSource::Own)
    }

    /// A run of the device; dark and ready afterwards. Goes on listening until `stop`, so that a device
    /// that ended by itself does not hold up the other one's time.
    fn carry(
        &mut self,
        configure: Configure,
        slots: u64,
        items: &Sender<Item>,
        stop: &AtomicBool,
    ) -> Result<(), DeviceFault> {
        let role = self.identity.role;
        let Some(mut connection) = self.connection.take() else {
            return Err(DeviceFault::Silent { role, command: "anything since it failed" });
        };
        // While it rested nobody beat: that is a trip, and no fault.
        if let Err(fault) = device::rest(&mut connection, role, SettingsSource::Own) {
            self.connection = Some(connection);
            return Err(fault);
        }
        self.nonce = self.nonce.wrapping_add(2) | 1;
        let epoch = connection.epoch().wrapping_add(1).max(1);
        let source = self.source();
        let run = Run { arming_nonce: self.nonce, epoch, slots, source };
        let when_full = if self.is_simulated() { WhenFull::WaitAndBeat } else { WhenFull::Drop };
        // Empty batches do not come back: whoever looks at them keeps them.
        let (pool, _) = Pool::new(1, TagBatch::default);
        let outlet = Outlet { items, pool: (role == Role::Bob).then_some(pool), when_full };
        let stopped = || stop.load(Ordering::Relaxed);
        let (mut connection, fault) =
            cable::carry(connection, &self.identity, configure, run, None, outlet, stopped);
        let rested = device::rest(&mut connection, role, SettingsSource::Own);
        while !stopped() && fault.is_none() && rested.is_ok() {
            if !matches!(
                connection.receive(TURN, |_| {}),
                Ok(()) | Err(helio_link::TransportError::TimedOut)
            ) {
                break;
            }
        }
        self.connection = Some(connection);
        fault.map_or(rested, Err)
    }
}

fn failure(fault: DeviceFault) -> Failure {
    Failure::new(Exit::Device, fault)
}

/// Gives an observer what was heard.
pub fn hear(observer: &mut Observer, heard: Heard) {
    let (whose, item) = match heard {
        Heard::Alice(item) => (SettingsOf::Alice, item),
        Heard::Bob(item) => (SettingsOf::Bob, item),
        Heard::Nothing => return,
    };
    match item {
        Item::Settings(run) => observer.settings(whose, run.first, run.count, &run.packed),
        Item::MissingSettings(slots) => observer.missing(whose, slots),
        Item::Tags(batch) => observer.tags(&batch),
        Item::Begun | Item::Report(_) | Item::End(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Scenario;

    /// The bench's devices in the place of boards whose generators give little.
    #[test]
    fn settings_of_slow_generators_are_expanded() {
        let plan = DeskPlan::Scenario(Box::default());
        let bench =
            BenchConfig { random_bytes_per_second: Some(18_750), ..Scenario::default().bench() };
        let mut desk = Desk::simulated(bench).unwrap();
        desk.alice.as_mut().unwrap().identity.capabilities = Capabilities::REPORTS_SETTINGS;
        desk.bob.identity.capabilities =
            Capabilities::ACTIVE_RECEIVER.with(Capabilities::REPORTS_SETTINGS);
        let mut heard = [0; 2];
        let ran = desk.run(&plan, Laser::On, |item| {
            match item {
                Heard::Alice(Item::Settings(_)) => heard[0] += 1,
                Heard::Bob(Item::Settings(_)) => heard[1] += 1,
                _ => {}
            }
            if heard[0] > 0 && heard[1] > 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(ran.is_ok() && heard[0] > 0 && heard[1] > 0, "{heard:?}");
    }
}
