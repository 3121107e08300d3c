//! The threads of a simulated run.
//!
//! | thread | what it does |
//! |---|---|
//! | bench | both firmwares and the optics, batch by batch |
//! | alice-cable, bob-cable | frames to settings and tag batches |
//! | alice, bob | tags to slots, and a side of the talk each |

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{bounded, unbounded};
use helio_distill::{BlockReport, Fault};
use helio_keys::SimulatedDevices;
use helio_link::{Connection, PipeEnd, Transport};
use helio_sim::Truth;
use helio_timetag::{Pool, TagBatch};
use helio_trace::TraceFormat;
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::{Capabilities, Role as DeviceRole};

use crate::recording::{self, Recorder, RecordingFault};

use super::cable::{self, Outlet, WhenFull};
use super::device::{self, DeviceFault, DeviceIdentity, Run};
use super::scenario::Scenario;
use super::station::StationOutcome;
use super::talk::{self, Lines, TalkSetup};

/// Chunks on a cable, items between threads: enough to keep both cores busy, few enough to stay in
/// the cache.
const DEPTH: usize = 64;

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
    /// The recording.
    #[error(transparent)]
    Recording(#[from] RecordingFault),
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

/// Where a run is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// A folder that does not exist or is empty.
    pub folder: &'a Path,
    /// The format of the clicks; one that is written.
    pub format: TraceFormat,
}

/// Runs the scenario to its last block, and records it if told where. `update` is called on
/// the calling thread.
///
/// # Errors
/// [`RunFault`]; blocks that make no key are no error.
pub fn run(
    scenario: &Scenario,
    record: Option<Record<'_>>,
    update: impl FnMut(Update),
) -> Result<RunOutcome, RunFault> {
    run_with(scenario, record, |alice, bob| (alice, bob), update)
}

/// As [`run()`], over other cables: `cables` gets the hosts' ends of Alice's and of Bob's and gives
/// what the stations are to use in their place.
///
/// # Errors
/// As [`run()`]; a cable that carries too little is a [`DeviceFault`].
pub fn run_with<A: Transport + Send + 'static, B: Transport + Send + 'static>(
    scenario: &Scenario,
    record: Option<Record<'_>>,
    cables: impl FnOnce(PipeEnd, PipeEnd) -> (A, B),
    mut update: impl FnMut(Update),
) -> Result<RunOutcome, RunFault> {
    let config = VirtConfig { bench: scenario.bench(), link_depth: DEPTH };
    let (mut bench, alice_port, bob_port) =
        VirtBench::new(config).map_err(|e| RunFault::Scenario(e.to_string()))?;
    let begun = Instant::now();

    record.map_or(Ok(()), |record| recording::make_folder(record.folder))?;
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
                Step::Unplugged(_) => break,
            }
        }
        (*bench.truth(), light)
    });
    let (alice_port, bob_port) = cables(alice_port, bob_port);
    let (alice_connection, alice_device) = open(alice_port, DeviceRole::Alice)?;
    let (bob_connection, bob_device) = open(bob_port, DeviceRole::Bob)?;

    let simulated = |d: &DeviceIdentity| d.capabilities.has(Capabilities::SIMULATED);
    let devices = SimulatedDevices::declared(simulated(&alice_device), simulated(&bob_device))
        .ok_or_else(|| RunFault::Scenario("a device of the bench says that it is real".into()))?;
    let setup = TalkSetup {
        devices,
        parameters: scenario.parameters().map_err(|e| RunFault::Scenario(e.to_string()))?,
        slotter: scenario.slotter(),
        seed: scenario.seed,
        blocks: scenario.blocks,
    };
    let recorder = |role| {
        record.map(|Record { folder, format }| {
            Recorder::create(folder, role, &setup, scenario.tick_length, format)
        })
    };
    let recorders =
        [recorder(DeviceRole::Alice).transpose()?, recorder(DeviceRole::Bob).transpose()?];
    let (reports, reported) = unbounded();
    let (pool, empties) = Pool::new(DEPTH, TagBatch::default);
    let (alice_items, alice_data) = bounded(DEPTH);
    let (bob_items, bob_data) = bounded(DEPTH);
    let lines = Lines { alice: alice_data, bob: bob_data, empties, reports, recorders };
    let talkers = talk::start(setup, lines, begun)?;

    let run = Run {
        arming_nonce: scenario.seed as u32 | 1,
        epoch: 1,
        slots: scenario.played_slots(),
        source: helio_bench::SettingsSource::Own,
    };
    let [alice_configure, bob_configure] = scenario.key_weights.map(|w| scenario.configure(w));
    // Bob's device must listen before Alice's starts; time stands still until both have.
    let bob_cable = spawn("bob-cable", move || {
        let outlet = Outlet { items: &bob_items, pool: Some(pool), when_full: WhenFull::Wait };
        cable::carry(bob_connection, &bob_device, bob_configure, run, None, outlet, || false).0
    });
    let alice_cable = spawn("alice-cable", move || {
        let outlet = Outlet { items: &alice_items, pool: None, when_full: WhenFull::Wait };
        cable::carry(alice_connection, &alice_device, alice_configure, run, None, outlet, || false)
            .0
    });
    loop {
        match reported.recv_timeout(Duration::from_millis(100)) {
            Ok((role, report)) => update(Update::Block(role, Box::new(report))),
            Err(error) if error.is_timeout() => {
                update(Update::Slots(slots.load(Ordering::Relaxed)))
            }
            Err(_) => break,
        }
    }
    let (alice, bob) = talkers.join()?;
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
    if let Some(Record { folder, .. }) = record {
        recording::write_keys(folder, &bob)?;
        recording::write_certificates(folder, &bob)?;
    }
    Ok(RunOutcome { alice, bob, truth, wall: begun.elapsed(), light })
}

fn open<T: Transport>(
    port: T,
    role: DeviceRole,
) -> Result<(Connection<T>, DeviceIdentity), DeviceFault> {
    let mut connection = Connection::new(port);
    let identity = device::greet(&mut connection, role)?;
    Ok((connection, identity))
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    body: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(body).expect("the system can start a handful of threads")
}
