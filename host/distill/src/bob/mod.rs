//! Bob's half of the talk: he announces, corrects his string, releases on Alice's proof.
//!
//! [`Session`] takes his device's settings and detections and Alice's messages and gives messages
//! and events. `queue` holds detections until their block ends, `clicks` turns them into bits,
//! `block` holds the steps of a block, `detectors` counts errors by detector, `settle` answers
//! questions about old blocks.

mod block;
mod clicks;
mod detectors;
mod errors;
mod queue;
mod settle;

use std::collections::VecDeque;
use std::ops::Range;

use helio_keys::EntropySource;
use helio_timetag::{Detection, SlotBatch};

use crate::contact::{self, Contact};
use crate::desk::{Desk, Local};
use crate::error::{Effect, Fault, InputError, Result};
use crate::event::Event;
use crate::in_flight::{EndsBlocks, InFlight};
use crate::message::{Kind, Role};
use crate::pads::PadBook;
use crate::parameters::{Parameters, Receiver};
use crate::progress::Progress;
use crate::ranges::SlotRanges;
use crate::release::StationStore;
use crate::settings::Settings;
use crate::stage::Stage;

use block::Current;
pub(crate) use clicks::{Measured, assign, compare};
pub(crate) use detectors::ByDetector;
pub(crate) use queue::DetectionQueue;

/// Detections that are taken together.
const PIECE: usize = 1024;

