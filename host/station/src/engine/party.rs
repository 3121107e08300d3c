//! One station's thread: its session, fed by its device, on the line with the other one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, Sender, never, select_biased};
use helio_distill::certificate::PrivatePart;
use helio_distill::release::BlockId;
use helio_distill::{
    BlockReport, Effect, Event, Fault, Kind, MemoryStore, Role, Stage, alice, bob, inspect,
};
use helio_keys::{SecretKey, SeededEntropy, Simulated};
use helio_timetag::{PoolReturn, SlotBatch};

use super::device::Handed;
use super::loopback::Wire;
use super::machine::stay_on;
use super::slots::Slots;
use crate::meter::{Account, Doing, SharedMeter, begins};

/// A session looks at its clock at least this often.
const TICK: Duration = Duration::from_millis(100);

/// What the two sessions have in common for this thread.
pub(crate) trait Session {
    const ROLE: Role;
    fn connect(&mut self, now_ns: u64) -> Result<(), Fault>;
    fn handle(&mut self, now_ns: u64, message: &[u8]) -> Result<(), Fault>;
    fn tick(&mut self, now_ns: u64) -> Result<(), Fault>;
    fn poll_message(&mut self) -> Option<Vec<u8>>;
    fn poll_event(&mut self) -> Option<Event>;
    fn wind_down(&mut self);
    fn is_idle(&self) -> bool;
    /// A piece of the device's data.
    fn take(&mut self, handed: &Handed, slots: &Slots) -> Result<(), Fault>;
    /// A finished key leaves the station's memory.
    fn key(&mut self, id: BlockId) -> Option<(SecretKey<Simulated>, PrivatePart)>;
    fn watch(&mut self, meter: &SharedMeter);
}

macro_rules! delegate {
    ($role:expr) => {
        const ROLE: Role = $role;
        fn connect(&mut self, now_ns: u64) -> Result<(), Fault> {
            self.connect(now_ns)
        }
        fn handle(&mut self, now_ns: u64, message: &[u8]) -> Result<(), Fault> {
            self.handle(now_ns, message)
        }
        fn tick(&mut self, now_ns: u64) -> Result<(), Fault> {
            self.tick(now_ns)
        }
        fn poll_message(&mut self) -> Option<Vec<u8>> {
            self.poll_message()
        }
        fn poll_event(&mut self) -> Option<Event> {
            self.poll_event()
        }
        fn wind_down(&mut self) {
            self.wind_down();
        }
        fn is_idle(&self) -> bool {
            self.is_idle()
        }
        fn key(&mut self, id: BlockId) -> Option<(SecretKey<Simulated>, PrivatePart)> {
            let (key, certificate) = self.store_mut().take(id)?;
            Some((key, certificate.private))
        }
        fn watch(&mut self, meter: &SharedMeter) {
            self.watch_stages(meter.watch());
        }
    };
}

type Store = MemoryStore<Simulated>;

impl Session for alice::Session<SeededEntropy, Store> {
    delegate!(Role::Alice);

    fn take(&mut self, handed: &Handed, slots: &Slots) -> Result<(), Fault> {
        let piece = slots.piece(handed.block, handed.index);
        self.push_settings(handed.first, piece.count, piece.alice)
    }
}

impl Session for bob::Session<SeededEntropy, Store> {
    delegate!(Role::Bob);

    fn take(&mut self, handed: &Handed, slots: &Slots) -> Result<(), Fault> {
        let piece = slots.piece(handed.block, handed.index);
        let set = self.push_settings(handed.first, piece.count, piece.bob);
        set.and(self.push_batch(&handed.batch))
    }
}

/// What a party tells on the way.
pub(crate) enum Told {
    Done(Box<BlockReport>),
    Key(BlockId, SecretKey<Simulated>, PrivatePart),
    Failed(u64, String),
}

/// What a party works with.
pub(crate) struct Around {
    pub wire: Wire,
    pub device: Receiver<Handed>,
    pub empties: PoolReturn<SlotBatch>,
    pub slots: Arc<Slots>,
    pub slots_per_block: u64,
    /// Blocks of the run.
    pub blocks: u64,
    /// Blocks of data taken in before they are done with.
    pub blocks_ahead: u64,
    /// When no further block is begun; watched by Bob, who begins them.
    pub until: Option<Instant>,
    pub told: Sender<(Role, Told)>,
    pub begun: Instant,
    pub core: Option<usize>,
    /// Ends this party's device.
    pub stop: Arc<AtomicBool>,
}

/// What a party has to show.
pub(crate) struct Ended {
    pub account: Account,
    pub messages: u64,
    pub bytes: u64,
    /// Of the reconciliation.
    pub round_trips: u64,
    pub fault: Option<Fault>,
    /// When its last block was over.
    pub last_block: Instant,
}

