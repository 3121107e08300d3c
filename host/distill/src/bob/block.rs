//! The steps of a block at Bob.

use helio_keys::{EntropySource, SecretBits, SecretKey};

use crate::announced::Announced;
use crate::certificate::Certificate;
use crate::decide::{Decision, NoKeyReason, Way, decide};
use crate::error::{Effect, Fault, HINT_SHUTTING_DOWN, Result};
use crate::event::Event;
use crate::in_flight::{EndsBlocks, OfBlock};
use crate::message::{
    Amplify, Declaration, Detections, Envelope, FreeSlots, Kind, Reader, Sift, TestResult, Verdict,
    VerifyKey, Writer,
};
use crate::parameters::Receiver;
use crate::progress::BlockProgress;
use crate::reconcile::{BobStep, ReconcileBob};
use crate::release::StationStore;
use crate::report::{BlockReport, DetectorErrors, fingerprint};
use crate::stage::Stage;
use crate::talk::Talk;
use crate::token::{BlockLedger, Corrected, Origins, Settled, Sifted, Verified};

use super::Session;
use super::clicks::{Measured, compare};
use super::detectors::{ByDetector, Clicked};
use super::errors::KeyErrors;

/// After so many times the patience for a silence, an Alice who said that she stops is believed to
/// go on.
const STOPS_WITHIN: u64 = 4;

/// A block in progress.
pub(super) struct Current<O: helio_keys::Origin> {
    talk: Talk,
    own: Own,
    step: Step<O>,
}

/// What only this station knows of the block, besides its bits.
struct Own {
    lost_slots: u64,
    /// Known after the test results.
    detectors: Option<ByDetector>,
    /// By intensity, where the length takes them.
    key_errors: Option<KeyErrors>,
}

impl Own {
    fn by_detector(&self, receiver: Receiver) -> Vec<DetectorErrors> {
        self.detectors.as_ref().map(|d| d.report(receiver)).unwrap_or_default()
    }
}

impl<O: helio_keys::Origin> Current<O> {
    fn new(mut talk: Talk, own: Own, step: Step<O>, now_ns: u64) -> Current<O> {
        talk.enter(step.name(), now_ns);
        Current { talk, own, step }
    }

    pub fn progress(&self) -> BlockProgress {
        self.talk.progress()
    }
}

impl<O: helio_keys::Origin> OfBlock for Current<O> {
    fn block(&self) -> u64 {
        self.talk.id.block
    }
}

/// What Bob waits for.
enum Step<O: helio_keys::Origin> {
    /// Which detections match.
    Sift { announcement: Detections, bits: SecretBits, clicked: Clicked },
    /// Alice's declaration.
    Declaration { sifted: Sifted, announced: Announced, way: Box<Way> },
    /// Alice's next step of the reconciliation.
    Reconciling { engine: Box<dyn ReconcileBob>, sifted: Sifted, ledger: BlockLedger },
    /// The key of the verification hash.
    VerifyKey { corrected: Corrected },
    /// Length and seed of the last hash.
    Amplify { verified: Verified },
    /// Alice's tag. Nothing is held yet: without it the key is thrown away.
    AliceTag { key: SecretKey<O>, certificate: Box<Certificate> },
    /// Nothing: the block failed and is about to be ended.
    Failed,
}

