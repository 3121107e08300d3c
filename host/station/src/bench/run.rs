//! The threads of a simulated run.
//!
//! | thread | what it does |
//! |---|---|
//! | bench | both firmwares and the optics, batch by batch |
//! | alice-cable, bob-cable | frames to settings and tag batches |
//! | alice, bob | tags to slots, and a side of the talk each |

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded, unbounded};
use helio_distill::pads::PadBook;
use helio_distill::{BlockReport, Fault, Local, MemoryStore, Role, alice, bob};
use helio_keys::{EntropySource, RandomLabel, SeededEntropy, SimulatedDevices};
use helio_link::{Connection, PipeEnd};
use helio_sim::Truth;
use helio_timetag::{PhaseHistogram, Pool, SlotBatch, Slotter, TagBatch};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::{Capabilities, Role as DeviceRole};
use zeroize::Zeroizing;

use super::cable::{self, Item};
use super::device::{self, DeviceFault, DeviceIdentity, Run};
use super::scenario::Scenario;
use super::station::{self, AliceSide, BobSide, StationOutcome, Surroundings};

/// Chunks on a cable, items between threads: enough to keep both cores busy, few enough to stay in
/// the cache.
const DEPTH: usize = 64;
/// Bytes of a pad, and pads of each direction kept for contact and recovery.
const PAD_BYTES: usize = 32;
const RESERVE: u64 = 64;

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Update {
    /// A block ended on one side.
    Block(DeviceRole, Box<BlockReport>),
    /// So many slots have been emitted.
    Slots(u64),
}

