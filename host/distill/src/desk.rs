//! What Alice's and Bob's sessions share: contact, pads, ledger, the way messages leave.

use std::collections::VecDeque;

use helio_keys::{EntropySource, RandomLabel};

use crate::certificate::check_calibration;
use crate::contact::{Contact, OtherHello, Statement, join};
use crate::error::{Fault, Result};
use crate::event::Event;
use crate::labels::{self, Labels, Use};
use crate::ledger::EPSILON_LIMIT;
use crate::message::{
    Envelope, EnvelopeError, Hello, HelloField, Kind, MAX_MESSAGE_BYTES, Malformed, NO_BLOCK,
    Reader, Role, Tag, Writer,
};
use crate::pads::{INDEX_WINDOW, PadBook, Purpose, Watermarks, Way};
use crate::parameters::{self, Parameters};
use crate::progress::{BlockProgress, Budget, ContactState, Progress};
use crate::release::{BlockId, StationStore};
use crate::report::Side;
use crate::stage::{Stage, Watch};
use crate::talk::Talk;

/// Blocks that are talked about at a time, by default: one for each station to work on.
pub const BLOCKS_IN_FLIGHT: usize = 2;

/// Most of them: each takes memory at both stations, on an unproven word at Alice.
pub const MOST_BLOCKS_IN_FLIGHT: usize = 8;

/// What a station is told besides the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// After this long without a message a block in progress fails, in nanoseconds.
    pub silence_ns: u64,
    /// Most blocks whose data are kept while the talk lags behind.
    pub max_blocks: usize,
    /// Most blocks that are talked about at a time, 1 to [`MOST_BLOCKS_IN_FLIGHT`]: while one station works on a block the
    /// other works on the next, and a long line is filled. Both stations must have the same.
    pub blocks_in_flight: usize,
    /// Where the device's settings come from.
    pub settings_label: RandomLabel,
    /// The wall clock, in seconds since 1970, when the caller's clock is 0: of real keys, so that the
    /// age of a calibration can be told. `None` for SIMULATED ones, whose detectors do not age.
    pub clock_unix_s: Option<u64>,
    /// Names and values of what else both stations must have equal (how slots are numbered and timed):
    /// compared at contact with the parameters, and proven with them.
    pub compared: Vec<(String, String)>,
}

impl Local {
    /// Half a minute of patience, four blocks of memory, two blocks in flight.
    pub fn new(settings_label: RandomLabel) -> Local {
        Local {
            silence_ns: 30_000_000_000,
            max_blocks: 4,
            blocks_in_flight: BLOCKS_IN_FLIGHT,
            settings_label,
            clock_unix_s: None,
            compared: Vec::new(),
        }
    }
}

pub(crate) struct Desk<E: EntropySource, S: StationStore<E::Origin>> {
    pub role: Role,
    pub parameters: Parameters,
    pub local: Local,
    pub pads: PadBook,
    pub entropy: E,
    pub store: S,
    pub outbox: VecDeque<Vec<u8>>,
    pub events: VecDeque<Event>,
    pub contact: Contact,
    /// The caller's clock at the last call.
    pub now_ns: u64,
    /// First slot this station has not passed.
    pub slot: u64,
    /// No new block begins.
    pub winding_down: bool,
    /// Who measures the stages.
    pub watch: Option<Watch>,
}

impl<E: EntropySource, S: StationStore<E::Origin>> Desk<E, S> {
    pub fn new(
        role: Role,
        parameters: Parameters,
        local: Local,
        pads: PadBook,
        entropy: E,
        store: S,
    ) -> Result<Desk<E, S>> {
        parameters.check()?;
        let blocks_in_flight = local.blocks_in_flight.clamp(1, MOST_BLOCKS_IN_FLIGHT);
        Ok(Desk {
            role,
            parameters,
            local: Local { blocks_in_flight, ..local },
            pads,
            entropy,
            store,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            contact: Contact::Closed,
            now_ns: 0,
            slot: 0,
            winding_down: false,
            watch: None,
        })
    }