impl<O: helio_keys::Origin> Step<O> {
    fn name(&self) -> &'static str {
        match self {
            Step::Sift { .. } => "waiting for the bases",
            Step::Declaration { .. } => "waiting for the declaration",
            Step::Reconciling { .. } => "reconciling",
            Step::VerifyKey { .. } => "waiting for the verification",
            Step::Amplify { .. } => "waiting for the seed of the last hash",
            Step::AliceTag { .. } => "waiting for Alice's tag",
            Step::Failed => "the block had failed",
        }
    }
}

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    /// Announces blocks that wait, the oldest first, while contact is made and more may be in flight.
    pub(super) fn announce_next(&mut self) -> Result<()> {
        let patience = STOPS_WITHIN.saturating_mul(self.desk.local.silence_ns);
        let now = self.desk.now_ns;
        // Who stops is gone by then; who is still there never said it, or thought better of it.
        self.other_stops.take_if(|since| now.saturating_sub(*since) > patience);
        let wanted = !self.desk.winding_down && self.other_stops.is_none();
        if !self.desk.is_open() || !wanted {
            return Ok(());
        }
        // The store is asked last: this is tried at each piece of the device's data.
        while self.talks.len() < self.desk.local.blocks_in_flight
            && !self.measured.is_empty()
            && self.desk.can_afford_beside(self.talks.len())?
            && let Some(measured) = self.measured.pop_front()
        {
            let id = self.desk.id(measured.block);
            if self.desk.store.state(id)?.is_some() {
                // Talked about in an earlier life of this station.
                self.desk.events.push_back(Event::BlocksDropped(id.block..id.block + 1));
                continue;
            }
            self.at_work = Some(id.block);
            self.desk.afford_block()?;
            self.desk.enter(Stage::Sift);
            let Measured { announcement, bits, clicked, lost_slots, .. } = measured;
            let mut talk = Talk::new(&self.desk.parameters, id, self.desk.now_ns);
            let free = FreeSlots::of(&self.desk.parameters, id.block);
            let body = |out: &mut Writer| announcement.write(out, &free);
            let said = self.desk.say(&mut talk, Kind::Detections, body);
            let step = Step::Sift { announcement, bits, clicked };
            let own = Own { lost_slots, detectors: None, key_errors: None };
            self.talks.put(Current::new(talk, own, step, self.desk.now_ns));
            said?;
        }
        Ok(())
    }

    pub(super) fn hear_step(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
        body: Reader<'_>,
    ) -> Result<()> {
        let block = envelope.block;
        let Some(mut current) = self.talks.take(block) else {
            // Left before Alice heard that the block is over here.
            let is_over = block < self.next_to_announce();
            return if is_over { Ok(()) } else { Err(Fault::FutureBlock(block)) };
        };
        self.at_work = Some(block);
        if let Err(fault) = current.talk.hear(envelope, message, self.desk.now_ns) {
            self.talks.put(current);
            return Err(fault);
        }
        let Current { mut talk, mut own, step } = current;
        let step = match self.step(&mut talk, &mut own, step, envelope, body) {
            Ok(Some(step)) => step,
            Ok(None) => return self.announce_next(),
            Err(fault) => {
                self.talks.put(Current::new(talk, own, Step::Failed, self.desk.now_ns));
                return Err(fault);
            }
        };
        self.talks.put(Current::new(talk, own, step, self.desk.now_ns));
        Ok(())
    }

    /// No block below this one will be announced any more.
    fn next_to_announce(&self) -> u64 {
        self.measured.front().map_or(self.open_block, |measured| measured.block)
    }

    /// One step on Alice's message: what Bob waits for next, or `None` if the block is done.
    fn step(
        &mut self,
        talk: &mut Talk,
        own: &mut Own,
        step: Step<E::Origin>,
        envelope: &Envelope,
        mut body: Reader<'_>,
    ) -> Result<Option<Step<E::Origin>>> {
        let kind = envelope.kind;
        let malformed = |why| Fault::Malformed { kind: Some(kind), why };
        let state = step.name();
        match (step, kind) {
            (Step::Sift { announcement, bits, clicked }, Kind::Sift) => {
                self.desk.enter(Stage::Sift);
                self.check_disclosure(envelope)?;
                let sift = Sift::read(body, &announcement.test_basis).map_err(malformed)?;
                self.hear_sift(talk, own, (announcement, bits, clicked), &sift)
            }
            (Step::Declaration { sifted, announced, way }, Kind::Declaration) => {
                let theirs = Declaration::read(&mut body).map_err(malformed)?;
                body.end().map_err(malformed)?;
                if theirs != way.declaration {
                    let (mine, theirs) = (format!("{:?}", way.declaration), format!("{theirs:?}"));
                    return Err(Fault::DeclarationDiffers { mine, theirs });
                }
                self.desk.enter(Stage::Reconcile);
                let engine = way.plan.bob(sifted.bits())?;
                let ledger = BlockLedger { announced, way };
                Ok(Some(Step::Reconciling { engine, sifted, ledger }))
            }
            (Step::Reconciling { engine, sifted, ledger }, Kind::Reconcile) => {
                self.hear_reconcile(talk, own, (engine, sifted, ledger), body.rest()).map(Some)
            }
            (Step::VerifyKey { corrected }, Kind::VerifyKey) => {
                self.desk.enter(Stage::Verify);
                let key = VerifyKey::read(body).map_err(malformed)?;
                let agreed = corrected.verify(&key);
                let key_errors = own.key_errors.as_ref().and_then(KeyErrors::counts);
                let key_errors = key_errors.filter(|_| agreed.is_ok());
                let verdict = Verdict { agree: agreed.is_ok(), key_errors };
                self.desk.say(talk, Kind::Verdict, |out| verdict.write(out))?;
                match agreed?.settle(&self.desk.parameters, key_errors)? {
                    Settled::Key(verified) => Ok(Some(Step::Amplify { verified: *verified })),
                    Settled::NoKey { announced, reason, lambda_max } => {
                        self.end_without_key(talk, own, &announced, (reason, lambda_max))?;
                        Ok(None)
                    }
                }
            }
            (Step::Amplify { verified }, Kind::Amplify) => {
                self.desk.enter(Stage::Amplify);
                let amplify = Amplify::read(body).map_err(malformed)?;
                self.hear_amplify(talk, verified, &amplify).map(Some)
            }
            (Step::AliceTag { key, certificate }, Kind::Tag) => {
                self.desk.hear_tag(talk, body)?;
                self.release(talk, own, key, certificate)?;
                Ok(None)
            }
            _ => Err(Fault::Unexpected { kind, state }),
        }
    }

    /// Alice may disclose only after the block's last slot, by her own slot clock.
    fn check_disclosure(&self, envelope: &Envelope) -> Result<()> {
        let parameters = &self.desk.parameters;
        let bound = u64::from(parameters.clock_bound_slots);
        let end = parameters.end_slot(envelope.block).saturating_add(bound);
        let (block, slot) = (envelope.block, envelope.slot);
        if slot < end { Err(Fault::DisclosedTooEarly { block, slot, end }) } else { Ok(()) }
    }

    fn hear_sift(
        &mut self,
        talk: &mut Talk,
        own: &mut Own,
        (announcement, bits, clicked): (Detections, SecretBits, Clicked),
        sift: &Sift,
    ) -> Result<Option<Step<E::Origin>>> {
        let (key, errors) = compare(&announcement, &bits, sift);
        let test_basis = ByDetector::of_test_basis(&clicked, &announcement, sift, &errors);
        own.detectors = Some(test_basis);
        if self.desk.parameters.takes_key_errors() {
            own.key_errors = Some(KeyErrors::of_matches(&announcement, sift));
        }
        self.desk.enter(Stage::Estimate);
        let parameters = &self.desk.parameters;
        let mut result = TestResult { errors, made_unix_s: self.desk.unix_s(), declaration: None };
        let announced = Announced::gather(parameters.slots_per_block, &announcement, sift, &result);
        self.detections.give_back_offsets(announcement.offsets);
        self.desk.check_calibration(talk.id.block, announced.made_unix_s)?;
        let decision = decide(parameters, &announced.counts)?;
        if let Decision::Reconcile(way) = &decision {
            result.declaration = Some(way.declaration.clone());
        }
        self.desk.say(talk, Kind::TestResult, |out| result.write(out))?;
        match decision {
            Decision::NoKey { reason, lambda_max } => {
                self.end_without_key(talk, own, &announced, (reason, lambda_max))?;
                Ok(None)
            }
            Decision::Reconcile(way) => {
                Ok(Some(Step::Declaration { sifted: Sifted::new(key), announced, way }))
            }
        }
    }

    fn end_without_key(
        &mut self,
        talk: &Talk,
        own: &Own,
        announced: &Announced,
        why: (NoKeyReason, u64),
    ) -> Result<()> {
        self.desk.store.burn(talk.id)?;
        let side = self.desk.side(own.lost_slots)?;
        let parameters = &self.desk.parameters;
        let mut report = BlockReport::no_key(parameters, talk.id, side, announced, why);
        report.by_detector = own.by_detector(parameters.receiver);
        self.desk.events.push_back(Event::BlockDone(Box::new(report)));
        Ok(())
    }

    fn hear_reconcile(
        &mut self,
        talk: &mut Talk,
        own: &mut Own,
        (mut engine, sifted, ledger): (Box<dyn ReconcileBob>, Sifted, BlockLedger),
        message: &[u8],
    ) -> Result<Step<E::Origin>> {
        self.desk.enter(Stage::Reconcile);
        let step = engine.handle(message)?;
        let (used, lambda_max) = (engine.leak().total(), ledger.way.declaration.lambda_max);
        if used > lambda_max {
            return Err(Fault::LeakExceeded { used, lambda_max });
        }
        match step {
            BobStep::Send(bytes) => {
                self.desk.say(talk, Kind::Reconcile, |out| out.raw(&bytes))?;
                Ok(Step::Reconciling { engine, sifted, ledger })
            }
            BobStep::SendDone(bytes) => {
                let (corrected, outcome) = engine.corrected()?;
                if let Some(detectors) = &mut own.detectors {
                    detectors.of_key_basis(sifted.bits(), &corrected);
                }
                if let Some(errors) = &mut own.key_errors {
                    errors.count(sifted.bits(), &corrected);
                }
                let corrected = sifted.corrected(corrected, ledger, outcome)?;
                self.desk.say(talk, Kind::Reconcile, |out| out.raw(&bytes))?;
                Ok(Step::VerifyKey { corrected })
            }
        }
    }

    fn hear_amplify(
        &mut self,
        talk: &Talk,
        verified: Verified,
        amplify: &Amplify<'_>,
    ) -> Result<Step<E::Origin>> {
        if amplify.length != verified.length() {
            return Err(Fault::AmplifyDiffers);
        }
        let seed = SecretBits::from_bytes(amplify.seed, verified.seed_bits());
        let seed = seed.map_err(|_| Fault::AmplifyDiffers)?;
        let provenance = self.desk.entropy.provenance();
        let labels = self.desk.labels();
        let parameters = &self.desk.parameters;
        let origins = Origins { id: talk.id, parameters, labels: &labels };
        let (key, certificate) = verified.amplify(&seed, provenance, &origins)?;
        Ok(Step::AliceTag { key, certificate: Box::new(certificate) })
    }

    /// Alice's proof that she holds the key: this side holds it too, may use it, and says so.
    fn release(
        &mut self,
        talk: &mut Talk,
        own: &Own,
        key: SecretKey<E::Origin>,
        certificate: Box<Certificate>,
    ) -> Result<()> {
        let bits = key.len() as u64;
        let print = fingerprint(&key);
        let side = self.desk.side(own.lost_slots)?;
        let mut report = BlockReport::key(&self.desk.parameters, side, &certificate, print);
        report.by_detector = own.by_detector(self.desk.parameters.receiver);
        self.desk.store.hold(talk.id, key, *certificate)?;
        self.desk.store.release(talk.id)?;
        self.desk.events.push_back(Event::BlockDone(Box::new(report)));
        self.desk.events.push_back(Event::KeyReady { id: talk.id, bits });
        // Usable before the tag leaves: whatever happens to it, Alice will learn that it is held.
        if let Err(fault) = self.desk.say_tag(talk) {
            self.desk.hint(talk.id.block, &fault);
            if fault.effect() == Effect::Contact {
                self.desk.lose_contact(fault.clone());
                // Nothing can be said about the others either.
                self.end_blocks(|_| fault.clone())?;
            }
        }
        Ok(())
    }

    pub(super) fn hear_abort(&mut self, envelope: &Envelope, mut body: Reader<'_>) -> Result<()> {
        let (block, reason) = (envelope.block, body.u8().unwrap_or(0));
        // Every further block would only be burnt, at its price in ε. It may be forged, so it holds
        // for a while only: one such message must not stop the station for good.
        if reason == HINT_SHUTTING_DOWN {
            self.other_stops = Some(self.desk.now_ns);
        }
        if !self.talks.contains(block) {
            return Ok(());
        }
        self.at_work = Some(block);
        Err(Fault::GivenUp { block, reason })
    }

    pub(super) fn check_silence(&mut self) -> Result<()> {
        let now = self.desk.now_ns;
        let silence = |c: &Current<E::Origin>| now.saturating_sub(c.talk.heard_at_ns);
        if let Some(current) = self.talks.iter().find(|c| silence(c) > self.desk.local.silence_ns) {
            self.at_work = Some(current.block());
            return Err(Fault::Silent(silence(current) / 1_000_000, current.step.name()));
        }
        self.announce_next()
    }
}

impl<E: EntropySource, S: StationStore<E::Origin>> EndsBlocks for Session<E, S> {
    fn oldest_block(&self) -> Option<u64> {
        self.talks.oldest().map(OfBlock::block)
    }

    /// Ends a block in progress. A key that is in the store stays as it is.
    fn end_block(&mut self, block: u64, fault: Fault) -> Result<()> {
        let Some(current) = self.talks.take(block) else { return Ok(()) };
        let id = current.talk.id;
        if self.desk.is_open() {
            self.desk.hint(id.block, &fault);
        }
        if self.desk.store.state(id)?.is_some() {
            self.desk.events.push_back(Event::BlockUnresolved { id, fault });
            return Ok(());
        }
        self.desk.events.push_back(Event::BlockFailed { id, fault });
        Ok(self.desk.store.burn(id)?)
    }
}
