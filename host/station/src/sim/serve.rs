//! The bench's own loop: time, hosts, and what is told of them.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use helio_bench::InterlockState;
use helio_link::{DeviceAddress, TcpPort};
use helio_sim::BenchConfig;
use helio_virt::{Awaited, Step, VirtBench, VirtConfig};
use helio_wire::Role;

use super::fault::SimFault;
use super::link::{Arrival, Traffic, attend};
use super::note::{Departure, SimNote};
use super::pacer::Pacer;
use super::setup::{SimSetup, host_and_port};

/// How long time waits for a host that takes or says nothing, by the wall clock.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Time between two notes of progress, by the wall clock.
const PROGRESS: Duration = Duration::from_secs(60);

const ROLES: [Role; 2] = [Role::Alice, Role::Bob];

/// Serves both devices of a bench until `stop` has a message or has lost its other end. `notes` is
/// called on the calling thread.
///
/// Time passes while a device runs, from when both do (see [`helio_virt`]); it follows the wall
/// clock as the setup's speed says. All links are closed when this returns.
///
/// # Errors
/// [`SimFault`]; nothing has been served then. Whatever a host does is no error.
pub fn serve(
    setup: SimSetup,
    stop: &Receiver<()>,
    notes: impl FnMut(SimNote),
) -> Result<(), SimFault> {
    let factor = setup.speed.factor()?;
    let slots_per_s = slots_per_s(&setup.bench);
    let config = VirtConfig { bench: setup.bench, ..VirtConfig::default() };
    let (mut bench, ..) = VirtBench::new(config)?;
    ROLES.into_iter().for_each(|role| bench.unplug(role));
    let [alice, bob] = &setup.ports;
    let ports = [bind(Role::Alice, alice)?, bind(Role::Bob, bob)?];

    let (arrive, arrivals) = unbounded();
    let threads = Threads::start(ports, &arrive)?;
    drop(arrive);
    let now = Instant::now();
    let server = Server {
        stands: ROLES.map(|role| stand(&bench, role)),
        bench,
        hosts: [None, None],
        slots: 0,
        slots_per_s,
        progress: (now, 0),
        notes,
    };
    let pacer = factor.map(|factor| Pacer::new(slots_per_s * factor, now));
    server.run(&threads.addresses, &arrivals, stop, pacer);
    // The bench is gone, and with it the devices' ends of all links.
    drop(arrivals);
    threads.end();
    Ok(())
}

fn slots_per_s(bench: &BenchConfig) -> f64 {
    1e12 / (f64::from(bench.slot_ticks) * bench.tick_length.as_ps_f64())
}

fn bind(role: Role, text: &str) -> Result<(Role, TcpPort, DeviceAddress), SimFault> {
    let (host, port) = host_and_port(role, text)?;
    let address = text.to_owned();
    let refused = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => SimFault::InUse { role, address: address.clone() },
        _ => SimFault::Port { role, address: address.clone(), source },
    };
    let bound = TcpPort::bind(host, port).map_err(refused)?;
    let told = bound.address().map_err(refused)?;
    Ok((role, bound, told))
}

/// The threads of the two ports; they end with this.
struct Threads {
    addresses: Vec<(Role, DeviceAddress)>,
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Threads {
    fn start(
        ports: [(Role, TcpPort, DeviceAddress); 2],
        arrive: &Sender<Arrival>,
    ) -> Result<Threads, SimFault> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut all = Threads { addresses: Vec::new(), stop, threads: Vec::new() };
        for (role, port, address) in ports {
            let (arrive, stop) = (arrive.clone(), Arc::clone(&all.stop));
            let named = thread::Builder::new().name(format!("{role:?}-port").to_lowercase());
            let attended = named.spawn(move || attend(role, &port, &arrive, &stop));
            all.threads.push(attended.map_err(SimFault::Thread)?);
            all.addresses.push((role, address));
        }
        Ok(all)
    }

