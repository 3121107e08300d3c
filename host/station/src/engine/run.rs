//! A run of the engine: two parties, their devices, and what came of it.
//!
//! | thread | what it does |
//! |---|---|
//! | alice, bob | a session each: all of the work that is measured |
//! | line-in, twice | bytes from the other party to messages; counted as its party's transport |
//! | alice-device, bob-device | hand over drawn data; counted apart |
//! | the caller's | compares each key of Alice's with Bob's and adds up |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, unbounded};
use helio_distill::bound::{Acceptance, Disclosed, LiveBound, Refusal, Wiesemann};
use helio_distill::certificate::PrivatePart;
use helio_distill::pads::{PAD_BYTES, PadBook};
use helio_distill::reconcile::{Announced, PlanRefused};
use helio_distill::release::BlockId;
use helio_distill::{BlockReport, Fault, Local, MemoryStore, Role, alice, bob};
use helio_keys::{
    EntropySource, RandomLabel, SecretKey, SeededEntropy, Simulated, SimulatedDevices,
};
use helio_timetag::{Pool, SlotBatch};
use zeroize::Zeroizing;

use super::device::{Device, Pace};
use super::figures::StationFigures;
use super::link::Link;
use super::party::{Around, Ended, Session, Told, serve};
use super::slots::Slots;
use super::{loopback, machine};
use crate::bench::run::spawn;
use crate::line::LineFault;

/// Pieces of data between a device and its station.
const PIECES: usize = 8;
/// Pads of each direction kept for contact and recovery.
const RESERVE: u64 = 64;
/// A party computes for as long as it takes: the other one is not silent.
const SILENCE_NS: u64 = 3_600_000_000_000;

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Most blocks.
    pub blocks: u64,
    /// No block begins after so long.
    pub seconds: Option<f64>,
}

/// What a run is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The link.
    pub link: Link,
    /// When to end.
    pub limits: Limits,
    /// Sifted bits a second that the devices offer; `None` for as fast as it goes.
    pub rate: Option<f64>,
    /// Of the line between the stations.
    pub round_trip: Duration,
    /// Blocks that are talked about at a time.
    pub blocks_in_flight: usize,
    /// Of everything that is drawn.
    pub seed: u64,
    /// Alice's core and Bob's.
    pub cores: [Option<usize>; 2],
}

