//! Both stations on two threads, whatever their data come from: live devices or a recording.

use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use helio_distill::pads::PadBook;
use helio_distill::parameters::Parameters;
use helio_distill::{BlockReport, Fault, Local, MemoryStore, Role, alice, bob};
use helio_keys::{EntropySource, RandomLabel, SeededEntropy, SimulatedDevices};
use helio_timetag::{PoolReturn, SlotterConfig, TagBatch};
use helio_wire::Role as DeviceRole;
use zeroize::Zeroizing;

use super::cable::Item;
use super::run::{RunFault, spawn};
use crate::recording::Recorder;

use super::station::{StationOutcome, Surroundings, serve};
use crate::side;

/// Bytes of a pad, and pads of each direction kept for contact and recovery.
const PAD_BYTES: usize = 32;
const RESERVE: u64 = 64;

/// Slots that may be on their way in batches, settings ahead of tags, on a link with few clicks.
const BATCHED_SLOTS: u64 = 4_000_000;

/// What both stations are told before they begin.
#[derive(Clone, Debug)]
pub struct TalkSetup {
    /// The permission to use seeded randomness.
    pub devices: SimulatedDevices,
    /// What they must agree on.
    pub parameters: Parameters,
    /// How Bob's tags become slots.
    pub slotter: SlotterConfig,
    /// Seed of the pre-shared secret and of all that the stations draw.
    pub seed: u64,
    /// Blocks of the run.
    pub blocks: u32,
}

/// Where the stations' data come from and go to.
pub struct Lines {
    /// From Alice's device.
    pub alice: Receiver<Item>,
    /// From Bob's device.
    pub bob: Receiver<Item>,
    /// Way back for Bob's tag batches.
    pub empties: PoolReturn<TagBatch>,
    /// Reports as blocks end.
    pub reports: Sender<(DeviceRole, BlockReport)>,
    /// Who writes down what Alice's and Bob's devices give.
    pub recorders: [Option<Recorder>; 2],
}

/// The two threads.
pub struct Talkers {
    alice: JoinHandle<StationOutcome>,
    bob: JoinHandle<StationOutcome>,
}

impl Talkers {
    /// Waits for both: Alice's outcome, then Bob's.
    ///
    /// # Errors
    /// [`RunFault::Thread`].
    pub fn join(self) -> Result<(StationOutcome, StationOutcome), RunFault> {
        let alice = self.alice.join().map_err(|_| RunFault::Thread("alice"))?;
        let bob = self.bob.join().map_err(|_| RunFault::Thread("bob"))?;
        Ok((alice, bob))
    }
}

/// Starts both stations.
///
/// # Errors
/// A setup that no station accepts.
pub fn start(setup: TalkSetup, lines: Lines, begun: Instant) -> Result<Talkers, RunFault> {
    let TalkSetup { devices, parameters, slotter, seed, blocks } = setup;
    let entropy = |stream: &str| SeededEntropy::new(devices, seed, stream);
    let pads = (u64::from(blocks) * 4 + RESERVE + 16) as usize;
    let pad_book = |role| {
        let mut secret = Zeroizing::new(vec![0; 2 * pads * PAD_BYTES]);
        entropy("pre-shared secret").fill(&mut secret).map_err(Fault::from)?;
        PadBook::new(secret, role, RESERVE).map_err(|e| RunFault::Scenario(e.to_string()))
    };
    // Data come in batches of up to some hundred thousand slots: many blocks, where these are short.
    let short_blocks = (BATCHED_SLOTS / u64::from(parameters.slots_per_block)) as usize;
    let local = || {
        let local = Local::new(RandomLabel::Seeded);
        Local { max_blocks: 8 + short_blocks, ..local }
    };
    let per_run = (u64::from(parameters.slots_per_block), u64::from(blocks));
    let end = per_run.0 * per_run.1 + u64::from(parameters.clock_bound_slots);
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
    // The talk is question and answer: a few messages wait here at most.
    let (to_bob, from_alice) = unbounded();
    let (to_alice, from_bob) = unbounded();
    let Lines { alice, bob, empties, reports, recorders: [alice_recorder, bob_recorder] } = lines;
    let around = |device, peer, empties, recorder| Surroundings {
        device,
        peer,
        recorder,
        reports: reports.clone(),
        empties,
        blocks: per_run,
        end,
        begun,
    };
    let alice_around = around(alice, (from_bob, to_bob), None, alice_recorder);
    let bob_around = around(bob, (from_alice, to_alice), Some(empties), bob_recorder);
    let alice_side = side::Alice::new(alice_session);
    let bob_side = side::Bob::new(bob_session, slotter);
    let bob_side = bob_side.map_err(|e| RunFault::Scenario(e.to_string()))?;
    Ok(Talkers {
        alice: spawn("alice", move || serve(DeviceRole::Alice, alice_side, alice_around)),
        bob: spawn("bob", move || serve(DeviceRole::Bob, bob_side, bob_around)),
    })
}
