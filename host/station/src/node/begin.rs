//! From a configuration to a station at work: the store opened, threads started.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use helio_distill::parameters::SessionId;
use helio_distill::{Local, Role, alice, bob};
use helio_keys::{
    EntropySource, Origin, OsEntropy, RandomLabel, Real, RealDevices, SeededEntropy,
    SimulatedDevices,
};

use super::device::DeviceThread;
use super::publish::Gauges;
use super::station::{ContactState, DeviceState, Make, Station};
use crate::bench::given::FeedSource;
use crate::config::{Endpoint, SettingsChoice, StationConfig};
use crate::exit::{Exit, Failure};
use crate::line::keeper::{Keeper, Patience};
use crate::line::tcp::{Caller, Listener};
use crate::line::{Meeting, Opening};
use crate::shutdown::Shutdown;
use crate::side::{self, Side};
use crate::status::{Phase, Status, StatusServer, store_budget, unix_now_s};
use crate::store::{AnyStore, DiskStore, Identity, StoreFault};

/// Slots that may be on their way in batches, settings ahead of tags, on a link with few clicks.
const BATCHED_SLOTS: u64 = 4_000_000;
/// Blocks of data kept while the talk lags, besides those.
const BLOCKS_KEPT: usize = 8;

/// A look at the store takes a moment; another station keeps it.
const STORE_TRIES: u32 = 10;
const STORE_PAUSE: Duration = Duration::from_millis(100);

/// What is asked for on the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Record each run into its folder, to be replayed.
    pub record: bool,
}

/// Runs the station until it is told to end.
///
/// # Errors
/// Why it cannot begin or go on, with the remedy.
pub fn run(config: StationConfig, options: Options, shutdown: &Shutdown) -> Result<(), Failure> {
    let identity = Identity { role: config.role(), peer: config.peer().to_owned() };
    config
        .parameters(SessionId([0; 16]))
        .check()
        .map_err(|bad| Failure::new(Exit::Configuration, bad))?;
    let feed = feed(config.settings_source())?;
    // The port is taken first: two stations of one configuration are told apart by it.
    let meeting = meeting(&config)?;
    match open_store(&config, &identity).map_err(|fault| Failure::new(Exit::File, fault))? {
        AnyStore::Simulated(store) => {
            let role = config.role().to_string().to_lowercase();
            let entropy = move |seed| {
                let devices = SimulatedDevices::declared(true, true);
                let devices = devices.ok_or_else(|| internal("simulated devices"))?;
                Ok(SeededEntropy::new(devices, seed, &role))
            };
            let label = config.settings_source().label(true);
            start(config, options, meeting, store, entropy, Settings { label, feed }, shutdown)
        }
        AnyStore::Real(_) if options.record => Err(Failure::usage(
            "--record writes down what a real station's keys are made of, and is built for SIMULATED \
             stations only; leave it out, or record a simulated pair",
        )),
        AnyStore::Real(store) => {
            let dated = config.clone();
            let entropy = move |_| {
                // Asked for each run, and after each block: a station outlives its calibration.
                dated.check_calibration(unix_now_s())?;
                let devices = RealDevices::declared(false, false);
                Ok(OsEntropy::new(devices.ok_or_else(|| internal("real devices"))?))
            };
            let label = config.settings_source().label(false);
            start(config, options, meeting, store, entropy, Settings { label, feed }, shutdown)
        }
    }
}

/// What settings are drawn from.
struct Settings {
    /// As the certificate has it.
    label: RandomLabel,
    /// The bytes for a device that is fed.
    feed: Option<FeedSource>,
}

fn feed(choice: &SettingsChoice) -> Result<Option<FeedSource>, Failure> {
    match choice {
        SettingsChoice::HostFeed => Ok(Some(FeedSource::system())),
        SettingsChoice::HostQrng(path) => FeedSource::of_file(path).map(Some),
        _ => Ok(None),
    }
}

/// Opens the store; somebody's `helio status` may look into it just now.
fn open_store(config: &StationConfig, identity: &Identity) -> Result<AnyStore, StoreFault> {
    for _ in 0..STORE_TRIES {
        match AnyStore::open_as(config.state(), Some(identity)) {
            Err(StoreFault::InUse(_)) => std::thread::sleep(STORE_PAUSE),
            store => return store,
        }
    }
    AnyStore::open_as(config.state(), Some(identity))
}

fn start<O: Origin, E: EntropySource<Origin = O>>(
    config: StationConfig,
    options: Options,
    meeting: Box<dyn Meeting>,
    store: DiskStore<O>,
    entropy: impl Fn(u64) -> Result<E, Failure> + 'static,
    drawn: Settings,
    shutdown: &Shutdown,
) -> Result<(), Failure> {
    let short_blocks = (BATCHED_SLOTS / u64::from(slots_per_block(&config))) as usize;
    let local = Local {
        silence_ns: config.line().silence.as_nanos() as u64,
        max_blocks: BLOCKS_KEPT + short_blocks,
        blocks_in_flight: config.blocks_in_flight(),
        compared: config.compared(),
        clock_unix_s: (O::NAME == Real::NAME).then(unix_now_s),
        ..Local::new(drawn.label)
    };
    let settings = (config.clone(), local.clone());
    let begin = Begin { config, options, local, meeting, store, feed: drawn.feed };
    let pads_of =
        |store: &DiskStore<O>| store.pad_book().map_err(|fault| Failure::new(Exit::File, fault));
    match begin.config.role() {
        Role::Alice => {
            let make: Make<O, _> = Box::new(move |new, store| {
                let (config, local) = &settings;
                let (pads, entropy) = (pads_of(&store)?, entropy(new.seed)?);
                let parameters = config.parameters(new.session);
                let session = alice::Session::new(parameters, local.clone(), pads, entropy, store);
                Ok(side::Alice::new(session.map_err(setup)?))
            });
            begin.serve(make, shutdown)
        }
        Role::Bob => {
            let make: Make<O, _> = Box::new(move |new, store| {
                let (config, local) = &settings;
                let (pads, entropy) = (pads_of(&store)?, entropy(new.seed)?);
                let parameters = config.parameters(new.session);
                let session = bob::Session::new(parameters, local.clone(), pads, entropy, store);
                side::Bob::new(session.map_err(setup)?, config.slotter(new.tick)?).map_err(setup)
            });
            begin.serve(make, shutdown)
        }
    }
}

