//! Alice's half of the talk: she answers Bob's announcements, proves first, releases last.
//!
//! [`Session`] takes her device's settings and the other station's messages and gives messages and
//! events. `block` and `steps` hold the steps of a block, `sift` the look-up of announced slots, `settle`
//! the questions about old blocks.

mod block;
mod settle;
mod sift;
mod steps;

use std::ops::Range;

use helio_keys::EntropySource;

use crate::contact::{self, Contact};
use crate::desk::{Desk, Local};
use crate::error::{Effect, Fault, Result};
use crate::event::Event;
use crate::in_flight::{EndsBlocks, InFlight};
use crate::message::{Kind, Role};
use crate::pads::PadBook;
use crate::parameters::Parameters;
use crate::progress::Progress;
use crate::release::StationStore;
use crate::settings::Settings;
use crate::stage::Stage;

use block::Current;
use settle::Question;
pub(crate) use sift::sift;

/// Alice's session with one Bob. Owns no socket, no clock, no thread.
pub struct Session<E: EntropySource, S: StationStore<E::Origin>> {
    desk: Desk<E, S>,
    settings: Settings<4>,
    /// Memory of the last announcement, for the next.
    spare: Vec<u32>,
    /// What is talked about.
    talks: InFlight<Current>,
    /// Whose talk a fault belongs to, while a call goes on.
    at_work: Option<u64>,
    /// Lowest block not talked about yet; blocks below are over or in progress.
    next_block: u64,
    question: Question,
}

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    /// A session without contact; settings may be pushed at once.
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
            spare: Vec::new(),
            desk: Desk::new(Role::Alice, parameters, local, pads, entropy, store)?,
            talks: InFlight::default(),
            at_work: None,
            next_block: 0,
            question: Question::default(),
        })
    }

    /// The line to Bob is up, or up again: whatever was in progress ends, and a Hello leaves. Both
    /// stations call this for each new connection.
    ///
    /// # Errors
    /// Faults of this station; no contact is made.
    pub fn connect(&mut self, now_ns: u64) -> Result<()> {
        self.desk.now_ns = now_ns;
        self.desk.contact = Contact::Closed;
        self.end_blocks(Fault::Interrupted)?;
        self.question = Question::default();
        self.desk.outbox.clear();
        self.desk.greet()
    }

    /// Takes one message of Bob.
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

    /// Lets time pass: a silent Bob ends the block in progress.
    ///
    /// # Errors
    /// [`Fault::Silent`], and faults of this station.
    pub fn tick(&mut self, now_ns: u64) -> Result<()> {
        self.desk.now_ns = now_ns;
        let result = self.check_silence();
        self.conclude(result)
    }

    /// Settings of `count` slots from `first_slot` on, 4 bits each (`intensity << 2 |
    /// polarization`), packed from the low bits of each byte up, in order of slots. Slots that are
    /// skipped are lost.
    ///
    /// # Errors
    /// [`Fault::Input`]; nothing was taken. Also what the block that waited for these slots runs
    /// into.
    pub fn push_settings(&mut self, first_slot: u64, count: u64, packed: &[u8]) -> Result<()> {
        self.desk.enter(Stage::Intake);
        let oldest = self.settings.first_block();
        self.settings.push(first_slot, count, packed)?;
        self.slots_passed(oldest)
    }

    /// These slots' settings will never come.
    ///
    /// # Errors
    /// As [`Session::push_settings`].
    pub fn lost_settings(&mut self, range: Range<u64>) -> Result<()> {
        self.desk.enter(Stage::Intake);
        let oldest = self.settings.first_block();
        self.settings.push_lost(range)?;
        self.slots_passed(oldest)
    }

    /// No new block begins from now on, in this session and whatever contacts follow: what Bob
    /// announces is refused with [`Fault::NotWanted`] and a hint to him.
    /// The blocks in progress go on to their end; see [`Session::is_idle`].
    pub fn wind_down(&mut self) {
        self.desk.winding_down = true;
    }

    /// Whether no block is in progress. A key that the store holds as pending waits for the next
    /// contact and is none. Messages may still wait for [`Session::poll_message`]. A block
    /// that waits for this station's own slots goes on only when they are pushed.
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
        self.question.close();
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
        let past = self.desk.slot / u64::from(self.desk.parameters.slots_per_block);
        let waiting = past.saturating_sub(self.next_block.max(self.settings.first_block()));
        self.desk.progress(blocks, waiting, self.settings.blocks_held())
    }

    /// The next message to Bob.
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
                self.ask_about_pending()
            }
            (Contact::Open { .. }, Kind::ResolveAnswer) => self.hear_answer(message, body),
            (Contact::Open { .. }, Kind::Abort) => self.hear_abort(&envelope, body),
            (Contact::Open { .. }, kind) if kind.in_block() => {
                self.hear_step(&envelope, message, body)
            }
            (_, kind) => Err(Fault::NoContact(kind)),
        }
    }

    /// After settings came; `oldest` was the oldest block remembered before.
    fn slots_passed(&mut self, oldest: u64) -> Result<()> {
        self.desk.slot = self.settings.next();
        let surplus = self.settings.blocks_held().saturating_sub(self.desk.local.max_blocks);
        // The oldest are forgotten; a talk that waits for one of them fails when its turn comes.
        self.settings.forget_below(self.settings.first_block() + surplus as u64);
        let kept = self.settings.first_block();
        if kept > oldest {
            self.desk.events.push_back(Event::BlocksDropped(oldest..kept));
        }
        let result = self.answer_if_due();
        self.conclude(result)
    }

    /// Turns a fault into what it ends.
    fn conclude(&mut self, result: Result<()>) -> Result<()> {
        self.conclude_from(self.desk.contact.stage(), result)
    }

    /// The same; `stage` is where the contact stood before.
    fn conclude_from(&mut self, stage: contact::Stage, result: Result<()>) -> Result<()> {
        let at_work = self.at_work.take();
        let Err(fault) = result else { return Ok(()) };
        let effect = self.end_for(&fault, stage, at_work);
        if effect == Effect::Contact && stage != contact::Stage::Closed {
            self.desk.lose_contact(fault.clone());
        }
        Err(fault)
    }
}