/// A run that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineFault {
    /// A station.
    #[error("{0}")]
    Station(#[from] Fault),
    /// The line.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The bound, when a length is computed again.
    #[error(transparent)]
    Bound(#[from] Refusal),
    /// No code fits.
    #[error(transparent)]
    Plan(#[from] PlanRefused),
    /// The two stations hold different keys, or the bound gives another length than was paid.
    #[error("{0}, which must never happen; please report it with the command line")]
    Differs(String),
    /// A thread ended without a word.
    #[error("the {0} thread of this program failed; please report it with the command line")]
    Thread(&'static str),
}

/// Sums over the blocks that ended with a key or without one.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Blocks that ended, and how many of them gave a key.
    pub blocks: u64,
    /// Blocks with a key.
    pub with_key: u64,
    /// Blocks that failed, each with its reason.
    pub failures: Vec<(u64, String)>,
    /// Sifted bits in the key basis and in the test basis.
    pub sifted: [u64; 2],
    /// Errors in the key basis, of blocks with a key.
    pub key_errors: u64,
    /// Sifted bits of blocks with a key.
    pub sifted_with_key: u64,
    /// Bits of key, compared one by one between the stations.
    pub key_bits: u64,
    /// What the bound gives for the same counts, computed anew outside the sessions.
    pub predicted_bits: u64,
    /// The same if reconciliation cost 1.16 of the Shannon limit, as papers assume.
    pub predicted_at_116: u64,
    /// Disclosed by Alice, by Bob, and what the lengths paid.
    pub leak: [u64; 3],
    /// n·h(QBER), summed over blocks with a key.
    pub shannon: f64,
    /// Frames, and those that did not decode.
    pub frames: [u64; 2],
    /// SHA-256 over the last key, cut; all of it is SIMULATED.
    pub fingerprint: Option<String>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Over all blocks.
    pub totals: Totals,
    /// From the first piece of data to the last block's end.
    pub wall: Duration,
    /// Alice's and Bob's.
    pub stations: [StationFigures; 2],
    /// Of the reconciliation, a block.
    pub round_trips: f64,
    /// Most by which a device was late, where a rate was asked for.
    pub late: Duration,
    /// Time on the two devices' own clocks.
    pub device_cpu: Duration,
    /// Bytes of the drawn data, which count in the process' memory.
    pub data_bytes: usize,
    /// Memory of the process in MiB as blocks ended: seconds and MiB.
    pub memory: Vec<(f64, f64)>,
    /// The most it ever was.
    pub peak_rss_mib: Option<f64>,
}

/// Draws the data, distils them, compares the keys. `progress` hears of blocks and sifted bits, on the
/// calling thread.
///
/// # Errors
/// [`EngineFault`]; blocks that make no key are no error.
pub fn run(setup: &Setup, mut progress: impl FnMut(u64, u64)) -> Result<Outcome, EngineFault> {
    let parameters = &setup.link.parameters;
    let slots = Arc::new(Slots::draw(parameters, &setup.link.channel, setup.seed));
    let devices = SimulatedDevices::declared(true, true)
        .ok_or(EngineFault::Differs("simulated devices are not taken as such".into()))?;
    let entropy = |stream: &str| SeededEntropy::new(devices, setup.seed, stream);
    let pads = (setup.limits.blocks + RESERVE + 16) as usize;
    let book = |role| {
        let mut secret = Zeroizing::new(vec![0; 2 * pads * PAD_BYTES]);
        entropy("pre-shared secret").fill(&mut secret).map_err(Fault::from)?;
        PadBook::new(secret, role, RESERVE)
            .map_err(|fault| EngineFault::Differs(format!("its own secret does not do: {fault}")))
    };
    let local = || Local {
        silence_ns: SILENCE_NS,
        blocks_in_flight: setup.blocks_in_flight,
        // Alice remembers the settings of all that are in flight, and of what comes in.
        max_blocks: setup.blocks_in_flight + 2,
        ..Local::new(RandomLabel::Seeded)
    };
    let store = MemoryStore::<Simulated>::default;
    let (pads_of_alice, pads_of_bob) = (book(Role::Alice)?, book(Role::Bob)?);
    let p = || parameters.clone();
    let alice = alice::Session::new(p(), local(), pads_of_alice, entropy("alice"), store())?;
    let bob = bob::Session::new(p(), local(), pads_of_bob, entropy("bob"), store())?;

    let [alice_wire, bob_wire] = loopback::connect(setup.round_trip, setup.cores)?;
    let (to_collector, told) = unbounded();
    let begun = Instant::now();
    let until = setup.limits.seconds.map(|s| begun + Duration::from_secs_f64(s));
    let mut devices = Vec::new();
    let mut around = |role: Role, wire| {
        let core = setup.cores[role as usize];
        let stop = Arc::new(AtomicBool::new(false));
        let (pool, empties) = Pool::new(PIECES + 2, SlotBatch::default);
        let (to_party, device) = bounded(PIECES);
        let plays = Device {
            slots: slots.clone(),
            slots_per_block: u64::from(parameters.slots_per_block),
            blocks: setup.limits.blocks,
            slot_rate: setup.rate.map(|rate| rate / setup.link.sifted_per_slot()),
            clicks: role == Role::Bob,
            core,
            stop: stop.clone(),
        };
        devices.push(spawn("device", move || plays.play(&to_party, &pool)));
        Around {
            wire,
            device,
            empties,
            slots: slots.clone(),
            slots_per_block: u64::from(parameters.slots_per_block),
            blocks: setup.limits.blocks,
            // Those that are talked about, and the next.
            blocks_ahead: setup.blocks_in_flight as u64 + 1,
            until: until.filter(|_| role == Role::Bob),
            told: to_collector.clone(),
            begun,
            core,
            stop,
        }
    };
    let alice_around = around(Role::Alice, alice_wire);
    let bob_around = around(Role::Bob, bob_wire);
    let alice = party("alice", alice, alice_around);
    let bob = party("bob", bob, bob_around);
    drop(to_collector);

    let mut collector = Collector::new(&setup.link, begun);
    let collected = collector.collect(&told, &mut progress);
    let alice = alice.join().map_err(|_| EngineFault::Thread("alice"))?;
    let bob = bob.join().map_err(|_| EngineFault::Thread("bob"))?;
    let mut paces = Vec::new();
    for device in devices {
        paces.push(device.join().map_err(|_| EngineFault::Thread("device"))?);
    }
    collected?;
    if let Some(fault) = bob.fault.or(alice.fault) {
        return Err(fault.into());
    }
    let Collector { totals, memory, .. } = collector;
    let wall = bob.last_block.max(alice.last_block).saturating_duration_since(begun);
    let bits = totals.sifted[0];
    Ok(Outcome {
        wall,
        round_trips: bob.round_trips as f64 / totals.with_key.max(1) as f64,
        stations: [
            StationFigures::new(&alice.account, bits, [alice.messages, alice.bytes]),
            StationFigures::new(&bob.account, bits, [bob.messages, bob.bytes]),
        ],
        late: paces.iter().map(|pace: &Pace| pace.most_late).max().unwrap_or_default(),
        device_cpu: paces.iter().map(|pace| pace.cpu).sum(),
        data_bytes: slots.bytes(),
        totals,
        memory,
        peak_rss_mib: machine::peak_rss_mib(),
    })
}

fn party<S: Session + Send + 'static>(
    name: &'static str,
    session: S,
    around: Around,
) -> std::thread::JoinHandle<Ended> {
    spawn(name, move || serve(session, around))
}

/// Adds up what the parties tell.
struct Collector<'a> {
    link: &'a Link,
    begun: Instant,
    totals: Totals,
    memory: Vec<(f64, f64)>,
    /// Keys of one station whose other half has not come.
    keys: BTreeMap<BlockId, SecretKey<Simulated>>,
}