/// All that a station begins with.
struct Begin<O: Origin> {
    config: StationConfig,
    options: Options,
    local: Local,
    meeting: Box<dyn Meeting>,
    store: DiskStore<O>,
    feed: Option<FeedSource>,
}

impl<O: Origin> Begin<O> {
    fn serve<D: Side<Store = DiskStore<O>>>(
        self,
        make: Make<O, D>,
        shutdown: &Shutdown,
    ) -> Result<(), Failure> {
        let Begin { config, options, local, meeting, store, feed } = self;
        let role = config.role();
        let header = store.header().clone();
        let status = first_status(&config, &store);
        let status = status.map_err(|fault| Failure::new(Exit::File, fault))?;
        let status = Arc::new(Mutex::new(status));
        let server = StatusServer::start(config.state(), status.clone());
        if let Err(fault) = &server {
            log::warn!("{fault}; the station runs, but `helio status` will not see it");
        }
        let patience = Patience {
            lost_after: config.line().lost_after,
            clock_tolerance: config.line().clock_tolerance,
        };
        let endpoint = meeting.endpoint();
        let opening = move || {
            let nonce = random().ok()?;
            Some(Opening::new(role, header.pairing, O::NAME, nonce))
        };
        // It waits for the device: the talk needs its tick.
        let keeper = Keeper::start(meeting, patience, opening);
        let source = config.settings_source().source();
        let device = DeviceThread::start(config.device(), device_role(role), source, feed);
        let detectors = config.detectors().iter().map(|c| (c.name.clone(), u32::from(c.input)));
        let gauges = Gauges::new(detectors.collect());
        let mut station = Station {
            role,
            make,
            local,
            record: options.record,
            store: Some(store),
            run: None,
            device,
            device_state: DeviceState::default(),
            keeper,
            line: None,
            contact: ContactState::default(),
            shutdown: shutdown.receiver().clone(),
            stopping: None,
            begun: Instant::now(),
            ticked: Instant::now(),
            gauges,
            status,
            config,
        };
        station.recount_keys();
        let origin = O::NAME;
        let text =
            format!("{role} begins, keys {origin}; {endpoint}; device {}", station.config.device());
        station.tell(log::Level::Info, text);
        let end = station.serve();
        drop(server);
        end
    }
}

/// Emitted slots of a block.
pub(super) fn slots_per_block(config: &StationConfig) -> u32 {
    config.parameters(SessionId([0; 16])).slots_per_block
}

/// Where the other station is looked for.
pub(super) fn endpoint_words(config: &StationConfig) -> String {
    match &config.line().endpoint {
        Endpoint::Connect(address) => format!("calls {address}"),
        Endpoint::Listen(address) => format!("listens on {address}"),
    }
}

fn meeting(config: &StationConfig) -> Result<Box<dyn Meeting>, Failure> {
    let stuck_after = config.line().lost_after;
    Ok(match &config.line().endpoint {
        Endpoint::Connect(address) => Box::new(Caller::new(address, stuck_after)),
        Endpoint::Listen(address) => {
            let listener = Listener::bind(address, stuck_after);
            Box::new(listener.map_err(|fault| Failure::new(Exit::Peer, fault))?)
        }
    })
}

fn first_status<O: Origin>(
    config: &StationConfig,
    store: &DiskStore<O>,
) -> Result<Status, StoreFault> {
    let mut status = Status::default();
    status.station.role = config.role().to_string().to_lowercase();
    status.station.peer = config.peer().to_owned();
    status.station.origin = O::NAME.to_owned();
    status.station.program_version = env!("CARGO_PKG_VERSION").to_owned();
    status.station.pid = Some(std::process::id());
    status.station.started_unix_s = Some(unix_now_s());
    status.station.state_folder = config.state().display().to_string();
    // Until a run tells of them: a station that waits has them too.
    let per_block = config.parameters(SessionId([0; 16])).epsilon_total;
    (status.pads, status.epsilon) = store_budget(config.state(), store, Some(per_block))?;
    status.enter(Phase::Starting, unix_now_s());
    Ok(status)
}

pub(super) fn device_role(role: Role) -> helio_wire::Role {
    match role {
        Role::Alice => helio_wire::Role::Alice,
        Role::Bob => helio_wire::Role::Bob,
    }
}

/// A seed for what a simulated station draws in a run: it must not repeat in the next.
pub(super) fn seed() -> Result<u64, Failure> {
    random().map(u64::from_le_bytes)
}

fn random() -> Result<[u8; 8], Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|fault| {
        Failure::new(
            Exit::Internal,
            format!("the system gives no random numbers ({fault}); nothing is made without them"),
        )
    })?;
    Ok(bytes)
}

fn setup(fault: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Configuration, fault)
}

fn internal(what: &str) -> Failure {
    Failure::new(
        Exit::Internal,
        format!("{what}: a contradiction in this program; please report it"),
    )
}