/// Bob's session with one Alice. Owns no socket, no clock, no thread.
pub struct Session<E: EntropySource, S: StationStore<E::Origin>> {
    desk: Desk<E, S>,
    settings: Settings<2>,
    detections: DetectionQueue,
    dropped: SlotRanges,
    /// Lowest block whose slots are not all past.
    open_block: u64,
    /// Blocks whose slots are past and that wait to be talked about.
    measured: VecDeque<Measured>,
    /// What is talked about.
    talks: InFlight<Current<E::Origin>>,
    /// Whose talk a fault belongs to, while a call goes on.
    at_work: Option<u64>,
    /// When Alice said in this contact, without authority, that she takes no more blocks.
    other_stops: Option<u64>,
}

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    /// A session without contact; settings and detections may be pushed at once.
    ///
    /// # Errors
    /// [`Fault::BadParameter`].
    pub fn new(
        parameters: Parameters,
        local: Local,
        pads: PadBook,
        entropy: E,
        store: S,
    ) -> Result<Session<E, S>> {
        Ok(Session {
            settings: Settings::new(parameters.slots_per_block),
            detections: DetectionQueue::new(parameters.slots_per_block),
            desk: Desk::new(Role::Bob, parameters, local, pads, entropy, store)?,
            dropped: SlotRanges::default(),
            open_block: 0,
            measured: VecDeque::new(),
            talks: InFlight::default(),
            at_work: None,
            other_stops: None,
        })
    }

    /// The line to Alice is up, or up again: whatever was in progress ends, and a Hello leaves.
    /// Both stations call this for each new connection.
    ///
    /// # Errors
    /// Faults of this station; no contact is made.
    pub fn connect(&mut self, now_ns: u64) -> Result<()> {
        self.desk.now_ns = now_ns;
        self.desk.contact = Contact::Closed;
        self.end_blocks(Fault::Interrupted)?;
        self.other_stops = None;
        self.desk.outbox.clear();
        self.desk.greet()
    }

    /// Takes one message of Alice.
    ///
    /// # Errors
    /// What was wrong with it; [`Fault::effect`] says what that ended. Events tell the same.
    pub fn handle(&mut self, now_ns: u64, message: &[u8]) -> Result<()> {
        self.desk.now_ns = now_ns;
        self.desk.enter(Stage::Release);
        // A proof that is refused has closed the contact by the time its fault is known.
        let stage = self.desk.contact.stage();
        let result = self.dispatch(message);
        self.conclude_from(stage, result)
    }

    /// Lets time pass: a silent Alice ends the block in progress, and the next one begins.
    ///
    /// # Errors
    /// [`Fault::Silent`], and faults of this station.
    pub fn tick(&mut self, now_ns: u64) -> Result<()> {
        self.desk.now_ns = now_ns;
        let result = self.check_silence();
        self.conclude(result)
    }

    /// Settings of `count` slots from `first_slot` on, 2 bits each (`swap << 1 | basis`), packed
    /// from the low bits of each byte up, in order of slots. Slots that are skipped are lost. A
    /// passive receiver has none.
    ///
    /// # Errors
    /// [`Fault::Input`]; nothing was taken. Also what the block that waited for these slots runs
    /// into.
    pub fn push_settings(&mut self, first_slot: u64, count: u64, packed: &[u8]) -> Result<()> {
        self.desk.enter(Stage::Intake);
        self.settings.push(first_slot, count, packed)?;
        self.slots_passed()
    }

    /// These slots' settings will never come.
    ///
    /// # Errors
    /// As [`Session::push_settings`].
    pub fn lost_settings(&mut self, range: Range<u64>) -> Result<()> {
        self.desk.enter(Stage::Intake);
        self.settings.push_lost(range)?;
        self.slots_passed()
    }

    /// Clicks in order of slots; hold-off and window were applied before.
    ///
    /// # Errors
    /// [`Fault::Input`] at the first that is out of order or names an unknown detector; those
    /// before it were taken.
    pub fn push_detections(&mut self, detections: &[Detection]) -> Result<()> {
        self.desk.enter(Stage::Intake);
        let known = match self.desk.parameters.receiver {
            Receiver::Active { .. } => 0b11,
            Receiver::Passive => 0b1111,
        };
        // A piece that stays in the nearest cache for the second look at it.
        for piece in detections.chunks(PIECE) {
            let open = self.first_open_slot();
            // Hardly ever is anything wrong: a look at all of them together, and only then one by one.
            if all_right(piece, open, known) {
                self.detections.extend(piece);
                continue;
            }
            let (mut last, mut fault) = (open, None);
            let taken = piece.iter().take_while(|&&Detection { slot, mask }| {
                if slot < last {
                    fault = Some(InputError::DetectionsBackwards { slot, last });
                } else if mask == 0 || mask & !known != 0 {
                    fault = Some(InputError::UnknownDetector { mask });
                }
                last = slot.saturating_add(1);
                fault.is_none()
            });
            self.detections.extend(&piece[..taken.count()]);
            if let Some(fault) = fault {
                return Err(fault.into());
            }
        }
        Ok(())
    }

    /// First slot that a detection may still have.
    fn first_open_slot(&self) -> u64 {
        self.detections.last_slot().map_or(0, |slot| slot.saturating_add(1)).max(self.desk.slot)
    }

    /// Slots that make no key, for whatever reason; decided from earlier events only.
    pub fn push_dropped(&mut self, range: Range<u64>) {
        self.dropped.add(range);
    }

    /// All slots below this one are final: their detections and dropped ranges were pushed.
    ///
    /// # Errors
    /// What the block that ends here runs into.
    pub fn reached(&mut self, slot: u64) -> Result<()> {
        self.desk.enter(Stage::Intake);
        self.desk.slot = self.desk.slot.max(slot);
        self.slots_passed()
    }

    /// Detections, dropped ranges and the reached slot of one batch. Where a detection is refused, the
    /// rest of the batch's slots are dropped.
    ///
    /// # Errors
    /// As [`Session::push_detections`] and [`Session::reached`].
    pub fn push_batch(&mut self, batch: &SlotBatch) -> Result<()> {
        batch.dropped.iter().for_each(|range| self.push_dropped(range.from..range.to));
        let taken = self.push_detections(&batch.detections);
        if taken.is_err() {
            // Clicks are missing from here on, on all detectors alike.
            self.push_dropped(self.first_open_slot()..batch.reached);
        }
        self.reached(batch.reached)?;
        taken
    }

    /// No new block begins from now on, in this session and whatever contacts follow: nothing
    /// more is announced.
    /// The blocks in progress go on to their end; see [`Session::is_idle`].
    pub fn wind_down(&mut self) {
        self.desk.winding_down = true;
    }

    /// Whether no block is in progress. A key that the store holds as pending waits for the next
    /// contact and is none. Messages may still wait for [`Session::poll_message`].
    pub fn is_idle(&self) -> bool {
        self.talks.is_empty()
    }

    /// Ends the blocks in progress with a hint each to the other station, and winds down. What the store
    /// holds as pending is settled at the next contact. The hint waits for
    /// [`Session::poll_message`]: send what that gives before the line is closed.
    ///
    /// # Errors
    /// The station's memory failed; the block has ended all the same.
    pub fn abort(&mut self, now_ns: u64) -> Result<()> {
        self.desk.now_ns = now_ns;
        self.desk.winding_down = true;
        let result = self.end_blocks(Fault::ShuttingDown);
        self.conclude(result)
    }

    /// Calls `watch` whenever the work goes into a stage: within a call of this session, until the
    /// next stage or the call's end. Nothing is decided by it, and nothing of a block is told.
    pub fn watch_stages(&mut self, watch: impl FnMut(Stage) + Send + 'static) {
        self.desk.watch = Some(Box::new(watch));
    }

    /// Where the session stands, for people who watch it. Cheap enough for ten times a second: no
    /// secret is touched and no message made, but the store is asked for pads and ε, so that one on
    /// disk reads a few rows each time.
    pub fn progress(&self) -> Progress {
        let blocks = self.talks.iter().map(Current::progress).collect();
        let waiting = self.measured.len() as u64;
        self.desk.progress(blocks, waiting, self.settings.blocks_held())
    }

    /// The next message to Alice.
    pub fn poll_message(&mut self) -> Option<Vec<u8>> {
        self.desk.outbox.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.desk.events.pop_front()
    }

    /// Whether contact is made.
    pub fn is_open(&self) -> bool {
        self.desk.is_open()
    }

    /// The station's memory.
    pub fn store(&self) -> &S {
        &self.desk.store
    }

    /// The station's memory, to take keys out.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.desk.store
    }

    /// Ends the session; pending blocks are settled at the next contact.
    pub fn into_store(self) -> S {
        self.desk.store
    }

    fn dispatch(&mut self, message: &[u8]) -> Result<()> {
        let (envelope, body) = self.desk.open(message)?;
        match (&self.desk.contact, envelope.kind) {
            (Contact::Greeting { .. }, Kind::Hello) => self.desk.hear_hello(message, body),
            (Contact::Greeting { .. }, Kind::ContactProof) => {
                self.desk.hear_proof(message, body)?;
                self.announce_next()
            }
            (Contact::Open { .. }, Kind::ResolveAsk) => self.hear_ask(message, body),
            (Contact::Open { .. }, Kind::Abort) => self.hear_abort(&envelope, body),
            (Contact::Open { .. }, kind) if kind.in_block() => {
                self.hear_step(&envelope, message, body)
            }
            (_, kind) => Err(Fault::NoContact(kind)),
        }
    }

    /// Turns every block whose slots are past into bits, and talks about the oldest.
    fn slots_passed(&mut self) -> Result<()> {
        let past = self.blocks_past();
        while self.open_block < past {
            self.desk.enter(Stage::Sift);
            self.desk.entropy.turn_to("bits of double clicks", self.open_block);
            let mut clicks = self.detections.take(self.open_block);
            let measured = assign(
                (&self.desk.parameters, self.open_block),
                &mut clicks,
                &self.settings,
                &self.dropped,
                &mut self.desk.entropy,
            );
            self.detections.give_back(clicks);
            // Detections and settings are needed only until bits are made of the clicks.
            self.forget_below(self.open_block + 1);
            match measured {
                Ok(measured) => self.measured.push_back(measured),
                Err(fault) => return self.conclude(Err(fault.into())),
            }
            if self.measured.len() > self.desk.local.max_blocks
                && let Some(Measured { block, .. }) = self.measured.pop_front()
            {
                self.desk.events.push_back(Event::BlocksDropped(block..block + 1));
            }
        }
        let result = self.announce_next();
        self.conclude(result)
    }

    /// First block that is not over, after what lags too far behind was given up.
    fn blocks_past(&mut self) -> u64 {
        let length = u64::from(self.desk.parameters.slots_per_block);
        let most = self.desk.local.max_blocks as u64;
        let mut past = self.desk.slot / length;
        if let Receiver::Active { .. } = self.desk.parameters.receiver {
            let next = self.settings.next();
            let patience = self.desk.parameters.first_slot(past.saturating_sub(most));
            if next < patience {
                // Cannot fail: the range begins at the next slot.
                let _ = self.settings.push_lost(next..patience);
            }
            past = past.min(self.settings.next() / length);
            // Settings of blocks whose clicks do not come are given up likewise.
            let surplus = (self.settings.blocks_held() as u64).saturating_sub(most + 1);
            self.settings.forget_below(self.settings.first_block() + surplus);
        }
        let oldest = past.saturating_sub(most);
        if oldest > self.open_block {
            self.desk.events.push_back(Event::BlocksDropped(self.open_block..oldest));
            self.forget_below(oldest);
        }
        past
    }

    /// Nothing below this block is needed any more.
    fn forget_below(&mut self, block: u64) {
        let first = self.desk.parameters.first_slot(block);
        self.detections.forget_below(block);
        self.settings.forget_below(block);
        self.dropped.forget_below(first);
        self.open_block = block;
    }

    /// Turns a fault into what it ends; then the next block begins.
    fn conclude(&mut self, result: Result<()>) -> Result<()> {
        self.conclude_from(self.desk.contact.stage(), result)
    }

    /// The same; `stage` is where the contact stood before.
    fn conclude_from(&mut self, stage: contact::Stage, result: Result<()>) -> Result<()> {
        let at_work = self.at_work.take();
        let Err(fault) = result else { return Ok(()) };
        let effect = self.end_for(&fault, stage, at_work);
        match effect {
            Effect::Contact if stage != contact::Stage::Closed => {
                self.desk.lose_contact(fault.clone());
            }
            Effect::Block => {
                // A fault of the next block ends that one in turn and stands among the events.
                let next = self.announce_next();
                let _ = self.conclude(next);
            }
            _ => {}
        }
        Err(fault)
    }
}

/// Whether these are in order, not before `open`, and each of some of the `known` detectors; without a
/// branch for each, and without one waiting for the other.
fn all_right(detections: &[Detection], open: u64, known: u8) -> bool {
    let Some(first) = detections.first() else { return true };
    let is_known = |d: &Detection| (d.mask != 0) & (d.mask & !known == 0);
    let pairs = detections.iter().zip(&detections[1..]);
    pairs.fold((first.slot >= open) & is_known(first), |all, (before, here)| {
        all & (before.slot < here.slot) & is_known(here)
    })
}