    /// The work goes into this stage.
    pub fn enter(&mut self, stage: Stage) {
        if let Some(watch) = &mut self.watch {
            watch(stage);
        }
    }

    /// The wall clock in seconds since 1970, where there is one.
    pub fn unix_s(&self) -> Option<u64> {
        let passed = self.now_ns / 1_000_000_000;
        self.local.clock_unix_s.map(|begun| begun.saturating_add(passed))
    }

    /// Whether a block whose time was announced like this may make a key: see [`check_calibration`].
    pub fn check_calibration(&self, block: u64, announced_s: Option<u64>) -> Result<()> {
        let origin = <E::Origin as helio_keys::Origin>::NAME;
        check_calibration(&self.parameters.detectors, origin, announced_s, self.unix_s())
            .map_err(|state| Fault::Calibration(block, state))
    }

    pub fn id(&self, block: u64) -> BlockId {
        BlockId { session: self.parameters.session, block }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.contact, Contact::Open { .. })
    }

    /// The contact ends with a fault.
    pub fn lose_contact(&mut self, fault: Fault) {
        self.contact = Contact::Closed;
        self.events.push_back(Event::ContactLost(fault));
    }

    /// What the two sessions can tell alike.
    pub fn progress(
        &self,
        blocks: Vec<BlockProgress>,
        blocks_waiting: u64,
        blocks_of_settings: usize,
    ) -> Progress {
        Progress {
            contact: match &self.contact {
                Contact::Closed => ContactState::Closed,
                Contact::Greeting { .. } => ContactState::Greeting,
                Contact::Open { .. } => ContactState::Open,
            },
            winding_down: self.winding_down,
            blocks,
            blocks_waiting,
            blocks_of_settings: blocks_of_settings as u64,
            slot: self.slot,
            budget: self.budget().ok(),
        }
    }

    fn budget(&self) -> Result<Budget> {
        if self.store.pads_are_void()? {
            return Err(Fault::PadsVoid);
        }
        Ok(Budget {
            block_pads_left: self.pads_left(Purpose::Block)?,
            block_pads: self.pads.size(Purpose::Block),
            recovery_pads_left: self.pads_left(Purpose::Recovery)?,
            recovery_pads: self.pads.size(Purpose::Recovery),
            epsilon_spent: self.store.epsilon_spent()?,
            epsilon_limit: EPSILON_LIMIT,
        })
    }

    /// Labels of both stations' randomness.
    pub fn labels(&self) -> Labels {
        let mut all = self.own_labels();
        if let Contact::Open { labels, .. } = &self.contact {
            all.extend(labels.clone());
        }
        all
    }

    pub fn side(&self, lost_slots: u64) -> Result<Side> {
        let origin = <E::Origin as helio_keys::Origin>::NAME;
        let epsilon_spent = self.store.epsilon_spent()?;
        Ok(Side { role: self.role, origin, lost_slots, epsilon_spent })
    }

    pub fn envelope(&self, kind: Kind, block: u64, sequence: u32) -> Writer {
        let mut out = Writer::with_capacity(256);
        let (from, time_ns, slot) = (self.role, self.now_ns, self.slot);
        Envelope { kind, from, block, sequence, time_ns, slot }.write(&mut out);
        out
    }

    /// Sends the next message of a block; it enters the transcript.
    pub fn say(
        &mut self,
        talk: &mut Talk,
        kind: Kind,
        body: impl FnOnce(&mut Writer),
    ) -> Result<()> {
        let mut out = self.envelope(kind, talk.id.block, talk.transcript.next_sequence());
        body(&mut out);
        let message = out.finish();
        if message.len() > MAX_MESSAGE_BYTES || talk.transcript.add(&message).is_err() {
            return Err(Fault::TranscriptTooLong(talk.id.block));
        }
        talk.heard_at_ns = self.now_ns;
        self.outbox.push_back(message);
        Ok(())
    }

    /// Tells the other station, without authority, that a block is over here.
    pub fn hint(&mut self, block: u64, fault: &Fault) {
        let mut out = self.envelope(Kind::Abort, block, 0);
        out.u8(fault.hint());
        self.outbox.push_back(out.finish());
    }

    /// Reads the envelope of a message; on an error the caller decides what it ends.
    pub fn open<'a>(&self, bytes: &'a [u8]) -> Result<(Envelope, Reader<'a>)> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(Fault::TooLong(bytes.len()));
        }
        let (envelope, body) = Envelope::read(bytes).map_err(|e| match e {
            // A version that changes within a contact is a damaged byte, not another release.
            EnvelopeError::Version(_) if self.is_open() => {
                Fault::Malformed { kind: None, why: Malformed::BadValue }
            }
            EnvelopeError::Version(theirs) => {
                Fault::WrongVersion { mine: parameters::PROTOCOL_VERSION, theirs }
            }
            EnvelopeError::Kind(code) => Fault::UnknownKind(code),
            EnvelopeError::Malformed(why) => Fault::Malformed { kind: None, why },
        })?;
        if envelope.from == self.role {
            return Err(Fault::WrongDirection);
        }
        Ok((envelope, body))
    }

    // Contact.

    /// Begins a contact with a Hello.
    pub fn greet(&mut self) -> Result<()> {
        self.contact = Contact::Closed;
        if self.store.pads_are_void()? {
            return Err(Fault::PadsVoid);
        }
        let watermarks = self.store.watermarks()?;
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce)?;
        let hello = Hello {
            nonce,
            fields: self.shared_fields(),
            watermarks,
            labels: labels::to_wire(&self.own_labels()),
        };
        let mut out = self.envelope(Kind::Hello, NO_BLOCK, 0);
        hello.write(&mut out);
        let own = out.finish();
        self.outbox.push_back(own.clone());
        self.contact =
            Contact::Greeting { own, own_watermarks: watermarks, other: None, proved: false };
        Ok(())
    }

    /// The other's Hello: compared at once; answered by the proof.
    pub fn hear_hello(&mut self, message: &[u8], body: Reader<'_>) -> Result<()> {
        let malformed = |why| Fault::Malformed { kind: Some(Kind::Hello), why };
        let hello = Hello::read(body).map_err(malformed)?;
        let differences = parameters::differences(&self.shared_fields(), &hello.fields);
        if !differences.is_empty() {
            return Err(Fault::ParametersDiffer(differences));
        }
        let labels = labels::from_wire(&hello.labels, self.role.other());
        let labels = labels.ok_or(malformed(Malformed::BadValue))?;
        let Contact::Greeting { own, own_watermarks, other, proved } = &mut self.contact else {
            return Err(Fault::NoContact(Kind::Hello));
        };
        if other.is_some() {
            return Err(Fault::Unexpected { kind: Kind::Hello, state: "a Hello had come before" });
        }
        *other = Some(OtherHello::new(message, &hello, labels));
        if own_watermarks.is_behind(&hello.watermarks) {
            // Making a proof would use a pad twice. If the other proves what it says, they are void.
            return Ok(());
        }
        let beyond = |theirs: &Watermarks, mine: &Watermarks| {
            theirs.in_recovery > mine.out_recovery.saturating_add(INDEX_WINDOW)
        };
        let other_waits = beyond(own_watermarks, &hello.watermarks);
        if beyond(&hello.watermarks, own_watermarks) && !other_waits {
            // Nobody has proven yet that so many pads were burnt there; the other goes first.
            return Ok(());
        }
        *proved = true;
        let hellos = join(self.role, own, message);
        // Where both would wait, both go as far as an unproven word may take them. The proofs are
        // refused, but each contact brings the pools closer, until one of them is taken.
        let furthest = own_watermarks.out_recovery.saturating_add(INDEX_WINDOW);
        self.prove(&hellos, hello.watermarks.in_recovery.min(furthest))
    }

    /// The proof of contact, with the first pad that neither station has used or burnt.
    fn prove(&mut self, hellos: &[u8], burnt_there: u64) -> Result<()> {
        self.skip_out(Purpose::Recovery, burnt_there)?;
        let mut out = self.envelope(Kind::ContactProof, NO_BLOCK, 0);
        let tag = self.make_tag(Purpose::Recovery, out.written(), |hash| {
            Statement::Contact.feed(hash, hellos);
        })?;
        tag.write(&mut out);
        self.outbox.push_back(out.finish());
        Ok(())
    }

    /// Gives up own pads that the other station has burnt: it would refuse their tags.
    fn skip_out(&mut self, purpose: Purpose, burnt_there: u64) -> Result<()> {
        let next = burnt_there.min(self.pads.size(purpose));
        if next > self.store.watermarks()?.next(Way::Out, purpose) {
            self.store.spend_pads(Way::Out, purpose, next)?;
        }
        Ok(())
    }

    /// The other's proof: afterwards the contact is open.
    pub fn hear_proof(&mut self, message: &[u8], body: Reader<'_>) -> Result<()> {
        let malformed = |why| Fault::Malformed { kind: Some(Kind::ContactProof), why };
        let proof = Tag::read(body).map_err(malformed)?;
        let no_contact = Fault::NoContact(Kind::ContactProof);
        let contact = std::mem::replace(&mut self.contact, Contact::Closed);
        let Contact::Greeting { own, own_watermarks, other: Some(other), proved } = contact else {
            return Err(no_contact);
        };
        if other.watermarks.is_behind(&own_watermarks) {
            return Err(Fault::OtherPadsBehind);
        }
        let expected = other.watermarks.out_recovery.max(own_watermarks.in_recovery);
        if proof.pad != expected {
            return Err(Fault::PadIndex { index: proof.pad, expected });
        }
        let hellos = join(self.role, &own, &other.message);
        let genuine = self.check_tag(Purpose::Recovery, message, &proof, Some(expected), |hash| {
            Statement::Contact.feed(hash, &hellos);
        });
        if !genuine? {
            return Err(Fault::ContactTag);
        }
        if own_watermarks.is_behind(&other.watermarks) {
            self.store.void_pads()?;
            return Err(Fault::PadsVoid);
        }
        if !proved {
            self.prove(&hellos, other.watermarks.in_recovery)?;
        }
        self.skip_out(Purpose::Block, other.watermarks.in_block)?;
        // Tags the other made that never arrived: their pads are spent there, so they are here.
        let due = other.watermarks.out_block;
        if due > self.store.watermarks()?.in_block {
            self.store.spend_pads(Way::In, Purpose::Block, due)?;
        }
        self.contact = Contact::Open { hellos, labels: other.labels };
        let event = Event::ContactMade {
            block_pads_left: self.pads_left(Purpose::Block)?,
            recovery_pads_left: self.pads_left(Purpose::Recovery)?,
        };
        self.events.push_back(event);
        Ok(())
    }

    fn shared_fields(&self) -> Vec<crate::message::HelloField> {
        let mut fields = self.parameters.fields();
        let field = |(name, value): &(String, String)| crate::message::HelloField {
            name: name.clone(),
            value: value.clone(),
        };
        fields.extend(self.local.compared.iter().map(field));
        let in_flight = self.local.blocks_in_flight.to_string();
        fields.push(HelloField { name: "blocks in flight".to_owned(), value: in_flight });
        // A real station with a simulated one makes no key, and neither side would notice later.
        let value = <E::Origin as helio_keys::Origin>::NAME.to_owned();
        fields.push(HelloField { name: "devices".to_owned(), value });
        for (name, purpose) in [("pads", Purpose::Block), ("reserve", Purpose::Recovery)] {
            let name = format!("{name} a direction");
            let value = self.pads.size(purpose).to_string();
            fields.push(HelloField { name, value });
        }
        fields
    }

    fn own_labels(&self) -> Labels {
        let [settings, other] = Use::of(self.role);
        Labels::from([(settings, self.local.settings_label.clone()), (other, self.entropy.label())])
    }
}