/// Serves a session until its last block is over, or the other party has gone.
pub(crate) fn serve<S: Session>(mut session: S, around: Around) -> Ended {
    let Around { mut wire, device, empties, slots, slots_per_block, blocks, blocks_ahead, .. } =
        around;
    let until = around.until;
    around.core.map(stay_on);
    let meter = SharedMeter::new();
    session.watch(&meter);
    let now = || around.begun.elapsed().as_nanos() as u64;
    let nothing = never();
    let mut device = Some(device);
    let (mut taken, mut done, mut stopping) = (0, 0, false);
    let mut ended = Ended {
        account: meter.account(),
        messages: 0,
        bytes: 0,
        round_trips: 0,
        fault: None,
        last_block: Instant::now(),
    };
    let mut result = session.connect(now());
    let mut gone = false;
    loop {
        meter.now(Doing::Other);
        if let Err(fault) = result {
            log::debug!("{:?}: {fault}", S::ROLE);
            // Events tell of a block that failed.
            if fault.effect() == Effect::Contact {
                ended.fault.get_or_insert(fault);
            }
        }
        while let Some(message) = session.poll_message() {
            ended.messages += 1;
            ended.bytes += message.len() as u64;
            let kind = inspect(&message).map(|m| m.kind);
            if S::ROLE == Role::Bob && kind == Some(Kind::Reconcile) {
                ended.round_trips += 1;
            }
            let sent = meter.during(Doing::Line, || wire.out.send(&message));
            gone |= sent.is_err();
        }
        while let Some(event) = session.poll_event() {
            let over = note(&mut session, event, &around.told, &mut ended);
            done += over;
            if over > 0 {
                ended.last_block = Instant::now();
            }
        }
        if !stopping && until.is_some_and(|until| Instant::now() >= until) {
            session.wind_down();
            stopping = true;
        }
        let over = done >= blocks || (stopping && session.is_idle());
        if gone || ended.fault.is_some() || over {
            break;
        }
        let hungry = taken < (done + blocks_ahead) * slots_per_block;
        let data = device.as_ref().filter(|_| hungry).unwrap_or(&nothing);
        meter.now(Doing::Waiting);
        // What the other party waits for comes first.
        result = select_biased! {
            recv(wire.inbox) -> message => match message {
                Ok(message) => {
                    meter.came(begins(S::ROLE, &message), 1 + wire.inbox.len() as u64);
                    meter.now(Doing::Stage(Stage::Release));
                    session.handle(now(), &message)
                }
                Err(RecvError) => {
                    gone = true;
                    Ok(())
                }
            },
            recv(data) -> handed => match handed {
                Ok(handed) => {
                    meter.came(Stage::Intake, 1 + data.len() as u64);
                    meter.now(Doing::Stage(Stage::Intake));
                    taken = handed.batch.reached;
                    let result = session.take(&handed, &slots);
                    empties.give(handed.batch);
                    result
                }
                Err(RecvError) => {
                    device = None;
                    Ok(())
                }
            },
            default(TICK) => session.tick(now()),
        };
    }
    around.stop.store(true, Ordering::Relaxed);
    // What is left to say leaves before the line is closed.
    while let Some(message) = session.poll_message() {
        if wire.out.send(&message).is_err() {
            break;
        }
    }
    ended.account = meter.account();
    drop(wire.out);
    // The other party ends when it has heard everything; until then its words are taken and dropped.
    while !matches!(
        wire.inbox.recv_timeout(Duration::from_secs(10)),
        Err(RecvTimeoutError::Disconnected)
    ) {}
    if let Ok(cpu) = wire.reader.join() {
        ended.account.add(Doing::Line, cpu);
    }
    ended
}

/// Tells of an event; gives the number of blocks it ended.
fn note<S: Session>(
    session: &mut S,
    event: Event,
    told: &Sender<(Role, Told)>,
    ended: &mut Ended,
) -> u64 {
    // Whoever listens may have gone.
    let tell = |what| drop(told.send((S::ROLE, what)));
    match event {
        Event::ContactMade { .. } | Event::Resolved { .. } => 0,
        Event::ContactLost(fault) => {
            ended.fault.get_or_insert(fault);
            0
        }
        Event::BlockDone(report) => {
            tell(Told::Done(report));
            1
        }
        Event::KeyReady { id, .. } => {
            if let Some((key, private)) = session.key(id) {
                tell(Told::Key(id, key, private));
            }
            0
        }
        Event::BlockFailed { id, fault } | Event::BlockUnresolved { id, fault } => {
            tell(Told::Failed(id.block, fault.to_string()));
            1
        }
        Event::BlocksDropped(blocks) => {
            let count = blocks.end - blocks.start;
            blocks.for_each(|block| tell(Told::Failed(block, "dropped".into())));
            count
        }
    }
}
