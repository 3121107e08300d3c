//! One station's thread: data from its device, messages from the other station, key out.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, Sender, never, select};
use helio_distill::certificate::PublicPart;
use helio_distill::release::BlockState;
use helio_distill::{BlockReport, Event, MemoryStore};
use helio_keys::{SecretKey, Simulated};
use helio_timetag::{PoolReturn, SlotCounters, TagBatch};
use helio_wire::Role;

use super::cable::{CableReport, Item};
use crate::recording::Recorder;
use crate::side::Side;

/// The session looks at its clock at least this often.
const TICK: Duration = Duration::from_millis(100);
/// A station that has heard nothing for this long after its device ended gives up.
const LAST_WORDS: Duration = Duration::from_secs(60);
/// Blocks of data a station takes in ahead of the talk; then its device waits.
const BLOCKS_AHEAD: u64 = 3;

/// What a station's thread is told from outside the talk.
pub(super) struct Surroundings {
    /// Its device.
    pub device: Receiver<Item>,
    /// From and to the other station.
    pub peer: (Receiver<Vec<u8>>, Sender<Vec<u8>>),
    /// Where block reports go as they come.
    pub reports: Sender<(Role, BlockReport)>,
    /// Who writes down what the device gives.
    pub recorder: Option<Recorder>,
    /// Where tag batches return to.
    pub empties: Option<PoolReturn<TagBatch>>,
    /// Emitted slots of a block, and how many blocks the run has.
    pub blocks: (u64, u64),
    /// First slot that a whole run does not play.
    pub end: u64,
    /// Start of the run: the zero of the session's clock.
    pub begun: Instant,
}

/// What a station has to show at the end.
#[derive(Clone, Debug, Default)]
pub struct StationOutcome {
    /// Every block that ended, in order.
    pub reports: Vec<BlockReport>,
    /// Blocks that failed, each with its reason.
    pub failures: Vec<(u64, String)>,
    /// Faults of the talk that ended no block.
    pub complaints: Vec<String>,
    /// Why the recording is not complete.
    pub recording_fault: Option<String>,
    /// Whether the talk ended before the last block.
    pub contact_lost: bool,
    /// Where each block stands in the station's memory at the end.
    pub states: Vec<(u64, BlockState)>,
    /// Fingerprint of each usable key, by block.
    pub fingerprints: Vec<(u64, String)>,
    /// The public part of each usable key's certificate.
    pub certificates: Vec<PublicPart>,
    /// SHA-256 over all usable keys in order of blocks, cut; `None` without keys.
    pub fingerprint: Option<String>,
    /// Sum of the usable keys' lengths.
    pub key_bits: u64,
    /// What the cable carried and lost.
    pub cable: CableReport,
    /// Bob: what became of the clicks.
    pub slots: SlotCounters,
    /// Bob: mean arrival time of each detector's clicks from the middle of the window, in ticks.
    pub window_offset_ticks: Vec<f64>,
}

