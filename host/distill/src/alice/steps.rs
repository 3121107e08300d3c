//! From the test results to Alice's tag: what she does on each of Bob's messages.

use helio_keys::EntropySource;

use crate::announced::Announced;
use crate::decide::{Decision, NoKeyReason, Way, decide};
use crate::error::{Effect, Fault, Result};
use crate::event::Event;
use crate::in_flight::EndsBlocks;
use crate::message::{Amplify, Declaration, Kind, Reader, TestResult, Verdict};
use crate::reconcile::{AliceStep, ReconcileAlice};
use crate::release::StationStore;
use crate::report::{BlockReport, fingerprint};
use crate::stage::Stage;
use crate::talk::Talk;
use crate::token::{BlockLedger, Corrected, Origins, Settled, Sifted};

use super::Session;
use super::block::Step;

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    pub(super) fn hear_result(
        &mut self,
        talk: &mut Talk,
        announced: Announced,
        result: TestResult,
        sifted: Sifted,
        lost_slots: u64,
    ) -> Result<Option<Step>> {
        self.desk.check_calibration(talk.id.block, announced.made_unix_s)?;
        let decision = decide(&self.desk.parameters, &announced.counts)?;
        let text = |d: Option<&Declaration>| d.map_or("no key".to_owned(), |d| format!("{d:?}"));
        let mine = match &decision {
            Decision::NoKey { .. } => None,
            Decision::Reconcile(way) => Some(&way.declaration),
        };
        if mine != result.declaration.as_ref() {
            let (mine, theirs) = (text(mine), text(result.declaration.as_ref()));
            return Err(Fault::DeclarationDiffers { mine, theirs });
        }
        match decision {
            Decision::NoKey { reason, lambda_max } => {
                self.end_without_key(talk, &announced, (reason, lambda_max), lost_slots)?;
                Ok(None)
            }
            Decision::Reconcile(way) => {
                self.begin_reconciliation(talk, announced, way, sifted, lost_slots).map(Some)
            }
        }
    }

    fn end_without_key(
        &mut self,
        talk: &Talk,
        announced: &Announced,
        why: (NoKeyReason, u64),
        lost_slots: u64,
    ) -> Result<()> {
        self.desk.store.burn(talk.id)?;
        let side = self.desk.side(lost_slots)?;
        let report = BlockReport::no_key(&self.desk.parameters, talk.id, side, announced, why);
        self.desk.events.push_back(Event::BlockDone(Box::new(report)));
        Ok(())
    }

    fn begin_reconciliation(
        &mut self,
        talk: &mut Talk,
        announced: Announced,
        way: Box<Way>,
        sifted: Sifted,
        lost_slots: u64,
    ) -> Result<Step> {
        self.desk.say(talk, Kind::Declaration, |out| way.declaration.write(out))?;
        self.desk.enter(Stage::Reconcile);
        let mut engine = way.plan.alice(sifted.bits())?;
        let first = engine.first();
        check_leak(engine.leak().total(), way.declaration.lambda_max)?;
        self.desk.say(talk, Kind::Reconcile, |out| out.raw(&first))?;
        let ledger = BlockLedger { announced, way };
        Ok(Step::Reconciling { engine, sifted, ledger, lost_slots })
    }

    pub(super) fn hear_reconcile(
        &mut self,
        talk: &mut Talk,
        (mut engine, sifted, ledger, lost_slots): (
            Box<dyn ReconcileAlice>,
            Sifted,
            BlockLedger,
            u64,
        ),
        mut body: Reader<'_>,
    ) -> Result<Option<Step>> {
        self.desk.enter(Stage::Reconcile);
        let step = engine.handle(body.rest())?;
        check_leak(engine.leak().total(), ledger.way.declaration.lambda_max)?;
        match step {
            AliceStep::Send(bytes) => {
                self.desk.say(talk, Kind::Reconcile, |out| out.raw(&bytes))?;
                Ok(Some(Step::Reconciling { engine, sifted, ledger, lost_slots }))
            }
            AliceStep::Done => {
                self.desk.enter(Stage::Verify);
                // Both strings are fixed: only now is the key of their hash drawn.
                let corrected = sifted.reference(ledger, engine.leak())?;
                self.desk.entropy.turn_to("verification key", talk.id.block);
                let key = corrected.verify_key(&mut self.desk.entropy)?;
                self.desk.say(talk, Kind::VerifyKey, |out| key.write(out))?;
                Ok(Some(Step::Verdict { corrected, lost_slots }))
            }
        }
    }

    pub(super) fn hear_verdict(
        &mut self,
        talk: &mut Talk,
        corrected: Corrected,
        lost_slots: u64,
        body: Reader<'_>,
    ) -> Result<Option<Step>> {
        let parameters = &self.desk.parameters;
        let Verdict { agree, key_errors } = Verdict::read(body, parameters.takes_key_errors())
            .map_err(|why| Fault::Malformed { kind: Some(Kind::Verdict), why })?;
        let verified = match corrected.verdict(agree)?.settle(parameters, key_errors)? {
            Settled::Key(verified) => verified,
            Settled::NoKey { announced, reason, lambda_max } => {
                // Bob's counts are not proven yet: where they are another's, he waits for a word.
                self.desk.hint(talk.id.block, &Fault::GivenUp { block: talk.id.block, reason: 0 });
                self.end_without_key(talk, &announced, (reason, lambda_max), lost_slots)?;
                return Ok(None);
            }
        };
        self.desk.enter(Stage::Amplify);
        let length = verified.length();
        self.desk.entropy.turn_to("seed of the last hash", talk.id.block);
        let seed = self.desk.entropy.bits(verified.seed_bits())?;
        self.desk.say(talk, Kind::Amplify, |out| {
            Amplify { length, seed: &seed.to_bytes() }.write(out);
        })?;
        let provenance = self.desk.entropy.provenance();
        let labels = self.desk.labels();
        let parameters = &self.desk.parameters;
        let origins = Origins { id: talk.id, parameters, labels: &labels };
        let (key, certificate) = verified.amplify(&seed, provenance, &origins)?;
        self.desk.enter(Stage::Release);
        let print = fingerprint(&key);
        let side = self.desk.side(lost_slots)?;
        let parameters = &self.desk.parameters;
        let report = Box::new(BlockReport::key(parameters, side, &certificate, print));
        // Durably pending before the tag leaves: the tag is the proof of it.
        self.desk.store.hold(talk.id, key, certificate)?;
        // From here on the block is in the store, and only an authenticated word discards it.
        match self.desk.say_tag(talk) {
            Ok(()) => Ok(Some(Step::BobTag { report })),
            Err(fault) => {
                self.desk
                    .events
                    .push_back(Event::BlockUnresolved { id: talk.id, fault: fault.clone() });
                self.desk.hint(talk.id.block, &fault);
                if fault.effect() == Effect::Contact {
                    self.desk.lose_contact(fault.clone());
                    // Nothing can be said about the others either.
                    self.end_blocks(|_| fault.clone())?;
                }
                Ok(None)
            }
        }
    }
}

fn check_leak(used: u64, lambda_max: u64) -> Result<()> {
    if used > lambda_max { Err(Fault::LeakExceeded { used, lambda_max }) } else { Ok(()) }
}