impl<'a> Collector<'a> {
    fn new(link: &'a Link, begun: Instant) -> Collector<'a> {
        let (totals, memory, keys) = Default::default();
        Collector { link, begun, totals, memory, keys }
    }

    fn collect(
        &mut self,
        told: &Receiver<(Role, Told)>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), EngineFault> {
        for (role, what) in told {
            match what {
                Told::Done(report) if role == Role::Bob => {
                    self.add(&report)?;
                    self.look_at_memory();
                    progress(self.totals.blocks, self.totals.sifted[0]);
                }
                Told::Failed(block, why) if role == Role::Bob => {
                    self.totals.failures.push((block, why));
                }
                Told::Key(id, key, private) => self.compare(role, id, key, &private)?,
                // Alice's word of the same block.
                Told::Done(_) | Told::Failed(..) => {}
            }
        }
        if self.keys.is_empty() {
            Ok(())
        } else {
            Err(EngineFault::Differs("a key is usable at one station only".into()))
        }
    }

    fn add(&mut self, report: &BlockReport) -> Result<(), EngineFault> {
        let totals = &mut self.totals;
        totals.blocks += 1;
        totals.sifted[0] += report.sifted_key;
        totals.sifted[1] += report.sifted_test;
        if report.length == 0 {
            let why = report.reason.clone().unwrap_or_else(|| "no key".into());
            totals.failures.push((report.id.block, why));
            return Ok(());
        }
        totals.with_key += 1;
        totals.sifted_with_key += report.sifted_key;
        totals.leak[2] += report.leak_charged;
        let counts = &report.announced.counts;
        let announced = Announced {
            n_key: counts.sifted(),
            test_bits: counts.n_test.iter().sum(),
            test_errors: counts.m_test.iter().sum(),
            margin_ppm: self.link.parameters.qber_margin_ppm,
        };
        let plan = self.link.parameters.code.plan(announced);
        totals.frames[0] += plan.map_or(0, |plan| plan.frames());
        // The same counts, by the bound alone.
        let bound = self.link.parameters.bound();
        let predicted = self::predicted(&bound, report, report.leak_charged)?;
        if predicted != report.length {
            let (id, made) = (report.id, report.length);
            let why = format!("{id} has {made} bits where the bound gives {predicted}");
            return Err(EngineFault::Differs(why));
        }
        totals.predicted_bits += predicted;
        if let Some(errors) = report.key_qber {
            totals.key_errors += errors.errors;
            let shannon = errors.rate.map_or(0.0, |q| {
                report.sifted_key as f64 * helio_distill::bound::binary_entropy(q)
            });
            totals.shannon += shannon;
            let leak = (1.16 * shannon).ceil() as u64;
            totals.predicted_at_116 += self::predicted(&bound, report, leak)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        role: Role,
        id: BlockId,
        key: SecretKey<Simulated>,
        private: &PrivatePart,
    ) -> Result<(), EngineFault> {
        // Bob counts what both have disclosed, and what did not decode.
        if role == Role::Bob {
            self.totals.leak[0] += private.leak_alice;
            self.totals.leak[1] += private.leak_bob;
            self.totals.frames[1] += u64::from(private.failed_frames);
        }
        let Some(other) = self.keys.remove(&id) else {
            self.keys.insert(id, key);
            return Ok(());
        };
        if !bool::from(key.bits().ct_eq(other.bits())) {
            return Err(EngineFault::Differs(format!("the keys of {id} differ")));
        }
        self.totals.key_bits += key.len() as u64;
        self.totals.fingerprint = Some(key.fingerprint());
        Ok(())
    }

    /// At most once a second.
    fn look_at_memory(&mut self) {
        let now = self.begun.elapsed().as_secs_f64();
        let due = self.memory.last().is_none_or(|(at, _)| now - at >= 1.0);
        if let (true, Some(mib)) = (due, machine::rss_mib()) {
            self.memory.push((now, mib));
        }
    }
}

/// The length that a bound gives for the counts of a block with a key, at this leak.
fn predicted(bound: &LiveBound, report: &BlockReport, leak: u64) -> Result<u64, Refusal> {
    let counts = &report.announced.counts;
    let charge = |eps| {
        let tag = helio_distill::hash::verification_bits(report.sifted_key, eps);
        tag.map(|bits| u64::from(bits) + 1)
    };
    match bound {
        LiveBound::Varlen2d(bound) => {
            let disclosed = Disclosed { leak, verification_bits: charge(bound.epsilon.ev) };
            Ok(bound.length(counts, &disclosed)?.ell)
        }
        LiveBound::Wiesemann(bound) => {
            let lambda_max = leak;
            let acceptance = Acceptance { lambda_max, ..bound.acceptance };
            let bound = Wiesemann { acceptance, ..*bound };
            let Some(counts) = counts.one_decoy() else { return Ok(0) };
            let length = bound.length(&counts, charge(bound.epsilon.cor))?;
            Ok(if bound.accepts(&length) { bound.key_bits() } else { 0 })
        }
    }
}