/// A run that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// A number of the scenario.
    #[error("{0}")]
    Scenario(String),
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceFault),
    /// A station.
    #[error("{0}")]
    Station(#[from] Fault),
    /// A thread ended without a word.
    #[error("the {0} thread of this program failed; please report it with the command line")]
    Thread(&'static str),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// Alice's side.
    pub alice: StationOutcome,
    /// Bob's side.
    pub bob: StationOutcome,
    /// What really happened to the light; no station sees this.
    pub truth: Truth,
    /// Wall-clock time from the first command to the last key.
    pub wall: Duration,
    /// Wall-clock time until the last slot was simulated.
    pub light: Duration,
}

impl RunOutcome {
    /// Whether every block stands the same on both sides and all usable keys are equal.
    pub fn keys_equal(&self) -> bool {
        self.alice.fingerprints == self.bob.fingerprints && self.alice.key_bits == self.bob.key_bits
    }
}

/// Runs the scenario to its last block. `update` is called on the calling thread.
///
/// # Errors
/// [`RunFault`]; blocks that make no key are no error.
pub fn run(scenario: &Scenario, mut update: impl FnMut(Update)) -> Result<RunOutcome, RunFault> {
    let parameters = scenario.parameters().map_err(|e| RunFault::Scenario(e.to_string()))?;
    let slotter =
        Slotter::new(scenario.slotter()).map_err(|e| RunFault::Scenario(e.to_string()))?;
    let config = VirtConfig { bench: scenario.bench(), link_depth: DEPTH };
    let (mut bench, alice_port, bob_port) =
        VirtBench::new(config).map_err(|e| RunFault::Scenario(e.to_string()))?;
    let begun = Instant::now();

    // The devices answer while the bench polls them; their time stands still until both run.
    let slots = Arc::new(AtomicU64::new(0));
    let emitted = slots.clone();
    let bench_thread = spawn("bench", move || {
        let mut light = Duration::ZERO;
        loop {
            match bench.step() {
                Step::Passed(count) => {
                    emitted.fetch_add(count as u64, Ordering::Relaxed);
                    light = begun.elapsed();
                }
                Step::Stood => {}
                Step::Ended => break,
            }
        }
        (*bench.truth(), light)
    });
    let (alice_connection, alice_device) = open(alice_port, DeviceRole::Alice)?;
    let (bob_connection, bob_device) = open(bob_port, DeviceRole::Bob)?;

    let simulated = |d: &DeviceIdentity| d.capabilities.has(Capabilities::SIMULATED);
    let devices = SimulatedDevices::declared(simulated(&alice_device), simulated(&bob_device))
        .ok_or_else(|| RunFault::Scenario("a device of the bench says that it is real".into()))?;
    let entropy = |stream: &str| SeededEntropy::new(devices, scenario.seed, stream);
    let pads = (u64::from(scenario.blocks) * 4 + RESERVE + 16) as usize;
    let pad_book = |role| {
        let mut secret = Zeroizing::new(vec![0; 2 * pads * PAD_BYTES]);
        entropy("pre-shared secret").fill(&mut secret).map_err(Fault::from)?;
        PadBook::new(secret, role, RESERVE).map_err(|e| RunFault::Scenario(e.to_string()))
    };
    let local = || Local::new(RandomLabel::Seeded);
    let alice_session = alice::Session::new(
        parameters.clone(),
        local(),
        pad_book(Role::Alice)?,
        entropy("alice"),
        MemoryStore::default(),
    )?;
    let bob_session = bob::Session::new(
        parameters,
        local(),
        pad_book(Role::Bob)?,
        entropy("bob"),
        MemoryStore::default(),
    )?;

    let (to_bob, from_alice) = unbounded();
    let (to_alice, from_bob) = unbounded();
    let (reports, reported) = unbounded();
    let blocks = (u64::from(scenario.slots_per_block), u64::from(scenario.blocks));
    let (pool, empties) = Pool::new(DEPTH, TagBatch::default);
    let (alice_items, alice_data) = bounded(DEPTH);
    let (bob_items, bob_data) = bounded(DEPTH);

    let run = Run { arming_nonce: scenario.seed as u32 | 1, epoch: 1, slots: scenario.slots() };
    let carry = |connection, identity, weight, pool, out: Sender<Item>| {
        let configure = scenario.configure(weight);
        move || cable::carry(connection, &identity, configure, run, pool, &out)
    };
    let [alice_weight, bob_weight] = scenario.key_weights;
    // Bob's device must listen before Alice's starts; time stands still until both have.
    let bob_cable =
        spawn("bob-cable", carry(bob_connection, bob_device, bob_weight, Some(pool), bob_items));
    let alice_cable = spawn(
        "alice-cable",
        carry(alice_connection, alice_device, alice_weight, None, alice_items),
    );
    let around = |device, peer, empties| Surroundings {
        device,
        peer,
        reports: reports.clone(),
        empties,
        blocks,
        begun,
    };
    let alice_around = around(alice_data, (from_bob, to_bob), None);
    let bob_around = around(bob_data, (from_alice, to_alice), Some(empties));
    drop(reports);
    let alice_thread =
        spawn("alice", move || station::alice(AliceSide { session: alice_session }, alice_around));
    let bob_side = BobSide {
        session: bob_session,
        slotter,
        batch: SlotBatch::default(),
        phases: PhaseHistogram::new(256),
    };
    let bob_thread = spawn("bob", move || station::bob(bob_side, bob_around));

    loop {
        match reported.recv_timeout(Duration::from_millis(100)) {
            Ok((role, report)) => update(Update::Block(role, Box::new(report))),
            Err(error) if error.is_timeout() => {
                update(Update::Slots(slots.load(Ordering::Relaxed)))
            }
            Err(_) => break,
        }
    }
    let alice = alice_thread.join().map_err(|_| RunFault::Thread("alice"))?;
    let bob = bob_thread.join().map_err(|_| RunFault::Thread("bob"))?;
    // The first link that is dropped ends the bench.
    let links = (
        alice_cable.join().map_err(|_| RunFault::Thread("alice-cable"))?,
        bob_cable.join().map_err(|_| RunFault::Thread("bob-cable"))?,
    );
    drop(links);
    let (truth, light) = bench_thread.join().map_err(|_| RunFault::Thread("bench"))?;
    for outcome in [&alice, &bob] {
        if let Some(fault) = &outcome.cable.fault {
            return Err(fault.clone().into());
        }
    }
    Ok(RunOutcome { alice, bob, truth, wall: begun.elapsed(), light })
}

fn open(
    port: PipeEnd,
    role: DeviceRole,
) -> Result<(Connection<PipeEnd>, DeviceIdentity), DeviceFault> {
    let mut connection = Connection::new(port);
    let identity = device::greet(&mut connection, role)?;
    Ok((connection, identity))
}

fn spawn<T: Send + 'static>(
    name: &'static str,
    body: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(body).expect("the system can start a handful of threads")
}