/// Serves a side until its last block is over.
pub(super) fn serve(
    role: Role,
    mut side: impl Side<Store = MemoryStore<Simulated>>,
    around: Surroundings,
) -> StationOutcome {
    let mut outcome = StationOutcome::default();
    let (slots_per_block, blocks) = around.blocks;
    let now = || around.begun.elapsed().as_nanos() as u64;
    let mut recorder = around.recorder;
    let nothing = never();
    let mut device = Some(&around.device);
    // Slots of data taken in, and blocks that the talk has finished with.
    let (mut taken, mut done) = (0, 0);
    let mut last_word = Instant::now();
    let mut result = side.connect(now());
    loop {
        if let Err(fault) = result {
            log::debug!("{role:?}: {fault}");
            outcome.complaints.push(fault.to_string());
        }
        while let Some(message) = side.poll_message() {
            // A station that has gone is noticed by its silence.
            let _ = around.peer.1.send(message);
        }
        while let Some(event) = side.poll_event() {
            done += note(role, event, &mut outcome, &around.reports);
        }
        let silent = device.is_none() && last_word.elapsed() > LAST_WORDS;
        // Nobody reconnects the two ends of a channel: a lost contact is the end of the run.
        if done >= blocks || silent || outcome.contact_lost {
            break;
        }
        // The later of settings and tags ends a block: who stops at the earlier waits for ever.
        let hungry = taken.min(side.reached()) < (done + BLOCKS_AHEAD) * slots_per_block;
        let data = device.filter(|_| hungry).unwrap_or(&nothing);
        result = select! {
            recv(around.peer.0) -> message => match message {
                Ok(message) => {
                    last_word = Instant::now();
                    side.handle(now(), &message)
                }
                Err(_) => break,
            },
            recv(data) -> item => match note_down(item, &mut recorder, &mut outcome) {
                Ok(Item::Settings(run)) => {
                    taken = run.first + run.count;
                    side.settings(&run)
                }
                Ok(Item::MissingSettings(slots)) => {
                    taken = taken.max(slots.end);
                    side.lost_settings(slots)
                }
                Ok(Item::Tags(batch)) => {
                    let result = side.tags(&batch);
                    if let Some(empties) = &around.empties {
                        empties.give(batch);
                    }
                    result
                }
                Ok(Item::Begun | Item::Report(_)) => Ok(()),
                Ok(Item::End(report)) => {
                    outcome.cable = *report;
                    device = None;
                    last_word = Instant::now();
                    // A device that failed may have left slots that the other station still emits.
                    let whole = outcome.cable.fault.is_none();
                    let end = if whole { around.end } else { 0 };
                    let ended = side.tags_ended(end);
                    if taken < end { ended.and(side.lost_settings(taken..end)) } else { ended }
                }
                Err(_) => {
                    device = None;
                    Ok(())
                }
            },
            default(TICK) => side.tick(now()),
        };
    }
    // The other station may wait for this word.
    while let Some(message) = side.poll_message() {
        let _ = around.peer.1.send(message);
    }
    if let Some(fault) = recorder.and_then(|r| r.finish().err()) {
        outcome.recording_fault.get_or_insert_with(|| fault.to_string());
    }
    if let Some(receiver) = side.receiver() {
        outcome.slots = *receiver.counters;
        outcome.window_offset_ticks = receiver.offsets_ticks();
    }
    keys(&side.into_store(), &mut outcome);
    outcome
}

/// Records an item on its way. A recording that cannot go on ends; the run does not.
fn note_down(
    item: Result<Item, RecvError>,
    recorder: &mut Option<Recorder>,
    outcome: &mut StationOutcome,
) -> Result<Item, RecvError> {
    if let (Ok(item), Some(writer)) = (&item, recorder.as_mut())
        && let Err(fault) = writer.item(item)
    {
        outcome.recording_fault = Some(fault.to_string());
        *recorder = None;
    }
    item
}

/// Takes note of an event; gives the number of blocks it ended.
fn note(
    role: Role,
    event: Event,
    outcome: &mut StationOutcome,
    reports: &Sender<(Role, BlockReport)>,
) -> u64 {
    match event {
        Event::ContactMade { block_pads_left, .. } => {
            log::info!("{role:?}: contact made, {block_pads_left} pads for blocks");
        }
        Event::ContactLost(fault) => {
            log::warn!("{role:?}: contact lost: {fault}");
            outcome.contact_lost = true;
            outcome.complaints.push(fault.to_string());
        }
        Event::BlockDone(report) => {
            // Whoever shows reports may have gone.
            let _ = reports.send((role, (*report).clone()));
            outcome.reports.push(*report);
            return 1;
        }
        Event::KeyReady { id, bits } => log::info!("{role:?}: {id} gave {bits} bits"),
        Event::BlockFailed { id, fault } => {
            log::warn!("{role:?}: {id} failed and is burnt: {fault}");
            outcome.failures.push((id.block, fault.to_string()));
            return 1;
        }
        Event::BlockUnresolved { id, fault } => {
            log::warn!("{role:?}: {id} is unresolved: {fault}");
            outcome.failures.push((id.block, fault.to_string()));
            return 1;
        }
        Event::Resolved { id, state } => log::info!("{role:?}: {id} turned out {state:?}"),
        Event::BlocksDropped(blocks) => {
            let lost = blocks.end - blocks.start;
            let why = "the talk lagged too far behind the light";
            log::warn!("{role:?}: blocks {blocks:?} were dropped: {why}");
            outcome.failures.extend(blocks.map(|block| (block, why.into())));
            return lost;
        }
    }
    0
}

/// Looks at the keys, which a simulation may.
fn keys(store: &MemoryStore<Simulated>, outcome: &mut StationOutcome) {
    let mut usable = Vec::new();
    for (id, state) in store.blocks() {
        outcome.states.push((id.block, state));
        if let Some((key, certificate)) = store.usable(id) {
            outcome.key_bits += key.len() as u64;
            outcome.fingerprints.push((id.block, key.fingerprint()));
            outcome.certificates.push(certificate.public.clone());
            usable.push(key);
        }
    }
    if !usable.is_empty() {
        outcome.fingerprint = Some(SecretKey::joint_fingerprint(usable));
    }
}