    /// Waits until all links are closed.
    fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that failed has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// How a device stands, as far as it is told.
type Stand = (InterlockState, bool);

fn stand(bench: &VirtBench, role: Role) -> Stand {
    let device = bench.device(role);
    (device.interlock, device.running)
}

/// A device's host.
struct Host {
    traffic: Arc<Traffic>,
    /// What time waits for, what the host had done of it, and since when no more came.
    idle: Option<(Awaited, u64, Instant)>,
}

impl Host {
    /// Whether the host has kept time waiting for too long.
    fn is_late(&mut self, awaited: Option<Awaited>, now: Instant) -> Option<Departure> {
        let Some(awaited) = awaited else {
            self.idle = None;
            return None;
        };
        let done = match awaited {
            Awaited::Room => self.traffic.taken.load(Ordering::Relaxed),
            Awaited::Word => self.traffic.words.load(Ordering::Relaxed),
        };
        match self.idle {
            Some((what, had, since)) if what == awaited && had == done => {
                let why = match awaited {
                    Awaited::Room => Departure::NotReading,
                    Awaited::Word => Departure::Silent,
                };
                (now.saturating_duration_since(since) >= PATIENCE).then_some(why)
            }
            _ => {
                self.idle = Some((awaited, done, now));
                None
            }
        }
    }
}

struct Server<N> {
    bench: VirtBench,
    hosts: [Option<Host>; 2],
    stands: [Stand; 2],
    slots: u64,
    slots_per_s: f64,
    /// When progress was told last, and the slots then.
    progress: (Instant, u64),
    notes: N,
}

impl<N: FnMut(SimNote)> Server<N> {
    fn run(
        mut self,
        addresses: &[(Role, DeviceAddress)],
        arrivals: &Receiver<Arrival>,
        stop: &Receiver<()>,
        mut pacer: Option<Pacer>,
    ) {
        for (role, address) in addresses {
            (self.notes)(SimNote::PortOpen { role: *role, address: address.clone() });
        }
        while stop.try_recv() == Err(TryRecvError::Empty) {
            if let Ok(arrival) = arrivals.try_recv() {
                self.arrive(arrival);
            }
            let now = Instant::now();
            if let Some(nap) = pacer.as_mut().and_then(|pacer| pacer.nap(self.slots, now)) {
                // Ends early when it is to stop, which the next round would miss.
                match stop.recv_timeout(nap) {
                    Err(error) if error.is_timeout() => continue,
                    _ => break,
                }
            }
            match self.bench.step() {
                Step::Passed(slots) => {
                    self.slots += slots as u64;
                    self.hosts.iter_mut().flatten().for_each(|host| host.idle = None);
                }
                Step::Stood => self.drop_late(now),
                Step::Unplugged(role) => self.gone(role, Departure::Left),
            }
            self.look();
            if now.saturating_duration_since(self.progress.0) >= PROGRESS {
                self.tell_progress(now);
            }
        }
        self.tell_progress(Instant::now());
    }

    fn arrive(&mut self, arrival: Arrival) {
        let Arrival { role, end, traffic, from } = arrival;
        if self.bench.device(role).plugged {
            // Its threads have noticed before the bench that it went.
            self.bench.unplug(role);
            self.gone(role, Departure::Left);
        }
        (self.notes)(SimNote::HostConnected { role, from });
        self.hosts[place(role)] = Some(Host { traffic, idle: None });
        self.bench.plug(role, end);
    }

    /// Drops hosts that time has waited for long enough.
    fn drop_late(&mut self, now: Instant) {
        for role in ROLES {
            let awaited = self.bench.device(role).awaited;
            let Some(host) = &mut self.hosts[place(role)] else { continue };
            if let Some(why) = host.is_late(awaited, now) {
                host.traffic.dropped.store(true, Ordering::Relaxed);
                self.bench.unplug(role);
                self.gone(role, why);
            }
        }
    }

    fn gone(&mut self, role: Role, why: Departure) {
        self.hosts[place(role)] = None;
        (self.notes)(SimNote::HostGone { role, why });
        self.look();
    }

    /// Tells what has changed at the devices.
    fn look(&mut self) {
        for role in ROLES {
            let now = stand(&self.bench, role);
            if std::mem::replace(&mut self.stands[place(role)], now) != now {
                let (interlock, running) = now;
                (self.notes)(SimNote::Device { role, interlock, running });
            }
        }
    }

    fn tell_progress(&mut self, now: Instant) {
        let (since, had) = std::mem::replace(&mut self.progress, (now, self.slots));
        let seconds = |slots: u64| slots as f64 / self.slots_per_s;
        let wall = now.saturating_duration_since(since).as_secs_f64();
        (self.notes)(SimNote::Progress {
            simulated: Duration::try_from_secs_f64(seconds(self.slots)).unwrap_or(Duration::MAX),
            slots: self.slots,
            speed: if wall > 0.0 { seconds(self.slots - had) / wall } else { 0.0 },
        });
    }
}

fn place(role: Role) -> usize {
    match role {
        Role::Alice => 0,
        Role::Bob => 1,
    }
}
