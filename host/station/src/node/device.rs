//! The thread that has the device, or looks for one.
//!
//! It opens the port, asks who is there, and carries runs when it is told to. A device that goes away
//! is looked for again, for as long as the station lives.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use helio_bench::SettingsSource;
use helio_link::{Connection, DeviceAddress, Plug, Transport, TransportError, Watcher};
use helio_timetag::{Pool, TagBatch};
use helio_wire::{Capabilities, Configure, Role};

use crate::bench::cable::{self, Item, Outlet, WhenFull};
use crate::bench::device::{self, DeviceFault, DeviceIdentity, Run};
use crate::bench::given::FeedSource;
use crate::bench::run::spawn;

/// How long before a device that is not there is looked for again.
const RETRY: Duration = Duration::from_secs(1);
/// How often the orders are looked at while a board is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// How often an idle device is listened to.
const IDLE: Duration = Duration::from_millis(100);
/// Orders that wait: the station gives one and waits for what comes of it.
const ORDERS: usize = 4;

/// What the device is to do. Dropping the receiver of a run's items ends that run too.
pub enum Order {
    /// Begin a run.
    Begin(Begin),
    /// End the run, if there is one; dark.
    Rest,
}

/// A run that is to begin.
pub struct Begin {
    /// How.
    pub configure: Configure,
    /// Where its items go.
    pub items: Sender<Item>,
    /// Empty tag batches, for a device with detectors.
    pub pool: Option<Pool<TagBatch>>,
}

/// What the station hears of its device, besides the items of runs.
#[derive(Debug)]
pub enum Note {
    /// There, dark and ready.
    Up(Box<DeviceIdentity>),
    /// Dark again after a run, and ready.
    Dark,
    /// Not there, or not able to run: why, with the remedy.
    Down(String),
}

/// The running thread.
pub struct DeviceThread {
    /// Orders to it; dropping this ends it.
    orders: Sender<Order>,
    /// What is heard of the device.
    pub notes: Receiver<Note>,
    thread: JoinHandle<()>,
}

impl DeviceThread {
    /// Starts the thread. Settings come from `source`; `feed` is where the bytes come from of a device
    /// that is fed.
    pub fn start(
        address: DeviceAddress,
        role: Role,
        source: SettingsSource,
        feed: Option<FeedSource>,
    ) -> DeviceThread {
        let (orders, heard) = bounded(ORDERS);
        let (told, notes) = bounded(ORDERS);
        let watcher = matches!(address, DeviceAddress::Usb(_)).then(Watcher::new);
        let (said, nonce) = (None, None);
        let mut work =
            Work { address, role, source, feed, orders: heard, notes: told, said, watcher, nonce };
        DeviceThread { orders, notes, thread: spawn("device", move || while work.once() {}) }
    }

    /// Gives an order.
    pub fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            log::error!("the device's thread failed; please report it");
        }
    }

    /// Makes the device dark and ends the thread.
    pub fn stop(self) {
        let DeviceThread { orders, notes, thread } = self;
        // A run that is on hears of an order, and of nothing else.
        let _ = orders.send(Order::Rest);
        drop((orders, notes));
        if thread.join().is_err() {
            log::error!("the device's thread failed; please report it");
        }
    }
}

/// Why the thread looks for the device anew.
enum Left {
    /// The station is gone.
    Station,
    /// The device is gone.
    Device(String),
}

struct Work {
    address: DeviceAddress,
    role: Role,
    source: SettingsSource,
    feed: Option<FeedSource>,
    orders: Receiver<Order>,
    notes: Sender<Note>,
    /// The last complaint, so that it is not repeated each second.
    said: Option<String>,
    /// Of a board on USB: it is looked for as soon as it is plugged in.
    watcher: Option<Watcher>,
    /// The boot in which the device was when it was last there.
    nonce: Option<u32>,
}

impl Work {
    /// Looks for the device and attends to it until it goes; whether to look again.
    fn once(&mut self) -> bool {
        let why = match self.open() {
            Ok(connection) => match self.attend(connection) {
                Left::Station => return false,
                Left::Device(why) => why,
            },
            Err(why) => why,
        };
        if self.said.as_ref() != Some(&why) && self.notes.send(Note::Down(why.clone())).is_err() {
            return false;
        }
        self.said = Some(why);
        self.pause()
    }

    /// Waits before the next look; orders to a device that is not there are void.
    fn pause(&mut self) -> bool {
        let until = Instant::now() + RETRY;
        loop {
            let look = until.min(Instant::now() + LOOK);
            match self.orders.recv_deadline(look) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) if look == until || self.has_arrived() => {
                    return true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Whether the board was plugged in since the last look.
    fn has_arrived(&mut self) -> bool {
        let (Some(watcher), DeviceAddress::Usb(serial)) = (&mut self.watcher, &self.address) else {
            return false;
        };
        let arrived = |plug: &Plug| match plug {
            Plug::Arrived(board) => board.serial.as_ref() == Some(serial),
            Plug::Left(_) => false,
        };
        watcher.wait(Duration::ZERO).is_ok_and(|changes| changes.iter().any(arrived))
    }

    /// Tells what became of a device that was away: its run is over either way.
    fn tell_boot(&mut self, nonce: Option<u32>) {
        let before = std::mem::replace(&mut self.nonce, nonce);
        match before {
            Some(_) if before == nonce => log::info!("{}: back, in the same boot", self.address),
            Some(_) => log::warn!("{}: back, started anew meanwhile", self.address),
            None => {}
        }
    }

    fn open(&self) -> Result<Connection<Box<dyn Transport + Send>>, String> {
        let transport = helio_link::open(&self.address).map_err(|e| e.to_string())?;
        Ok(Connection::new(transport))
    }

    fn lost(&self, fault: &DeviceFault) -> Left {
        Left::Device(format!("{}: {fault}", self.address))
    }

    fn rest<T: Transport>(&self, connection: &mut Connection<T>) -> Result<(), DeviceFault> {
        device::rest(connection, self.role, self.source)
    }

    fn attend(&mut self, mut connection: Connection<Box<dyn Transport + Send>>) -> Left {
        let greeted = device::greet(&mut connection, self.role)
            .and_then(|identity| self.rest(&mut connection).map(|()| identity));
        let identity = match greeted {
            Ok(identity) => identity,
            Err(fault) => return self.lost(&fault),
        };
        self.said = None;
        self.tell_boot(connection.nonce());
        if self.notes.send(Note::Up(Box::new(identity.clone()))).is_err() {
            return Left::Station;
        }
        loop {
            match self.orders.try_recv() {
                Ok(Order::Begin(begin)) => {
                    let (back, fault) = self.run(connection, &identity, begin);
                    connection = back;
                    if let Some(fault) = fault.filter(is_gone) {
                        return self.lost(&fault);
                    }
                    if let Err(fault) = self.rest(&mut connection) {
                        return self.lost(&fault);
                    }
                    if self.notes.send(Note::Dark).is_err() {
                        return Left::Station;
                    }
                }
                Ok(Order::Rest) => {}
                Err(TryRecvError::Disconnected) => return Left::Station,
                Err(TryRecvError::Empty) => match connection.receive(IDLE, |_| {}) {
                    Ok(()) | Err(TransportError::TimedOut) => {}
                    Err(why) => {
                        return Left::Device(
                            DeviceFault::Port { role: self.role, why }.to_string(),
                        );
                    }
                },
            }
        }
    }

    /// Carries a run until it ends, the station wants something else, or it drops the items.
    fn run<T: Transport>(
        &mut self,
        connection: Connection<T>,
        identity: &DeviceIdentity,
        begin: Begin,
    ) -> (Connection<T>, Option<DeviceFault>) {
        let mut nonce = [0; 4];
        if getrandom::fill(&mut nonce).is_err() {
            log::warn!("the system gives no random numbers; arming by a counter");
        }
        let arming_nonce = u32::from_le_bytes(nonce) | 1;
        let epoch = connection.epoch().wrapping_add(1).max(1);
        let simulated = identity.capabilities.has(Capabilities::SIMULATED);
        let when_full = if simulated { WhenFull::WaitAndBeat } else { WhenFull::Drop };
        let outlet = Outlet { items: &begin.items, pool: begin.pool, when_full };
        let run = Run { arming_nonce, epoch, slots: 0, source: self.source };
        let orders = &self.orders;
        let stop = || !orders.is_empty();
        let feed = self.feed.as_mut();
        cable::carry(connection, identity, begin.configure, run, feed, outlet, stop)
    }
}

/// Faults after which the port is of no use.
fn is_gone(fault: &DeviceFault) -> bool {
    matches!(fault, DeviceFault::Port { .. } | DeviceFault::Silent { .. })
}
